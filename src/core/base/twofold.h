/* Numbers as an unevaluated sum of two doubles, hi + lo with |lo| <= ulp(hi)/2: about 106 bits, for
 * the few places where an elementary function needs more than a double has.
 * Error-free sum: Knuth, TAOCP 2, 4.2.2; error-free product by splitting: Dekker, "A floating-point
 * technique for extending the available precision" (1971). Plain + - * only, so the same bits
 * everywhere; the product needs |a|, |b| < 2^990 and |ab| > 2^-960 to be exact. */
#ifndef ASSAY_BASE_TWOFOLD_H
#define ASSAY_BASE_TWOFOLD_H

struct twofold {
    double hi;
    double lo;
};

/* a + b exactly. */
static inline struct twofold two_sum(double a, double b)
{
    double s = a + b, t = s - a;

    return (struct twofold){s, (a - (s - t)) + (b - t)};
}

/* a + b exactly, where |a| >= |b| or a = 0. */
static inline struct twofold two_sum_ordered(double a, double b)
{
    double s = a + b;

    return (struct twofold){s, b - (s - a)};
}

/* a * b exactly. */
static inline struct twofold two_product(double a, double b)
{
    const double splitter = 134217729.0; /* 2^27 + 1 */
    double p = a * b, ta = splitter * a, tb = splitter * b;
    double a1 = ta - (ta - a), a2 = a - a1;
    double b1 = tb - (tb - b), b2 = b - b1;

    return (struct twofold){p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2};
}

static inline struct twofold twofold_add(struct twofold a, struct twofold b)
{
    struct twofold s = two_sum(a.hi, b.hi);

    return two_sum_ordered(s.hi, s.lo + (a.lo + b.lo));
}

static inline struct twofold twofold_multiply(struct twofold a, struct twofold b)
{
    struct twofold p = two_product(a.hi, b.hi);

    return two_sum_ordered(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline struct twofold twofold_divide(struct twofold n, struct twofold d)
{
    double q = n.hi / d.hi;
    struct twofold p = two_product(q, d.hi);
    double rest = ((n.hi - p.hi) - p.lo) + (n.lo - q * d.lo);

    return two_sum_ordered(q, rest / d.hi);
}

#endif
