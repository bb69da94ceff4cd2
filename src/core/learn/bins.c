#include "core/learn/bins.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/learn/part.h"
#include "core/stats/order.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    SAMPLE_ROWS = 100000, /* legitimate rows that are looked at to place borders; frauds all are */
    FRAUD_SHARE = 4,      /* frauds count 1/FRAUD_SHARE of all when borders are placed */
};

struct weighted {
    double value, weight;
};

/* Two sorted lists as one of values that differ; returns how many. */
static uint32_t join(const double *light, uint32_t lights, double light_weight, const double *heavy,
                     uint32_t heavies, double heavy_weight, struct weighted *v)
{
    uint32_t i = 0, k = 0, kept = 0;

    while (i < lights || k < heavies) {
        double value = k == heavies || (i < lights && light[i] <= heavy[k]) ? light[i] : heavy[k];
        uint32_t lights_before = i, heavies_before = k;

        while (i < lights && light[i] == value)
            i++;
        while (k < heavies && heavy[k] == value)
            k++;
        v[kept++] = (struct weighted){value, (i - lights_before) * light_weight +
                                                 (k - heavies_before) * heavy_weight};
    }
    return kept;
}

/* Between two values, so that low <= border < high. */
static double between(double low, double high)
{
    double middle = low / 2 + high / 2;

    return middle >= low && middle < high ? middle : low;
}

/* Bins of about equal weight; a value that is heavier than that gets its own. Returns how many;
 * border has room for `most`. */
static uint32_t place_borders(const struct weighted *v, uint32_t count, uint32_t most,
                              double *border)
{
    double left = 0, inside = 0;
    uint32_t bins = 0;

    for (uint32_t i = 0; i < count; i++)
        left += v[i].weight;
    for (uint32_t i = 0; i + 1 < count && bins + 1 < most; i++) {
        double share = left / (most - bins);

        inside += v[i].weight;
        if (count <= most || inside >= share || inside + v[i + 1].weight / 2 > share) {
            border[bins++] = between(v[i].value, v[i + 1].value);
            left -= inside;
            inside = 0;
        }
    }
    border[bins++] = DBL_MAX;
    return bins;
}

/* Frauds are few, and where they lie is where borders are worth having: they get a fixed share of
 * the weight. */
static void cut_input(struct bins *b, uint32_t input, const struct dataset *d, const double *x,
                      uint32_t most)
{
    uint32_t frauds = dataset_frauds(d), legitimate = d->rows - frauds;
    uint32_t stride = legitimate / SAMPLE_ROWS + 1, seen = 0, count;
    uint32_t most_looked_at = frauds + legitimate / stride + 1, lights = 0, heavies = 0;
    double *light = mem_array(most_looked_at, sizeof *light);
    double *heavy = mem_array(frauds + 1, sizeof *heavy);
    struct weighted *v = mem_array(most_looked_at, sizeof *v);
    double weight = legitimate / ((FRAUD_SHARE - 1.0) * frauds);

    for (uint32_t i = 0; i < d->rows; i++) {
        bool fraud = dataset_label(d, i) != 0;

        if (!fraud && seen++ % stride != 0)
            continue;
        if (isfinite(x[i]))
            *(fraud ? &heavy[heavies++] : &light[lights++]) = x[i];
    }
    order_values(light, lights);
    order_values(heavy, heavies);
    count = join(light, lights, stride, heavy, heavies, weight > 1 ? weight : 1, v);
    b->border[input] = mem_array(most, sizeof **b->border);
    b->count[input] = place_borders(v, count, most, b->border[input]);
    mem_free(light);
    mem_free(heavy);
    mem_free(v);
}

enum { SEARCHES = 8 }; /* at once: each step of one waits for the step before it */

/* Bins of `count` values, at most SEARCHES. */
static void bins_of(const double *border, uint32_t borders, const double *x, uint32_t count,
                    uint8_t *bin)
{
    uint32_t base[SEARCHES] = {0}, n = borders;
    double v[SEARCHES] = {0};

    memcpy(v, x, count * sizeof *v);
    while (n > 1) {
        uint32_t half = n / 2;

        for (uint32_t k = 0; k < SEARCHES; k++) /* not a branch: it would be mistaken */
            base[k] += half & -(uint32_t)(border[base[k] + half - 1] < v[k]);
        n -= half;
    }
    for (uint32_t k = 0; k < count; k++)
        bin[k] = isnan(v[k]) ? 0 : (uint8_t)(1 + base[k]);
}

#if defined(__x86_64__)
enum { FAN = 16 };

/* The same in two steps: of every FAN-th border, and of the FAN behind the last that is below.
 * `fan` has the first ones, then all borders, filled up with infinity, which is below nothing. */
__attribute__((target("avx512f,popcnt"))) static inline uint32_t below_avx512(const double *fan,
                                                                              __m512d v)
{
    __mmask8 low = _mm512_cmp_pd_mask(_mm512_load_pd(fan), v, _CMP_LT_OQ);
    __mmask8 high = _mm512_cmp_pd_mask(_mm512_load_pd(fan + FAN / 2), v, _CMP_LT_OQ);

    return (uint32_t)__builtin_popcount((uint32_t)low | (uint32_t)high << FAN / 2);
}

__attribute__((target("avx512f,popcnt"))) static void
bins_avx512(const double *border, uint32_t borders, const double *x, uint32_t count, uint8_t *bin)
{
    _Alignas(64) double fan[FAN + FAN * FAN];

    for (uint32_t k = 0; k < FAN * FAN; k++)
        fan[FAN + k] = k < borders ? border[k] : INFINITY;
    for (uint32_t k = 0; k < FAN; k++)
        fan[k] = fan[FAN + k * FAN + FAN - 1];
    for (uint32_t i = 0; i < count; i++) {
        __m512d v = _mm512_set1_pd(x[i]);
        uint32_t at = below_avx512(fan, v), base = at * FAN; /* the last of the FAN is infinite */

        base += below_avx512(fan + FAN + base, v);
        base = base < borders ? base : borders - 1;
        bin[i] = isnan(x[i]) ? 0 : (uint8_t)(1 + base);
    }
}
#endif

static void fill_column(struct bins *b, uint32_t input, const double *x, enum simd simd)
{
    uint8_t *column = b->column + (size_t)input * b->rows;

#if defined(__x86_64__)
    if (simd == SIMD_AVX512) {
        bins_avx512(b->border[input], b->count[input], x, b->rows, column);
        return;
    }
#endif
    for (uint32_t i = 0; i < b->rows; i += SEARCHES) {
        uint32_t left = b->rows - i, count = left < SEARCHES ? left : SEARCHES;

        bins_of(b->border[input], b->count[input], x + i, count, column + i);
    }
}

/* A block of rows of all inputs: were an input put among the rows when it is cut, two threads would
 * write into the same lines. */
static void fill_rows(void *context, unsigned number)
{
    const struct bins *b = context;
    uint32_t from = number * LEARN_BLOCK;
    uint32_t to = b->rows - from < LEARN_BLOCK ? b->rows : from + LEARN_BLOCK;

    for (uint32_t j = 0; j < b->inputs; j++) {
        const uint8_t *column = b->column + (size_t)j * b->rows;
        uint8_t *cell = b->cell + j;

        for (uint32_t i = from; i < to; i++)
            cell[(size_t)i * b->inputs] = column[i];
    }
}

/* A text input's numbers in training, and its map. */
static void text_numbers(const struct dataset *d, uint32_t input, struct model *m, double *x)
{
    struct codes c;

    codes_init(&c, d, input);
    freeze_categories(&m->category[input], &c, d, x);
    codes_fini(&c);
}

struct cutting {
    struct bins *bins;
    const struct dataset *dataset;
    struct model *model;
    uint32_t most;
    enum simd simd;
};

static void cut_task(void *context, unsigned input)
{
    const struct cutting *c = context;
    const struct dataset *d = c->dataset;
    double *x = mem_array(d->rows, sizeof *x);

    if (d->input[input]->type == TYPE_TEXT)
        text_numbers(d, input, c->model, x);
    else
        for (uint32_t i = 0; i < d->rows; i++)
            x[i] = column_number(d->input[input], dataset_row(d, i));
    cut_input(c->bins, input, d, x, c->most);
    fill_column(c->bins, input, x, c->simd);
    mem_free(x);
}

static void allocate(struct bins *b, uint32_t rows, uint32_t inputs)
{
    *b = (struct bins){.rows = rows, .inputs = inputs};
    b->count = mem_array(inputs, sizeof *b->count);
    b->border = mem_array(inputs, sizeof *b->border);
}

void bins_init(struct bins *b, const struct dataset *d, uint32_t bins, bool by_row, struct model *m,
               const struct learn_run *run)
{
    struct cutting c = {b, d, m, bins, run->simd};
    size_t cells = (size_t)d->rows * d->inputs;

    ASSERT(bins >= 2 && bins <= BINS_MAX);
    allocate(b, d->rows, d->inputs);
    b->column = mem_aligned(64, cells + PART_SPARE);
    workers_run(run->workers, d->inputs, cut_task, &c);
    if (!by_row)
        return;
    b->cell = mem_aligned(64, cells);
    workers_run(run->workers, dataset_blocks(d->rows), fill_rows, b);
}

void bins_init_like(struct bins *b, const struct bins *of, const struct dataset *d,
                    const struct model *m)
{
    double *x = mem_array(d->inputs, sizeof *x);

    allocate(b, d->rows, d->inputs);
    b->cell = mem_aligned(64, (size_t)d->rows * d->inputs);
    for (uint32_t j = 0; j < d->inputs; j++) {
        b->count[j] = of->count[j];
        b->border[j] = mem_array(of->count[j], sizeof **b->border);
        for (uint32_t k = 0; k < of->count[j]; k++)
            b->border[j][k] = of->border[j][k];
    }
    for (uint32_t i = 0; i < d->rows; i++) {
        model_encode(m, d->input, d->row, i, 1, x);
        for (uint32_t j = 0; j < d->inputs; j++)
            bins_of(b->border[j], b->count[j], &x[j], 1, &b->cell[(size_t)i * d->inputs + j]);
    }
    mem_free(x);
}

void bins_fini(struct bins *b)
{
    for (uint32_t j = 0; j < b->inputs; j++)
        mem_free(b->border[j]);
    mem_free(b->border);
    mem_free(b->count);
    mem_free(b->cell);
    mem_free(b->column);
    *b = (struct bins){0};
}
