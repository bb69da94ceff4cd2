#include "core/learn/part.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

struct parted {
    uint32_t *left, *right;
    uint32_t lefts, rights;
};

/* From row number i on. */
static void part_scalar(const struct part_rule *rule, const uint32_t *row, uint32_t i,
                        uint32_t rows, struct parted *p)
{
    for (; i < rows; i++) {
        uint32_t r = row[i];
        uint8_t cell = rule->column[r >> rule->shift];
        bool goes_left = cell == 0 ? rule->missing_left : cell <= rule->bin;

        p->left[p->lefts] = r; /* lefts <= i: what it overwrites was read */
        p->right[p->rights] = r;
        p->lefts += goes_left;
        p->rights += !goes_left;
    }
}

#if defined(__x86_64__)
enum { VECTOR = 16 };

/* Stores are of whole vectors: what lies behind the kept ones was read already (where left is the
 * rows' own) or is not yet in use. */
__attribute__((target("avx512f,popcnt"), always_inline)) static inline void
keep(const struct part_rule *rule, __m512i r, __mmask16 low, __mmask16 present, struct parted *p)
{
    __mmask16 goes_left = rule->missing_left ? low : (__mmask16)(low & present);
    unsigned count = (unsigned)__builtin_popcount(goes_left);

    _mm512_storeu_si512(p->left + p->lefts, _mm512_maskz_compress_epi32(goes_left, r));
    _mm512_storeu_si512(p->right + p->rights,
                        _mm512_maskz_compress_epi32((__mmask16)~goes_left, r));
    p->lefts += count;
    p->rights += VECTOR - count;
}

__attribute__((target("avx512f,popcnt"))) static void
part_gather(const struct part_rule *rule, const uint32_t *row, uint32_t rows, struct parted *p)
{
    const __m512i bin = _mm512_set1_epi32(rule->bin), byte = _mm512_set1_epi32(255);
    const __m128i shift = _mm_cvtsi32_si128((int)rule->shift);
    uint32_t i = 0;

    for (; i + VECTOR <= rows; i += VECTOR) {
        __m512i r = _mm512_loadu_si512(row + i);
        __m512i at = _mm512_srl_epi32(r, shift);
        __m512i cell = _mm512_and_epi32(_mm512_i32gather_epi32(at, rule->column, 1), byte);

        keep(rule, r, _mm512_cmple_epu32_mask(cell, bin), _mm512_test_epi32_mask(cell, cell), p);
    }
    part_scalar(rule, row, i, rows, p);
}

#define NEAR __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,popcnt")))

/* The bytes at from[at[k]], at[k] < 256. Only what lies below `span` is read, in whole vectors. */
NEAR __attribute__((always_inline)) static inline __m128i near_bytes(const uint8_t *from,
                                                                     __m128i at, uint32_t span)
{
    __m512i index = _mm512_castsi128_si512(at), low = _mm512_loadu_si512(from), high;
    __m128i first, second;

    if (span < 64)
        return _mm512_castsi512_si128(_mm512_permutexvar_epi8(index, low));
    high = _mm512_loadu_si512(from + 64);
    first = _mm512_castsi512_si128(_mm512_permutex2var_epi8(low, index, high));
    if (span < 128)
        return first;
    low = _mm512_loadu_si512(from + 128);
    high = _mm512_loadu_si512(from + 192);
    second = _mm512_castsi512_si128(_mm512_permutex2var_epi8(low, index, high));
    return _mm_mask_blend_epi8(_mm_movepi8_mask(at), first, second);
}

/* Rows that lie near each other (a gather takes three times as long); others are gathered. */
NEAR static void part_near(const struct part_rule *rule, const uint32_t *row, uint32_t rows,
                           struct parted *p)
{
    const __m128i bin = _mm_set1_epi8((char)rule->bin);
    const __m128i shift = _mm_cvtsi32_si128((int)rule->shift);
    uint32_t i = 0;

    for (; i + VECTOR <= rows; i += VECTOR) {
        __m512i r = _mm512_loadu_si512(row + i), at = _mm512_srl_epi32(r, shift);
        uint32_t first = row[i] >> rule->shift;
        uint32_t span = (row[i + VECTOR - 1] >> rule->shift) - first;
        __m128i cell;

        if (span <= PART_SPARE) {
            at = _mm512_sub_epi32(at, _mm512_set1_epi32((int)first));
            cell = near_bytes(rule->column + first, _mm512_cvtepi32_epi8(at), span);
        } else {
            cell = _mm512_cvtepi32_epi8(_mm512_i32gather_epi32(at, rule->column, 1));
        }
        keep(rule, r, _mm_cmple_epu8_mask(cell, bin), _mm_test_epi8_mask(cell, cell), p);
    }
    part_scalar(rule, row, i, rows, p);
}
#endif

uint32_t part_rows(const struct part_rule *rule, const uint32_t *row, uint32_t rows, uint32_t *left,
                   uint32_t *right, enum simd level)
{
    struct parted p = {.left = left, .right = right};

#if defined(__x86_64__)
    if (level == SIMD_AVX512) {
        if (simd_has_byte_permute())
            part_near(rule, row, rows, &p);
        else
            part_gather(rule, row, rows, &p);
        return p.lefts;
    }
#endif
    part_scalar(rule, row, 0, rows, &p);
    return p.lefts;
}
