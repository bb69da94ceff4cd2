/* Contributions of the inputs to an imported model's margin.
 *
 * Trees: exact path-dependent TreeSHAP as in shap.c, where an input that several columns are made
 * of is one player. Sums are in double, so base + contributions is the margin up to the rounding
 * of the library's own sum.
 *
 * Layers: integrated gradients (Sundararajan, Taly and Yan, 2017) along the straight line from
 * columns of zero, which are the training means where a standard scaler is part of the file. For
 * linear models that is weight * value, exactly; for nets what the midpoint rule leaves over is
 * shared out in proportion, so that the contributions add up.
 */
#include <math.h>

#include "core/base/elementary.h"
#include "core/base/panic.h"
#include "core/model/imported_parts.h"
#include "core/model/quadrature.h"

enum { POINTS_MAX = (IMPORTED_DEPTH_MAX + 1) / 2, LINE_STEPS = 64 };

/* ---- trees ---- */

static const double least_zero = 1e-300; /* products of shares stay apart from 0 */

/* What the path so far says of one input. */
struct known {
    double one, zero;
};

struct descent {
    const struct imported *m;
    const double *v; /* the columns */
    double *contribution;
    uint32_t points;
    double t[POINTS_MAX], weight[POINTS_MAX];
    uint32_t depth;
    uint32_t input[IMPORTED_DEPTH_MAX]; /* of the edges above */
    struct known known[IMPORTED_DEPTH_MAX];
};

static struct known look_up(const struct descent *d, uint32_t input)
{
    for (uint32_t i = d->depth; i-- > 0;) {
        if (d->input[i] == input)
            return d->known[i];
    }
    return (struct known){1, 1};
}

static void descend(struct descent *d, const struct imported_node *n, const double *c, double *sum);

/* Down one edge and back: sum += value * c over the leaves below. */
static void edge(struct descent *d, uint32_t input, uint32_t child, bool taken, struct known old,
                 const double *c, double *sum)
{
    const struct imported_trees *trees = &d->m->trees;
    struct known new = {taken ? old.one : 0, fmax(old.zero * trees->share[child], least_zero)};
    double below[POINTS_MAX], product[POINTS_MAX], change[POINTS_MAX], phi = 0;

    for (uint32_t i = 0; i < d->points; i++) {
        double before = d->t[i] * old.one + (1 - d->t[i]) * old.zero;
        double after = d->t[i] * new.one + (1 - d->t[i]) * new.zero;

        below[i] = 0;
        product[i] = c[i] * after / before;
        change[i] = (new.one - new.zero) / after - (old.one - old.zero) / before;
    }
    d->input[d->depth] = input;
    d->known[d->depth++] = new;
    descend(d, &trees->node[child], product, below);
    d->depth--;
    for (uint32_t i = 0; i < d->points; i++) {
        phi += d->weight[i] * below[i] * change[i];
        sum[i] += below[i];
    }
    d->contribution[input] += phi / trees->divisor;
}

static void descend(struct descent *d, const struct imported_node *n, const double *c, double *sum)
{
    uint32_t input;
    struct known old;
    bool left;

    if (n->test == TEST_LEAF) {
        for (uint32_t i = 0; i < d->points; i++)
            sum[i] += n->threshold * c[i];
        return;
    }
    input = d->m->column[n->column].input;
    old = look_up(d, input);
    left = imported_goes_left(&d->m->trees, n, d->v[n->column]);
    edge(d, input, n->left, left, old, c, sum);
    edge(d, input, n->right, !left, old, c, sum);
}

static double explain_trees(const struct imported *m, const double *v, double *contribution)
{
    const struct imported_trees *t = &m->trees;
    struct descent d = {.m = m, .v = v, .contribution = contribution, .points = t->points};
    double ones[POINTS_MAX];

    gauss_legendre(d.points, d.t, d.weight);
    for (unsigned i = 0; i < POINTS_MAX; i++)
        ones[i] = 1;
    for (uint32_t tree = 0; tree < t->trees; tree++) {
        double sum[POINTS_MAX] = {0};

        descend(&d, &t->node[t->first[tree]], ones, sum);
    }
    return t->expected;
}

/* ---- layers ---- */

/* work: all vectors, one after the other. */
static double run_layers(const struct imported *m, double *work)
{
    double *at = work;

    for (uint32_t i = 0; i < m->layers; i++) {
        imported_layer_run(&m->layer[i], at, at + m->layer[i].in);
        at += m->layer[i].in;
    }
    return imported_output_of(m, at);
}

static double slope_of(const struct imported_layer *l, uint32_t i, double in, double out)
{
    switch ((enum imported_layer_kind)l->kind) {
    case LAYER_MUL:
        return l->weight[i];
    case LAYER_RELU:
        return in > 0 ? 1 : 0;
    case LAYER_LEAKY:
        return in < 0 ? l->slope : 1;
    case LAYER_ELU:
        return in < 0 ? out + l->slope : 1;
    case LAYER_SIGMOID:
        return out * (1 - out);
    case LAYER_TANH:
        return 1 - out * out;
    default:
        return 1;
    }
}

/* below[i] = sum over the layer's results of their gradient times that of in[i]. */
static void layer_back(const struct imported_layer *l, const double *in, const double *out,
                       const double *above, double *below)
{
    bool is_matrix = l->kind == LAYER_DENSE || l->kind == LAYER_CHAIN;

    for (uint32_t i = 0; i < l->in; i++)
        below[i] = is_matrix ? 0 : above[i] * slope_of(l, i, in[i], out[i]);
    for (uint32_t o = 0; o < l->out && is_matrix; o++) {
        for (uint32_t i = 0; i < l->in; i++)
            below[i] += above[o] * l->weight[(size_t)o * l->in + i];
    }
}

/* The gradient by the columns; `one` and `other` have room for the widest vector. */
static const double *gradient(const struct imported *m, const double *work, double *one,
                              double *other)
{
    const double *out = work + m->cells;
    double *above = one, *below = other;

    for (uint32_t o = 0; o < m->width; o++)
        above[o] = 0;
    above[m->output == OUTPUT_ONLY ? 0 : 1] = 1;
    if (m->output == OUTPUT_DIFFERENCE)
        above[0] = -1;
    out -= m->layer[m->layers - 1].out;
    for (uint32_t i = m->layers; i-- > 0;) {
        const double *in = out - m->layer[i].in;
        double *swap = above;

        layer_back(&m->layer[i], in, out, above, below);
        above = below;
        below = swap;
        out = in;
    }
    return above;
}

static void share_rest(double *part, uint32_t count, double rest)
{
    double all = 0;

    for (uint32_t i = 0; i < count; i++)
        all += fabs(part[i]);
    for (uint32_t i = 0; i < count && all > 0; i++)
        part[i] += rest * (fabs(part[i]) / all);
}

static double explain_layers(const struct imported *m, const double *v, double margin,
                             double *contribution, double *work)
{
    double *one = work + m->cells, *other = one + m->width, *part = other + m->width;
    double base, sum = 0;

    for (uint32_t i = 0; i < m->columns; i++)
        work[i] = part[i] = 0;
    base = run_layers(m, work);
    for (unsigned step = 0; step < LINE_STEPS; step++) {
        const double *slope;

        for (uint32_t i = 0; i < m->columns; i++)
            work[i] = v[i] * ((step + 0.5) / LINE_STEPS);
        run_layers(m, work);
        slope = gradient(m, work, one, other);
        for (uint32_t i = 0; i < m->columns; i++)
            part[i] += slope[i] * v[i] / LINE_STEPS;
    }
    for (uint32_t i = 0; i < m->columns; i++)
        sum += part[i];
    if (!isfinite(base) || !isfinite(sum))
        return margin;
    share_rest(part, m->columns, margin - base - sum);
    for (uint32_t i = 0; i < m->columns; i++)
        contribution[m->column[i].input] += part[i];
    return base;
}

size_t imported_work(const struct imported *m)
{
    return m->cells + 3 * (size_t)m->width + m->columns;
}

double imported_explain(const struct imported *m, const double *x, double *contribution,
                        double *work)
{
    double margin = imported_margin(m, x, work);
    double *v = work + imported_work(m) - m->columns;

    imported_columns(m, x, v);
    if (m->is_trees)
        return explain_trees(m, v, contribution);
    return explain_layers(m, v, margin, contribution, work);
}
