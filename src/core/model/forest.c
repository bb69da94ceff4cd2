/* The kinds made of trees: boost, forest, isolation. They differ in what the sum of the leaves
 * means.
 *
 * isolation: h is the mean path length of a row, c(n) = 2 H(n-1) - 2 (n-1)/n the mean path length
 * of an unsuccessful search in a binary search tree of n rows; the anomaly score is 2^(-h/c) (Liu,
 * Ting and Zhou, "Isolation forest", 2008). Its contributions are those to h, rescaled so that they
 * add up in the score. */
#include "core/model/kind.h"

#include "core/base/elementary.h"
#include "core/model/kernel.h"
#include "core/model/shap.h"

enum {
    NODE_LEAF = 1,
    NODE_MISSING_LEFT = 2,
    NODE_BYTES_MIN = 13,  /* a leaf: flags, cover, value */
    RULE_NODES = 1 << 16, /* that are explained by one rule, where many rows are */
    CACHED_LINES = 8192,  /* half a megabyte: a forest of more is scored in larger blocks */
};

struct forest_scratch {
    enum simd level;
    const struct forest_kernel *kernel;
    uint16_t *ranks;           /* a block of ranked rows */
    struct shap_scratch *shap; /* made when first explained */
};

static void forest_close(struct model *m)
{
    mem_free(m->forest.first);
    mem_free(m->forest.node);
    forest_ranks_free(m->ranks);
    shap_rule_free(m->shap);
}

static bool forest_finish(struct model *m, struct error *e)
{
    m->ranks = forest_ranks_new(m, e);
    if (m->ranks == NULL)
        return false;
    if (m->ranks->lines > CACHED_LINES)
        m->block = MODEL_BLOCK_LARGE;
    m->mean_path = isolation_mean_path(m->forest.samples);
    return true;
}

static void *forest_scratch_new(const struct model *m, enum simd level)
{
    struct forest_scratch *s = mem_alloc(sizeof *s);

    s->level = level;
    s->kernel = forest_kernel_of(m->ranks, level);
    s->ranks = mem_array((size_t)m->block * forest_ranks_stride(m->ranks) + 1, sizeof *s->ranks);
    return s;
}

static void forest_scratch_free(const struct model *m, void *scratch)
{
    struct forest_scratch *s = scratch;

    mem_free(s->ranks);
    shap_scratch_free(s->shap);
    mem_free(s);
}

/* The leaves' sum of each row, 2^-32. */
static void sum_leaves(const struct model *m, struct forest_scratch *s, const double *x,
                       uint32_t rows, int64_t *sum)
{
    uint32_t stride = forest_ranks_stride(m->ranks);

    for (uint32_t i = 0; i < rows; i++) {
        forest_ranks_of(m->ranks, x + (size_t)i * m->inputs, s->ranks + (size_t)i * stride,
                        s->level);
        sum[i] = m->forest.base;
    }
    s->kernel->sum(m->ranks, s->ranks, rows, sum);
}

/* ---- boost: the sum ---- */

static void boost_score(const struct model *m, void *scratch, const double *x, uint32_t rows,
                        double *margin)
{
    int64_t sum[MODEL_BLOCK_LARGE];

    sum_leaves(m, scratch, x, rows, sum);
    for (uint32_t i = 0; i < rows; i++)
        margin[i] = (double)sum[i] * (1.0 / (double)LEAF_ONE);
}

static double boost_explain(const struct model *m, void *scratch, const double *x,
                            double *contribution)
{
    const struct shap_rule *rule = shap_rule_of(m);
    struct forest_scratch *s = scratch;

    if (s->shap == NULL)
        s->shap = shap_scratch_new(rule);
    return shap_explain(rule, s->shap, x, contribution, s->level);
}

/* A rule is larger than the trees that it is made of. Rows that are explained together are so by
 * the rules of some trees at a time, where there are many nodes. */
static void sum_rows(const struct model *m, enum simd level, const double *x, uint32_t rows,
                     double *contribution, double *base)
{
    const struct model_forest *f = &m->forest;
    uint32_t end;

    for (uint32_t t = 0; t < f->trees; t = end) {
        struct shap_rule *rule;
        struct shap_scratch *s;

        for (end = t + 1; end < f->trees; end++) {
            if (f->first[end + 1] - f->first[t] > RULE_NODES)
                break;
        }
        rule = shap_rule_new(m, t, end - t);
        s = shap_scratch_new(rule);
        for (uint32_t i = 0; i < rows; i++)
            base[i] += shap_explain(rule, s, x + (size_t)i * m->width,
                                    contribution + (size_t)i * m->inputs, level);
        shap_scratch_free(s);
        shap_rule_free(rule);
    }
}

static bool is_large(const struct model *m)
{
    return m->forest.first[m->forest.trees] > RULE_NODES;
}

static bool boost_explain_rows(const struct model *m, enum simd level, const double *x,
                               uint32_t rows, double *contribution, double *base)
{
    if (is_large(m))
        sum_rows(m, level, x, rows, contribution, base);
    return is_large(m);
}

/* ---- forest: the mean ---- */

static double mean_leaf(const struct model *m, int64_t sum)
{
    return (double)sum / ((double)LEAF_ONE * (m->forest.trees > 0 ? m->forest.trees : 1));
}

static void forest_score(const struct model *m, void *scratch, const double *x, uint32_t rows,
                         double *margin)
{
    int64_t sum[MODEL_BLOCK_LARGE];

    sum_leaves(m, scratch, x, rows, sum);
    for (uint32_t i = 0; i < rows; i++)
        margin[i] = mean_leaf(m, sum[i]);
}

/* From the sum to the mean. */
static double forest_share(const struct model *m, double base, double *contribution)
{
    double trees = m->forest.trees > 0 ? m->forest.trees : 1;

    for (uint32_t j = 0; j < m->inputs; j++)
        contribution[j] /= trees;
    return base / trees;
}

static double forest_explain(const struct model *m, void *scratch, const double *x,
                             double *contribution)
{
    return forest_share(m, boost_explain(m, scratch, x, contribution), contribution);
}

static bool forest_explain_rows(const struct model *m, enum simd level, const double *x,
                                uint32_t rows, double *contribution, double *base)
{
    if (!boost_explain_rows(m, level, x, rows, contribution, base))
        return false;
    for (uint32_t i = 0; i < rows; i++)
        base[i] = forest_share(m, base[i], contribution + (size_t)i * m->inputs);
    return true;
}

/* ---- isolation: the mean as a share of what it would be by chance ---- */

static double mean_path(double harmonic, uint32_t rows)
{
    return rows < 2 ? 0 : 2 * harmonic - 2 * (rows - 1.0) / rows;
}

double isolation_mean_path(uint32_t rows)
{
    double harmonic = 0;

    for (uint32_t k = 1; k < rows; k++)
        harmonic += 1.0 / k;
    return mean_path(harmonic, rows);
}

void isolation_mean_paths(double *path, uint32_t most)
{
    double harmonic = 0;

    for (uint32_t rows = 0; rows <= most; rows++) {
        path[rows] = mean_path(harmonic, rows);
        harmonic += rows > 0 ? 1.0 / rows : 0;
    }
}

static const double ln2 = 0.69314718055994530942;

static double anomaly(double h, double c)
{
    return c > 0 ? em_exp(-ln2 * h / c) : 0.5;
}

static void isolation_score(const struct model *m, void *scratch, const double *x, uint32_t rows,
                            double *margin)
{
    double c = m->mean_path;

    forest_score(m, scratch, x, rows, margin);
    for (uint32_t i = 0; i < rows; i++)
        margin[i] = anomaly(margin[i], c);
}

/* From the mean path to the score. */
static double isolation_share(const struct model *m, double base, double *contribution)
{
    double c = m->mean_path, h, score_base;
    double factor = 0, sum = 0;

    for (uint32_t j = 0; j < m->inputs; j++)
        sum += contribution[j];
    h = base + sum;
    score_base = anomaly(base, c);
    if (sum != 0)
        factor = (anomaly(h, c) - score_base) / sum;
    for (uint32_t j = 0; j < m->inputs; j++)
        contribution[j] *= factor;
    return score_base;
}

static double isolation_explain(const struct model *m, void *scratch, const double *x,
                                double *contribution)
{
    return isolation_share(m, forest_explain(m, scratch, x, contribution), contribution);
}

static bool isolation_explain_rows(const struct model *m, enum simd level, const double *x,
                                   uint32_t rows, double *contribution, double *base)
{
    if (!forest_explain_rows(m, level, x, rows, contribution, base))
        return false;
    for (uint32_t i = 0; i < rows; i++)
        base[i] = isolation_share(m, base[i], contribution + (size_t)i * m->inputs);
    return true;
}

/* ---- file ---- */

static void format_node(const struct tree_node *n, struct buffer *b)
{
    buffer_add_u8(b, (n->left == 0 ? NODE_LEAF : 0) | (n->missing_left ? NODE_MISSING_LEFT : 0));
    buffer_add_u32(b, n->cover);
    if (n->left == 0) {
        buffer_add_u64(b, (uint64_t)n->value);
        return;
    }
    buffer_add_u16(b, n->input);
    buffer_add_double(b, n->threshold);
}

static void forest_format(const struct model *m, struct buffer *b)
{
    const struct model_forest *f = &m->forest;

    buffer_add_u64(b, (uint64_t)f->base);
    buffer_add_u32(b, f->samples);
    buffer_add_u32(b, f->trees);
    buffer_add_u32(b, f->first[f->trees]);
    for (uint32_t t = 0; t < f->trees; t++)
        buffer_add_u16(b, (uint16_t)(f->first[t + 1] - f->first[t]));
    for (uint32_t i = 0; i < f->first[f->trees]; i++)
        format_node(&f->node[i], b);
}

static bool value_is_fit(int64_t v)
{
    return v >= -LEAF_VALUE_MAX && v <= LEAF_VALUE_MAX;
}

static bool parse_node(struct reader *in, const struct model *m, struct tree_node *n,
                       struct error *e)
{
    uint8_t flags = reader_u8(in);
    uint16_t input;

    *n = (struct tree_node){.cover = reader_u32(in)};
    n->missing_left = (flags & NODE_MISSING_LEFT) != 0;
    if (in->failed || flags > (NODE_LEAF | NODE_MISSING_LEFT) || n->cover == 0)
        return model_damaged(e, "a tree's node is cut, of no known kind or without cover");
    if (flags & NODE_LEAF) {
        n->value = (int64_t)reader_u64(in);
        return value_is_fit(n->value) || model_damaged(e, "a leaf's value is out of range");
    }
    n->left = 1; /* found by link_tree */
    input = reader_u16(in);
    if (input >= m->inputs)
        return model_damaged(e, "a tree splits an input that the model has not");
    n->input = (uint16_t)(input & 0x7fff);
    return reader_finite(in, &n->threshold) || model_damaged(e, "a threshold is not finite");
}

/* Gives the children their indices and checks that they make a tree: parts.h, invariants 1, 2. */
static bool link_tree(struct tree_node *node, uint32_t nodes, struct error *e)
{
    uint8_t depth[MODEL_TREE_NODES_MAX] = {0};
    uint32_t inner = 0;

    for (uint32_t i = 0; i < nodes; i++) {
        uint32_t left = 2 * inner + 1;

        if (node[i].left == 0)
            continue;
        if (left <= i || left + 1 >= nodes || depth[i] == MODEL_DEPTH_MAX)
            return model_damaged(e, "a tree's nodes are out of order, missing or too deep");
        if ((uint64_t)node[left].cover + node[left + 1].cover != node[i].cover)
            return model_damaged(e, "a tree's covers do not add up");
        node[i].left = (uint16_t)left;
        depth[left] = depth[left + 1] = (uint8_t)(depth[i] + 1);
        inner++;
    }
    return 2 * inner + 1 == nodes || model_damaged(e, "a tree has nodes that nothing leads to");
}

static bool parse_trees(struct reader *in, struct model *m, uint32_t nodes, struct error *e)
{
    struct model_forest *f = &m->forest;
    uint32_t at = 0;

    for (uint32_t t = 0; t < f->trees; t++) {
        uint32_t n = reader_u16(in);

        if (n == 0 || n > MODEL_TREE_NODES_MAX || n > nodes - at)
            return model_damaged(e, "a tree has no node or too many");
        at += n;
        f->first[t + 1] = at;
    }
    if (at != nodes)
        return model_damaged(e, "the trees' nodes do not add up");
    for (uint32_t i = 0; i < nodes; i++) {
        if (!parse_node(in, m, &f->node[i], e))
            return false;
    }
    for (uint32_t t = 0; t < f->trees; t++) {
        if (!link_tree(f->node + f->first[t], f->first[t + 1] - f->first[t], e))
            return false;
    }
    return true;
}

static bool forest_parse(struct reader *in, struct model *m, unsigned nesting, struct error *e)
{
    uint32_t trees, nodes;

    m->forest.base = (int64_t)reader_u64(in);
    m->forest.samples = reader_u32(in);
    trees = reader_u32(in);
    nodes = reader_u32(in);
    if (!value_is_fit(m->forest.base))
        return model_damaged(e, "its base is out of range");
    if (m->forest.samples > MODEL_SAMPLES_MAX)
        return model_damaged(e, "its trees are of more rows than any");
    if (trees > MODEL_TREES_MAX || nodes > reader_left(in) / NODE_BYTES_MIN)
        return model_damaged(e, "it has more trees or nodes than the file can hold");
    model_forest_reserve(m, trees, nodes);
    return parse_trees(in, m, nodes, e);
}

/* The three share everything but the meaning of the sum. */
#define FOREST_SHARED                                                                              \
    .section = 0x45455254, /* TREE */                                                              \
        .close = forest_close, .finish = forest_finish, .scratch_new = forest_scratch_new,         \
    .scratch_free = forest_scratch_free, .format = forest_format, .parse = forest_parse

const struct model_operations boost_operations = {
    .name = "boost",
    .unit = MARGIN_LOG_ODDS,
    .score = boost_score,
    .explain = boost_explain,
    .explain_rows = boost_explain_rows,
    FOREST_SHARED,
};

const struct model_operations forest_operations = {
    .name = "forest",
    .unit = MARGIN_SHARE,
    .score = forest_score,
    .explain = forest_explain,
    .explain_rows = forest_explain_rows,
    FOREST_SHARED,
};

const struct model_operations isolation_operations = {
    .name = "isolation",
    .unit = MARGIN_SHARE,
    .score = isolation_score,
    .explain = isolation_explain,
    .explain_rows = isolation_explain_rows,
    FOREST_SHARED,
};
