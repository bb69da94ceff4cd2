/* sin, cos, tan and the inverse functions.
 *
 * Arguments are reduced by pi/2 in four parts of 23, 23, 23 and 53 bits (Cody and Waite), exact up
 * to |x| = 1e9. Past that a double's spacing is over 1e-7 radians, so no caller can mean it: the
 * result is NaN. The inverse functions are all the arc of a quotient held in two doubles.
 */
#include "core/base/elementary.h"

#include <math.h>
#include <stdbool.h>

#include "core/base/twofold.h"

static const double argument_max = 1e9;
static const double rounder = 0x1.8p52; /* adding and subtracting it rounds to a whole number */
static const struct twofold half_pi = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};

/* x - n pi/2 in two doubles. */
static struct twofold less_quarters(double x, double n)
{
    double first = x - n * 0x1.921fb40000000p+0;
    struct twofold a = two_sum(first, -n * 0x1.4442d00000000p-24);
    struct twofold b = two_sum(a.hi, -n * 0x1.8469880000000p-48);
    struct twofold c = two_sum(b.hi, -n * 0x1.8cc51701b839ap-72);

    return two_sum_ordered(c.hi, a.lo + b.lo + c.lo);
}

/* x brought into [-pi/4, pi/4] by whole quarters; the quadrant is their number modulo 4. */
static struct twofold quarter(double x, int *quadrant)
{
    double n = (x * 0x1.45f306dc9c883p-1 + rounder) - rounder;

    *quadrant = (int)((long long)n & 3);
    return n == 0 ? (struct twofold){x, 0} : less_quarters(x, n);
}

/* Taylor series to r^17; the next term is below 2^-63 of the result. */
static struct twofold sin_series(struct twofold r)
{
    double z = r.hi * r.hi, z2 = z * z, z4 = z2 * z2;
    double a = (-1.0 / 6 + z * (1.0 / 120)) + z2 * (-1.0 / 5040 + z * (1.0 / 362880));
    double b = (-1.0 / 39916800 + z * (1.0 / 6227020800)) +
               z2 * (-1.0 / 1307674368000.0 + z * (1.0 / 355687428096000.0));

    return two_sum_ordered(r.hi, r.lo * (1 - 0.5 * z) + r.hi * z * (a + z4 * b));
}

/* Taylor series to r^18. */
static struct twofold cos_series(struct twofold r)
{
    double z = r.hi * r.hi, z2 = z * z, z4 = z2 * z2, half = 0.5 * z, c = 1 - half;
    double a = (1.0 / 24 + z * (-1.0 / 720)) + z2 * (1.0 / 40320 + z * (-1.0 / 3628800));
    double b = (1.0 / 479001600 + z * (-1.0 / 87178291200.0)) +
               z2 * (1.0 / 20922789888000.0 + z * (-1.0 / 6402373705728000.0));

    return two_sum_ordered(c, ((1 - c) - half) + (z2 * (a + z4 * b) - r.hi * r.lo));
}

static double circular(double x, int turn)
{
    struct twofold r, v;
    int q;

    if (!(fabs(x) <= argument_max))
        return NAN;
    r = quarter(x, &q);
    q = (q + turn) & 3;
    v = q & 1 ? cos_series(r) : sin_series(r);
    return q & 2 ? -v.hi : v.hi;
}

double em_sin(double x)
{
    return x == 0 ? x : circular(x, 0);
}

double em_cos(double x)
{
    return circular(x, 1);
}

double em_tan(double x)
{
    struct twofold r, s, c, t;
    int q;

    if (x == 0)
        return x;
    if (!(fabs(x) <= argument_max))
        return NAN;
    r = quarter(x, &q);
    s = sin_series(r);
    c = cos_series(r);
    t = q & 1 ? twofold_divide(c, s) : twofold_divide(s, c);
    return q & 1 ? -t.hi : t.hi;
}

/* Arcs of 0, 1/8 .. 1. */
static const struct twofold arcs[9] = {
    {0, 0},
    {0x1.fd5ba9aac2f6ep-4, -0x1.cd37686760c17p-59},
    {0x1.f5b75f92c80ddp-3, 0x1.8ab6e3cf7afbdp-57},
    {0x1.6f61941e4def1p-2, -0x1.c63aae6f6e918p-56},
    {0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56},
    {0x1.1e00babdefeb4p-1, -0x1.928df287a668fp-58},
    {0x1.4978fa3269ee1p-1, 0x1.2419a87f2a458p-56},
    {0x1.700a7c5784634p-1, -0x1.8c34d25aadef6p-56},
    {0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55},
};

/* The arc of t in [0, 1]: arc(c) + arc((t - c) / (1 + t c)) with c the nearest eighth, then the
 * series u - u^3/3 + ..., |u| < 3/16. Below 3/16 c is 0, so that nothing cancels. */
static struct twofold arc(struct twofold t)
{
    int i = t.hi < 0.1875 ? 0 : (int)(t.hi * 8 + 0.5);
    double c = i / 8.0, z, z2, a, b, tail;
    struct twofold u = t;

    if (i > 0) {
        double d = 1 + t.hi * c;

        u.hi = (t.hi - c) / d;
        u.lo = t.lo * (1 - u.hi * c) / d;
    }
    z = u.hi * u.hi;
    z2 = z * z;
    a = (-1.0 / 3 + z * (1.0 / 5)) + z2 * (-1.0 / 7 + z * (1.0 / 9));
    b = (-1.0 / 11 + z * (1.0 / 13)) + z2 * (-1.0 / 15 + z * (1.0 / 17));
    tail = u.hi * z * (a + z2 * z2 * (b + z2 * z2 * (-1.0 / 19 + z * (1.0 / 21))));
    tail += u.lo * (1 - z);
    if (i == 0)
        return (struct twofold){u.hi, tail};
    u = two_sum_ordered(arcs[i].hi, u.hi);
    return (struct twofold){u.hi, u.lo + (arcs[i].lo + tail)};
}

/* The angle of the point (x, y) with x, y >= 0, neither too large nor too small to multiply. */
static struct twofold angle(struct twofold y, struct twofold x)
{
    struct twofold a, s;

    if (y.hi <= x.hi)
        return arc(twofold_divide(y, x));
    a = arc(twofold_divide(x, y));
    s = two_sum_ordered(half_pi.hi, -a.hi);
    return (struct twofold){s.hi, s.lo + (half_pi.lo - a.lo)};
}

double em_atan(double x)
{
    double size = fabs(x), v;

    if (x != x || size < 0x1p-30)
        return x;
    if (size > 0x1p60)
        v = half_pi.hi;
    else {
        struct twofold a = angle((struct twofold){size, 0}, (struct twofold){1, 0});

        v = a.hi + a.lo;
    }
    return copysign(v, x);
}

double em_asin(double x)
{
    double size = fabs(x), root, lo, v;
    struct twofold square, rest, a;

    if (!(size <= 1))
        return NAN;
    if (size < 0x1p-30)
        return x;
    if (size == 1)
        return copysign(half_pi.hi, x);
    square = two_product(size, size);
    rest = two_sum_ordered(1, -square.hi);
    rest = two_sum_ordered(rest.hi, rest.lo - square.lo);
    root = sqrt(rest.hi);
    square = two_product(root, root);
    lo = (((rest.hi - square.hi) - square.lo) + rest.lo) / (2 * root);
    a = angle((struct twofold){size, 0}, (struct twofold){root, lo});
    v = a.hi + a.lo;
    return copysign(v, x);
}

/* Both sizes brought near 1 by a power of two; past a ratio of 2^60 the smaller does not count. */
static struct twofold wide_angle(double y, double x)
{
    int ey, ex;
    double my = frexp(y, &ey), mx = frexp(x, &ex);
    struct twofold whole = {half_pi.hi, half_pi.lo};

    if (ey - ex > 60)
        return whole;
    if (ey - ex < -60)
        return (struct twofold){y / x, 0};
    return angle((struct twofold){ldexp(my, ey - ex), 0}, (struct twofold){mx, 0});
}

static struct twofold quadrant_angle(double y, double x)
{
    if (y == 0)
        return (struct twofold){0, 0};
    if (isinf(y) && isinf(x))
        return arcs[8];
    if (isinf(y) || x == 0)
        return half_pi;
    if (isinf(x))
        return (struct twofold){0, 0};
    return wide_angle(y, x);
}

double em_atan2(double y, double x)
{
    struct twofold a;

    if (x != x || y != y)
        return x + y;
    a = quadrant_angle(fabs(y), fabs(x));
    if (signbit(x)) {
        struct twofold s = two_sum_ordered(2 * half_pi.hi, -a.hi);

        a = (struct twofold){s.hi, s.lo + (2 * half_pi.lo - a.lo)};
    }
    return copysign(a.hi + a.lo, y);
}
