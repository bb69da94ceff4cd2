/* Columns to doubles: the one place where a cell becomes what a model computes with. */
#include "core/model/parts.h"

#include <math.h>

#include "core/base/number.h"
#include "core/base/panic.h"

static inline double number_at(const struct column *c, uint32_t row)
{
    if (c->null[row])
        return NAN;
    switch (c->type) {
    case TYPE_REAL:
        return c->real[row];
    case TYPE_DECIMAL:
    case TYPE_DURATION: /* microseconds to seconds: the same factor */
        return (double)c->integer[row] / (double)DECIMAL_ONE;
    default:
        return (double)c->integer[row];
    }
}

double column_number(const struct column *c, uint32_t row)
{
    return number_at(c, row);
}

void model_encode_input(const struct model *m, uint32_t input, const struct column *c,
                        const uint32_t *row, uint32_t first, uint32_t rows, double *x,
                        uint32_t stride)
{
    const struct category_map *map = &m->category[input];

    ASSERT(m->input[input].is_category == (c->type == TYPE_TEXT));
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t r = row != NULL ? row[first + i] : first + i;

        if (c->type == TYPE_REAL)
            x[(size_t)i * stride] = c->null[r] ? m->input[input].fill : c->real[r];
        else if (c->type != TYPE_TEXT)
            x[(size_t)i * stride] = c->null[r] ? m->input[input].fill : number_at(c, r);
        else
            x[(size_t)i * stride] = c->null[r] ? NAN : category_map_find(map, c->text[r]);
    }
}

void model_encode(const struct model *m, const struct column *const *inputs, const uint32_t *row,
                  uint32_t first, uint32_t rows, double *x)
{
    for (uint32_t k = 0; k < m->width / m->inputs; k++) {
        const struct model *base = model_base(m, k);

        for (uint32_t j = 0; j < m->inputs; j++)
            model_encode_input(base, j, inputs[j], row, first, rows, x + k * m->inputs + j,
                               m->width);
    }
}
