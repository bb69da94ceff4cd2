/* The stream: events of a topic of Kafka decided exactly once, `assay stream`.
 *
 * One thread reads, decides and writes. What was decided goes with the position of the input into
 * one transaction of Kafka, so a reader of committed records sees each event's decision once,
 * whatever dies when: see worker.h for how a failure is undone. Partitions are shards
 * (partition.h); a group of workers shares them, and a worker whose partition was given to another
 * one can commit nothing of it any more (its generation of the group is over).
 */
#ifndef ASSAY_STREAM_STREAM_H
#define ASSAY_STREAM_STREAM_H

#include "core/base/simd.h"
#include "shell/run/current.h"
#include "shell/stream/status.h"

struct streaming_options {
    struct settings *settings;
    enum simd simd;
    bool once; /* end where the partitions ended at the start */
    /* Asked often: true ends the run after its commit. */
    bool (*stops)(void *context);
    /* Now and then, on the worker's thread. */
    void (*tick)(void *context);
    void *context;
};

struct streaming;

/* Reads the plan, looks for the topics: the input must be there, the others are made with as many
 * partitions. Takes the data directory's stream/ for itself (ERROR_CONFLICT: another has it). */
bool streaming_open(const struct streaming_options *o, struct streaming **s,
                    struct error *e) MUST_USE;
/* Until it is told to stop or, with `once`, is through. Waits for brokers and sinks that are away.
 */
bool streaming_run(struct streaming *s, struct error *e) MUST_USE;
void streaming_close(struct streaming *s); /* takes NULL */
/* Why its models are those of before: the shared registry cannot be reached; "": it was. */
const char *streaming_warning(const struct streaming *s);
struct stream_status *streaming_status(struct streaming *s);
const struct plan *streaming_plan(const struct streaming *s);

#endif
