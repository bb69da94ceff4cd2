/* Sums as results: mean and standard deviation of a window or of a rollup's rows, one definition
 * of both. Sums are of whole units (base/fixed.h): `units` is how many of them are one, a million
 * for reals, which are summed in millionths, else 1. */
#ifndef ASSAY_VELOCITY_RESULT_H
#define ASSAY_VELOCITY_RESULT_H

#include <math.h>

#include "core/base/fixed.h"
#include "core/data/frame.h"

enum { RESULT_MILLION = 1000000 };

static inline void put_null(struct column *c, uint32_t row)
{
    c->null[row] = 1;
    if (c->type == TYPE_TEXT)
        c->text[row] = (struct text){"", 0};
    else
        c->integer[row] = 0;
}

static inline void put_integer(struct column *c, uint32_t row, int64_t value)
{
    c->null[row] = 0;
    c->integer[row] = value;
}

static inline void put_real(struct column *c, uint32_t row, double value)
{
    c->null[row] = 0;
    c->real[row] = value == 0 ? 0 : value;
}

/* numerator / denominator to the nearest integer, ties to even. */
static inline int128 divide_rounded(int128 numerator, int128 denominator)
{
    int128 quotient = numerator / denominator, rest = numerator % denominator;
    int128 twice = (rest < 0 ? -rest : rest) * 2;

    if (twice > denominator || (twice == denominator && (quotient & 1)))
        quotient += numerator < 0 ? -1 : 1;
    return quotient;
}

static const uint64_t exact_max = 1ull << 53; /* integers up to it are exact as doubles */

/* sum / (n * units), rounded once: where both are exact as doubles, IEEE division does that.
 * `n_max` is exact_max / units. Without events it is 0. */
static inline double ratio(int128 sum, uint64_t n, uint64_t units, uint64_t n_max)
{
    if ((uint128)sum + exact_max <= 2 * exact_max && n <= n_max)
        return (double)(int64_t)sum / (double)(int64_t)(n * units + (n == 0));
    return n == 0 || sum == 0 ? 0 : fixed_ratio(sum, (uint128)n * units);
}

/* sum / n units as the result's type. `n` is 1 for sums. */
static inline void put_ratio(struct column *c, uint32_t row, uint64_t units, int128 sum, uint64_t n)
{
    int128 value;

    if (c->type == TYPE_REAL) {
        put_real(c, row, ratio(sum, n, units, exact_max / units));
        return;
    }
    if (c->type == TYPE_DECIMAL && units == 1)
        value = divide_rounded(sum * RESULT_MILLION, n);
    else if (c->type != TYPE_DECIMAL && units != 1)
        value = divide_rounded(sum, (int128)n * units);
    else
        value = n == 1 ? sum : divide_rounded(sum, n);
    if (value < INT64_MIN || value > INT64_MAX)
        put_null(c, row);
    else
        put_integer(c, row, (int64_t)value);
}

static inline void put_std(struct column *c, uint32_t row, uint64_t units, uint64_t n, int128 sum,
                           const struct wide *squares)
{
    double std;

    if (n < 2 || n > UINT32_MAX) {
        put_null(c, row);
        return;
    }
    std = fixed_std(n, sum, squares);
    if (c->type == TYPE_REAL)
        put_real(c, row, units == 1 ? std : std / RESULT_MILLION);
    else
        put_integer(c, row, (int64_t)rint(std)); /* below 2^63: at most the range of the operands */
}

#endif
