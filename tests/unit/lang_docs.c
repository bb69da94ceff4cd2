/* docs/functions.md is what the binary prints, every function and aggregate has an example, and
 * every example has the value that it states: functions alone, aggregates in the engine. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/decide/engine.h"
#include "core/lang/check.h"
#include "tests/unit/lang_fixture.h"

static char *read_document(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1 << 17, 1);

    assert_non_null(f);
    assert_true(fread(text, 1, (1 << 17) - 1, f) > 1000);
    fclose(f);
    return text;
}

static void check_value(const char *example, const char *got, const char *expected)
{
    if (strcmp(got, expected) != 0)
        print_message("# %s: %s\n", example, got);
    assert_string_equal(got, expected);
}

static void every_example_of_a_function_has_its_value(void **state)
{
    const struct function_info *info;
    struct fixture x;
    char got[ERROR_TEXT_MAX];
    size_t count;

    (void)state;
    fixture_init(&x);
    info = lang_functions(&count);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(info[i].name);

        evaluate(&x, info[i].example, 0, got, sizeof got);
        check_value(info[i].example, got, info[i].result);
        assert_non_null(strstr(info[i].example, info[i].name));
        assert_int_equal(strncmp(info[i].signature, info[i].name, length), 0);
        assert_int_equal(info[i].signature[length], '(');
        if (i > 0 && strcmp(info[i - 1].group, info[i].group) == 0)
            assert_true(strcmp(info[i - 1].name, info[i].name) < 0);
    }
    fixture_fini(&x);
}

static void every_function_has_words(void **state)
{
    size_t rows, count;
    const struct overload *table = overload_table(&rows);
    const struct function_info *info = lang_functions(&count);

    (void)state;
    for (size_t i = 0; i < rows; i++) {
        size_t found = 0;

        for (size_t j = 0; j < count; j++)
            found += strcmp(info[j].name, table[i].name) == 0;
        if (found != (table[i].shape == SHAPE_CALL))
            print_message("# %s\n", table[i].name);
        assert_int_equal(found, table[i].shape == SHAPE_CALL);
    }
    for (size_t j = 0; j < count; j++)
        assert_true(function_exists(text_of(info[j].name)));
}

/* --- aggregates ------------------------------------------------------------------------------ */

struct run {
    struct fixture x; /* of the history */
    struct plan *plan;
    struct region region;
    void *memory;
    struct engine *engine;
};

enum { REGION_BYTES = 8 << 20 };

static void history_init(struct fixture *x)
{
    const struct history *h = lang_history();

    x->schema = schema_new();
    for (int i = 0; i < HISTORY_FIELDS; i++)
        fixture_field(x->schema, h->field[i].name, h->field[i].type);
    x->schema->time = 0;
    x->schema->label = HISTORY_FIELDS - 1;
    frame_init(&x->frame, x->schema, h->events, 1 << 16);
    for (uint32_t i = 0; i < h->events; i++)
        fixture_row(x, h->event[i]);
}

static void run_init(struct run *r, const char *example)
{
    const struct plan_named customer = {text_of("customer"), text_of("customer")};
    const struct plan_named feature = {text_of("example"), text_of(example)};
    const struct text outcome = text_of("approve");
    struct plan_spec spec = {
        .entities = &customer,
        .entity_count = 1,
        .features = &feature,
        .feature_count = 1,
        .outcomes = &outcome,
        .outcome_count = 1,
        .lowest_level = text_of("LOW"),
        .velocity = {.label_delay_us = HISTORY_LABEL_DAYS * US_PER_DAY, .lateness_us = US_PER_HOUR},
        .max_ahead_us = US_PER_DAY};
    const struct engine_options options = {.batch = 1, .ids_horizon = 100};
    struct error e;

    history_init(&r->x);
    spec.schema = r->x.schema;
    r->plan = plan_new(&spec, &e);
    if (r->plan == NULL)
        fail_msg("%s: %s", example, e.text);
    r->memory = mem_aligned(4096, REGION_BYTES);
    region_init(&r->region, r->memory, REGION_BYTES, engine_layout(r->plan));
    r->engine = engine_open(r->plan, &r->region, &options);
}

static void run_fini(struct run *r)
{
    engine_close(r->engine);
    plan_unref(r->plan);
    mem_free(r->memory);
    fixture_fini(&r->x);
}

static void run_event(struct run *r, uint32_t row)
{
    const struct column *label = &r->x.frame.column[HISTORY_FIELDS - 1];
    int64_t at = r->x.frame.column[0].integer[row];
    uint64_t seq = 10 * (row + 1);
    struct decision d;

    engine_run(r->engine, &r->x.frame, row, 1, &seq, &at, &d);
    if (!label->null[row])
        engine_label(r->engine, &r->x.frame, row, seq, (uint8_t)label->integer[row], at,
                     at + HISTORY_LABEL_DAYS * US_PER_DAY);
}

static void value_of(const char *example, char *out, size_t size)
{
    const struct history *h = lang_history();
    struct run r;
    struct value v;

    run_init(&r, example);
    for (uint32_t row = 0; row < h->events; row++)
        run_event(&r, row);
    v = column_get(&engine_registers(r.engine)->column[plan_feature_node(r.plan, 0)], 0);
    format_value(&v, out, size);
    run_fini(&r);
}

static void every_example_of_an_aggregate_has_its_value(void **state)
{
    size_t count;
    const struct aggregate_info *info = lang_aggregates(&count);
    char got[ERROR_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const char *name = info[i].name;

        value_of(info[i].example, got, sizeof got);
        check_value(info[i].example, got, info[i].result);
        assert_non_null(strstr(info[i].example, name));
        assert_int_equal(strncmp(info[i].signature, name, strlen(name)), 0);
        assert_int_equal(info[i].signature[strlen(name)], '(');
    }
}

static size_t rows_of(const char *name)
{
    size_t count, found = 0;
    const struct aggregate_info *info = lang_aggregates(&count);

    for (size_t i = 0; i < count; i++)
        found += strcmp(info[i].name, name) == 0;
    if (found == 0)
        print_message("# %s has no row in aggregate_docs.c\n", name);
    return found;
}

static void every_aggregate_has_words(void **state)
{
    size_t count, found = 0;

    (void)state;
    (void)lang_aggregates(&count);
    for (int kind = 0; kind < AGG_KINDS; kind++) {
        size_t rows = rows_of(aggregate_name((enum aggregate_kind)kind));

        assert_true(rows > 0);
        found += rows;
    }
    for (size_t i = 0; lang_derived_name(i) != NULL; i++) {
        size_t rows = rows_of(lang_derived_name(i));

        assert_true(rows > 0);
        found += rows;
    }
    assert_int_equal(found, count);
}

/* --- documents ------------------------------------------------------------------------------- */

static void the_document_is_what_is_printed(void **state)
{
    char *text = read_document(SOURCE_ROOT "/docs/functions.md");
    struct buffer printed;

    (void)state;
    buffer_init(&printed, 1 << 20);
    lang_print_functions(&printed);
    if (strcmp(buffer_text(&printed), text) != 0) /* not assert_string_equal: it prints both */
        fail_msg("make it anew: build/assay help functions > docs/functions.md");
    buffer_fini(&printed);
    free(text);
}

static void the_language_names_every_aggregate(void **state)
{
    char *text = read_document(SOURCE_ROOT "/docs/language.md"), row[64];

    (void)state;
    for (int i = 0; i < AGG_KINDS; i++) {
        snprintf(row, sizeof row, "`%s(", aggregate_name((enum aggregate_kind)i));
        assert_non_null(strstr(text, row));
    }
    for (size_t i = 0; lang_derived_name(i) != NULL; i++) {
        snprintf(row, sizeof row, "`%s(", lang_derived_name(i));
        assert_non_null(strstr(text, row));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_of_a_function_has_its_value),
        cmocka_unit_test(every_function_has_words),
        cmocka_unit_test(every_example_of_an_aggregate_has_its_value),
        cmocka_unit_test(every_aggregate_has_words),
        cmocka_unit_test(the_document_is_what_is_printed),
        cmocka_unit_test(the_language_names_every_aggregate),
    };

    return RUN(tests);
}
