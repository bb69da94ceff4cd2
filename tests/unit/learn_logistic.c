#include "tests/unit/learning.h"

#include "core/model/parts.h"
#include "tests/golden/hinges.h"
#include "tests/golden/logistic.h"

enum { GOLDEN_ROWS = 2000, GOLDEN_INPUTS = 3 };

/* The data of tests/golden/make_logistic.py. */
struct golden {
    struct column column[GOLDEN_INPUTS];
    const struct column *input[GOLDEN_INPUTS];
    uint8_t label[GOLDEN_ROWS];
    struct dataset dataset;
};

static int64_t mix(int64_t i, int64_t k)
{
    return (i * 7919 + k * 104729 + (i * i % 1009) * (k + 3) * 31) % 1000;
}

static void golden_init(struct golden *g)
{
    for (unsigned j = 0; j < GOLDEN_INPUTS; j++) {
        column_init(&g->column[j], TYPE_REAL, GOLDEN_ROWS);
        g->input[j] = &g->column[j];
    }
    for (int64_t i = 0; i < GOLDEN_ROWS; i++) {
        g->column[0].real[i] = mix(i, 0) / 10.0;
        g->column[1].real[i] = (double)(mix(i, 1) * mix(i, 1)) / 1e4;
        g->column[2].real[i] = mix(i, 0) / 20.0 + mix(i, 2) / 100.0;
        g->label[i] = mix(i, 0) + mix(i, 1) + 2 * mix(i, 3) > 2900;
    }
    g->dataset =
        (struct dataset){GOLDEN_ROWS, GOLDEN_INPUTS, g->input, table_names, NULL, g->label};
}

static void golden_fini(struct golden *g)
{
    for (unsigned j = 0; j < GOLDEN_INPUTS; j++)
        column_fini(&g->column[j]);
}

static void compare(const struct golden *g, enum balance balance, double l2, double l1,
                    const double *want)
{
    struct logistic_options o = {balance, l2, l1};
    double close = l1 > 0 ? 1e-6 : 1e-8; /* its solvers stop there */
    struct model *m = table_logistic(&g->dataset, &o, NULL);

    for (unsigned j = 0; j < GOLDEN_INPUTS; j++)
        assert_true(fabs(m->linear.weight[j] - want[j]) < close);
    assert_true(fabs(m->linear.bias - want[GOLDEN_INPUTS]) < close);
    model_free(m);
}

static void coefficients_agree_with_scikit_learn(void **state)
{
    uint32_t frauds = 0;
    struct golden g;

    golden_init(&g);
    for (uint32_t i = 0; i < GOLDEN_ROWS; i++)
        frauds += g.label[i];
    assert_int_equal(frauds, golden_frauds);
    compare(&g, BALANCE_NONE, 1e-3, 0, golden_plain);
    compare(&g, BALANCE_WEIGHTS, 1e-3, 0, golden_balanced);
    compare(&g, BALANCE_NONE, 0.1, 0, golden_strong);
    compare(&g, BALANCE_NONE, 0, 1e-3, golden_lasso);
    compare(&g, BALANCE_NONE, 0, 0.03, golden_sparse);
    compare(&g, BALANCE_NONE, 6e-3, 4e-3, golden_elastic);
    golden_fini(&g);
}

static void lines_bend_as_in_scikit_learn(void **state)
{
    struct logistic_options o = {BALANCE_NONE, 1e-3, 0, LOGISTIC_KNOTS_MAX};
    const struct model_linear *l;
    struct golden g;
    struct model *m;

    golden_init(&g);
    m = table_logistic(&g.dataset, &o, NULL);
    l = &m->linear;
    for (unsigned j = 0; j < GOLDEN_INPUTS; j++) {
        assert_true(fabs(l->weight[j] - golden_bent[j]) < 1e-6);
        assert_int_equal(l->first[j + 1] - l->first[j], golden_hinges[j]);
    }
    assert_true(fabs(l->bias - golden_bent[GOLDEN_INPUTS]) < 1e-6);
    for (uint32_t k = 0; k < l->first[GOLDEN_INPUTS]; k++) {
        assert_true(fabs(l->knot[k] - golden_hinge[k][0]) < 1e-9);
        assert_true(fabs(l->slope[k] - golden_hinge[k][1]) < 1e-6);
    }
    model_free(m);
    golden_fini(&g);
}

/* At the optimum each weight's slope is balanced by the penalty, or is less than it and the weight
 * zero: on data with categories and missing values, and at any number of threads. */
static void l1_leaves_terms_out(void **state)
{
    struct logistic_options o = {BALANCE_NONE, 1e-4, 0.02};
    struct model *m, *two;
    struct table t;

    table_init(&t, 5000, 2);
    m = table_logistic(&t.dataset, &o, NULL);
    two = table_logistic(&t.dataset, &o, &two_workers);
    assert_same_model(m, two);
    assert_true(m->linear.weight[NIGHT] == 0 && m->linear.weight[AGE] == 0);
    assert_true(m->linear.weight[AMOUNT] > 0 && m->linear.weight[COUNT] > 0);
    assert_true(category_map_find(&m->category[SHOP], text_of("shop-3")) > 0);
    assert_true(category_map_find(&m->category[SHOP], text_of("shop-5")) ==
                category_map_find(&m->category[SHOP], text_of("shop-7")));
    model_free(m);
    model_free(two);
    o.l1 = 10; /* nothing is worth so much: the intercept alone */
    m = table_logistic(&t.dataset, &o, NULL);
    for (unsigned j = 0; j < TABLE_INPUTS; j++)
        assert_true(j == SHOP || m->linear.weight[j] == 0);
    model_free(m);
    table_fini(&t);
}

static void platt_agrees_with_scikit_learn(void **state)
{
    struct logistic_options o = {BALANCE_NONE, 0.1};
    double margin[GOLDEN_ROWS], slope, offset;
    struct model_scratch *s;
    struct golden g;
    struct model *m;

    golden_init(&g);
    m = table_logistic(&g.dataset, &o, NULL);
    s = model_scratch_new(m, SIMD_SCALAR);
    model_score(m, s, g.input, 0, GOLDEN_ROWS, margin, NULL);
    assert_true(platt_fit(margin, g.label, GOLDEN_ROWS, &slope, &offset));
    assert_true(fabs(slope - golden_platt[0]) < 1e-4);
    assert_true(fabs(offset - golden_platt[1]) < 1e-4);
    model_scratch_free(s);
    model_free(m);
    golden_fini(&g);
}

/* The fit is where the derivatives vanish, also for margins that separate or never vary. */
static void platt_is_an_optimum(void **state)
{
    static const uint8_t label[] = {0, 0, 0, 1, 0, 1, 1, 1};
    static const double margins[][8] = {{-3, -2, -1, -0.5, 0.5, 1, 2, 40},
                                        {-1e6, -1e5, -10, 50, -1, 60, 70, 1e6},
                                        {2, 2, 2, 2, 2, 2, 2, 2}};

    for (unsigned k = 0; k < 3; k++) {
        double slope, offset, g1 = 0, g2 = 0;

        assert_true(platt_fit(margins[k], label, 8, &slope, &offset));
        assert_true(isfinite(slope) && isfinite(offset));
        for (unsigned i = 0; i < 8; i++) {
            double target = label[i] ? 5.0 / 6 : 1.0 / 6;
            double d = em_sigmoid(slope * margins[k][i] + offset) - target;

            g1 += d * margins[k][i];
            g2 += d;
        }
        assert_true(fabs(g2) < 1e-3);
        if (k != 1)
            assert_true(fabs(g1) < 1e-3);
    }
}

static void platt_needs_both_classes(void **state)
{
    double margin[] = {1, 2, 3}, slope, offset;

    assert_false(platt_fit(margin, (const uint8_t[]){0, 0, 0}, 3, &slope, &offset));
    assert_false(platt_fit(margin, (const uint8_t[]){1, 1, 1}, 3, &slope, &offset));
    assert_false(platt_fit(margin, NULL, 0, &slope, &offset));
}

static void threads_and_order_change_nothing(void **state)
{
    struct logistic_options o;
    struct model *one, *two, *three;
    struct table t;

    logistic_defaults(&o);
    table_init(&t, 5000, 1);
    one = table_logistic(&t.dataset, &o, NULL);
    two = table_logistic(&t.dataset, &o, &two_workers);
    three = table_logistic(&t.dataset, &o, &three_workers);
    assert_same_model(one, two);
    assert_same_model(one, three);
    model_free(one);
    model_free(two);
    model_free(three);
    table_fini(&t);
}

/* At the optimum every term's residuals sum to l2 times its weight; so, nearly, does the mean
 * prediction equal the share of frauds, and over the rows of a frequent category too. */
static void predictions_match_the_shares(void **state)
{
    struct logistic_options o = {BALANCE_NONE, 1e-9};
    double p[8000], all = 0, frauds = 0, missing = 0, missing_frauds = 0, shop = 0, shop_frauds = 0;
    struct model_scratch *s;
    struct model *m;
    struct table t;

    table_init(&t, 8000, 2);
    m = table_logistic(&t.dataset, &o, NULL);
    s = model_scratch_new(m, SIMD_SCALAR);
    model_score(m, s, t.input, 0, t.rows, NULL, p);
    for (uint32_t i = 0; i < t.rows; i++) {
        bool is_missing = t.column[RATIO].null[i];
        bool is_shop = text_is(t.column[SHOP].text[i], "shop-3");

        all += p[i], frauds += t.label[i];
        missing += is_missing * p[i], missing_frauds += is_missing * t.label[i];
        shop += is_shop * p[i], shop_frauds += is_shop * t.label[i];
    }
    assert_true(fabs(all - frauds) < 1e-3);
    assert_true(fabs(missing - missing_frauds) < 1e-3);
    assert_true(fabs(shop - shop_frauds) < 1e-3);
    assert_true(m->linear.weight[CONSTANT] == 0 && m->linear.weight[EMPTY] == 0);
    model_scratch_free(s);
    model_free(m);
    table_fini(&t);
}

/* Contributions are centred: over the training rows each input's sum to nothing. */
static void contributions_are_centred(void **state)
{
    struct logistic_options o;
    double sum[TABLE_INPUTS] = {0}, c[TABLE_INPUTS], base;
    struct model_scratch *s;
    struct model *m;
    struct table t;

    logistic_defaults(&o);
    table_init(&t, 3000, 3);
    m = table_logistic(&t.dataset, &o, NULL);
    s = model_scratch_new(m, SIMD_SCALAR);
    for (uint32_t i = 0; i < t.rows; i++) {
        model_explain(m, s, t.input, i, c, &base);
        for (unsigned j = 0; j < TABLE_INPUTS; j++)
            sum[j] += c[j];
    }
    for (unsigned j = 0; j < TABLE_INPUTS; j++)
        assert_true(fabs(sum[j]) < 1e-8 * t.rows);
    model_scratch_free(s);
    model_free(m);
    table_fini(&t);
}

/* Separable classes, collinear inputs, no penalty: still finite, still in order. */
static void hard_cases_stay_finite(void **state)
{
    struct logistic_options o = {BALANCE_NONE, 0};
    struct model_scratch *s;
    struct golden g;
    struct model *m;
    double margin[GOLDEN_ROWS];

    golden_init(&g);
    for (uint32_t i = 0; i < GOLDEN_ROWS; i++) {
        g.column[1].real[i] = 3 * g.column[0].real[i];
        g.column[2].real[i] = g.column[0].real[i] * 1e12;
        g.label[i] = g.column[0].real[i] > 90;
    }
    m = table_logistic(&g.dataset, &o, NULL);
    s = model_scratch_new(m, SIMD_SCALAR);
    model_score(m, s, g.input, 0, GOLDEN_ROWS, margin, NULL);
    for (uint32_t i = 0; i < GOLDEN_ROWS; i++)
        assert_true(isfinite(margin[i]) && (margin[i] > 0) == (g.label[i] == 1));
    model_scratch_free(s);
    model_free(m);
    golden_fini(&g);
}

static bool stop(void *context, const char *stage, double done)
{
    return false;
}

static void refusals(void **state)
{
    struct logistic_options o;
    struct progress progress = {stop, NULL};
    struct learn_run run = {.progress = &progress};
    struct model *m = NULL;
    struct error e = {0};
    struct table t;

    logistic_defaults(&o);
    table_init(&t, 100, 4);
    assert_false(logistic_train(&t.dataset, &o, &run, &m, &e));
    assert_int_equal(e.kind, ERROR_CANCELLED);
    o.l2 = -1;
    assert_false(logistic_train(&t.dataset, &o, &run, &m, &e));
    assert_int_equal(e.kind, ERROR_INVALID);
    o.l2 = 1;
    memset(t.label, 0, t.rows);
    assert_false(logistic_train(&t.dataset, &o, &run, &m, &e));
    assert_non_null(strstr(e.text, "legitimate"));
    assert_null(m);
    table_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coefficients_agree_with_scikit_learn),
        cmocka_unit_test(lines_bend_as_in_scikit_learn),
        cmocka_unit_test(l1_leaves_terms_out),
        cmocka_unit_test(platt_agrees_with_scikit_learn),
        cmocka_unit_test(platt_is_an_optimum),
        cmocka_unit_test(platt_needs_both_classes),
        cmocka_unit_test(threads_and_order_change_nothing),
        cmocka_unit_test(predictions_match_the_shares),
        cmocka_unit_test(contributions_are_centred),
        cmocka_unit_test(hard_cases_stay_finite),
        cmocka_unit_test(refusals),
    };

    return RUN(tests);
}
