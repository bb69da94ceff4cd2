/* Exact sums in fixed point.
 *
 * Window sums must not depend on the order of additions and evictions, so they are integers:
 * decimals are integers already (millionths), a real is rounded once, on entry, to a whole number
 * of millionths, an int or a duration is taken as it is. A sum is an __int128, a sum of squares
 * a struct wide (192 bits): with |x| < 2^63 and fewer than 2^32 terms neither can overflow.
 * Only the last step (mean, std) leaves the integers, and rounds once.
 */
#ifndef ASSAY_BASE_FIXED_H
#define ASSAY_BASE_FIXED_H

#include <stdbool.h>
#include <stdint.h>

typedef __int128 int128; /* the one typedef: C has no name for it */
typedef unsigned __int128 uint128;

/* Two's complement, least significant word first. */
struct wide {
    uint64_t word[3];
};

/* A real as millionths, rounded half to even; false past the range (the term is then null). */
bool fixed_from_real(double v, int64_t *millionths) __attribute__((warn_unused_result));

void wide_add_square(struct wide *w, int64_t x);
void wide_sub_square(struct wide *w, int64_t x);

/* numerator / denominator to the nearest double (ties to even); denominator > 0. */
double fixed_ratio(int128 numerator, uint128 denominator);

/* magnitude * 2^exponent / denominator to the nearest double (ties to even), where that is a normal
 * number; magnitude has its least significant word first, denominator is below 2^63. */
double fixed_ratio_scaled(const uint64_t magnitude[4], uint64_t denominator, int exponent);

/* Sample standard deviation of n >= 2 integers of which sum and sum of squares are given, in the
 * integers' unit: sqrt((n * squares - sum^2) / (n * (n - 1))), the quotient rounded once. */
double fixed_std(uint64_t n, int128 sum, const struct wide *squares);

#endif
