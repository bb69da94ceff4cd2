/* The expression language: one language for features, rules, filters and conditions.
 *
 * Text is parsed to a tree, checked against the schema, and compiled into a program: a list of
 * typed nodes in which equal subexpressions are one node. A program runs over the columns of a
 * frame, whether it has one row or thousands, by the same kernels.
 *
 * Aggregates (`mean(amount) by customer over 7d`) are nodes whose values come from outside: the
 * program lists them as struct aggregate and velocity/ fills their columns. Nodes have levels so
 * that this can be done over whole columns:
 *
 *     program_run(level 0)  pure nodes that need no aggregate
 *     velocity, level 0     aggregates whose operands are of level 0
 *     program_run(level 1)  pure nodes over those, and so on
 *
 * Grammar, null rules and types are those of docs/language.md. Limits: LANG_* below; one past each
 * is an error with its position.
 *
 * A program is immutable after program_finish and may be shared between threads; a run has its
 * own struct registers, one thread each.
 */
#ifndef ASSAY_LANG_LANG_H
#define ASSAY_LANG_LANG_H

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/base/zone.h"
#include "core/data/frame.h"

enum {
    LANG_TEXT_MAX = 4096,  /* bytes of one expression */
    LANG_NODES_MAX = 1000, /* nodes of one expression */
    LANG_DEPTH_MAX = 64,
    LANG_FEATURES_MAX = 1024,
    LANG_PROGRAM_NODES_MAX = 65536,
    LANG_KEYS_MAX = 4, /* names in a composite key */
    LANG_LISTS_MAX = 64,
    LANG_ZONES_MAX = 64,   /* named time zones of a program */
    LANG_STEPS_MAX = 4096, /* steps of a window */
};

enum aggregate_kind {
    AGG_COUNT,
    AGG_SUM,
    AGG_MEAN,
    AGG_MIN,
    AGG_MAX,
    AGG_STD,
    AGG_PREV, /* always prior: the operand of the newest earlier event (null there stays null) */
    AGG_LAST, /* as prev, but the newest value that is not null, this event included unless prior */
    AGG_IS_NEW, /* always prior: no earlier event in the window has this operand */
    AGG_DISTINCT,
    AGG_MODE,          /* the most frequent operand; of equally frequent ones that seen last */
    AGG_ENTROPY,       /* of the operand's frequencies, in bits */
    AGG_QUANTILE,      /* linear between the two nearest ranks (type 7) */
    AGG_RANK,          /* always prior: (less + half of equal) / n, of the row's own operand */
    AGG_DECAYED_COUNT, /* of events, each weighted 2^(-age / half-life) */
    AGG_DECAYED_SUM,
    AGG_APPROX_DISTINCT, /* from a sketch, which is bounded: the only one that is not exact */
    AGG_KINDS,
};

const char *aggregate_name(enum aggregate_kind kind);
bool aggregate_is_prior(enum aggregate_kind kind); /* whether `prior` is said or not */
bool aggregate_is_approximate(enum aggregate_kind kind);

/* One aggregate of a program. Node numbers refer to the program's nodes. */
struct aggregate {
    enum aggregate_kind kind;
    bool of_label; /* mean(label), sum(label), count(label): the operand is the label */
    int operand;   /* node, or -1 for count() and for the label */
    enum type operand_type;
    int keys[LANG_KEYS_MAX]; /* nodes of level 0 */
    int key_count;
    char *key_name;  /* the entity's name, or "card+merchant" for a composite key */
    int where;       /* bool node, or -1 */
    int64_t over_us; /* 0 = unbounded */
    int64_t step_us; /* 0 = exact edges; over and delay are multiples of it */
    int64_t delay_us;
    int64_t param; /* quantile: millionths; decayed_*: the half-life in microseconds */
    bool prior;
    enum type type;  /* of the result */
    int node;        /* the node that takes the result */
    int level;       /* level of operand, where: run after program_run of that level */
    char *canonical; /* the key of its state: its text, and a comment of its time zones' rules */
};

struct node;           /* in lang/node.h, private to lang/ */
struct pattern_memory; /* in lang/pattern.h, likewise */

struct program;

/* What names mean: the event's fields, the entities (name -> expression of fields) and, as they are
 * added, the features. The schema must outlive the program. */
struct program *program_new(const struct schema *schema);
void program_free(struct program *p);

/* Where named time zones come from: asked once for each name while entities, features and
 * conditions are added. A zone that it gives is the program's; NULL with the error where there is
 * none. Without a source only offsets from UTC are known. */
struct zone_source {
    struct zone *(*find)(void *context, struct text name, struct error *e);
    void *context;
};

void program_lend_zones(struct program *p, const struct zone_source *s);
/* The zone of calendar functions that name none: an offset, 'UTC' or a name. Before all others. */
bool program_set_time_zone(struct program *p, struct text zone, struct error *e) MUST_USE;
/* The named zones that the program has: what it computes depends on their rules. */
uint32_t program_zone_count(const struct program *p);
const struct zone *program_zone(const struct program *p, uint32_t index);

/* An entity kind: `by name` uses this key. `key` is a field name as it is (no backticks needed) or
 * an expression of fields; its type must not be real. */
bool program_add_entity(struct program *p, struct text name, struct text key,
                        struct error *e) MUST_USE;

/* The node of its key, or -1. It has a column in a run only where an aggregate is by it. */
int program_entity(const struct program *p, struct text name);

/* From here on aggregates are of groups of rows that whoever runs the program knows (a rollup's
 * periods): `sum(x) where (...)`, without `by` and windows. Only count, sum, mean, min, max, std
 * and distinct, which need no order of rows. Before all others. */
void program_set_grouped(struct program *p);

/* A list: `x in list(name)`. Its members are no part of the program; whoever runs it gives them
 * through registers.lists. The name is a plain one, the type text, int or decimal. Lists are
 * numbered from 0 in the order in which they are added. */
bool program_add_list(struct program *p, struct text name, enum type type,
                      struct error *e) MUST_USE;

/* Compile one named expression; later ones may use it by name. On failure nothing is added and the
 * error has the form "NAME: 1:14: expected ..., found ...; did you mean ...?" (line and column, in
 * characters). A feature that has the name of a field must be that field. Returns through *node the
 * node that holds its value. */
bool program_add_feature(struct program *p, struct text name, struct text source, int *node,
                         struct error *e) MUST_USE;
/* A condition (rule, filter): as a feature, but its type must be bool and it gets no name. */
bool program_add_condition(struct program *p, struct text name, struct text source, int *node,
                           struct error *e) MUST_USE;
/* The condition that an event fails: `source` must hold. It fires where that is false, not where it
 * is null, and reads fields as the event has them, whatever stands in for missing ones. */
bool program_add_violation(struct program *p, struct text name, struct text source, int *node,
                           struct error *e) MUST_USE;
/* What stands in for the field where an event has it not: everywhere but in keys, in violations and
 * after the field's `is null`. Of the field's type; copied. Before anything is compiled. */
void program_set_missing(struct program *p, int field, const struct value *v);
void program_finish(struct program *p);

/* The field that the node is, as the event has it; FIELD_NONE where it is something else. */
int program_field(const struct program *p, int node);
int program_levels(const struct program *p); /* number of levels, at least 1 */
enum type program_type(const struct program *p, int node);
uint32_t program_aggregate_count(const struct program *p);
const struct aggregate *program_aggregate(const struct program *p, uint32_t index);
/* The canonical text of a node, entities and features written out: print(parse(x)) is stable. */
void program_print(const struct program *p, int node, struct buffer *out);
/* 64 bits that change when the meaning of a node changes: of its canonical text, the types of the
 * fields that it reads and the rules of its time zones. A model is held to these. */
uint64_t program_fingerprint(const struct program *p, int node);
/* Calls `visit` with each event field that the node reads, directly or through others, keys of its
 * aggregates included; the label of aggregates of it is not among them. */
void program_fields(const struct program *p, int node, void (*visit)(void *context, int field),
                    void *context);
/* Whether the node asks a list, directly or through others: its value then depends on the list's
 * changes too. */
bool program_asks_list(const struct program *p, int node);
/* Calls `visit` with each aggregate that the node reads, directly or through others. */
void program_aggregates(const struct program *p, int node,
                        void (*visit)(void *context, const struct aggregate *a), void *context);

/* Who knows the members of lists: for rows [0, rows) of `value`, a column of the list's type,
 * writes 1 or 0 to `is_member`. What it says where value is null does not matter. */
struct list_reader {
    void (*read)(const void *context, uint32_t list, const struct column *value, uint32_t rows,
                 int64_t *is_member);
    const void *context;
};

/* Values of the nodes for up to `capacity` rows: of features, conditions, operands, keys, `where`
 * and what they need; other nodes have no column. Velocity writes the columns of aggregates' nodes.
 * The text arena is sized so that no text can fail for want of room: results never depend on the
 * batch. */
struct registers {
    const struct program *program;
    uint32_t rows;
    uint32_t capacity;
    struct column *column;           /* by node */
    const struct list_reader *lists; /* borrowed; NULL: all lists are empty */
    struct arena text;               /* texts made by functions; cleared by registers_begin */
    struct pattern_memory *patterns; /* of searches */
};

void registers_init(struct registers *r, const struct program *p, uint32_t capacity);
void registers_fini(struct registers *r);
/* Start a run over rows [first, first + rows) of the frame: field nodes become views of its
 * columns (no copy). rows <= capacity. */
void registers_begin(struct registers *r, const struct frame *f, uint32_t first, uint32_t rows);
void program_run(const struct program *p, struct registers *r, int level);

/* The functions for users: docs/functions.md, hints, completion. */
struct function_info {
    const char *group;
    const char *name;
    const char *signature; /* "geo_km(lat1, lon1, lat2, lon2) -> real" */
    const char *summary;
    const char *nulls;   /* when it is null beside null arguments; "" never */
    const char *example; /* an expression of literals */
    const char *result;  /* its value as printed */
};

const struct function_info *lang_functions(size_t *count);

/* The aggregates for users. Examples are expressions over the events of lang_history, whose values
 * are those at the last of them. */
struct aggregate_info {
    const char *name;
    const char *signature; /* "sum(x) -> type of x" */
    const char *summary;
    const char *nulls; /* its value where there is nothing to look at */
    const char *example;
    const char *result;
};

const struct aggregate_info *lang_aggregates(size_t *count); /* each name at least once */

/* Events in the order of time. Cells as text, "" is null. The entity `customer` is that field, and
 * a label becomes known HISTORY_LABEL_DAYS after its event. */
enum { HISTORY_FIELDS = 6, HISTORY_LABEL_DAYS = 1 };

struct history_field {
    const char *name;
    enum type type;
};

struct history {
    struct history_field field[HISTORY_FIELDS]; /* the first is the time, the last the label */
    const char *const (*event)[HISTORY_FIELDS];
    uint32_t events;
};

const struct history *lang_history(void);

/* docs/functions.md. */
void lang_print_functions(struct buffer *out);

#endif
