/* States of partitions written while the worker goes on, one partition after the other.
 *
 *   RESTING   --due, a partition moved-->  PREPARING  the thread clears what the last freeze left
 *   PREPARING --the next cut-->            FROZEN     the state is that of the position that is
 *                                                     being committed (run/freeze.h keeps it)
 *   FROZEN    --committed-->               WRITING    the thread reads the frozen bytes into a file
 *   WRITING   --written-->                 RESTING
 *
 * A cut is a moment between two transactions: p->next is the position that the one which ends
 * there commits. A snapshot is written when that is committed, never before; where it is not, the
 * freeze is forgotten. The worker's thread alone calls. */
#ifndef ASSAY_STREAM_SNAPSHOTS_H
#define ASSAY_STREAM_SNAPSHOTS_H

#include "shell/stream/partition.h"
#include "shell/stream/status.h"

struct snapshots;

/* Of states of up to `capacity` bytes. Every `every_us` all partitions that have moved; copies of
 * what changes meanwhile take at most `copies_max` bytes. */
struct snapshots *snapshots_new(int64_t every_us, size_t copies_max, struct stream_status *status);
void snapshots_free(struct snapshots *s); /* takes NULL; after snapshots_stop */

/* At a cut. `p`: `count` partitions, NULL where one is not ours. */
void snapshots_cut(struct snapshots *s, struct partition *const *p, uint32_t count);
/* The transaction of the last cut is committed, or there was none to commit. */
void snapshots_committed(struct snapshots *s);
/* Now and then: takes the watch from a state that is written. */
void snapshots_look(struct snapshots *s);
/* Nothing is written and no state is watched any more: before partitions are closed. */
void snapshots_stop(struct snapshots *s);
/* All partitions that have moved, at once, all of them committed; nothing else goes on. */
void snapshots_now(struct snapshots *s, struct partition *const *p, uint32_t count);

#endif
