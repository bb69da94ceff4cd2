#include "core/stats/agreement.h"

#include <math.h>

#include "core/base/memory.h"
#include "core/stats/order.h"

/* Ranks from 0, less their mean. */
static double *centred_ranks(const double *score, uint32_t rows)
{
    uint32_t *order = mem_array((size_t)rows + 1, sizeof *order);
    double *rank = mem_array((size_t)rows + 1, sizeof *rank);

    order_descending(score, rows, order);
    for (uint32_t i = 0, end; i < rows; i = end) {
        for (end = i; end < rows && score[order[end]] == score[order[i]]; end++)
            continue;
        for (uint32_t k = i; k < end; k++)
            rank[order[k]] = (i + (end - 1.0)) / 2 - (rows - 1.0) / 2;
    }
    mem_free(order);
    return rank;
}

double agreement_of_ranks(const double *a, const double *b, uint32_t rows)
{
    double *x = centred_ranks(a, rows), *y = centred_ranks(b, rows);
    double both = 0, of_x = 0, of_y = 0;

    for (uint32_t i = 0; i < rows; i++) {
        both += x[i] * y[i];
        of_x += x[i] * x[i];
        of_y += y[i] * y[i];
    }
    mem_free(x);
    mem_free(y);
    return of_x > 0 && of_y > 0 ? both / sqrt(of_x) / sqrt(of_y) : NAN;
}

double agreement_of_top(const double *a, const double *b, uint32_t rows, uint32_t top)
{
    uint32_t *order = mem_array((size_t)rows + 1, sizeof *order), shared = 0;
    uint8_t *is_top = mem_array((size_t)rows + 1, 1);

    top = top < rows ? top : rows;
    order_descending(a, rows, order);
    for (uint32_t i = 0; i < top; i++)
        is_top[order[i]] = 1;
    order_descending(b, rows, order);
    for (uint32_t i = 0; i < top; i++)
        shared += is_top[order[i]];
    mem_free(order);
    mem_free(is_top);
    return top > 0 ? (double)shared / top : NAN;
}
