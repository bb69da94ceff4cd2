/* One decision, as a value and as bytes. */
#ifndef ASSAY_DECIDE_DECISION_H
#define ASSAY_DECIDE_DECISION_H

#include "core/base/buffer.h"
#include "core/decide/plan.h"

enum { DECISION_REASONS_MAX = 5 };

/* Facts of a decision, besides the score. */
enum decision_flag {
    DECISION_LATE = 1,       /* older than the newest event before it, but within lateness */
    DECISION_TOO_LATE = 2,   /* older than that: decided, not inserted */
    DECISION_AHEAD = 4,      /* further ahead of its time of receipt than max_ahead: not inserted */
    DECISION_NO_MODEL = 8,   /* rules only */
    DECISION_FORGOTTEN = 32, /* see struct decision: forgotten */
    DECISION_UNCERTAINTY = 64, /* the model says how far it can be trusted */
    DECISION_OBSERVED =
        128, /* of a kind that is only observed: no decision, and never in the log */
};

struct reason {
    uint32_t feature;
    double contribution; /* log-odds */
};

struct decision {
    uint64_t features_hash; /* of all feature values of the row, bit for bit */
    double margin;
    double probability;
    int16_t score;   /* 0..1000 */
    uint8_t outcome; /* of the plan's outcomes */
    uint8_t level;
    uint8_t flags;
    uint8_t reasons; /* entries of reason[]; filled where the outcome is not the mildest */
    uint64_t rules[PLAN_RULES_MAX / 64]; /* fired, by bit */
    /* Groups (velocity_group_name), by bit, whose features may lack events of the row's entity: it
     * was evicted for want of room, or its oldest events were. Never 0 where they do. */
    uint64_t forgotten;
    struct uncertainty uncertainty; /* with DECISION_UNCERTAINTY; otherwise 0 */
    struct reason
        reason[DECISION_REASONS_MAX]; /* largest first, only those that raise the margin */
};

static inline bool decision_has_rule(const struct decision *d, uint32_t rule)
{
    return (d->rules[rule / 64] >> (rule % 64) & 1) != 0;
}

/* Whether the event is of a kind that is decided; of others nothing else is set. */
static inline bool decision_is_made(const struct decision *d)
{
    return (d->flags & DECISION_OBSERVED) == 0;
}

/* The decision as bytes: what the log keeps, what replay compares, what the one hash is made of. */
void decision_format(const struct decision *d, const struct plan *p, struct buffer *out);
/* ERROR_INVALID where the bytes are damaged or name what the plan does not have. */
bool decision_parse(struct reader *in, const struct plan *p, struct decision *d,
                    struct error *e) MUST_USE;

/* Score 0..1000 and what follows: outcome and level by the plan's thresholds, then the rules. */
enum { DECISION_BYTES_MAX = 96 + PLAN_RULES_MAX / 8 + DECISION_REASONS_MAX * 12 };

#endif
