#include "core/learn/part.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* From row number i on, with `left` of those before on the left. */
static uint32_t part_scalar(const struct part_rule *rule, uint32_t *row, uint32_t i, uint32_t rows,
                            uint32_t *aside, uint32_t left)
{
    uint32_t right = i - left;

    for (; i < rows; i++) {
        uint32_t r = row[i];
        uint8_t cell = rule->cell[(size_t)(r >> rule->shift) * rule->stride];
        bool goes_left = cell == 0 ? rule->missing_left : cell <= rule->bin;

        row[left] = r; /* left <= i: what it overwrites was read */
        aside[right] = r;
        left += goes_left;
        right += !goes_left;
    }
    return left;
}

#if defined(__x86_64__)
/* Sixteen at once. Stores are of whole vectors: what lies behind the kept ones was read already
 * (row) or is not yet in use (aside). */
__attribute__((target("avx512f"))) static uint32_t
part_avx512(const struct part_rule *rule, uint32_t *row, uint32_t rows, uint32_t *aside)
{
    const __m512i bin = _mm512_set1_epi32(rule->bin), byte = _mm512_set1_epi32(255);
    const __m512i stride = _mm512_set1_epi32((int)rule->stride);
    const __m128i shift = _mm_cvtsi32_si128((int)rule->shift);
    uint32_t left = 0, right = 0, i = 0;

    for (; i + 16 <= rows; i += 16) {
        __m512i r = _mm512_loadu_si512(row + i);
        __m512i at = _mm512_mullo_epi32(_mm512_srl_epi32(r, shift), stride);
        __m512i cell = _mm512_and_epi32(_mm512_i32gather_epi32(at, rule->cell, 1), byte);
        __mmask16 low = _mm512_cmple_epu32_mask(cell, bin);
        __mmask16 present = _mm512_test_epi32_mask(cell, cell);
        __mmask16 goes_left = rule->missing_left ? low : (__mmask16)(low & present);
        unsigned count = (unsigned)__builtin_popcount(goes_left);

        _mm512_storeu_si512(row + left, _mm512_maskz_compress_epi32(goes_left, r));
        _mm512_storeu_si512(aside + right, _mm512_maskz_compress_epi32((__mmask16)~goes_left, r));
        left += count;
        right += 16 - count;
    }
    return part_scalar(rule, row, i, rows, aside, left);
}
#endif

uint32_t part_rows(const struct part_rule *rule, uint32_t *row, uint32_t rows, uint32_t *aside,
                   enum simd level)
{
#if defined(__x86_64__)
    if (level == SIMD_AVX512 && (uint64_t)rule->rows * rule->stride <= INT32_MAX)
        return part_avx512(rule, row, rows, aside);
#endif
    return part_scalar(rule, row, 0, rows, aside, 0);
}
