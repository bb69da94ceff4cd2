/* What a running service tells about itself: snapshots, changed plans, and what somebody should
 * look at, each once when it begins. */
#ifndef ASSAY_CMD_SERVE_WATCH_H
#define ASSAY_CMD_SERVE_WATCH_H

#include "shell/run/shard.h"
#include "shell/serve/journal.h"
#include "shell/store/project.h"
#include "shell/watch/rollup_follow.h"

struct serve_watch {
    struct journal *journal;
    const char *data; /* directory */
    uint64_t store_lag_limit;
    struct shard_status shard; /* as last seen */
    bool is_shard_told, is_store_told, is_volume_told, is_lag_told, is_rollup_told;
    struct rollup_follower *rollups; /* NULL: there are none */
    int64_t volume_us;               /* monotonic: when the volume was looked at */
};

/* Now and then; compares with the look before. */
void serve_watch_look(struct serve_watch *w, struct shard *s, struct project *p);

#endif
