#include "shell/run/trial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/number.h"
#include "core/data/cell.h"
#include "core/data/json.h"
#include "shell/run/data_directory.h"
#include "shell/run/list_value.h"

enum { TEXT_BYTES = 64 << 20 };

struct trial {
    const struct trial_options *options;
    const struct test_setting *test;
    uint32_t number;
    const struct schema *schema;
    struct schema *given; /* the same, but a test may give what is else looked up */
    struct json_reader *json;
    struct problems problems;
    struct frame frame; /* the history, then the event */
    struct trial_result *result;
};

/* ---- the events ---- */

static bool blame(const struct trial *t, const char *key, const char *words, struct error *e)
{
    char path[PLAN_NAME_MAX + 64];

    snprintf(path, sizeof path, "tests.%u.%s", t->number + 1, key);
    error_set(e, ERROR_INVALID, "%s", words);
    return settings_blame(t->options->settings, path, e);
}

/* Each event is received at its own time; where events have none, a second after the one before. */
static int64_t received_us(const struct trial *t, uint32_t row)
{
    if (t->schema->time == FIELD_NONE)
        return (int64_t)row * US_PER_SECOND;
    return t->frame.column[t->schema->time].integer[row];
}

/* What the test itself gives of a table's fields counts, not what the table has. */
static void look_up(struct trial *t, uint32_t row)
{
    struct value *given = mem_array(t->schema->count, sizeof *given);

    for (uint32_t i = 0; i < t->schema->count; i++)
        given[i] = column_get(&t->frame.column[i], row);
    lookups_fill(t->options->lookups, t->schema, INT64_MAX, &t->frame, row, 1);
    for (uint32_t i = 0; i < t->schema->count; i++) {
        if (!given[i].is_null)
            column_set(&t->frame.column[i], row, &given[i]);
    }
    mem_free(given);
}

/* An event that is refused is no test's: it would never have been seen. */
static bool is_valid(const struct trial *t, uint32_t row, char words[ERROR_TEXT_MAX])
{
    const struct validation *v = plan_validation(t->options->plan);
    struct validation_bench *bench;
    struct buffer said;
    uint16_t failed = 0;

    if (v == NULL)
        return true;
    bench = validation_bench_new(v, 1);
    if (validation_run(v, bench, &t->frame, row, 1, &failed) > 0) {
        buffer_init(&said, ERROR_TEXT_MAX + LANG_TEXT_MAX);
        validation_words(v, failed, &said);
        snprintf(words, ERROR_TEXT_MAX, "%s", buffer_text(&said));
        buffer_fini(&said);
    }
    validation_bench_free(bench);
    return failed == 0;
}

static bool read_event(struct trial *t, const char *key, uint32_t place, const char *json,
                       struct error *e)
{
    uint32_t row = t->frame.rows;
    char words[ERROR_TEXT_MAX], which[32] = "";

    if (strcmp(key, "history") == 0)
        snprintf(which, sizeof which, "event %u: ", place + 1);
    t->problems.count = t->problems.more = 0;
    if (!json_read_event(t->json, json, strlen(json), t->given, JSON_UNKNOWN_REFUSE, &t->frame,
                         &t->problems)) {
        snprintf(words, sizeof words, "%s%s%s%s", which, t->problems.items[0].pointer,
                 t->problems.items[0].pointer[0] != 0 ? ": " : "", t->problems.items[0].detail);
        return blame(t, key, words, e);
    }
    look_up(t, row);
    if (!is_valid(t, row, words))
        return blame(t, key, words, e);
    if (t->schema->time == FIELD_NONE || !t->frame.column[t->schema->time].null[row])
        return true;
    snprintf(words, sizeof words, "%sneeds a time: %s", which,
             t->schema->fields[t->schema->time].name);
    return blame(t, key, words, e);
}

static bool read_events(struct trial *t, struct error *e)
{
    for (uint32_t i = 0; i < t->test->history_count; i++) {
        if (!read_event(t, "history", i, t->test->history[i], e))
            return false;
    }
    return read_event(t, "event", 0, t->test->event, e);
}

static void run_row(const struct trial *t, struct engine *n, uint32_t row, uint64_t seq,
                    struct decision *d)
{
    int64_t received = received_us(t, row);

    engine_run(n, &t->frame, row, 1, &seq, &received, d);
}

/* ---- the comparison ---- */

static void differ(struct trial *t, const char *item, const char *name, const char *expected,
                   const char *found)
{
    struct trial_result *r = t->result;
    struct trial_difference *d;

    r->difference = mem_resize(r->difference, r->differences + 1, sizeof *r->difference);
    d = &r->difference[r->differences++];
    snprintf(d->item, sizeof d->item, "%s%s%s", item, name[0] != 0 ? " " : "", name);
    snprintf(d->expected, sizeof d->expected, "%s", expected);
    snprintf(d->found, sizeof d->found, "%s", found);
}

static void show(const struct value *v, char out[TRIAL_WORDS_MAX])
{
    char words[NUMBER_TEXT_MAX];

    if (v->is_null)
        snprintf(words, sizeof words, "null");
    else if (v->type == TYPE_TEXT) {
        snprintf(out, TRIAL_WORDS_MAX, "%.*s",
                 (int)(v->text.length < TRIAL_WORDS_MAX ? v->text.length : TRIAL_WORDS_MAX - 1),
                 v->text.bytes);
        return;
    } else if (v->type == TYPE_BOOL)
        snprintf(words, sizeof words, "%s", v->integer != 0 ? "true" : "false");
    else if (v->type == TYPE_DECIMAL)
        number_format_decimal(v->integer, words);
    else if (v->type == TYPE_REAL)
        number_format_real(v->real, words);
    else if (v->type == TYPE_TIME)
        time_format(v->integer, words);
    else if (v->type == TYPE_DURATION)
        duration_format(v->integer, words);
    else
        number_format_int(v->integer, words);
    snprintf(out, TRIAL_WORDS_MAX, "%s", words);
}

/* "0.33" holds for all that rounds to it: half a unit of its last digit; a text with an exponent
 * holds to the bit. */
static bool real_fits(struct text expected, double wanted, double found)
{
    const char *point = memchr(expected.bytes, '.', expected.length);
    size_t digits = point != NULL ? expected.length - (size_t)(point - expected.bytes) - 1 : 0;

    if (memchr(expected.bytes, 'e', expected.length) != NULL || digits > 15)
        return wanted == found;
    return fabs(wanted - found) <= 0.5 * pow(10, -(double)digits) * (1 + 1e-9);
}

static bool fits(const char *expected, const struct value *found, struct error *e)
{
    char point = '.';
    struct field f = {.type = found->type, .point = point};
    struct value wanted;

    if (strcmp(expected, "null") == 0)
        return found->is_null;
    if (cell_parse(text_of(expected), &f, &wanted) != FAULT_NONE)
        return error_set(e, ERROR_INVALID, "expected a value of type %s, found \"%.80s\"",
                         type_name(found->type), expected);
    if (found->is_null)
        return false;
    if (found->type == TYPE_REAL)
        return real_fits(text_of(expected), wanted.real, found->real);
    return value_equal(&wanted, found);
}

static bool compare_features(struct trial *t, struct engine *n, struct error *e)
{
    const struct plan *p = t->options->plan;
    char key[PLAN_NAME_MAX + 32], found[TRIAL_WORDS_MAX];

    for (uint32_t i = 0; i < t->test->expect.feature_count; i++) {
        const struct named_setting *f = &t->test->expect.features[i];
        int k = plan_feature_find(p, text_of(f->name)); /* the settings were checked */
        struct value v =
            column_get(&engine_registers(n)->column[plan_feature_node(p, (uint32_t)k)], 0);
        struct error why = {0};

        if (fits(f->source, &v, &why))
            continue;
        if (why.kind != ERROR_NONE) {
            snprintf(key, sizeof key, "expect.features.%s", f->name);
            return blame(t, key, why.text, e);
        }
        show(&v, found);
        differ(t, "feature", f->name, f->source, found);
    }
    return true;
}

static bool is_expected(const struct test_setting *test, const char *rule)
{
    for (uint32_t i = 0; i < test->expect.rule_count; i++) {
        if (strcmp(test->expect.rules[i], rule) == 0)
            return true;
    }
    return false;
}

static void compare_rules(struct trial *t, const struct decision *d)
{
    const struct plan *p = t->options->plan;
    struct buffer expected, found;
    bool differs = false;

    if (!t->test->expect.has_rules)
        return;
    buffer_init(&expected, PLAN_RULES_MAX * (PLAN_NAME_MAX + 2));
    buffer_init(&found, PLAN_RULES_MAX * (PLAN_NAME_MAX + 2));
    for (uint32_t i = 0; i < plan_rule_count(p); i++) {
        const char *name = plan_rule_name(p, i);
        bool wants = is_expected(t->test, name);
        bool has = decision_has_rule(d, i) && !plan_rule_is_shadow(p, i);

        differs = differs || wants != has;
        if (wants)
            buffer_format(&expected, "%s%s", expected.length > 0 ? ", " : "", name);
        if (has)
            buffer_format(&found, "%s%s", found.length > 0 ? ", " : "", name);
    }
    if (differs)
        differ(t, "rules", "", expected.length > 0 ? buffer_text(&expected) : "none",
               found.length > 0 ? buffer_text(&found) : "none");
    buffer_fini(&expected);
    buffer_fini(&found);
}

static void compare_score(struct trial *t, const struct decision *d)
{
    bool has_model = plan_model(t->options->plan) != NULL;
    char expected[64], found[64];

    snprintf(found, sizeof found, has_model ? "%d" : "none: there is no model", d->score);
    if (t->test->expect.has_least && (!has_model || d->score < t->test->expect.score_at_least)) {
        snprintf(expected, sizeof expected, "at least %d", t->test->expect.score_at_least);
        differ(t, "score", "", expected, found);
    }
    if (t->test->expect.has_most && (!has_model || d->score > t->test->expect.score_at_most)) {
        snprintf(expected, sizeof expected, "at most %d", t->test->expect.score_at_most);
        differ(t, "score", "", expected, found);
    }
}

static void compare_word(struct trial *t, const char *item, const char *expected, const char *found)
{
    if (expected != NULL && strcmp(expected, found) != 0)
        differ(t, item, "", expected, found);
}

static struct schema *schema_to_give(const struct schema *schema)
{
    struct schema *given = schema_dup(schema);

    for (uint32_t i = 0; i < given->count; i++)
        given->fields[i].is_looked_up = false;
    return given;
}

/* ---- lists ---- */

struct list_filling {
    struct trial *trial;
    struct engine *engine;
    uint64_t seq;
};

static const struct texts_setting *own_list(const struct trial *t, uint32_t list)
{
    for (uint32_t i = 0; i < t->test->list_count; i++) {
        if (strcmp(t->test->lists[i].name, plan_list_name(t->options->plan, list)) == 0)
            return &t->test->lists[i];
    }
    return NULL;
}

static bool take_from_file(void *context, uint32_t list, const struct list_item *item,
                           uint32_t count, int64_t at_us, struct error *e)
{
    struct list_filling *f = context;

    return own_list(f->trial, list) != NULL ||
           list_items_apply(f->engine, f->trial->options->plan, list, item, count, LIST_BY_FILE,
                            f->seq++, at_us, e);
}

static bool fill_list(struct list_filling *f, uint32_t list, const struct texts_setting *own,
                      struct error *e)
{
    const struct plan *p = f->trial->options->plan;
    char value[LIST_VALUE_MAX + 1], key[PLAN_NAME_MAX + 16];
    struct list_item item = {.expires_us = LIST_NEVER, .note = {"", 0}};

    for (uint32_t i = 0; i < own->count; i++) {
        if (!list_value_read(plan_list_type(p, list), text_of(own->text[i]), value, &item.value,
                             e)) {
            struct error why = *e;

            snprintf(key, sizeof key, "lists.%s", own->name);
            return blame(f->trial, key, why.text, e);
        }
        if (!list_items_apply(f->engine, p, list, &item, 1, LIST_BY_HAND, f->seq++, 0, e))
            return false;
    }
    return true;
}

static bool fill_lists(struct list_filling *f, struct error *e)
{
    const struct trial *t = f->trial;
    char key[PLAN_NAME_MAX + 16];

    for (uint32_t i = 0; i < t->test->list_count; i++) {
        int list = plan_list_find(t->options->plan, text_of(t->test->lists[i].name));

        if (list < 0) {
            snprintf(key, sizeof key, "lists.%s", t->test->lists[i].name);
            return blame(t, key, "is no list of the settings", e);
        }
        if (!fill_list(f, (uint32_t)list, &t->test->lists[i], e))
            return false;
    }
    list_feed_rewind(t->options->lists);
    return true;
}

/* Events [first, first + rows) in their order, with what changes lists before each. */
static bool run_events(struct list_filling *f, uint32_t first, uint32_t rows, struct decision *d,
                       struct error *e)
{
    const struct trial *t = f->trial;

    for (uint32_t i = 0; i < rows; i++) {
        if (!list_feed_advance(t->options->lists, received_us(t, first + i), take_from_file, f, e))
            return false;
        run_row(t, f->engine, first + i, f->seq++, d);
    }
    return true;
}

static bool run(struct trial *t, struct engine *n, struct error *e)
{
    const struct plan *p = t->options->plan;
    uint32_t last = t->frame.rows - 1;
    struct list_filling f = {.trial = t, .engine = n, .seq = 1};
    struct decision d = {0};

    if (!fill_lists(&f, e) || !run_events(&f, 0, last, NULL, e) || !run_events(&f, last, 1, &d, e))
        return false;
    if (!decision_is_made(&d))
        return blame(t, "event",
                     "is of a kind that is only observed: expected one that is decided; events of "
                     "other kinds go into the history",
                     e);
    t->result->decision = d;
    if (!compare_features(t, n, e))
        return false;
    compare_rules(t, &d);
    compare_score(t, &d);
    compare_word(t, "outcome", t->test->expect.outcome, plan_outcome_name(p, d.outcome));
    compare_word(t, "level", t->test->expect.level, plan_level_name(p, d.level));
    return true;
}

bool trial_run(const struct trial_options *o, uint32_t number, struct trial_result *r,
               struct error *e)
{
    struct state_options options = data_state_options(o->settings, o->simd, 1);
    struct trial t = {.options = o,
                      .test = &o->settings->tests[number],
                      .number = number,
                      .schema = plan_schema(o->plan),
                      .given = schema_to_give(plan_schema(o->plan)),
                      .json = json_reader_new(),
                      .result = r};
    struct state state;
    bool ok;

    *r = (struct trial_result){0};
    frame_init(&t.frame, t.schema, t.test->history_count + 1, TEXT_BYTES);
    ok = read_events(&t, e) && state_open(&state, o->plan, &options, e);
    if (ok) {
        ok = run(&t, state.engine, e);
        state_close(&state);
    }
    frame_fini(&t.frame);
    json_reader_free(t.json);
    schema_free(t.given);
    if (!ok)
        trial_result_fini(r);
    return ok;
}

void trial_result_fini(struct trial_result *r)
{
    mem_free(r->difference);
    *r = (struct trial_result){0};
}
