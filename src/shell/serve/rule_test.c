/* POST /v1/rules/{name}:test: a version of a rule against events that the request gives, like the
 * `tests:` of the settings, on states of their own: by the plan in force with this version in it. */
#include <stdio.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/rules/overlay.h"
#include "shell/run/trial.h"
#include "shell/serve/inside.h"

enum {
    TESTS_MAX = 64,
    HISTORY_MAX = 1000,             /* events before one, of one test */
    TEST_TEXTS_MAX = 16 << 20,      /* bytes of all events as JSON */
    TEST_STATE_BYTES = 256 << 20,   /* of the state of one test */
    TEST_ANSWER_MAX = 4 << 20,
};

struct testing {
    struct test_setting test[TESTS_MAX];
    const struct json *fires[TESTS_MAX]; /* a bool, or NULL */
    uint32_t count;
    struct arena memory;
};

/* ---- reading ---- */

static void add_json(const struct json *v, struct buffer *out)
{
    switch (v->kind) {
    case JSON_BOOL:
        buffer_add_text(out, v->boolean ? "true" : "false");
        return;
    case JSON_INT:
        json_add_int(out, v->integer);
        return;
    case JSON_REAL:
        json_add_real(out, v->real);
        return;
    case JSON_TEXT:
        json_add_text(out, v->text);
        return;
    default: /* fields are scalars: the reader of events says what it thinks of others */
        buffer_add_text(out, v->kind == JSON_ARRAY ? "[]" : v->kind == JSON_OBJECT ? "{}" : "null");
    }
}

static bool read_event(struct testing *t, const struct json *v, char **event, struct error *e)
{
    struct buffer text;

    if (v == NULL || v->kind != JSON_OBJECT)
        return error_set(e, ERROR_INVALID, "expected an event, an object of its fields");
    buffer_init(&text, TEST_TEXTS_MAX);
    for (uint32_t i = 0; i < v->count; i++) {
        buffer_add_char(&text, i > 0 ? ',' : '{');
        json_add_text(&text, v->keys[i]);
        buffer_add_char(&text, ':');
        add_json(&v->items[i], &text);
    }
    buffer_add_text(&text, v->count > 0 ? "}" : "{}");
    *event = text.overflow ? NULL : arena_text(&t->memory, text.bytes, text.length);
    buffer_fini(&text);
    return *event != NULL || error_set(e, ERROR_INVALID, "the events have over %d MiB together",
                                       TEST_TEXTS_MAX >> 20);
}

static bool read_history(struct testing *t, const struct json *v, struct test_setting *test,
                         struct error *e)
{
    if (v == NULL)
        return true;
    if (v->kind != JSON_ARRAY || v->count > HISTORY_MAX)
        return error_set(e, ERROR_INVALID, "history: expected up to %d events", HISTORY_MAX);
    test->history = arena_alloc(&t->memory, (v->count + 1) * sizeof *test->history);
    if (test->history == NULL)
        return error_set(e, ERROR_INVALID, "history: there are too many events");
    for (uint32_t i = 0; i < v->count; i++) {
        if (!read_event(t, &v->items[i], &test->history[test->history_count++], e))
            return error_prefix(e, "history %u", i + 1);
    }
    return true;
}

static bool read_expected_rules(struct testing *t, const struct json *v, struct test_setting *test,
                                struct error *e)
{
    if (v == NULL)
        return true;
    test->expect.has_rules = true;
    if (v->kind != JSON_ARRAY || v->count > PLAN_RULES_MAX ||
        (test->expect.rules = arena_alloc(&t->memory, (v->count + 1) * sizeof(char *))) == NULL)
        return error_set(e, ERROR_INVALID, "expect.rules: expected names of rules");
    for (uint32_t i = 0; i < v->count; i++) {
        const struct json *name = &v->items[i];
        char *kept = name->kind == JSON_TEXT
                         ? arena_text(&t->memory, name->text.bytes, name->text.length)
                         : NULL;

        if (kept == NULL)
            return error_set(e, ERROR_INVALID, "expect.rules: expected names of rules");
        test->expect.rules[test->expect.rule_count++] = kept;
    }
    return true;
}

static bool members_are(const struct json *object, const char *const *known, const char *of,
                        struct error *e)
{
    if (object->kind != JSON_OBJECT)
        return error_set(e, ERROR_INVALID, "%sexpected an object", of);
    for (uint32_t i = 0; i < object->count; i++) {
        bool is_known = false;

        for (const char *const *name = known; *name != NULL; name++)
            is_known |= text_is(object->keys[i], *name);
        if (!is_known)
            return error_set(e, ERROR_INVALID, "%smember \"%.*s\" is not known here", of,
                             (int)(object->keys[i].length < 64 ? object->keys[i].length : 64),
                             object->keys[i].bytes);
    }
    return true;
}

static bool read_expected(struct testing *t, const struct json *v, uint32_t number, struct error *e)
{
    static const char *const known[] = {"fires", "rules", "outcome", NULL};
    struct test_setting *test = &t->test[number];
    const struct json *outcome;

    if (v == NULL)
        return true;
    if (!members_are(v, known, "expect: ", e) ||
        !read_expected_rules(t, json_get(v, "rules"), test, e))
        return false;
    t->fires[number] = json_get(v, "fires");
    if (t->fires[number] != NULL && t->fires[number]->kind != JSON_BOOL)
        return error_set(e, ERROR_INVALID, "expect.fires: expected true or false");
    outcome = json_get(v, "outcome");
    if (outcome == NULL)
        return true;
    if (outcome->kind == JSON_TEXT)
        test->expect.outcome = arena_text(&t->memory, outcome->text.bytes, outcome->text.length);
    return test->expect.outcome != NULL ||
           error_set(e, ERROR_INVALID, "expect.outcome: expected an outcome");
}

static bool read_test(struct testing *t, const struct json *v, uint32_t number, struct error *e)
{
    static const char *const known[] = {"name", "history", "event", "expect", NULL};
    struct test_setting *test = &t->test[number];
    const struct json *name;

    if (!members_are(v, known, "", e))
        return false;
    name = json_get(v, "name");
    if (name != NULL && name->kind != JSON_TEXT)
        return error_set(e, ERROR_INVALID, "name: expected a text");
    test->name = arena_text(&t->memory, name != NULL ? name->text.bytes : "",
                            name != NULL ? name->text.length : 0);
    return test->name != NULL && read_history(t, json_get(v, "history"), test, e) &&
           (read_event(t, json_get(v, "event"), &test->event, e) || error_prefix(e, "event")) &&
           read_expected(t, json_get(v, "expect"), number, e);
}

static bool read_tests(struct testing *t, const struct json *v, struct error *e)
{
    if (v == NULL || v->kind != JSON_ARRAY || v->count == 0 || v->count > TESTS_MAX)
        return error_set(e, ERROR_INVALID,
                         "tests: expected 1 to %d of {\"event\": {...}, \"history\": [...], "
                         "\"expect\": {\"fires\": true}}",
                         TESTS_MAX);
    for (t->count = 0; t->count < v->count; t->count++) {
        if (!read_test(t, &v->items[t->count], t->count, e))
            return error_prefix(e, "tests.%u", t->count + 1);
    }
    return true;
}

/* ---- running ---- */

/* What the plan does not know could never be found wrong. */
static bool names_are_known(const struct testing *t, const struct plan *p, struct error *e)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct test_setting *test = &t->test[i];

        for (uint32_t k = 0; k < test->expect.rule_count; k++) {
            if (plan_rule_find(p, text_of(test->expect.rules[k])) < 0)
                return error_set(e, ERROR_INVALID, "tests.%u.expect.rules: no rule \"%.64s\"",
                                 i + 1, test->expect.rules[k]);
        }
        if (test->expect.outcome != NULL && plan_outcome_find(p, text_of(test->expect.outcome)) < 0)
            return error_set(e, ERROR_INVALID, "tests.%u.expect.outcome: no outcome \"%.64s\"",
                             i + 1, test->expect.outcome);
    }
    return true;
}

static void add_result(const struct testing *t, uint32_t i, const struct plan *p, bool fires,
                       const struct trial_result *r, bool ok, struct buffer *out)
{
    const char *comma = "";

    buffer_add_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
    json_add_text(out, text_of(t->test[i].name));
    buffer_format(out, ",\"ok\":%s,\"fires\":%s,\"outcome\":", ok ? "true" : "false",
                  fires ? "true" : "false");
    json_add_text(out, text_of(plan_outcome_name(p, r->decision.outcome)));
    buffer_add_text(out, ",\"rules\":[");
    for (uint32_t k = 0; k < plan_rule_count(p); k++) {
        if (!decision_has_rule(&r->decision, k) || plan_rule_is_shadow(p, k))
            continue;
        buffer_add_text(out, comma);
        json_add_text(out, text_of(plan_rule_name(p, k)));
        comma = ",";
    }
    buffer_add_text(out, "],\"differences\":[");
    for (uint32_t k = 0; k < r->differences; k++) {
        const struct trial_difference *d = &r->difference[k];

        buffer_add_text(out, k > 0 ? ",{\"item\":" : "{\"item\":");
        json_add_text(out, text_of(d->item));
        buffer_add_text(out, ",\"expected\":");
        json_add_text(out, text_of(d->expected));
        buffer_add_text(out, ",\"found\":");
        json_add_text(out, text_of(d->found));
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "]}");
}

static bool run_all(const struct testing *t, const struct trial_options *o, const char *rule,
                    uint32_t *failed, struct buffer *out, struct error *e)
{
    int of = plan_rule_find(o->plan, text_of(rule));

    for (uint32_t i = 0; i < t->count; i++) {
        struct trial_result r;
        bool fires, ok;

        if (!trial_run(o, i, &r, e))
            return false;
        fires = of >= 0 && decision_has_rule(&r.decision, (uint32_t)of);
        ok = r.differences == 0 && (t->fires[i] == NULL || t->fires[i]->boolean == fires);
        *failed += !ok;
        add_result(t, i, o->plan, fires, &r, ok, out);
        trial_result_fini(&r);
    }
    return true;
}

static bool make_plan(const struct plan *in_force, const struct settings *s, struct made_plan *made,
                      struct error *e)
{
    struct buffer model;
    bool ok;

    buffer_init(&model, MODEL_BYTES_MAX);
    if (plan_model(in_force) != NULL)
        model_format(plan_model(in_force), &model);
    ok = plan_make(s, plan_schema(in_force), model.length > 0 ? model.bytes : NULL, model.length,
                   made, e);
    buffer_fini(&model);
    return ok;
}

static bool run_by(struct server *s, struct testing *t, const struct rule_view *v,
                   uint32_t *failed, struct buffer *out, struct error *e)
{
    const struct rule_trial trial = {
        text_of(v->name), text_of(v->when), text_of(v->then), text_of(v->text), false, false};
    struct plan *in_force = shard_plan(s->o.shard);
    struct lookups *lookups = lookups_ref(seat_get(s)->lookups);
    struct trial_options o = {.lookups = lookups,
                              .simd = shard_state_options(s->o.shard)->engine.simd};
    struct made_plan made = {0};
    struct overlay overlay;
    bool ok;

    pthread_rwlock_rdlock(&s->settings_lock);
    ok = overlay_init(&overlay, s->settings, s->o.rules, &trial, e);
    overlay.settings.tests = t->test;
    overlay.settings.test_count = t->count;
    if (overlay.settings.memory_bytes > TEST_STATE_BYTES)
        overlay.settings.memory_bytes = TEST_STATE_BYTES;
    ok = ok && make_plan(in_force, &overlay.settings, &made, e);
    if (ok) {
        o.settings = &overlay.settings;
        o.plan = made.plan;
        ok = names_are_known(t, made.plan, e) && list_feed_open(s->settings, &o.lists, e) &&
             run_all(t, &o, v->name, failed, out, e);
        list_feed_close(o.lists);
        made_plan_fini(&made);
    }
    overlay_fini(&overlay);
    pthread_rwlock_unlock(&s->settings_lock);
    lookups_free(lookups);
    plan_unref(in_force);
    return ok;
}

static bool test_view(struct server *s, struct exchange *x, const struct json *body,
                      struct testing *t, struct error *e)
{
    const struct json *wanted = json_get(body, "version");
    struct control_change by = change_of(x);
    uint32_t version = RULE_NEWEST, failed = 0;
    struct rule_view view;
    struct buffer out;
    bool ok;

    if (wanted != NULL &&
        (wanted->kind != JSON_INT || wanted->integer < 1 || wanted->integer >= UINT32_MAX))
        return error_set(e, ERROR_INVALID, "version: expected a whole number from 1 on");
    if (wanted != NULL)
        version = (uint32_t)wanted->integer;
    if (!rule_book_view(s->o.rules, x->parameter, version, &view, e) ||
        !read_tests(t, json_get(body, "tests"), e))
        return false;
    buffer_init(&out, TEST_ANSWER_MAX);
    ok = run_by(s, t, &view, &failed, &out, e) &&
         rule_book_tested(access_control(s->o.access), text_of(view.name), view.version, t->count,
                          failed, &by, e);
    if (ok) {
        buffer_format(&x->answer, "{\"name\":\"%s\",\"version\":%u,\"run\":%u,\"failed\":%u,"
                                  "\"tests\":[",
                      view.name, view.version, t->count, failed);
        buffer_add(&x->answer, out.bytes, out.length);
        buffer_add_text(&x->answer, "]}\n");
        x->status = 200;
    }
    buffer_fini(&out);
    return ok;
}

enum http_next test_rule(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"version", "tests", NULL};
    struct testing *t;
    struct json_document *body;
    struct error e;

    if (s->o.rules == NULL || s->o.access == NULL || s->settings == NULL) {
        problem_answer(x, 503, "this server has no rules but those of its settings");
        return HTTP_ANSWERED;
    }
    if ((body = body_object(s, x, known)) == NULL)
        return HTTP_ANSWERED;
    t = mem_alloc(sizeof *t);
    arena_init(&t->memory, TEST_TEXTS_MAX);
    if (!test_view(s, x, &body->root, t, &e))
        problem_answer(x, error_http_status(&e), "%s", e.text);
    arena_fini(&t->memory);
    mem_free(t);
    json_free(body);
    return HTTP_ANSWERED;
}
