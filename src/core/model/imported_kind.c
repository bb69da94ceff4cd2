/* The imported kind. Its margin is the library's raw score; where that is log-odds, the importer
 * sets a Platt calibration with the library's own slope. */
#include "core/model/imported.h"
#include "core/model/kind.h"

static void imported_close(struct model *m)
{
    imported_free(m->imported);
}

static bool finish(struct model *m, struct error *e)
{
    return imported_finish(m->imported, e);
}

static void *work_new(const struct model *m, enum simd level)
{
    return mem_array(imported_work(m->imported) + 1, sizeof(double));
}

static void work_free(const struct model *m, void *scratch)
{
    mem_free(scratch);
}

static void score(const struct model *m, void *scratch, const double *x, uint32_t rows,
                  double *margin)
{
    for (uint32_t i = 0; i < rows; i++)
        margin[i] = imported_margin(m->imported, x + (size_t)i * m->inputs, scratch);
}

static double explain(const struct model *m, void *scratch, const double *x, double *contribution)
{
    return imported_explain(m->imported, x, contribution, scratch);
}

static void format(const struct model *m, struct buffer *b)
{
    imported_format(m->imported, b);
}

static bool parse(struct reader *in, struct model *m, unsigned nesting, struct error *e)
{
    struct error fault = {0};

    m->imported = imported_parse(in, m->inputs, &fault);
    return m->imported != NULL || model_damaged(e, fault.text);
}

const struct model_operations imported_operations = {
    .name = "imported",
    .unit = MARGIN_SHARE,
    .section = 0x54504d49, /* IMPT */
    .close = imported_close,
    .finish = finish,
    .scratch_new = work_new,
    .scratch_free = work_free,
    .score = score,
    .explain = explain,
    .format = format,
    .parse = parse,
};
