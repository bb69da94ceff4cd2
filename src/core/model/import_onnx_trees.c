/* ONNX's tree ensembles (ai.onnx.ml 1 to 4), as ONNX Runtime computes them with one thread: float32
 * sums from 0 in the order of the trees, divided for an average, the base value last. A comparison
 * with NaN is false unless nodes_missing_value_tracks_true says otherwise. */
#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/model/import_onnx.h"
#include "core/model/import_tree.h"

/* Where a node stands, by the two numbers that the file knows it by. */
struct key {
    double tree, node;
    uint32_t index;
};

struct ensemble {
    struct graph *g;
    uint32_t nodes, weights;
    const double *tree, *id, *column, *value, *yes, *no, *tracks, *hits;
    const struct text *mode;
    const double *weight_tree, *weight_node, *weight_class, *weight;
    struct key *key; /* sorted */
    struct imported_node *node;
    bool is_double;
};

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a, *y = b;

    if (x->tree != y->tree)
        return x->tree < y->tree ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

static const struct key *find(const struct ensemble *t, double tree, double node)
{
    struct key wanted = {tree, node, 0};

    return bsearch(&wanted, t->key, t->nodes, sizeof *t->key, compare_keys);
}

/* ---- the attributes ---- */

/* As floats, or as a tensor of doubles beside them. */
static bool numbers(struct ensemble *t, const char *name, const char *as_tensor, uint32_t count,
                    const double **list)
{
    const struct onnx_attribute *a = onnx_attribute(t->g->node, as_tensor);

    if (a == NULL || a->tensor == NULL)
        return graph_list(t->g, name, count, list);
    if (a->tensor->count != count || a->tensor->number == NULL)
        return graph_refuse(t->g, "has a tensor of numbers of another length than its nodes");
    t->is_double = a->tensor->type == ONNX_DOUBLE;
    *list = a->tensor->number;
    return true;
}

static bool optional(struct ensemble *t, const char *name, uint32_t count, const double **list)
{
    const struct onnx_attribute *a = onnx_attribute(t->g->node, name);

    *list = NULL;
    return a == NULL || a->count == 0 || graph_list(t->g, name, count, list);
}

static uint32_t length_of(const struct graph *g, const char *name)
{
    const struct onnx_attribute *a = onnx_attribute(g->node, name);

    return a != NULL ? a->count : 0;
}

static bool read_lists(struct ensemble *t, bool is_classifier)
{
    struct graph *g = t->g;
    const struct onnx_attribute *modes = onnx_attribute(g->node, "nodes_modes");

    t->nodes = length_of(g, "nodes_nodeids");
    t->weights = length_of(g, is_classifier ? "class_ids" : "target_ids");
    if (t->nodes == 0 || t->nodes > IMPORTED_NODES_MAX)
        return graph_refuse(g, "has no node or too many");
    if (modes == NULL || modes->texts == NULL || modes->count != t->nodes)
        return graph_refuse(g, "has nodes_modes of another length than its nodes");
    t->mode = modes->texts;
    if (!graph_list(g, "nodes_treeids", t->nodes, &t->tree) ||
        !graph_list(g, "nodes_nodeids", t->nodes, &t->id) ||
        !graph_list(g, "nodes_featureids", t->nodes, &t->column) ||
        !graph_list(g, "nodes_truenodeids", t->nodes, &t->yes) ||
        !graph_list(g, "nodes_falsenodeids", t->nodes, &t->no) ||
        !numbers(t, "nodes_values", "nodes_values_as_tensor", t->nodes, &t->value) ||
        !optional(t, "nodes_missing_value_tracks_true", t->nodes, &t->tracks) ||
        !optional(t, "nodes_hitrates", t->nodes, &t->hits))
        return false;
    if (is_classifier)
        return graph_list(g, "class_treeids", t->weights, &t->weight_tree) &&
               graph_list(g, "class_nodeids", t->weights, &t->weight_node) &&
               graph_list(g, "class_ids", t->weights, &t->weight_class) &&
               numbers(t, "class_weights", "class_weights_as_tensor", t->weights, &t->weight);
    return graph_list(g, "target_treeids", t->weights, &t->weight_tree) &&
           graph_list(g, "target_nodeids", t->weights, &t->weight_node) &&
           graph_list(g, "target_ids", t->weights, &t->weight_class) &&
           numbers(t, "target_weights", "target_weights_as_tensor", t->weights, &t->weight);
}

/* ---- nodes ---- */

static bool index_nodes(struct ensemble *t)
{
    t->key = mem_array(t->nodes, sizeof *t->key);
    for (uint32_t i = 0; i < t->nodes; i++)
        t->key[i] = (struct key){t->tree[i], t->id[i], i};
    qsort(t->key, t->nodes, sizeof *t->key, compare_keys);
    for (uint32_t i = 1; i < t->nodes; i++) {
        if (compare_keys(&t->key[i - 1], &t->key[i]) == 0)
            return graph_refuse(t->g, "has two nodes of one number in a tree");
    }
    return true;
}

/* A test that holds goes left; the others are the opposite of one that does, so their sides change
 * places. */
static bool read_test(const struct ensemble *t, uint32_t i, struct imported_node *n)
{
    static const struct {
        const char *name;
        enum imported_test test;
        bool is_opposite;
    } modes[] = {
        {"BRANCH_LEQ", TEST_LESS_EQUAL, false}, {"BRANCH_LT", TEST_LESS, false},
        {"BRANCH_GT", TEST_LESS_EQUAL, true},   {"BRANCH_GTE", TEST_LESS, true},
        {"BRANCH_EQ", TEST_EQUAL, false},       {"BRANCH_NEQ", TEST_EQUAL, true},
    };
    bool tracks = t->tracks != NULL && t->tracks[i] != 0;

    for (size_t k = 0; k < sizeof modes / sizeof *modes; k++) {
        uint32_t swap = n->left;

        if (!text_is(t->mode[i], modes[k].name))
            continue;
        n->test = (uint8_t)modes[k].test;
        n->missing_left = tracks;
        if (!modes[k].is_opposite)
            return true;
        n->left = n->right;
        n->right = swap;
        n->missing_left = !tracks && modes[k].test != TEST_EQUAL; /* NaN != x holds */
        return true;
    }
    return graph_refuse(t->g, "has a node of a mode that is not known");
}

static bool read_node(const struct ensemble *t, uint32_t first, uint32_t i)
{
    struct imported_node *n = &t->node[i];
    const struct key *yes, *no;

    if (t->hits != NULL && t->hits[i] > 0 && isfinite(t->hits[i]))
        n->cover = t->hits[i];
    if (text_is(t->mode[i], "LEAF"))
        return true;
    yes = find(t, t->tree[i], t->yes[i]);
    no = find(t, t->tree[i], t->no[i]);
    if (yes == NULL || no == NULL || yes->index < first || no->index < first)
        return graph_refuse(t->g, "has a node that leads to none of its tree");
    if (!(t->column[i] >= 0 && t->column[i] < t->g->found->body->columns))
        return graph_refuse(t->g, "tests a column that its input has not");
    n->threshold = t->value[i];
    n->column = (uint32_t)t->column[i];
    n->left = yes->index - first;
    n->right = no->index - first;
    return read_test(t, i, n);
}

/* Each tree's nodes stand together; the first is its root. */
static bool add_trees(struct ensemble *t)
{
    for (uint32_t first = 0, end; first < t->nodes; first = end) {
        const struct key *least = find(t, t->tree[first], t->id[first]);

        for (end = first; end < t->nodes && t->tree[end] == t->tree[first]; end++) {
            if (!read_node(t, first, end))
                return false;
        }
        /* All keys of this tree must lie in this run. */
        while (least > t->key && least[-1].tree == t->tree[first])
            least--;
        for (; least < t->key + t->nodes && least->tree == t->tree[first]; least++) {
            if (least->index < first || least->index >= end)
                return graph_refuse(t->g, "has a tree whose nodes do not stand together");
        }
        if (!import_add_tree(t->g->found->body, t->node + first, end - first, t->g->e))
            return false;
    }
    return true;
}

/* ---- leaves ---- */

/* The weights of one class become the leaves' values. */
static bool set_leaves(struct ensemble *t, double class)
{
    bool *is_set = mem_array(t->nodes, sizeof *is_set);
    bool good = true;

    for (uint32_t i = 0; i < t->weights && good; i++) {
        const struct key *k = find(t, t->weight_tree[i], t->weight_node[i]);

        if (k == NULL)
            good = graph_refuse(t->g, "has a weight of a node that is not there");
        if (!good || t->weight_class[i] != class || !text_is(t->mode[k->index], "LEAF"))
            continue;
        if (is_set[k->index])
            good = graph_refuse(t->g, "has two weights of one class in a leaf");
        is_set[k->index] = true;
        t->node[k->index].threshold = t->weight[i];
    }
    mem_free(is_set);
    return good;
}

static bool read_base(struct ensemble *t)
{
    const struct onnx_attribute *a = onnx_attribute(t->g->node, "base_values_as_tensor");
    uint32_t count = length_of(t->g, "base_values");
    const double *base = NULL;

    if (a != NULL && a->tensor != NULL && a->tensor->number != NULL) {
        count = a->tensor->count;
        base = a->tensor->number;
    } else if (!optional(t, "base_values", count, &base)) {
        return false;
    }
    if (count == 0)
        return true;
    if (count != 1)
        return graph_refuse(t->g, "has more than one of base_values");
    t->g->found->body->trees.base = base[0];
    return true;
}

static bool build(struct ensemble *t, double class)
{
    struct imported_trees *trees = &t->g->found->body->trees;

    t->node = mem_array(t->nodes, sizeof *t->node);
    t->g->found->body->is_trees = true;
    trees->base_last = true;
    trees->is_single = !t->is_double;
    return index_nodes(t) && set_leaves(t, class) && read_base(t) && add_trees(t);
}

/* ---- the operators ---- */

static bool link_of(const struct graph *g, enum score_link *link)
{
    struct text post = graph_word(g, "post_transform", "NONE");

    *link = text_is(post, "LOGISTIC") ? LINK_SIGMOID : LINK_NONE;
    if (text_is(post, "LOGISTIC") || text_is(post, "NONE"))
        return true;
    return error_set(g->e, ERROR_INVALID, "%.*s with post_transform %.*s is not computed",
                     TEXT_ARG(g->node->op), (int)(post.length < 40 ? post.length : 40), post.bytes);
}

/* Two classes. Where all weights are of one class, their sum is the second one's score, whatever
 * that class is called. ONNX Runtime (1.31) adds a base value in that case only, and only where
 * there is one of it and the class is the first: elsewhere it does what the standard does not say,
 * so such files are refused. */
static bool classify(struct ensemble *t, struct symbol *out)
{
    bool has_base = length_of(t->g, "base_values") > 0 ||
                    onnx_attribute(t->g->node, "base_values_as_tensor") != NULL;
    bool is_one = true;

    if (length_of(t->g, "classlabels_int64s") + length_of(t->g, "classlabels_strings") != 2)
        return graph_refuse(t->g, "has not two classes");
    if (t->weights == 0)
        return graph_refuse(t->g, "has no weight");
    for (uint32_t i = 0; i < t->weights; i++) {
        is_one = is_one && t->weight_class[i] == t->weight_class[0];
        if (t->weight_class[i] != 0 && t->weight_class[i] != 1)
            return graph_refuse(t->g, "has a weight of a third class");
    }
    if (has_base && !(is_one && t->weight_class[0] == 0))
        return graph_refuse(t->g, "has base_values, and weights of more than the first class");
    out->is_pair = true;
    return build(t, is_one ? t->weight_class[0] : 1);
}

static bool regress(struct ensemble *t)
{
    struct text how = graph_word(t->g, "aggregate_function", "SUM");

    if (graph_number(t->g, "n_targets", 1) != 1)
        return graph_refuse(t->g, "has more than one target");
    if (!text_is(how, "SUM") && !text_is(how, "AVERAGE"))
        return error_set(
            t->g->e, ERROR_INVALID, "%.*s with aggregate_function %.*s is not computed",
            TEXT_ARG(t->g->node->op), (int)(how.length < 40 ? how.length : 40), how.bytes);
    if (!build(t, 0))
        return false;
    if (text_is(how, "AVERAGE"))
        t->g->found->body->trees.divisor = t->g->found->body->trees.trees;
    return true;
}

bool graph_trees(struct graph *g, const struct symbol *in, bool is_classifier, struct symbol *out)
{
    struct ensemble t = {.g = g};
    bool good;

    if (!graph_begin_core(g, in) || !read_lists(&t, is_classifier))
        return false;
    *out = (struct symbol){.kind = VALUE_SCORE, .type = ONNX_FLOAT, .width = 1};
    good = link_of(g, &out->link) && (is_classifier ? classify(&t, out) : regress(&t));
    mem_free(t.key);
    mem_free(t.node);
    return good;
}
