#include "shell/cmd/serve_watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "shell/os/clock.h"
#include "shell/os/file.h"

enum { VOLUME_EVERY_US = 1000000, MEMBERS_MAX = 256, WORDS_MAX = ERROR_TEXT_MAX + 128 };

#define VOLUME_SETTLED 0.02 /* so far below the limit it may be told again */

static void look_at_snapshots(struct serve_watch *w, const struct shard_status *now)
{
    char members[MEMBERS_MAX], words[WORDS_MAX];

    if (now->snapshots > w->shard.snapshots) {
        snprintf(members, sizeof members,
                 ",\"seq\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"seconds\":%.6f", now->snapshot_seq,
                 now->snapshot_bytes, (double)now->snapshot_us / 1e6);
        journal_write(w->journal, JOURNAL_INFO, "snapshot", "a snapshot was written", members);
    }
    if (now->snapshots_failed > w->shard.snapshots_failed) {
        snprintf(words, sizeof words, "a snapshot could not be written, decisions go on: %s",
                 now->snapshot_failure);
        journal_write(w->journal, JOURNAL_WARN, "snapshot_failed", words, "");
    }
    if (now->snapshots_given_up > w->shard.snapshots_given_up) {
        snprintf(words, sizeof words, "a snapshot was given up, decisions go on: %s",
                 now->snapshot_failure);
        journal_write(w->journal, JOURNAL_WARN, "snapshot_given_up", words, "");
    }
}

static void look_at_plan(struct serve_watch *w, const struct shard_status *now)
{
    char members[MEMBERS_MAX];

    if (now->activations == w->shard.activations)
        return;
    snprintf(members, sizeof members, ",\"seq\":%" PRIu64, now->plan_seq);
    journal_write(w->journal, JOURNAL_INFO, "plan", "another plan is in force", members);
}

/* A stopped shard goes on answering 503 with the reason, so that whoever looks can see it; what
 * only a person can mend is told here once. */
static void look_at_failures(struct serve_watch *w, const struct shard_status *now,
                             const struct project_status *project)
{
    char words[WORDS_MAX];

    if (now->is_failed && !w->is_shard_told) {
        snprintf(words, sizeof words, "the shard has stopped; restart to recover: %s",
                 now->failure);
        journal_write(w->journal, JOURNAL_ERROR, "shard_failed", words, "");
    }
    if (project->is_failed && !w->is_store_told) {
        snprintf(words, sizeof words,
                 "the store cannot be written, which is tried again; decisions go on: %s",
                 project->failure);
        journal_write(w->journal, JOURNAL_WARN, "store_failed", words, "");
    } else if (!project->is_failed && w->is_store_told) {
        journal_write(w->journal, JOURNAL_INFO, "store_back", "the store is written again", "");
    }
    w->is_shard_told = now->is_failed;
    w->is_store_told = project->is_failed;
}

static void look_at_lag(struct serve_watch *w, const struct project_status *project)
{
    char members[MEMBERS_MAX];
    bool lags = w->store_lag_limit > 0 && project->lag > w->store_lag_limit;

    snprintf(members, sizeof members, ",\"lag\":%" PRIu64 ",\"limit\":%" PRIu64, project->lag,
             w->store_lag_limit);
    if (lags && !w->is_lag_told)
        journal_write(w->journal, JOURNAL_WARN, "store_lags",
                      "the store lags more than store.lag_limit: lists answer 503 until it has "
                      "caught up",
                      members);
    w->is_lag_told = lags;
}

static void look_at_volume(struct serve_watch *w)
{
    char members[MEMBERS_MAX], words[WORDS_MAX];
    int64_t now_us = clock_monotonic_us();
    struct volume volume;
    struct error ignored;

    if (now_us - w->volume_us < VOLUME_EVERY_US || !file_volume(w->data, &volume, &ignored))
        return;
    w->volume_us = now_us;
    if (volume_used(&volume) >= VOLUME_USED_MUCH && !w->is_volume_told) {
        snprintf(words, sizeof words,
                 "the data directory's volume is %.0f %% full: make room, or decisions will be "
                 "refused when it is",
                 100 * volume_used(&volume));
        snprintf(members, sizeof members, ",\"free_bytes\":%" PRIu64 ",\"bytes\":%" PRIu64,
                 volume.free, volume.bytes);
        journal_write(w->journal, JOURNAL_WARN, "volume_full", words, members);
        w->is_volume_told = true;
    }
    if (volume_used(&volume) < VOLUME_USED_MUCH - VOLUME_SETTLED)
        w->is_volume_told = false;
}

static void look_at_rollups(struct serve_watch *w, struct rollup_follower *f)
{
    char failure[ERROR_TEXT_MAX], words[ERROR_TEXT_MAX + 128];

    rollup_follower_failure(f, failure);
    if (failure[0] != 0 && !w->is_rollup_told) {
        snprintf(words, sizeof words, "the tables of rollups stay as they are: %s", failure);
        journal_write(w->journal, JOURNAL_WARN, "rollups_failed", words, "");
    } else if (failure[0] == 0 && w->is_rollup_told) {
        journal_write(w->journal, JOURNAL_INFO, "rollups_back", "rollups are written again", "");
    }
    w->is_rollup_told = failure[0] != 0;
}

void serve_watch_look(struct serve_watch *w, struct shard *s, struct project *p)
{
    struct project_status project;
    struct shard_status now;

    shard_status(s, &now);
    project_status(p, &project);
    look_at_snapshots(w, &now);
    look_at_plan(w, &now);
    look_at_failures(w, &now, &project);
    look_at_lag(w, &project);
    look_at_volume(w);
    if (w->rollups != NULL)
        look_at_rollups(w, w->rollups);
    w->shard = now;
}
