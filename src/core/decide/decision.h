/* One decision, as a value and as bytes. */
#ifndef ASSAY_DECIDE_DECISION_H
#define ASSAY_DECIDE_DECISION_H

#include "core/base/buffer.h"
#include "core/decide/plan.h"

enum { DECISION_REASONS_MAX = 5, REASON_TEXT_MAX = 64 };

/* Facts of a decision, besides the score. */
enum decision_flag {
    DECISION_LATE = 1,       /* older than the newest event before it, but within lateness */
    DECISION_TOO_LATE = 2,   /* older than that: decided, not inserted */
    DECISION_AHEAD = 4,      /* further ahead of its time of receipt than max_ahead: not inserted */
    DECISION_NO_MODEL = 8,   /* rules only */
    DECISION_RIVALS = 16,    /* challenger or shadow were scored too: see struct decision */
    DECISION_FORGOTTEN = 32, /* see struct decision: forgotten */
    DECISION_UNCERTAINTY = 64, /* the model says how far it can be trusted */
    DECISION_OBSERVED =
        128, /* of a kind that is only observed: no decision, and never in the log */
    DECISION_FALLBACK = 256, /* waited past its deadline: the plan's fallback is the outcome; score
                              * and rules are what they would have been */
    DECISION_DEFERRED = 512, /* its reasons were not worked out for want of time */
    /* Shared aggregates are null, as the event says (enum shared_lack, in its order): */
    DECISION_SHARED_AWAY = 1024, /* who keeps them did not answer, */
    DECISION_SHARED_LATE = 2048, /* the event is older than what is kept, */
    DECISION_SHARED_PART = 4096, /* some events of a window are missing there */
};

/* What a decision owes to the moment in which it was made, and so cannot be found again from the
 * log before it: replay takes it from the record. */
enum { DECISION_TOLD = DECISION_FALLBACK | DECISION_DEFERRED };

struct reason {
    uint32_t feature;
    bool has_value; /* what the feature was; a log may not have kept it */
    bool is_null;
    uint8_t length; /* of text, which is cut at REASON_TEXT_MAX */
    union {
        int64_t integer;
        double real;
        char text[REASON_TEXT_MAX];
    };
    double contribution; /* to the margin */
};

void reason_take_value(struct reason *r, const struct column *c, uint32_t row);
/* Its value, of the feature's type; text is borrowed. */
struct value reason_value(const struct reason *r, enum type type);

struct decision;
/* Among the reasons: the largest are kept, equal ones in the order in which they come, and only
 * what raises the margin. Without its value. */
void decision_add_reason(struct decision *d, uint32_t feature, double contribution);

enum decider { BY_CHAMPION, BY_CHALLENGER, BY_SHADOW, DECIDERS };

const char *decider_name(enum decider d);

struct decision {
    uint64_t features_hash; /* of all feature values of the row, bit for bit */
    double margin;
    double probability;
    int16_t score;   /* 0..1000 */
    uint8_t outcome; /* of the plan's outcomes */
    uint8_t level;
    uint16_t flags;
    uint8_t reasons; /* entries of reason[]; filled where the outcome is not the mildest */
    uint64_t rules[PLAN_RULES_MAX / 64]; /* fired, by bit */
    /* Groups (velocity_group_name), by bit, whose features may lack events of the row's entity: it
     * was evicted for want of room, or its oldest events were. Never 0 where they do. */
    uint64_t forgotten;
    struct uncertainty uncertainty; /* with DECISION_UNCERTAINTY; otherwise 0 */
    /* With DECISION_RIVALS: who decided (margin, probability and score above are theirs), and what
     * the others that are set in `scored`, by bit, said. */
    uint8_t decided_by; /* enum decider: champion or challenger */
    uint8_t scored;
    struct {
        double margin, probability;
    } other[DECIDERS];
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

/* DECISION_TOLD of decision_format's bytes; 0 where they are cut short. */
uint16_t decision_told(struct text bytes);

/* Score 0..1000 and what follows: outcome and level by the plan's thresholds, then the rules. */
enum { DECISION_BYTES_MAX = 98 + 34 + PLAN_RULES_MAX / 8 + DECISION_REASONS_MAX * 12 };

#endif
