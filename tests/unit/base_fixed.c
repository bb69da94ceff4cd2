#include "tests/unit/test.h"

#include <math.h>

#include "core/base/fixed.h"
#include "tests/golden/fixed.h"

enum { COUNT_RATIOS = sizeof ratios / sizeof ratios[0] };
enum { COUNT_SPREADS = sizeof spreads / sizeof spreads[0] };

static void a_ratio_is_rounded_once(void **state)
{
    for (int i = 0; i < COUNT_RATIOS; i++) {
        int128 n = (int128)((uint128)ratios[i].numerator[1] << 64 | ratios[i].numerator[0]);
        uint128 d = (uint128)ratios[i].denominator[1] << 64 | ratios[i].denominator[0];

        if (fixed_ratio(n, d) != ratios[i].ratio)
            fail_msg("ratio %d: %a, not %a", i, fixed_ratio(n, d), ratios[i].ratio);
    }
    assert_true(fixed_ratio(0, (uint128)1 << 127) == 0.0);
    assert_false(signbit(fixed_ratio(0, 3)));
}

static void std_is_exact_up_to_its_root(void **state)
{
    for (int i = 0; i < COUNT_SPREADS; i++) {
        struct wide squares = {{0}};
        int128 sum = 0;

        for (uint32_t k = 0; k < spreads[i].count; k++) {
            wide_add_square(&squares, spreads[i].x[k]);
            sum += spreads[i].x[k];
        }
        if (fixed_std(spreads[i].count, sum, &squares) != spreads[i].std)
            fail_msg("spread %d: %a, not %a", i, fixed_std(spreads[i].count, sum, &squares),
                     spreads[i].std);
    }
}

/* 4 billion terms of the largest size: n * squares and sum^2 fill 190 bits. */
static void the_largest_sums_fit(void **state)
{
    const uint64_t n = UINT32_MAX;
    uint128 square = (uint128)INT64_MAX * INT64_MAX, low = (uint128)(uint64_t)square * n;
    uint128 high = (uint128)(uint64_t)(square >> 64) * n + (low >> 64);
    struct wide squares = {{(uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64)}};

    assert_true(fixed_std(n, (int128)INT64_MAX * (int128)n, &squares) == 0.0);
    /* one half at each end: sum 0, variance n * x^2 / (n - 1) */
    assert_true(fixed_std(n, 0, &squares) == 9223372037928517632.0);
}

static void what_was_added_is_removed(void **state)
{
    struct wide w = {{0}};
    const int64_t x[] = {INT64_MIN, INT64_MAX, -1, 0, 4294967295, INT64_MIN};

    for (int i = 0; i < 6; i++)
        wide_add_square(&w, x[i]);
    for (int i = 5; i >= 0; i--)
        wide_sub_square(&w, x[i]);
    assert_true(w.word[0] == 0 && w.word[1] == 0 && w.word[2] == 0);
}

static void a_real_becomes_millionths(void **state)
{
    static const struct {
        double v;
        int64_t out;
    } good[] = {
        {57.16, 57160000},
        {-57.16, -57160000},
        {0x1p-7, 7812},  /* 7812.5: a tie, to even */
        {0x3p-7, 23438}, /* 23437.5 */
        {-0x1p-7, -7812},
        {0.0, 0},
        {-0.0, 0},
        {5e-324, 0},
        {4.9e-7, 0},
        {5.1e-7, 1},
        {9223372036854.0, INT64_C(9223372036854000000)},
        {1e-300, 0},
    };
    int64_t v = 7;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(fixed_from_real(good[i].v, &v));
        assert_int_equal(v, good[i].out);
    }
    v = 7;
    assert_false(fixed_from_real(NAN, &v));
    assert_false(fixed_from_real(INFINITY, &v));
    assert_false(fixed_from_real(-1e300, &v));
    assert_false(fixed_from_real(9223372036855.0, &v));
    assert_int_equal(v, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ratio_is_rounded_once),   cmocka_unit_test(std_is_exact_up_to_its_root),
        cmocka_unit_test(the_largest_sums_fit),      cmocka_unit_test(what_was_added_is_removed),
        cmocka_unit_test(a_real_becomes_millionths),
    };

    return RUN(tests);
}
