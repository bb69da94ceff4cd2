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
 * of path weights (shap issue 4042).
 *
 * All leaves share one walk. At a node that splits input f, let z be the cover share of f's splits
 * above, r that of the child that the row does not take, q = 1 / (t + (1-t) z), which is 1 where f
 * was not split above. Then, at each point t,
 *
 *     B = (1-t) z q r     the share of the product of factors that goes to the child not taken;
 *     c                   the product of the factors above: the child not taken gets c B, the
 *                         other one c (1-B);
 *     b                   the sum over the leaves below of value times the factors below: a leaf's
 *                         is its value, a node's b_taken - B (b_taken - b_other);
 *     phi_f += w (q / (1-t)) c B (b_taken - b_other)
 *
 * with w the point's weight: what an edge changes in (o_f - z_f) / factor_f telescopes to that. So
 * a node needs two vectors over the points, (1-t) z q and w q / (1-t), which are the same at all
 * nodes whose input was not split above. Where the row is off input f's way above, f's factor is
 * (1-t) z and both children share it by cover: B = r, and nothing is added to phi.
 *
 * The points lie in lanes of four, added in one order, so all SIMD levels give the same bits. */
#include "core/model/shap.h"

#include <string.h>

#include "core/base/panic.h"
#include "core/model/quadrature.h"
#include "core/model/ranks.h"

enum {
    POINTS_MAX = MODEL_DEPTH_MAX / 2,
    LANES = 4,
    FACTORS_OFF = 0, /* where the row is off the input's way */
    FACTORS_NEW = 1, /* where the input was not split above; then one for each other node */
    NOWHERE = 0,     /* in `off_way`: the input was not split above */
};

typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));

/* An internal node. Two lie in a cache line: a large forest comes from the second-level cache or
 * from farther away, and its bytes are what a row takes. */
struct shap_node {
    double share[2];     /* cover of the left and the right child over this one's */
    uint32_t factors;    /* where the row is on its input's way */
    uint16_t slot, rank; /* right where the row's rank in the slot is above (ranks.h) */
    uint16_t input;
    uint16_t at;   /* in its tree */
    uint16_t left; /* its left child, likewise */
    uint16_t way;  /* in `off_way`: 2 * (the number of the node above, from 1) + side */
};

struct shap_tree {
    uint32_t node, leaf; /* where they begin */
    uint32_t nodes;      /* internal ones, breadth first; leaves are one more */
};

struct shap_rule {
    double t[POINTS_MAX], w[POINTS_MAX]; /* the quadrature's points and weights */
    double expected;                     /* cover-weighted mean of all leaves, log-odds */
    uint32_t inputs;
    uint32_t vectors; /* of LANES points */
    uint32_t trees;
    uint32_t largest; /* nodes of a tree, leaves too */
    struct shap_tree *tree;
    struct shap_node *node;
    double *value;  /* of each leaf */
    uint16_t *leaf; /* where it is in its tree */
    const struct forest_ranks *ranks;
    lanes *share;  /* by factors: (1-t) z q, `vectors` each */
    lanes *weight; /* w q / (1-t) */
};

/* Where a row goes at a node: indices of vectors. */
struct shap_way {
    double other_share; /* cover of the child not taken over the node's */
    uint32_t taken, other;
    uint32_t factors;
};

struct shap_scratch {
    uint16_t *ranks;      /* of the row */
    lanes *phi;           /* by input */
    lanes *above;         /* c, by node of a tree */
    lanes *below;         /* b */
    struct shap_way *way; /* by internal node */
    uint8_t *off_way; /* whether the row is off the input's way, behind each side of each node */
};

/* ---- the rule ---- */

struct making {
    struct shap_rule *rule;
    const struct tree_node *node; /* of the tree */
    uint32_t *parent;             /* by node */
    double *z;                    /* by node: cover share of its input's splits above */
    uint32_t repeats;
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

/* Goes up from a node to the next that splits the same input. Its parent's child that was come
 * from; 0 where there is none. */
static uint32_t same_above(const struct tree_node *node, const uint32_t *parent, uint32_t at)
{
    for (uint32_t child = at; child != 0; child = parent[child]) {
        if (node[parent[child]].input == node[at].input)
            return child;
    }
    return 0;
}

/* The most different inputs on a path. */
static uint32_t count_inputs(const struct tree_node *node, uint32_t nodes, uint32_t *parent)
{
    uint8_t inputs[MODEL_TREE_NODES_MAX];
    uint32_t most = 1;

    inputs[0] = 0;
    for (uint32_t i = 0; i < nodes; i++) {
        if (node[i].left == 0)
            continue;
        parent[node[i].left] = parent[node[i].left + 1] = i;
        inputs[node[i].left] = (uint8_t)(inputs[i] + (same_above(node, parent, i) == 0));
        inputs[node[i].left + 1] = inputs[node[i].left];
        most = inputs[node[i].left] > most ? inputs[node[i].left] : most;
    }
    return most;
}

static void set_factors(struct shap_rule *r, uint32_t number, double z, bool off)
{
    const double *t = r->t, *w = r->w;
    uint32_t points = r->vectors * LANES;
    double *share = (double *)(r->share + (size_t)number * r->vectors);
    double *weight = (double *)(r->weight + (size_t)number * r->vectors);

    for (uint32_t i = 0; i < points; i++) {
        double q = 1 / (t[i] + (1 - t[i]) * z);

        share[i] = off ? 1 : (1 - t[i]) * z * q;
        weight[i] = off ? 0 : w[i] * q / (1 - t[i]);
    }
}

static void make_node(struct making *y, struct shap_node *to, uint32_t at, const uint32_t *number)
{
    const struct tree_node *n = &y->node[at];
    uint32_t child = same_above(y->node, y->parent, at);
    double z = 1;

    *to = (struct shap_node){.factors = FACTORS_NEW,
                             .slot = forest_slot(y->rule->ranks, n),
                             .rank = forest_rank(y->rule->ranks, n),
                             .input = n->input,
                             .at = (uint16_t)at,
                             .left = n->left};
    for (unsigned side = 0; side < 2; side++)
        to->share[side] = y->node[n->left + side].cover / (double)n->cover;
    if (child != 0) {
        uint32_t above = y->parent[child];

        z = y->z[above] * y->node[child].cover / (double)y->node[above].cover;
        to->way = (uint16_t)(2 * (number[above] + 1) + (child != y->node[above].left));
        to->factors = FACTORS_NEW + 1 + y->repeats;
        set_factors(y->rule, to->factors, z, false);
        y->repeats++;
    }
    y->z[at] = z;
}

static void make_tree(struct making *y, struct shap_tree *to, uint32_t nodes)
{
    struct shap_rule *r = y->rule;
    uint32_t *number = mem_array(nodes, sizeof *number), leaves = 0;

    count_inputs(y->node, nodes, y->parent);
    for (uint32_t i = 0; i < nodes; i++) {
        if (y->node[i].left == 0) {
            r->value[to->leaf + leaves] = (double)y->node[i].value / (double)LEAF_ONE;
            r->leaf[to->leaf + leaves++] = (uint16_t)i;
            continue;
        }
        number[i] = to->nodes;
        make_node(y, &r->node[to->node + to->nodes++], i, number);
    }
    mem_free(number);
}

/* How many nodes split an input that was split above them. */
static uint32_t count_repeats(const struct tree_node *node, uint32_t nodes, const uint32_t *parent)
{
    uint32_t repeats = 0;

    for (uint32_t i = 0; i < nodes; i++)
        repeats += node[i].left != 0 && same_above(node, parent, i) != 0;
    return repeats;
}

/* Sizes: how many points, and vectors for how many nodes. */
static void measure(struct shap_rule *r, const struct model_forest *f, uint32_t first,
                    uint32_t *parent)
{
    uint32_t inputs = 1, repeats = 0, points;

    for (uint32_t t = first; t < first + r->trees; t++) {
        const struct tree_node *node = f->node + f->first[t];
        uint32_t nodes = f->first[t + 1] - f->first[t], most = count_inputs(node, nodes, parent);

        inputs = most > inputs ? most : inputs;
        repeats += count_repeats(node, nodes, parent);
        r->expected += tree_expected(node, nodes);
        r->largest = nodes > r->largest ? nodes : r->largest;
    }
    ASSERT(inputs <= MODEL_DEPTH_MAX);
    points = (inputs + 1) / 2;
    r->vectors = (points + LANES - 1) / LANES;
    r->share = mem_aligned(64, (size_t)(repeats + 2) * r->vectors * sizeof *r->share);
    r->weight = mem_aligned(64, (size_t)(repeats + 2) * r->vectors * sizeof *r->weight);
    gauss_legendre(r->vectors * LANES, r->t, r->w);
    set_factors(r, FACTORS_OFF, 1, true);
    set_factors(r, FACTORS_NEW, 1, false);
}

struct shap_rule *shap_rule_new(const struct model *m, uint32_t first, uint32_t trees)
{
    const struct model_forest *f = &m->forest;
    struct shap_rule *r = mem_alloc(sizeof *r);
    uint32_t nodes = f->first[first + trees] - f->first[first];
    struct making y = {.rule = r};

    r->expected = first == 0 ? (double)f->base / (double)LEAF_ONE : 0;
    r->inputs = m->inputs;
    r->ranks = m->ranks;
    r->trees = trees;
    r->largest = 1;
    y.parent = mem_array(MODEL_TREE_NODES_MAX, sizeof *y.parent);
    y.z = mem_array(MODEL_TREE_NODES_MAX, sizeof *y.z);
    measure(r, f, first, y.parent);
    r->tree = mem_array(trees + 1, sizeof *r->tree);
    r->node = mem_array(nodes + 1, sizeof *r->node);
    r->value = mem_array(nodes + 1, sizeof *r->value);
    r->leaf = mem_array(nodes + 1, sizeof *r->leaf);
    for (uint32_t t = 0; t < trees; t++) {
        struct shap_tree *to = &r->tree[t];
        uint32_t from = f->first[first + t];

        if (t > 0)
            *to = (struct shap_tree){.node = to[-1].node + to[-1].nodes,
                                     .leaf = to[-1].leaf + to[-1].nodes + 1};
        y.node = f->node + from;
        make_tree(&y, to, f->first[first + t + 1] - from);
    }
    mem_free(y.parent);
    mem_free(y.z);
    return r;
}

void shap_rule_free(struct shap_rule *r)
{
    if (r == NULL)
        return;
    mem_free(r->tree);
    mem_free(r->node);
    mem_free(r->value);
    mem_free(r->leaf);
    mem_free(r->share);
    mem_free(r->weight);
    mem_free(r);
}

/* Two who ask at once make the same rule; the later one goes. */
const struct shap_rule *shap_rule_of(const struct model *m)
{
    struct shap_rule **place = (struct shap_rule **)&m->shap;
    struct shap_rule *there = __atomic_load_n(place, __ATOMIC_ACQUIRE), *made;

    if (there != NULL)
        return there;
    made = shap_rule_new(m, 0, m->forest.trees);
    if (__atomic_compare_exchange_n(place, &there, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return made;
    shap_rule_free(made);
    return there;
}

struct shap_scratch *shap_scratch_new(const struct shap_rule *r)
{
    struct shap_scratch *s = mem_alloc(sizeof *s);
    size_t vectors = (size_t)r->largest * r->vectors * sizeof(lanes);

    s->ranks = mem_array(forest_ranks_stride(r->ranks) + 1, sizeof *s->ranks);
    s->phi = mem_aligned(64, (size_t)(r->inputs + 1) * sizeof *s->phi);
    s->above = mem_aligned(64, vectors);
    s->below = mem_aligned(64, vectors);
    s->way = mem_array(r->largest, sizeof *s->way);
    s->off_way = mem_array((size_t)r->largest + 3, sizeof *s->off_way);
    return s;
}

void shap_scratch_free(struct shap_scratch *s)
{
    if (s == NULL)
        return;
    mem_free(s->ranks);
    mem_free(s->phi);
    mem_free(s->above);
    mem_free(s->below);
    mem_free(s->way);
    mem_free(s->off_way);
    mem_free(s);
}

/* ---- one row ---- */

/* Down: which way the row goes at every node, whether it was on its input's way until then, and c.
 * Pointers are held apart from their struct: what is stored through them could change it, for all
 * that the compiler knows. */
__attribute__((always_inline)) static inline void walk_down(const struct shap_rule *r,
                                                            const struct shap_tree *t,
                                                            struct shap_scratch *s,
                                                            uint32_t vectors)
{
    const struct shap_node *node = r->node + t->node;
    const lanes *const share = r->share;
    const uint16_t *const rank = s->ranks;
    lanes *const above = s->above;
    uint8_t *const off_way = s->off_way;
    struct shap_way *const way = s->way;
    uint32_t nodes = t->nodes;

    for (uint32_t v = 0; v < vectors; v++)
        above[v] = (lanes){1, 1, 1, 1};
    for (uint32_t k = 0; k < nodes; k++) {
        const struct shap_node *n = &node[k];
        uint32_t right = rank[n->slot] > n->rank, off = off_way[n->way];
        uint32_t factors = n->factors & (off - 1); /* FACTORS_OFF is 0 */
        uint32_t at = n->at * vectors, taken = (n->left + right) * vectors;
        uint32_t other = (n->left + !right) * vectors;
        double share_out = n->share[!right];

        off_way[2 * k + 2] = (uint8_t)(off | right);
        off_way[2 * k + 3] = (uint8_t)(off | !right);
        way[k] = (struct shap_way){share_out, taken, other, factors * vectors};
        for (uint32_t v = 0; v < vectors; v++) {
            lanes part = above[at + v] * (share[factors * vectors + v] * share_out);

            above[other + v] = part;
            above[taken + v] = above[at + v] - part;
        }
    }
}

/* Up: b, and what every node adds to its input. */
__attribute__((always_inline)) static inline void walk_up(const struct shap_rule *r,
                                                          const struct shap_tree *t,
                                                          struct shap_scratch *s, uint32_t vectors)
{
    const struct shap_node *node = r->node + t->node;
    const double *const value = r->value + t->leaf;
    const uint16_t *const leaf = r->leaf + t->leaf;
    const lanes *const share = r->share, *const weight = r->weight;
    const lanes *const above = s->above;
    lanes *const below = s->below, *const phi = s->phi;
    const struct shap_way *const way = s->way;
    uint32_t nodes = t->nodes;

    for (uint32_t i = 0; i <= nodes; i++) {
        for (uint32_t v = 0; v < vectors; v++)
            below[leaf[i] * vectors + v] = value[i] - (lanes){0};
    }
    for (uint32_t k = nodes; k-- > 0;) {
        const struct shap_way w = way[k];
        uint32_t at = node[k].at * vectors;
        lanes *sum = &phi[node[k].input];

        for (uint32_t v = 0; v < vectors; v++) {
            lanes change = below[w.taken + v] - below[w.other + v];

            *sum += weight[w.factors + v] * (above[w.other + v] * change);
            below[at + v] = below[w.taken + v] - share[w.factors + v] * w.other_share * change;
        }
    }
}

__attribute__((always_inline)) static inline void explain_tree(const struct shap_rule *r,
                                                               const struct shap_tree *t,
                                                               struct shap_scratch *s,
                                                               uint32_t vectors)
{
    walk_down(r, t, s, vectors);
    walk_up(r, t, s, vectors);
}

__attribute__((always_inline)) static inline void explain_trees(const struct shap_rule *r,
                                                                struct shap_scratch *s)
{
    for (uint32_t t = 0; t < r->trees; t++) {
        if (r->vectors == 1)
            explain_tree(r, &r->tree[t], s, 1);
        else
            explain_tree(r, &r->tree[t], s, r->vectors);
    }
}

static void explain_scalar(const struct shap_rule *r, struct shap_scratch *s)
{
    explain_trees(r, s);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void explain_avx2(const struct shap_rule *r,
                                                         struct shap_scratch *s)
{
    explain_trees(r, s);
}
#endif

double shap_explain(const struct shap_rule *r, struct shap_scratch *s, const double *x,
                    double *contribution, enum simd level)
{
    forest_ranks_of(r->ranks, x, s->ranks, level);
    for (uint32_t j = 0; j < r->inputs; j++)
        s->phi[j] = (lanes){0};
#if defined(__x86_64__)
    if (level >= SIMD_AVX2)
        explain_avx2(r, s);
    else
#endif
        explain_scalar(r, s);
    for (uint32_t j = 0; j < r->inputs; j++)
        contribution[j] += (s->phi[j][0] + s->phi[j][1]) + (s->phi[j][2] + s->phi[j][3]);
    return r->expected;
}
