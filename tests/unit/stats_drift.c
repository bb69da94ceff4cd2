/* Distances between shares: known values, bounds, and bins of nothing. */
#include <math.h>

#include "core/stats/drift.h"
#include "tests/unit/test.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static void equal_shares_have_not_moved(void **state)
{
    const double s[] = {0.1, 0.2, 0.7, 0};

    (void)state;
    NEAR(drift_psi(s, s, 4), 0);
    NEAR(drift_ks(s, s, 4), 0);
    NEAR(drift_psi(s, s, 0), 0);
}

/* By hand: (0.6 - 0.5) ln(0.6 / 0.5) + (0.4 - 0.5) ln(0.4 / 0.5). */
static void a_known_move(void **state)
{
    const double before[] = {0.5, 0.5}, now[] = {0.6, 0.4};

    (void)state;
    NEAR(drift_psi(before, now, 2), 0.04054651081081644);
    NEAR(drift_psi(now, before, 2), 0.04054651081081644);
    NEAR(drift_ks(before, now, 2), 0.1);
}

/* An empty bin is far, not infinitely far. */
static void an_empty_bin_is_finite(void **state)
{
    const double before[] = {1, 0}, now[] = {0, 1};
    double psi = drift_psi(before, now, 2);

    (void)state;
    assert_true(psi > 2 * DRIFT_MOVED && psi < 20);
    NEAR(drift_ks(before, now, 2), 1);
}

/* What moves within the order is nearer than what moves across it; psi knows no order. */
static void order_counts_for_ks(void **state)
{
    const double before[] = {0.5, 0.3, 0.2}, near[] = {0.3, 0.5, 0.2}, far[] = {0.2, 0.3, 0.5};

    (void)state;
    NEAR(drift_ks(before, near, 3), 0.2);
    NEAR(drift_ks(before, far, 3), 0.3);
}

/* 29.588 is the thousandth of chi square with ten degrees of freedom (tables), so 296 rows beside
 * very many; 10.828 with one degree. */
static void few_rows_say_nothing(void **state)
{
    (void)state;
    assert_in_range(drift_least(11, 1e9), 294, 298);
    assert_in_range(drift_least(11, 592), 585, 600); /* as many before: twice as many now */
    assert_int_equal(drift_least(11, 290), UINT32_MAX);
    assert_int_equal(drift_least(2, 1e9), DRIFT_LEAST); /* 108, and the floor */
    assert_int_equal(drift_least(0, 1e9), DRIFT_LEAST);
    assert_int_equal(drift_least(11, 0), UINT32_MAX);
    assert_int_equal(drift_least(11, NAN), UINT32_MAX);
    assert_true(drift_least(66, 1e9) > 1000);
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* What drift_least promises, by trying: of equal shares, at so many rows. */
static void chance_alone_seldom_moves(void **state)
{
    enum { TRIALS = 4000, BINS = 10 };
    const uint32_t rows = drift_least(BINS, 1e9);
    uint64_t seed = 88172645463325252u;
    int moving = 0, moving_of_fifty = 0;

    (void)state;
    for (int trial = 0; trial < TRIALS; trial++) {
        for (int is_few = 0; is_few < 2; is_few++) {
            uint32_t n = is_few ? 50 : rows, count[BINS] = {0};
            double before[BINS], now[BINS];

            for (uint32_t i = 0; i < n; i++)
                count[next(&seed) % BINS]++;
            for (int k = 0; k < BINS; k++) {
                before[k] = 1.0 / BINS;
                now[k] = (double)count[k] / n;
            }
            *(is_few ? &moving_of_fifty : &moving) += drift_psi(before, now, BINS) >= DRIFT_MOVING;
        }
    }
    assert_in_range(moving, 0, TRIALS * 3 / 1000);
    assert_true(moving_of_fifty > TRIALS / 2); /* a handful of rows "moves" by chance */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_shares_have_not_moved), cmocka_unit_test(a_known_move),
        cmocka_unit_test(an_empty_bin_is_finite),      cmocka_unit_test(order_counts_for_ks),
        cmocka_unit_test(few_rows_say_nothing),        cmocka_unit_test(chance_alone_seldom_moves),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
