/* One pass of a feed's events through an engine: how files are featured, scored and learned from.
 */
#ifndef ASSAY_RUN_PASS_H
#define ASSAY_RUN_PASS_H

#include "core/decide/engine.h"
#include "shell/run/feed.h"
#include "shell/run/list_feed.h"

enum { PASS_BATCH = 4096 };

/* Rows [first, first + rows) of `frame`; the first of them is event `at` of the feed. */
struct pass_batch {
    const struct frame *frame;
    uint32_t first, rows;
    uint64_t at;
    const struct registers *registers;
    const struct decision *decisions; /* NULL unless the pass decides */
    const struct workers *workers;    /* the pass's */
};

struct pass {
    struct engine *engine;
    const struct plan *plan;
    struct list_feed *lists; /* changes of lists between the events, or NULL */
    bool decides;
    uint64_t next_seq; /* of the first event: 1, or after what the engine has seen before */
    bool (*visit)(void *context, const struct pass_batch *b, struct error *e); /* may be NULL */
    void *context;
    const struct workers *workers; /* lent to visit; NULL: none */
    const struct progress *progress;
    const char *stage; /* words for progress */
};

/* In order, a batch at a time; uses the feed up. The time of receipt of an event from a file is its
 * own time. */
bool pass_run(struct pass *p, struct feed *f, struct error *e) MUST_USE;

#endif
