/* Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019): what average precision
 * loses when one input's values are dealt to other rows. The mean of a few deals. */
#include "core/learn/dataset.h"

#include <string.h>

#include "core/base/random.h"
#include "core/stats/order.h"

enum {
    DEALS = 3,
    BLOCK_ROWS = 256,
    ROWS_LEAST = 1000,
    ROWS_MOST = 20000,
    EXPLAINED_LEAST = 100,
    EXPLAINED_MOST = 1000,
    STEPS = 400000000, /* of all rows of all deals: seconds of one processor */
    EXPLAINED_STEPS = 400000000,
};

struct shuffling {
    const struct model *model;
    const struct dataset *dataset;
    uint64_t seed;
    enum simd simd;
    double weight;  /* of a legitimate row */
    double *x;      /* the rows, encoded */
    uint32_t first; /* input of the first task */
    double whole;   /* average precision of the values as they are */
    double *importance;
};

/* ---- how many rows */

static double row_cost(const struct model *m, bool explains);

static double trees_cost(uint32_t trees, uint32_t nodes, bool explains)
{
    double depth = 1;

    if (explains)
        return nodes; /* the walk is through all of them */
    for (uint64_t n = trees; n < nodes; n *= 2)
        depth++;
    return depth * trees;
}

static double net_cost(const struct model_net *n, bool explains)
{
    double cost = 0;

    for (uint32_t k = 0; k < n->layers; k++)
        cost += (double)n->layer[k].from * n->layer[k].stride / NET_LANES;
    return explains ? cost * NET_LANES : cost; /* at many points of the way from the base */
}

static double members_cost(const struct model_members *s, bool explains)
{
    double cost = 0;

    for (uint32_t k = 0; k < s->count; k++)
        cost += row_cost(s->model[k], explains);
    return cost;
}

/* In steps, of a few nanoseconds each. */
static double row_cost(const struct model *m, bool explains)
{
    const struct model_forest *f = &m->forest;
    double cost = m->width;

    if (f->trees > 0)
        cost += trees_cost(f->trees, f->first[f->trees], explains);
    return cost + net_cost(&m->net, explains) + members_cost(&m->members, explains);
}

static uint32_t rows_within(double rows, uint32_t least, uint32_t most)
{
    return rows < least ? least : rows < most ? (uint32_t)rows : most;
}

uint32_t permutation_rows(const struct model *m)
{
    double shuffled = (double)DEALS * (m->inputs > 0 ? m->inputs : 1);

    return rows_within(STEPS / (shuffled * row_cost(m, false)), ROWS_LEAST, ROWS_MOST);
}

uint32_t contribution_rows(const struct model *m)
{
    return rows_within(EXPLAINED_STEPS / row_cost(m, true), EXPLAINED_LEAST, EXPLAINED_MOST);
}

/* ---- the loss */

/* Average precision where a legitimate row counts as `weight` of them; rows of equal margin are
 * one step of the curve. */
static double average_precision(const struct shuffling *s, const double *margin)
{
    const struct dataset *d = s->dataset;
    uint32_t *order = mem_array(d->rows, sizeof *order);
    double frauds = 0, legitimate = 0, sum = 0;

    order_descending(margin, d->rows, order);
    for (uint32_t i = 0, next; i < d->rows; i = next) {
        double before = frauds;

        for (next = i; next < d->rows && margin[order[next]] == margin[order[i]]; next++) {
            if (dataset_label(d, order[next]) != 0)
                frauds++;
            else
                legitimate += s->weight;
        }
        if (frauds > before)
            sum += (frauds - before) * frauds / (frauds + legitimate);
    }
    mem_free(order);
    return frauds > 0 ? sum / frauds : 0;
}

/* Where row i has input `input` of row order[i], or as the rows are (NULL). Where the model has
 * members, an input is encoded once for each. */
static double precision_with(const struct shuffling *s, uint32_t input, const uint32_t *order)
{
    const struct dataset *d = s->dataset;
    struct model_scratch *scratch = model_scratch_new(s->model, s->simd);
    uint32_t width = s->model->width;
    double *x = mem_array((size_t)BLOCK_ROWS * width, sizeof *x);
    double *margin = mem_array(d->rows, sizeof *margin), precision;

    for (uint32_t at = 0; at < d->rows; at += BLOCK_ROWS) {
        uint32_t n = d->rows - at < BLOCK_ROWS ? d->rows - at : BLOCK_ROWS;

        memcpy(x, s->x + (size_t)at * width, (size_t)n * width * sizeof *x);
        for (uint32_t i = 0; i < n && order != NULL; i++) {
            for (uint32_t k = input; k < width; k += d->inputs)
                x[(size_t)i * width + k] = s->x[(size_t)order[at + i] * width + k];
        }
        model_score_encoded(s->model, scratch, x, n, margin + at);
    }
    precision = average_precision(s, margin);
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
    uint32_t *order = mem_array(d->rows, sizeof *order);
    double sum = 0;
    struct random r;

    random_init(&r, random_at(s->seed, UINT64_C(0x696d70), input));
    for (uint32_t i = 0; i < d->rows; i++)
        order[i] = i;
    for (unsigned deal = 0; deal < DEALS; deal++) {
        shuffle(order, d->rows, &r);
        sum += precision_with(s, input, order);
    }
    s->importance[input] = s->whole - sum / DEALS;
    mem_free(order);
}

bool permutation_importance(const struct model *m, const struct dataset *d,
                            double legitimate_weight, const struct learn_run *run,
                            double *importance, struct error *e)
{
    struct shuffling s = {.model = m,
                          .dataset = d,
                          .seed = run->seed,
                          .simd = run->simd,
                          .weight = legitimate_weight,
                          .importance = importance};
    uint32_t at_once = workers_count(run->workers);
    bool good = true;

    if (!dataset_check(d, e))
        return false;
    s.x = mem_array((size_t)d->rows * m->width, sizeof *s.x);
    model_encode(m, d->input, d->row, 0, d->rows, s.x);
    s.whole = precision_with(&s, 0, NULL);
    for (; s.first < d->inputs && good; s.first += at_once) {
        uint32_t left = d->inputs - s.first;

        good = progress_report(run->progress, "importance", (double)s.first / d->inputs);
        if (good)
            workers_run(run->workers, left < at_once ? left : at_once, input_task, &s);
    }
    mem_free(s.x);
    return good || error_set(e, ERROR_CANCELLED, "the importance of inputs was cancelled");
}
