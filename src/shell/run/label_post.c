#include "shell/run/label_post.h"

#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"

enum { WINDOW = 256 /* submissions on their way */, RETRY_US = 500 };

/* Counts down what is on its way. */
struct window {
    pthread_mutex_t lock;
    pthread_cond_t done;
    uint32_t waiting;
};

static void submission_done(struct submission *sub)
{
    struct window *w = sub->context;

    pthread_mutex_lock(&w->lock);
    w->waiting--;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

static void wait_for_all(struct window *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->waiting > 0)
        pthread_cond_wait(&w->done, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

/* The queue takes a whole window; it can only be full for a moment, or the shard is stopping. */
static bool send(struct shard *s, struct window *w, struct submission *sub, struct error *e)
{
    struct shard_status status;

    pthread_mutex_lock(&w->lock);
    w->waiting++;
    pthread_mutex_unlock(&w->lock);
    while (!shard_submit(s, sub)) {
        shard_status(s, &status);
        if (status.is_failed) {
            pthread_mutex_lock(&w->lock);
            w->waiting--;
            pthread_mutex_unlock(&w->lock);
            return error_set(e, ERROR_WORLD, "the shard has stopped: %s", status.failure);
        }
        clock_sleep_us(RETRY_US);
    }
    return true;
}

static bool judge(struct label_row *row, const struct submission *sub, struct error *e)
{
    switch (sub->status) {
    case SUBMIT_DONE:
        row->fate = LABEL_TAKEN;
        return true;
    case SUBMIT_NOT_FOUND:
        row->fate = LABEL_UNMATCHED;
        return true;
    case SUBMIT_FULL:
        return error_set(e, ERROR_FULL, "no room on the disk: %s", sub->error);
    case SUBMIT_REPEATED:
    case SUBMIT_CONFLICT:
    case SUBMIT_FAILED:
    default:
        return error_set(e, ERROR_WORLD, "%s", sub->error);
    }
}

static bool post_window(struct shard *s, struct label_row **row, uint32_t count, int64_t now_us,
                        struct error *e)
{
    struct submission *sub = mem_array(count, sizeof *sub);
    struct window w = {.waiting = 0};
    uint32_t sent = 0;
    bool ok = true;

    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.done, NULL);
    for (; sent < count && ok; sent++) {
        sub[sent] = (struct submission){
            .kind = SUBMIT_LABEL,
            .id = text_of(row[sent]->id),
            .source = text_of(row[sent]->source),
            .event_seq = row[sent]->event_seq,
            .label = row[sent]->label,
            .received_us = now_us,
            .effective_us = row[sent]->has_time ? row[sent]->effective_us : now_us,
            .done = submission_done,
            .context = &w,
        };
        ok = send(s, &w, &sub[sent], e);
        if (!ok)
            break;
    }
    wait_for_all(&w);
    for (uint32_t i = 0; i < sent; i++) {
        ok = ok && judge(row[i], &sub[i], e);
        plan_unref(sub[i].plan);
    }
    pthread_cond_destroy(&w.done);
    pthread_mutex_destroy(&w.lock);
    mem_free(sub);
    return ok;
}

bool label_post_shard(struct shard *s, struct label_rows *r, int64_t now_us,
                      const struct progress *progress, struct error *e)
{
    struct label_row *window[WINDOW];
    uint32_t count = 0;

    for (uint32_t i = 0; i < r->count; i++) {
        if (r->row[i].fate == LABEL_OPEN)
            window[count++] = &r->row[i];
        if (count < WINDOW && i + 1 < r->count)
            continue;
        if (count > 0 && !post_window(s, window, count, now_us, e))
            return false;
        count = 0;
        if (!progress_report(progress, "importing labels", (double)(i + 1) / r->count))
            return error_set(e, ERROR_CANCELLED, "stopped while importing labels");
    }
    return true;
}
