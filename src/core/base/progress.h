/* How long work tells its caller where it stands and learns that it should stop. The callback
 * runs on the calling thread, at most some hundred times a second; it returns false to cancel,
 * and the work then ends with ERROR_CANCELLED (or keeps its best result, where it says so). */
#ifndef ASSAY_BASE_PROGRESS_H
#define ASSAY_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress {
    bool (*report)(void *context, const char *stage, double done_share); /* below 0: not known */
    void *context;
};

/* True: go on. A NULL progress or callback always goes on. */
static inline bool progress_report(const struct progress *p, const char *stage, double done_share)
{
    return p == NULL || p->report == NULL || p->report(p->context, stage, done_share);
}

/* One piece of work among several, told as its share of the whole: the context of a progress whose
 * callback is progress_report_part. */
struct progress_part {
    const struct progress *whole;
    double from, span; /* of 0 to 1 */
    bool is_cancelled; /* whether the answer was ever no */
};

static inline bool progress_report_part(void *context, const char *stage, double done_share)
{
    struct progress_part *p = (struct progress_part *)context;
    bool goes_on = progress_report(p->whole, stage, p->from + p->span * done_share);

    p->is_cancelled |= !goes_on;
    return goes_on;
}

#endif
