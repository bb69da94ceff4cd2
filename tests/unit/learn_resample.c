/* Resampling by its counts, and made-up rows by where they lie. */
#include "tests/unit/learning.h"

#include "core/learn/dataset.h"
#include "core/learn/recipe.h"

enum { ROWS = 1500, NEAREST = 4 };

static struct table table;

static int make_table(void **state)
{
    table_init(&table, ROWS, 11);
    return 0;
}

static int free_table(void **state)
{
    table_fini(&table);
    return 0;
}

static void resample_or_fail(const struct resample_options *o, const struct workers *w,
                             struct resampled *r)
{
    struct learn_run run = {.seed = 5, .workers = w};
    struct error e = {0};

    if (!resample(&table.dataset, o, &run, r, &e))
        fail_msg("%s", e.text);
}

static void counts_are_what_was_asked_for(void **state)
{
    static const struct resample_options asked[] = {
        {RESAMPLE_NONE, 1, 1, 5},     {RESAMPLE_UNDER, 0.5, 1, 5}, {RESAMPLE_OVER, 0.4, 1, 5},
        {RESAMPLE_SMOTE, 0.8, 1, 5},  {RESAMPLE_SMOTE, 3, 1, 5},   {RESAMPLE_HYBRID, 1, 1.0 / 3, 5},
        {RESAMPLE_UNDER, 0.01, 1, 5}, /* more frauds than that already */
    };
    uint32_t frauds = dataset_frauds(&table.dataset), legitimate = ROWS - frauds;

    assert_true(frauds > 60 && frauds < 0.3 * legitimate);
    for (unsigned k = 0; k < sizeof asked / sizeof asked[0]; k++) {
        const struct resample_options *o = &asked[k];
        uint32_t want[2] = {legitimate, frauds}, got[2] = {0, 0};
        struct resampled r;

        if (o->kind == RESAMPLE_UNDER && frauds / o->ratio < legitimate)
            want[0] = (uint32_t)(frauds / o->ratio);
        if (o->kind == RESAMPLE_HYBRID)
            want[0] = (uint32_t)(frauds / o->under_ratio);
        if (o->kind == RESAMPLE_OVER || o->kind == RESAMPLE_SMOTE || o->kind == RESAMPLE_HYBRID)
            want[1] = (uint32_t)(want[0] * o->ratio);
        resample_or_fail(o, NULL, &r);
        for (uint32_t i = 0; i < r.dataset.rows; i++)
            got[dataset_label(&r.dataset, i)]++;
        assert_int_equal(got[0], want[0]);
        assert_int_equal(got[1], want[1]);
        assert_int_equal(r.after[0], want[0]);
        assert_int_equal(r.after[1], want[1]);
        assert_int_equal(r.before[1], frauds);
        resampled_free(&r);
    }
}

/* A draw without repeats leaves each legitimate row at most once, repeats are spread evenly. */
static void rows_are_taken_fairly(void **state)
{
    struct resample_options under = {RESAMPLE_UNDER, 0.5, 1, 5}, over = {RESAMPLE_OVER, 1, 1, 5};
    uint32_t times[ROWS] = {0}, least = ROWS, most = 0;
    struct resampled r;

    resample_or_fail(&under, NULL, &r);
    for (uint32_t i = 0; i < r.dataset.rows; i++)
        assert_int_equal(times[dataset_row(&r.dataset, i)]++, 0);
    resampled_free(&r);
    memset(times, 0, sizeof times);
    resample_or_fail(&over, NULL, &r);
    for (uint32_t i = 0; i < r.dataset.rows; i++) {
        times[dataset_row(&r.dataset, i)]++;
        if (i > 0)
            assert_true(dataset_row(&r.dataset, i) >= dataset_row(&r.dataset, i - 1));
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        if (!table.label[i])
            continue;
        least = times[i] < least ? times[i] : least;
        most = times[i] > most ? times[i] : most;
    }
    assert_true(most - least == 1 || most == least);
    resampled_free(&r);
}

/* ---- made-up rows ---- */

static double deviation(unsigned input)
{
    double sum = 0, squares = 0, n = 0;

    for (uint32_t i = 0; i < ROWS; i++) {
        double x = column_number(&table.column[input], i);

        if (table.label[i] && !isnan(x)) {
            sum += x;
            n++;
        }
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        double x = column_number(&table.column[input], i);

        if (table.label[i] && !isnan(x))
            squares += (x - sum / n) * (x - sum / n);
    }
    return n > 0 ? sqrt(squares / n) : 0;
}

static bool same_nominal(unsigned input, uint32_t a, uint32_t b)
{
    const struct column *c = &table.column[input];

    if (c->null[a] || c->null[b])
        return c->null[a] && c->null[b];
    return c->type == TYPE_TEXT ? text_equal(c->text[a], c->text[b])
                                : c->integer[a] == c->integer[b];
}

static double naive_distance(const double *dev, uint32_t a, uint32_t b)
{
    double sum = same_nominal(NIGHT, a, b) ? 0 : 1;

    sum += same_nominal(SHOP, a, b) ? 0 : 1;
    for (unsigned j = 0; j < TABLE_INPUTS; j++) {
        double x, y;

        if (j == NIGHT || j == SHOP)
            continue;
        x = column_number(&table.column[j], a);
        y = column_number(&table.column[j], b);
        if (isnan(x) || isnan(y))
            sum += isnan(x) != isnan(y);
        else if (dev[j] > 0)
            sum += (x - y) / dev[j] * ((x - y) / dev[j]);
    }
    return sum;
}

/* How many frauds are nearer to a than b is. */
static uint32_t nearer(const double *dev, uint32_t a, uint32_t b)
{
    double d = naive_distance(dev, a, b);
    uint32_t count = 0;

    for (uint32_t i = 0; i < ROWS; i++)
        count += i != a && table.label[i] && naive_distance(dev, a, i) < d - 1e-9;
    return count;
}

static void made_up_rows_lie_between_a_fraud_and_a_near_one(void **state)
{
    struct resample_options o = {RESAMPLE_SMOTE, 0.5, 1, NEAREST};
    double dev[TABLE_INPUTS];
    uint32_t made = 0, shared_text = 0;
    struct resampled r;

    for (unsigned j = 0; j < TABLE_INPUTS; j++)
        dev[j] = j == NIGHT || j == SHOP ? 0 : deviation(j);
    resample_or_fail(&o, NULL, &r);
    for (uint32_t i = 0; i < r.dataset.rows; i++) {
        const struct resample_origin *from = &r.origin[i];

        assert_int_equal(r.label[i], table.label[from->row]);
        if (from->neighbour == RESAMPLE_ITSELF)
            continue;
        made++;
        assert_true(r.label[i] == 1 && from->neighbour != from->row);
        assert_true(from->share >= 0 && from->share < 1);
        assert_true(nearer(dev, from->row, from->neighbour) < NEAREST);
        for (unsigned j = 0; j < TABLE_INPUTS; j++) {
            double x = NAN, y = NAN, z = NAN;

            if (j == NIGHT || j == SHOP)
                continue;
            x = column_number(&table.column[j], from->row);
            y = column_number(&table.column[j], from->neighbour);
            z = column_number(&r.column[j], i);
            if (isnan(x) || isnan(y)) {
                assert_true(isnan(x) ? isnan(z) : z == x);
                continue;
            }
            assert_true(z >= fmin(x, y) - 1e-9 && z <= fmax(x, y) + 1e-9);
            assert_true(fabs(z - (x + from->share * (y - x))) < 1e-9 * (1 + fabs(x) + fabs(y)));
        }
        shared_text += !r.column[SHOP].null[i];
    }
    assert_int_equal(made, r.after[1] - r.before[1]);
    assert_true(shared_text > made / 2);
    resampled_free(&r);
}

static void threads_do_not_matter(void **state)
{
    struct resample_options o = {RESAMPLE_HYBRID, 1, 1.0 / 3, NEAREST};
    struct resampled a, b;

    resample_or_fail(&o, NULL, &a);
    resample_or_fail(&o, &three_workers, &b);
    assert_int_equal(a.dataset.rows, b.dataset.rows);
    for (uint32_t i = 0; i < a.dataset.rows; i++) {
        assert_int_equal(a.origin[i].row, b.origin[i].row);
        assert_int_equal(a.origin[i].neighbour, b.origin[i].neighbour);
        assert_true(a.origin[i].share == b.origin[i].share);
    }
    resampled_free(&a);
    resampled_free(&b);
}

static void senseless_options_are_refused(void **state)
{
    static const struct resample_options bad[] = {
        {RESAMPLE_OVER, 0, 1, 5},       {RESAMPLE_OVER, NAN, 1, 5}, {RESAMPLE_UNDER, -1, 1, 5},
        {RESAMPLE_HYBRID, 0.2, 0.5, 5}, {RESAMPLE_SMOTE, 1, 1, 0},  {RESAMPLE_SMOTE, 1, 1, 65},
        {RESAMPLE_UNDER, 101, 1, 5},
    };
    struct learn_run run = {.seed = 5};
    struct resampled r;
    struct error e;

    for (unsigned k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        assert_false(resample(&table.dataset, &bad[k], &run, &r, &e));
        assert_non_null(strstr(e.text, "resample."));
    }
}

/* ---- recipes ---- */

static struct model *learn_or_fail(const struct recipe *r, const struct workers *w,
                                   struct learned *learned)
{
    struct learn_run run = {.seed = 42, .workers = w};
    struct error e = {0};
    struct model *m = NULL;

    if (!learn(r, &table.dataset, &run, &m, learned, &e))
        fail_msg("%s", e.text);
    return m;
}

static double mean_probability(const struct model *m)
{
    struct model_scratch *s = model_scratch_new(m, SIMD_SCALAR);
    double p[ROWS], sum = 0;

    model_score(m, s, table.input, 0, ROWS, NULL, p);
    for (uint32_t i = 0; i < ROWS; i++)
        sum += p[i];
    model_scratch_free(s);
    return sum / ROWS;
}

/* Logistic regression says in the mean what there is; resampled it says more, corrected the same.
 */
static void the_prior_is_corrected(void **state)
{
    double there_is = (double)dataset_frauds(&table.dataset) / ROWS;
    struct recipe r;
    struct learned learned;
    struct model *m;

    recipe_defaults(&r);
    r.kind = MODEL_LOGISTIC;
    r.resample.kind = RESAMPLE_UNDER;
    r.resample.ratio = 1;
    r.calibrate = CALIBRATION_NONE;
    m = learn_or_fail(&r, NULL, &learned);
    assert_int_equal(learned.after[0], learned.before[1]);
    assert_true(mean_probability(m) > 1.5 * there_is);
    model_free(m);
    r.calibrate = CALIBRATION_PRIOR;
    m = learn_or_fail(&r, NULL, NULL);
    assert_true(fabs(mean_probability(m) - there_is) < 0.2 * there_is);
    model_free(m);
    r.resample.kind = RESAMPLE_NONE;
    r.balance = BALANCE_WEIGHTS;
    m = learn_or_fail(&r, NULL, NULL);
    assert_true(fabs(mean_probability(m) - there_is) < 0.2 * there_is);
    model_free(m);
}

static void members_are_learned(void **state)
{
    struct recipe boost, linear, r;

    recipe_defaults(&boost);
    boost.boost.trees = 20;
    boost.calibrate = CALIBRATION_NONE;
    linear = boost;
    linear.kind = MODEL_LOGISTIC;
    recipe_defaults(&r);
    r.member[0] = &boost;
    r.member[1] = &linear;
    r.members = 2;
    r.weight[0] = 1.2;
    r.weight[1] = 0.8;
    r.resample.kind = RESAMPLE_SMOTE;
    for (enum model_kind kind = MODEL_VOTE; kind <= MODEL_STACK; kind++) {
        struct model *a, *b;

        r.kind = kind;
        a = learn_or_fail(&r, NULL, NULL);
        b = learn_or_fail(&r, &two_workers, NULL);
        assert_same_model(a, b);
        assert_int_equal(model_member_count(a), 2);
        if (kind == MODEL_VOTE)
            assert_true(model_member_weight(a, 0) == 1.2);
        else /* frauds are in the mean where they are */
            assert_true(fabs(mean_probability(a) - (double)dataset_frauds(&table.dataset) / ROWS) <
                        0.03);
        model_free(a);
        model_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_what_was_asked_for),
        cmocka_unit_test(rows_are_taken_fairly),
        cmocka_unit_test(made_up_rows_lie_between_a_fraud_and_a_near_one),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(senseless_options_are_refused),
        cmocka_unit_test(the_prior_is_corrected),
        cmocka_unit_test(members_are_learned),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_table, free_table);
}
