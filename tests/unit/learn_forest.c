/* Random forests and isolation forests: what they must be, whatever the data. */
#include "tests/unit/learning.h"

#include "core/learn/dataset.h"
#include "core/learn/recipe.h"
#include "core/stats/metrics.h"

enum { ROWS = 4000 };

static struct table table, other;

static int make_tables(void **state)
{
    table_init(&table, ROWS, 21);
    table_init(&other, ROWS, 22);
    return 0;
}

static int free_tables(void **state)
{
    table_fini(&table);
    table_fini(&other);
    return 0;
}

static struct model *forest(const struct forest_options *o, const struct workers *w)
{
    struct learn_run run = {.seed = 3, .workers = w};
    struct error e = {0};
    struct model *m = NULL;

    if (!forest_train(&table.dataset, o, &run, &m, &e))
        fail_msg("%s", e.text);
    return m;
}

static struct model *isolation(const struct isolation_options *o, const struct workers *w)
{
    struct learn_run run = {.seed = 3, .workers = w};
    struct error e = {0};
    struct model *m = NULL;

    if (!isolation_train(&table.dataset, o, &run, &m, &e))
        fail_msg("%s", e.text);
    return m;
}

static double precision_on(const struct model *m, const struct table *t)
{
    struct model_scratch *s = model_scratch_new(m, simd_best());
    double *margin = mem_array(ROWS, sizeof *margin), ap;

    model_score(m, s, t->input, 0, ROWS, margin, NULL);
    ap = metric_average_precision(margin, t->label, ROWS);
    mem_free(margin);
    model_scratch_free(s);
    return ap;
}

static void threads_do_not_matter(void **state)
{
    struct forest_options f;
    struct isolation_options i;
    struct model *a, *b;

    forest_defaults(&f);
    f.trees = 21;
    a = forest(&f, NULL);
    b = forest(&f, &three_workers);
    assert_same_model(a, b);
    model_free(a);
    model_free(b);
    isolation_defaults(&i);
    a = isolation(&i, NULL);
    b = isolation(&i, &two_workers);
    assert_same_model(a, b);
    model_free(a);
    model_free(b);
}

/* Leaves are shares, within the depth and not too small; files and explanations hold. */
static void a_forest_is_sound(void **state)
{
    struct forest_options o;
    struct model *m, *again = NULL;
    struct model_scratch *s;
    struct buffer b;
    struct error e;

    forest_defaults(&o);
    o.trees = 30;
    o.min_leaf_rows = 7;
    m = forest(&o, NULL);
    assert_int_equal(model_tree_count(m), 30);
    for (uint32_t i = 0; i < m->forest.first[30]; i++) {
        const struct tree_node *n = &m->forest.node[i];

        assert_true(n->cover >= 7);
        assert_true(n->left != 0 || (n->value >= 0 && n->value <= LEAF_ONE));
    }
    table_bytes(m, &b);
    assert_true(model_parse(b.bytes, b.length, &again, &e));
    assert_same_model(m, again);
    s = model_scratch_new(again, simd_best());
    for (uint32_t i = 0; i < 40; i++) {
        double contribution[TABLE_INPUTS], sum, margin, p;

        model_explain(again, s, table.input, i, contribution, &sum);
        model_score(again, s, table.input, i, 1, &margin, &p);
        for (unsigned j = 0; j < TABLE_INPUTS; j++)
            sum += contribution[j];
        assert_true(fabs(sum - margin) < 1e-9 && margin >= 0 && margin <= 1 && p == margin);
    }
    model_scratch_free(s);
    model_free(m);
    model_free(again);
    buffer_fini(&b);
}

static void a_forest_learns(void **state)
{
    struct forest_options o;
    struct model *m;
    double ap, base = (double)dataset_frauds(&other.dataset) / ROWS;

    forest_defaults(&o);
    o.trees = 100;
    m = forest(&o, NULL);
    ap = precision_on(m, &other);
    assert_true(ap > 3 * base);
    model_free(m);
    o.balance = BALANCE_WEIGHTS;
    m = forest(&o, NULL);
    assert_true(precision_on(m, &other) > 0.85 * ap);
    model_free(m);
}

/* Mean leaf share over the training rows: the frauds' share, and one half where classes weigh
 * alike. */
static void balance_moves_the_share(void **state)
{
    double base = (double)dataset_frauds(&table.dataset) / ROWS;
    struct forest_options o;

    forest_defaults(&o);
    o.trees = 40;
    for (enum balance balance = BALANCE_NONE; balance <= BALANCE_WEIGHTS; balance++) {
        struct model_scratch *s;
        struct model *m;
        double *p = mem_array(ROWS, sizeof *p), sum = 0;

        o.balance = balance;
        m = forest(&o, NULL);
        s = model_scratch_new(m, simd_best());
        model_score(m, s, table.input, 0, ROWS, NULL, p);
        for (uint32_t i = 0; i < ROWS; i++)
            sum += p[i];
        if (balance == BALANCE_NONE)
            assert_true(fabs(sum / ROWS - base) < 0.15 * base);
        else
            assert_true(sum / ROWS > 1.5 * base);
        mem_free(p);
        model_scratch_free(s);
        model_free(m);
    }
}

static void isolation_is_sound(void **state)
{
    struct isolation_options o;
    struct model_scratch *s;
    struct model *m;
    double *score = mem_array(ROWS, sizeof *score), *p = mem_array(ROWS, sizeof *p);

    isolation_defaults(&o);
    m = isolation(&o, NULL);
    s = model_scratch_new(m, simd_best());
    model_score(m, s, table.input, 0, ROWS, score, p);
    for (uint32_t i = 0; i < ROWS; i++)
        assert_true(score[i] > 0 && score[i] < 1 && p[i] == score[i]);
    for (uint32_t t = 0; t < model_tree_count(m); t++)
        assert_int_equal(m->forest.node[m->forest.first[t]].cover, 256);
    for (uint32_t i = 0; i < 40; i++) {
        double contribution[TABLE_INPUTS], sum;

        model_explain(m, s, table.input, i, contribution, &sum);
        for (unsigned j = 0; j < TABLE_INPUTS; j++)
            sum += contribution[j];
        assert_true(fabs(sum - score[i]) < 1e-9);
    }
    mem_free(score);
    mem_free(p);
    model_scratch_free(s);
    model_free(m);
}

/* From the definition in fractions: c(2) = 1, c(256) = 2 H(255) - 2 * 255 / 256. (Others take
 * ln(n) + 0.5772 for H(n) and get 10.2448.) */
static void paths_are_the_published_ones(void **state)
{
    assert_true(isolation_mean_path(1) == 0 && isolation_mean_path(2) == 1);
    assert_true(fabs(isolation_mean_path(256) - 10.248689925634562) < 1e-9);
}

static void an_outlier_is_found(void **state)
{
    struct isolation_options o;
    struct model_scratch *s;
    struct model *m;
    double usual, odd;

    isolation_defaults(&o);
    m = isolation(&o, NULL);
    s = model_scratch_new(m, simd_best());
    model_score(m, s, table.input, 1, 1, &usual, NULL);
    table.column[AMOUNT].integer[1] *= 10000;
    table.column[COUNT].integer[1] = 400;
    model_score(m, s, table.input, 1, 1, &odd, NULL);
    table.column[AMOUNT].integer[1] /= 10000;
    table.column[COUNT].integer[1] = 4;
    assert_true(odd > usual + 0.05);
    model_scratch_free(s);
    model_free(m);
}

static void contamination_is_a_share(void **state)
{
    struct isolation_options o;
    struct model_scratch *s;
    struct model *m;
    double *p = mem_array(ROWS, sizeof *p);
    uint32_t above = 0;

    isolation_defaults(&o);
    o.contamination = 0.02;
    m = isolation(&o, NULL);
    s = model_scratch_new(m, simd_best());
    model_score(m, s, table.input, 0, ROWS, NULL, p);
    for (uint32_t i = 0; i < ROWS; i++)
        above += p[i] > 0.5;
    assert_int_equal(above, 80);
    mem_free(p);
    model_scratch_free(s);
    model_free(m);
}

/* Few rows, one input, all alike, labels absent. */
static void isolation_takes_poor_data(void **state)
{
    struct learn_run run = {.seed = 1};
    struct isolation_options o;
    struct dataset d = table.dataset;
    struct model *m;
    struct error e;

    isolation_defaults(&o);
    d.label = NULL;
    d.rows = 3;
    assert_true(isolation_train(&d, &o, &run, &m, &e));
    model_free(m);
    d.rows = 1;
    assert_false(isolation_train(&d, &o, &run, &m, &e));
    d.rows = ROWS;
    d.inputs = 1;
    d.input = table.input + CONSTANT;
    assert_true(isolation_train(&d, &o, &run, &m, &e));
    assert_int_equal(m->forest.first[m->forest.trees], o.trees); /* roots alone */
    model_free(m);
    o.samples = ISOLATION_SAMPLES_MAX;
    d.input = table.input + AMOUNT;
    assert_true(isolation_train(&d, &o, &run, &m, &e));
    model_free(m);
}

static void senseless_options_are_refused(void **state)
{
    struct learn_run run = {.seed = 1};
    struct isolation_options i;
    struct forest_options f;
    struct model *m;
    struct error e;

    forest_defaults(&f);
    f.depth = 33;
    assert_false(forest_train(&table.dataset, &f, &run, &m, &e));
    assert_non_null(strstr(e.text, "forest.depth"));
    forest_defaults(&f);
    f.row_share = NAN;
    assert_false(forest_train(&table.dataset, &f, &run, &m, &e));
    isolation_defaults(&i);
    i.samples = ISOLATION_SAMPLES_MAX + 1;
    assert_false(isolation_train(&table.dataset, &i, &run, &m, &e));
    assert_non_null(strstr(e.text, "isolation.samples"));
    isolation_defaults(&i);
    i.contamination = 0.6;
    assert_false(isolation_train(&table.dataset, &i, &run, &m, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(a_forest_is_sound),
        cmocka_unit_test(a_forest_learns),
        cmocka_unit_test(balance_moves_the_share),
        cmocka_unit_test(isolation_is_sound),
        cmocka_unit_test(paths_are_the_published_ones),
        cmocka_unit_test(an_outlier_is_found),
        cmocka_unit_test(contamination_is_a_share),
        cmocka_unit_test(isolation_takes_poor_data),
        cmocka_unit_test(senseless_options_are_refused),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}
