/* What a running service does for its log in the background, on one thread that gives way to all
 * others: packs closed segments (log.compress), signs checkpoints (log.checkpoint*), cuts off what
 * is not to be kept (log.keep).
 *
 * A checkpoint of the decision log is a record of the control log, and with one of the control log
 * behind it goes to log.checkpoint_file. What fails is told by the status and tried again; deciding
 * does not wait for any of it.
 *
 * A cut, in this order, so that a kill at any moment leaves a log that opens and verifies:
 *   1. shard_cut_prepare: the base snapshot, kept plans, list entries written again
 *   2. the control record AUDIT_CUT: {"first_seq", "chain" (before it), "cut_from", "records",
 *      "by_kind", "oldest", "newest", "snapshot", "plans"}, then a signed checkpoint behind it
 *   3. the segments, oldest first
 */
#ifndef ASSAY_AUDIT_UPKEEP_H
#define ASSAY_AUDIT_UPKEEP_H

#include "shell/audit/checkpoint.h"
#include "shell/control/control.h"
#include "shell/run/shard.h"
#include "shell/settings/settings.h"

struct upkeep_options {
    const char *data_directory;
    const struct settings *settings;
    struct shard *shard; /* started; borrowed, like the control log */
    struct control *control;
    /* Records from this one on are still to be read by others (the store's projection); NULL: none.
     */
    uint64_t (*needed_from)(void *context);
    void *context;
};

struct upkeep_status {
    uint64_t packed, cuts, checkpoints, failures;
    uint64_t checkpoint_seq; /* of the decision log, in the newest one; 0: none yet */
    int64_t checkpoint_us;
    char failure[ERROR_TEXT_MAX]; /* the newest; "": none */
};

struct upkeep;
/* Makes the key where there is none. */
bool upkeep_start(const struct upkeep_options *o, struct upkeep **u, struct error *e) MUST_USE;
/* A last checkpoint, if the log has grown. Takes NULL. */
void upkeep_stop(struct upkeep *u);
void upkeep_status(struct upkeep *u, struct upkeep_status *status);

/* Checkpoints of both logs as they are now, also kept as those made in time: the decision log's
 * and the control log's. Waits for the disk; any thread. */
bool upkeep_checkpoint(struct upkeep *u, struct checkpoint made[2], struct error *e) MUST_USE;
const struct signature_key *upkeep_key(const struct upkeep *u);

/* Bytes of a data directory's files on the disk, and those of the logs among them; for warnings
 * about the room that is left. */
struct data_bytes {
    uint64_t all, log, control, snapshots, store;
};

bool data_bytes_used(const char *data_directory, struct data_bytes *b, struct error *e) MUST_USE;

#endif
