/* What a stream worker counts, for its status line, its metrics and the end of a run. Written by
 * the worker alone, read by any thread. */
#ifndef ASSAY_STREAM_STATUS_H
#define ASSAY_STREAM_STATUS_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/buffer.h"
#include "core/decide/plan.h"

enum { STREAM_PARTITIONS_MAX = 4096, STREAM_WORDS_MAX = 512 };

enum stream_count {
    STREAM_MESSAGES,     /* taken, each once */
    STREAM_DECISIONS,    /* committed, as all that follow */
    STREAM_OBSERVED,     /* of kinds that are not decided */
    STREAM_REPEATED,     /* of an id that was decided before: no second decision */
    STREAM_LABELS,       /* that took effect */
    STREAM_DEAD_LETTERS, /* no events and no labels */
    STREAM_TRANSACTIONS,
    STREAM_ABORTED,    /* transactions that were given up, and done again */
    STREAM_REBUILT,    /* messages read again for the state alone */
    STREAM_REBALANCES, /* partitions were given or taken */
    STREAM_RESTARTS,   /* of the connection, after a failure */
    STREAM_PAUSES,     /* because a sink was away */
    STREAM_SNAPSHOTS,
    STREAM_GONE, /* messages that the topic no longer had when the state was built from them */
    STREAM_COUNTS,
};

/* What the worker's time went to. */
enum stream_stage {
    STREAM_READING,    /* waiting for messages */
    STREAM_DECIDING,   /* and decoding, and writing answers */
    STREAM_SENDING,    /* giving them to the producer */
    STREAM_COMMITTING, /* waiting for sinks and brokers to have them */
    STREAM_STAGES,
};

struct stream_status {
    _Atomic uint64_t count[STREAM_COUNTS];
    _Atomic uint64_t by_outcome[PLAN_OUTCOMES_MAX];
    _Atomic uint64_t spent_us[STREAM_STAGES];
    _Atomic int64_t first_us, last_us; /* clock_monotonic_us: the first message, the last commit */
    _Atomic uint64_t lag;              /* messages of our partitions that wait */
    _Atomic uint32_t partitions;       /* ours */
    _Atomic bool is_ready;             /* has partitions, or is told that there are none for it */
    _Atomic bool is_paused;
    pthread_mutex_t lock;           /* over: */
    char trouble[STREAM_WORDS_MAX]; /* what it is waiting for; "": nothing */
};

void stream_status_init(struct stream_status *s);
void stream_status_trouble(struct stream_status *s, const char *words); /* "": over */
void stream_count(struct stream_status *s, enum stream_count what, uint64_t by);
/* Prometheus' text format 0.0.4. */
void stream_status_metrics(struct stream_status *s, const struct plan *p, struct buffer *out);
/* One JSON object, and one line for people. */
void stream_status_json(struct stream_status *s, const struct plan *p, struct buffer *out);
void stream_status_line(struct stream_status *s, double per_second, struct buffer *out);

#endif
