/* exp, log, pow and their relatives; the circular functions are in circular.c.
 *
 * Each is argument reduction with split constants, then a Taylor or atanh series long enough that
 * what is cut off is below 2^-58 of the result. The series' order of operations is written out, so
 * it is the same everywhere. pow carries the logarithm in two doubles, because the error of
 * y log x is multiplied by up to 745 before exp sees it.
 */
#include "core/base/elementary.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/base/twofold.h"

static const double ln2_hi = 0x1.62e42fefa3800p-1; /* 42 bits: k * ln2_hi is exact, |k| < 2^11 */
static const double ln2_lo = 0x1.ef35793c76730p-45;
static const double log2_e = 0x1.71547652b82fep+0;
static const double rounder = 0x1.8p52; /* adding and subtracting it rounds to a whole number */

static uint64_t bits_of(double x)
{
    uint64_t b;

    memcpy(&b, &x, sizeof b);
    return b;
}

static double double_of(uint64_t b)
{
    double x;

    memcpy(&x, &b, sizeof x);
    return x;
}

/* 2^k for normal results, -1022 <= k <= 1023. */
static double power_of_two(int k)
{
    return double_of((uint64_t)(k + 1023) << 52);
}

/* m * 2^k in two steps, so that subnormal results round once more at most and none is lost. */
static double scale(double m, int k)
{
    int half = k / 2;

    return m * power_of_two(half) * power_of_two(k - half);
}

/* (exp(r) - 1 - r) / r^2 for |r| <= 0.35: the terms 1/2! .. 1/13!, pairwise (Estrin) so that the
 * multiplications overlap. */
static double exp_tail(double r)
{
    double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
    double a = (1.0 / 2 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120));
    double b = (1.0 / 720 + r * (1.0 / 5040)) + r2 * (1.0 / 40320 + r * (1.0 / 362880));
    double c =
        (1.0 / 3628800 + r * (1.0 / 39916800)) + r2 * (1.0 / 479001600 + r * (1.0 / 6227020800));

    return a + r4 * b + r8 * c;
}

/* exp(x + lo), |x| < 1100, lo tiny. */
static double exp_of(double x, double lo)
{
    double n = (x * log2_e + rounder) - rounder;
    struct twofold r = two_sum_ordered(x - n * ln2_hi, lo - n * ln2_lo);
    struct twofold s = two_sum_ordered(1.0, r.hi);
    double m = s.hi + (s.lo + (r.lo + r.hi * r.hi * exp_tail(r.hi)));

    return scale(m, (int)n);
}

double em_exp(double x)
{
    if (x != x)
        return x;
    if (x > 709.782712893384)
        return INFINITY;
    if (x < -745.2)
        return 0;
    return exp_of(x, 0);
}

/* For |x| < 1/2 the series itself; else 2^k ((1 - 2^-k) + (exp(r) - 1)), where nothing cancels
 * badly. */
double em_expm1(double x)
{
    struct twofold r, s;
    double n;

    if (x != x || x == 0)
        return x;
    if (x > 709.782712893384)
        return INFINITY;
    if (x < -37.5)
        return -1;
    if (fabs(x) < 0.5) {
        double late =
            1.0 / 87178291200.0 + x * (1.0 / 1307674368000.0 + x * (1.0 / 20922789888000.0));
        double x4 = x * x * (x * x);

        return x + x * x * (exp_tail(x) + x4 * x4 * x4 * late);
    }
    n = (x * log2_e + rounder) - rounder;
    if (n > 60)
        return exp_of(x, 0);
    r = two_sum_ordered(x - n * ln2_hi, -n * ln2_lo);
    s = two_sum(1 - power_of_two(-(int)n), r.hi);
    return scale(s.hi + (s.lo + (r.lo + r.hi * r.hi * exp_tail(r.hi))), (int)n);
}

/* x = 2^k * m with m in [sqrt(1/2), sqrt(2)); x positive and finite. */
static double reduce(double x, int *k)
{
    uint64_t b;
    int subnormal = 0;

    if (x < 0x1p-1022) {
        x *= 0x1p54;
        subnormal = 54;
    }
    b = bits_of(x);
    /* Adding the distance from sqrt(1/2) to 1 carries into the exponent just where m is past it. */
    b += 0x3ff0000000000000u - 0x3fe6a09e667f3bcdu;
    *k = (int)(b >> 52) - 1023 - subnormal;
    return double_of((b & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu);
}

/* (log(1 + f) - 2s) / s with s = f / (2 + f): 2/3 s^2 + 2/5 s^4 + ... for s^2 < 0.0295. */
static double atanh_tail(double z)
{
    double z2 = z * z, z4 = z2 * z2;
    double a = (2.0 / 3 + z * (2.0 / 5)) + z2 * (2.0 / 7 + z * (2.0 / 9));
    double b = (2.0 / 11 + z * (2.0 / 13)) + z2 * (2.0 / 15 + z * (2.0 / 17));
    double c = 2.0 / 19 + z * (2.0 / 21 + z * (2.0 / 23));

    return z * (a + z4 * (b + z4 * c));
}

/* k log 2 + log(1 + f) + extra. 2s = f - s f keeps f itself free of rounding. */
static double log_of(int k, double f, double extra)
{
    double s = f / (2 + f), tail = s * (f - atanh_tail(s * s));
    struct twofold sum = two_sum(k * ln2_hi, f);

    return sum.hi + (sum.lo + (k * ln2_lo + extra - tail));
}

double em_log(double x)
{
    int k;
    double m;

    if (x != x || x == INFINITY)
        return x;
    if (x <= 0)
        return x == 0 ? -INFINITY : NAN;
    m = reduce(x, &k);
    return log_of(k, m - 1, 0);
}

double em_log1p(double x)
{
    double u, m, lost;
    int k;

    if (x != x || x == INFINITY || x == 0)
        return x;
    if (x <= -1)
        return x == -1 ? -INFINITY : NAN;
    if (x > -0.29 && x < 0.41)
        return log_of(0, x, 0);
    u = 1 + x;
    lost = x >= 1 ? 1 - (u - x) : x - (u - 1);
    m = reduce(u, &k);
    return log_of(k, m - 1, lost / u);
}

/* log x to about 2^-66 of itself: the atanh series with its first three terms in two doubles. */
static struct twofold log_twofold(double x)
{
    const struct twofold third = {0x1.5555555555555p-2, 0x1.5555555555555p-56};
    const struct twofold fifth = {0x1.999999999999ap-3, -0x1.999999999999ap-57};
    struct twofold s, z, p, series;
    double f, late;
    int k;

    f = reduce(x, &k) - 1;
    s = twofold_divide((struct twofold){f, 0}, two_sum_ordered(2, f));
    z = twofold_multiply(s, s);
    late = 1.0 / 19 + z.hi * (1.0 / 21 + z.hi * (1.0 / 23));
    late = 1.0 / 13 + z.hi * (1.0 / 15 + z.hi * (1.0 / 17 + z.hi * late));
    late = z.hi * (1.0 / 7 + z.hi * (1.0 / 9 + z.hi * (1.0 / 11 + z.hi * late)));
    p = twofold_multiply(z, twofold_add(fifth, (struct twofold){late, 0}));
    p = twofold_multiply(z, twofold_add(third, p));
    series = twofold_multiply((struct twofold){2 * s.hi, 2 * s.lo},
                              twofold_add((struct twofold){1, 0}, p));
    return twofold_add(two_sum(k * ln2_hi, k * ln2_lo), series);
}

static bool is_whole(double y)
{
    return floor(y) == y; /* infinities too */
}

static bool is_odd(double y)
{
    return fabs(y) < 0x1p53 && is_whole(y) && !is_whole(y / 2);
}

/* x zero or infinite, or y infinite: the limits of C17 F.10.4.4. */
static double pow_limit(double x, double y)
{
    double size = fabs(x), result;

    if (isinf(y)) {
        if (size == 1)
            return 1;
        return (size > 1) == (y > 0) ? INFINITY : 0;
    }
    result = (size > 1) == (y > 0) ? INFINITY : 0;
    return signbit(x) && is_odd(y) ? -result : result;
}

double em_pow(double x, double y)
{
    struct twofold l, product;
    double sign = 1, result;

    if (y == 0 || x == 1)
        return 1;
    if (x != x || y != y)
        return x + y;
    if (y == 1)
        return x;
    if (x == 0 || isinf(x) || isinf(y))
        return pow_limit(x, y);
    if (y == 2)
        return x * x;
    if (x < 0) {
        if (!is_whole(y))
            return NAN;
        sign = is_odd(y) ? -1 : 1;
        x = -x;
        if (x == 1)
            return sign;
    }
    l = log_twofold(x);
    if (fabs(y) > 0x1p70) /* y log x is past +-745: |log x| >= 2^-53 */
        return (l.hi > 0) == (y > 0) ? sign * INFINITY : sign * 0.0;
    product = two_product(y, l.hi);
    product = two_sum_ordered(product.hi, product.lo + y * l.lo);
    if (product.hi > 709.8)
        return sign * INFINITY;
    if (product.hi < -745.2)
        return sign * 0.0;
    result = exp_of(product.hi, product.lo);
    return sign * result;
}

double em_sigmoid(double x)
{
    struct twofold d;
    double e, q;

    if (x != x)
        return x;
    if (x >= 0)
        return 1 / (1 + em_exp(-x));
    e = em_exp(x);
    d = two_sum_ordered(1, e);
    q = e / d.hi;
    return q - q * d.lo / d.hi;
}

/* em_sigmoid without a branch, so that the compiler takes several at once. exp of what is below
 * -745.2 is 0; there, any other argument does for the series. */
__attribute__((always_inline)) static inline double sigmoid_of(double x)
{
    double a = x < 0 ? x : -x, e = exp_of(a < -745.2 ? -745.2 : a, 0), q;
    struct twofold d;

    e = a < -745.2 ? 0 : e;
    d = two_sum_ordered(1, e);
    q = (x < 0 ? e : 1) / d.hi;
    q = x < 0 ? q - q * d.lo / d.hi : q;
    return x == x ? q : x;
}

static void sigmoids_scalar(const double *x, uint32_t count, double *p)
{
    for (uint32_t i = 0; i < count; i++)
        p[i] = sigmoid_of(x[i]);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void sigmoids_avx2(const double *x, uint32_t count,
                                                          double *p)
{
    for (uint32_t i = 0; i < count; i++)
        p[i] = sigmoid_of(x[i]);
}

__attribute__((target("avx512f,avx512dq,avx512vl,prefer-vector-width=512"))) static void
sigmoids_avx512(const double *x, uint32_t count, double *p)
{
    for (uint32_t i = 0; i < count; i++)
        p[i] = sigmoid_of(x[i]);
}
#endif

void em_sigmoids(const double *x, uint32_t count, double *p, enum simd level)
{
#if defined(__x86_64__)
    if (level == SIMD_AVX512)
        sigmoids_avx512(x, count, p);
    else if (level == SIMD_AVX2)
        sigmoids_avx2(x, count, p);
    else
#endif
        sigmoids_scalar(x, count, p);
}

/* Near 1/2 through log1p of an argument that is exact but for one division. */
double em_logit(double p)
{
    if (!(p >= 0 && p <= 1))
        return NAN;
    if (p < 0.25)
        return em_log(p) - em_log1p(-p);
    if (p < 0.5)
        return -em_log1p((1 - 2 * p) / p);
    if (p < 0.75)
        return em_log1p((2 * p - 1) / (1 - p));
    return em_log(p / (1 - p));
}
