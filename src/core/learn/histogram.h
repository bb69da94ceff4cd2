/* Histograms of packed gradients; internal to core/learn. */
#ifndef ASSAY_LEARN_HISTOGRAM_H
#define ASSAY_LEARN_HISTOGRAM_H

#include "core/learn/bins.h"

/* Sums of the two halves of packed words. */
static inline int64_t packed_gradient(uint64_t sum)
{
    return (int32_t)(sum >> 32);
}

static inline int64_t packed_hessian(uint64_t sum)
{
    return (uint32_t)sum;
}

/* The gradient may be negative: the halves never borrow from each other because the hessian's half
 * stays below 2^32. */
static inline uint64_t pack_gradient(int64_t gradient, int64_t hessian)
{
    return ((uint64_t)gradient << 32) + (uint64_t)hessian;
}

struct histogram_work {
    const struct bins *bins;
    const uint64_t *packed;
    const uint16_t *column; /* the inputs to sum over */
    uint32_t columns;
    const struct workers *workers;
    uint64_t *spare; /* workers_count - 1 histograms */
};

/* Sums over the given rows; cells of input j begin at bins_cell(j). Cells of other inputs are not
 * touched. Of several parts (at most workers_count), each worker sums one: the cells are whole when
 * their columns were joined. */
void histogram_build(const struct histogram_work *w, const uint32_t *row, uint32_t rows,
                     uint32_t parts, uint64_t *cell);
/* column[from..to-1] */
void histogram_join(const struct histogram_work *w, uint32_t parts, uint32_t from, uint32_t to,
                    uint64_t *cell);
/* Of all rows, before joining. */
uint64_t histogram_total(const struct histogram_work *w, uint32_t parts, uint64_t *cell);
/* whole -= part, of column[from..to-1] */
void histogram_subtract(const struct histogram_work *w, uint32_t from, uint32_t to, uint64_t *whole,
                        const uint64_t *part);

#endif
