#include "core/learn/histogram.h"

#include <string.h>

enum {
    PARALLEL_ROWS = 8192, /* fewer are not worth waking a second thread */
    PREFETCH_ROWS = 16,
};

static void clear(const struct histogram_work *w, uint64_t *cell)
{
    const uint32_t *first = w->bins->first;

    for (uint32_t c = 0; c < w->columns; c++) {
        uint32_t j = w->column[c];

        memset(cell + first[j], 0, (first[j + 1] - first[j]) * sizeof *cell);
    }
}

/* All inputs: no list of columns to follow. Two rows at a time: what one adds to a cell need not
 * wait for what the one before stored there, unless they meet. */
static void sum_all(const struct histogram_work *w, const uint32_t *row, uint32_t rows,
                    uint64_t *cell)
{
    const struct bins *b = w->bins;
    const uint64_t *packed = w->packed;
    const uint8_t *const cells = b->cell;
    uint32_t inputs = b->inputs, i = 0;
    uint64_t *of[MODEL_INPUTS_MAX];

    for (uint32_t j = 0; j < inputs; j++)
        of[j] = cell + b->first[j];
    for (; i + 2 <= rows; i += 2) {
        const uint8_t *x = cells + (size_t)row[i] * inputs,
                      *y = cells + (size_t)row[i + 1] * inputs;
        uint64_t g = packed[row[i]], h = packed[row[i + 1]];

        if (i + PREFETCH_ROWS + 1 < rows) {
            __builtin_prefetch(cells + (size_t)row[i + PREFETCH_ROWS] * inputs);
            __builtin_prefetch(cells + (size_t)row[i + PREFETCH_ROWS + 1] * inputs);
            __builtin_prefetch(&packed[row[i + PREFETCH_ROWS]]);
            __builtin_prefetch(&packed[row[i + PREFETCH_ROWS + 1]]);
        }
        for (uint32_t j = 0; j < inputs; j++) {
            uint64_t *sum = of[j];

            sum[x[j]] += g;
            sum[y[j]] += h;
        }
    }
    for (; i < rows; i++) {
        for (uint32_t j = 0; j < inputs; j++)
            of[j][cells[(size_t)row[i] * inputs + j]] += packed[row[i]];
    }
}

static void sum_some(const struct histogram_work *w, const uint32_t *row, uint32_t rows,
                     uint64_t *cell)
{
    const struct bins *b = w->bins;

    for (uint32_t i = 0; i < rows; i++) {
        const uint8_t *bin = b->cell + (size_t)row[i] * b->inputs;
        uint64_t g = w->packed[row[i]];

        for (uint32_t c = 0; c < w->columns; c++)
            cell[b->first[w->column[c]] + bin[w->column[c]]] += g;
    }
}

static void sum(const struct histogram_work *w, const uint32_t *row, uint32_t rows, uint64_t *cell)
{
    clear(w, cell);
    if (w->columns == w->bins->inputs)
        sum_all(w, row, rows, cell);
    else
        sum_some(w, row, rows, cell);
}

struct part {
    const struct histogram_work *work;
    const uint32_t *row;
    uint32_t rows, parts;
    uint64_t *cell;
};

static uint64_t *part_cells(const struct part *p, unsigned number)
{
    const struct bins *b = p->work->bins;

    return number == 0 ? p->cell : p->work->spare + (size_t)(number - 1) * b->first[b->inputs];
}

static void sum_part(void *context, unsigned number)
{
    const struct part *p = context;
    uint32_t from = (uint32_t)((uint64_t)p->rows * number / p->parts);
    uint32_t to = (uint32_t)((uint64_t)p->rows * (number + 1) / p->parts);

    sum(p->work, p->row + from, to - from, part_cells(p, number));
}

void histogram_build(const struct histogram_work *w, const uint32_t *row, uint32_t rows,
                     uint64_t *cell)
{
    struct part p = {w, row, rows, workers_count(w->workers), cell};

    if (p.parts == 1 || rows < PARALLEL_ROWS) {
        sum(w, row, rows, cell);
        return;
    }
    workers_run(w->workers, p.parts, sum_part, &p);
    for (uint32_t n = 1; n < p.parts; n++) {
        const uint64_t *other = part_cells(&p, n);

        for (uint32_t c = 0; c < w->columns; c++) {
            uint32_t j = w->column[c];

            for (uint32_t k = w->bins->first[j]; k < w->bins->first[j + 1]; k++)
                cell[k] += other[k];
        }
    }
}

void histogram_subtract(const struct histogram_work *w, uint64_t *whole, const uint64_t *part)
{
    for (uint32_t c = 0; c < w->columns; c++) {
        uint32_t j = w->column[c];

        for (uint32_t k = w->bins->first[j]; k < w->bins->first[j + 1]; k++)
            whole[k] -= part[k];
    }
}
