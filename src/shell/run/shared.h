/* Windows that several shards share in Redis (`state: shared`): fetched before the engine sees the
 * event, by one script for each event, and filled into its fields as looked-up values are. So the
 * engine asks nobody, and neither does a replay.
 *
 * The script reads and counts the event at once, under its id: an event that comes again counts
 * once and gets the values that it got. While Redis is away, values are null, the event says so
 * (SHARED_LACKS_FIELD), and it is kept here to be counted when Redis is back. What does not fit, or
 * what Redis has lost, makes the windows that it would be in null until they have passed it.
 *
 * One thread at a time, but for shared_counts. It waits for Redis: never the engine's thread. */
#ifndef ASSAY_RUN_SHARED_H
#define ASSAY_RUN_SHARED_H

#include <stdatomic.h>

#include "core/data/frame.h"
#include "shell/run/shared_layout.h"

enum {
    SHARED_ROWS = 1024,              /* of one shared_fill */
    SHARED_BACKLOG_MAX = 200000,     /* events to be counted later, */
    SHARED_BACKLOG_BYTES = 64 << 20, /* and their bytes */
};

/* Any thread may look. */
struct shared_counts {
    _Atomic uint64_t events;           /* asked for */
    _Atomic uint64_t away, late, part; /* whose values are null: see enum shared_lack */
    _Atomic uint64_t belated;          /* counted when Redis was back */
    _Atomic uint64_t lost;             /* never counted, for want of room to keep them */
    _Atomic uint64_t failures;         /* runs that Redis did not answer */
    _Atomic uint64_t backlog;          /* kept now */
    _Atomic uint64_t nanoseconds;      /* spent waiting */
};

struct shared;

/* NULL in *s where the settings have no shared entity; ERROR_INVALID: redis.server cannot be read.
 * Nothing is connected yet. */
bool shared_open(const struct settings *settings, struct shared **s, struct error *e) MUST_USE;
void shared_close(struct shared *s); /* takes NULL */
const struct shared_counts *shared_count(const struct shared *s);

struct shared_event {
    struct text id;
    int64_t received_us;
    bool is_read_only; /* a dry run: it is not counted */
};

/* Fills the shared fields of rows [first, first + rows) of a frame of the plan's schema. Never
 * fails: see above. */
void shared_fill(struct shared *s, struct plan *p, struct frame *f, uint32_t first, uint32_t rows,
                 const struct shared_event *event);

/* Waits for Redis to have all that it was not there for. False: it has not. */
bool shared_settle(struct shared *s, struct error *e) MUST_USE;

/* The words of the last failure; "" while all is well. */
void shared_trouble(struct shared *s, char *out, size_t room);

#endif
