/* The median of a column's values: what stands in for a missing one. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/learn/dataset.h"

struct ranked {
    double value;
    uint32_t row;
};

static int by_value(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

bool column_median(const struct column *c, const uint8_t *takes, uint32_t rows, uint32_t *middle,
                   double *median)
{
    struct ranked *r = mem_array(rows, sizeof *r);
    uint32_t count = 0;

    for (uint32_t i = 0; i < rows; i++) {
        if (takes[i] && !c->null[i])
            r[count++] = (struct ranked){column_number(c, i), i};
    }
    qsort(r, count, sizeof *r, by_value);
    if (count > 0) {
        *middle = r[(count - 1) / 2].row;
        *median = r[(count - 1) / 2].value;
    }
    mem_free(r);
    return count > 0;
}
