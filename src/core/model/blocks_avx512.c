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
    SPAN = 8,      /* blocks of a row that are walked before their ends are taken */
    ROWS_MIN = 20, /* fewer are quicker one by one */
};

/* Of one row or of two, which share what is read of the nodes. */
struct rows {
    __m512i of[2];
};

struct answers {
    __mmask64 of[2][BLOCK_DEPTH_MAX]; /* "right", by level */
};

/* The last of `level` answers picks between the nodes that the answers before it leave. `stride`,
 * in registers, is that between neighbours of the level for the answers that are left. */
#define PICK(level, below)                                                                         \
    INLINE struct rows pick_##level(const __m512i *at, unsigned stride, const struct answers *a,   \
                                    unsigned rows)                                                 \
    {                                                                                              \
        struct rows left = below(at, 2 * stride, a, rows);                                         \
        struct rows right = below(at + stride, 2 * stride, a, rows);                               \
                                                                                                   \
        for (unsigned i = 0; i < rows; i++)                                                        \
            left.of[i] = _mm512_mask_blend_epi8(a->of[i][level - 1], left.of[i], right.of[i]);     \
        return left;                                                                               \
    }

INLINE struct rows pick_0(const __m512i *at, unsigned stride, const struct answers *a,
                          unsigned rows)
{
    __m512i same = _mm512_load_si512(at);

    return (struct rows){{same, same}};
}

PICK(1, pick_0)
PICK(2, pick_1)
PICK(3, pick_2)
PICK(4, pick_3)
PICK(5, pick_4)

/* Of a node, two registers: slots and ranks. */
#define STEP(level)                                                                                \
    INLINE void step_##level(const struct block_node *node, const struct rows *row,                \
                             struct answers *a, unsigned rows)                                     \
    {                                                                                              \
        const __m512i *at = (const __m512i *)(node + (1 << level) - 1);                            \
        struct rows slot = pick_##level(at, 2, a, rows), rank = pick_##level(at + 1, 2, a, rows);  \
                                                                                                   \
        for (unsigned i = 0; i < rows; i++)                                                        \
            a->of[i][level] = _mm512_cmpgt_epu8_mask(                                              \
                _mm512_permutexvar_epi8(slot.of[i], row->of[i]), rank.of[i]);                      \
    }

STEP(0)
STEP(1)
STEP(2)
STEP(3)
STEP(4)
STEP(5)

INLINE void walk(const struct block_node *node, struct rows *row, unsigned depth, unsigned rows)
{
    struct answers a;

    if (depth > 0)
        step_0(node, row, &a, rows);
    if (depth > 1)
        step_1(node, row, &a, rows);
    if (depth > 2)
        step_2(node, row, &a, rows);
    if (depth > 3)
        step_3(node, row, &a, rows);
    if (depth > 4)
        step_4(node, row, &a, rows);
    if (depth > 5)
        step_5(node, row, &a, rows);
    for (unsigned i = 0; i < rows; i++) {
        row->of[i] = _mm512_setzero_si512();
        for (unsigned l = 0; l < depth; l++)
            row->of[i] = _mm512_mask_add_epi8(row->of[i], a.of[i][l], row->of[i],
                                              _mm512_set1_epi8((char)(1 << (depth - 1 - l))));
    }
}

/* Turns one or two rows into the nodes of level `depth` that the trees of a block come to. Not
 * inlined: in a loop over rows the compiler would copy the nodes, which are the same for all, to
 * the stack. */
#define WALK(depth, count)                                                                         \
    __attribute__((noinline))                                                                      \
    TARGET static void walk_##count##_##depth(const struct block_node *node, struct rows *row)     \
    {                                                                                              \
        walk(node, row, depth, count);                                                             \
    }

WALK(1, 1)
WALK(2, 1)
WALK(3, 1)
WALK(4, 1)
WALK(5, 1)
WALK(1, 2)
WALK(2, 2)
WALK(3, 2)
WALK(4, 2)
WALK(5, 2)
WALK(6, 2)

static void (*const walk_one[])(const struct block_node *node, struct rows *row) = {
    NULL, walk_1_1, walk_1_2, walk_1_3, walk_1_4, walk_1_5,
};
static void (*const walk_two[])(const struct block_node *node, struct rows *row) = {
    NULL, walk_2_1, walk_2_2, walk_2_3, walk_2_4, walk_2_5, walk_2_6,
};

/* A row's ranks as bytes; RANK_RIGHT, cut, is still above all. */
INLINE __m512i load_row(const uint16_t *ranks, uint32_t stride)
{
    __m256i low = _mm512_cvtepi16_epi8(_mm512_loadu_si512(ranks));

    if (stride == RANK_ROW)
        return _mm512_castsi256_si512(low);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low),
                              _mm512_cvtepi16_epi8(_mm512_loadu_si512(ranks + RANK_ROW)), 1);
}

/* ---- one row ---- */

/* First the ways of some blocks, then their leaves: so one block need not wait for another. In the
 * deepest, the last step is taken with the leaves (blocks.h). */
TARGET static uint64_t sum_row(const struct forest_blocks *all, const uint16_t *ranks,
                               uint32_t stride)
{
    struct rows row = {{load_row(ranks, stride)}}, at;
    __m512i place[SPAN];
    uint64_t sum = 0;

    for (uint32_t from = 0; from < all->blocks; from += SPAN) {
        const struct forest_block *b = all->block + from;
        uint32_t left = all->blocks - from, count = left < SPAN ? left : SPAN;

        for (uint32_t i = 0; i < count; i++) {
            bool ends = b[i].depth == BLOCK_DEPTH_MAX;

            at = row;
            walk_one[b[i].depth - ends](b[i].node, &at);
            place[i] = ends ? _mm512_slli_epi16(at.of[0], END_SHIFT) : at.of[0];
        }
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t *of = (const uint8_t *)&place[i];

            sum += b[i].depth == BLOCK_DEPTH_MAX
                       ? block_sum_ends(&b[i], 0, b[i].trees, of, (const uint8_t *)&row)
                       : block_sum_leaves(&b[i], 0, b[i].trees, of);
        }
    }
    return sum;
}

/* ---- many rows ---- */

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

/* One plane's bytes of 64 rows, added over the block's trees, in words: two rows lie in each, the
 * odd one's sum carries into nothing, and what it adds to the even one's is taken off at the end.
 */
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

/* leaf[i] is row i's, a byte of each tree. */
TARGET static void walk_rows(const struct forest_block *b, const uint16_t *ranks, uint32_t stride,
                             uint32_t rows, __m512i *leaf)
{
    for (uint32_t i = 0; i < rows; i += 2) {
        const uint16_t *first = ranks + (size_t)i * stride;
        const uint16_t *second = i + 1 < rows ? first + stride : first;
        struct rows two = {{load_row(first, stride), load_row(second, stride)}};

        walk_two[b->depth](b->node, &two);
        leaf[i] = two.of[0];
        leaf[i + 1] = two.of[1];
    }
    for (uint32_t i = rows; i < ROWS; i++)
        leaf[i] = _mm512_setzero_si512();
}

/* Blocks outside, rows inside: a block's nodes stay in the first-level cache. */
TARGET static void sum_rows(const struct forest_blocks *all, const uint16_t *ranks, uint32_t stride,
                            uint32_t rows, int64_t *sum)
{
    uint64_t excess[ROWS] = {0};
    __m512i leaf[ROWS];

    for (uint32_t i = 0; i < all->blocks; i++) {
        walk_rows(&all->block[i], ranks, stride, rows, leaf);
        transpose(leaf);
        for (uint32_t p = 0; p < all->planes; p++)
            add_plane(&all->block[i], leaf, p, excess);
    }
    for (uint32_t i = 0; i < rows; i++)
        sum[i] += (int64_t)excess[i];
}

TARGET void blocks_sum_avx512(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows,
                              int64_t *sum)
{
    const struct forest_blocks *all = r->blocks;
    uint32_t stride = forest_ranks_stride(r);

    for (uint32_t i = 0; i < rows; i++)
        sum[i] += all->base;
    if (rows >= ROWS_MIN)
        sum_rows(all, ranks, stride, rows, sum);
    else {
        for (uint32_t i = 0; i < rows; i++)
            sum[i] += (int64_t)sum_row(all, ranks + (size_t)i * stride, stride);
    }
}
#endif
