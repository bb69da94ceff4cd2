/* How long work tells its caller where it stands and learns that it should stop. The callback
 * runs on the calling thread, at most some hundred times a second; it returns false to cancel,
 * and the work then ends with ERROR_CANCELLED (or keeps its best result, where it says so). */
#ifndef ASSAY_BASE_PROGRESS_H
#define ASSAY_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress {
    bool (*report)(void *context, const char *stage, double done_share);
    void *context;
};

/* True: go on. A NULL progress or callback always goes on. */
static inline bool progress_report(const struct progress *p, const char *stage, double done_share)
{
    return p == NULL || p->report == NULL || p->report(p->context, stage, done_share);
}

#endif
