/* Which windows a plan shares, in the form in which Redis keeps them.
 *
 * A group is the shared aggregates by one key. Each event of an entity there has
 *   terms   running sums of all events up to it: count and sum of an operand, so a window's sum is
 *           the difference of two events' terms, exact as in core/velocity;
 *   values  an operand's value as text that sorts as the values do, for distinct, min, last ...
 * Aggregates that differ only in their window share them. Immutable. */
#ifndef ASSAY_RUN_SHARED_LAYOUT_H
#define ASSAY_RUN_SHARED_LAYOUT_H

#include "core/decide/plan.h"
#include "shell/settings/settings.h"

struct shared_term {
    int operand; /* node, or -1: every event */
    int where;   /* node, or -1 */
    bool has_sum;
};

struct shared_value {
    int operand, where;
    bool is_token;    /* for equality only: texts are not kept as they are */
    bool keeps_nulls; /* prev */
};

enum shared_op {
    SHARED_SUMS,
    SHARED_DISTINCT,
    SHARED_LEAST,
    SHARED_MOST,
    SHARED_LAST,
    SHARED_PREV
};

struct shared_read {
    const struct aggregate *aggregate;
    int field;
    enum shared_op op;
    uint32_t of; /* the term or value */
    bool is_prior;
};

struct shared_group {
    const struct aggregate *key; /* any of its aggregates: for the key */
    struct shared_term *term;
    struct shared_value *value;
    struct shared_read *read;
    uint32_t terms, values, reads;
    int64_t longest_us;   /* of its windows */
    uint64_t fingerprint; /* of what is kept: others' events cannot be read */
};

struct shared_layout {
    const struct plan *plan;
    struct shared_group *group;
    uint32_t groups;
    int64_t longest_us;
    uint64_t fingerprint; /* of all groups */
};

/* Whether the settings say that this aggregate is shared: all parts of its key are. */
bool shared_is_wanted(const struct settings *s, const struct aggregate *a);
/* Appends a field for each shared aggregate of the plan, and that of what they lack. Without a
 * shared entity nothing. ERROR_INVALID names an aggregate that cannot be shared, and why. */
bool shared_extend(const struct settings *s, const struct plan *plan, struct schema *schema,
                   struct error *e) MUST_USE;
/* Whether all that the settings share can be; without their fields. */
bool shared_check(const struct settings *s, const struct plan *plan, struct error *e) MUST_USE;

/* Of a plan whose schema has those fields; groups 0: it shares nothing. The plan outlives it. */
void shared_layout_init(struct shared_layout *l, const struct plan *p);
void shared_layout_fini(struct shared_layout *l);

#endif
