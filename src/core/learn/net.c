/* Training of small dense nets: Adam (Kingma and Ba 2015) on mini-batches of the log-loss, with
 * dropout (Srivastava et al. 2014), rectified units, starting weights as in He et al. 2015.
 *
 * What is learned are the weights' running means over the last steps, which wander less than the
 * weights themselves; so the epoch that early stopping finds says something about the refit.
 *
 * A batch is cut into a fixed number of chunks. Each sums its rows' gradients in order, the chunks
 * are added up in order, everything is a float of one defined order: the bytes depend neither on
 * the threads nor on the vector width. Lots are drawn by counters. */
#include "core/learn/net.h"

#include <math.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/random.h"
#include "core/learn/design.h"
#include "core/stats/metrics.h"

enum {
    CHUNKS = 8,               /* of a batch */
    CELLS_MAX = 1 << 28,      /* terms of all rows: 1 GB of floats */
    REPORT_BATCHES = 64,      /* between two looks at the progress */
    SHUFFLE_STREAM = 1 << 20, /* + epoch */
    START_STREAM = 2 << 20,   /* + layer */
    DROPOUT_STREAM = 3 << 20, /* + epoch */
};

static const float moment_keep = 0.9F, square_keep = 0.999F, adam_least = 1e-7F;
static const float mean_keep = 0.995F; /* of the running means, per step */

void net_defaults(struct net_options *o)
{
    *o = (struct net_options){.balance = BALANCE_NONE,
                              .layers = 2,
                              .units = 32,
                              .dropout = 0.2,
                              .batch_rows = 128,
                              .epochs = 60,
                              .learning_rate = 0.005,
                              .l2 = 1e-5,
                              .patience = 10};
}

static bool options_check(const struct net_options *o, struct error *e)
{
    if (o->layers == 0 || o->layers > NET_HIDDEN_MAX)
        return error_set(e, ERROR_INVALID, "net.layers: %u, 1 to %d are allowed", o->layers,
                         NET_HIDDEN_MAX);
    if (o->units == 0 || o->units > NET_UNITS_MAX)
        return error_set(e, ERROR_INVALID, "net.units: %u, 1 to %d are allowed", o->units,
                         NET_UNITS_MAX);
    if (!(o->dropout >= 0 && o->dropout <= 0.9))
        return error_set(e, ERROR_INVALID, "net.dropout: %g is not in 0 to 0.9", o->dropout);
    if (o->batch_rows == 0 || o->batch_rows > NET_BATCH_MAX)
        return error_set(e, ERROR_INVALID, "net.batch_rows: %u, 1 to %d are allowed", o->batch_rows,
                         NET_BATCH_MAX);
    if (o->epochs == 0 || o->epochs > NET_EPOCHS_MAX)
        return error_set(e, ERROR_INVALID, "net.epochs: %u, 1 to %d are allowed", o->epochs,
                         NET_EPOCHS_MAX);
    if (!(o->learning_rate > 0 && o->learning_rate <= 1))
        return error_set(e, ERROR_INVALID, "net.learning_rate: %g is not above 0 and at most 1",
                         o->learning_rate);
    if (!(o->l2 >= 0 && o->l2 <= 1e3))
        return error_set(e, ERROR_INVALID, "net.l2: %g is not in 0 to 1000", o->l2);
    return true;
}

/* ---- one row ---- */

void net_pass_init(struct net_pass *p, const struct model_net *n, enum simd level)
{
    *p = (struct net_pass){.net = n, .level = level};
    for (uint32_t l = 0; l < n->layers; l++) {
        p->value[l] = mem_aligned(64, n->layer[l].stride * sizeof **p->value);
        p->back[l] = mem_aligned(64, n->layer[l].stride * sizeof **p->back);
    }
}

void net_pass_fini(struct net_pass *p)
{
    for (uint32_t l = 0; l < p->net->layers; l++) {
        mem_free(p->value[l]);
        mem_free(p->back[l]);
    }
}

static void rectify(float *y, uint32_t units)
{
    for (uint32_t j = 0; j < units; j++)
        y[j] = y[j] > 0 ? y[j] : 0;
}

/* One lot of 64 bits decides on four units; those that stay speak louder. */
static void drop(const struct net_dropout *d, uint32_t number, uint32_t layer, float *y,
                 uint32_t units)
{
    uint64_t bound = (uint64_t)rint(d->share * 65536), lots = 0;
    float louder = (float)(1 / (1 - d->share));

    for (uint32_t j = 0; j < units; j++, lots >>= 16) {
        if (j % 4 == 0)
            lots = random_at(d->seed, d->stream,
                             ((uint64_t)number * NET_LAYERS_MAX + layer) * NET_UNITS_MAX + j);
        y[j] = (lots & 0xffff) < bound ? 0 : y[j] * louder;
    }
}

/* Values of all layers; returns the last one's. */
static double forward(struct net_pass *p, const float *terms, bool drops, uint32_t number)
{
    const struct model_net *n = p->net;
    const float *x = terms;

    for (uint32_t l = 0; l < n->layers; l++) {
        net_layer_sum(&n->layer[l], x, p->value[l], p->level);
        if (l + 1 < n->layers)
            rectify(p->value[l], n->layer[l].stride);
        if (l + 1 < n->layers && drops)
            drop(&p->dropout, number, l, p->value[l], n->layer[l].units);
        x = p->value[l];
    }
    return p->value[n->layers - 1][0];
}

double net_pass_margin(struct net_pass *p, const float *terms)
{
    return forward(p, terms, false, 0);
}

void net_pass_gradient(struct net_pass *p, const float *terms, bool fraud, double weight,
                       uint32_t number, struct model_net *sum)
{
    const struct model_net *n = p->net;
    bool drops = p->dropout.share > 0;
    float louder = drops ? (float)(1 / (1 - p->dropout.share)) : 1;
    double margin = forward(p, terms, drops, number);

    p->back[n->layers - 1][0] = (float)(weight * (em_sigmoid(margin) - fraud));
    for (uint32_t l = n->layers; l-- > 0;) {
        const float *x = l > 0 ? p->value[l - 1] : terms;

        net_layer_gradient(&sum->layer[l], x, p->back[l], p->level);
        if (l == 0)
            break;
        net_layer_back(&n->layer[l], p->back[l], p->back[l - 1], p->level);
        for (uint32_t j = 0; j < n->layer[l - 1].units; j++)
            p->back[l - 1][j] = x[j] > 0 ? p->back[l - 1][j] * louder : 0;
    }
}

/* ---- all rows ---- */

struct netting {
    const struct dataset *dataset;
    const struct net_options *options;
    const struct learn_run *run;
    struct model_net *net; /* the model's; its weights are the running means at the end */
    struct model_net moment, square, mean, best;
    struct model_net chunk_sum[CHUNKS];
    struct net_pass pass[CHUNKS];
    float *terms; /* of all rows */
    uint8_t *label;
    double weight[2];
    uint32_t *order;     /* rows, shuffled for the epoch */
    uint32_t from, rows; /* the batch's, in `order` */
    uint32_t steps;
    /* early stopping */
    struct learn_watch *watch;
    float *watch_terms;
    uint8_t *watch_label;
    double *watch_score;
};

static float *make_terms(const struct model_net *n, const struct model *m, const struct dataset *d)
{
    float *terms = mem_array((size_t)d->rows * n->terms + 1, sizeof *terms);
    double *x = mem_array(m->width, sizeof *x);

    for (uint32_t i = 0; i < d->rows; i++) {
        model_encode(m, d->input, d->row, i, 1, x);
        net_terms(n, x, terms + (size_t)i * n->terms);
    }
    mem_free(x);
    return terms;
}

static uint8_t *make_labels(const struct dataset *d)
{
    uint8_t *label = mem_array(d->rows, 1);

    for (uint32_t i = 0; i < d->rows; i++)
        label[i] = dataset_label(d, i) != 0;
    return label;
}

static const enum net_term_kind term_kinds[] = {
    [TERM_NUMBER] = NET_NUMBER, [TERM_LEVEL] = NET_LEVEL, [TERM_MISSING] = NET_MISSING};

/* Terms and category maps: a category's number is its level. */
static void fill_terms(const struct design *g, struct model *m)
{
    double level[DESIGN_LEVELS_MAX];

    for (uint32_t l = 0; l < DESIGN_LEVELS_MAX; l++)
        level[l] = l;
    for (uint32_t j = 0; j < m->inputs; j++) {
        const struct design_input *in = &g->input[j];

        if (in->level != NULL)
            category_map_set(&m->category[j], in->value, level, in->levels, in->levels);
        for (uint32_t t = in->first; t < in->end; t++)
            m->net.term[t] = (struct net_term){term_kinds[g->term[t].kind], (uint16_t)j,
                                               g->term[t].level, g->term[t].mean, g->term[t].scale};
    }
}

static bool open_net(const struct dataset *d, const struct net_options *o, struct model *m,
                     struct error *e)
{
    uint32_t units[NET_LAYERS_MAX];
    struct design g;
    bool fits;

    for (uint32_t l = 0; l < o->layers; l++)
        units[l] = o->units >> l > 0 ? o->units >> l : 1;
    units[o->layers] = 1;
    design_init(&g, d, 0);
    fits = g.terms <= NET_TERMS_MAX && (uint64_t)g.terms * d->rows <= CELLS_MAX;
    if (fits) {
        net_open(&m->net, g.terms, units, o->layers + 1);
        fill_terms(&g, m);
    } else {
        error_set(e, ERROR_INVALID,
                  "net: %u rows of %u terms are more than fit; give it fewer inputs "
                  "(model.features) or rows (resample: under)",
                  d->rows, g.terms);
    }
    design_fini(&g);
    return fits;
}

static void start_weights(struct netting *t, double share)
{
    for (uint32_t l = 0; l < t->net->layers; l++) {
        struct net_layer *y = &t->net->layer[l];
        struct random r;

        random_init(&r, random_at(t->run->seed, START_STREAM, l));
        for (uint32_t i = 0; i < y->from; i++) {
            for (uint32_t j = 0; j < y->units; j++)
                y->weight[(size_t)i * y->stride + j] =
                    (float)(random_normal(&r) *
                            sqrt((l + 1 < t->net->layers ? 2.0 : 1.0) / y->from));
        }
    }
    t->net->layer[t->net->layers - 1].bias[0] = (float)em_logit(share);
}

static void open_like(struct model_net *to, const struct model_net *n)
{
    uint32_t units[NET_LAYERS_MAX];

    for (uint32_t l = 0; l < n->layers; l++)
        units[l] = n->layer[l].units;
    net_open(to, n->terms, units, n->layers);
}

static void copy_weights(struct model_net *to, const struct model_net *from)
{
    for (uint32_t l = 0; l < to->layers; l++) {
        const struct net_layer *y = &from->layer[l];

        memcpy(to->layer[l].weight, y->weight, (size_t)y->from * y->stride * sizeof *y->weight);
        memcpy(to->layer[l].bias, y->bias, y->stride * sizeof *y->bias);
    }
}

static void clear_weights(struct model_net *n)
{
    for (uint32_t l = 0; l < n->layers; l++) {
        struct net_layer *y = &n->layer[l];

        memset(y->weight, 0, (size_t)y->from * y->stride * sizeof *y->weight);
        memset(y->bias, 0, y->stride * sizeof *y->bias);
    }
}

static void netting_init(struct netting *t, const struct dataset *d, struct learn_watch *watch,
                         const struct net_options *o, const struct learn_run *run, struct model *m)
{
    double frauds = dataset_frauds(d), share;

    *t = (struct netting){.dataset = d, .options = o, .run = run, .net = &m->net};
    open_like(&t->moment, t->net);
    open_like(&t->square, t->net);
    open_like(&t->mean, t->net);
    open_like(&t->best, t->net);
    for (unsigned c = 0; c < CHUNKS; c++) {
        open_like(&t->chunk_sum[c], t->net);
        net_pass_init(&t->pass[c], t->net, run->simd);
        t->pass[c].dropout.share = o->dropout;
        t->pass[c].dropout.seed = run->seed;
    }
    dataset_weights(d, o->balance, t->weight);
    t->terms = make_terms(t->net, m, d);
    t->label = make_labels(d);
    t->order = mem_array(d->rows, sizeof *t->order);
    for (uint32_t i = 0; i < d->rows; i++)
        t->order[i] = i;
    share = frauds * t->weight[1] / d->rows;
    start_weights(t, share);
    if (watch == NULL || o->patience == 0)
        return;
    t->watch = watch;
    t->watch_terms = make_terms(t->net, m, watch->dataset);
    t->watch_label = make_labels(watch->dataset);
    t->watch_score = mem_array(watch->dataset->rows, sizeof *t->watch_score);
}

static void netting_fini(struct netting *t)
{
    net_close(&t->moment);
    net_close(&t->square);
    net_close(&t->mean);
    net_close(&t->best);
    for (unsigned c = 0; c < CHUNKS; c++) {
        net_pass_fini(&t->pass[c]);
        net_close(&t->chunk_sum[c]);
    }
    mem_free(t->terms);
    mem_free(t->label);
    mem_free(t->order);
    mem_free(t->watch_terms);
    mem_free(t->watch_label);
    mem_free(t->watch_score);
}

/* ---- one batch ---- */

static void chunk_task(void *context, unsigned number)
{
    struct netting *t = context;
    uint32_t begin = (uint32_t)((uint64_t)t->rows * number / CHUNKS);
    uint32_t end = (uint32_t)((uint64_t)t->rows * (number + 1) / CHUNKS);

    clear_weights(&t->chunk_sum[number]);
    for (uint32_t i = t->from + begin; i < t->from + end; i++) {
        uint32_t row = t->order[i];

        net_pass_gradient(&t->pass[number], t->terms + (size_t)row * t->net->terms, t->label[row],
                          t->weight[t->label[row]], row, &t->chunk_sum[number]);
    }
}

/* What one step needs, beside the cells. */
struct step {
    float per_row; /* 1 / rows of the batch */
    float l2;
    float rate, per_square; /* corrected for the moments' start at zero */
};

/* In cells of one layer: gradients of the chunks, moments, weights, running means. */
struct cells {
    const float *gradient[CHUNKS];
    float *moment, *square, *weight, *mean;
};

static void step_cells(const struct cells *c, size_t count, const struct step *s, float l2)
{
    for (size_t i = 0; i < count; i++) {
        float g = c->gradient[0][i];

        for (unsigned k = 1; k < CHUNKS; k++)
            g += c->gradient[k][i];
        g = g * s->per_row + l2 * c->weight[i];
        c->moment[i] = moment_keep * c->moment[i] + (1 - moment_keep) * g;
        c->square[i] = square_keep * c->square[i] + (1 - square_keep) * g * g;
        c->weight[i] -= s->rate * c->moment[i] / (sqrtf(c->square[i] * s->per_square) + adam_least);
        c->mean[i] = mean_keep * c->mean[i] + (1 - mean_keep) * c->weight[i];
    }
}

static void take_step(struct netting *t)
{
    double steps = ++t->steps;
    struct step s = {
        .per_row = 1.0F / (float)t->rows,
        .l2 = (float)t->options->l2,
        .rate = (float)(t->options->learning_rate / (1 - em_pow((double)moment_keep, steps))),
        .per_square = (float)(1 / (1 - em_pow((double)square_keep, steps)))};

    for (uint32_t l = 0; l < t->net->layers; l++) {
        struct net_layer *y = &t->net->layer[l];
        struct cells weight = {{0},
                               t->moment.layer[l].weight,
                               t->square.layer[l].weight,
                               y->weight,
                               t->mean.layer[l].weight};
        struct cells bias = {
            {0}, t->moment.layer[l].bias, t->square.layer[l].bias, y->bias, t->mean.layer[l].bias};

        for (unsigned c = 0; c < CHUNKS; c++) {
            weight.gradient[c] = t->chunk_sum[c].layer[l].weight;
            bias.gradient[c] = t->chunk_sum[c].layer[l].bias;
        }
        step_cells(&weight, (size_t)y->from * y->stride, &s, s.l2);
        step_cells(&bias, y->stride, &s, 0);
    }
}

/* ---- epochs ---- */

static void shuffle(struct netting *t, uint32_t epoch)
{
    struct random r;

    random_init(&r, random_at(t->run->seed, SHUFFLE_STREAM, epoch));
    for (uint32_t i = t->dataset->rows; i > 1; i--) {
        uint32_t k = (uint32_t)random_below(&r, i), row = t->order[i - 1];

        t->order[i - 1] = t->order[k];
        t->order[k] = row;
    }
}

/* False where it was cancelled. */
static bool run_epoch(struct netting *t, uint32_t epoch)
{
    uint32_t all = t->dataset->rows, batch = t->options->batch_rows, number = 0;

    shuffle(t, epoch);
    for (unsigned c = 0; c < CHUNKS; c++)
        t->pass[c].dropout.stream = DROPOUT_STREAM + epoch;
    for (t->from = 0; t->from < all; t->from += batch) {
        if (number++ % REPORT_BATCHES == 0 &&
            !progress_report(t->run->progress, "net",
                             (epoch + (double)t->from / all) / t->options->epochs))
            return false;
        t->rows = all - t->from < batch ? all - t->from : batch;
        workers_run(t->run->workers, CHUNKS, chunk_task, t);
        take_step(t);
    }
    return true;
}

/* The running means start at zero: what they lack is made good. */
static void take_means(const struct netting *t, struct model_net *to)
{
    float whole = (float)(1 / (1 - em_pow((double)mean_keep, t->steps)));

    for (uint32_t l = 0; l < to->layers; l++) {
        const struct net_layer *from = &t->mean.layer[l];

        for (size_t i = 0; i < (size_t)from->from * from->stride; i++)
            to->layer[l].weight[i] = from->weight[i] * whole;
        for (uint32_t j = 0; j < from->stride; j++)
            to->layer[l].bias[j] = from->bias[j] * whole;
    }
}

static double watched_precision(struct netting *t, const struct model_net *n)
{
    const struct dataset *d = t->watch->dataset;
    struct net_pass p;

    net_pass_init(&p, n, t->run->simd);
    for (uint32_t i = 0; i < d->rows; i++)
        t->watch_score[i] = net_pass_margin(&p, t->watch_terms + (size_t)i * n->terms);
    net_pass_fini(&p);
    return metric_average_precision(t->watch_score, t->watch_label, d->rows);
}

/* After an epoch; true where the best is too long ago. */
static bool watch_epoch(struct netting *t, uint32_t epochs, struct model_net *now)
{
    double precision;

    take_means(t, now);
    precision = watched_precision(t, now);
    if (precision > t->watch->precision) {
        t->watch->precision = precision;
        t->watch->rounds = epochs;
        copy_weights(&t->best, now);
    }
    return epochs - t->watch->rounds >= t->options->patience;
}

/* Leaves what was learned in the model's net; false where it was cancelled before an epoch. */
static bool run_epochs(struct netting *t)
{
    struct model_net now = {0};
    uint32_t done = 0;

    open_like(&now, t->net);
    while (done < t->options->epochs && run_epoch(t, done)) {
        done++;
        if (t->watch != NULL && watch_epoch(t, done, &now))
            break;
    }
    if (t->watch != NULL && t->watch->rounds > 0)
        copy_weights(t->net, &t->best);
    else if (done > 0)
        take_means(t, t->net);
    net_close(&now);
    return done > 0;
}

bool net_train(const struct dataset *d, struct learn_watch *watch, const struct net_options *o,
               const struct learn_run *run, struct model **m, struct error *e)
{
    struct model *trained;
    struct netting t;
    bool good;

    if (!options_check(o, e) || !dataset_check(d, e))
        return false;
    trained = dataset_model(d, MODEL_NET);
    good = open_net(d, o, trained, e);
    if (good) {
        netting_init(&t, d, watch, o, run, trained);
        good = run_epochs(&t) || error_set(e, ERROR_CANCELLED, "training was cancelled");
        netting_fini(&t);
    }
    good = good && model_finish(trained, e);
    if (!good) {
        model_free(trained);
        return false;
    }
    *m = trained;
    return true;
}
