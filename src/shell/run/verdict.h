/* Decisions as JSON, written straight into a buffer: the one form in which answers, batches, lists,
 * single look-ups and the embedding API show them. */
#ifndef ASSAY_RUN_VERDICT_H
#define ASSAY_RUN_VERDICT_H

#include "core/decide/decision.h"

struct verdict {
    struct text id;
    uint64_t seq; /* 0: not recorded (dry run) */
    int64_t time_us;
    int64_t received_us; /* INT64_MIN: not told */
    const struct plan *plan;
    const struct decision *decision;
    bool is_repeated;
};

/* Everything but the closing brace, so that the caller can add members. */
void verdict_open(const struct verdict *v, struct buffer *out);
void verdict_add_time(struct buffer *out, const char *key, int64_t us); /* ,"key":"..." */
void verdict_add_label(struct buffer *out, uint8_t label);              /* ,"label":... */

/* The members that come first in every form, "{" before them. */
struct verdict_head {
    struct text id;
    uint64_t seq;
    int64_t time_us, received_us;
    struct text outcome, level;
    int score;
    double probability;
};

void verdict_add_head(const struct verdict_head *h, struct buffer *out);
/* ,"interval":[low,high],"conformal":["legit","fraud"],"p_values":{...}; nothing where the decision
 * has none. */
void verdict_add_uncertainty(const struct decision *d, struct buffer *out);
/* The classes of a conformal set by their words, with `between` between them. */
void verdict_add_set(uint8_t set, const char *quote, const char *between, struct buffer *out);
void verdict_add_flags(uint8_t flags, struct buffer *out); /* ,"flags":[...] */

#endif
