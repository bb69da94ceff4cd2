/* Blocks in AVX2: a step of 32 trees of one row, half of a block, a byte each (blocks.h). */
#include "core/model/blocks.h"
#include "core/model/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE __attribute__((target("avx2"), always_inline)) static inline

enum {
    HALF = BLOCK_TREES / 2,
    ROWS_MIN = 4, /* that have a block's nodes in the first-level cache */
};

/* A row of 16, 32 or 64 ranks in tables for the byte shuffle, each in both halves. */
struct row {
    __m256i table[4];
    uint8_t byte[BLOCK_SLOTS_MAX];
};

INLINE __m256i look_up(const struct row *row, __m256i slot, uint32_t slots)
{
    __m256i low, high, odd;

    if (slots <= 16)
        return _mm256_shuffle_epi8(row->table[0], slot);
    odd = _mm256_slli_epi16(slot, 3); /* bit 4 comes on top, where blends look */
    low = _mm256_blendv_epi8(_mm256_shuffle_epi8(row->table[0], slot),
                             _mm256_shuffle_epi8(row->table[1], slot), odd);
    if (slots <= 32)
        return low;
    high = _mm256_blendv_epi8(_mm256_shuffle_epi8(row->table[2], slot),
                              _mm256_shuffle_epi8(row->table[3], slot), odd);
    return _mm256_blendv_epi8(low, high, _mm256_slli_epi16(slot, 2));
}

/* The last of `level` answers picks between the nodes that the answers before it leave. `stride`,
 * in registers, is that between neighbours of the level for the answers that are left. */
#define PICK(level, below)                                                                         \
    INLINE __m256i pick_##level(const __m256i *at, unsigned stride, const __m256i *left)           \
    {                                                                                              \
        return _mm256_blendv_epi8(below(at + stride, 2 * stride, left),                            \
                                  below(at, 2 * stride, left), left[level - 1]);                   \
    }

INLINE __m256i pick_0(const __m256i *at, unsigned stride, const __m256i *left)
{
    return _mm256_load_si256(at);
}

PICK(1, pick_0)
PICK(2, pick_1)
PICK(3, pick_2)
PICK(4, pick_3)
PICK(5, pick_4)

/* Of a node, four registers: slots and ranks of both halves. */
#define STEP(level)                                                                                \
    INLINE void step_##level(const __m256i *node, const struct row *row, uint32_t slots,           \
                             __m256i *left)                                                        \
    {                                                                                              \
        const __m256i *at = node + 4 * ((1 << level) - 1);                                         \
        __m256i slot = pick_##level(at, 4, left), rank = pick_##level(at + 2, 4, left);            \
                                                                                                   \
        left[level] = _mm256_cmpeq_epi8(_mm256_max_epu8(look_up(row, slot, slots), rank), rank);   \
    }

STEP(0)
STEP(1)
STEP(2)
STEP(3)
STEP(4)
STEP(5)

/* The node of level `depth` that each tree comes to. */
INLINE __m256i walk(const __m256i *node, const struct row *row, uint32_t slots, unsigned depth)
{
    __m256i left[BLOCK_DEPTH_MAX], at = _mm256_setzero_si256();

    if (depth > 0)
        step_0(node, row, slots, left);
    if (depth > 1)
        step_1(node, row, slots, left);
    if (depth > 2)
        step_2(node, row, slots, left);
    if (depth > 3)
        step_3(node, row, slots, left);
    if (depth > 4)
        step_4(node, row, slots, left);
    if (depth > 5)
        step_5(node, row, slots, left);
    for (unsigned l = 0; l < depth; l++) { /* twice, and one more where it is not left */
        at = _mm256_add_epi8(at, at);
        at = _mm256_add_epi8(at, _mm256_add_epi8(left[l], _mm256_set1_epi8(1)));
    }
    return at;
}

/* Ranks as bytes; RANK_RIGHT, cut, is still above all. */
INLINE void load_row(const uint16_t *ranks, uint32_t slots, struct row *row)
{
    __m128i byte = _mm_set1_epi16(0xff);

    for (uint32_t t = 0; 16 * t < slots; t++) {
        __m128i low = _mm_and_si128(_mm_loadu_si128((const __m128i *)(ranks + 16 * t)), byte);
        __m128i high = _mm_and_si128(_mm_loadu_si128((const __m128i *)(ranks + 16 * t + 8)), byte);

        low = _mm_packus_epi16(low, high);
        _mm_storeu_si128((__m128i *)(row->byte + 16 * t), low);
        row->table[t] = _mm256_broadcastsi128_si256(low);
    }
}

INLINE void sum_rows_of(const struct forest_block *b, const uint16_t *ranks, uint32_t stride,
                        uint32_t rows, int64_t *sum, uint32_t slots, unsigned depth, bool ends)
{
    struct row row;

    for (uint32_t i = 0; i < rows; i++) {
        load_row(ranks + (size_t)i * stride, slots, &row);
        for (uint32_t first = 0; first < b->trees; first += HALF) {
            const __m256i *node = (const __m256i *)(b->node->slot + first);
            __m256i at = walk(node, &row, slots, ends ? depth - 1 : depth);
            const uint8_t *place = (const uint8_t *)&at;

            if (ends)
                at = _mm256_slli_epi16(at, END_SHIFT);
            sum[i] += (int64_t)(ends ? block_sum_ends(b, first, HALF, place, row.byte)
                                     : block_sum_leaves(b, first, HALF, place));
        }
    }
}

INLINE void sum_rows(const struct forest_block *b, const uint16_t *ranks, uint32_t stride,
                     uint32_t rows, int64_t *sum, uint32_t slots)
{
    switch (b->depth) {
    case 1:
        sum_rows_of(b, ranks, stride, rows, sum, slots, 1, false);
        break;
    case 2:
        sum_rows_of(b, ranks, stride, rows, sum, slots, 2, false);
        break;
    case 3:
        sum_rows_of(b, ranks, stride, rows, sum, slots, 3, false);
        break;
    case 4:
        sum_rows_of(b, ranks, stride, rows, sum, slots, 4, false);
        break;
    case 5:
        sum_rows_of(b, ranks, stride, rows, sum, slots, 5, false);
        break;
    default:
        if (rows < ROWS_MIN)
            sum_rows_of(b, ranks, stride, rows, sum, slots, BLOCK_DEPTH_MAX, true);
        else
            sum_rows_of(b, ranks, stride, rows, sum, slots, BLOCK_DEPTH_MAX, false);
    }
}

/* Blocks outside, rows inside: a block's nodes stay in the first-level cache. */
TARGET void blocks_sum_avx2(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows,
                            int64_t *sum)
{
    const struct forest_blocks *all = r->blocks;
    uint32_t stride = forest_ranks_stride(r);

    for (uint32_t i = 0; i < rows; i++)
        sum[i] += all->base;
    for (uint32_t i = 0; i < all->blocks; i++) {
        if (r->slots <= 16)
            sum_rows(&all->block[i], ranks, stride, rows, sum, 16);
        else if (r->slots <= 32)
            sum_rows(&all->block[i], ranks, stride, rows, sum, 32);
        else
            sum_rows(&all->block[i], ranks, stride, rows, sum, 64);
    }
}
#endif
