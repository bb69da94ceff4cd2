/* Taking snapshots. The engine thread copies the used bytes between two groups; the snapshot thread
 * waits until the log is durable up to there, then writes the file. A snapshot ahead of the durable
 * log would be a state of events that a crash can still take away. */
#include <string.h>

#include "shell/os/clock.h"
#include "shell/run/shard_inside.h"

enum { WAIT_DURABLE_US = 1000 };

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

void shard_snapshot_if_due(struct shard *s)
{
    int64_t now = clock_monotonic_us();
    struct snapshot_job *job;
    uint64_t seq;

    if (s->o.snapshot_every_us == 0 || now < s->snapshot_due_us ||
        log_next_seq(s->log) - 1 == s->snapshot_seq)
        return;
    s->snapshot_due_us = now + s->o.snapshot_every_us;
    job = mem_alloc(sizeof *job);
    job->head = head_now(s);
    job->bytes = mem_resize(NULL, job->head.bytes, 1);
    memcpy(job->bytes, s->state.memory, job->head.bytes);
    seq = job->head.seq;
    if (queue_put(s->snapshots, job)) { /* from here on the job is the writer's */
        s->snapshot_seq = seq;
        return;
    }
    mem_free(job->bytes); /* the one before is still being written: next time */
    mem_free(job);
}

static void write_job(struct shard *s, struct snapshot_job *job)
{
    struct error e = {0};

    while (log_durable_seq(s->log) < job->head.seq) {
        if (atomic_load(&s->is_failed))
            return;
        clock_sleep_us(WAIT_DURABLE_US);
    }
    if (!chain_at(s, job->head.seq, job->head.chain, &e) ||
        !snapshot_write(s->snapshot_directory, &job->head, job->bytes, &e)) {
        pthread_mutex_lock(&s->lock);
        s->status.snapshots_failed++;
        memcpy(s->status.snapshot_failure, e.text, sizeof s->status.snapshot_failure);
        pthread_mutex_unlock(&s->lock);
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->status.snapshot_seq = job->head.seq;
    pthread_mutex_unlock(&s->lock);
}

void *shard_snapshot_main(void *shard)
{
    struct shard *s = shard;
    void *item;

    while (queue_take(s->snapshots, &item, 1, -1) == 1) {
        struct snapshot_job *job = item;

        write_job(s, job);
        mem_free(job->bytes);
        mem_free(job);
    }
    return NULL;
}

bool shard_snapshot_now(struct shard *s, struct error *e)
{
    struct snapshot_head h = head_now(s);

    if (h.seq == s->snapshot_seq || h.seq == 0)
        return true;
    if (!chain_at(s, h.seq, h.chain, e) ||
        !snapshot_write(s->snapshot_directory, &h, s->state.memory, e))
        return false;
    s->snapshot_seq = h.seq;
    return true;
}
