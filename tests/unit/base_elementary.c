/* Against the long double functions of libm, in units in the last place of the double result. */
#include "tests/unit/test.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/random.h"

enum { POINTS = 200000 };

static double ulps(double got, long double want)
{
    double rounded = (double)want;
    int exponent;
    long double unit;

    if (isnan(rounded) || isnan(got))
        return isnan(rounded) && isnan(got) ? 0 : 1e9;
    if (isinf(rounded) || isinf(got))
        return rounded == got ? 0 : 1e9;
    frexp(rounded, &exponent);
    unit = ldexpl(1, (exponent < -1021 ? -1021 : exponent) - 53);
    return (double)(fabsl((long double)got - want) / unit);
}

static double between(struct random *r, double low, double high)
{
    return low + (high - low) * random_real(r);
}

/* Sizes from 2^low to 2^high, uniform in the exponent, both signs. */
static double any_size(struct random *r, double low, double high)
{
    double v = exp2(between(r, low, high));

    return random_u64(r) & 1 ? -v : v;
}

static double worst(const char *name, double (*f)(double), long double (*exact)(long double),
                    double (*point)(struct random *r), unsigned points)
{
    struct random r;
    double most = 0, at = 0;

    random_init(&r, 7);
    for (unsigned i = 0; i < points; i++) {
        double x = point(&r), error = ulps(f(x), exact((long double)x));

        if (error > most) {
            most = error;
            at = x;
        }
    }
    print_message("# %s: %.3f ulp at %a\n", name, most, at);
    return most;
}

static double exp_point(struct random *r)
{
    return random_u64(r) & 3 ? between(r, -745, 709) : any_size(r, -60, 0);
}

static double expm1_point(struct random *r)
{
    return random_u64(r) & 1   ? between(r, -2, 2)
           : random_u64(r) & 1 ? between(r, -60, 709)
                               : any_size(r, -500, 0);
}

static double log_point(struct random *r)
{
    return random_u64(r) & 1 ? between(r, 0.4, 2.5) : fabs(any_size(r, -1074, 1023));
}

static double log1p_point(struct random *r)
{
    return random_u64(r) & 1 ? between(r, -0.9999, 2) : fabs(any_size(r, -500, 1023));
}

static double angle_point(struct random *r)
{
    switch (random_u64(r) & 3) {
    case 0:
        return between(r, -10, 10);
    case 1:
        return any_size(r, -100, 29.89);
    case 2: /* next to multiples of pi/2, where the reduction is tried hardest */
        return (double)(M_PI_2l * floor(between(r, 0, 6e5)));
    default:
        return between(r, -1e6, 1e6);
    }
}

static double unit_point(struct random *r)
{
    return random_u64(r) & 1 ? between(r, -1, 1) : any_size(r, -100, 0);
}

static double near_one_point(struct random *r)
{
    return 1 - fabs(any_size(r, -53, -1));
}

static double real_point(struct random *r)
{
    return random_u64(r) & 1 ? between(r, -3, 3) : any_size(r, -300, 300);
}

static double sigmoid_point(struct random *r)
{
    return random_u64(r) & 1 ? between(r, -40, 40) : between(r, -744, 50);
}

static double probability_point(struct random *r)
{
    return random_u64(r) & 1 ? between(r, 0, 1) : fabs(any_size(r, -1000, 0));
}

static long double exact_sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}

static long double exact_logit(long double p)
{
    return p > 0.25L && p < 0.75L ? 2 * atanhl(2 * p - 1) : logl(p) - log1pl(-p);
}

static void one_argument_functions_are_within_two_ulp(void **state)
{
    (void)state;
    assert_true(worst("exp", em_exp, expl, exp_point, POINTS) <= 2);
    assert_true(worst("expm1", em_expm1, expm1l, expm1_point, POINTS) <= 2);
    assert_true(worst("log", em_log, logl, log_point, POINTS) <= 2);
    assert_true(worst("log1p", em_log1p, log1pl, log1p_point, POINTS) <= 2);
    assert_true(worst("sin", em_sin, sinl, angle_point, POINTS) <= 2);
    assert_true(worst("cos", em_cos, cosl, angle_point, POINTS) <= 2);
    assert_true(worst("tan", em_tan, tanl, angle_point, POINTS) <= 2);
    assert_true(worst("asin", em_asin, asinl, unit_point, POINTS) <= 2);
    assert_true(worst("asin near 1", em_asin, asinl, near_one_point, POINTS) <= 2);
    assert_true(worst("atan", em_atan, atanl, real_point, POINTS) <= 2);
    assert_true(worst("sigmoid", em_sigmoid, exact_sigmoid, sigmoid_point, POINTS) <= 2);
    assert_true(worst("logit", em_logit, exact_logit, probability_point, POINTS) <= 2);
}

static void atan2_is_within_two_ulp(void **state)
{
    struct random r;
    double most = 0;

    (void)state;
    random_init(&r, 8);
    for (unsigned i = 0; i < POINTS; i++) {
        bool wide = random_u64(&r) & 1;
        double y = wide ? any_size(&r, -1020, 1020) : between(&r, -2, 2);
        double x = wide ? any_size(&r, -1020, 1020) : between(&r, -2, 2);
        double error = ulps(em_atan2(y, x), atan2l(y, x));

        most = error > most ? error : most;
    }
    print_message("# atan2: %.3f ulp\n", most);
    assert_true(most <= 2);
}

static void pow_is_within_two_ulp(void **state)
{
    struct random r;
    double most = 0;

    (void)state;
    random_init(&r, 9);
    for (unsigned i = 0; i < POINTS; i++) {
        double x = random_u64(&r) & 1 ? between(&r, 0.5, 2) : fabs(any_size(&r, -1000, 1000));
        double y = between(&r, -700, 700) / fabs(log(x)), error;

        error = ulps(em_pow(x, y), powl(x, y));
        most = error > most ? error : most;
    }
    print_message("# pow: %.3f ulp\n", most);
    assert_true(most <= 2);
}

static void whole_powers_are_exact(void **state)
{
    double power = 1;

    (void)state;
    for (int i = 0; i <= 22; i++, power *= 10)
        assert_true(em_pow(10, i) == power);
    for (int i = -1074; i < 1024; i++)
        assert_true(em_pow(2, i) == ldexp(1, i));
    for (int i = 0; i < 1000; i++) {
        assert_true(em_pow(i, 3) == (double)i * i * i);
        assert_true(em_pow((double)i * i, 0.5) == i);
        assert_true(em_pow(-i, 3) == -(double)i * i * i);
        assert_true(em_pow(i + 0.1, 1) == i + 0.1);
    }
}

static void easy_points_are_exact(void **state)
{
    (void)state;
    assert_true(em_exp(0) == 1 && em_exp(-0.0) == 1);
    assert_true(em_expm1(0) == 0 && em_log1p(0) == 0 && em_log(1) == 0);
    assert_true(em_sin(0) == 0 && em_cos(0) == 1 && em_tan(0) == 0);
    assert_true(em_asin(0) == 0 && em_atan(0) == 0 && em_atan2(0, 1) == 0);
    assert_true(em_sigmoid(0) == 0.5 && em_logit(0.5) == 0);
    assert_true(em_asin(1) == M_PI_2 && em_atan2(1, 0) == M_PI_2 && em_atan2(1, 1) == M_PI_4);
    assert_true(em_atan2(0, -1) == M_PI && em_atan2(-0.0, -1) == -M_PI);
    assert_true(em_exp(1) == M_E && em_log(2) == M_LN2 && em_log(10) == M_LN10);
}

static void domain_errors_are_nan_and_overflow_infinite(void **state)
{
    (void)state;
    assert_true(em_exp(710) == INFINITY && em_exp(-746) == 0 && em_exp(-INFINITY) == 0);
    assert_true(isfinite(em_exp(709.78271289338397)) && em_exp(-745) > 0);
    assert_true(em_expm1(710) == INFINITY && em_expm1(-INFINITY) == -1);
    assert_true(em_log(0) == -INFINITY && isnan(em_log(-1)) && em_log(INFINITY) == INFINITY);
    assert_true(em_log1p(-1) == -INFINITY && isnan(em_log1p(-1.5)));
    assert_true(isnan(em_asin(1.0000001)) && isnan(em_asin(-INFINITY)));
    assert_true(isnan(em_sin(INFINITY)) && isnan(em_cos(1e10)) && isnan(em_tan(-1e300)));
    assert_true(em_atan(INFINITY) == M_PI_2 && em_atan(-1e300) == -M_PI_2);
    assert_true(em_sigmoid(INFINITY) == 1 && em_sigmoid(-INFINITY) == 0);
    assert_true(em_logit(0) == -INFINITY && em_logit(1) == INFINITY && isnan(em_logit(1.1)));
    assert_true(isnan(em_exp(NAN)) && isnan(em_log(NAN)) && isnan(em_sin(NAN)));
    assert_true(isnan(em_atan2(NAN, 1)) && isnan(em_sigmoid(NAN)) && isnan(em_logit(NAN)));
}

static void sigmoids_are_the_same_bits_at_every_level(void **state)
{
    enum { COUNT = 4099 }; /* no whole number of lanes */
    double x[COUNT] = {NAN,   INFINITY, -INFINITY, 0.0,    -0.0,  -745.2,
                       745.2, -746,     746,       1e-320, -1e308};
    double got[COUNT];

    (void)state;
    for (int i = 11; i < COUNT; i++)
        x[i] = (i - COUNT / 2) * 0.37;
    for (int level = SIMD_SCALAR; level <= (int)simd_best(); level++) {
        em_sigmoids(x, COUNT, got, (enum simd)level);
        for (int i = 0; i < COUNT; i++) {
            double want = em_sigmoid(x[i]);

            assert_true(isnan(want) ? isnan(got[i]) : memcmp(&want, &got[i], sizeof want) == 0);
        }
    }
}

/* Every pair of special values, as C17 F.10.4.4 has it (libm's pow follows it). */
static void pow_has_the_usual_limits(void **state)
{
    const double special[] = {0,
                              -0.0,
                              1,
                              -1,
                              2,
                              -2,
                              3,
                              0.5,
                              -0.5,
                              1.5,
                              1e300,
                              -1e300,
                              1e-300,
                              -INFINITY,
                              INFINITY,
                              DBL_MIN,
                              7,
                              1e19,
                              1 + DBL_EPSILON,
                              1 - DBL_EPSILON,
                              1e80,
                              -1e80};
    enum { COUNT = sizeof special / sizeof *special };

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++)
            assert_true(ulps(em_pow(special[i], special[j]), pow(special[i], special[j])) <= 1);
    }
    assert_true(em_pow(NAN, 0) == 1 && em_pow(1, NAN) == 1);
    assert_true(isnan(em_pow(NAN, 1)) && isnan(em_pow(2, NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_argument_functions_are_within_two_ulp),
        cmocka_unit_test(atan2_is_within_two_ulp),
        cmocka_unit_test(pow_is_within_two_ulp),
        cmocka_unit_test(whole_powers_are_exact),
        cmocka_unit_test(easy_points_are_exact),
        cmocka_unit_test(domain_errors_are_nan_and_overflow_infinite),
        cmocka_unit_test(sigmoids_are_the_same_bits_at_every_level),
        cmocka_unit_test(pow_has_the_usual_limits),
    };

    return RUN(tests);
}
