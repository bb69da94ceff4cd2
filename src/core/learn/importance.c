/* Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019): what average precision
 * loses when one input's values are dealt to other rows. The mean of a few deals. */
#include "core/learn/dataset.h"

#include "core/base/random.h"
#include "core/stats/metrics.h"

enum {
    DEALS = 3,
    BLOCK_ROWS = 256,
};

struct shuffling {
    const struct model *model;
    const struct dataset *dataset;
    uint64_t seed;
    enum simd simd;
    uint8_t *label;
    double whole;   /* average precision of the values as they are */
    uint32_t first; /* input of the first task */
    double *importance;
};

/* Where the model has members, an input is encoded once for each. */
static uint32_t encodings(const struct model *m)
{
    return m->width / m->inputs;
}

/* Average precision where row i has input `input` of row order[i], or as the rows are (NULL). */
static double precision_with(const struct shuffling *s, uint32_t input, const double *values,
                             const uint32_t *order)
{
    const struct dataset *d = s->dataset;
    struct model_scratch *scratch = model_scratch_new(s->model, s->simd);
    uint32_t width = s->model->width, bases = encodings(s->model);
    double *x = mem_array((size_t)BLOCK_ROWS * width, sizeof *x);
    double *margin = mem_array(d->rows, sizeof *margin), precision;

    for (uint32_t at = 0; at < d->rows; at += BLOCK_ROWS) {
        uint32_t n = d->rows - at < BLOCK_ROWS ? d->rows - at : BLOCK_ROWS;

        model_encode(s->model, d->input, d->row, at, n, x);
        for (uint32_t i = 0; i < n && order != NULL; i++) {
            for (uint32_t k = 0; k < bases; k++)
                x[(size_t)i * width + k * d->inputs + input] =
                    values[(size_t)order[at + i] * bases + k];
        }
        model_score_encoded(s->model, scratch, x, n, margin + at);
    }
    precision = metric_average_precision(margin, s->label, d->rows);
    mem_free(margin);
    mem_free(x);
    model_scratch_free(scratch);
    return precision;
}

static void shuffle(uint32_t *v, uint32_t count, struct random *r)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t k = (uint32_t)random_below(r, i);
        uint32_t swapped = v[i - 1];

        v[i - 1] = v[k];
        v[k] = swapped;
    }
}

static void input_task(void *context, unsigned number)
{
    struct shuffling *s = context;
    const struct dataset *d = s->dataset;
    uint32_t input = s->first + number;
    uint32_t bases = encodings(s->model), *order = mem_array(d->rows, sizeof *order);
    double *values = mem_array((size_t)d->rows * bases, sizeof *values), sum = 0;
    struct random r;

    random_init(&r, random_at(s->seed, UINT64_C(0x696d70), input));
    for (uint32_t k = 0; k < bases; k++)
        model_encode_input(model_base(s->model, k), input, d->input[input], d->row, 0, d->rows,
                           values + k, bases);
    for (uint32_t i = 0; i < d->rows; i++)
        order[i] = i;
    for (unsigned deal = 0; deal < DEALS; deal++) {
        shuffle(order, d->rows, &r);
        sum += precision_with(s, input, values, order);
    }
    s->importance[input] = s->whole - sum / DEALS;
    mem_free(order);
    mem_free(values);
}

bool permutation_importance(const struct model *m, const struct dataset *d,
                            const struct learn_run *run, double *importance, struct error *e)
{
    struct shuffling s = {
        .model = m, .dataset = d, .seed = run->seed, .simd = run->simd, .importance = importance};
    uint32_t at_once = workers_count(run->workers);
    bool good = true;

    if (!dataset_check(d, e))
        return false;
    s.label = mem_array(d->rows, 1);
    for (uint32_t i = 0; i < d->rows; i++)
        s.label[i] = dataset_label(d, i) != 0;
    s.whole = precision_with(&s, 0, NULL, NULL);
    for (; s.first < d->inputs && good; s.first += at_once) {
        uint32_t left = d->inputs - s.first;

        good = progress_report(run->progress, "importance", (double)s.first / d->inputs);
        if (good)
            workers_run(run->workers, left < at_once ? left : at_once, input_task, &s);
    }
    mem_free(s.label);
    return good || error_set(e, ERROR_CANCELLED, "the importance of inputs was cancelled");
}
