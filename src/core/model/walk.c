/* The walk through the trees: scalar, AVX2 and AVX-512. All three visit the same leaves and add
 * integers, so they agree to the bit. */
#include "core/model/ranks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Eight trees at once hide the latency of one walk behind the others. */
static int64_t walk_eight(const struct forest_ranks *r, const uint32_t *root, uint32_t steps,
                          const uint16_t *ranks)
{
    uint32_t at[8];
    int64_t sum = 0;

    for (unsigned i = 0; i < 8; i++)
        at[i] = root[i];
    for (uint32_t s = 0; s < steps; s++) {
        for (unsigned i = 0; i < 8; i++) {
            const struct rank_node *n = &r->node[at[i]];

            at[i] = n->next + (ranks[n->slot] > n->rank);
        }
    }
    for (unsigned i = 0; i < 8; i++)
        sum += r->value[at[i]];
    return sum;
}

static int64_t walk_group(const struct forest_ranks *r, const uint32_t *root, uint32_t steps,
                          const uint16_t *ranks)
{
    return walk_eight(r, root, steps, ranks) + walk_eight(r, root + 8, steps, ranks);
}

#if defined(__x86_64__)
/* A node is gathered as one 64-bit word and taken apart in registers: gathers are what these walks
 * wait for, the more so where the processor's mitigations slow them down. */
__attribute__((target("avx2"))) static inline __m256i walk_half_avx2(const struct forest_ranks *r,
                                                                     const uint32_t *root,
                                                                     uint32_t steps,
                                                                     const uint16_t *ranks)
{
    const __m256i low = _mm256_set1_epi32(0xffff);
    const long long *node = (const long long *)r->node;
    __m256i at = _mm256_loadu_si256((const __m256i *)root);

    for (uint32_t s = 0; s < steps; s++) {
        __m256 a = _mm256_castsi256_ps(_mm256_i32gather_epi64(node, _mm256_castsi256_si128(at), 8));
        __m256 b =
            _mm256_castsi256_ps(_mm256_i32gather_epi64(node, _mm256_extracti128_si256(at, 1), 8));
        /* within halves: the trees change lanes, which a sum does not mind */
        __m256i split = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88));
        __m256i next = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd));
        __m256i rank = _mm256_srli_epi32(split, 16);
        __m256i x = _mm256_i32gather_epi32((const int *)ranks, _mm256_and_si256(split, low), 2);
        __m256i right = _mm256_cmpgt_epi32(_mm256_and_si256(x, low), rank);

        at = _mm256_sub_epi32(next, right); /* right is 0 or -1 */
    }
    const long long *value = (const long long *)r->value;
    __m256i a = _mm256_i32gather_epi64(value, _mm256_castsi256_si128(at), 8);
    __m256i b = _mm256_i32gather_epi64(value, _mm256_extracti128_si256(at, 1), 8);

    return _mm256_add_epi64(a, b);
}

__attribute__((target("avx2"))) static int64_t walk_group_avx2(const struct forest_ranks *r,
                                                               const uint32_t *root, uint32_t steps,
                                                               const uint16_t *ranks)
{
    __m256i sum = _mm256_add_epi64(walk_half_avx2(r, root, steps, ranks),
                                   walk_half_avx2(r, root + 8, steps, ranks));
    int64_t lane[4];

    _mm256_storeu_si256((__m256i *)lane, sum);
    return lane[0] + lane[1] + lane[2] + lane[3];
}

/* A row of at most 64 ranks stays in two registers and is looked up by a permutation. */
__attribute__((target("avx512f,avx512bw"))) static int64_t
walk_group_avx512(const struct forest_ranks *r, const uint32_t *root, uint32_t steps,
                  const uint16_t *ranks)
{
    const __m512i low = _mm512_set1_epi32(0xffff), one = _mm512_set1_epi32(1);
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, one);
    uint32_t words = forest_ranks_stride(r);
    bool fits = words <= 64;
    uint64_t present = words < 64 ? (UINT64_C(1) << words) - 1 : UINT64_MAX;
    __m512i row_a = _mm512_maskz_loadu_epi16((__mmask32)present, ranks);
    __m512i row_b = _mm512_maskz_loadu_epi16((__mmask32)(present >> 32), ranks + 32);
    __m512i at = _mm512_loadu_si512(root);

    for (uint32_t s = 0; s < steps; s++) {
        __m512i a = _mm512_i32gather_epi64(_mm512_castsi512_si256(at), r->node, 8);
        __m512i b = _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(at, 1), r->node, 8);
        __m512i split = _mm512_permutex2var_epi32(a, even, b);
        __m512i next = _mm512_permutex2var_epi32(a, odd, b);
        __m512i slot = _mm512_and_epi32(split, low), rank = _mm512_srli_epi32(split, 16), x;

        x = fits ? _mm512_permutex2var_epi16(row_a, slot, row_b)
                 : _mm512_i32gather_epi32(slot, ranks, 2);
        x = _mm512_and_epi32(x, low);
        at = _mm512_mask_add_epi32(next, _mm512_cmpgt_epu32_mask(x, rank), next, one);
    }
    __m512i a = _mm512_i32gather_epi64(_mm512_castsi512_si256(at), r->value, 8);
    __m512i b = _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(at, 1), r->value, 8);

    return _mm512_reduce_add_epi64(_mm512_add_epi64(a, b));
}
#endif

/* Groups outside, rows inside: a group's nodes stay in the first-level cache for the block. */
void forest_walk(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows, int64_t *sum,
                 enum simd level)
{
    int64_t (*walk)(const struct forest_ranks *, const uint32_t *, uint32_t, const uint16_t *) =
        walk_group;
    uint32_t stride = forest_ranks_stride(r);

#if defined(__x86_64__)
    if (level == SIMD_AVX512)
        walk = walk_group_avx512;
    else if (level == SIMD_AVX2)
        walk = walk_group_avx2;
#endif
    for (uint32_t g = 0; g < r->groups; g++) {
        const uint32_t *root = r->root + (size_t)g * RANK_GROUP;

        for (uint32_t i = 0; i < rows; i++)
            sum[i] += walk(r, root, r->steps[g], ranks + (size_t)i * stride);
    }
}
