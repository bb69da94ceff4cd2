/* What values of the inputs are usual among the training rows: the table that goes with the model.
 * Taken from at most SAMPLE_ROWS rows, evenly over time: the quantiles are told in hundredths. */
#include "core/model/population.h"

#include <math.h>
#include <stdlib.h>

#include "core/learn/dataset.h"

enum { SAMPLE_ROWS = 1 << 15 };

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void take_number(struct population_input *in, const struct dataset *d, uint32_t input)
{
    double *value = mem_array(d->rows + 1, sizeof *value);
    uint32_t count = 0;

    for (uint32_t i = 0; i < d->rows; i++) {
        double x = column_number(d->input[input], dataset_row(d, i));

        if (!isnan(x))
            value[count++] = x;
    }
    qsort(value, count, sizeof *value, by_value);
    in->missing = (double)(d->rows - count) / d->rows;
    if (count > 0) {
        in->points = POPULATION_POINTS;
        in->quantile = mem_array(in->points, sizeof *in->quantile);
        for (uint64_t k = 0; k < in->points; k++)
            in->quantile[k] =
                value[(k * (count - 1) + POPULATION_POINTS / 2) / (POPULATION_POINTS - 1)];
    }
    mem_free(value);
}

static int by_rows(const void *a, const void *b, void *context)
{
    const struct codes *c = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    if (c->rows[x] != c->rows[y])
        return c->rows[x] < c->rows[y] ? 1 : -1;
    return (x > y) - (x < y);
}

static int by_code(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The most frequent values, in byte order, as codes are. */
static void take_category(struct population *p, const struct dataset *d, uint32_t input)
{
    struct text value[POPULATION_VALUES_MAX];
    double share[POPULATION_VALUES_MAX];
    uint32_t *order, most, missing = 0;
    struct codes c;

    codes_init(&c, d, input);
    order = mem_array(c.count + 1, sizeof *order);
    for (uint32_t i = 0; i < c.count; i++)
        order[i] = i;
    qsort_r(order, c.count, sizeof *order, by_rows, &c);
    most = c.count < POPULATION_VALUES_MAX ? c.count : POPULATION_VALUES_MAX;
    qsort(order, most, sizeof *order, by_code);
    for (uint32_t i = 0; i < most; i++) {
        value[i] = c.value[order[i]];
        share[i] = (double)c.rows[order[i]] / d->rows;
    }
    for (uint32_t i = 0; i < d->rows; i++)
        missing += c.code[i] == CODE_MISSING;
    p->input[input].missing = (double)missing / d->rows;
    population_set_values(p, input, value, share, most);
    mem_free(order);
    codes_fini(&c);
}

struct population *population_of(const struct dataset *d)
{
    uint32_t rows = d->rows < SAMPLE_ROWS ? d->rows : SAMPLE_ROWS;
    uint32_t *row = mem_array(rows + 1, sizeof *row);
    struct population *p = population_new(d->inputs, d->rows);
    struct dataset sample = *d;

    for (uint32_t i = 0; i < rows; i++)
        row[i] = dataset_row(d, (uint32_t)((uint64_t)i * d->rows / rows));
    sample.rows = rows;
    sample.row = row;
    for (uint32_t j = 0; j < d->inputs && rows > 0; j++) {
        if (d->input[j]->type == TYPE_TEXT)
            take_category(p, &sample, j);
        else
            take_number(&p->input[j], &sample, j);
    }
    mem_free(row);
    return p;
}
