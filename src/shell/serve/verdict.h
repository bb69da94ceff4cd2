/* Decisions as JSON, written straight into a buffer: the one form in which answers, batches, lists
 * and single look-ups show them. */
#ifndef ASSAY_SERVE_VERDICT_H
#define ASSAY_SERVE_VERDICT_H

#include "core/decide/decision.h"
#include "shell/store/store.h"

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
/* A row of the store, whole. */
void verdict_format_row(const struct store_decision *d, struct buffer *out);

#endif
