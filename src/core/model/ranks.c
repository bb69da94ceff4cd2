#include "core/model/ranks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/model/blocks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BUCKET_MOST = 24 };

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Into as many buckets of equal width as there are values, then by insertion: several times faster
 * where they lie evenly, as random thresholds do. False, and nothing done, where a bucket would
 * have more than BUCKET_MOST. `spare` and `start` have room for count and count + 1. */
static bool sort_by_buckets(double *v, uint32_t count, double *spare, uint32_t *start)
{
    double least = v[0], most = v[0], scale;

    for (uint32_t i = 1; i < count; i++) {
        least = v[i] < least ? v[i] : least;
        most = v[i] > most ? v[i] : most;
    }
    scale = (count - 1) / (most - least);
    if (!isfinite(scale) || scale <= 0)
        return false;
    memset(start, 0, (count + 1) * sizeof *start);
    for (uint32_t i = 0; i < count; i++)
        start[(uint32_t)((v[i] - least) * scale) + 1]++;
    for (uint32_t b = 1; b <= count; b++) {
        if (start[b] > BUCKET_MOST)
            return false;
        start[b] += start[b - 1];
    }
    for (uint32_t i = 0; i < count; i++)
        spare[start[(uint32_t)((v[i] - least) * scale)]++] = v[i];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;

        for (; at > 0 && v[at - 1] > spare[i]; at--)
            v[at] = v[at - 1];
        v[at] = spare[i];
    }
    return true;
}

/* Sorts and drops repeats; returns how many are left. */
static uint32_t sort_unique(double *v, uint32_t count, double *spare, uint32_t *start)
{
    uint32_t kept = 0;

    if (count > 1 && !sort_by_buckets(v, count, spare, start))
        qsort(v, count, sizeof *v, compare_doubles);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || v[i] != v[kept - 1])
            v[kept++] = v[i];
    }
    return kept;
}

/* All thresholds, grouped by input; at[j] .. at[j + 1] are those of input j. */
static double *gather_thresholds(const struct model *m, uint32_t *at)
{
    const struct model_forest *f = &m->forest;
    uint32_t nodes = f->first[f->trees];
    uint32_t *fill = mem_array(m->inputs + 1, sizeof *fill);
    double *all = mem_array((size_t)nodes + 1, sizeof *all);

    for (uint32_t i = 0; i < nodes; i++) {
        if (f->node[i].left != 0)
            at[f->node[i].input + 1]++;
    }
    for (uint32_t j = 0; j < m->inputs; j++)
        at[j + 1] += at[j];
    for (uint32_t j = 0; j < m->inputs; j++)
        fill[j] = at[j];
    for (uint32_t i = 0; i < nodes; i++) {
        if (f->node[i].left != 0)
            all[fill[f->node[i].input]++] = f->node[i].threshold;
    }
    mem_free(fill);
    return all;
}

/* Fills used, input, used_as, first, threshold. */
static bool rank_inputs(struct forest_ranks *r, const struct model *m, struct error *e)
{
    uint32_t *at = mem_array(m->inputs + 1, sizeof *at);
    uint32_t kept = 0, most = 0, *start;
    double *spare;
    bool good = true;

    r->threshold = gather_thresholds(m, at);
    for (uint32_t j = 0; j < m->inputs; j++)
        most = at[j + 1] - at[j] > most ? at[j + 1] - at[j] : most;
    spare = mem_array((size_t)most + 1, sizeof *spare);
    start = mem_array((size_t)most + 1, sizeof *start);
    r->input = mem_array(m->inputs + 1, sizeof *r->input);
    r->used_as = mem_array(m->inputs + 1, sizeof *r->used_as);
    r->first = mem_array(m->inputs + 2, sizeof *r->first);
    for (uint32_t j = 0; j < m->inputs && good; j++) {
        uint32_t n = sort_unique(r->threshold + at[j], at[j + 1] - at[j], spare, start);

        if (n > MODEL_THRESHOLDS_MAX)
            good = error_set(e, ERROR_INVALID,
                             "model input \"%s\": %u different thresholds, at most %d are allowed; "
                             "train with fewer bins or trees",
                             m->input[j].name, n, MODEL_THRESHOLDS_MAX);
        if (n == 0)
            continue;
        for (uint32_t k = 0; k < n; k++) /* kept never passes at[j]: moving down is safe */
            r->threshold[kept + k] = r->threshold[at[j] + k];
        r->used_as[j] = r->used;
        r->input[r->used] = j;
        r->first[r->used] = kept;
        kept += n;
        r->used++;
    }
    r->first[r->used] = kept;
    r->threshold = mem_resize(r->threshold, (size_t)kept + 1, sizeof *r->threshold);
    mem_free(at);
    mem_free(spare);
    mem_free(start);
    return good;
}

/* ---- ranking ---- */

/* Above the thresholds lie samples, the last of every RANK_FAN, and above these, samples of the
 * samples, so that a search counts in one fan a level. Fans are filled up with infinity, which is
 * below nothing, and there is one element more than there are, so the last fan is never left. */
static uint32_t fans_of(uint32_t count)
{
    return count / RANK_FAN + 1;
}

static void make_searches(struct forest_ranks *r)
{
    size_t at = 0;

    r->search = mem_array(r->used + 1, sizeof *r->search);
    for (uint32_t u = 0; u < r->used; u++) {
        uint32_t n = r->first[u + 1] - r->first[u];
        struct rank_search *s = &r->search[u];

        for (s->levels = 0; s->levels == 0 || n >= RANK_FAN; s->levels++) {
            if (s->levels > 0)
                n /= RANK_FAN;
            s->at[s->levels] = (uint32_t)at;
            at += (size_t)fans_of(n) * RANK_FAN;
        }
    }
    r->fan = mem_aligned(64, (at + 1) * sizeof *r->fan);
    for (size_t i = 0; i < at; i++)
        r->fan[i] = INFINITY;
    for (uint32_t u = 0; u < r->used; u++) {
        uint32_t n = r->first[u + 1] - r->first[u], stride = 1;

        for (uint32_t l = 0; l < r->search[u].levels; l++, stride *= RANK_FAN) {
            for (uint32_t k = 0; (k + 1) * stride <= n; k++)
                r->fan[r->search[u].at[l] + k] = r->threshold[r->first[u] + (k + 1) * stride - 1];
        }
    }
}

/* How many of a fan are below x. By masks: as a condition, the compiler makes a branch of it, which
 * is mistaken half of the time. */
static inline uint32_t count_scalar(const double *fan, double x)
{
    const double *base = fan;

    for (uint32_t half = RANK_FAN / 2; half > 0; half /= 2)
        base += half & -(uint32_t)(base[half - 1] < x);
    return (uint32_t)(base - fan) + (*base < x);
}

/* In a fan, whose way is down to the next. */
#define RANK(level, target)                                                                        \
    target static inline uint32_t rank_##level(const struct forest_ranks *r,                       \
                                               const struct rank_search *s, double x)              \
    {                                                                                              \
        uint32_t rank = 0;                                                                         \
                                                                                                   \
        for (uint32_t l = s->levels; l-- > 0;)                                                     \
            rank =                                                                                 \
                rank * RANK_FAN + count_##level(r->fan + s->at[l] + (size_t)rank * RANK_FAN, x);   \
        return rank;                                                                               \
    }                                                                                              \
                                                                                                   \
    target static void ranks_##level(const struct forest_ranks *r, const double *x,                \
                                     uint16_t *ranks)                                              \
    {                                                                                              \
        for (uint32_t u = 0; u < r->used; u++) {                                                   \
            double v = x[r->input[u]];                                                             \
            uint16_t left = RANK_LEFT, right = RANK_RIGHT;                                         \
                                                                                                   \
            if (!__builtin_isnan(v))                                                               \
                left = right = (uint16_t)rank_##level(r, &r->search[u], v);                        \
            if (r->slot[2 * u] != RANK_NO_SLOT)                                                    \
                ranks[r->slot[2 * u]] = left;                                                      \
            if (r->slot[2 * u + 1] != RANK_NO_SLOT)                                                \
                ranks[r->slot[2 * u + 1]] = right;                                                 \
        }                                                                                          \
    }

RANK(scalar, )

#if defined(__x86_64__)
__attribute__((target("avx2,popcnt"))) static inline uint32_t count_avx2(const double *fan,
                                                                         double x)
{
    __m256d v = _mm256_set1_pd(x);
    uint32_t below = 0;

    for (unsigned i = 0; i < RANK_FAN; i += 4)
        below |= (uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(_mm256_load_pd(fan + i), v, _CMP_LT_OQ))
                 << i;
    return (uint32_t)__builtin_popcount(below);
}

RANK(avx2, __attribute__((target("avx2,popcnt"))))

__attribute__((target("avx512f,popcnt"))) static inline uint32_t count_avx512(const double *fan,
                                                                              double x)
{
    __m512d v = _mm512_set1_pd(x);
    __mmask8 low = _mm512_cmp_pd_mask(_mm512_load_pd(fan), v, _CMP_LT_OQ);
    __mmask8 high = _mm512_cmp_pd_mask(_mm512_load_pd(fan + 8), v, _CMP_LT_OQ);

    return (uint32_t)__builtin_popcount((uint32_t)low | (uint32_t)high << 8);
}

RANK(avx512, __attribute__((target("avx512f,popcnt"))))
#endif

void forest_ranks_of(const struct forest_ranks *r, const double *x, uint16_t *ranks,
                     enum simd level)
{
#if defined(__x86_64__)
    if (level == SIMD_AVX512)
        ranks_avx512(r, x, ranks);
    else if (level == SIMD_AVX2)
        ranks_avx2(r, x, ranks);
    else
#endif
        ranks_scalar(r, x, ranks);
}

uint16_t forest_rank(const struct forest_ranks *r, const struct tree_node *n)
{
    const struct rank_search *s = &r->search[r->used_as[n->input]];

#if defined(__x86_64__)
    if (r->level == SIMD_AVX512)
        return (uint16_t)rank_avx512(r, s, n->threshold);
#endif
    return (uint16_t)rank_scalar(r, s, n->threshold);
}

uint16_t forest_slot(const struct forest_ranks *r, const struct tree_node *n)
{
    return r->slot[2 * r->used_as[n->input] + !n->missing_left];
}

/* ---- slots ---- */

/* Slots are made for the directions that occur: fewer fit the registers more often. */
static void make_slots(struct forest_ranks *r, const struct model_forest *f)
{
    bool *wanted = mem_array((size_t)2 * r->used + 1, sizeof *wanted);

    for (uint32_t i = 0; i < f->first[f->trees]; i++) {
        const struct tree_node *n = &f->node[i];

        if (n->left != 0)
            wanted[2 * r->used_as[n->input] + !n->missing_left] = true;
    }
    r->slot = mem_array((size_t)2 * r->used + 1, sizeof *r->slot);
    for (uint32_t k = 0; k < 2 * r->used; k++) {
        if (wanted[k])
            r->slot[k] = (uint16_t)r->slots++;
    }
    for (uint32_t k = 0; k < 2 * r->used; k++) {
        if (!wanted[k])
            r->slot[k] = RANK_NO_SLOT;
    }
    mem_free(wanted);
}

struct forest_ranks *forest_ranks_new(const struct model *m, struct error *e)
{
    struct forest_ranks *r = mem_alloc(sizeof *r);
    bool good = rank_inputs(r, m, e);

    r->level = simd_best();
    if (good) {
        make_searches(r);
        make_slots(r, &m->forest);
        forest_lines_make(r, &m->forest);
        r->blocks = forest_blocks_new(r, &m->forest);
    }
    if (good)
        return r;
    forest_ranks_free(r);
    return NULL;
}

void forest_ranks_free(struct forest_ranks *r)
{
    if (r == NULL)
        return;
    mem_free(r->input);
    mem_free(r->used_as);
    mem_free(r->first);
    mem_free(r->threshold);
    mem_free(r->steps);
    mem_free(r->slot);
    mem_free(r->search);
    mem_free(r->fan);
    mem_free(r->line);
    mem_free(r->value);
    forest_blocks_free(r->blocks);
    mem_free(r);
}

uint32_t forest_ranks_stride(const struct forest_ranks *r)
{
    uint32_t slots =
        r->slots > 0 ? r->slots : 1; /* kernels load a register even where none splits */

    return (slots + RANK_ROW - 1) / RANK_ROW * RANK_ROW;
}
