/* What the aggregates of a program need, worked out once: per group the cells that an event leaves
 * behind, the cursors over them, the terms kept at cursors, and how each result is read.
 *
 * A window (t-d-w, t-d] is a pair of cursors, lo at offset d+w and hi at offset d: a cursor at
 * offset x is the index of the first event newer than t-x. So windows that end or begin at the same
 * offset share a cursor. lo = CURSOR_NONE is the unbounded window.
 *
 * A sum that is not filtered is the difference of two running sums: each event carries the sum of
 * its cell over all events up to it, in 96 bits, which 2^32 of the largest values do not exceed. So
 * a cursor that only such sums need does nothing but move. Running sums are the last bytes of an
 * event, and of the head before the first: what a cursor has passed stands just before its event.
 *
 * All else is a term: the count, sum and squares of all events that a cursor ever passed, and a
 * window's sum is the difference of two terms: exact, since all of it is modulo 2^64, 2^128 and
 * 2^192. An event thus enters all windows that end at a cursor by one addition. Only distinct is
 * kept per window. How many values of a cell are not null is the distance of two cursors less the
 * nulls that they passed, and these are counted from an entity's first null on only.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_LAYOUT_H
#define ASSAY_VELOCITY_LAYOUT_H

#include "core/velocity/velocity.h"

enum { CURSOR_NONE = -1, BIT_NONE = -1, LABEL_KNOWN_BIT = 0, LABEL_FRAUD_BIT = 1 };

enum { RUNNING_BYTES = 12 }; /* of a running sum */

enum cell_kind {
    CELL_INTEGER,  /* bool, int, decimal, time, duration as they are */
    CELL_FIXED,    /* a real in millionths, for sums */
    CELL_REAL,     /* a real's bits */
    CELL_TOKEN,    /* a text's 128-bit token, for equality: two columns */
    CELL_TEXT,     /* the region_ref of a text's copy */
    CELL_SKETCHED, /* the token of a sketch, of 32 bits: hyperloglog.h */
};

/* One value of each event. */
struct cell {
    int node;
    enum cell_kind kind;
    uint32_t column; /* of 8-byte columns, and index into row values */
    int null_bit;
    int running;  /* number of its running sum, or -1 */
    bool is_kept; /* in the events; else running sums are all that is needed of it */
};

struct where {
    int node;
    int bit;
};

enum acc_kind {
    ACC_CELL,       /* count, sum, squares of a cell (or only the count of events) */
    ACC_LABEL,      /* count and sum of known labels */
    ACC_UNLABELLED, /* count of events without a label */
    ACC_NULLS,      /* count of events whose cell is null */
    ACC_DECAYED,    /* a ring of decay.h */
    ACC_DISTINCT,   /* number of different values; the rest is in the events */
    ACC_FREQUENCY,
};

enum acc_part { PART_COUNT = 1, PART_SUM = 2, PART_SQUARES = 4, PART_RING = 8 };

/* Two tests of an event's flag bytes, as most events must pass none, one or two of them: its
 * filter, and that its cell is not null or its label known. */
struct test {
    uint16_t byte[2];
    uint8_t mask[2], want[2];
};

enum value_from { VALUE_CELL, VALUE_FRAUD };

/* Ways to add a term, the common one short: an unknown label is not fraud, so it needs no test. */
enum term_way { WAY_FRAUDS, WAY_TESTED, WAY_DISTINCT, WAY_FREQUENCY };

/* What moving a cursor forward over an event adds; backward it is the opposite. */
struct term {
    enum term_way way;
    struct test test;
    enum acc_kind kind;
    unsigned parts;
    enum value_from from;
    uint32_t column;                       /* of the cell */
    uint32_t count_at, sum_at, squares_at; /* offsets in the entity */
    bool unbounded;                        /* keeps what is dropped for want of room */
    int sign;                              /* ACC_DISTINCT, ACC_FREQUENCY */
    uint32_t acc;                          /* ACC_DISTINCT, or any that reads it; the frequency */
    int64_t half_life_us;                  /* ACC_DECAYED */
    uint32_t epochs;
    uint32_t ring_at;
};

/* What lies between two cursors. */
struct acc {
    enum acc_kind kind;
    int lo, hi;         /* cursors; those of a step where there is one, hi then -1 without delay */
    int step;           /* or -1 */
    int cell;           /* or -1 */
    int where_bit;      /* or BIT_NONE */
    int unique;         /* ACC_DISTINCT */
    bool counts_absent; /* ACC_LABEL: an event without a label counts as legitimate */
    bool derived;       /* the count is the distance of the cursors, less the nulls */
    bool is_running;    /* the sum is that of the events */
    unsigned parts;
    int lo_term, hi_term;
    int lo_nulls, hi_nulls;                         /* terms */
    uint32_t count_at, sum_at, squares_at;          /* at hi, or of the window (ACC_DISTINCT) */
    uint32_t lo_count_at, lo_sum_at, lo_squares_at; /* to subtract, if lo >= 0 */
    uint32_t nulls_at, lo_nulls_at;                 /* where the count is derived; 0: none */
    int64_t half_life_us;                           /* ACC_DECAYED: rings at sum_at, lo_sum_at */
    uint32_t epochs;
};

/* What there is to do for an event that a cursor passes; the common cases have loops of their own.
 */
enum cursor_shape {
    SHAPE_NOTHING, /* counts and running sums */
    SHAPE_FRAUDS,  /* one sum of labels */
    SHAPE_MANY,
};

struct cursor {
    int64_t offset_us;
    enum cursor_shape shape; /* of an entity without nulls, */
    enum cursor_shape shape_of_nulls;
    uint32_t frauds_at; /* SHAPE_FRAUDS: the sum */
    uint32_t term_count;
    struct term *terms;
};

/* What a cursor has passed of a running sum. */
struct passed {
    uint32_t cursor;
    uint32_t running;
    uint32_t back; /* bytes that it stands before the event at the cursor */
    uint32_t at;   /* of the copy, in the state that is read */
};

enum range_op { RANGE_MIN, RANGE_MAX, RANGE_NEWEST };

/* The smallest, largest or newest passing event of any stretch of an entity's events. */
struct range {
    enum range_op op;
    int cell;
    int where_bit;
    bool skip_null;
    bool has_tree;    /* else every event passes and the newest is the last */
    bool has_base;    /* an unbounded aggregate needs what was dropped */
    uint32_t tree;    /* number among the trees */
    uint32_t base_at; /* struct range_base in the entity */
};

/* Occurrences of equal values. */
struct unique {
    int cell;
    int where_bit;
    bool has_base;
    uint32_t links;    /* of 4-byte columns: back, then forward */
    uint32_t state_at; /* struct unique_state in the entity */
};

/* Values in order of size: order.h. */
struct order {
    int cell;
    int where_bit;
    uint32_t number; /* among the orders of an entity */
};

/* How often values occur in a window: frequency.h. */
struct frequency {
    int unique;
    int lo, hi;       /* cursors */
    uint32_t links;   /* of 4-byte columns: mate, then count */
    bool has_tree;    /* mode */
    bool has_sums;    /* entropy: number of events, then the sum */
    uint32_t tree;    /* number among the trees */
    uint32_t sums_at; /* in the entity */
};

/* Sketches of different values: approx.h. */
struct approx {
    int cell;
    int where_bit;
    int hi;            /* cursor */
    bool has_settled;  /* rows may be late */
    uint32_t state_at; /* struct approx_state in the entity */
};

struct step_cursor {
    int64_t offset_us;
    uint32_t index_at; /* in the entity: index of the first record not passed */
    uint32_t sums_at;  /* and what it passed, as in a record */
};

/* Records of one step's length: step.h. */
struct step {
    int64_t step_us;
    int64_t longest_us; /* of the cursors' offsets */
    struct step_cursor *cursors;
    struct term *terms;     /* offsets in a record's sums */
    struct range *extremes; /* base_at in a record */
    uint32_t cursor_count, term_count, extreme_count;
    uint32_t sums_bytes;
    uint32_t record_bytes;
    uint32_t state_at; /* in the entity */
};

/* What a result is made of; the first three are short-cuts for the common ones. */
enum read_kind {
    READ_EVENTS,
    READ_SUM,
    READ_MEAN,
    READ_TERMS,
    READ_LABEL,
    READ_RANGE,
    READ_UNIQUE,
    READ_DECAYED,
    READ_ORDER,
    READ_FREQUENCY,
    READ_APPROX,
    READ_STEP,
    READ_KINDS,
};

struct read {
    enum read_kind kind;
    int node;
    int lo, hi;
    bool sees_now;   /* the current row is in the window, if it passes the filter */
    bool always_now; /* it is, and a sum takes it without a test: there is no filter */
    bool prior;
    struct test takes_now; /* the filter, and that the cell is not null */
    uint32_t column;       /* of the cell, 0 without */
    const struct acc *sums;
    uint64_t units; /* how many units of the sums make one of the operand */
    const struct aggregate *aggregate;
    int where_bit;
    int cell;
    int acc, absent_acc; /* or -1; the second counts matured events without a label */
    int range;           /* of a step: among its extremes */
    int unique;
    int order, frequency, step, approx;
};

/* A read of kind READ_EVENTS, READ_SUM or READ_MEAN as the hot loop wants it, all offsets known. */
struct plain_read {
    uint32_t lo, hi;                /* cursors whose distance is the count, or both the first */
    uint32_t sum_at, lo_sum_at;     /* in the entity; the second 0: unbounded */
    uint32_t count_at, lo_count_at; /* 0: the count is hi - lo, less the nulls */
    uint32_t nulls_at, lo_nulls_at; /* 0: there are none */
    uint32_t column;                /* of the row's value, if now is set */
    uint8_t sees_now, always_now;
    uint8_t has_value; /* else the row adds 0: it has no label yet */
    struct test takes_now;
    uint64_t units;
};

struct group {
    const struct aggregate *key; /* any aggregate of the group: for its key */
    int level;
    bool has_label;
    uint32_t label_cursor;    /* that of the label delay, or the nearest before it */
    bool has_text;            /* some cell is a text */
    bool drops_plainly;       /* an event takes nothing along when it comes or goes */
    bool seeks_plainly;       /* cursors do nothing but move, as long as there are no nulls */
    bool appends_plainly;     /* an appended event concerns windows only */
    int64_t endless_delay_us; /* of unbounded aggregates: they have not passed what is newer */
    int64_t reach_us;         /* no bounded window holds an event older than the row by this */
    bool expires;             /* idle entities can be freed */
    int64_t
        horizon_us;  /* events older than the watermark by this can be dropped; INT64_MAX: never */
    int64_t idle_us; /* entities whose newest event is so old can be freed */
    struct cell *cells;
    struct where *wheres;
    struct cursor *cursors;
    struct passed *passed;
    uint32_t *running_of; /* the running sums' cells: their columns */
    uint8_t *null_mask;   /* of an event's flags: nulls that cursors count */
    bool counts_nulls;
    struct acc *accs;
    struct range *ranges;
    struct unique *uniques;
    struct order *orders;
    struct frequency *frequencies;
    struct approx *approxes;
    struct step *steps;
    struct read *reads;
    struct plain_read *plain_reads; /* the first reads_of[READ_TERMS] of them */
    bool writes_text;               /* some result is a text */
    uint32_t cell_count, where_count, cursor_count, acc_count, range_count, unique_count;
    uint32_t passed_count;
    uint32_t order_count, frequency_count, approx_count, step_count;
    uint32_t read_count;
    uint32_t reads_of[READ_KINDS + 1]; /* reads stand in order of kind: where each begins */
    /* Shape of an entity. */
    uint32_t head_bytes;          /* struct entity, cursors, accumulators, bases, running sums */
    uint32_t terms_at, terms_end; /* what is between the cursors and the running sums */
    uint32_t state_bytes;         /* a copy of the head, and of what cursors have passed */
    uint32_t words;               /* 8-byte words of an event: time, [seq], cells */
    uint32_t links;               /* 4-byte words of an event */
    uint32_t trees;
    uint32_t flag_bytes; /* nulls, filters, label */
    uint32_t running_count;
    uint32_t links_at, flags_at, running_at, event_bytes; /* of an event */
    uint32_t end_bytes;   /* what stands behind the last event: entity.h */
    uint32_t image_words; /* of an event and of cells that are not kept */
};

struct velocity_layout {
    struct velocity_options options;
    struct group *groups;
    uint32_t group_count;
    uint32_t head_bytes_max;
    uint64_t fingerprint;
};

/* t - offset without overflow. */
static inline int64_t time_before(int64_t t, int64_t offset_us)
{
    int64_t r;

    return __builtin_sub_overflow(t, offset_us, &r) ? INT64_MIN : r;
}

static inline int64_t lateness_of(const struct velocity_layout *l)
{
    return l->options.lateness_us > 0 ? l->options.lateness_us : 0;
}

#endif
