/* Dispatch, desks, start and stop. */
#include "shell/serve/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"
#include "shell/serve/inside.h"

enum { WAIT_STEP_US = 100000 };

/* ---- seats ---- */

static void seat_leave_plan(struct seat *seat)
{
    if (seat->plan == NULL)
        return;
    frame_fini(&seat->event);
    validation_bench_free(seat->bench);
    seat->bench = NULL;
    lookups_free(seat->lookups);
    plan_unref(seat->plan);
}

static void seat_free(void *context)
{
    struct seat *seat = context;

    json_reader_free(seat->json);
    seat_leave_plan(seat);
    buffer_fini(&seat->encoded);
    store_close(seat->reader);
    mem_free(seat);
}

static void seat_take_plan(struct server *s, struct seat *seat)
{
    seat_leave_plan(seat);
    pthread_mutex_lock(&s->lock);
    seat->generation = atomic_load(&s->generation);
    seat->plan = plan_ref(s->plan);
    seat->lookups = lookups_ref(s->lookups);
    pthread_mutex_unlock(&s->lock);
    seat->fields = schema_fingerprint(plan_schema(seat->plan));
    frame_init(&seat->event, plan_schema(seat->plan), 1, EVENT_TEXT_MAX);
    if (plan_validation(seat->plan) != NULL)
        seat->bench = validation_bench_new(plan_validation(seat->plan), 1);
}

bool seat_is_current(struct server *s, const struct seat *seat)
{
    return atomic_load_explicit(&s->generation, memory_order_relaxed) == seat->generation;
}

struct seat *seat_get(struct server *s)
{
    struct seat *seat = pthread_getspecific(s->seat);

    if (seat != NULL) {
        if (!seat_is_current(s, seat))
            seat_take_plan(s, seat);
        return seat;
    }
    seat = mem_alloc(sizeof *seat);
    seat->json = json_reader_new();
    seat_take_plan(s, seat);
    buffer_init(&seat->encoded, EVENT_TEXT_MAX + SHARD_ID_MAX);
    ASSERT(pthread_setspecific(s->seat, seat) == 0);
    return seat;
}

bool seat_store(struct server *s, struct seat *seat, struct store **store, struct error *e)
{
    if (s->o.project == NULL)
        return error_set(e, ERROR_WORLD, "this server has no store");
    if (seat->reader == NULL && !store_open(s->o.store, STORE_READ, &seat->reader, e))
        return false;
    *store = seat->reader;
    return true;
}

/* ---- what handlers share ---- */

void server_refuse(struct server *s, struct exchange *x)
{
    struct shard_status status;

    shard_status(s->o.shard, &status);
    if (status.is_failed)
        problem_answer(x, 503, "the shard has stopped: %s", status.failure);
    else if (!status.is_ready || atomic_load(&s->is_stopping))
        problem_answer(x, 503, "the server is starting or stopping");
    else
        problem_answer(x, 429, "%u requests are waiting already; see server.queue",
                       status.queue_capacity);
}

bool server_submit(struct server *s, struct exchange *x, struct submission *submission)
{
    if (shard_submit(s->o.shard, submission))
        return true;
    server_refuse(s, x);
    return false;
}

bool query_bool(struct exchange *x, const char *name, bool *value)
{
    const char *word = exchange_query(x, name);

    *value = word != NULL && strcmp(word, "true") == 0;
    if (word == NULL || *value || strcmp(word, "false") == 0)
        return true;
    problem_answer(x, 400, "query parameter %s: expected true or false, found \"%.64s\"", name,
                   word);
    return false;
}

/* ---- dispatch ---- */

static size_t body_max(const struct server *s, const struct route *r)
{
    if (r == NULL || r->body == BODY_NONE)
        return HTTP_KEPT_BYTES; /* read and dropped, so that the connection can go on */
    return r->body_max > 0 ? r->body_max : s->o.setting->body_bytes;
}

/* The contract of somebody else comes first: it may take any path but ours under /v1/. */
static const struct route *route_of(struct server *s, struct exchange *x)
{
    struct contracts *contracts = NULL;

    if (atomic_load_explicit(&s->has_contracts, memory_order_relaxed)) {
        pthread_mutex_lock(&s->lock);
        contracts = contracts_ref(s->contracts);
        pthread_mutex_unlock(&s->lock);
    }
    if (!contract_begin(contracts, x))
        x->route = route_find(x->path, x->method, &x->parameter, &x->name, &x->allow);
    contracts_unref(contracts);
    return x->route;
}

static void on_begin(void *context, struct exchange *x)
{
    struct server *s = context;
    const struct route *r = route_of(s, x);
    const char *length = exchange_header(x, "Content-Length");

    x->body_max = body_max(s, r);
    if (length != NULL && strtoull(length, NULL, 10) > x->body_max)
        problem_answer(x, 413, "the body has %.20s bytes, at most %zu are taken here", length,
                       x->body_max);
}

static bool media_type_is(const char *header, const char *wanted)
{
    size_t length = strlen(wanted);

    if (header == NULL || strncasecmp(header, wanted, length) != 0)
        return false;
    header += length;
    return *header == 0 || *header == ';' || *header == ' ';
}

static bool body_is_right(struct exchange *x, const struct route *r)
{
    static const char *const wanted[] = {"", "application/json", "application/x-ndjson"};
    const char *type = exchange_header(x, "Content-Type");

    if (x->body.length > x->body_max) {
        problem_answer(x, 413, "the body is over %zu bytes", x->body_max);
        return false;
    }
    if (r->body == BODY_NONE || media_type_is(type, wanted[r->body]) ||
        (r->body == BODY_NDJSON && media_type_is(type, "application/jsonl")))
        return true;
    problem_answer(x, 415, "expected a body of content type %s, found %s%.64s", wanted[r->body],
                   type != NULL ? "" : "none", type != NULL ? type : "");
    return false;
}

struct query_check {
    const struct route *route;
    const char *unknown;
};

static bool query_is_known(void *context, const char *name)
{
    struct query_check *c = context;

    for (unsigned i = 0; i < ROUTE_QUERIES_MAX && c->route->queries[i].name != NULL; i++) {
        if (strcmp(c->route->queries[i].name, name) == 0)
            return true;
    }
    c->unknown = name;
    return false;
}

static bool queries_are_known(struct exchange *x, const struct route *r)
{
    struct query_check check = {.route = r};

    exchange_queries(x, query_is_known, &check);
    if (check.unknown == NULL)
        return true;
    problem_answer(x, 400, "query parameter \"%.64s\" is not known here", check.unknown);
    return false;
}

static bool is_for_us(struct server *s, struct exchange *x)
{
    const struct route *r = x->route;

    if (x->is_misdirected)
        problem_answer(x, 421,
                       "this server listens on a loopback address and answers only for "
                       "localhost, 127.0.0.1 and [::1]");
    else if (atomic_load(&s->is_stopping))
        problem_answer(x, 503, "the server is stopping");
    else if (r == NULL && x->allow[0] == 0)
        problem_answer(x, 404, "no such path");
    else if (r == NULL)
        problem_answer(x, 405, "this path takes %s", x->allow);
    else if (!text_is_utf8(x->parameter) || !text_is_utf8(x->name))
        problem_answer(x, 400, "the path is no UTF-8");
    else if (x->translation != NULL)
        return contract_request(x, clock_now_us());
    else
        return body_is_right(x, r) && queries_are_known(x, r);
    return false;
}

static enum http_next on_request(void *context, struct exchange *x)
{
    struct server *s = context;
    const struct route *r = x->route;

    if (!is_for_us(s, x)) {
        if (x->allow != NULL && x->allow[0] == 0)
            x->allow = NULL;
        return HTTP_ANSWERED;
    }
    if (r->place == ROUTE_AT_ONCE)
        return r->handle(s, x);
    exchange_wait(x);
    if (!queue_put(s->desk_queue, x)) {
        problem_answer(x, 429, "%d requests of this kind are waiting already", DESK_QUEUE_MAX);
        exchange_resume(x);
    }
    return HTTP_WAITING;
}

/* Before it is sent: whoever has an answer finds it counted. */
static void on_answering(void *context, struct exchange *x)
{
    struct server *s = context;

    if (x->translation != NULL)
        contract_answer(x);
    metrics_count_answer(&s->metrics, x->status);
}

static void on_ended(void *context, struct exchange *x)
{
    (void)context;
    decide_ended(x);
    contract_ended(x);
}

static void *desk_main(void *context)
{
    struct server *s = context;
    void *item;

    while (queue_take(s->desk_queue, &item, 1, -1) == 1) {
        struct exchange *x = item;
        const struct route *r = x->route;

        r->handle(s, x);
        if (x->answer.overflow)
            problem_answer(x, 500, "the answer is over %d bytes", HTTP_ANSWER_BYTES_MAX);
        exchange_resume(x);
    }
    return NULL;
}

/* ---- start and stop ---- */

static bool desks_start(struct server *s, struct error *e)
{
    for (; s->desk_count < SERVER_DESKS; s->desk_count++) {
        if (pthread_create(&s->desks[s->desk_count], NULL, desk_main, s) != 0)
            return error_set(e, ERROR_WORLD, "cannot start a desk thread");
    }
    return true;
}

static void server_free(struct server *s)
{
    queue_close(s->desk_queue);
    for (unsigned i = 0; i < s->desk_count; i++)
        pthread_join(s->desks[i], NULL);
    jobs_free(s->jobs);
    queue_free(s->desk_queue);
    pthread_key_delete(s->seat);
    contracts_unref(s->contracts);
    lookups_free(s->lookups);
    plan_unref(s->plan);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

bool server_start(const struct server_options *o, struct server **server, struct error *e)
{
    struct server *s = mem_alloc(sizeof *s);
    struct http_options http = {.host = o->setting->host,
                                .port = o->setting->port,
                                .threads = o->setting->threads,
                                .context = s,
                                .begin = on_begin,
                                .handle = on_request,
                                .answering = on_answering,
                                .ended = on_ended};

    s->o = *o;
    pthread_mutex_init(&s->lock, NULL);
    s->plan = shard_plan(o->shard);
    s->lookups = lookups_ref(o->lookups);
    s->contracts = contracts_ref(o->contracts);
    atomic_store(&s->has_contracts, o->contracts != NULL);
    ASSERT(pthread_key_create(&s->seat, seat_free) == 0);
    s->desk_queue = queue_new(DESK_QUEUE_MAX);
    s->jobs = jobs_new((const struct server_work[JOB_KINDS]){
        [JOB_TRAIN] = o->train, [JOB_RELOAD] = o->reload, [JOB_BACKTEST] = o->backtest});
    if (!desks_start(s, e) || !http_start(&http, &s->http, e)) {
        server_free(s);
        return false;
    }
    *server = s;
    return true;
}

bool server_is_loopback(const struct server *s)
{
    return http_is_loopback(s->http);
}

void server_renew(struct server *s, struct lookups *l, struct contracts *c)
{
    struct plan *plan = shard_plan(s->o.shard), *old_plan;
    struct contracts *old_contracts;
    struct lookups *old_lookups;

    pthread_mutex_lock(&s->lock);
    old_plan = s->plan;
    old_lookups = s->lookups;
    s->plan = plan;
    s->lookups = lookups_ref(l);
    old_contracts = s->contracts;
    s->contracts = contracts_ref(c);
    atomic_store(&s->has_contracts, c != NULL);
    atomic_fetch_add(&s->generation, 1);
    pthread_mutex_unlock(&s->lock);
    contracts_unref(old_contracts);
    lookups_free(old_lookups);
    plan_unref(old_plan);
}

bool server_reload(struct server *s, struct error *e)
{
    char id[JOB_ID_BYTES];

    return jobs_start(s->jobs, JOB_RELOAD, NULL, id, e);
}

bool server_reload_now(struct server *s, struct error *e)
{
    char id[JOB_ID_BYTES];

    if (!jobs_start(s->jobs, JOB_RELOAD, NULL, id, e))
        return false;
    while (!jobs_wait(s->jobs, id, WAIT_STEP_US, e))
        continue;
    return e->kind == ERROR_NONE;
}

uint16_t server_port(const struct server *s)
{
    return http_port(s->http);
}

void server_stop(struct server *s)
{
    if (s == NULL)
        return;
    atomic_store(&s->is_stopping, true);
    jobs_cancel(s->jobs);
    http_drain(s->http);
    http_stop(s->http);
    server_free(s);
}
