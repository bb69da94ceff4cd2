/* Backtest: the events of a log decided again, each with its features as of then (and lists as of
 * then), by a plan that need not be the one that decided, on a state of its own. Nothing is
 * recorded. */
#ifndef ASSAY_RUN_BACKTEST_H
#define ASSAY_RUN_BACKTEST_H

#include "core/base/progress.h"
#include "shell/run/apply.h"

/* One event decided again. Slices live until the visitor returns. */
struct backtested {
    uint64_t seq;
    struct text id;
    int64_t time_us;
    const struct frame *frame; /* the event is row `row`, under the plan's schema */
    uint32_t row;
    const struct decision *decision;
    uint8_t label;         /* known at the log's end: 0, 1, LABEL_UNKNOWN */
    bool was_observed;     /* of the history: nobody decided it then */
    struct engine *engine; /* engine_registers and engine_reasons for row `row` of its last run */
};

struct backtest_options {
    const char *directory; /* of the shard */
    struct state_options state;
    struct plan *plan;      /* decides; borrowed */
    int64_t from_us, to_us; /* event times whose decisions are visited: at or after, before */
    uint64_t until_seq;     /* the last record that is read; 0: all */
    const struct progress *progress;
    bool (*visit)(void *context, const struct backtested *b); /* false: enough */
    void *context;
};

/* True also where the visitor had enough. ERROR_CANCELLED: the progress says so. */
bool backtest(const struct backtest_options *o, struct error *e) MUST_USE;

/* One decision again as JSON, without the closing brace: the verdict with its reasons, the label as
 * it is known now, and every feature of the plan's by name. */
void backtested_open(const struct backtested *b, const struct plan *p, struct buffer *out);

#endif
