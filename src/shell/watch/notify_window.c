#include "shell/watch/notify_window.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"

enum { LANES_MAX = 16, DEAD_WAIT_US = 1000000 };

struct item {
    struct notify_event ev; /* texts are its own */
    char *bytes;
    uint64_t position;
    uint32_t lane;
    bool is_done;
    int64_t begun_us; /* monotonic: its first try; 0: none */
    uint32_t refusals, tries;
};

struct lane {
    struct notify_window *window;
    struct notify_sender *sender;
    pthread_t thread;
    bool is_started, is_failing;
};

struct notify_window {
    const struct notify_setting *setting;
    const struct notify_state *state;
    pthread_mutex_t lock; /* of all that follows, but for what a lane has taken */
    pthread_cond_t moved;
    struct item item[NOTIFY_WINDOW];
    uint64_t head, tail;
    bool is_stopping;
    struct window_counts counts;
    struct lane lane[LANES_MAX];
    uint32_t lanes;
};

/* ---- waiting ---- */

static void wait_until(struct notify_window *w, int64_t wait_us)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_us / 1000000;
    at.tv_nsec += wait_us % 1000000 * 1000;
    at.tv_sec += at.tv_nsec / 1000000000L;
    at.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&w->moved, &w->lock, &at);
}

/* With the lock. */
static void sleep_or_stop(struct notify_window *w, int64_t wait_us)
{
    int64_t until_us = clock_monotonic_us() + wait_us;

    while (!w->is_stopping && clock_monotonic_us() < until_us)
        wait_until(w, until_us - clock_monotonic_us());
}

/* ---- the lanes ---- */

/* The oldest of the lane, and those behind it, up to a batch. With the lock. */
static uint32_t take(struct lane *l, struct item *taken[NOTIFY_BATCH_MAX])
{
    struct notify_window *w = l->window;
    uint32_t count = 0, most = notify_batch(l->sender);

    for (uint64_t i = w->head; i < w->tail && count < most; i++) {
        struct item *it = &w->item[i % NOTIFY_WINDOW];

        if (&w->lane[it->lane] == l && !it->is_done)
            taken[count++] = it;
    }
    return count;
}

static void done(struct notify_window *w, struct item *it)
{
    it->is_done = true;
    while (w->head < w->tail && w->item[w->head % NOTIFY_WINDOW].is_done) {
        struct item *first = &w->item[w->head++ % NOTIFY_WINDOW];

        mem_free(first->bytes);
        *first = (struct item){0};
    }
    pthread_cond_broadcast(&w->moved);
}

static bool is_hopeless(const struct notify_setting *n, const struct item *it)
{
    return it->refusals >= n->tries || clock_monotonic_us() - it->begun_us > n->give_up_us;
}

/* Without the lock: the item is this lane's until it is done. */
static bool bury(struct notify_window *w, const struct item *it, const char *words,
                 struct error *e)
{
    return notify_dead_add(w->state, &it->ev, it->tries, words, clock_now_us(), e);
}

/* With the lock, which it gives up meanwhile. */
static void failed(struct lane *l, struct item *it, const struct notify_result *r)
{
    struct notify_window *w = l->window;
    struct error e;
    bool buried;

    it->refusals += r->end == NOTIFY_REFUSED;
    w->counts.failures++;
    l->is_failing = true;
    snprintf(w->counts.words, sizeof w->counts.words, "%s", r->words);
    if (!is_hopeless(w->setting, it)) {
        sleep_or_stop(w, notify_wait_us(it->tries, r));
        return;
    }
    pthread_mutex_unlock(&w->lock);
    buried = bury(w, it, r->words, &e);
    pthread_mutex_lock(&w->lock);
    if (buried) {
        w->counts.dead++;
        done(w, it);
        return;
    }
    snprintf(w->counts.words, sizeof w->counts.words, "%.*s", NOTIFY_WORDS_MAX - 1, e.text);
    sleep_or_stop(w, DEAD_WAIT_US);
}

static void try_some(struct lane *l, struct item *const taken[NOTIFY_BATCH_MAX], uint32_t count)
{
    struct notify_window *w = l->window;
    const struct notify_event *ev[NOTIFY_BATCH_MAX];
    struct notify_result r;
    uint32_t sent;

    for (uint32_t i = 0; i < count; i++)
        ev[i] = &taken[i]->ev;
    if (taken[0]->begun_us == 0)
        taken[0]->begun_us = clock_monotonic_us();
    taken[0]->tries++;
    pthread_mutex_unlock(&w->lock);
    sent = notify_send(l->sender, ev, count, &r);
    pthread_mutex_lock(&w->lock);
    if (sent > 0)
        l->is_failing = false;
    w->counts.sent += sent;
    for (uint32_t i = 0; i < sent; i++)
        done(w, taken[i]);
    if (sent == 0)
        failed(l, taken[0], &r);
}

static void *lane_run(void *context)
{
    struct lane *l = context;
    struct notify_window *w = l->window;
    struct item *taken[NOTIFY_BATCH_MAX];

    thread_name("assay-notify");
    thread_background();
    pthread_mutex_lock(&w->lock);
    while (!w->is_stopping) {
        uint32_t count = take(l, taken);

        if (count > 0)
            try_some(l, taken, count);
        else
            pthread_cond_wait(&w->moved, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- the whole ---- */

static void init_condition(pthread_cond_t *c)
{
    pthread_condattr_t a;

    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_cond_init(c, &a);
    pthread_condattr_destroy(&a);
}

static bool start_lane(struct notify_window *w, const struct settings *s, struct error *e)
{
    struct lane *l = &w->lane[w->lanes++];

    l->window = w;
    if (!notify_sender_open(s, w->setting, &l->sender, e))
        return false;
    if (pthread_create(&l->thread, NULL, lane_run, l) != 0)
        return error_set(e, ERROR_WORLD, "cannot start a thread of notify.%s", w->setting->name);
    l->is_started = true;
    return true;
}

bool notify_window_open(const struct settings *s, const struct notify_setting *n,
                 const struct notify_state *state, struct notify_window **w, struct error *e)
{
    struct notify_window *made = mem_alloc(sizeof *made);
    uint32_t lanes = n->to == NOTIFY_TO_WEBHOOK ? n->lanes : 1;

    made->setting = n;
    made->state = state;
    pthread_mutex_init(&made->lock, NULL);
    init_condition(&made->moved);
    while (made->lanes < lanes) {
        if (!start_lane(made, s, e)) {
            notify_window_close(made);
            return false;
        }
    }
    *w = made;
    return true;
}

void notify_window_stop(struct notify_window *w)
{
    pthread_mutex_lock(&w->lock);
    w->is_stopping = true;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
    for (uint32_t i = 0; i < w->lanes; i++) {
        if (w->lane[i].is_started)
            pthread_join(w->lane[i].thread, NULL);
        w->lane[i].is_started = false;
    }
}

void notify_window_close(struct notify_window *w)
{
    if (w == NULL)
        return;
    notify_window_stop(w);
    for (uint32_t i = 0; i < w->lanes; i++)
        notify_sender_close(w->lane[i].sender);
    for (uint64_t i = w->head; i < w->tail; i++)
        mem_free(w->item[i % NOTIFY_WINDOW].bytes);
    pthread_cond_destroy(&w->moved);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

static void copy_event(struct item *it, const struct notify_event *ev)
{
    char *at = it->bytes = mem_alloc(ev->id.length + ev->subject.length + ev->data.length + 1);

    it->ev = *ev;
    memcpy(at, ev->id.bytes, ev->id.length);
    it->ev.id.bytes = at;
    at += ev->id.length;
    memcpy(at, ev->subject.bytes, ev->subject.length);
    it->ev.subject.bytes = at;
    at += ev->subject.length;
    memcpy(at, ev->data.bytes, ev->data.length);
    it->ev.data.bytes = at;
}

bool notify_window_put(struct notify_window *w, const struct notify_event *ev, uint64_t position,
                int64_t wait_us)
{
    bool has_room;

    pthread_mutex_lock(&w->lock);
    if (w->tail - w->head == NOTIFY_WINDOW)
        wait_until(w, wait_us);
    has_room = w->tail - w->head < NOTIFY_WINDOW;
    if (has_room) {
        struct item *it = &w->item[w->tail++ % NOTIFY_WINDOW];

        *it = (struct item){.position = position, .lane = (uint32_t)(ev->key % w->lanes)};
        copy_event(it, ev);
        pthread_cond_broadcast(&w->moved);
    }
    pthread_mutex_unlock(&w->lock);
    return has_room;
}

bool notify_window_first(struct notify_window *w, uint64_t *position)
{
    bool is_any;

    pthread_mutex_lock(&w->lock);
    is_any = w->head < w->tail;
    if (is_any)
        *position = w->item[w->head % NOTIFY_WINDOW].position;
    pthread_mutex_unlock(&w->lock);
    return is_any;
}

void notify_window_counts(struct notify_window *w, struct window_counts *c)
{
    pthread_mutex_lock(&w->lock);
    *c = w->counts;
    c->waiting = (uint32_t)(w->tail - w->head);
    c->is_away = false;
    for (uint32_t i = 0; i < w->lanes; i++)
        c->is_away = c->is_away || w->lane[i].is_failing;
    pthread_mutex_unlock(&w->lock);
}
