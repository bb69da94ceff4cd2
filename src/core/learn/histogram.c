#include "core/learn/histogram.h"

#include <string.h>

enum { PREFETCH_ROWS = 16 };

static void clear(const struct histogram_work *w, uint64_t *cell)
{
    for (uint32_t c = 0; c < w->columns; c++) {
        uint32_t j = w->column[c];

        memset(cell + bins_cell(j), 0, (w->bins->count[j] + 1) * sizeof *cell);
    }
}

/* `inputs` cells of two rows: what one adds to a cell need not wait for what the one before stored
 * there, unless they meet. With a fixed number of inputs and of cells an input, every address is a
 * cell's and a constant. */
__attribute__((always_inline)) static inline void
add_two(uint64_t *cell, const uint8_t *x, const uint8_t *y, uint64_t g, uint64_t h, uint32_t inputs)
{
    for (uint32_t j = 0; j < inputs; j++) {
        cell[bins_cell(j) + x[j]] += g;
        cell[bins_cell(j) + y[j]] += h;
    }
}

/* All inputs: no list of columns to follow. */
static void sum_all(const struct histogram_work *w, const uint32_t *row, uint32_t rows,
                    uint64_t *cell)
{
    const uint8_t *const cells = w->bins->cell;
    const uint64_t *packed = w->packed;
    uint32_t inputs = w->bins->inputs, i = 0;

    for (; i + 2 <= rows; i += 2) {
        const uint8_t *x = cells + (size_t)row[i] * inputs;
        const uint8_t *y = cells + (size_t)row[i + 1] * inputs;
        uint64_t g = packed[row[i]], h = packed[row[i + 1]];
        uint32_t j = 0;

        if (i + PREFETCH_ROWS + 1 < rows) {
            __builtin_prefetch(cells + (size_t)row[i + PREFETCH_ROWS] * inputs);
            __builtin_prefetch(cells + (size_t)row[i + PREFETCH_ROWS + 1] * inputs);
            __builtin_prefetch(&packed[row[i + PREFETCH_ROWS]]);
            __builtin_prefetch(&packed[row[i + PREFETCH_ROWS + 1]]);
        }
        for (; j + 8 <= inputs; j += 8)
            add_two(cell + bins_cell(j), x + j, y + j, g, h, 8);
        if (j + 4 <= inputs) {
            add_two(cell + bins_cell(j), x + j, y + j, g, h, 4);
            j += 4;
        }
        for (; j < inputs; j++)
            add_two(cell + bins_cell(j), x + j, y + j, g, h, 1);
    }
    for (; i < rows; i++) {
        for (uint32_t j = 0; j < inputs; j++)
            cell[bins_cell(j) + cells[(size_t)row[i] * inputs + j]] += packed[row[i]];
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
            cell[bins_cell(w->column[c]) + bin[w->column[c]]] += g;
    }
}

struct parts {
    const struct histogram_work *work;
    const uint32_t *row;
    uint32_t rows, count;
    uint64_t *cell;
};

static uint64_t *part_cells(const struct histogram_work *w, uint32_t part, uint64_t *cell)
{
    return part == 0 ? cell : w->spare + (part - 1) * bins_cell(w->bins->inputs);
}

static void sum_part(void *context, unsigned number)
{
    const struct parts *p = context;
    const struct histogram_work *w = p->work;
    uint32_t from = (uint32_t)((uint64_t)p->rows * number / p->count);
    uint32_t to = (uint32_t)((uint64_t)p->rows * (number + 1) / p->count);
    uint64_t *cell = part_cells(w, number, p->cell);

    clear(w, cell);
    if (w->columns == w->bins->inputs)
        sum_all(w, p->row + from, to - from, cell);
    else
        sum_some(w, p->row + from, to - from, cell);
}

void histogram_build(const struct histogram_work *w, const uint32_t *row, uint32_t rows,
                     uint32_t parts, uint64_t *cell)
{
    struct parts p = {w, row, rows, parts, cell};

    if (parts > 1)
        workers_run(w->workers, parts, sum_part, &p);
    else
        sum_part(&p, 0);
}

void histogram_join(const struct histogram_work *w, uint32_t parts, uint32_t from, uint32_t to,
                    uint64_t *cell)
{
    for (uint32_t n = 1; n < parts; n++) {
        const uint64_t *part = part_cells(w, n, cell);

        for (uint32_t c = from; c < to; c++) {
            uint32_t j = w->column[c];

            for (size_t k = bins_cell(j), end = k + w->bins->count[j]; k <= end; k++)
                cell[k] += part[k];
        }
    }
}

/* Each row lies in one cell of every input. */
uint64_t histogram_total(const struct histogram_work *w, uint32_t parts, uint64_t *cell)
{
    uint32_t j = w->column[0];
    uint64_t sum = 0;

    for (uint32_t n = 0; n < parts; n++) {
        const uint64_t *part = part_cells(w, n, cell);

        for (uint32_t k = 0; k <= w->bins->count[j]; k++)
            sum += part[bins_cell(j) + k];
    }
    return sum;
}

void histogram_subtract(const struct histogram_work *w, uint32_t from, uint32_t to, uint64_t *whole,
                        const uint64_t *part)
{
    for (uint32_t c = from; c < to; c++) {
        uint32_t j = w->column[c];

        for (size_t k = bins_cell(j), end = k + w->bins->count[j]; k <= end; k++)
            whole[k] -= part[k];
    }
}
