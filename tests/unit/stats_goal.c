/* Thresholds that reach a goal, against trying all 1,001 of them. */
#include "tests/unit/test.h"

#include <math.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/stats/goal.h"
#include "core/stats/metrics.h"

enum { ROWS = 3000, DAYS = 6 };

static double probability[ROWS], amount[ROWS];
static uint8_t label[ROWS];
static int32_t day[ROWS];
static const struct outcomes rows = {ROWS, probability, label, amount, day, NULL};

static int make_rows(void **state)
{
    struct random r;

    (void)state;
    random_init(&r, 11);
    for (int i = 0; i < ROWS; i++) {
        label[i] = random_real(&r) < 0.05;
        probability[i] = fmin(1, fmax(0, 0.1 + 0.3 * label[i] + 0.15 * random_normal(&r)));
        amount[i] = 10 + 100 * random_real(&r);
        day[i] = 100 + 3 * (i * DAYS / ROWS); /* days between have no rows */
    }
    return 0;
}

struct at {
    double tp, fp, fn, missed;
};

static struct at at_score(int score)
{
    struct at a = {0};

    for (int i = 0; i < ROWS; i++) {
        bool is_alert = floor(1000 * probability[i] + 0.5) >= score;

        a.tp += is_alert && label[i];
        a.fp += is_alert && !label[i];
        a.fn += !is_alert && label[i];
        a.missed += !is_alert && label[i] ? amount[i] : 0;
    }
    return a;
}

static int threshold(enum goal_kind kind, double value)
{
    const struct goal g = {kind, value};

    return goal_threshold(&rows, &g);
}

static void f_beta_is_the_highest(void **state)
{
    static const double beta[] = {0.5, 1, 2};

    (void)state;
    for (int b = 0; b < 3; b++) {
        int found = threshold(GOAL_F_BETA, beta[b]);
        struct at best = at_score(found);
        double most = metric_f_beta(best.tp, best.fp, best.fn, beta[b]);

        for (int s = 0; s <= 1000; s++) {
            struct at a = at_score(s);
            double f = metric_f_beta(a.tp, a.fp, a.fn, beta[b]);

            assert_true(f <= most + 1e-15);
            assert_true(s <= found || f < most - 1e-15); /* of equal ones the highest */
        }
    }
}

static void cost_is_the_least(void **state)
{
    int found = threshold(GOAL_COST, 5);
    struct at best = at_score(found);

    (void)state;
    for (int s = 0; s <= 1000; s++) {
        struct at a = at_score(s);

        assert_true(best.missed + 5 * (best.tp + best.fp) <= a.missed + 5 * (a.tp + a.fp) + 1e-9);
    }
}

static void recall_is_reached_and_not_one_score_higher(void **state)
{
    int found = threshold(GOAL_RECALL, 0.8);
    struct at here = at_score(found), above = at_score(found + 1);

    (void)state;
    assert_true(here.tp / (here.tp + here.fn) >= 0.8);
    assert_true(above.tp / (above.tp + above.fn) < 0.8);
    assert_int_equal(at_score(threshold(GOAL_RECALL, 1)).fn, 0);
}

static void alerts_stay_below_what_can_be_looked_at(void **state)
{
    int found = threshold(GOAL_ALERTS, 30);
    struct at here = at_score(found), below = at_score(found - 1);

    (void)state;
    assert_true((here.tp + here.fp) / DAYS <= 30);
    assert_true((below.tp + below.fp) / DAYS > 30);
    assert_int_equal(threshold(GOAL_ALERTS, 1e6), 0);
    here = at_score(threshold(GOAL_ALERTS, 0));
    assert_true(here.tp + here.fp == 0);
}

static void rows_without_frauds_or_days_say_nothing(void **state)
{
    static const uint8_t none[ROWS];
    struct outcomes o = rows;
    const struct goal f1 = {GOAL_F_BETA, 1}, alerts = {GOAL_ALERTS, 10};

    (void)state;
    o.label = none;
    assert_int_equal(goal_threshold(&o, &f1), -1);
    o = rows;
    o.day = NULL;
    assert_int_equal(goal_threshold(&o, &alerts), -1);
    o.rows = 0;
    assert_int_equal(goal_threshold(&o, &f1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f_beta_is_the_highest),
        cmocka_unit_test(cost_is_the_least),
        cmocka_unit_test(recall_is_reached_and_not_one_score_higher),
        cmocka_unit_test(alerts_stay_below_what_can_be_looked_at),
        cmocka_unit_test(rows_without_frauds_or_days_say_nothing),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_rows, NULL);
}
