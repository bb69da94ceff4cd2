#include "core/learn/histogram.h"

#include <string.h>

enum {
    PREFETCH_ROWS = 16,
    COLUMNS_LEAST = 4, /* so many at least are summed in one walk over the rows */
};

static void clear(const struct histogram_work *w, uint32_t from, uint32_t to, uint64_t *cell)
{
    for (uint32_t c = from; c < to; c++) {
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

/* Neighbouring inputs: no list of columns to follow. */
static void sum_neighbours(const struct histogram_work *w, uint32_t from, uint32_t to,
                           const uint32_t *row, uint32_t rows, uint64_t *cell)
{
    const uint8_t *const cells = w->bins->cell + from;
    const uint64_t *packed = w->packed;
    uint32_t stride = w->bins->inputs, inputs = to - from, i = 0;

    cell += bins_cell(from);
    for (; i + 2 <= rows; i += 2) {
        const uint8_t *x = cells + (size_t)row[i] * stride;
        const uint8_t *y = cells + (size_t)row[i + 1] * stride;
        uint64_t g = packed[row[i]], h = packed[row[i + 1]];
        uint32_t j = 0;

        if (i + PREFETCH_ROWS + 1 < rows) {
            __builtin_prefetch(cells + (size_t)row[i + PREFETCH_ROWS] * stride);
            __builtin_prefetch(cells + (size_t)row[i + PREFETCH_ROWS + 1] * stride);
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
            cell[bins_cell(j) + cells[(size_t)row[i] * stride + j]] += packed[row[i]];
    }
}

static void sum_some(const struct histogram_work *w, uint32_t from, uint32_t to,
                     const uint32_t *row, uint32_t rows, uint64_t *cell)
{
    const struct bins *b = w->bins;

    for (uint32_t i = 0; i < rows; i++) {
        const uint8_t *bin = b->cell + (size_t)row[i] * b->inputs;
        uint64_t g = w->packed[row[i]];

        for (uint32_t c = from; c < to; c++)
            cell[bins_cell(w->column[c]) + bin[w->column[c]]] += g;
    }
}

/* column[from..to-1] */
static void build(const struct histogram_work *w, uint32_t from, uint32_t to, const uint32_t *row,
                  uint32_t rows, uint64_t *cell)
{
    clear(w, from, to, cell);
    if (w->columns == w->bins->inputs)
        sum_neighbours(w, from, to, row, rows, cell);
    else
        sum_some(w, from, to, row, rows, cell);
}

void histogram_build_alone(const struct histogram_work *w, const uint32_t *row, uint32_t rows,
                           uint64_t *cell)
{
    build(w, 0, w->columns, row, rows, cell);
}

/* Threads share the columns, so that there is nothing to add up afterwards; where they are more
 * than that, also the rows. */
struct sharing {
    const struct histogram_work *work;
    const uint32_t *row;
    uint32_t rows, blocks, parts; /* of columns, of rows */
    uint64_t *cell;
};

static uint64_t *part_cells(const struct sharing *s, uint32_t part)
{
    return part == 0 ? s->cell : s->work->spare + (part - 1) * bins_cell(s->work->bins->inputs);
}

static void build_share(void *context, unsigned number)
{
    const struct sharing *s = context;
    uint32_t block = number % s->blocks, part = number / s->blocks, columns = s->work->columns;
    uint32_t first = (uint32_t)((uint64_t)s->rows * part / s->parts);
    uint32_t last = (uint32_t)((uint64_t)s->rows * (part + 1) / s->parts);

    build(s->work, columns * block / s->blocks, columns * (block + 1) / s->blocks, s->row + first,
          last - first, part_cells(s, part));
}

void histogram_build(const struct histogram_work *w, const uint32_t *row, uint32_t rows,
                     uint64_t *cell)
{
    struct sharing s = {w, row, rows, w->columns / COLUMNS_LEAST, 1, cell};
    uint32_t threads = workers_count(w->workers);

    s.blocks = s.blocks > threads ? threads : s.blocks > 0 ? s.blocks : 1;
    s.parts = threads / s.blocks;
    workers_run(w->workers, s.blocks * s.parts, build_share, &s);
    for (uint32_t n = 1; n < s.parts; n++) {
        const uint64_t *other = part_cells(&s, n);

        for (uint32_t c = 0; c < w->columns; c++) {
            uint32_t j = w->column[c];

            for (size_t k = bins_cell(j), end = k + w->bins->count[j]; k <= end; k++)
                cell[k] += other[k];
        }
    }
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
