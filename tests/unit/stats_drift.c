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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_shares_have_not_moved),
        cmocka_unit_test(a_known_move),
        cmocka_unit_test(an_empty_bin_is_finite),
        cmocka_unit_test(order_counts_for_ks),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
