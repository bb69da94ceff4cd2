/* Why: a decision's fired rules and largest contributions, in words for people and files. */
#ifndef ASSAY_RUN_REASONS_H
#define ASSAY_RUN_REASONS_H

#include "core/decide/decision.h"

/* "BLOCKED_MERCHANT; amount +2.31; terminal_risk_28d +1.10" */
void reasons_text(const struct decision *d, const struct plan *p, struct buffer *out);

/* What a feature was in an entity's own earlier decisions. */
struct own_normal {
    const char *entity;         /* its kind */
    uint32_t n;                 /* decisions that had a value */
    bool is_number;             /* otherwise a category */
    double median, least, most; /* of a number */
    double below;               /* share of the n that had less than now */
    const struct text *usual;   /* of a category: the most frequent, */
    uint32_t usual_n, same_n;   /* how often; and how often the value of now */
};

/* Members of a JSON object, a comma before each: "code", "value", and of the population what the
 * model knows: "rank" of a number (share of the training rows that have less, half of the equal
 * ones counted) or "share" of a category. */
void reason_add_members(const struct plan *p, uint32_t feature, const struct value *v,
                        struct buffer *out);
/* A sentence for an analyst: the settings' own text filled in, otherwise made from the feature's
 * expression: "amount is 412.5; 98 % of transactions have less; the customer's own usual is 31".
 * `own` may be NULL. */
void reason_sentence(const struct plan *p, uint32_t feature, const struct value *v,
                     const struct own_normal *own, struct buffer *out);

/* As the model takes it: decimals in units, durations in seconds; NaN where null or a text. */
double reason_number(const struct value *v);

#endif
