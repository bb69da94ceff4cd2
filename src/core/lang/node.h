/* The insides of a program, private to lang/.
 *
 *     text --lex, parse--> tree --check--> nodes of a program --run--> columns
 *
 * A node is a field, a constant, a call of a row of the function table (operators and hidden
 * conversions are rows too) or an aggregate. Nodes are hash-consed: asking for a node that exists
 * gives the old one. Arguments always have smaller numbers than the node that uses them, so the
 * order of numbers is an order of evaluation.
 */
#ifndef ASSAY_LANG_NODE_H
#define ASSAY_LANG_NODE_H

#include "core/lang/lang.h"

enum {
    LANG_ARGS_MAX = 16,            /* arguments of one call */
    LANG_HEIGHT_MAX = 2048,        /* nesting of one value with features written out */
    LANG_CANONICAL_MAX = 64 << 10, /* bytes of an aggregate written out */
    LANG_SET_MAX = 500,            /* members of one "in" set */
    LANG_WINDOW_DAYS_MAX = 3660,   /* ten years: of over and of delay */
    LANG_NAME_SHOWN = 80,          /* bytes of a name in messages */
    TYPE_NONE = TYPES,             /* of the word null before its context gives it a type */
};

struct call;

/* How a call is written. */
enum shape { SHAPE_CALL, SHAPE_INFIX, SHAPE_PREFIX, SHAPE_IN, SHAPE_IS_NULL, SHAPE_HIDDEN };

/* Strength of binding, weakest first, as in the grammar. */
enum binding {
    BIND_OR = 1,
    BIND_AND,
    BIND_NOT,
    BIND_COMPARE,
    BIND_SUM,
    BIND_PRODUCT,
    BIND_NEGATION,
    BIND_PRIMARY,
};

/* Parameter types beyond enum type. */
enum { PARAM_ANY = 100, PARAM_SAME = 101 };

/* A last argument that must be written as a literal; all but a pattern may be left out. */
enum literal_kind { LITERAL_NONE, LITERAL_ZONE, LITERAL_DIGITS, LITERAL_PATTERN };

struct pattern;

/* What it became. */
struct literal {
    int64_t number;          /* digits; microseconds east of UTC where there is no zone */
    const struct zone *zone; /* the program's, or NULL */
    struct pattern *pattern; /* owned by the node */
};

/* One row of the function table: a name with one list of types. */
struct overload {
    const char *name;
    enum shape shape;
    enum binding binding;
    uint8_t params[6];
    uint8_t count;
    bool is_variadic; /* the last parameter may repeat */
    bool takes_null;  /* the word null may stand for a PARAM_SAME */
    uint8_t result;
    uint16_t same; /* 1 << type for each that PARAM_SAME may be */
    enum literal_kind literal;
    void (*run)(const struct call *c);
};

const struct overload *overload_table(size_t *count);
/* Rows that are asked for by type: hidden conversions, and "in". */
const struct overload *overload_convert(enum type from, enum type to);
const struct overload *overload_in(enum type type);
/* The first row of the name that takes this type first; it exists. */
const struct overload *overload_of(const char *name, enum type type);
const struct overload *overload_in_list(void);
bool function_exists(struct text name);
bool lang_is_aggregate(struct text name); /* those made of others included */
/* Names of aggregates made of others (derived.c), one after the other; NULL past the last. */
const char *lang_derived_name(size_t index);

enum node_kind { NODE_FIELD, NODE_CONSTANT, NODE_CALL, NODE_AGGREGATE };

/* The members of an "in" set, sorted, without repetition. */
struct set {
    enum type type;
    uint32_t count;
    struct value *members; /* owns the texts */
};

struct node {
    enum node_kind kind;
    enum type type;
    const struct overload *row; /* of a call */
    int64_t param;              /* field number, aggregate number */
    struct literal literal;     /* of a call; the list's number of "in list" */
    struct value value;         /* of a constant; owns its text */
    struct set *set;            /* of "in" */
    const int *args;            /* owned */
    uint32_t count;
    int level;
    int height;
    uint64_t zones;   /* of the rules of the time zones below it; 0: none */
    bool is_constant; /* same value in every row, computed by registers_init */
    bool is_live;     /* something asked for needs it; after program_finish */
    uint64_t fingerprint;
};

struct named {
    char *name;
    int node;
};

struct list_name {
    char *name;
    enum type type;
};

struct program {
    const struct schema *schema;
    struct node *nodes;
    uint32_t count;
    uint32_t capacity;
    int *table; /* node + 1, open addressing by fingerprint */
    uint32_t table_size;
    struct aggregate **aggregates;
    uint32_t aggregate_count;
    struct named *entities;
    uint32_t entity_count;
    struct named *features;
    uint32_t feature_count;
    struct zone **zones; /* that have a name */
    uint32_t zone_count;
    struct zone_source zone_source;
    struct literal standard_zone; /* of calendar functions without one */
    struct list_name *lists;
    uint32_t list_count;
    int *missing; /* by field: the constant that stands in for it, or -1; NULL: none does */
    int *roots;   /* of conditions */
    uint32_t root_count;
    int levels;
    int *order;       /* calls to run, by level then number */
    int *level_start; /* levels + 1 indices into order */
    int *views;       /* live fields */
    int view_count;
    bool is_finished;
    bool is_grouped;
};

/* Each returns the node's number, taking over what `n` owns; -1 where the program is full. */
int node_field(struct program *p, int field);
int node_constant(struct program *p, const struct value *v); /* text copied */
int node_call(struct program *p, const struct overload *row, const int *args, uint32_t count,
              enum type type, const struct literal *literal, struct set *set);
/* An equal aggregate that exists is returned and `a` freed. */
int node_aggregate(struct program *p, struct aggregate *a);
/* Forget all nodes from `count` on, and their aggregates. */
void program_truncate(struct program *p, uint32_t count);
void program_print_aggregate(const struct program *p, const struct aggregate *a,
                             struct buffer *out);
void aggregate_free(struct aggregate *a);
void lang_set_free(struct set *s);
bool lang_is_in_list(const struct node *n);
bool lang_set_equal(const struct set *a, const struct set *b);
/* '+07:00', 'UTC' or the name of a zone, which becomes the program's. */
bool program_read_zone(struct program *p, struct text t, struct literal *l,
                       struct error *e) MUST_USE;
/* Of the rules of all time zones that the aggregate reads; 0: none. */
uint64_t node_zones_of(const struct program *p, const struct aggregate *a);
int lang_named_find(const struct named *list, uint32_t count, struct text name); /* index or -1 */

/* What a kernel sees: whole columns. It writes every row of `out`; a null cell is 0 or "". */
struct call {
    uint32_t rows;
    uint32_t count;
    const struct column *arg[LANG_ARGS_MAX];
    struct column *out;
    const struct node *node;
    const struct list_reader *lists; /* or NULL */
    struct arena *text;
    struct pattern_memory *patterns;
};

#endif
