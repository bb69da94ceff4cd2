/* One partition of the input: a shard. Its state is a function of the plan's layout and of the
 * partition's messages up to an offset, whoever reads them, in whatever batches.
 *
 *   snapshot at S ....... committed C ........ next
 *     |  re-read, nothing is written |  decided, in the open transaction
 *
 * <data directory>/stream/<topic>-<partition>/snapshots has states at committed offsets only. When
 * a transaction fails, the state is dropped and built again. One thread.
 */
#ifndef ASSAY_STREAM_PARTITION_H
#define ASSAY_STREAM_PARTITION_H

#include "shell/run/data_directory.h"
#include "shell/run/snapshot.h"
#include "shell/run/state.h"
#include "shell/settings/settings.h"
#include "shell/stream/intake.h"

struct partition {
    int32_t number;
    char directory[DATA_PATH_MAX]; /* of its snapshots */
    struct plan *plan;             /* borrowed */
    struct state state;
    int64_t next;      /* offset of the message that is to be taken next */
    int64_t rebuilt;   /* messages before it were decided earlier: the state alone is wanted */
    int64_t committed; /* the group's position, as far as we know */
    int64_t snapshot;  /* offset of the newest snapshot; -1: none */
    int64_t end;       /* with --once: up to here; else INT64_MAX */
    int64_t seen_end;  /* the end of the partition that the broker told last */
    bool is_at_end;    /* nothing came since */
};

struct partition_options {
    const struct settings *settings;
    struct plan *plan;
    struct state_options state;
    const char *directory; /* <data directory>/stream */
    const char *topic;
};

/* The state at the newest snapshot that is not past `committed`, or an empty one; p->next is where
 * to read from, at least `first`, the oldest message that the topic still has. *lost becomes how
 * many messages are no longer there although the state should have them. */
bool partition_open(const struct partition_options *o, int32_t number, int64_t committed,
                    int64_t first, struct partition **p, int64_t *lost, struct error *e) MUST_USE;
void partition_close(struct partition *p); /* takes NULL; without a snapshot */

/* Whether the id of the row that was read last is known: it is then no new event. `is_other`: with
 * another body. Else it is remembered. */
bool partition_is_repeated(struct partition *p, struct intake *in, bool *is_other);
/* All rows of the intake through the engine; `decisions` NULL: observed. */
void partition_run(struct partition *p, struct intake *in, struct decision *decisions);
/* Whether its newest snapshot is of another state than it has now. */
bool partition_has_moved(const struct partition *p);
/* What a snapshot of the state now is of. */
struct snapshot_head partition_head(const struct partition *p);
/* The state now, which is that of p->committed == p->next. */
bool partition_snapshot(struct partition *p, struct error *e) MUST_USE;

#endif
