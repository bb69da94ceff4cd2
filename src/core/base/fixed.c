#include "core/base/fixed.h"

#include <math.h>
#include <string.h>

#include "core/base/panic.h"

enum { MILLION = 1000000 };

bool fixed_from_real(double v, int64_t *millionths)
{
    uint64_t bits, whole;
    uint128 scaled, rest, half;
    int exponent;

    if (!(fabs(v) < 9223372036854.775807)) /* NaN too */
        return false;
    memcpy(&bits, &v, sizeof bits);
    exponent = (int)(bits >> 52 & 0x7ff);
    if (exponent == 0) { /* zero or subnormal: far below half a millionth */
        *millionths = 0;
        return true;
    }
    exponent -= 1075; /* v = mantissa * 2^exponent */
    scaled = (uint128)((bits & 0xfffffffffffffu) | 1ull << 52) * MILLION;
    if (exponent >= 0) {
        whole = (uint64_t)(scaled << exponent);
    } else if (exponent < -100) {
        whole = 0;
    } else {
        whole = (uint64_t)(scaled >> -exponent);
        rest = scaled & (((uint128)1 << -exponent) - 1);
        half = (uint128)1 << (-exponent - 1);
        whole += rest > half || (rest == half && (whole & 1));
    }
    if (whole > INT64_MAX)
        return false;
    *millionths = v < 0 ? -(int64_t)whole : (int64_t)whole;
    return true;
}

static uint128 square_of(int64_t x)
{
    uint64_t size = x < 0 ? -(uint64_t)x : (uint64_t)x;

    return (uint128)size * size;
}

void wide_add_square(struct wide *w, int64_t x)
{
    uint128 square = square_of(x);
    uint128 sum = (uint128)w->word[0] + (uint64_t)square;

    w->word[0] = (uint64_t)sum;
    sum = (uint128)w->word[1] + (uint64_t)(square >> 64) + (uint64_t)(sum >> 64);
    w->word[1] = (uint64_t)sum;
    w->word[2] += (uint64_t)(sum >> 64);
}

void wide_sub_square(struct wide *w, int64_t x)
{
    uint128 square = square_of(x);
    uint128 left = (uint128)w->word[0] - (uint64_t)square;

    w->word[0] = (uint64_t)left;
    left = (uint128)w->word[1] - (uint64_t)(square >> 64) - (uint64_t)(left >> 64 & 1);
    w->word[1] = (uint64_t)left;
    w->word[2] -= (uint64_t)(left >> 64 & 1);
}

static int leading_zeros(uint128 v)
{
    uint64_t high = (uint64_t)(v >> 64);

    return high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)v);
}

/* exact; -1022 <= n <= 1023 */
static double power_of_two(int n)
{
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

/* The double nearest to (q + s) * 2^exponent where 0 < s < 1 if `sticky`, else s = 0; ties to
 * even. q has at least 55 bits, so s decides ties only; the result is a normal number. */
static double round_scaled(uint128 q, int exponent, bool sticky)
{
    int drop = 128 - leading_zeros(q) - 53;
    uint64_t kept = (uint64_t)(q >> drop);
    uint128 rest = q & (((uint128)1 << drop) - 1);
    uint128 half = (uint128)1 << (drop - 1);

    if (rest > half || (rest == half && (sticky || (kept & 1))))
        kept++; /* 2^53 is exact too */
    return (double)kept * power_of_two(exponent + drop);
}

/* (high * 2^below + something below it, there if `sticky`) / d. The dropped part is under one unit
 * of `high`, and the remainder is at most d - 1, so the quotient's floor does not depend on it. */
static double ratio_by_word(uint128 high, int below, bool sticky, uint64_t d)
{
    int shift = leading_zeros(high);
    uint128 q;

    ASSERT(below == 0 || shift == 0);
    high <<= shift;
    q = high / d;
    return round_scaled(q, below - shift, sticky || high % d != 0);
}

/* Division bit by bit, for denominators past 64 bits (sums over more than 10^13 millionths). */
static double ratio_by_bit(uint128 n, uint128 d)
{
    uint128 q = n / d, rest = n % d;
    int exponent = 0;

    while (q >> 63 == 0) {
        bool bit = rest >= d - rest;

        rest = bit ? rest - (d - rest) : rest + rest;
        q = q << 1 | bit;
        exponent--;
    }
    return round_scaled(q, exponent, rest != 0);
}

double fixed_ratio(int128 numerator, uint128 denominator)
{
    uint128 n = numerator < 0 ? -(uint128)numerator : (uint128)numerator;
    const uint64_t exact = 1ull << 53;
    double ratio;

    ASSERT(denominator > 0);
    if (n <= exact && denominator <= exact) /* both doubles exact: IEEE division rounds once */
        ratio = (double)(uint64_t)n / (double)(uint64_t)denominator;
    else if (denominator >> 64 == 0)
        ratio = ratio_by_word(n, 0, false, (uint64_t)denominator);
    else
        ratio = n == 0 ? 0 : ratio_by_bit(n, denominator);
    return numerator < 0 ? -ratio : ratio;
}

/* 256 bits to the left by fewer than 256. */
static void shift_left(const uint64_t from[4], int by, uint64_t to[4])
{
    int words = by / 64, bits = by % 64;

    for (int i = 3; i >= 0; i--) {
        uint64_t high = i >= words ? from[i - words] : 0;
        uint64_t low = i > words ? from[i - words - 1] : 0;

        to[i] = bits == 0 ? high : high << bits | low >> (64 - bits);
    }
}

double fixed_ratio_scaled(const uint64_t magnitude[4], uint64_t denominator, int exponent)
{
    uint64_t n[4], q[4];
    uint128 rest = 0;
    int top = 3, shift;

    ASSERT(denominator > 0 && denominator >> 63 == 0);
    while (top >= 0 && magnitude[top] == 0)
        top--;
    if (top < 0)
        return 0;
    shift = (3 - top) * 64 + __builtin_clzll(magnitude[top]);
    shift_left(magnitude, shift, n); /* the quotient has more than 192 bits */
    for (int i = 3; i >= 0; i--) {
        rest = rest << 64 | n[i];
        q[i] = (uint64_t)(rest / denominator);
        rest %= denominator;
    }
    return round_scaled((uint128)q[3] << 64 | q[2], exponent - shift + 128,
                        q[1] != 0 || q[0] != 0 || rest != 0);
}

/* n * squares - sum^2, which is never negative (Cauchy and Schwarz). */
static struct wide spread(uint64_t n, uint128 sum, const struct wide *squares)
{
    uint64_t low = (uint64_t)sum, high = (uint64_t)(sum >> 64);
    uint128 low_low = (uint128)low * low, cross = (uint128)low * high;
    struct wide out;
    uint128 product = 0;
    int128 left = 0;
    uint64_t square[3];

    square[0] = (uint64_t)low_low;
    product = (low_low >> 64) + (uint128)(uint64_t)cross * 2;
    square[1] = (uint64_t)product;
    square[2] = (uint64_t)(product >> 64) + (uint64_t)(cross >> 64) * 2 + high * high;
    product = 0;
    for (int i = 0; i < 3; i++) {
        product += (uint128)squares->word[i] * n;
        left += (int128)(uint64_t)product - square[i];
        out.word[i] = (uint64_t)left;
        product >>= 64;
        left >>= 64; /* 0 or -1: the borrow */
    }
    ASSERT(left == 0 && product == 0);
    return out;
}

double fixed_std(uint64_t n, int128 sum, const struct wide *squares)
{
    struct wide a;
    uint64_t pairs = n * (n - 1);
    uint128 high;
    int below = 0;

    ASSERT(n >= 2 && n >> 32 == 0);
    a = spread(n, sum < 0 ? -(uint128)sum : (uint128)sum, squares);
    high = (uint128)a.word[1] << 64 | a.word[0];
    if (a.word[2] == 0) {
        if (high == 0)
            return 0;
        if (high >> 53 == 0 && pairs >> 53 == 0)
            return sqrt((double)(uint64_t)high / (double)pairs);
    } else { /* the top 128 bits, the first of them set */
        below = 64 - __builtin_clzll(a.word[2]);
        high = (uint128)a.word[2] << 64 | a.word[1];
        if (below < 64)
            high = high << (64 - below) | a.word[0] >> below;
    }
    return sqrt(ratio_by_word(high, below, below > 0 && a.word[0] << (64 - below) != 0, pairs));
}
