/* POST /v1/rules/{name}:test: a version of a rule against events that the request gives, like the
 * `tests:` of the settings, on states of their own: by the plan in force with this version in it.
 */
#include <stdio.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/run/rule_trials.h"
#include "shell/serve/inside.h"

enum {
    HISTORY_MAX = 1000,        /* events before one, of one test */
    TEST_TEXTS_MAX = 16 << 20, /* bytes of all events as JSON */
    TEST_ANSWER_MAX = 4 << 20,
};

struct testing {
    struct test_setting test[RULE_TRIALS_MAX];
    const bool *fires[RULE_TRIALS_MAX]; /* the document's; NULL: not said */
    uint32_t count;
    struct arena memory;
};

/* ---- reading ---- */

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
        json_add_json(&text, &v->items[i]);
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
    const struct json *outcome, *fires;

    if (v == NULL)
        return true;
    if (!members_are(v, known, "expect: ", e) ||
        !read_expected_rules(t, json_get(v, "rules"), test, e))
        return false;
    fires = json_get(v, "fires");
    if (fires != NULL && fires->kind != JSON_BOOL)
        return error_set(e, ERROR_INVALID, "expect.fires: expected true or false");
    t->fires[number] = fires != NULL ? &fires->boolean : NULL;
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
    if (v == NULL || v->kind != JSON_ARRAY || v->count == 0 || v->count > RULE_TRIALS_MAX)
        return error_set(e, ERROR_INVALID,
                         "tests: expected 1 to %d of {\"event\": {...}, \"history\": [...], "
                         "\"expect\": {\"fires\": true}}",
                         RULE_TRIALS_MAX);
    for (t->count = 0; t->count < v->count; t->count++) {
        if (!read_test(t, &v->items[t->count], t->count, e))
            return error_prefix(e, "tests.%u", t->count + 1);
    }
    return true;
}

/* ---- running ---- */

static bool run_by(struct server *s, struct testing *t, const struct rule_view *v, uint32_t *failed,
                   struct buffer *out, struct error *e)
{
    struct rule_trials trials = {.book = s->o.rules.book,
                                 .in_force = shard_plan(s->o.shard),
                                 .lookups = seat_get(s)->lookups, /* this thread's, until it asks */
                                 .simd = shard_state_options(s->o.shard)->engine.simd,
                                 .rule = {text_of(v->name), text_of(v->when), text_of(v->then),
                                          text_of(v->text), false, false},
                                 .test = t->test,
                                 .fires = t->fires,
                                 .count = t->count};
    bool ok;

    pthread_rwlock_rdlock(&s->settings_lock);
    trials.settings = s->settings;
    ok = s->o.rules.run_trials(&trials, failed, out, e);
    pthread_rwlock_unlock(&s->settings_lock);
    plan_unref(trials.in_force);
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
    if (!rule_book_view(s->o.rules.book, x->parameter, version, &view, e) ||
        !read_tests(t, json_get(body, "tests"), e))
        return false;
    buffer_init(&out, TEST_ANSWER_MAX);
    ok = run_by(s, t, &view, &failed, &out, e) &&
         rule_book_tested(access_control(s->o.access), text_of(view.name), view.version, t->count,
                          failed, &by, e);
    if (ok) {
        buffer_format(&x->answer,
                      "{\"name\":\"%s\",\"version\":%u,\"run\":%u,\"failed\":%u,"
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

    if (s->o.rules.book == NULL || s->o.access == NULL || s->settings == NULL) {
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
