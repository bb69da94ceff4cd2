/* Models as ONNX: what is written is read again by the importer and gives the same margins. That
 * ONNX Runtime reads it the same way was tried with 1.31 (docs/import.md). */
#include "tests/unit/learning.h"

#include "core/base/memory.h"
#include "core/model/export.h"
#include "core/model/import.h"
#include "core/model/parts.h"

enum { ROWS = 2000 };

static struct table table;
static struct model *boost, *logistic;

static int make_models(void **state)
{
    struct boost_options o;
    struct logistic_options l;

    table_init(&table, ROWS, 9);
    boost_defaults(&o);
    o.trees = 30;
    o.leaves = 12;
    boost = table_boost(&table.dataset, &o, NULL);
    logistic_defaults(&l);
    l.knots = 0;
    logistic = table_logistic(&table.dataset, &l, NULL);
    return 0;
}

static int free_models(void **state)
{
    model_free(boost);
    model_free(logistic);
    table_fini(&table);
    return 0;
}

/* The importer's model of an exported one; input[i] is the table's column of its i-th input. */
static struct model *round_trip(const struct model *m, const struct column **input, uint32_t *from)
{
    struct import_feature f[TABLE_INPUTS];
    struct import *found = NULL;
    struct error e = {0};
    struct buffer file;
    struct model *again;
    uint32_t count = 0;

    buffer_init(&file, 8 << 20);
    assert_true(export_onnx(m, "test", &file, &e));
    if (!import_parse(file.bytes, file.length, &(struct import_options){.output = "margin"}, &found,
                      &e))
        fail_msg("%s", e.text);
    assert_true(found->has_names);
    for (uint32_t j = 0; j < found->inputs; j++) {
        assert_string_equal(found->input[j].name, table_names[j]);
        if (!found->input[j].is_used)
            continue;
        from[count] = j;
        input[count] = table.input[j];
        f[count++] =
            (struct import_feature){text_of(table_names[j]), j, found->input[j].is_category, j};
    }
    again = import_model(found, f, count, &e);
    assert_non_null(again);
    buffer_fini(&file);
    import_free(found);
    return again;
}

static void a_boosted_model_comes_back_the_same(void **state)
{
    const struct column *input[TABLE_INPUTS];
    uint32_t from[TABLE_INPUTS];
    struct model *again = round_trip(boost, input, from);
    struct model_scratch *a = model_scratch_new(boost, SIMD_SCALAR);
    struct model_scratch *b = model_scratch_new(again, SIMD_SCALAR);
    double want[ROWS], got[ROWS];

    assert_int_equal(model_tree_count(again), model_tree_count(boost));
    model_score(boost, a, table.input, 0, ROWS, want, NULL);
    model_score(again, b, input, 0, ROWS, got, NULL);
    assert_memory_equal(want, got, sizeof want);
    for (uint32_t i = 0; i < 50; i++) {
        double share[TABLE_INPUTS], other[TABLE_INPUTS], base, other_base;

        model_explain(boost, a, table.input, i, share, &base);
        model_explain(again, b, input, i, other, &other_base);
        assert_true(fabs(base - other_base) < 1e-9);
        for (uint32_t k = 0; k < model_input_count(again); k++)
            assert_true(fabs(share[from[k]] - other[k]) < 1e-9);
    }
    model_scratch_free(a);
    model_scratch_free(b);
    model_free(again);
}

static void what_onnx_cannot_say_is_refused(void **state)
{
    static const double margin[] = {-1, 1}, probability[] = {0.1, 0.9};
    struct calibration isotonic = {.kind = CALIBRATION_ISOTONIC, .points = 2};
    struct calibration none = {.kind = CALIBRATION_NONE};
    struct model *vote = model_new(MODEL_VOTE, 1);
    struct error e = {0};
    struct buffer file;

    isotonic.margin = margin;
    isotonic.probability = probability;
    buffer_init(&file, 8 << 20);
    model_set_input(vote, 0, text_of("x"), false, 1);
    assert_false(export_onnx(vote, "test", &file, &e));
    assert_non_null(strstr(e.text, "vote"));
    model_calibrate(logistic, &isotonic);
    assert_false(export_onnx(logistic, "test", &file, &e));
    assert_non_null(strstr(e.text, "isotonic"));
    model_calibrate(logistic, &none);
    assert_true(export_onnx(logistic, "test", &file, &e));
    model_free(vote);
    buffer_fini(&file);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_boosted_model_comes_back_the_same),
    cmocka_unit_test(what_onnx_cannot_say_is_refused),
};

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_models, free_models);
}
