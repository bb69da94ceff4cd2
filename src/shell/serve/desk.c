#include "shell/serve/desk.h"

#include "shell/os/clock.h"

enum { RETRY_US = 500 };

void bell_init(struct bell *b)
{
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->rung, NULL);
}

void bell_fini(struct bell *b)
{
    pthread_cond_destroy(&b->rung);
    pthread_mutex_destroy(&b->lock);
}

/* Rings under the lock: the waiter may free bell and errand as soon as it has it. */
static void errand_done(struct submission *sub)
{
    struct errand *e = sub->context;
    struct bell *b = e->bell;

    pthread_mutex_lock(&b->lock);
    e->is_done = true;
    pthread_cond_signal(&b->rung);
    pthread_mutex_unlock(&b->lock);
}

static bool is_stopped(struct server *s)
{
    struct shard_status status;

    shard_status(s->o.shard, &status);
    return status.is_failed || !status.is_ready;
}

bool errand_send(struct server *s, struct errand *e, struct bell *b)
{
    int64_t until_us = 0;

    e->bell = b;
    e->is_done = false;
    e->submission.done = errand_done;
    e->submission.context = e;
    while (!fetch_submit(s->fetch, s->o.shard, &e->submission)) {
        int64_t now_us = clock_monotonic_us();

        if (until_us == 0)
            until_us = now_us + DESK_PATIENCE_US;
        if (now_us > until_us || is_stopped(s))
            return false;
        clock_sleep_us(RETRY_US);
    }
    return true;
}

void errand_wait(struct errand *e)
{
    pthread_mutex_lock(&e->bell->lock);
    while (!e->is_done)
        pthread_cond_wait(&e->bell->rung, &e->bell->lock);
    pthread_mutex_unlock(&e->bell->lock);
}

unsigned submission_http_status(const struct submission *sub)
{
    static const unsigned statuses[] = {
        [SUBMIT_DONE] = 200,      [SUBMIT_REPEATED] = 200, [SUBMIT_CONFLICT] = 409,
        [SUBMIT_NOT_FOUND] = 404, [SUBMIT_REFUSED] = 422,  [SUBMIT_STALE] = 503,
        [SUBMIT_FULL] = 503,      [SUBMIT_FAILED] = 503,
    };

    return statuses[sub->status];
}
