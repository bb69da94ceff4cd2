/* The linear kind: log-odds = bias + a term an input, which may bend at knots. */
#include "core/model/kind.h"
#include "core/model/linear.h"

enum { HINGE_BYTES = 16 };

static void linear_open(struct model *m)
{
    struct model_linear *l = &m->linear;

    l->mean = mem_array(m->inputs + 1, sizeof *l->mean);
    l->weight = mem_array(m->inputs + 1, sizeof *l->weight);
    l->present = mem_array(m->inputs + 1, sizeof *l->present);
    l->missing = mem_array(m->inputs + 1, sizeof *l->missing);
}

static void linear_close(struct model *m)
{
    mem_free(m->linear.mean);
    mem_free(m->linear.weight);
    mem_free(m->linear.present);
    mem_free(m->linear.missing);
    mem_free(m->linear.first);
    mem_free(m->linear.knot);
    mem_free(m->linear.slope);
}

void model_hinges_reserve(struct model *m, uint32_t hinges)
{
    struct model_linear *l = &m->linear;

    l->first = mem_array(m->inputs + 1, sizeof *l->first);
    l->knot = mem_array(hinges + 1, sizeof *l->knot);
    l->slope = mem_array(hinges + 1, sizeof *l->slope);
}

static void linear_score(const struct model *m, void *scratch, const double *x, uint32_t rows,
                         double *margin)
{
    for (uint32_t i = 0; i < rows; i++)
        margin[i] = linear_margin(&m->linear, m->inputs, x + (size_t)i * m->inputs);
}

static double linear_explain(const struct model *m, void *scratch, const double *x,
                             double *contribution)
{
    for (uint32_t j = 0; j < m->inputs; j++)
        contribution[j] = linear_term(&m->linear, j, x[j]);
    return m->linear.bias;
}

static void linear_format(const struct model *m, struct buffer *b)
{
    const struct model_linear *l = &m->linear;

    buffer_add_double(b, l->bias);
    for (uint32_t j = 0; j < m->inputs; j++) {
        buffer_add_double(b, l->mean[j]);
        buffer_add_double(b, l->weight[j]);
        buffer_add_double(b, l->present[j]);
        buffer_add_double(b, l->missing[j]);
    }
    for (uint32_t j = 0; l->first != NULL && j < m->inputs; j++) {
        buffer_add_u32(b, l->first[j + 1] - l->first[j]);
        for (uint32_t k = l->first[j]; k < l->first[j + 1]; k++) {
            buffer_add_double(b, l->knot[k]);
            buffer_add_double(b, l->slope[k]);
        }
    }
}

static bool read_coefficient(struct reader *in, double *v)
{
    return reader_finite(in, v) && *v <= LINEAR_MOST && *v >= -LINEAR_MOST;
}

/* Written where the model has any; a straight one's body ends before. */
static bool parse_hinges(struct reader *in, struct model *m)
{
    struct model_linear *l = &m->linear;

    if (reader_left(in) == 0)
        return true;
    model_hinges_reserve(m, (uint32_t)(reader_left(in) / HINGE_BYTES));
    for (uint32_t j = 0; j < m->inputs; j++) {
        uint32_t count = reader_u32(in), at = l->first[j];

        if (count > MODEL_KNOTS_MAX || count > reader_left(in) / HINGE_BYTES ||
            (count > 0 && m->input[j].is_category))
            return false;
        l->first[j + 1] = at + count;
        for (uint32_t k = at; k < at + count; k++) {
            if (!reader_finite(in, &l->knot[k]) || !reader_finite(in, &l->slope[k]) ||
                (k > at && l->knot[k] <= l->knot[k - 1]))
                return false;
        }
    }
    return true;
}

static bool linear_parse(struct reader *in, struct model *m, unsigned nesting, struct error *e)
{
    struct model_linear *l = &m->linear;
    bool fits = read_coefficient(in, &l->bias);

    for (uint32_t j = 0; j < m->inputs && fits; j++)
        fits = reader_finite(in, &l->mean[j]) && reader_finite(in, &l->weight[j]) &&
               read_coefficient(in, &l->present[j]) && read_coefficient(in, &l->missing[j]);
    return (fits && parse_hinges(in, m)) ||
           model_damaged(e, "a coefficient or a knot is not finite, too large or out of order");
}

const struct model_operations logistic_operations = {
    .name = "logistic",
    .unit = MARGIN_LOG_ODDS,
    .section = 0x524e494c, /* LINR */
    .open = linear_open,
    .close = linear_close,
    .score = linear_score,
    .explain = linear_explain,
    .format = linear_format,
    .parse = linear_parse,
};
