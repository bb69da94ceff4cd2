/* Logistic regression by Newton's method with step halving; the normal equations by Cholesky.
 *
 * A quasi-Newton library was rejected: with correlated windows (1, 7 and 30 days of the same count)
 * L-BFGS takes hundreds of passes to the sixth digit, Newton about eight. A pass costs rows *
 * terms^2 / 2; sums are taken over a fixed number of chunks and merged in order.
 *
 * With an L1 penalty the step goes to the minimum of the quadratic model plus the penalty (proximal
 * Newton: Lee, Sun and Saunders 2014), found by coordinate descent (Friedman, Hastie and Tibshirani
 * 2010); weights become exactly zero.
 */
#include "core/learn/learn.h"

#include <math.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/learn/design.h"

enum {
    ROUNDS_MAX = 50,
    HALVINGS_MAX = 30,
    SWEEPS_MAX = 10000, /* of coordinate descent in one step */
    CHUNKS = 16,
};

static const double l2_least = 1e-9;        /* so that separable classes have an optimum */
static const double gradient_small = 1e-10; /* of the mean loss: the fit is done */
static const double ridge =
    1e-9; /* steadies the solve where terms are collinear; moves no optimum */

struct sums {
    double loss;
    double *gradient; /* size */
    double *hessian;  /* size * size, lower triangle */
};

struct fit {
    const struct dataset *dataset;
    struct design design;
    uint32_t size; /* terms and the intercept, which is last */
    double l2, l1;
    double class_weight[2];
    const struct workers *workers;
    double *weight; /* where the sums are taken */
    struct sums chunk[CHUNKS];
};

void logistic_defaults(struct logistic_options *o)
{
    *o =
        (struct logistic_options){.balance = BALANCE_NONE, .l2 = 1e-5, .knots = LOGISTIC_KNOTS_MAX};
}

/* ---- sums over the rows ---- */

static double log_loss(double margin, bool fraud)
{
    double wrong = fraud ? -margin : margin; /* log(1 + exp(wrong)) */

    return (wrong > 0 ? wrong : 0) + em_log1p(em_exp(-fabs(wrong)));
}

static void add_row(const struct fit *f, uint32_t row, double *z, struct sums *s)
{
    bool fraud = dataset_label(f->dataset, row) != 0;
    double w = f->class_weight[fraud], margin = 0, p;

    design_row(&f->design, row, z);
    z[f->size - 1] = 1;
    for (uint32_t i = 0; i < f->size; i++)
        margin += f->weight[i] * z[i];
    p = em_sigmoid(margin);
    s->loss += w * log_loss(margin, fraud);
    for (uint32_t i = 0; i < f->size; i++) {
        double *h = s->hessian + (size_t)i * f->size, c = w * p * (1 - p) * z[i];

        s->gradient[i] += w * (p - fraud) * z[i];
        for (uint32_t k = 0; k <= i; k++)
            h[k] += c * z[k];
    }
}

static void chunk_task(void *context, unsigned number)
{
    struct fit *f = context;
    struct sums *s = &f->chunk[number];
    uint32_t from = (uint32_t)((uint64_t)f->dataset->rows * number / CHUNKS);
    uint32_t to = (uint32_t)((uint64_t)f->dataset->rows * (number + 1) / CHUNKS);
    double *z = mem_array(f->size, sizeof *z);

    s->loss = 0;
    memset(s->gradient, 0, f->size * sizeof *s->gradient);
    memset(s->hessian, 0, (size_t)f->size * f->size * sizeof *s->hessian);
    for (uint32_t i = from; i < to; i++)
        add_row(f, i, z, s);
    mem_free(z);
}

/* Mean loss with penalty, its gradient and Hessian at f->weight, in chunk[0]. */
static struct sums *take_sums(struct fit *f)
{
    struct sums *s = &f->chunk[0];
    size_t cells = (size_t)f->size * f->size;
    double per_row = 1.0 / f->dataset->rows; /* class weights sum to the rows */

    workers_run(f->workers, CHUNKS, chunk_task, f);
    for (unsigned n = 1; n < CHUNKS; n++) {
        s->loss += f->chunk[n].loss;
        for (uint32_t i = 0; i < f->size; i++)
            s->gradient[i] += f->chunk[n].gradient[i];
        for (size_t i = 0; i < cells; i++)
            s->hessian[i] += f->chunk[n].hessian[i];
    }
    s->loss *= per_row;
    for (size_t i = 0; i < cells; i++)
        s->hessian[i] *= per_row;
    for (uint32_t i = 0; i < f->size; i++) {
        double penalty = i + 1 < f->size ? f->l2 : 0;

        s->gradient[i] = s->gradient[i] * per_row + penalty * f->weight[i];
        s->hessian[(size_t)i * f->size + i] += penalty + ridge;
        s->loss += penalty / 2 * f->weight[i] * f->weight[i];
        s->loss += i + 1 < f->size ? f->l1 * fabs(f->weight[i]) : 0;
    }
    return s;
}

/* ---- one step ---- */

/* Replaces the lower triangle of h by its Cholesky factor. */
static void factor(double *h, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        for (uint32_t k = 0; k <= i; k++) {
            double sum = h[(size_t)i * size + k];

            for (uint32_t j = 0; j < k; j++)
                sum -= h[(size_t)i * size + j] * h[(size_t)k * size + j];
            if (k < i)
                h[(size_t)i * size + k] = sum / h[(size_t)k * size + k];
            else
                h[(size_t)i * size + i] = sqrt(sum > ridge * 1e-3 ? sum : ridge * 1e-3);
        }
    }
}

/* v becomes the solution of factor * factor' * x = v. */
static void solve(const double *h, uint32_t size, double *v)
{
    for (uint32_t i = 0; i < size; i++) {
        for (uint32_t k = 0; k < i; k++)
            v[i] -= h[(size_t)i * size + k] * v[k];
        v[i] /= h[(size_t)i * size + i];
    }
    for (uint32_t i = size; i-- > 0;) {
        for (uint32_t k = i + 1; k < size; k++)
            v[i] -= h[(size_t)k * size + i] * v[k];
        v[i] /= h[(size_t)i * size + i];
    }
}

/* v, drawn towards zero by `by`. */
static double shrunk(double v, double by)
{
    return v > by ? v - by : v < -by ? v + by : 0;
}

/* The largest slope of what is minimised, by one weight; at a weight of zero the penalty holds
 * against slopes up to l1. */
static double steepest(const struct fit *f, const double *gradient)
{
    double most = 0;

    for (uint32_t i = 0; i < f->size; i++) {
        double l1 = i + 1 < f->size ? f->l1 : 0, w = f->weight[i], slope;

        slope = w == 0 ? shrunk(gradient[i], l1) : gradient[i] + (w > 0 ? l1 : -l1);
        most = fabs(slope) > most ? fabs(slope) : most;
    }
    return most;
}

static double cell_of(const double *h, uint32_t size, uint32_t i, uint32_t k)
{
    return i >= k ? h[(size_t)i * size + k] : h[(size_t)k * size + i];
}

/* step becomes what is to be taken off the weights to get to the minimum of gradient' d +
 * d' hessian d / 2 + l1 |weight + d|. */
static void descend(const struct fit *f, const struct sums *s, double *step)
{
    double *slope = mem_array(f->size, sizeof *slope), moved = 1; /* of the smooth part */

    memcpy(slope, s->gradient, f->size * sizeof *slope);
    memset(step, 0, f->size * sizeof *step);
    for (uint32_t sweep = 0; sweep < SWEEPS_MAX && moved > gradient_small / 100; sweep++) {
        moved = 0;
        for (uint32_t i = 0; i < f->size; i++) {
            double curve = s->hessian[(size_t)i * f->size + i], at = f->weight[i] - step[i];
            double to = shrunk(at - slope[i] / curve, (i + 1 < f->size ? f->l1 : 0) / curve);
            double by = to - at;

            if (by == 0)
                continue;
            step[i] = to == 0 ? f->weight[i] : step[i] - by;
            for (uint32_t k = 0; k < f->size; k++)
                slope[k] += by * cell_of(s->hessian, f->size, k, i);
            moved = fabs(by) * curve > moved ? fabs(by) * curve : moved;
        }
    }
    mem_free(slope);
}

static void newton_step(const struct fit *f, struct sums *s, double *step)
{
    if (f->l1 > 0) {
        descend(f, s, step);
        return;
    }
    memcpy(step, s->gradient, f->size * sizeof *step);
    factor(s->hessian, f->size);
    solve(s->hessian, f->size, step);
}

static bool newton(struct fit *f, const struct progress *progress, struct error *e)
{
    struct sums *s = take_sums(f);
    double *step = mem_array(f->size, sizeof *step);
    double *from = mem_array(f->size, sizeof *from);
    bool good = true, better = true;

    for (uint32_t round = 0; round < ROUNDS_MAX && better; round++) {
        double loss = s->loss, length = 1;

        if (steepest(f, s->gradient) <= gradient_small)
            break;
        good = progress_report(progress, "logistic", (double)round / ROUNDS_MAX) ||
               error_set(e, ERROR_CANCELLED, "training was cancelled");
        if (!good)
            break;
        memcpy(from, f->weight, f->size * sizeof *from);
        newton_step(f, s, step);
        better = false;
        for (uint32_t halving = 0; halving < HALVINGS_MAX && !better; halving++, length /= 2) {
            for (uint32_t i = 0; i < f->size; i++)
                f->weight[i] = from[i] - length * step[i];
            s = take_sums(f);
            better = s->loss <= loss;
        }
        if (!better)
            memcpy(f->weight, from, f->size * sizeof *from);
    }
    mem_free(step);
    mem_free(from);
    return good;
}

/* ---- all of it ---- */

static void fit_init(struct fit *f, const struct dataset *d, const struct logistic_options *o,
                     const struct learn_run *run)
{
    *f = (struct fit){.dataset = d, .workers = run->workers};
    design_init(&f->design, d, o->knots);
    f->size = f->design.terms + 1;
    f->l2 = o->l2 > l2_least ? o->l2 : l2_least;
    f->l1 = o->l1;
    dataset_weights(d, o->balance, f->class_weight);
    f->weight = mem_array(f->size, sizeof *f->weight);
    for (unsigned n = 0; n < CHUNKS; n++) {
        f->chunk[n].gradient = mem_array(f->size, sizeof(double));
        f->chunk[n].hessian = mem_array((size_t)f->size * f->size, sizeof(double));
    }
}

static void fit_fini(struct fit *f)
{
    for (unsigned n = 0; n < CHUNKS; n++) {
        mem_free(f->chunk[n].gradient);
        mem_free(f->chunk[n].hessian);
    }
    mem_free(f->weight);
    design_fini(&f->design);
}

bool logistic_train(const struct dataset *d, const struct logistic_options *o,
                    const struct learn_run *run, struct model **m, struct error *e)
{
    struct model *trained = NULL;
    struct fit f;
    bool good;

    if (!(o->l2 >= 0) || !(o->l1 >= 0) || isinf(o->l2) || isinf(o->l1))
        return error_set(e, ERROR_INVALID, "l2: %g and l1: %g must not be negative", o->l2, o->l1);
    if (!dataset_check(d, e))
        return false;
    fit_init(&f, d, o, run);
    good = newton(&f, run->progress, e);
    if (good) {
        trained = dataset_model(d, MODEL_LOGISTIC);
        design_fill(&f.design, f.weight, f.weight[f.size - 1], trained);
        good = model_finish(trained, e);
    }
    fit_fini(&f);
    if (!good) {
        model_free(trained);
        return false;
    }
    *m = trained;
    return true;
}
