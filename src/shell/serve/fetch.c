#include "shell/serve/fetch.h"

#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/data/event.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"

enum {
    FETCH_AT_ONCE = 256,
    FETCH_TEXT_MAX = 64 << 20,
    RETRY_US = 200,
};

/* What the shard borrows instead of the submitter's bytes, until it is done. */
struct errand_bytes {
    void (*done)(struct submission *s);
    void *context;
    struct text event;
    char bytes[];
};

struct fetch {
    struct fetch_options o;
    struct shared *shared;
    struct queue *queue;
    pthread_t thread;
    struct plan *plan; /* of the frame; a reference, or NULL */
    uint64_t fields;
    struct frame frame;
    struct buffer encoded;
    struct submission *row[FETCH_AT_ONCE];
    struct shared_event event[FETCH_AT_ONCE];
};

static void fetched(struct submission *sub)
{
    struct errand_bytes *b = sub->context;

    sub->event = b->event;
    sub->done = b->done;
    sub->context = b->context;
    mem_free(b);
    sub->done(sub);
}

/* Waits while the shard's queue is full: ours fills then, and its end is 429. */
static void give(struct fetch *f, struct submission *sub)
{
    struct shard_status status;

    while (!shard_submit(f->o.shard, sub)) {
        shard_status(f->o.shard, &status);
        if (status.is_failed || !status.is_ready) {
            sub->status = SUBMIT_FAILED;
            snprintf(sub->error, sizeof sub->error, "the shard has stopped");
            sub->done(sub);
            return;
        }
        clock_sleep_us(RETRY_US);
    }
}

static void give_filled(struct fetch *f, uint32_t row)
{
    struct submission *sub = f->row[row];
    struct errand_bytes *b;

    buffer_clear(&f->encoded);
    event_encode(&f->encoded, plan_schema(f->plan), &f->frame, row);
    if (f->encoded.overflow) { /* cannot be: null has become a number */
        give(f, sub);
        return;
    }
    b = mem_alloc(sizeof *b + f->encoded.length);
    b->done = sub->done;
    b->context = sub->context;
    b->event = sub->event;
    memcpy(b->bytes, f->encoded.bytes, f->encoded.length);
    sub->event = (struct text){b->bytes, f->encoded.length};
    sub->done = fetched;
    sub->context = b;
    give(f, sub);
}

static void flush(struct fetch *f)
{
    uint32_t rows = f->frame.rows;

    if (f->plan == NULL || rows == 0)
        return;
    shared_fill(f->shared, f->plan, &f->frame, 0, rows, f->event);
    for (uint32_t i = 0; i < rows; i++)
        give_filled(f, i);
    frame_clear(&f->frame);
}

static void leave_plan(struct fetch *f)
{
    if (f->plan == NULL)
        return;
    frame_fini(&f->frame);
    plan_unref(f->plan);
    f->plan = NULL;
}

/* False: the event was read by a plan that is no longer in force; the shard says so. */
static bool take_plan(struct fetch *f, uint64_t fields)
{
    struct plan *p;

    if (f->plan != NULL && f->fields == fields)
        return true;
    flush(f);
    leave_plan(f);
    p = f->o.plan(f->o.context);
    f->fields = schema_fingerprint(plan_schema(p));
    if (f->fields != fields) {
        plan_unref(p);
        return false;
    }
    f->plan = p;
    frame_init(&f->frame, plan_schema(p), FETCH_AT_ONCE, FETCH_TEXT_MAX);
    return true;
}

static bool decode(struct fetch *f, const struct submission *sub)
{
    uint32_t rows = f->frame.rows;
    struct reader in;
    struct error e;

    reader_init(&in, sub->event.bytes, sub->event.length);
    if (event_decode(&in, plan_schema(f->plan), &f->frame, &e))
        return true;
    f->frame.rows = rows;
    return false;
}

static void take(struct fetch *f, struct submission *sub)
{
    uint32_t row;

    if (!take_plan(f, sub->fields)) {
        give(f, sub);
        return;
    }
    if (!decode(f, sub)) {
        flush(f);
        if (!decode(f, sub)) { /* it has no room alone: the shard says why */
            give(f, sub);
            return;
        }
    }
    row = f->frame.rows - 1;
    f->row[row] = sub;
    f->event[row] = (struct shared_event){
        .id = sub->id, .received_us = sub->received_us, .is_read_only = sub->kind == SUBMIT_PEEK};
}

static void *fetch_main(void *context)
{
    struct fetch *f = context;
    void *item[FETCH_AT_ONCE];
    uint32_t count;

    thread_name("assay-fetch");
    while ((count = queue_take(f->queue, item, FETCH_AT_ONCE, -1)) > 0) {
        for (uint32_t i = 0; i < count; i++)
            take(f, item[i]);
        flush(f);
    }
    return NULL;
}

bool fetch_start(const struct fetch_options *o, struct fetch **out, struct error *e)
{
    struct shared *shared;
    struct fetch *f;

    *out = NULL;
    if (!shared_open(o->settings, &shared, e))
        return false;
    if (shared == NULL)
        return true;
    f = mem_alloc(sizeof *f);
    f->o = *o;
    f->shared = shared;
    f->queue = queue_new(o->queue);
    buffer_init(&f->encoded, 2 * SHARD_EVENT_MAX);
    if (pthread_create(&f->thread, NULL, fetch_main, f) != 0) {
        queue_free(f->queue);
        shared_close(shared);
        buffer_fini(&f->encoded);
        mem_free(f);
        return error_set(e, ERROR_WORLD, "cannot start the thread that asks Redis");
    }
    *out = f;
    return true;
}

void fetch_stop(struct fetch *f)
{
    if (f == NULL)
        return;
    queue_close(f->queue);
    pthread_join(f->thread, NULL);
    leave_plan(f);
    queue_free(f->queue);
    shared_close(f->shared);
    buffer_fini(&f->encoded);
    mem_free(f);
}

bool fetch_submit(struct fetch *f, struct shard *s, struct submission *sub)
{
    if (f == NULL || (sub->kind != SUBMIT_DECISION && sub->kind != SUBMIT_PEEK))
        return shard_submit(s, sub);
    return queue_put(f->queue, sub);
}

const struct shared_counts *fetch_counts(const struct fetch *f)
{
    return f != NULL ? shared_count(f->shared) : NULL;
}
