/* The walk through lines, for forests of every shape: scalar, AVX2 and AVX-512.
 *
 * A step takes a tree from one line to the next (ranks.h). The vector walks look up the ranks of a
 * line's seven slots in the row, which lies in registers, compare them at once, and find the way
 * out of the seven answers in a table. Gathers, the obvious way, take longer than the scalar walk
 * where the processor's mitigations slow them down. A row of more slots than the registers hold is
 * walked by the scalar code. */
#include "core/model/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* One group's trees, of one row. */
struct walk {
    const struct forest_ranks *ranks;
    const uint16_t *row;
    uint32_t at[RANK_GROUP];
};

/* All ones where `at` is a line: conditions would become branches that are often mistaken. */
static inline uint32_t is_line(const struct forest_ranks *r, uint32_t at)
{
    return (uint32_t)((int32_t)(at - r->lines) >> 31);
}

static inline const struct tree_line *line_of(const struct forest_ranks *r, uint32_t at)
{
    return &r->line[at & is_line(r, at)];
}

static inline uint32_t way_of(const struct forest_ranks *r, uint32_t at, const struct tree_line *l,
                              uint32_t way)
{
    return at ^ ((at ^ l->way[way]) & is_line(r, at));
}

static inline int64_t leaves_of(const struct walk *w)
{
    int64_t sum = 0;

    for (unsigned i = 0; i < RANK_GROUP; i++)
        sum += w->ranks->value[w->at[i] - w->ranks->lines];
    return sum;
}

/* ---- scalar ---- */

static inline uint32_t goes_right(const struct tree_line *l, uint32_t k, const uint16_t *row)
{
    const uint16_t *word = &l->slot_rank[k / 4 * 8 + k % 4];

    return row[word[0]] > word[4];
}

static void step_scalar(struct walk *w)
{
    const struct forest_ranks *r = w->ranks;

    for (unsigned i = 0; i < RANK_GROUP; i++) {
        const struct tree_line *l = line_of(r, w->at[i]);
        uint32_t a = goes_right(l, 0, w->row), b = goes_right(l, 1 + a, w->row);
        uint32_t c = goes_right(l, 3 + 2 * a + b, w->row);

        w->at[i] = way_of(r, w->at[i], l, 4 * a + 2 * b + c);
    }
}

static void walk_rows_scalar(const struct forest_ranks *r, uint32_t group, const uint16_t *ranks,
                             uint32_t rows, int64_t *sum)
{
    uint32_t stride = forest_ranks_stride(r);
    struct walk w = {.ranks = r};

    for (uint32_t i = 0; i < rows; i++) {
        w.row = ranks + (size_t)i * stride;
        for (unsigned k = 0; k < RANK_GROUP; k++)
            w.at[k] = group * RANK_GROUP + k;
        for (uint32_t s = 0; s < r->steps[group]; s++)
            step_scalar(&w);
        sum[i] += leaves_of(&w);
    }
}

#if defined(__x86_64__)
/* ---- by lines ---- */

#define OF(a, b, c) (4 * (a) + 2 * (b) + (c))
#define BIT(m, k)   ((m) >> (k)&1)
#define WAY(m)                                                                                     \
    OF(BIT(m, 0), BIT(m, 0) ? BIT(m, 2) : BIT(m, 1),                                               \
       BIT(m, 0) ? (BIT(m, 2) ? BIT(m, 6) : BIT(m, 5)) : (BIT(m, 1) ? BIT(m, 4) : BIT(m, 3)))
#define WAYS_8(m)                                                                                  \
    WAY(m), WAY((m) + 1), WAY((m) + 2), WAY((m) + 3), WAY((m) + 4), WAY((m) + 5), WAY((m) + 6),    \
        WAY((m) + 7)
#define WAYS_64(m)                                                                                 \
    WAYS_8(m), WAYS_8((m) + 8), WAYS_8((m) + 16), WAYS_8((m) + 24), WAYS_8((m) + 32),              \
        WAYS_8((m) + 40), WAYS_8((m) + 48), WAYS_8((m) + 56)

/* By the seven answers "right", node 0 the lowest bit. */
static const uint8_t way_by_answers[128] = {WAYS_64(0), WAYS_64(64)};

enum {
    SLOTS_AVX2 = 32,
    SLOTS_AVX512 = 128,
    ANSWER_BITS = 0x0f0f, /* of a line's 16 words, those that are slots */
};

/* A row of at most 32 * 4 ranks stays in registers and is looked up by permutations. */
struct row_avx512 {
    __m512i part[4];
};

__attribute__((target("avx512f,avx512bw"), always_inline)) static inline __m512i
look_up_avx512(const struct row_avx512 *x, __m512i slot, uint32_t words)
{
    __m512i low, high;

    if (words <= 32)
        return _mm512_permutexvar_epi16(slot, x->part[0]);
    low = _mm512_permutex2var_epi16(x->part[0], slot, x->part[1]);
    if (words <= 64)
        return low;
    high = _mm512_permutex2var_epi16(x->part[2], slot, x->part[3]);
    return _mm512_mask_blend_epi16(_mm512_test_epi16_mask(slot, _mm512_set1_epi16(64)), low, high);
}

/* Two trees a register. */
__attribute__((target("avx512f,avx512bw,avx512vl,bmi2"), always_inline)) static inline void
step_avx512(struct walk *w, const struct row_avx512 *x, uint32_t words, bool first)
{
    const struct forest_ranks *r = w->ranks;

    for (unsigned i = 0; i < RANK_GROUP; i += 2) {
        uint32_t at = w->at[i], bt = w->at[i + 1], answers;
        const struct tree_line *a = first ? &r->line[at] : line_of(r, at);
        const struct tree_line *b = first ? &r->line[bt] : line_of(r, bt);
        __m512i slot = _mm512_inserti64x4(
            _mm512_castsi256_si512(_mm256_load_si256((const __m256i *)a->slot_rank)),
            _mm256_load_si256((const __m256i *)b->slot_rank), 1);
        __m512i rank = _mm512_bsrli_epi128(slot, 8);
        __mmask32 right = _mm512_cmpgt_epu16_mask(look_up_avx512(x, slot, words), rank);

        answers = _pext_u32(right, ANSWER_BITS * 0x10001u);
        at = first ? a->way[way_by_answers[answers & 127]]
                   : way_of(r, at, a, way_by_answers[answers & 127]);
        w->at[i] = at;
        bt = first ? b->way[way_by_answers[answers >> 8]]
                   : way_of(r, bt, b, way_by_answers[answers >> 8]);
        w->at[i + 1] = bt;
    }
}

__attribute__((target("avx512f,avx512bw,avx512vl,bmi2"), always_inline)) static inline void
walk_rows_of(const struct forest_ranks *r, uint32_t group, const uint16_t *ranks, uint32_t rows,
             int64_t *sum, uint32_t words)
{
    uint32_t stride = forest_ranks_stride(r);
    struct walk w = {.ranks = r};
    struct row_avx512 x;

    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t p = 0; p < words / 32; p++)
            x.part[p] = _mm512_loadu_si512(ranks + (size_t)i * stride + 32 * p);
        if (words == 96)
            x.part[3] = x.part[2];
        for (unsigned k = 0; k < RANK_GROUP; k++)
            w.at[k] = group * RANK_GROUP + k;
        step_avx512(&w, &x, words, true);
        for (uint32_t s = 1; s < r->steps[group]; s++)
            step_avx512(&w, &x, words, false);
        sum[i] += leaves_of(&w);
    }
}

__attribute__((target("avx512f,avx512bw,avx512vl,bmi2"))) static void
walk_rows_avx512(const struct forest_ranks *r, uint32_t group, const uint16_t *ranks, uint32_t rows,
                 int64_t *sum)
{
    switch (forest_ranks_stride(r)) {
    case 32:
        walk_rows_of(r, group, ranks, rows, sum, 32);
        break;
    case 64:
        walk_rows_of(r, group, ranks, rows, sum, 64);
        break;
    case 96:
        walk_rows_of(r, group, ranks, rows, sum, 96);
        break;
    default:
        walk_rows_of(r, group, ranks, rows, sum, 128);
    }
}

/* A row of 32 ranks lies in four tables of eight for the byte shuffle, in both halves. */
struct row_avx2 {
    __m256i table[4];
};

/* The two bytes of slot s in its table are 2s and 2s + 1. */
__attribute__((target("avx2"), always_inline)) static inline __m256i
look_up_avx2(const struct row_avx2 *x, __m256i slot)
{
    __m256i found = _mm256_setzero_si256();
    __m256i byte = _mm256_add_epi16(_mm256_mullo_epi16(slot, _mm256_set1_epi16(0x202)),
                                    _mm256_set1_epi16(0x100));

#pragma GCC unroll 4
    for (int t = 0; t < 4; t++) {
        /* 112 more sets the top bit, which reads zero, of what is past the table; what is before
         * it has it set by going below zero */
        __m256i index = _mm256_sub_epi8(byte, _mm256_set1_epi8((char)(16 * t)));

        index =
            _mm256_or_si256(index, _mm256_add_epi8(_mm256_and_si256(index, _mm256_set1_epi8(0x7f)),
                                                   _mm256_set1_epi8(112)));
        found = _mm256_or_si256(found, _mm256_shuffle_epi8(x->table[t], index));
    }
    return found;
}

__attribute__((target("avx2,bmi2"), always_inline)) static inline void
step_avx2(struct walk *w, const struct row_avx2 *x)
{
    const struct forest_ranks *r = w->ranks;

    for (unsigned i = 0; i < RANK_GROUP; i += 2) {
        const struct tree_line *a = line_of(r, w->at[i]), *b = line_of(r, w->at[i + 1]);
        __m256i of_a = _mm256_load_si256((const __m256i *)a->slot_rank);
        __m256i of_b = _mm256_load_si256((const __m256i *)b->slot_rank);
        __m256i slot = _mm256_unpacklo_epi64(of_a, of_b), rank = _mm256_unpackhi_epi64(of_a, of_b);
        __m256i left = _mm256_cmpeq_epi16(_mm256_max_epu16(look_up_avx2(x, slot), rank), rank);
        /* words: nodes 0-3 of a, of b, nodes 4-7 of a, of b */
        uint32_t right = ~(uint32_t)_mm256_movemask_epi8(left);

        w->at[i] = way_of(r, w->at[i], a, way_by_answers[_pext_u32(right, 0x00550055)]);
        w->at[i + 1] = way_of(r, w->at[i + 1], b, way_by_answers[_pext_u32(right, 0x55005500)]);
    }
}

__attribute__((target("avx2,bmi2"))) static void walk_rows_avx2(const struct forest_ranks *r,
                                                                uint32_t group,
                                                                const uint16_t *ranks,
                                                                uint32_t rows, int64_t *sum)
{
    uint32_t stride = forest_ranks_stride(r);
    struct walk w = {.ranks = r};
    struct row_avx2 x;

    for (uint32_t i = 0; i < rows; i++) {
        const __m128i *row = (const __m128i *)(ranks + (size_t)i * stride);

        for (unsigned t = 0; t < 4; t++)
            x.table[t] = _mm256_broadcastsi128_si256(_mm_loadu_si128(row + t));
        for (unsigned k = 0; k < RANK_GROUP; k++)
            w.at[k] = group * RANK_GROUP + k;
        for (uint32_t s = 0; s < r->steps[group]; s++)
            step_avx2(&w, &x);
        sum[i] += leaves_of(&w);
    }
}

bool lines_fit_avx2(const struct forest_ranks *r)
{
    return forest_ranks_stride(r) <= SLOTS_AVX2;
}

void lines_sum_avx2(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows,
                    int64_t *sum)
{
    for (uint32_t g = 0; g < r->groups; g++)
        walk_rows_avx2(r, g, ranks, rows, sum);
}

bool lines_fit_avx512(const struct forest_ranks *r)
{
    return forest_ranks_stride(r) <= SLOTS_AVX512;
}

void lines_sum_avx512(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows,
                      int64_t *sum)
{
    for (uint32_t g = 0; g < r->groups; g++)
        walk_rows_avx512(r, g, ranks, rows, sum);
}
#endif

/* Groups outside, rows inside: a group's lines stay in the first-level cache for the block. */
void lines_sum_scalar(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows,
                      int64_t *sum)
{
    for (uint32_t g = 0; g < r->groups; g++)
        walk_rows_scalar(r, g, ranks, rows, sum);
}
