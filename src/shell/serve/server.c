/* Dispatch, desks, start and stop. */
#include "shell/serve/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/serve/console.h"
#include "shell/serve/cors.h"
#include "shell/serve/finish.h"
#include "shell/serve/inside.h"
#include "shell/serve/live.h"
#include "shell/serve/sparse.h"
#include "shell/serve/tls.h"
#include "shell/store/tokens.h"

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
    struct seat **at = &seat->server->seats;

    pthread_mutex_lock(&seat->server->lock);
    while (*at != seat)
        at = &(*at)->next;
    *at = seat->next;
    pthread_mutex_unlock(&seat->server->lock);
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
    seat->server = s;
    pthread_mutex_lock(&s->lock);
    seat->next = s->seats;
    s->seats = seat;
    pthread_mutex_unlock(&s->lock);
    seat->json = json_reader_new();
    seat_take_plan(s, seat);
    buffer_init(&seat->encoded, EVENT_TEXT_MAX + SHARD_ID_MAX);
    ASSERT(pthread_setspecific(s->seat, seat) == 0);
    return seat;
}

static bool open_reader(struct server *s, struct seat *seat, struct error *e)
{
    bool is_damaged;

    if (store_open_checked(&s->o.store, STORE_READ, &seat->reader, &is_damaged, e))
        return true;
    if (is_damaged)
        project_suspect(s->o.project);
    return false;
}

bool seat_store(struct server *s, struct seat *seat, struct store **store, struct error *e)
{
    unsigned generation;
    bool is_old;

    if (s->o.project == NULL)
        return error_set(e, ERROR_WORLD, "this server has no store");
    generation = project_generation(s->o.project);
    is_old = seat->reader_generation != generation;
    if (seat->reader != NULL && (is_old || store_is_damaged(seat->reader))) {
        if (!is_old) /* else it was made anew since */
            project_suspect(s->o.project);
        store_close(seat->reader);
        seat->reader = NULL;
    }
    if (project_is_rebuilding(s->o.project))
        return error_set(e, ERROR_WORLD,
                         "the store was lost and is being made anew from the log; ask again");
    seat->reader_generation = generation;
    if (seat->reader == NULL && !open_reader(s, seat, e))
        return false;
    *store = seat->reader;
    return true;
}

/* ---- what handlers share ---- */

void server_latency(struct server *s, struct metrics_latency *l)
{
    const struct histogram *shard = shard_stages(s->o.shard);

    *l = (struct metrics_latency){0};
    for (int i = 0; i < STAGES; i++)
        histogram_sum(&shard[i], &l->stages[i]);
    pthread_mutex_lock(&s->lock);
    for (const struct seat *seat = s->seats; seat != NULL; seat = seat->next) {
        for (int i = 0; i < STAGES; i++)
            histogram_sum(&seat->times.stages[i], &l->stages[i]);
        for (int i = 0; i <= PLAN_OUTCOMES_MAX; i++)
            histogram_sum(&seat->times.whole[i], &l->whole[i]);
    }
    pthread_mutex_unlock(&s->lock);
}

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

bool query_time(struct exchange *x, const char *name, int64_t *us)
{
    const char *word = exchange_query(x, name);

    if (word == NULL || time_parse(text_of(word), TIME_ISO, us))
        return true;
    problem_answer(x, 400,
                   "query parameter %s: expected a time like 2018-04-01T00:00:31Z, found "
                   "\"%.64s\"",
                   name, word);
    return false;
}

bool query_entity(struct server *s, struct exchange *x, int64_t *entity)
{
    const char *word = exchange_query(x, "entity");
    struct text t = text_of(word != NULL ? word : "");
    const char *colon = word != NULL ? strchr(word, ':') : NULL;
    struct error e;

    if (word == NULL)
        return true;
    if (colon == NULL || colon == word || colon[1] == 0 || t.length > TEXT_MAX ||
        !text_is_utf8(t)) {
        problem_answer(x, 400,
                       "query parameter entity: expected KIND:ID, like customer:c-1029, found "
                       "\"%.64s\"",
                       word);
        return false;
    }
    if (token_of_name(seat_get(s)->plan, (struct text){word, (size_t)(colon - word)},
                      text_of(colon + 1), entity, &e))
        return true;
    problem_answer(x, 400, "query parameter entity: %s", e.text);
    return false;
}

bool query_int(struct exchange *x, const char *name, int64_t min, int64_t max, int64_t *v)
{
    const char *word = exchange_query(x, name);

    if (word == NULL || (number_parse_int(text_of(word), v) && *v >= min && *v <= max))
        return true;
    problem_answer(x, 400, "query parameter %s: expected %lld to %lld, found \"%.64s\"", name,
                   (long long)min, (long long)max, word);
    return false;
}

struct asked asked_of(const struct exchange *x)
{
    return (struct asked){.caller = text_of(x->actor), .request = text_of(x->request_id)};
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
    exchange_unmark_path(x);
    if (x->route == NULL && x->allow[0] == 0) { /* the path's own '/' and ':' may be encoded */
        x->allow = NULL;
        if (!contract_begin(contracts, x))
            x->route = route_find(x->path, x->method, &x->parameter, &x->name, &x->allow);
    }
    if (x->route == NULL && x->translation == NULL && x->allow[0] == 0 &&
        (x->route = console_route(s->o.console, x)) != NULL)
        x->allow = NULL;
    contracts_unref(contracts);
    return x->route;
}

static unsigned roles_of(const struct server *s, const struct route *r)
{
    if (r->handle == show_metrics && s->o.settings != NULL && s->o.settings->access.open_metrics)
        return r->roles | ROLE_ANYONE;
    return r->roles;
}

static void name_actor(struct exchange *x)
{
    struct control_actor a = caller_actor(&x->caller);

    x->actor[0] = 0;
    if (x->caller.kind > CALLER_LOCAL)
        snprintf(x->actor, sizeof x->actor, "%.*s:%.*s", TEXT_ARG(a.kind), TEXT_ARG(a.id));
}

static void ask_access(struct server *s, struct exchange *x, const struct route *r, bool is_again,
                       struct access_verdict *v)
{
    struct access_request request = {.address = x->address,
                                     .route = r->pattern,
                                     .request = x->request_id,
                                     .roles = roles_of(s, r),
                                     .is_change = r->method != HTTP_GET,
                                     .is_for_starter = r->is_for_starter,
                                     .is_again = is_again};

    request.authorization = exchange_header(x, "Authorization");
    if (request.authorization == NULL) {
        request.key = exchange_header(x, "X-API-Key");
        request.cookie = exchange_header(x, "Cookie");
        request.csrf = exchange_header(x, CSRF_HEADER);
    } else if (strncasecmp(request.authorization, "Bearer ask_", 11) != 0) {
        request.json = seat_get(s)->json; /* for a JWT */
    }
    access_check(s->o.access, &request, v);
}

/* Who asks, and whether they may; on false the answer is there. Before the body is read, and
 * `is_again` once it is there. */
static bool is_allowed(struct server *s, struct exchange *x, const struct route *r, bool is_again)
{
    struct access_verdict v;

    if (s->o.access == NULL) {
        x->caller = (struct caller){.kind = CALLER_LOCAL, .roles = ROLES_ALL};
        x->actor[0] = 0;
        return true;
    }
    ask_access(s, x, r, is_again, &v);
    x->caller = v.caller;
    name_actor(x);
    if (!is_again) {
        x->rate.limit = v.rate.limit;
        x->rate.remaining = v.rate.remaining;
        x->rate.reset_s = v.rate.reset_s;
    }
    if (v.status == 0)
        return true;
    problem_answer(x, v.status, "%s", v.words);
    x->asks_who = v.status == 401;
    if (v.rate.wait_s > 0)
        x->retry_after_s = v.rate.wait_s;
    return false;
}

bool server_lets_on(struct server *s, struct exchange *x)
{
    struct access_verdict v;

    if (s->o.access == NULL)
        return true;
    ask_access(s, x, x->route, true, &v);
    return v.status == 0;
}

/* A body may come long after its head: meanwhile the key may have been revoked, the user disabled,
 * or the first key made. So whoever was let in by the head of a change that was not there at once
 * is asked again. The starter token is in use by then, and ends by itself. */
static bool is_still_allowed(struct server *s, struct exchange *x, const struct route *r)
{
    if (s->o.access == NULL || r->method == HTTP_GET || (roles_of(s, r) & ROLE_ANYONE) != 0 ||
        x->caller.kind == CALLER_STARTER || clock_monotonic_us() - x->started_us < ASKED_AGAIN_US)
        return true;
    return is_allowed(s, x, r, true);
}

static void on_begin(void *context, struct exchange *x)
{
    struct server *s = context;
    const struct route *r = route_of(s, x);
    const char *length = exchange_header(x, "Content-Length");

    x->body_max = body_max(s, r);
    request_name(&s->names, x);
    cors_answer(s->o.setting, x);
    if (r != NULL && !is_allowed(s, x, r, false))
        return;
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
    uint32_t seen; /* bit i: the route's i-th */
    const char *unknown, *repeated;
};

static bool query_is_known(void *context, const char *name)
{
    struct query_check *c = context;

    for (unsigned i = 0; i < ROUTE_QUERIES_MAX && c->route->queries[i].name != NULL; i++) {
        if (strcmp(c->route->queries[i].name, name) != 0)
            continue;
        if (c->seen >> i & 1)
            c->repeated = name;
        c->seen |= UINT32_C(1) << i;
        return c->repeated == NULL;
    }
    c->unknown = name;
    return false;
}

static bool queries_are_known(struct exchange *x, const struct route *r)
{
    struct query_check check = {.route = r};

    if (r->has_any_query)
        return true;
    exchange_queries(x, query_is_known, &check);
    if (check.unknown != NULL)
        problem_answer(x, 400, "query parameter \"%.64s\" is not known here", check.unknown);
    else if (check.repeated != NULL)
        problem_answer(x, 400, "query parameter %s is there twice", check.repeated);
    else
        return sparse_check(x);
    return false;
}

static bool is_for_us(struct server *s, struct exchange *x)
{
    const struct route *r = x->route;

    if (x->is_malformed)
        problem_answer(
            x, 400,
            "the head says twice for whom the request is or where it ends, or has what no "
            "header may have");
    else if (x->is_misdirected)
        problem_answer(x, 421,
                       "this server listens on a loopback address and answers only for "
                       "localhost, 127.0.0.1 and [::1]");
    else if (atomic_load(&s->is_stopping))
        problem_answer(x, 503, "the server is stopping");
    else if (r == NULL && x->allow[0] != 0 && x->method == HTTP_OPTIONS)
        cors_preflight(s->o.setting, x, x->allow);
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
    if (!is_still_allowed(s, x, r))
        return HTTP_ANSWERED;
    if (r->is_keyed && keyed_begin(s->keyed, x))
        return HTTP_ANSWERED;
    if (r->place == ROUTE_AT_ONCE) {
        enum http_next next = r->handle(s, x);

        if (next == HTTP_ANSWERED) {
            keyed_end(s->keyed, x);
            answer_finish(s, x);
        }
        return next;
    }
    exchange_wait(x);
    if (!queue_put(s->desk_queue, x)) {
        problem_answer(x, 429, "%d requests of this kind are waiting already", DESK_QUEUE_MAX);
        keyed_end(s->keyed, x);
        exchange_resume(x);
    }
    return HTTP_WAITING;
}

/* Spread evenly: with a share of 0.01 each hundredth. */
static bool is_sampled(struct server *s)
{
    double share = s->o.setting->sample, n;

    if (!(share > 0))
        return false;
    n = (double)atomic_fetch_add_explicit(&s->sampled, 1, memory_order_relaxed);
    return (uint64_t)((n + 1) * share) > (uint64_t)(n * share);
}

/* The route's pattern, not the path: ids may stand in that. Who asked by their id, not their name;
 * nothing of what was said. */
static void tell_request(struct server *s, const struct exchange *x, bool is_slow, int64_t took_us)
{
    const struct route *r = x->route;
    struct buffer members;

    buffer_init(&members, JOURNAL_LINE_MAX / 2);
    buffer_add_text(&members, ",\"request_id\":");
    json_add_text(&members, text_of(x->request_id));
    buffer_format(&members, ",\"method\":\"%s\",\"route\":", method_word(x->method));
    json_add_text(&members, text_of(r != NULL ? r->pattern : "none"));
    buffer_format(&members, ",\"status\":%u,\"us\":%lld,\"caller\":", x->status,
                  (long long)took_us);
    json_add_text(&members, text_of(x->caller.id));
    if (x->trace[0] != 0) {
        buffer_add_text(&members, ",\"traceparent\":");
        json_add_text(&members, text_of(x->trace));
    }
    journal_write(s->o.journal, JOURNAL_INFO, is_slow ? "slow_request" : "request",
                  is_slow ? "a request took long" : "a request was answered",
                  buffer_text(&members));
    buffer_fini(&members);
}

static void journal_request(struct server *s, const struct exchange *x)
{
    int64_t took_us;
    bool is_slow;

    if (s->o.journal == NULL)
        return;
    took_us = clock_monotonic_us() - x->started_us;
    is_slow = s->o.setting->slow_ms > 0 && took_us >= s->o.setting->slow_ms * INT64_C(1000);
    if (is_slow || is_sampled(s))
        tell_request(s, x, is_slow, took_us);
}

/* Before it is sent: whoever has an answer finds it counted. */
static void on_answering(void *context, struct exchange *x)
{
    struct server *s = context;

    if (x->translation != NULL)
        contract_answer(x);
    metrics_count_answer(&s->metrics, x->status);
    journal_request(s, x);
}

static void on_ended(void *context, struct exchange *x)
{
    struct server *s = context;

    if (x->caller.kind == CALLER_STARTER)
        access_starter_done(s->o.access, x->status >= 200 && x->status < 300);
    if (x->stream != NULL)
        live_left(x);
    else
        decide_ended(x);
    contract_ended(x);
}

/* Who was let in because nobody was asked, and waited for a desk while the first key or user was
 * made, is too late; of several that would make the first one, one does. */
static void handle_at_desk(struct server *s, struct exchange *x, const struct route *r)
{
    bool is_local = x->caller.kind == CALLER_LOCAL && s->o.access != NULL;
    bool is_first = is_local && r->is_for_starter;

    if (is_first)
        pthread_mutex_lock(&s->first);
    if (is_local && r->method != HTTP_GET && access_is_required(s->o.access)) {
        problem_answer(x, 401, "a key or user was made meanwhile: from now on one is needed here");
        x->asks_who = true;
    } else {
        r->handle(s, x);
    }
    if (is_first)
        pthread_mutex_unlock(&s->first);
}

static void *desk_main(void *context)
{
    struct server *s = context;
    void *item;

    thread_name("assay-desk");
    thread_background(); /* who waits for one decision goes before who reads a page */
    while (queue_take(s->desk_queue, &item, 1, -1) == 1) {
        struct exchange *x = item;

        handle_at_desk(s, x, x->route);
        if (x->answer.overflow)
            problem_answer(x, 500, "the answer is over %d bytes", HTTP_ANSWER_BYTES_MAX);
        keyed_end(s->keyed, x);
        answer_finish(s, x);
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
    fetch_stop(s->fetch);
    live_free(s->live);
    jobs_free(s->jobs);
    keyed_free(s->keyed);
    about_fini(&s->about);
    queue_free(s->desk_queue);
    pthread_key_delete(s->seat);
    contracts_unref(s->contracts);
    lookups_free(s->lookups);
    plan_unref(s->plan);
    pthread_rwlock_destroy(&s->settings_lock);
    pthread_mutex_destroy(&s->first);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->pass_lock);
    mem_free(s);
}

static uint64_t plan_seq_of(const struct server *s)
{
    struct shard_status status;

    shard_status(s->o.shard, &status);
    return status.plan_seq;
}

static struct plan *plan_in_force(void *context)
{
    struct server *s = context;
    struct plan *p;

    pthread_mutex_lock(&s->lock);
    p = plan_ref(s->plan);
    pthread_mutex_unlock(&s->lock);
    return p;
}

bool server_start(const struct server_options *o, struct server **server, struct error *e)
{
    struct server *s = mem_alloc(sizeof *s);
    struct fetch_options fetch;
    struct http_options http = {.host = o->setting->host,
                                .port = o->setting->port,
                                .threads = o->setting->threads,
                                .is_tls = o->setting->tls.certificate != NULL,
                                .connections = o->setting->connections,
                                .context = s,
                                .begin = on_begin,
                                .handle = on_request,
                                .answering = on_answering,
                                .ended = on_ended};

    s->o = *o;
    s->started_us = clock_monotonic_us();
    s->settings = o->settings;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->pass_lock, NULL);
    pthread_mutex_init(&s->first, NULL);
    pthread_rwlock_init(&s->settings_lock, NULL);
    s->plan = shard_plan(o->shard);
    s->lookups = lookups_ref(o->lookups);
    s->contracts = contracts_ref(o->contracts);
    atomic_store(&s->has_contracts, o->contracts != NULL);
    ASSERT(pthread_key_create(&s->seat, seat_free) == 0);
    s->desk_queue = queue_new(DESK_QUEUE_MAX);
    s->jobs = jobs_new((const struct server_work[JOB_KINDS]){[JOB_TRAIN] = o->train,
                                                             [JOB_RELOAD] = o->reload,
                                                             [JOB_BACKTEST] = o->backtest,
                                                             [JOB_VERIFY] = o->verify});
    s->keyed = keyed_new();
    request_names_init(&s->names);
    about_init(&s->about, o->settings, s->plan, plan_seq_of(s), shard_directory(s->o.shard));
    *server = s; /* before the first request can start a job that asks for it */
    fetch = (struct fetch_options){s->settings, s->o.shard, o->setting->queue, plan_in_force, s};
    if (!fetch_start(&fetch, &s->fetch, e) || !desks_start(s, e) || !live_start(s, &s->live, e) ||
        !http_start(&http, &s->http, e)) {
        live_end(s->live);
        *server = NULL;
        server_free(s);
        return false;
    }
    return true;
}

bool server_is_loopback(const struct server *s)
{
    return http_is_loopback(s->http);
}

/* Relative paths start where the settings file is. */
static const char *path_of(const struct settings *s, const char *path, char whole[FILE_PATH_MAX])
{
    if (path[0] == '/' || s->directory == NULL)
        return path;
    snprintf(whole, FILE_PATH_MAX, "%s/%s", s->directory, path);
    return whole;
}

bool server_certificate(const struct settings *s, struct error *e)
{
    char certificate[FILE_PATH_MAX], key[FILE_PATH_MAX];

    return s->server.tls.certificate == NULL ||
           tls_load(path_of(s, s->server.tls.certificate, certificate),
                    path_of(s, s->server.tls.key, key), e);
}

bool server_host_is_loopback(const char *host)
{
    return http_host_is_loopback(host);
}

void server_replan(struct server *s)
{
    struct lookups *l;
    struct contracts *c;

    pthread_mutex_lock(&s->lock);
    l = lookups_ref(s->lookups);
    c = contracts_ref(s->contracts);
    pthread_mutex_unlock(&s->lock);
    server_renew(s, l, c, s->settings); /* who renews is one at a time */
    lookups_free(l);
    contracts_unref(c);
}

void server_renew(struct server *s, struct lookups *l, struct contracts *c,
                  const struct settings *settings)
{
    struct plan *plan = shard_plan(s->o.shard), *old_plan;
    struct contracts *old_contracts;
    struct lookups *old_lookups;
    struct about about, old_about;

    about_init(&about, settings, plan, plan_seq_of(s), shard_directory(s->o.shard));
    pthread_mutex_lock(&s->lock);
    old_plan = s->plan;
    old_lookups = s->lookups;
    old_about = s->about;
    s->plan = plan;
    s->about = about;
    s->lookups = lookups_ref(l);
    old_contracts = s->contracts;
    s->contracts = contracts_ref(c);
    atomic_store(&s->has_contracts, c != NULL);
    atomic_fetch_add(&s->generation, 1);
    pthread_mutex_unlock(&s->lock);
    contracts_unref(old_contracts);
    lookups_free(old_lookups);
    about_fini(&old_about);
    plan_unref(old_plan);
    pthread_rwlock_wrlock(&s->settings_lock);
    s->settings = settings;
    pthread_rwlock_unlock(&s->settings_lock);
}

bool server_reload(struct server *s, struct error *e)
{
    char id[JOB_ID_BYTES];

    return jobs_start(s->jobs, JOB_RELOAD, NULL, id, e);
}

bool server_reload_now(struct server *s, struct error *e)
{
    char id[JOB_ID_BYTES];
    bool is_ours;

    do { /* one that is running may be by the files of before: then one more behind it */
        is_ours = jobs_start(s->jobs, JOB_RELOAD, NULL, id, e);
        if (!is_ours && e->kind != ERROR_CONFLICT)
            return false;
        while (!jobs_wait(s->jobs, id, WAIT_STEP_US, e))
            continue;
    } while (!is_ours);
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
    live_end(s->live);
    http_drain(s->http);
    http_stop(s->http);
    server_free(s);
}
