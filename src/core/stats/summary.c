#include "core/stats/summary.h"

#include <math.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/base/panic.h"
#include "core/stats/order.h"

const double summary_share[SUMMARY_QUANTILES] = {0.01, 0.25, 0.5, 0.75, 0.99};

double quantile_of(const double *ascending, uint32_t count, double share)
{
    double at = share * (count - 1.0), below = floor(at);
    uint32_t i = (uint32_t)below;

    ASSERT(count > 0 && share >= 0 && share <= 1);
    if (i + 1 >= count)
        return ascending[count - 1];
    return ascending[i] + (at - below) * (ascending[i + 1] - ascending[i]);
}

/* Deviations from the mean, in the sorted order: no sum of squares that cancels. */
static double deviation_of(const double *values, uint32_t count, double mean)
{
    double squares = 0;

    if (count < 2)
        return NAN;
    for (uint32_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (count - 1.0));
}

void summary_of_values(double *values, uint32_t count, struct summary *s)
{
    double sum = 0;

    *s = (struct summary){count, 0, NAN, NAN, NAN, NAN};
    order_values(values, count);
    for (uint32_t i = 0; i < count; i++)
        sum += values[i];
    for (unsigned i = 0; i < SUMMARY_QUANTILES; i++)
        s->quantile[i] = count > 0 ? quantile_of(values, count, summary_share[i]) : NAN;
    if (count == 0)
        return;
    s->mean = sum / count;
    s->std = deviation_of(values, count, s->mean);
    s->min = values[0];
    s->max = values[count - 1];
}

static double number_at(const struct column *c, uint32_t row)
{
    switch (c->type) {
    case TYPE_REAL:
        return c->real[row];
    case TYPE_DECIMAL:
        return (double)c->integer[row] / DECIMAL_ONE;
    case TYPE_TIME:
    case TYPE_DURATION:
        return (double)c->integer[row] / US_PER_SECOND;
    default:
        return (double)c->integer[row];
    }
}

void summary_of_column(const struct column *c, const uint32_t *row, uint32_t rows,
                       struct summary *s)
{
    double *values = mem_array(rows, sizeof *values);
    uint32_t count = 0, nulls = 0;

    for (uint32_t i = 0; i < rows; i++) {
        uint32_t at = row != NULL ? row[i] : i;

        if (c->null[at])
            nulls++;
        else if (c->type != TYPE_TEXT)
            values[count++] = number_at(c, at);
    }
    summary_of_values(values, count, s);
    s->rows = rows;
    s->nulls = nulls;
    mem_free(values);
}
