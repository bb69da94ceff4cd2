/* Taking snapshots while the engine goes on. Three steps, the engine's part of each without a
 * pause:
 *
 *   RESTING   --due-->  PREPARING   the snapshot thread clears what the last freeze left
 *   PREPARING --ready-> WRITING     the engine freezes the region between two groups; the snapshot
 *                                   thread waits until the log is durable up to there (a snapshot
 *                                   ahead of it would be a state of events that a crash can still
 *                                   take away), then reads the frozen bytes and writes the file
 *   WRITING   --over--> RESTING     the engine takes the watch away
 *
 * A freeze that is given up, because more changed than may be copied, leaves no file and is
 * counted; the next one comes when it is due. */
#include <string.h>

#include "shell/os/clock.h"
#include "shell/run/shard_inside.h"

enum {
    WAIT_DURABLE_US = 1000,
    WAIT_MS = 50,
    AHEAD_PART = 4, /* of the bytes in use: what is cleared ahead of them, */
    AHEAD_MAX = 64 << 20,
};

static bool chain_at(const struct shard *s, uint64_t seq, uint8_t chain[DIGEST_BYTES],
                     struct error *e)
{
    struct log_cursor *c;
    struct record r;
    bool ok;

    if (!log_cursor_open(s->log_directory, seq, &c, e))
        return false;
    ok = log_cursor_next(c, &r, e) == 1;
    if (ok)
        log_cursor_chain(c, chain);
    log_cursor_close(c);
    return ok;
}

static struct snapshot_head head_now(const struct shard *s)
{
    return (struct snapshot_head){.seq = log_next_seq(s->log) - 1,
                                  .plan = s->plan_seq,
                                  .history = s->has_history,
                                  .layout = engine_layout(s->plan),
                                  .bytes = region_header(&s->state.region)->used};
}

/* ---- the engine's thread */

static void give_job(struct shard *s, enum snapshot_step step)
{
    s->snapshot_job.step = step;
    s->snapshot_step = step;
    atomic_store(&s->is_job_done, false);
    while (!queue_put(s->snapshots, &s->snapshot_job)) /* at most one job, and none is there */
        ASSERT(!queue_is_closed(s->snapshots));
}

static void ask_to_prepare(struct shard *s)
{
    int64_t now = clock_monotonic_us();

    if (s->o.snapshot_every_us == 0 || now < s->snapshot_due_us ||
        log_next_seq(s->log) - 1 == s->snapshot_seq)
        return;
    s->snapshot_due_us = now + s->o.snapshot_every_us;
    s->snapshot_job.capacity = s->state.capacity;
    s->snapshot_job.head.bytes = region_header(&s->state.region)->used;
    give_job(s, SNAPSHOT_PREPARING);
}

static void freeze_now(struct shard *s)
{
    if (s->freeze == NULL || freeze_bytes_max(s->freeze) < region_header(&s->state.region)->used) {
        s->snapshot_step = SNAPSHOT_RESTING; /* another state came meanwhile, or no room */
        return;
    }
    s->snapshot_job.head = head_now(s);
    s->watch = freeze_begin(s->freeze, s->state.memory, s->snapshot_job.head.bytes);
    engine_watch(s->state.engine, s->watch);
    give_job(s, SNAPSHOT_WRITING);
}

/* The reader of the frozen bytes has to be done with them. */
static void unfreeze(struct shard *s)
{
    engine_watch(s->state.engine, NULL);
    pthread_mutex_lock(&s->lock);
    s->status.snapshot_copied_bytes = freeze_copied(s->freeze);
    pthread_mutex_unlock(&s->lock);
    freeze_end(s->freeze);
    s->snapshot_seq = s->snapshot_job.is_written ? s->snapshot_job.head.seq : 0;
    s->snapshot_step = SNAPSHOT_RESTING;
}

void shard_snapshot_if_due(struct shard *s)
{
    switch (s->snapshot_step) {
    case SNAPSHOT_RESTING:
        ask_to_prepare(s);
        break;
    case SNAPSHOT_PREPARING:
        if (atomic_load(&s->is_job_done))
            freeze_now(s);
        break;
    case SNAPSHOT_WRITING:
        if (atomic_load(&s->is_job_done))
            unfreeze(s);
        break;
    }
}

/* ---- the snapshot thread */

/* The state grows into fresh pages of 2 MiB, which the system clears, and moves others to make room
 * for, when they are first written: milliseconds that the engine need not wait. */
static void settle_ahead(struct shard *s)
{
    uint8_t *memory;
    size_t used, capacity, ahead;

    pthread_mutex_lock(&s->lock);
    memory = s->memory;
    used = s->memory_used;
    capacity = s->memory_capacity;
    pthread_mutex_unlock(&s->lock);
    if (memory == NULL)
        return;
    ahead = used / AHEAD_PART < AHEAD_MAX ? used / AHEAD_PART : AHEAD_MAX;
    if (memory != s->settled || used + ahead / 2 > s->settled_until) {
        size_t from = memory == s->settled && s->settled_until > used ? s->settled_until : used;
        size_t until = used + ahead < capacity ? used + ahead : capacity;

        for (from = from / STATE_SETTLE_BYTES * STATE_SETTLE_BYTES; from < until;
             from += STATE_SETTLE_BYTES)
            state_settle(memory, from, capacity);
        s->settled = memory;
        s->settled_until = until;
    }
}

static void note_failure(struct shard *s, const struct error *e, bool was_given_up)
{
    pthread_mutex_lock(&s->lock);
    s->status.snapshots_given_up += was_given_up;
    s->status.snapshots_failed += !was_given_up;
    memcpy(s->status.snapshot_failure, e->text, sizeof s->status.snapshot_failure);
    pthread_mutex_unlock(&s->lock);
}

static void prepare(struct shard *s, const struct snapshot_job *job)
{
    struct error e;

    if (s->freeze == NULL || freeze_bytes_max(s->freeze) < job->capacity) {
        freeze_free(s->freeze);
        s->freeze = freeze_new(job->capacity, FREEZE_BLOCK_LOG, s->o.snapshot_memory_bytes, &e);
        if (s->freeze == NULL) {
            note_failure(s, &e, false);
            return;
        }
    }
    freeze_prepare(s->freeze, job->head.bytes + job->head.bytes / 8);
}

static bool read_frozen(void *context, size_t chunk, void *out, struct error *e)
{
    struct shard *s = context;

    settle_ahead(s);
    if (atomic_load(&s->is_stopping)) /* a whole snapshot is taken at the end */
        return error_set(e, ERROR_CANCELLED, "stopped");
    return freeze_read(s->freeze, chunk, out) ||
           error_set(e, ERROR_FULL,
                     "the snapshot was given up: more of the state changed while it was written "
                     "than %zu MiB; raise snapshot.memory",
                     s->o.snapshot_memory_bytes >> 20);
}

static void write_job(struct shard *s, struct snapshot_job *job)
{
    struct snapshot_source from = {read_frozen, s};
    int64_t began_us = clock_monotonic_us();
    struct error e = {0};

    job->is_written = false;
    while (log_durable_seq(s->log) < job->head.seq) {
        if (atomic_load(&s->is_failed))
            return;
        clock_sleep_us(WAIT_DURABLE_US);
    }
    if (!chain_at(s, job->head.seq, job->head.chain, &e) ||
        !snapshot_write(s->snapshot_directory, &job->head, &from, &e)) {
        if (e.kind != ERROR_CANCELLED)
            note_failure(s, &e, freeze_was_given_up(s->freeze));
        return;
    }
    job->is_written = true;
    pthread_mutex_lock(&s->lock);
    s->status.snapshots++;
    s->status.snapshot_seq = job->head.seq;
    s->status.snapshot_bytes = job->head.bytes;
    s->status.snapshot_us = (uint64_t)(clock_monotonic_us() - began_us);
    pthread_mutex_unlock(&s->lock);
}

/* What was restored comes from a file's pages, each copied when first changed: better ahead of the
 * engine. Fresh memory behind it goes first, again and again: one large page of that may take a
 * hundred milliseconds, where the system has to bring it together. If the state gives way to
 * another meanwhile, this asks for pages that are not there, or for those of others, whose bytes
 * stay as they are. */
static void settle(struct shard *s)
{
    for (size_t at = 0; at < s->restored_bytes && !atomic_load(&s->is_stopping);
         at += STATE_SETTLE_BYTES) {
        settle_ahead(s);
        state_settle(s->restored, at, s->restored_bytes);
    }
}

void *shard_snapshot_main(void *shard)
{
    struct shard *s = shard;
    void *item;

    thread_name("assay-snapshot");
    thread_background();
    if (s->restored != NULL)
        settle(s);
    for (;;) {
        if (queue_take(s->snapshots, &item, 1, WAIT_MS) == 0) {
            if (queue_is_closed(s->snapshots))
                break;
            settle_ahead(s);
            continue;
        }
        if (s->snapshot_job.step == SNAPSHOT_PREPARING) {
            prepare(s, item);
        } else {
            write_job(s, item);
            freeze_over(s->freeze);
        }
        atomic_store(&s->is_job_done, true);
    }
    return NULL;
}

/* ---- alone */

bool shard_snapshot_now(struct shard *s, struct error *e)
{
    struct snapshot_head h = head_now(s);

    if (h.seq == s->snapshot_seq || h.seq == 0)
        return true;
    if (!chain_at(s, h.seq, h.chain, e) ||
        !snapshot_write_bytes(s->snapshot_directory, &h, s->state.memory, e))
        return false;
    s->snapshot_seq = h.seq;
    return true;
}
