#include "shell/serve/live.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/base/number.h"
#include "shell/os/clock.h"
#include "shell/serve/inside.h"
#include "shell/serve/row.h"
#include "shell/watch/figures.h"

enum { MINUTES = LIVE_DAYS * 24 * 60 };

#define MINUTE_US INT64_C(60000000)

/* The first words: a browser that loses the stream comes back after two seconds. */
static const char greeting[] = "retry: 2000\n\n";

enum { GREETING_BYTES = sizeof greeting - 1 };

struct frame_of_live {
    uint64_t number;
    struct buffer bytes;
};

struct listener {
    struct live *live;
    struct exchange *exchange;
    uint64_t next; /* frame */
    size_t at;     /* bytes of it that were given */
    bool is_greeted, is_asleep;
    unsigned since_asked;
    struct listener *after;
};

struct minute {
    int64_t number; /* since 1970 */
    uint32_t count[HISTOGRAM_BUCKETS];
};

/* What was there a second ago. */
struct before {
    uint64_t decisions;
    uint64_t by_outcome[PLAN_OUTCOMES_MAX], bands[STORE_BANDS];
    struct histogram_sum took;
};

struct live {
    struct server *server;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below, but what only the thread uses */
    pthread_cond_t ending;
    bool is_ending;
    uint64_t newest; /* frame; 0: none yet */
    struct frame_of_live frames[LIVE_FRAMES];
    struct listener *listeners;
    unsigned count;
    struct minute *minutes; /* a ring */

    struct before before; /* the thread's */
    struct server_look *look;
    struct watch_figures *figures;
    struct buffer rows;
    uint64_t rows_from; /* the newest row's seq of the frame before */
};

/* ---- a frame ---- */

static void took_all(const struct server_look *look, struct histogram_sum *sum)
{
    *sum = (struct histogram_sum){0};
    for (int k = 0; k <= PLAN_OUTCOMES_MAX; k++) {
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
            sum->count[i] += look->latency.whole[k].count[i];
        sum->total += look->latency.whole[k].total;
    }
}

static struct histogram_sum histogram_since(const struct histogram_sum *now,
                                            const struct histogram_sum *before)
{
    struct histogram_sum d = {0};

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        d.count[i] = now->count[i] - before->count[i];
    d.total = now->total - before->total;
    return d;
}

static void note_minute(struct live *l, int64_t now_us, const struct histogram_sum *took)
{
    int64_t number = now_us / MINUTE_US;
    struct minute *m = &l->minutes[number % MINUTES];

    if (m->number != number)
        *m = (struct minute){.number = number};
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        m->count[i] += (uint32_t)took->count[i];
}

void latency_add(const struct histogram_sum *took, struct buffer *out)
{
    if (took->total == 0) {
        buffer_add_text(out, ",\"latency\":null");
        return;
    }
    buffer_format(out, ",\"latency\":{\"count\":%" PRIu64 ",\"p50_us\":%.1f,\"p99_us\":%.1f}",
                  took->total, 1e6 * histogram_quantile(took, 0.5),
                  1e6 * histogram_quantile(took, 0.99));
}

static void add_outcomes(const struct live *l, const struct plan *p, struct buffer *out)
{
    const struct shard_status *now = &l->look->shard;

    buffer_format(out, ",\"decisions\":%" PRIu64 ",\"per_second\":%" PRIu64 ",\"by_outcome\":{",
                  now->decisions, now->decisions - l->before.decisions);
    for (uint32_t i = 0; i < plan_outcome_count(p); i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        json_add_text(out, text_of(plan_outcome_name(p, i)));
        buffer_format(out, ":%" PRIu64, now->by_outcome[i] - l->before.by_outcome[i]);
    }
    buffer_add_char(out, '}');
}

static void add_bands(const struct live *l, struct buffer *out)
{
    buffer_add_text(out, ",\"scores\":[");
    for (int i = 0; i < STORE_BANDS; i++)
        buffer_format(out, "%s%" PRIu64, i > 0 ? "," : "",
                      l->look->project.bands[i] - l->before.bands[i]);
    buffer_add_char(out, ']');
}

struct newest {
    struct buffer *out;
    uint64_t after_seq, newest;
};

/* The newest first; one for which there is no room is left out. */
static void add_newest(void *context, const struct store_decision *d)
{
    struct newest *n = context;
    size_t mark = n->out->length;

    if (d->seq <= n->after_seq)
        return;
    n->newest = n->newest > 0 ? n->newest : d->seq;
    if (mark > 0)
        buffer_add_char(n->out, ',');
    row_add(d, n->out);
    if (n->out->overflow) {
        n->out->length = mark;
        n->out->overflow = false;
    }
}

/* The store's newest rows, of those that came since the last frame. */
static void read_rows(struct live *l)
{
    struct store_query q = store_query_all(LIVE_NEWEST);
    struct server *s = l->server;
    char next[STORE_CURSOR_MAX];
    struct newest list = {.out = &l->rows, .after_seq = l->rows_from};
    struct store *store;
    struct error ignored;

    buffer_clear(&l->rows);
    q.sort = STORE_SEQ_DOWN;
    if (s->o.project == NULL || l->look->project.projected_seq <= l->rows_from ||
        !seat_store(s, seat_get(s), &store, &ignored) ||
        !store_query(store, &q, add_newest, &list, next, &ignored))
        return;
    if (list.newest > 0)
        l->rows_from = list.newest;
}

/* Alerts that wait for somebody. */
static void add_alerts(struct live *l, struct buffer *out)
{
    const struct watch_figures *f = l->figures;
    uint64_t open = 0;

    if (l->server->o.watch == NULL) {
        buffer_add_text(out, ",\"alerts_open\":null");
        return;
    }
    watch_figures(l->server->o.watch, l->figures);
    for (uint32_t i = 0; i < f->queues; i++)
        open += f->queue[i].open;
    buffer_format(out, ",\"alerts_open\":%" PRIu64, open);
}

static void add_frame(struct live *l, int64_t now_us, const struct histogram_sum *took,
                      struct buffer *out)
{
    const struct server_look *look = l->look;
    struct plan *p = shard_plan(l->server->o.shard);
    char time[TIME_TEXT_MAX];

    time_format(now_us, time);
    buffer_format(out, "data: {\"time\":\"%s\",\"uptime_s\":%.3f,\"ready\":%s", time,
                  (double)(clock_monotonic_us() - l->server->started_us) / 1e6,
                  look->shard.is_ready && !look->shard.is_failed ? "true" : "false");
    add_outcomes(l, p, out);
    add_bands(l, out);
    latency_add(took, out);
    buffer_format(out, ",\"queue\":%u,\"store_lag\":%" PRIu64, look->shard.queue_length,
                  look->project.lag);
    add_alerts(l, out);
    buffer_add_text(out, ",\"newest\":[");
    buffer_add(out, l->rows.bytes, l->rows.length);
    buffer_add_text(out, "]}\n\n");
    plan_unref(p);
}

static void remember(struct live *l, const struct histogram_sum *took)
{
    const struct shard_status *s = &l->look->shard;

    l->before.decisions = s->decisions;
    memcpy(l->before.by_outcome, s->by_outcome, sizeof l->before.by_outcome);
    memcpy(l->before.bands, l->look->project.bands, sizeof l->before.bands);
    l->before.took = *took;
}

/* Under the lock: frames are numbered by the second of the start on, so that numbers of an earlier
 * run are older than all of this one. */
static void publish(struct live *l, int64_t now_us, struct buffer *made)
{
    uint64_t number = l->newest > 0 ? l->newest + 1 : (uint64_t)(now_us / 1000000);
    struct frame_of_live *f = &l->frames[number % LIVE_FRAMES];

    f->number = l->newest = number;
    buffer_clear(&f->bytes);
    buffer_format(&f->bytes, "id: %" PRIu64 "\nevent: second\n", number);
    buffer_add(&f->bytes, made->bytes, made->length);
    for (struct listener *n = l->listeners; n != NULL; n = n->after) {
        if (n->is_asleep) {
            n->is_asleep = false;
            exchange_go_on(n->exchange);
        }
    }
}

static void tick(struct live *l, struct buffer *made)
{
    struct histogram_sum took, since;
    int64_t now_us = clock_now_us();
    bool has_listeners;

    pthread_mutex_lock(&l->lock);
    has_listeners = l->count > 0;
    pthread_mutex_unlock(&l->lock);
    shard_status(l->server->o.shard, &l->look->shard);
    l->look->latency = (struct metrics_latency){0};
    server_latency(l->server, &l->look->latency);
    if (l->server->o.project != NULL)
        project_status(l->server->o.project, &l->look->project);
    took_all(l->look, &took);
    since = histogram_since(&took, &l->before.took);
    buffer_clear(&l->rows);
    if (has_listeners)
        read_rows(l);
    buffer_clear(made);
    add_frame(l, now_us, &since, made);
    remember(l, &took);
    pthread_mutex_lock(&l->lock);
    note_minute(l, now_us, &since);
    publish(l, now_us, made);
    pthread_mutex_unlock(&l->lock);
}

/* Until the next whole second; false: it ends. */
static bool wait_second(struct live *l)
{
    int64_t until_us = (clock_now_us() / 1000000 + 1) * 1000000;
    const struct timespec at = {.tv_sec = until_us / 1000000};
    bool goes_on;

    pthread_mutex_lock(&l->lock);
    while (!l->is_ending && pthread_cond_timedwait(&l->ending, &l->lock, &at) != ETIMEDOUT)
        continue;
    goes_on = !l->is_ending;
    pthread_mutex_unlock(&l->lock);
    return goes_on;
}

static void *live_main(void *context)
{
    struct live *l = context;
    struct buffer made;

    thread_name("assay-live");
    thread_background();
    buffer_init(&made, LIVE_FRAME_BYTES_MAX);
    while (wait_second(l))
        tick(l, &made);
    buffer_fini(&made);
    return NULL;
}

/* ---- listeners ---- */

static size_t give(const char *bytes, size_t length, size_t *at, char *to, size_t room)
{
    size_t n = length - *at < room ? length - *at : room;

    memcpy(to, bytes + *at, n);
    *at += n;
    return n;
}

/* Under the lock. */
static int give_frame(struct live *l, struct listener *n, char *to, size_t room)
{
    struct frame_of_live *f = &l->frames[n->next % LIVE_FRAMES];
    size_t given;

    if (l->is_ending || f->number > n->next)
        return -1; /* or gone already: too slow */
    if (f->number < n->next) {
        n->is_asleep = true;
        exchange_pause(n->exchange);
        return 0;
    }
    given = give(f->bytes.bytes, f->bytes.length, &n->at, to, room);
    if (n->at == f->bytes.length) {
        n->next++;
        n->since_asked++;
        n->at = 0;
    }
    return (int)given;
}

static int stream(struct exchange *x, char *to, size_t room)
{
    struct listener *n = x->state;
    struct live *l = n->live;
    int given;

    room = room < LIVE_FRAME_BYTES_MAX ? room : LIVE_FRAME_BYTES_MAX;
    if (!n->is_greeted) {
        n->is_greeted = room >= GREETING_BYTES;
        memcpy(to, greeting, n->is_greeted ? GREETING_BYTES : 0);
        return n->is_greeted ? GREETING_BYTES : -1;
    }
    if (n->since_asked >= LIVE_ASK_FRAMES && n->at == 0) {
        n->since_asked = 0;
        if (!server_lets_on(l->server, x))
            return -1;
    }
    pthread_mutex_lock(&l->lock);
    given = give_frame(l, n, to, room);
    pthread_mutex_unlock(&l->lock);
    return given;
}

/* Under the lock: the first frame for one who comes, or comes back. */
static uint64_t first_frame(const struct live *l, const char *last_id)
{
    uint64_t oldest = l->newest;
    int64_t last;

    while (oldest > 1 && l->frames[(oldest - 1) % LIVE_FRAMES].number == oldest - 1)
        oldest--;
    if (l->newest == 0) /* that which will be the first is not known yet */
        return 0;
    if (last_id == NULL || !number_parse_int(text_of(last_id), &last) || last < 0 ||
        (uint64_t)last > l->newest)
        return l->newest;
    return (uint64_t)last + 1 > oldest ? (uint64_t)last + 1 : oldest;
}

/* Under the lock: who asks takes not everybody's place. Nobody is told from another where no key
 * or session is asked for: then all are one's own machine, or meant to be. */
static bool has_place(const struct live *l, const struct exchange *x)
{
    unsigned own = 0;

    if (l->count >= LIVE_LISTENERS_MAX || l->is_ending)
        return false;
    for (const struct listener *n = l->listeners; n != NULL && x->actor[0] != 0; n = n->after)
        own += strcmp(n->exchange->actor, x->actor) == 0;
    return own < LIVE_LISTENERS_OF_ONE_MAX;
}

enum http_next show_live(struct server *s, struct exchange *x)
{
    struct live *l = s->live;
    struct listener *n;
    bool has_room, has_begun;

    pthread_mutex_lock(&l->lock);
    has_room = has_place(l, x);
    has_begun = l->newest > 0;
    if (has_room && has_begun) {
        n = mem_alloc(sizeof *n);
        *n = (struct listener){.live = l,
                               .exchange = x,
                               .next = first_frame(l, exchange_header(x, "Last-Event-ID")),
                               .after = l->listeners};
        l->listeners = n;
        l->count++;
        x->state = n;
        x->stream = stream;
    }
    pthread_mutex_unlock(&l->lock);
    if (!has_begun) {
        problem_answer(x, 503, "the server has just started; ask again");
    } else if (!has_room) {
        problem_answer(x, 429, "as many are listening already as may: %d, %d of them by one caller",
                       LIVE_LISTENERS_MAX, LIVE_LISTENERS_OF_ONE_MAX);
    } else {
        x->status = 200;
        x->content_type = "text/event-stream";
        exchange_add_header(x, "X-Accel-Buffering", "no"); /* a proxy passes on what it has */
    }
    return HTTP_ANSWERED;
}

void live_left(struct exchange *x)
{
    struct listener *n = x->state, **at;
    struct live *l = n->live;

    pthread_mutex_lock(&l->lock);
    for (at = &l->listeners; *at != n; at = &(*at)->after)
        continue;
    *at = n->after;
    l->count--;
    pthread_mutex_unlock(&l->lock);
    mem_free(n);
    x->state = NULL;
}

void live_latency(struct live *l, int64_t from_us, int64_t until_us, struct histogram_sum *sum)
{
    *sum = (struct histogram_sum){0};
    pthread_mutex_lock(&l->lock);
    for (int64_t number = from_us / MINUTE_US; number < until_us / MINUTE_US; number++) {
        const struct minute *m = &l->minutes[number % MINUTES];

        if (m->number != number)
            continue;
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
            sum->count[i] += m->count[i];
            sum->total += m->count[i];
        }
    }
    pthread_mutex_unlock(&l->lock);
}

/* ---- start and end ---- */

bool live_start(struct server *s, struct live **live, struct error *e)
{
    struct live *l = mem_alloc(sizeof *l);

    l->server = s;
    l->look = mem_alloc(sizeof *l->look);
    l->figures = mem_alloc(sizeof *l->figures);
    l->minutes = mem_array(MINUTES, sizeof *l->minutes);
    buffer_init(&l->rows, LIVE_FRAME_BYTES_MAX / 2);
    for (int i = 0; i < LIVE_FRAMES; i++)
        buffer_init(&l->frames[i].bytes, LIVE_FRAME_BYTES_MAX + 128);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->ending, NULL);
    *live = l;
    if (pthread_create(&l->thread, NULL, live_main, l) == 0)
        return true;
    l->is_ending = true;
    *live = NULL;
    live_free(l);
    return error_set(e, ERROR_WORLD, "cannot start the live thread");
}

void live_end(struct live *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->is_ending = true;
    pthread_cond_signal(&l->ending);
    for (struct listener *n = l->listeners; n != NULL; n = n->after) {
        if (n->is_asleep) {
            n->is_asleep = false;
            exchange_go_on(n->exchange);
        }
    }
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
}

void live_free(struct live *l)
{
    if (l == NULL)
        return;
    for (int i = 0; i < LIVE_FRAMES; i++)
        buffer_fini(&l->frames[i].bytes);
    buffer_fini(&l->rows);
    pthread_cond_destroy(&l->ending);
    pthread_mutex_destroy(&l->lock);
    mem_free(l->minutes);
    mem_free(l->figures);
    mem_free(l->look);
    mem_free(l);
}
