/* A worker's time in the group: from joining it to leaving it, or to the first failure.
 *
 *   joined: read -> decide -> (100 ms or N events) -> sinks deliver -> commit -> read ...
 *             |                                                          |
 *             | partitions taken: commit, snapshot, close them           | any failure: abort; all
 *             | partitions given: open them, read from their snapshots   | is closed, and the
 * stream | makes another worker
 *
 * Invariants:
 * 1. State runs ahead of what is committed by the open transaction only. When that cannot be
 *    committed the state is dropped, never mended: partition_open builds it again.
 * 2. Offsets go by the transaction alone, with the generation of the group: a worker that lost its
 *    partitions (stalled, cut off) is refused by the broker.
 * 3. A snapshot is of a committed position.
 */
#ifndef ASSAY_STREAM_WORKER_H
#define ASSAY_STREAM_WORKER_H

#include "shell/link/kafka.h"
#include "shell/run/shared.h"
#include "shell/stream/filter.h"
#include "shell/stream/partition.h"
#include "shell/stream/sink.h"
#include "shell/stream/stream.h"

/* What outlives a worker; the stream's. */
struct worker_shared {
    const struct streaming_options *o;
    struct kafka_options kafka;
    struct plan *plan;
    const char *topic, *decisions, *dead_letters;
    const char *transaction; /* the id: of this data directory */
    uint32_t partitions;     /* of the input */
    struct partition_options partition;
    struct intake *intake;
    struct shared *shared; /* NULL: no window is shared */
    struct filter *filter;
    struct sink *sink[SETTINGS_SINKS_MAX];
    int filter_of[SETTINGS_SINKS_MAX]; /* -1: every decision */
    uint32_t sinks;
    struct outbox *outbox;
    int64_t *end; /* with `once`, by partition: where it ended at the start */
    struct stream_status status;
};

/* True: told to stop, or through. ERROR_WORLD, ERROR_CONFLICT, ERROR_FULL: another worker may do
 * better. */
bool worker_run(struct worker_shared *s, struct error *e) MUST_USE;

#endif
