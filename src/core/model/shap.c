/* Exact path-dependent TreeSHAP by Gauss-Legendre quadrature.
 *
 * With the training cover as weights (Lundberg et al., "From local explanations to global
 * understanding with explainable AI for trees", 2020), a leaf of value v counts v * prod(o_j) *
 * prod(z_j) for a set S of known inputs: o_j = 1 where the row passes all of input j's splits on
 * the path (else 0), for j in S; z_j = the product of the cover shares of j's splits, for j not in
 * S. The Shapley value of such a product game is an integral (Owen's multilinear extension, 1972):
 *
 *     phi_f = v (o_f - z_f) * integral over t in [0, 1] of prod over j != f of (t o_j + (1-t) z_j)
 *
 * a polynomial of degree (inputs on the path - 1), so ceil(inputs / 2) Gauss-Legendre points give
 * it exactly. Every factor is positive inside (0, 1): nothing cancels, unlike the classic unwinding
 * of path weights (shap issue 4042). All leaves share one descent: c carries the product of factors
 * down, the sum of v * c comes back up, and each edge adds what it changed in (o_f - z_f) /
 * factor_f, so that an input met twice on a path telescopes to its final state.
 */
#include "core/model/shap.h"

#include "core/base/panic.h"
#include "core/model/quadrature.h"

enum { POINTS_MAX = MODEL_DEPTH_MAX / 2 };

struct shap_rule {
    uint32_t points;
    double t[POINTS_MAX];      /* in (0, 1) */
    double weight[POINTS_MAX]; /* sum to 1 */
    double expected;           /* cover-weighted mean of all leaves, log-odds */
};

static double tree_expected(const struct tree_node *node, uint32_t nodes)
{
    double sum = 0;

    for (uint32_t i = 0; i < nodes; i++) {
        if (node[i].left == 0)
            sum += (double)node[i].value * node[i].cover;
    }
    return sum / node[0].cover / (double)LEAF_ONE;
}

static uint32_t tree_depth(const struct tree_node *node, uint32_t at)
{
    uint32_t left, right;

    if (node[at].left == 0)
        return 0;
    left = tree_depth(node, node[at].left);
    right = tree_depth(node, node[at].left + 1);
    return 1 + (left > right ? left : right);
}

struct shap_rule *shap_rule_new(const struct model_forest *f)
{
    struct shap_rule *r = mem_alloc(sizeof *r);
    uint32_t deepest = 1;

    r->expected = (double)f->base / (double)LEAF_ONE;
    for (uint32_t t = 0; t < f->trees; t++) {
        const struct tree_node *node = f->node + f->first[t];
        uint32_t depth = tree_depth(node, 0);

        if (depth > deepest)
            deepest = depth;
        r->expected += tree_expected(node, f->first[t + 1] - f->first[t]);
    }
    ASSERT(deepest <= MODEL_DEPTH_MAX);
    r->points = (deepest + 1) / 2;
    gauss_legendre(r->points, r->t, r->weight);
    return r;
}

void shap_rule_free(struct shap_rule *r)
{
    mem_free(r);
}

/* What the path so far says of one input. */
struct known {
    double one, zero;
};

struct descent {
    const struct shap_rule *rule;
    const struct tree_node *node;
    const double *x;
    double *contribution;
    uint32_t depth;
    uint16_t input[MODEL_DEPTH_MAX];     /* of the edges above */
    struct known known[MODEL_DEPTH_MAX]; /* of that input after the edge */
};

static struct known look_up(const struct descent *d, uint16_t input)
{
    for (uint32_t i = d->depth; i-- > 0;) {
        if (d->input[i] == input)
            return d->known[i];
    }
    return (struct known){1, 1};
}

static void descend(struct descent *d, uint32_t at, const double *c, double *sum);

/* Down one edge and back: sum += v * c over the leaves below. */
static void edge(struct descent *d, const struct tree_node *parent, uint32_t child, bool taken,
                 struct known old, const double *c, double *sum)
{
    const struct shap_rule *r = d->rule;
    struct known new = {taken ? old.one : 0,
                        old.zero * d->node[child].cover / (double)parent->cover};
    double below[POINTS_MAX] = {0}, product[POINTS_MAX] = {0}, change[POINTS_MAX], phi = 0;

    for (uint32_t i = 0; i < r->points; i++) {
        double before = r->t[i] * old.one + (1 - r->t[i]) * old.zero;
        double after = r->t[i] * new.one + (1 - r->t[i]) * new.zero;

        product[i] = c[i] * after / before;
        change[i] = (new.one - new.zero) / after - (old.one - old.zero) / before;
    }
    d->input[d->depth] = parent->input;
    d->known[d->depth++] = new;
    descend(d, child, product, below);
    d->depth--;
    for (uint32_t i = 0; i < r->points; i++) {
        phi += r->weight[i] * below[i] * change[i];
        sum[i] += below[i];
    }
    d->contribution[parent->input] += phi;
}

static void descend(struct descent *d, uint32_t at, const double *c, double *sum)
{
    const struct tree_node *n = &d->node[at];
    struct known old;
    uint32_t taken;

    if (n->left == 0) {
        double value = (double)n->value / (double)LEAF_ONE;

        for (uint32_t i = 0; i < d->rule->points; i++)
            sum[i] += value * c[i];
        return;
    }
    old = look_up(d, n->input);
    taken = tree_next(n, d->x[n->input]);
    edge(d, n, n->left, taken == n->left, old, c, sum);
    edge(d, n, n->left + 1u, taken == n->left + 1u, old, c, sum);
}

double shap_explain(const struct model *m, const double *x, double *contribution)
{
    const struct model_forest *f = &m->forest;
    double ones[POINTS_MAX];

    for (unsigned i = 0; i < POINTS_MAX; i++)
        ones[i] = 1;
    for (uint32_t t = 0; t < f->trees; t++) {
        struct descent d = {
            .rule = m->shap, .node = f->node + f->first[t], .x = x, .contribution = contribution};
        double sum[POINTS_MAX] = {0};

        descend(&d, 0, ones, sum);
    }
    return m->shap->expected;
}
