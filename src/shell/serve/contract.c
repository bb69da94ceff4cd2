#include "shell/serve/contract.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/base/number.h"
#include "shell/serve/problem.h"
#include "shell/serve/shape.h"

enum {
    PIECES_MAX = 8,
    TARGET_BYTES_MAX = 16 << 10, /* of a filled-in path and its queries */
    EXTRAS_MAX = 6,
    PLACE_MAX = 256,
    ANSWER_BYTES_MAX = 64 << 20,
};

/* Text with expressions in braces: before[0] {shape[0]} before[1] ... */
struct template
{
    uint32_t count; /* of expressions */
    struct text before[PIECES_MAX + 1];
    int shape[PIECES_MAX];
};

struct target_query {
    char *name;
    struct template value;
};

struct answer {
    int when, body; /* shapes; body -1: the operation's own */
    unsigned status;
};

struct contract {
    char *name, *path, *to; /* `to` is cut into pieces */
    char *header_name, *header_value;
    enum http_method method;
    char **require;
    uint32_t require_count;
    struct shapes *requests, *answers;
    const struct route *route; /* the operation's */
    struct template target;    /* its path */
    struct target_query query[ROUTE_QUERIES_MAX];
    uint32_t query_count;
    int body; /* shape; -1: the caller's */
    struct answer answer[SETTINGS_ANSWERS_MAX];
    uint32_t answer_count;
};

struct contracts {
    atomic_uint references;
    uint32_t count;
    struct contract contract[SETTINGS_CONTRACTS_MAX];
};

/* One request under way. */
struct translation {
    struct contracts *contracts;
    const struct contract *contract;
    struct json_document *request; /* NULL: no body, or a bad one */
    struct json queries;
    struct text query_name[ROUTE_QUERIES_MAX];
    struct json query_value[ROUTE_QUERIES_MAX];
    char received[TIME_TEXT_MAX];
    struct buffer missing;
    struct buffer path;
    struct buffer value[ROUTE_QUERIES_MAX]; /* of the operation's queries */
    struct exchange_pair pair[ROUTE_QUERIES_MAX];
};

/* ---- compiling ---- */

static void add_name(struct schema *s, const char *name, enum type type)
{
    struct error ignored;

    if (!schema_add(s, text_of(name), type, &ignored))
        return; /* an event's field may have the same name as another's */
}

static struct schema *request_names(const struct schema *events)
{
    struct schema *s = schema_new();
    char name[FIELD_NAME_MAX + 16];

    add_name(s, "received", TYPE_TIME);
    for (uint32_t i = 0; i < events->count; i++) {
        if (events->fields[i].is_looked_up)
            continue;
        snprintf(name, sizeof name, "request.%s", events->fields[i].name);
        if (strlen(name) < FIELD_NAME_MAX)
            add_name(s, name, events->fields[i].type);
    }
    return s;
}

/* What operations answer, beside the request's names. */
static struct schema *answer_names(const struct schema *events)
{
    static const struct {
        const char *name;
        enum type type;
    } members[] = {
        {"status", TYPE_INT},       {"missing", TYPE_TEXT},      {"detail", TYPE_TEXT},
        {"title", TYPE_TEXT},       {"id", TYPE_TEXT},           {"seq", TYPE_INT},
        {"time", TYPE_TIME},        {"outcome", TYPE_TEXT},      {"score", TYPE_INT},
        {"probability", TYPE_REAL}, {"level", TYPE_TEXT},        {"plan", TYPE_TEXT},
        {"label", TYPE_BOOL},       {"observed", TYPE_BOOL},     {"repeated", TYPE_BOOL},
        {"feature", TYPE_TEXT},     {"contribution", TYPE_REAL}, {"state", TYPE_TEXT},
    };
    struct schema *s = request_names(events);

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        add_name(s, members[i].name, members[i].type);
    return s;
}

static bool template_new(struct template *t, struct shapes *shapes, const char *place, char *text,
                         struct error *e)
{
    char *open, *close;

    while ((open = strchr(text, '{')) != NULL) {
        close = strchr(open, '}');
        if (close == NULL)
            return error_set(e, ERROR_INVALID, "%s: \"{\" without \"}\"", place);
        if (t->count == PIECES_MAX)
            return error_set(e, ERROR_INVALID, "%s: over %d expressions", place, PIECES_MAX);
        t->before[t->count] = (struct text){text, (size_t)(open - text)};
        t->shape[t->count] = shapes_add_scalar(
            shapes, place, (struct text){open + 1, (size_t)(close - open - 1)}, false, e);
        if (t->shape[t->count++] < 0)
            return false;
        text = close + 1;
    }
    t->before[t->count] = text_of(text);
    return true;
}

/* The pattern's route, found by a path in which each expression is one letter. */
static bool find_route(struct contract *c, const char *place, enum http_method method,
                       struct error *e)
{
    struct text parameter, name;
    const char *allow;
    struct buffer path;

    buffer_init(&path, TARGET_BYTES_MAX);
    for (uint32_t i = 0; i <= c->target.count; i++) {
        buffer_add_slice(&path, c->target.before[i]);
        if (i < c->target.count)
            buffer_add_char(&path, 'x');
    }
    c->route =
        route_find((struct text){path.bytes, path.length}, method, &parameter, &name, &allow);
    if (c->route == NULL)
        error_set(e, ERROR_INVALID, "%s: no operation %s %s; docs/http-api.md has them", place,
                  method_word(method), buffer_text(&path));
    else if (c->route->body == BODY_NDJSON)
        error_set(e, ERROR_INVALID, "%s: %s takes lines, not one request", place,
                  c->route->pattern);
    buffer_fini(&path);
    return c->route != NULL && c->route->body != BODY_NDJSON;
}

static bool has_query(const struct route *r, const char *name)
{
    for (unsigned i = 0; i < ROUTE_QUERIES_MAX && r->queries[i].name != NULL; i++) {
        if (strcmp(r->queries[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool add_query(struct contract *c, const char *place, char *text, struct error *e)
{
    char *is = strchr(text, '=');
    struct target_query *q;

    if (is == NULL)
        return error_set(e, ERROR_INVALID, "%s: expected name=value, found \"%.64s\"", place, text);
    *is = 0;
    if (c->query_count == ROUTE_QUERIES_MAX || !has_query(c->route, text))
        return error_set(e, ERROR_INVALID, "%s: %s has no query \"%.64s\"", place,
                         c->route->pattern, text);
    q = &c->query[c->query_count++];
    q->name = text;
    return template_new(&q->value, c->requests, place, is + 1, e);
}

/* "POST /v1/decisions?explain=true", cut into pieces. */
static bool set_target(struct contract *c, const char *place, struct error *e)
{
    bool is_post = strncmp(c->to, "POST ", 5) == 0;
    char *path = c->to + (is_post ? 5 : 4), *query, *next;

    if (!is_post && strncmp(c->to, "GET ", 4) != 0)
        return error_set(e, ERROR_INVALID,
                         "%s: expected GET or POST and a path such as /v1/decisions", place);
    query = strchr(path, '?');
    if (query != NULL)
        *query++ = 0;
    if (!template_new(&c->target, c->requests, place, path, e) ||
        !find_route(c, place, is_post ? HTTP_POST : HTTP_GET, e))
        return false;
    for (; query != NULL; query = next) {
        next = strchr(query, '&');
        if (next != NULL)
            *next++ = 0;
        if (!add_query(c, place, query, e))
            return false;
    }
    return true;
}

static bool set_answers(struct contract *c, const struct contract_setting *s, struct error *e)
{
    char place[PLACE_MAX];

    for (uint32_t i = 0; i < s->answer_count; i++) {
        const struct answer_setting *from = &s->answers[i];
        struct answer *a = &c->answer[c->answer_count++];

        snprintf(place, sizeof place, "routes.%.100s.answers.%u.when", s->name, i);
        a->when = shapes_add_scalar(c->answers, place, text_of(from->when), true, e);
        a->status = from->status;
        a->body = -1;
        snprintf(place, sizeof place, "routes.%.100s.answers.%u.body", s->name, i);
        if (a->when < 0)
            return false;
        if (from->body != NULL &&
            (a->body = shapes_add(c->answers, place, text_of(from->body), e)) < 0)
            return false;
        if (from->status != 0 && from->status < 200)
            return error_set(e, ERROR_INVALID,
                             "routes.%.100s.answers.%u.status: expected 200 to "
                             "599, found %u",
                             s->name, i, from->status);
    }
    return true;
}

static bool set_header(struct contract *c, const struct contract_setting *s, struct error *e)
{
    char *colon;

    if (s->header == NULL)
        return true;
    c->header_name = mem_text(s->header, strlen(s->header));
    colon = strchr(c->header_name, ':');
    if (colon == NULL || colon == c->header_name)
        return error_set(e, ERROR_INVALID, "routes.%.100s.header: expected NAME: VALUE", s->name);
    *colon = 0;
    c->header_value = colon + 1 + strspn(colon + 1, " ");
    return true;
}

/* Whether the service answers this path by itself, or its console does. */
static bool is_own(const struct contract *c)
{
    const struct text path = text_of(c->path);
    struct text parameter, name;
    const char *allow;

    if (route_find(path, c->method, &parameter, &name, &allow) != NULL)
        return true;
    return c->method == HTTP_GET && (text_is(path, "/") || text_is(path, "/index.html") ||
                                     strncmp(c->path, "/assets/", 8) == 0);
}

static bool check_path(const struct contract *c, const struct contract_setting *s, struct error *e)
{
    const char *at = s->path;

    while (*at > ' ' && strchr("?#%", *at) == NULL)
        at += *at != 0;
    if (s->path[0] != '/' || strncmp(s->path, "/v1/", 4) == 0 || *at != 0)
        return error_set(e, ERROR_INVALID,
                         "routes.%.100s.path: expected a path such as /predict, not under /v1/, "
                         "found \"%.64s\"",
                         s->name, s->path);
    if (is_own(c) && !s->replaces)
        return error_set(e, ERROR_INVALID,
                         "routes.%.100s.path: the service answers %s %.64s itself; hint: take "
                         "another path, or say `replaces: true`",
                         s->name, method_word(c->method), s->path);
    if (!is_own(c) && s->replaces)
        return error_set(e, ERROR_INVALID,
                         "routes.%.100s.replaces: the service has no %s %.64s to replace", s->name,
                         method_word(c->method), s->path);
    return true;
}

/* The first that matches is taken: one behind another without a header of its own is never. */
static bool is_reached(const struct contracts *all, const struct contract_setting *s,
                       struct error *e)
{
    const struct contract *c = &all->contract[all->count - 1];

    for (const struct contract *before = all->contract; before < c; before++) {
        bool is_told =
            before->header_name != NULL &&
            (c->header_name == NULL || strcasecmp(before->header_name, c->header_name) != 0 ||
             strcmp(before->header_value, c->header_value) != 0);

        if (before->method == c->method && strcmp(before->path, c->path) == 0 && !is_told)
            return error_set(e, ERROR_INVALID,
                             "routes.%.100s.path: %s %.64s is routes.%.100s already; hint: tell "
                             "them apart by `header`, the one without it last",
                             s->name, method_word(c->method), s->path, before->name);
    }
    return true;
}

static bool contract_new(struct contract *c, const struct contract_setting *s,
                         const struct schema *events, struct error *e)
{
    char place[PLACE_MAX];

    c->name = mem_text(s->name, strlen(s->name));
    c->path = mem_text(s->path, strlen(s->path));
    c->to = mem_text(s->to, strlen(s->to));
    c->method = strcmp(s->method, "GET") == 0 ? HTTP_GET : HTTP_POST;
    c->require = mem_array(s->require_count, sizeof *c->require);
    for (; c->require_count < s->require_count; c->require_count++) {
        const char *name = s->require[c->require_count];

        c->require[c->require_count] = mem_text(name, strlen(name));
    }
    c->requests = shapes_new(request_names(events));
    c->answers = shapes_new(answer_names(events));
    c->body = -1;
    if (!check_path(c, s, e))
        return false;
    snprintf(place, sizeof place, "routes.%.100s.to", s->name);
    if (!set_header(c, s, e) || !set_target(c, place, e))
        return false;
    snprintf(place, sizeof place, "routes.%.100s.body", s->name);
    if (s->body != NULL && (c->body = shapes_add(c->requests, place, text_of(s->body), e)) < 0)
        return false;
    if (!set_answers(c, s, e))
        return false;
    shapes_finish(c->requests);
    shapes_finish(c->answers);
    return true;
}

/* The words begin with the setting that is wrong, down to the part of a shape: its line is that of
 * the nearest key above. */
static bool blame(const struct settings *s, const char *name, struct error *e)
{
    static const char *const parts[] = {"path", "header", "replaces", "to", "body", "answers"};
    char key[PLACE_MAX];

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(key, sizeof key, "routes.%.100s.%s", name, parts[i]);
        if (strncmp(e->text, key, strlen(key)) == 0)
            return settings_blame(s, key, e);
    }
    return false;
}

bool contracts_new(const struct settings *s, const struct schema *events, struct contracts **c,
                   struct error *e)
{
    struct contracts *all;

    *c = NULL;
    if (s->contract_count == 0)
        return true;
    all = mem_alloc(sizeof *all);
    atomic_store(&all->references, 1);
    for (uint32_t i = 0; i < s->contract_count; i++) {
        const struct contract_setting *setting = &s->contracts[i];

        if (contract_new(&all->contract[all->count++], setting, events, e) &&
            is_reached(all, setting, e))
            continue;
        blame(s, setting->name, e);
        contracts_unref(all);
        return false;
    }
    *c = all;
    return true;
}

struct contracts *contracts_ref(struct contracts *c)
{
    if (c != NULL)
        atomic_fetch_add(&c->references, 1);
    return c;
}

static void contract_fini(struct contract *c)
{
    shapes_free(c->requests);
    shapes_free(c->answers);
    for (uint32_t i = 0; i < c->require_count; i++)
        mem_free(c->require[i]);
    mem_free(c->require);
    mem_free(c->header_name);
    mem_free(c->name);
    mem_free(c->path);
    mem_free(c->to);
}

void contracts_unref(struct contracts *c)
{
    if (c == NULL || atomic_fetch_sub(&c->references, 1) > 1)
        return;
    for (uint32_t i = 0; i < c->count; i++)
        contract_fini(&c->contract[i]);
    mem_free(c);
}

/* ---- a request ---- */

static bool has_header(struct exchange *x, const struct contract *c)
{
    const char *value;

    if (c->header_name == NULL)
        return true;
    value = exchange_header(x, c->header_name);
    return value != NULL && strcmp(value, c->header_value) == 0;
}

bool contract_begin(struct contracts *all, struct exchange *x)
{
    struct translation *t;

    for (uint32_t i = 0; all != NULL && i < all->count; i++) {
        const struct contract *c = &all->contract[i];

        if (c->method != x->method || !text_is(x->path, c->path) || !has_header(x, c))
            continue;
        t = mem_alloc(sizeof *t);
        t->contracts = contracts_ref(all);
        t->contract = c;
        buffer_init(&t->missing, ERROR_TEXT_MAX);
        buffer_init(&t->path, TARGET_BYTES_MAX);
        for (uint32_t q = 0; q < c->query_count; q++)
            buffer_init(&t->value[q], TARGET_BYTES_MAX);
        x->translation = t;
        x->route = c->route;
        return true;
    }
    return false;
}

static bool take_query(void *context, const char *name)
{
    struct translation *t = context;

    t->query_name[t->queries.count] = text_of(name);
    return ++t->queries.count < ROUTE_QUERIES_MAX;
}

/* The caller's queries as an object: whole numbers as such, so that they can be counted with. */
static void read_queries(struct translation *t, struct exchange *x)
{
    exchange_queries(x, take_query, t);
    for (uint32_t i = 0; i < t->queries.count; i++) {
        const char *value = exchange_query(x, t->query_name[i].bytes);
        struct json *v = &t->query_value[i];

        v->kind = JSON_TEXT;
        v->text = text_of(value != NULL ? value : "");
        if (number_parse_int(v->text, &v->integer)) {
            v->kind = JSON_INT;
            v->real = (double)v->integer;
        }
    }
    t->queries.kind = JSON_OBJECT;
    t->queries.keys = t->query_name;
    t->queries.items = t->query_value;
}

static uint32_t extras(const struct translation *t, struct shape_member extra[EXTRAS_MAX])
{
    struct json none = {.kind = JSON_NULL};

    extra[0] = (struct shape_member){"request", t->request != NULL ? t->request->root : none};
    extra[1] = (struct shape_member){"query", t->queries};
    extra[2] = (struct shape_member){"received", {.kind = JSON_TEXT, .text = text_of(t->received)}};
    extra[3] = (struct shape_member){
        "missing", {.kind = JSON_TEXT, .text = {t->missing.bytes, t->missing.length}}};
    return 4;
}

static void template_fill(const struct template *t, const struct shapes *shapes,
                          const struct shape_scope *scope, bool *is_null, struct buffer *out)
{
    for (uint32_t i = 0; i <= t->count; i++) {
        buffer_add_slice(out, t->before[i]);
        if (i < t->count && !shape_text(shapes, t->shape[i], scope, out))
            *is_null = true;
    }
}

/* Of a path: what is filled in is one part of it, whatever it has in it. */
static void path_fill(const struct template *t, const struct shapes *shapes,
                      const struct shape_scope *scope, bool *is_null, struct buffer *out)
{
    for (uint32_t i = 0; i <= t->count; i++) {
        size_t from;

        buffer_add_slice(out, t->before[i]);
        from = out->length;
        if (i < t->count && !shape_text(shapes, t->shape[i], scope, out))
            *is_null = true;
        path_mark(out->bytes + from, out->length - from);
    }
}

/* The body as JSON; false: it is none, and the answer is there. */
static bool read_body(struct translation *t, struct exchange *x)
{
    struct text body = exchange_body(x);
    struct json_reader *reader;
    struct error e;

    if (x->body.length > x->body_max) {
        problem_answer(x, 413, "the body is over %zu bytes", x->body_max);
        return false;
    }
    if (text_trim(body).length == 0)
        return true;
    reader = json_reader_new();
    t->request = json_parse(reader, body.bytes, body.length, &e);
    json_reader_free(reader);
    if (t->request == NULL)
        problem_answer(x, 400, "%s", e.text);
    return t->request != NULL;
}

static bool has_required(struct translation *t, struct exchange *x)
{
    const struct contract *c = t->contract;

    for (uint32_t i = 0; i < c->require_count; i++) {
        const struct json *v = NULL;

        if (t->request != NULL && t->request->root.kind == JSON_OBJECT)
            v = json_get(&t->request->root, c->require[i]);
        if (v == NULL || v->kind == JSON_NULL)
            buffer_format(&t->missing, "%s%s", t->missing.length > 0 ? ", " : "", c->require[i]);
    }
    if (t->missing.length > 0)
        problem_answer(x, 400, "missing: %s", buffer_text(&t->missing));
    return t->missing.length == 0;
}

/* The operation's path and queries, in the place of the caller's. */
static bool set_route(struct translation *t, struct exchange *x, const struct shape_scope *scope)
{
    const struct contract *c = t->contract;
    bool is_null = false;
    const struct route *found;
    const char *allow;

    path_fill(&c->target, c->requests, scope, &is_null, &t->path);
    x->method = c->route->method;
    found = route_find((struct text){t->path.bytes, t->path.length}, x->method, &x->parameter,
                       &x->name, &allow);
    path_unmark(t->path.bytes, t->path.length);
    if (is_null || t->path.overflow || found != c->route) {
        problem_answer(x, 400, "the request does not say what %s needs", c->route->pattern);
        return false;
    }
    x->path = (struct text){t->path.bytes, t->path.length};
    x->queries = t->pair;
    for (uint32_t q = 0; q < c->query_count; q++) {
        is_null = false;
        template_fill(&c->query[q].value, c->requests, scope, &is_null, &t->value[q]);
        if (!is_null)
            t->pair[x->query_count++] =
                (struct exchange_pair){c->query[q].name, buffer_text(&t->value[q])};
    }
    return true;
}

static bool set_body(struct translation *t, struct exchange *x, const struct shape_scope *scope)
{
    const struct contract *c = t->contract;
    struct buffer body;
    bool is_whole;

    if (c->route->body == BODY_NONE) {
        buffer_clear(&x->body);
        return true;
    }
    if (c->body < 0) {
        if (t->request == NULL)
            buffer_add_text(&x->body, "{}");
        return true;
    }
    buffer_init(&body, x->body_max);
    is_whole = shape_fill(c->requests, c->body, scope, &body);
    if (!is_whole)
        problem_answer(x, 413,
                       "what this contract makes of the request is over %zu bytes, or %d steps",
                       x->body_max, SHAPE_STEPS_MAX);
    x->body.max = x->body_max + 1;
    buffer_clear(&x->body);
    buffer_add(&x->body, body.bytes, body.length);
    buffer_fini(&body);
    return is_whole;
}

bool contract_request(struct exchange *x, int64_t received_us)
{
    struct translation *t = x->translation;
    struct shape_member extra[EXTRAS_MAX];
    uint32_t steps = 0;
    struct shape_scope scope = {.extra = extra, .steps = &steps};

    time_format(received_us, t->received);
    read_queries(t, x);
    if (!read_body(t, x) || !has_required(t, x))
        return false;
    scope.extras = extras(t, extra);
    if (!set_route(t, x, &scope))
        return false;
    return set_body(t, x, &scope);
}

/* ---- its answer ---- */

static void answer_by(struct exchange *x, const struct answer *a, const struct shapes *shapes,
                      const struct shape_scope *scope)
{
    struct buffer body;

    if (a->status != 0)
        x->status = a->status;
    if (a->body < 0)
        return;
    buffer_init(&body, ANSWER_BYTES_MAX);
    if (!shape_fill(shapes, a->body, scope, &body)) {
        buffer_fini(&body);
        problem_answer(
            x, 422,
            "the request was taken, but the answer that this contract makes of it is over "
            "%d bytes, or %d steps",
            ANSWER_BYTES_MAX, SHAPE_STEPS_MAX);
        return;
    }
    buffer_add_char(&body, '\n');
    buffer_fini(&x->answer);
    x->answer = body;
    x->content_type = "application/json";
}

void contract_answer(struct exchange *x)
{
    struct translation *t = x->translation;
    const struct contract *c = t->contract;
    struct json_reader *reader;
    struct json_document *d;
    struct shape_member extra[EXTRAS_MAX];
    uint32_t steps = 0;
    struct shape_scope scope = {.extra = extra, .steps = &steps};
    struct error e;

    if (c->answer_count == 0)
        return;
    reader = json_reader_new();
    d = json_parse(reader, x->answer.bytes, x->answer.length, &e);
    scope.root = d != NULL ? &d->root : NULL;
    scope.extras = extras(t, extra);
    extra[scope.extras++] = (struct shape_member){
        "status", {.kind = JSON_INT, .integer = x->status, .real = x->status}};
    for (uint32_t i = 0; i < c->answer_count; i++) {
        if (!shape_holds(c->answers, c->answer[i].when, &scope))
            continue;
        answer_by(x, &c->answer[i], c->answers, &scope);
        break;
    }
    json_free(d);
    json_reader_free(reader);
}

void contract_ended(struct exchange *x)
{
    struct translation *t = x->translation;

    if (t == NULL)
        return;
    json_free(t->request);
    buffer_fini(&t->missing);
    buffer_fini(&t->path);
    for (uint32_t q = 0; q < t->contract->query_count; q++)
        buffer_fini(&t->value[q]);
    contracts_unref(t->contracts);
    mem_free(t);
    x->translation = NULL;
}
