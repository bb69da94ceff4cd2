#include "tests/unit/test.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "core/base/random.h"
#include "core/stats/agreement.h"
#include "core/stats/interval.h"
#include "core/stats/metrics.h"
#include "core/stats/order.h"
#include "core/stats/summary.h"
#include "tests/golden/metrics.h"

static const double exact = 1e-12;

#define assert_close(a, b, off) assert_true(fabs((a) - (b)) <= (off))

static struct outcomes outcomes_of(const struct golden *g)
{
    return (struct outcomes){g->rows, g->probability, g->label, g->amount, g->day, g->entity};
}

static void assert_is_golden(const struct golden *g)
{
    struct outcomes o = outcomes_of(g);
    struct metrics_options options = {.threshold = &g->threshold, .thresholds = 1, .alert_cost = 2};
    const struct threshold_row *t;
    struct metrics m;
    struct error e;

    assert_true(metrics_compute(&o, &options, &m, &e));
    t = &m.threshold[0];
    assert_close(m.auc_roc.value, g->auc_roc, exact);
    assert_close(m.average_precision.value, g->average_precision, exact);
    assert_close(m.recall_at_1pct_fpr.value, g->recall_at_1pct, exact);
    assert_close(m.brier.value, g->brier, exact);
    assert_close(m.log_loss.value, g->log_loss, exact);
    assert_close(m.calibration_error.value, g->calibration_error, exact);
    assert_close(m.card_precision_at_100.value, g->card_precision_100, exact);
    assert_int_equal(t->tp, g->tp);
    assert_int_equal(t->fp, g->fp);
    assert_int_equal(t->fn, g->fn);
    assert_int_equal(t->tn, g->tn);
    assert_close(t->precision.value, g->precision, exact);
    assert_close(t->recall.value, g->recall, exact);
    assert_close(t->value_caught.value, g->value_caught, exact);
    assert_close(t->f1.value, g->f1, exact);
    assert_close(metric_f_beta(t->tp, t->fp, t->fn, 2), g->f2, exact);
    assert_close(metric_f_beta(t->tp, t->fp, t->fn, 0.5), g->f_half, exact);
    assert_close(t->savings.value, g->savings, exact);
    assert_close(t->false_positive_ratio, (double)g->fp / g->tp, exact);
    assert_close(t->alerts_per_day, (g->tp + g->fp) / 4.0, exact);
    assert_close(t->cost, m.fraud_amount * (1 - g->value_caught) + 2 * (g->tp + g->fp), 1e-9);
}

static void figures_are_those_of_scikit_learn(void **state)
{
    (void)state;
    assert_is_golden(&golden_plain);
    assert_is_golden(&golden_ties);
    assert_is_golden(&golden_few);
}

static void single_figures_are_the_same(void **state)
{
    const struct golden *g = &golden_ties;
    struct outcomes plain = outcomes_of(&golden_plain);

    (void)state;
    assert_close(metric_auc_roc(g->probability, g->label, g->rows), g->auc_roc, exact);
    assert_close(metric_average_precision(g->probability, g->label, g->rows), g->average_precision,
                 exact);
    assert_close(metric_recall_at_fpr(g->probability, g->label, g->rows, 0.2), g->recall_at_20pct,
                 exact);
    assert_close(metric_card_precision(&plain, 5), golden_plain.card_precision_5, exact);
}

static void margins_may_be_any_finite_numbers(void **state)
{
    static const double score[] = {-1e300, -0.0, 0.0, 5e-324, 1e300};
    static const uint8_t label[] = {0, 1, 0, 1, 1};

    (void)state;
    /* -0 and 0 are one score: pairs won 5.5 of 6 */
    assert_close(metric_auc_roc(score, label, 5), 5.5 / 6, exact);
}

static void one_class_or_no_row_has_null_figures(void **state)
{
    static const double p[] = {0.1, 0.7};
    static const uint8_t none[] = {0, 0}, all[] = {1, 1};
    static const double threshold = 0.5;
    struct metrics_options options = {
        .bootstrap = 20, .permutations = 20, .threshold = &threshold, .thresholds = 1};
    struct outcomes o = {2, p, none};
    struct metrics m;
    struct error e;

    (void)state;
    assert_true(metrics_compute(&o, &options, &m, &e));
    assert_true(m.auc_roc.is_null && m.average_precision.is_null && m.recall_at_1pct_fpr.is_null);
    assert_true(isnan(m.chance_p) && !m.better_than_chance);
    assert_false(m.brier.is_null);
    assert_true(m.threshold[0].recall.is_null);
    assert_true(m.threshold[0].value_caught.is_null);
    assert_true(m.card_precision_at_100.is_null);
    assert_true(isnan(m.threshold[0].alerts_per_day));
    assert_int_equal(m.roc.points, 0);
    o.label = all;
    assert_true(metrics_compute(&o, &options, &m, &e));
    assert_true(m.auc_roc.is_null);
    assert_true(m.threshold[0].false_positive_rate.is_null);
    assert_close(m.threshold[0].cost, 1, exact); /* one missed, no amounts */
    o.rows = 0;
    assert_true(metrics_compute(&o, &options, &m, &e));
    assert_true(m.brier.is_null && m.log_loss.is_null && m.calibration_error.is_null);
    assert_int_equal(m.rows, 0);
}

static void one_score_for_all_is_chance(void **state)
{
    enum { ROWS = 300 };
    double p[ROWS];
    uint8_t label[ROWS];
    struct metrics_options options = {.bootstrap = 100, .permutations = 100};
    struct outcomes o = {ROWS, p, label};
    struct metrics m;
    struct error e;

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        p[i] = 0.1;
        label[i] = i % 10 == 0;
    }
    assert_true(metrics_compute(&o, &options, &m, &e));
    assert_close(m.auc_roc.value, 0.5, 0);
    assert_close(m.auc_roc.low, 0.5, 0);
    assert_close(m.auc_roc.high, 0.5, 0);
    assert_close(m.average_precision.value, 0.1, exact);
    assert_close(m.calibration_error.value, 0, exact);
    assert_close(m.chance_p, 1, 0);
    assert_false(m.better_than_chance);
}

static void cards_are_looked_at_once_a_day_and_left_out_when_found(void **state)
{
    /* day 1: card 0 (fraud, .9), card 1 (.8); day 2: card 0 again (.9), card 1 (.3), 2 (fraud .2)
     */
    static const double p[] = {0.9, 0.9, 0.8, 0.9, 0.3, 0.2};
    static const uint8_t label[] = {0, 1, 0, 1, 0, 1};
    static const int32_t day[] = {-1, -1, -1, 2, 2, 2};
    static const uint32_t entity[] = {0, 0, 1, 0, 1, 2};
    struct outcomes o = {6, p, label, NULL, day, entity};

    (void)state;
    assert_close(metric_card_precision(&o, 1), (1 + 0) / 2.0, exact);
    assert_close(metric_card_precision(&o, 2), (0.5 + 0.5) / 2, exact);
    assert_close(metric_card_precision(&o, 4), (0.25 + 0.25) / 2, exact);
    o.day = NULL;
    assert_true(isnan(metric_card_precision(&o, 2)));
}

enum { MANY = 20000 };

struct many {
    double p[MANY], amount[MANY];
    uint8_t label[MANY];
    int32_t day[MANY];
    uint32_t entity[MANY];
};

static struct outcomes make_many(struct many *d, double lift)
{
    struct random r;

    random_init(&r, 7);
    for (uint32_t i = 0; i < MANY; i++) {
        d->label[i] = random_real(&r) < 0.01;
        d->p[i] = random_real(&r) * random_real(&r);
        if (d->label[i])
            d->p[i] += (1 - d->p[i]) * lift * random_real(&r);
        d->amount[i] = 1 + (double)random_below(&r, 500);
        d->day[i] = 17000 + (int32_t)(i * UINT64_C(7) / MANY);
        d->entity[i] = (uint32_t)random_below(&r, 2000);
    }
    return (struct outcomes){MANY, d->p, d->label, d->amount, d->day, d->entity};
}

/* Runs the tasks backwards on two threads. */
struct two_threads {
    unsigned tasks;
    void (*task)(void *, unsigned);
    void *context;
};

static void *run_even(void *argument)
{
    const struct two_threads *t = argument;

    for (unsigned i = t->tasks; i-- > 0;)
        if (i % 2 == 0)
            t->task(t->context, i);
    return NULL;
}

static void run_on_two(void *pool, unsigned tasks, void (*task)(void *, unsigned), void *context)
{
    struct two_threads t = {tasks, task, context};
    pthread_t other;

    (void)pool;
    assert_int_equal(pthread_create(&other, NULL, run_even, &t), 0);
    for (unsigned i = tasks; i-- > 0;)
        if (i % 2 == 1)
            task(context, i);
    pthread_join(other, NULL);
}

static void threads_do_not_change_a_bit(void **state)
{
    static const double threshold[] = {0.9, 0.1, 0.5, 0.5};
    static const struct workers two = {2, run_on_two, NULL};
    static struct many d;
    static struct metrics one_thread, two_threads;
    struct outcomes o = make_many(&d, 0.9);
    struct metrics_options options = {
        .bootstrap = 50, .permutations = 50, .threshold = threshold, .thresholds = 4, .seed = 3};
    struct error e;

    (void)state;
    assert_true(metrics_compute(&o, &options, &one_thread, &e));
    options.workers = &two;
    assert_true(metrics_compute(&o, &options, &two_threads, &e));
    assert_memory_equal(&one_thread, &two_threads, sizeof one_thread);
    assert_memory_equal(&one_thread.threshold[2], &one_thread.threshold[3],
                        sizeof one_thread.threshold[2]);
    options.seed = 4;
    assert_true(metrics_compute(&o, &options, &two_threads, &e));
    assert_close(two_threads.auc_roc.value, one_thread.auc_roc.value, 0);
    assert_true(two_threads.auc_roc.low != one_thread.auc_roc.low);
}

static void assert_holds(const struct estimate *f)
{
    assert_false(f->is_null);
    assert_true(f->low <= f->value && f->value <= f->high);
    assert_true(f->low < f->high);
}

static void intervals_hold_their_value(void **state)
{
    static const double threshold[] = {0.5};
    static struct many d;
    static struct metrics m;
    struct outcomes o = make_many(&d, 0.9);
    struct metrics_options options = {
        .bootstrap = 200, .permutations = 200, .threshold = threshold, .thresholds = 1};
    struct error e;

    (void)state;
    assert_true(metrics_compute(&o, &options, &m, &e));
    assert_holds(&m.auc_roc);
    assert_holds(&m.average_precision);
    assert_holds(&m.recall_at_1pct_fpr);
    assert_holds(&m.card_precision_at_100);
    assert_holds(&m.brier);
    assert_holds(&m.log_loss);
    assert_holds(&m.calibration_error);
    assert_holds(&m.threshold[0].precision);
    assert_holds(&m.threshold[0].value_caught);
    assert_true(m.better_than_chance);
    assert_int_equal(m.days, 7);
}

/* Hanley and McNeil (1982): the standard error of an AUC near 0.5 is about
 * sqrt((frauds + legit + 1) / (12 frauds legit)). */
static void interval_of_noise_has_the_known_width(void **state)
{
    static struct many d;
    static struct metrics m;
    struct outcomes o = make_many(&d, 0);
    struct metrics_options options = {.bootstrap = 400, .permutations = 200};
    struct error e;
    double known;

    (void)state;
    o.entity = NULL;
    assert_true(metrics_compute(&o, &options, &m, &e));
    known = sqrt((m.rows + 1.0) / (12.0 * m.frauds * (m.rows - m.frauds)));
    assert_close((m.auc_roc.high - m.auc_roc.low) / (2 * 1.96 * known), 1, 0.15);
    assert_false(m.better_than_chance);
    assert_true(m.chance_p > 0.01);
}

static void curves_are_thinned_and_keep_their_area(void **state)
{
    static struct many d;
    static struct metrics m;
    struct outcomes o = make_many(&d, 0.9);
    struct metrics_options options = {0};
    struct error e;
    double area = 0;

    (void)state;
    assert_true(metrics_compute(&o, &options, &m, &e));
    assert_true(m.roc.points <= METRICS_CURVE_POINTS && m.pr.points <= METRICS_CURVE_POINTS);
    assert_close(m.roc.x[0] + m.roc.y[0], 0, 0);
    assert_close(m.roc.x[m.roc.points - 1] + m.roc.y[m.roc.points - 1], 2, 0);
    assert_close(m.pr.x[0], 0, 0);
    assert_close(m.pr.x[m.pr.points - 1], 1, 0);
    for (uint32_t i = 1; i < m.roc.points; i++) {
        assert_true(m.roc.x[i] >= m.roc.x[i - 1] && m.roc.y[i] >= m.roc.y[i - 1]);
        area += (m.roc.x[i] - m.roc.x[i - 1]) * (m.roc.y[i] + m.roc.y[i - 1]) / 2;
    }
    assert_close(area, m.auc_roc.value, 0.002);
}

static void bins_hold_every_row(void **state)
{
    static struct many d;
    static struct metrics m;
    struct outcomes o = make_many(&d, 0.9);
    struct metrics_options options = {0};
    struct error e;
    uint32_t rows = 0, expected_rows = 0, frauds = 0, classes = 0;

    (void)state;
    assert_true(metrics_compute(&o, &options, &m, &e));
    for (int i = 0; i < METRICS_CALIBRATION_BINS; i++) {
        rows += m.calibration[i].rows;
        expected_rows += m.reliability[i].rows;
        frauds += m.reliability[i].frauds;
    }
    for (int i = 0; i < METRICS_HISTOGRAM_BINS; i++)
        classes += m.by_class[0].histogram[i] + m.by_class[1].histogram[i];
    assert_int_equal(rows, MANY);
    assert_int_equal(expected_rows, MANY);
    assert_int_equal(frauds, m.frauds);
    assert_int_equal(classes, MANY);
    assert_true(m.reliability[0].predicted < m.reliability[9].predicted);
}

static void shares_have_open_ends(void **state)
{
    static const double p[] = {0.9, 0.8, 0.1, 0.2};
    static const uint8_t label[] = {1, 1, 0, 0};
    static const double threshold = 0.5;
    struct metrics_options options = {.bootstrap = 20, .threshold = &threshold, .thresholds = 1};
    struct outcomes o = {4, p, label};
    struct metrics m;
    struct error e;
    double low, high;

    (void)state;
    for (unsigned i = 0; i < sizeof golden_wilson / sizeof *golden_wilson; i++) {
        const struct golden_share *g = &golden_wilson[i];

        interval_of_share(g->hits, g->rows, &low, &high);
        assert_close(low, g->low, exact);
        assert_close(high, g->high, exact);
    }
    assert_true(metrics_compute(&o, &options, &m, &e));
    assert_close(m.threshold[0].precision.value, 1, 0);
    interval_of_share(2, 2, &low, &high);
    assert_close(m.threshold[0].precision.low, low, 0);
    assert_close(m.threshold[0].false_positive_rate.high, 1 - low, exact);
}

static bool stop_at_once(void *context, const char *stage, double share)
{
    (void)context, (void)stage, (void)share;
    return false;
}

static void a_stop_leaves_the_result_untouched(void **state)
{
    static const struct progress stop = {stop_at_once, NULL};
    struct outcomes o = outcomes_of(&golden_few);
    struct metrics_options options = {.bootstrap = 20, .progress = &stop};
    struct metrics m;
    struct error e;

    (void)state;
    m.rows = 12345;
    assert_false(metrics_compute(&o, &options, &m, &e));
    assert_int_equal(e.kind, ERROR_CANCELLED);
    assert_int_equal(m.rows, 12345);
}

static void orders_are_stable(void **state)
{
    static const double score[] = {0.5, -1, 3, 0.5, -0.0, 0};
    static const uint32_t descending[] = {2, 0, 3, 4, 5, 1};
    double values[] = {2, -5, 1e-310, -1e-310, 7, -5};
    uint32_t order[6];

    (void)state;
    order_descending(score, 6, order);
    assert_memory_equal(order, descending, sizeof order);
    order_values(values, 6);
    for (int i = 1; i < 6; i++)
        assert_true(values[i - 1] <= values[i]);
    assert_close(values[2], -1e-310, 0);
}

static void summaries_skip_nulls(void **state)
{
    const struct golden *g = &golden_plain;
    struct column c;
    struct summary s;

    (void)state;
    column_init(&c, TYPE_REAL, g->rows + 1);
    memcpy(c.real, g->amount, g->rows * sizeof *g->amount);
    column_set_null(&c, g->rows);
    summary_of_column(&c, NULL, g->rows + 1, &s);
    assert_int_equal(s.rows, g->rows + 1);
    assert_int_equal(s.nulls, 1);
    assert_close(s.mean, g->amount_mean, 1e-11);
    assert_close(s.std, g->amount_std, 1e-11);
    for (int i = 0; i < SUMMARY_QUANTILES; i++)
        assert_close(s.quantile[i], g->amount_quantile[i], 1e-11);
    column_fini(&c);
}

static void summaries_know_units_and_rows(void **state)
{
    static const uint32_t chosen[] = {0, 2};
    struct column c;
    struct summary s;

    (void)state;
    column_init(&c, TYPE_DECIMAL, 3);
    c.integer[0] = 1500000;
    c.integer[1] = 99000000;
    c.integer[2] = 2500000;
    summary_of_column(&c, chosen, 2, &s);
    assert_close(s.mean, 2, 0);
    assert_close(s.max, 2.5, 0);
    summary_of_column(&c, chosen, 1, &s);
    assert_true(isnan(s.std));
    summary_of_column(&c, NULL, 0, &s);
    assert_true(isnan(s.mean) && isnan(s.quantile[0]));
    column_fini(&c);
}

/* The correlations are those of scipy.stats.spearmanr. */
static void scores_agree_by_their_ranks(void **state)
{
    static const double a[] = {1, 2, 3, 4, 5}, b[] = {2, 1, 4, 5, 3};
    static const double tied[] = {1, 1, 2, 3, 3}, down[] = {5, 4, 3, 2, 1};
    static const double flat[] = {7, 7, 7, 7, 7};

    (void)state;
    assert_close(agreement_of_ranks(a, a, 5), 1, exact);
    assert_close(agreement_of_ranks(a, down, 5), -1, exact);
    assert_close(agreement_of_ranks(a, b, 5), 0.6, exact);
    assert_close(agreement_of_ranks(a, tied, 5), 0.9486832980505138, exact);
    assert_close(agreement_of_ranks(tied, b, 5), 0.7905694150420949, exact);
    assert_true(isnan(agreement_of_ranks(a, flat, 5)));
    assert_true(isnan(agreement_of_ranks(a, b, 1)) && isnan(agreement_of_ranks(a, b, 0)));
    assert_true(agreement_of_top(a, b, 5, 2) == 0.5); /* 5, 4 and 4, 3 */
    assert_true(agreement_of_top(a, down, 5, 2) == 0);
    assert_true(agreement_of_top(a, down, 5, 99) == 1);
    assert_true(agreement_of_top(flat, a, 5, 1) == 0); /* of equal ones the first row */
    assert_true(isnan(agreement_of_top(a, b, 5, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_agree_by_their_ranks),
        cmocka_unit_test(figures_are_those_of_scikit_learn),
        cmocka_unit_test(single_figures_are_the_same),
        cmocka_unit_test(margins_may_be_any_finite_numbers),
        cmocka_unit_test(one_class_or_no_row_has_null_figures),
        cmocka_unit_test(one_score_for_all_is_chance),
        cmocka_unit_test(cards_are_looked_at_once_a_day_and_left_out_when_found),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(intervals_hold_their_value),
        cmocka_unit_test(interval_of_noise_has_the_known_width),
        cmocka_unit_test(curves_are_thinned_and_keep_their_area),
        cmocka_unit_test(bins_hold_every_row),
        cmocka_unit_test(shares_have_open_ends),
        cmocka_unit_test(a_stop_leaves_the_result_untouched),
        cmocka_unit_test(orders_are_stable),
        cmocka_unit_test(summaries_skip_nulls),
        cmocka_unit_test(summaries_know_units_and_rows),
    };

    return RUN(tests);
}
