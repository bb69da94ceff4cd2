/* Blocks in AVX-512: a step of 64 trees of one row, a byte each (blocks.h). Needs VBMI, which
 * permutes bytes over a whole register. */
#include "core/model/blocks.h"
#include "core/model/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")))
#define INLINE                                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi"),                        \
                   always_inline)) static inline

enum {
    ROWS = 64,     /* that look up leaves together */
    ROWS_MIN = 12, /* fewer are quicker one by one */
};

/* The last of `level` answers picks between the nodes that the answers before it leave. `stride`,
 * in registers, is that between neighbours of the level for the answers that are left. */
#define PICK(level, below)                                                                         \
    INLINE __m512i pick_##level(const __m512i *at, unsigned stride, const __mmask64 *right)        \
    {                                                                                              \
        return _mm512_mask_blend_epi8(right[level - 1], below(at, 2 * stride, right),              \
                                      below(at + stride, 2 * stride, right));                      \
    }

INLINE __m512i pick_0(const __m512i *at, unsigned stride, const __mmask64 *right)
{
    return _mm512_load_si512(at);
}

PICK(1, pick_0)
PICK(2, pick_1)
PICK(3, pick_2)
PICK(4, pick_3)
PICK(5, pick_4)

/* Of a node, two registers: slots and ranks. */
#define STEP(level)                                                                                \
    INLINE void step_##level(const struct block_node *node, __m512i row, __mmask64 *right)         \
    {                                                                                              \
        const __m512i *at = (const __m512i *)(node + (1 << level) - 1);                            \
        __m512i slot = pick_##level(at, 2, right), rank = pick_##level(at + 1, 2, right);          \
                                                                                                   \
        right[level] = _mm512_cmpgt_epu8_mask(_mm512_permutexvar_epi8(slot, row), rank);           \
    }

STEP(0)
STEP(1)
STEP(2)
STEP(3)
STEP(4)
STEP(5)

/* The leaf that each tree of a block comes to. */
INLINE __m512i walk(const struct block_node *node, __m512i row, unsigned depth)
{
    __mmask64 right[BLOCK_DEPTH_MAX];
    __m512i leaf = _mm512_setzero_si512();

    step_0(node, row, right);
    if (depth > 1)
        step_1(node, row, right);
    if (depth > 2)
        step_2(node, row, right);
    if (depth > 3)
        step_3(node, row, right);
    if (depth > 4)
        step_4(node, row, right);
    if (depth > 5)
        step_5(node, row, right);
    for (unsigned l = 0; l < depth; l++)
        leaf = _mm512_mask_add_epi8(leaf, right[l], leaf,
                                    _mm512_set1_epi8((char)(1 << (depth - 1 - l))));
    return leaf;
}

/* A row's ranks as bytes; RANK_RIGHT, cut, is still above all. */
INLINE __m512i load_row(const uint16_t *ranks, uint32_t stride)
{
    __m256i low = _mm512_cvtepi16_epi8(_mm512_loadu_si512(ranks));

    if (stride == RANK_ROW)
        return _mm512_castsi256_si512(low);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low),
                              _mm512_cvtepi16_epi8(_mm512_loadu_si512(ranks + RANK_ROW)), 1);
}

INLINE void walk_rows_of(const struct forest_block *b, const uint16_t *ranks, uint32_t stride,
                         uint32_t rows, __m512i *leaf, unsigned depth)
{
    for (uint32_t i = 0; i < rows; i++)
        leaf[i] = walk(b->node, load_row(ranks + (size_t)i * stride, stride), depth);
}

/* leaf[i] is row i's, a byte of each tree. */
TARGET static void walk_rows(const struct forest_block *b, const uint16_t *ranks, uint32_t stride,
                             uint32_t rows, __m512i *leaf)
{
    switch (b->depth) {
    case 1:
        walk_rows_of(b, ranks, stride, rows, leaf, 1);
        break;
    case 2:
        walk_rows_of(b, ranks, stride, rows, leaf, 2);
        break;
    case 3:
        walk_rows_of(b, ranks, stride, rows, leaf, 3);
        break;
    case 4:
        walk_rows_of(b, ranks, stride, rows, leaf, 4);
        break;
    case 5:
        walk_rows_of(b, ranks, stride, rows, leaf, 5);
        break;
    default:
        walk_rows_of(b, ranks, stride, rows, leaf, 6);
    }
}

/* ---- leaves of one row ---- */

TARGET static uint64_t sum_row(const struct forest_block *b, __m512i leaves)
{
    uint64_t sum[4] = {0};
    uint8_t leaf[BLOCK_TREES];

    _mm512_storeu_si512(leaf, leaves);
    for (uint32_t t = 0; t < b->trees; t += 4) { /* what is past the trees is zero */
        for (uint32_t k = 0; k < 4; k++)
            sum[k] += b->excess[t + k][leaf[t + k]];
    }
    return sum[0] + sum[1] + sum[2] + sum[3];
}

/* ---- leaves of 64 rows ---- */

#define PLACES(k) k, k + 1, k + 2, k + 3, k + 4, k + 5, k + 6, k + 7

_Alignas(64) static const uint8_t places[ROWS] = {PLACES(0),  PLACES(8),  PLACES(16), PLACES(24),
                                                  PLACES(32), PLACES(40), PLACES(48), PLACES(56)};

/* byte t of register i becomes byte i of register t: each step exchanges the bit of weight `size`
 * of a register's number with that of a byte's place. */
TARGET static void transpose(__m512i *m)
{
    __m512i place = _mm512_load_si512(places);

    for (unsigned size = 1; size < ROWS; size *= 2) {
        __mmask64 has = _mm512_test_epi8_mask(place, _mm512_set1_epi8((char)size));
        __m512i second = _mm512_add_epi8(place, _mm512_set1_epi8(64)); /* of two registers */
        __m512i low = _mm512_mask_sub_epi8(place, has, second, _mm512_set1_epi8((char)size));
        __m512i high =
            _mm512_mask_mov_epi8(_mm512_add_epi8(place, _mm512_set1_epi8((char)size)), has, second);

        for (unsigned i = 0; i < ROWS; i++) {
            __m512i a = m[i], b = m[i | size];

            if (i & size)
                continue;
            m[i] = _mm512_permutex2var_epi8(a, low, b);
            m[i | size] = _mm512_permutex2var_epi8(a, high, b);
        }
    }
}

/* One plane's bytes of 64 rows, added over the block's trees: even rows as they are, all rows'
 * words whole; a word's odd byte is what the even one leaves. */
INLINE void add_plane(const struct forest_block *b, const __m512i *leaf, uint32_t plane,
                      uint64_t *sum)
{
    __m512i even = _mm512_setzero_si512(), odd = even;
    uint16_t of_even[ROWS / 2], of_odd[ROWS / 2];

    for (uint32_t t = 0; t < b->trees; t++) {
        __m512i byte = _mm512_permutexvar_epi8(leaf[t], _mm512_load_si512(b->plane[t][plane]));

        even = _mm512_add_epi16(even, byte);
        odd = _mm512_add_epi16(odd, _mm512_srli_epi16(byte, 8));
    }
    even = _mm512_sub_epi16(even, _mm512_slli_epi16(odd, 8));
    _mm512_storeu_si512(of_even, even);
    _mm512_storeu_si512(of_odd, odd);
    for (uint32_t i = 0; i < ROWS / 2; i++) {
        sum[2 * i] += (uint64_t)of_even[i] << 8 * plane;
        sum[2 * i + 1] += (uint64_t)of_odd[i] << 8 * plane;
    }
}

TARGET static void sum_rows(const struct forest_blocks *all, const struct forest_block *b,
                            __m512i *leaf, uint64_t *sum)
{
    transpose(leaf);
    for (uint32_t p = 0; p < all->planes; p++)
        add_plane(b, leaf, p, sum);
}

/* Blocks outside, rows inside: a block's nodes stay in the first-level cache. */
TARGET void blocks_sum_avx512(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows,
                              int64_t *sum)
{
    const struct forest_blocks *all = r->blocks;
    uint32_t stride = forest_ranks_stride(r);
    uint64_t excess[ROWS] = {0};
    __m512i leaf[ROWS];

    for (uint32_t i = 0; i < all->blocks; i++) {
        const struct forest_block *b = &all->block[i];

        walk_rows(b, ranks, stride, rows, leaf);
        if (rows >= ROWS_MIN) {
            for (uint32_t k = rows; k < ROWS; k++)
                leaf[k] = _mm512_setzero_si512();
            sum_rows(all, b, leaf, excess);
        } else {
            for (uint32_t k = 0; k < rows; k++)
                excess[k] += sum_row(b, leaf[k]);
        }
    }
    for (uint32_t i = 0; i < rows; i++)
        sum[i] += all->base + (int64_t)excess[i];
}
#endif
