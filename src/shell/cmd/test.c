/* `assay test`: the tests of the settings. */
#include <stdio.h>

#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/run/current.h"
#include "shell/run/data_directory.h"
#include "shell/run/feed.h"
#include "shell/run/trial.h"

struct testing {
    struct invocation *v;
    struct settings *settings;
    struct current current;
    struct lookups *lookups;
    struct list_feed *lists;
    uint32_t run, failed;
};

/* With the model in force where there is one; else rules alone decide. */
static bool open_plan(struct testing *t, struct error *e)
{
    char data[DATA_PATH_MAX], model[CURRENT_PATH_MAX];
    struct schema *schema;
    struct error none;
    bool ok;

    if (!data_directory(t->settings, data, e))
        return false;
    if (settings_has_model(t->settings) && registry_champion(data, model, &none))
        return current_open(t->settings, NULL, CURRENT_MODEL_NEEDED, &t->current, e);
    schema = settings_schema(t->settings);
    if (schema == NULL)
        return current_open(t->settings, NULL, CURRENT_MODEL_NOT_USED, &t->current, e);
    ok = plan_make(t->settings, schema, NULL, 0, &t->current.made, e);
    schema_free(schema);
    return ok;
}

static bool open_lookups(struct testing *t, struct error *e)
{
    const struct schema *schema = plan_schema(t->current.made.plan);

    return lookups_open(t->settings, schema, schema, &t->lookups, e) &&
           lookups_match(t->lookups, schema, e) && list_feed_open(t->settings, &t->lists, e);
}

static void print_words(const struct testing *t, const struct test_setting *test,
                        const struct trial_result *r, struct buffer *out)
{
    const struct term *term = &t->v->term;
    bool ok = r->differences == 0;

    buffer_format(out, "%s%s%s  %s\n", term_colour(term, ok ? COLOUR_GREEN : COLOUR_RED),
                  ok ? "ok  " : "FAIL", term_colour(term, COLOUR_NONE), test->name);
    for (uint32_t i = 0; i < r->differences; i++) {
        const struct trial_difference *d = &r->difference[i];

        buffer_format(out, "        %-24s expected %s, found %s\n", d->item, d->expected, d->found);
    }
}

static void print_json(const struct test_setting *test, const struct trial_result *r,
                       struct buffer *out)
{
    buffer_add_text(out, "{\"name\":");
    json_add_text(out, text_of(test->name));
    buffer_format(out, ",\"ok\":%s,\"differences\":[", r->differences == 0 ? "true" : "false");
    for (uint32_t i = 0; i < r->differences; i++) {
        const struct trial_difference *d = &r->difference[i];

        buffer_add_text(out, i > 0 ? ",{\"item\":" : "{\"item\":");
        json_add_text(out, text_of(d->item));
        buffer_add_text(out, ",\"expected\":");
        json_add_text(out, text_of(d->expected));
        buffer_add_text(out, ",\"found\":");
        json_add_text(out, text_of(d->found));
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "]}");
}

static bool run_tests(struct testing *t, struct buffer *out, struct error *e)
{
    const struct trial_options o = {.settings = t->settings,
                                    .plan = t->current.made.plan,
                                    .lookups = t->lookups,
                                    .lists = t->lists,
                                    .simd = t->v->simd};

    for (uint32_t i = 0; i < t->settings->test_count; i++) {
        struct trial_result r;

        if (!trial_run(&o, i, &r, e))
            return false;
        if (t->v->json) {
            buffer_add_text(out, i > 0 ? ",\n" : "\n");
            print_json(&t->settings->tests[i], &r, out);
        } else {
            print_words(t, &t->settings->tests[i], &r, out);
        }
        t->run++;
        t->failed += r.differences > 0;
        trial_result_fini(&r);
    }
    return true;
}

static bool run_all(struct testing *t, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    buffer_add_text(&out, t->v->json ? "{\"tests\":[" : "");
    ok = run_tests(t, &out, e);
    if (ok && t->v->json)
        buffer_format(&out, "],\"run\":%u,\"failed\":%u,\"has_model\":%s}\n", t->run, t->failed,
                      plan_model(t->current.made.plan) != NULL ? "true" : "false");
    else if (ok)
        buffer_format(&out, "%u of %u tests passed%s\n", t->run - t->failed, t->run,
                      plan_model(t->current.made.plan) != NULL ? "" : ", by rules alone: no model");
    ok = ok && print_result(&out, e);
    buffer_fini(&out);
    if (ok && t->failed > 0)
        return error_set(e, ERROR_INVALID, "%u of %u tests failed", t->failed, t->run);
    return ok;
}

static bool test_run(struct invocation *v, struct error *e)
{
    struct testing t = {.v = v};
    bool ok;

    if (!invocation_settings(v, &t.settings, e))
        return false;
    if (t.settings->test_count == 0)
        ok = error_set(e, ERROR_NOT_FOUND,
                       "%s: there are no tests; hint: write some under tests, as `assay help "
                       "settings` tells",
                       t.settings->path);
    else
        ok = open_plan(&t, e) && open_lookups(&t, e) && run_all(&t, e);
    list_feed_close(t.lists);
    lookups_free(t.lookups);
    current_close(&t.current);
    settings_free(t.settings);
    return ok;
}

const struct command command_test = {
    .name = "test",
    .group = GROUP_START,
    .summary = "runs the tests of the settings: events in, expected decisions out",
    .arguments = "",
    .words =
        "Each test under `tests:` starts from an empty state, sees the events of its history, "
        "and decides\nits event with the model in force, or by rules alone where there is none "
        "yet. What differs is\ntold, and the exit code is 1.\n\n"
        "  tests:\n"
        "    - name: the fourth payment of a day is declined\n"
        "      history:\n"
        "        - {id: a, at: 2018-04-01 10:00, customer: c1, amount: 5}\n"
        "      event: {id: b, at: 2018-04-01 11:00, customer: c1, amount: 900}\n"
        "      expect:\n"
        "        features: {n_1d: 2}\n"
        "        rules: [BIG]\n"
        "        outcome: review",
    .examples = "  assay test\n"
                "  assay test --json\n",
    .run = test_run,
};
