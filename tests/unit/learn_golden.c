/* The trainers against scikit-learn's: tests/golden/make_trainers.py. */
#include "tests/unit/learning.h"

#include "core/learn/dataset.h"
#include "core/learn/recipe.h"
#include "core/stats/metrics.h"
#include "tests/golden/trainers.h"

enum { GOLDEN_ROWS = 8000, GOLDEN_INPUTS = 6, FAR = 4 /* the first of those that lie far out */ };

/* The data of make_trainers.py: training rows, then test rows. */
struct golden {
    struct column column[GOLDEN_INPUTS];
    const struct column *input[GOLDEN_INPUTS];
    uint8_t label[2 * GOLDEN_ROWS];
};

static struct golden golden;

static int64_t lot(uint64_t i, uint64_t k)
{
    uint64_t z = (i * 16 + k + 1) * UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (int64_t)((z ^ z >> 31) >> 44);
}

static void make_row(struct golden *g, uint32_t i)
{
    int64_t u[8], score;

    for (unsigned k = 0; k < 8; k++)
        u[k] = lot(i, k);
    score = (u[0] > 900000) * 40 + (u[1] < 150000) * 30 + (u[0] > 500000 && u[2] > 700000) * 25 +
            u[3] * 20 / 1048576;
    g->label[i] = u[7] % 1000 < 4 + score * score / 20;
    for (unsigned k = FAR; k < GOLDEN_INPUTS; k++) {
        u[k] = -2 * 1048576;
        for (unsigned n = 0; n < 4; n++)
            u[k] += lot(i, 8 * (k - 3) + n);
        u[k] *= g->label[i] ? 2 : 1;
    }
    for (unsigned k = 0; k < GOLDEN_INPUTS; k++)
        g->column[k].integer[i] = u[k];
}

static int make_golden(void **state)
{
    uint32_t frauds[2] = {0, 0};

    for (unsigned k = 0; k < GOLDEN_INPUTS; k++) {
        column_init(&golden.column[k], TYPE_INT, 2 * GOLDEN_ROWS);
        golden.input[k] = &golden.column[k];
    }
    for (uint32_t i = 0; i < 2 * GOLDEN_ROWS; i++) {
        make_row(&golden, i);
        frauds[i >= GOLDEN_ROWS] += golden.label[i];
    }
    return frauds[0] == golden_frauds[0] && frauds[1] == golden_frauds[1] ? 0 : -1;
}

static int free_golden(void **state)
{
    for (unsigned k = 0; k < GOLDEN_INPUTS; k++)
        column_fini(&golden.column[k]);
    return 0;
}

/* Average precision on the test rows of what the recipe learns from `inputs` of them. */
static double reach(const struct recipe *r, unsigned first, unsigned inputs)
{
    struct dataset d = {.rows = GOLDEN_ROWS,
                        .inputs = inputs,
                        .input = golden.input + first,
                        .name = table_names,
                        .label = golden.label};
    struct learn_run run = {.seed = 1, .simd = simd_best()};
    double *margin = mem_array(GOLDEN_ROWS, sizeof *margin), ap;
    struct model_scratch *s;
    struct model *m = NULL;
    struct error e;

    if (!learn(r, &d, &run, &m, NULL, &e))
        fail_msg("%s", e.text);
    s = model_scratch_new(m, simd_best());
    model_score(m, s, d.input, GOLDEN_ROWS, GOLDEN_ROWS, margin, NULL);
    ap = metric_average_precision(margin, golden.label + GOLDEN_ROWS, GOLDEN_ROWS);
    mem_free(margin);
    model_scratch_free(s);
    model_free(m);
    return ap;
}

static void assert_as_good(const char *what, double ap, const struct reference *r)
{
    if (ap < r->low || ap > r->high)
        fail_msg("%s: average precision %.4f, scikit-learn's is %.4f (%.4f to %.4f)", what, ap,
                 r->average_precision, r->low, r->high);
}

static void forests_are_as_good(void **state)
{
    struct recipe r;

    recipe_defaults(&r);
    r.kind = MODEL_FOREST;
    r.calibrate = CALIBRATION_NONE;
    r.forest.depth = 12;
    r.forest.min_leaf_rows = 5;
    assert_as_good("forest", reach(&r, 0, GOLDEN_INPUTS), &golden_forest);
    r.balance = BALANCE_WEIGHTS;
    assert_as_good("balanced forest", reach(&r, 0, GOLDEN_INPUTS), &golden_balanced_forest);
}

static void an_isolation_forest_is_as_good(void **state)
{
    struct recipe r;

    recipe_defaults(&r);
    r.kind = MODEL_ISOLATION;
    r.calibrate = CALIBRATION_NONE;
    assert_as_good("isolation", reach(&r, FAR, 2), &golden_isolation);
}

static void boosted_trees_are_as_good(void **state)
{
    struct recipe r;

    recipe_defaults(&r);
    r.calibrate = CALIBRATION_NONE;
    r.boost.trees = 100;
    r.boost.learning_rate = 0.1;
    assert_as_good("boost", reach(&r, 0, GOLDEN_INPUTS), &golden_boost);
    r.balance = BALANCE_WEIGHTS;
    assert_as_good("balanced boost", reach(&r, 0, GOLDEN_INPUTS), &golden_balanced_boost);
}

static void logistic_regression_is_as_good(void **state)
{
    struct recipe r;

    recipe_defaults(&r);
    r.kind = MODEL_LOGISTIC;
    r.calibrate = CALIBRATION_NONE;
    r.logistic.l2 = 1e-3;
    r.logistic.knots = 0;
    assert_as_good("logistic", reach(&r, 0, GOLDEN_INPUTS), &golden_logistic);
}

static void a_net_is_as_good(void **state)
{
    struct recipe r;

    recipe_defaults(&r);
    r.kind = MODEL_NET;
    r.calibrate = CALIBRATION_NONE;
    assert_as_good("net", reach(&r, 0, GOLDEN_INPUTS), &golden_net);
}

static void isotonic_agrees_with_scikit_learn(void **state)
{
    double margin[ISOTONIC_ROWS], x[ISOTONIC_ROWS], y[ISOTONIC_ROWS];
    struct calibration c = {.kind = CALIBRATION_ISOTONIC, .margin = x, .probability = y};
    struct model *m = model_new(MODEL_LOGISTIC, 1);
    uint8_t label[ISOTONIC_ROWS];

    for (uint32_t i = 0; i < ISOTONIC_ROWS; i++) {
        int64_t score = lot(i, 9) % 200;

        margin[i] = (double)score / 8;
        label[i] = lot(i, 10) % 250 < score;
    }
    c.points = isotonic_fit(margin, label, ISOTONIC_ROWS, ISOTONIC_ROWS, x, y);
    assert_true(c.points > 10);
    model_calibrate(m, &c);
    for (unsigned k = 0; k < ISOTONIC_ASKED; k++)
        assert_true(fabs(model_probability(m, golden_isotonic_asked[k]) - golden_isotonic[k]) <
                    1e-12);
    model_free(m);
}

/* Rows by class after resampling, as imbalanced-learn counts them. */
static void counts_agree_with_imbalanced_learn(void **state)
{
    static const char *const kinds[] = {"none", "under", "over", "smote", "hybrid"};

    for (unsigned k = 0; k < sizeof golden_counts / sizeof golden_counts[0]; k++) {
        const struct counted *c = &golden_counts[k];
        struct resample_options o = {
            .ratio = c->ratio, .under_ratio = c->under_ratio, .neighbours = 5};
        uint8_t *label = mem_array(c->before[0] + c->before[1], 1);
        struct dataset d = {.rows = c->before[0] + c->before[1],
                            .inputs = 1,
                            .input = golden.input,
                            .name = table_names,
                            .label = label};
        struct learn_run run = {.seed = 1};
        struct resampled r;
        struct error e;

        while (strcmp(kinds[o.kind], c->kind) != 0)
            o.kind++;
        memset(label + c->before[0], 1, c->before[1]);
        assert_true(resample(&d, &o, &run, &r, &e));
        assert_int_equal(r.after[0], c->after[0]);
        assert_int_equal(r.after[1], c->after[1]);
        assert_int_equal(dataset_frauds(&r.dataset), c->after[1]);
        resampled_free(&r);
        mem_free(label);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forests_are_as_good),
        cmocka_unit_test(an_isolation_forest_is_as_good),
        cmocka_unit_test(boosted_trees_are_as_good),
        cmocka_unit_test(logistic_regression_is_as_good),
        cmocka_unit_test(a_net_is_as_good),
        cmocka_unit_test(isotonic_agrees_with_scikit_learn),
        cmocka_unit_test(counts_agree_with_imbalanced_learn),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_golden, free_golden);
}
