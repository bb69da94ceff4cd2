/* The linear kind: log-odds = bias + a term an input. */
#include "core/model/kind.h"
#include "core/model/linear.h"

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
}

static bool read_coefficient(struct reader *in, double *v)
{
    return reader_finite(in, v) && *v <= LINEAR_MOST && *v >= -LINEAR_MOST;
}

static bool linear_parse(struct reader *in, struct model *m, unsigned nesting, struct error *e)
{
    struct model_linear *l = &m->linear;
    bool fits = read_coefficient(in, &l->bias);

    for (uint32_t j = 0; j < m->inputs && fits; j++)
        fits = reader_finite(in, &l->mean[j]) && reader_finite(in, &l->weight[j]) &&
               read_coefficient(in, &l->present[j]) && read_coefficient(in, &l->missing[j]);
    return fits || model_damaged(e, "a coefficient is not finite or too large");
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
