/* The audit: one view over both logs of a data directory. What people changed and who was refused
 * is in the control log, what was decided, labelled and listed in the decision log; here they are
 * one list, by time.
 *
 * Each log is read in its own order, and of the two next entries the one of the earlier time comes
 * first; so entries of one log never change places, whatever a clock did. Imported history
 * (OBSERVE records) was nobody's decision: it is only given where it is asked for by its kind.
 *
 * Works beside a server and in a directory at rest: from the files alone, up to what is durable. */
#ifndef ASSAY_AUDIT_TRAIL_H
#define ASSAY_AUDIT_TRAIL_H

#include "core/base/progress.h"
#include "shell/control/control.h"
#include "shell/log/log.h"

enum {
    TRAIL_LIMIT_MAX = 1000,
    TRAIL_WORK_MAX = 200000, /* records looked at for one page */
    TRAIL_TEXT_MAX = 512,    /* of a filter */
};

struct trail_filter {
    int64_t from_us, to_us; /* [from, to); INT64_MIN, INT64_MAX: all */
    struct text kind;       /* "decision", "key.created", or "key." for all that begin so */
    struct text actor;      /* "ann", "user:ann" */
    struct text subject;    /* "key/ask_3f9a", "list/blocked" */
    struct text event;      /* an event's id */
    struct text request;    /* a request's id */
};

/* Whether a filter can be met at all; ERROR_INVALID names what is wrong. */
bool trail_filter_check(const struct trail_filter *f, struct error *e) MUST_USE;

/* Where a page begins: the next record of each log (ascending), or the one after it (descending).
 */
struct trail_place {
    uint64_t decisions, control;
};

struct trail_options {
    const char *data_directory;
    const char *shard_directory; /* its log, plans */
    uint64_t last_decisions;     /* durable; UINT64_MAX: to the end */
    uint64_t last_control;
    bool is_descending;
    struct trail_filter filter;
    struct trail_place place; /* ascending from {0, 0}, descending from {UINT64_MAX, UINT64_MAX} */
    uint32_t limit;           /* entries */
    uint64_t work;            /* records to look at, at most; 0: no limit */
    const struct progress *progress;
};

struct trail_counts {
    uint64_t decisions, control; /* entries given */
    uint64_t looked_at;
    uint64_t first_decisions, last_decisions, first_control, last_control; /* seqs of those given */
    int64_t first_us, last_us;
    bool is_over; /* nothing is left */
    struct trail_place next;
};

/* Each entry as a JSON object; false stops with the error that it set. */
struct trail_taker {
    bool (*take)(void *context, struct text json, struct error *e);
    void *context;
};

bool trail_read(const struct trail_options *o, const struct trail_taker *t, struct trail_counts *c,
                struct error *e) MUST_USE;

#endif
