#include "core/model/ranks.h"

#include <stdlib.h>

#include "core/base/panic.h"

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts and drops repeats; returns how many are left. */
static uint32_t sort_unique(double *v, uint32_t count)
{
    uint32_t kept = 0;

    qsort(v, count, sizeof *v, compare_doubles);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || v[i] != v[kept - 1])
            v[kept++] = v[i];
    }
    return kept;
}

/* All thresholds, grouped by input; at[j] .. at[j + 1] are those of input j. */
static double *gather_thresholds(const struct model *m, uint32_t *at)
{
    const struct model_forest *f = &m->forest;
    uint32_t nodes = f->first[f->trees];
    uint32_t *fill = mem_array(m->inputs + 1, sizeof *fill);
    double *all = mem_array((size_t)nodes + 1, sizeof *all);

    for (uint32_t i = 0; i < nodes; i++) {
        if (f->node[i].left != 0)
            at[f->node[i].input + 1]++;
    }
    for (uint32_t j = 0; j < m->inputs; j++)
        at[j + 1] += at[j];
    for (uint32_t j = 0; j < m->inputs; j++)
        fill[j] = at[j];
    for (uint32_t i = 0; i < nodes; i++) {
        if (f->node[i].left != 0)
            all[fill[f->node[i].input]++] = f->node[i].threshold;
    }
    mem_free(fill);
    return all;
}

/* Fills used, input, first, threshold, and slot_of[j], which is meaningful for used inputs. */
static bool rank_inputs(struct forest_ranks *r, const struct model *m, uint32_t *used_as,
                        struct error *e)
{
    uint32_t *at = mem_array(m->inputs + 1, sizeof *at);
    uint32_t kept = 0;
    bool good = true;

    r->threshold = gather_thresholds(m, at);
    r->input = mem_array(m->inputs + 1, sizeof *r->input);
    r->first = mem_array(m->inputs + 2, sizeof *r->first);
    for (uint32_t j = 0; j < m->inputs && good; j++) {
        uint32_t n = sort_unique(r->threshold + at[j], at[j + 1] - at[j]);

        if (n > MODEL_THRESHOLDS_MAX)
            good = error_set(e, ERROR_INVALID,
                             "model input \"%s\": %u different thresholds, at most %d are allowed; "
                             "train with fewer bins or trees",
                             m->input[j].name, n, MODEL_THRESHOLDS_MAX);
        if (n == 0)
            continue;
        for (uint32_t k = 0; k < n; k++) /* kept never passes at[j]: moving down is safe */
            r->threshold[kept + k] = r->threshold[at[j] + k];
        used_as[j] = r->used;
        r->input[r->used] = j;
        r->first[r->used] = kept;
        kept += n;
        r->used++;
    }
    r->first[r->used] = kept;
    mem_free(at);
    return good;
}

/* How many of n ascending thresholds are below x. Branch-free: the compiler makes the step a
 * conditional move. */
static uint32_t count_below(const double *threshold, uint32_t n, double x)
{
    const double *base = threshold;

    while (n > 1) {
        uint32_t half = n / 2;

        base += base[half - 1] < x ? half : 0;
        n -= half;
    }
    return (uint32_t)(base - threshold) + (n == 1 && base[0] < x);
}

static uint32_t tree_depth(const struct tree_node *node, uint32_t nodes)
{
    uint8_t depth[MODEL_TREE_NODES_MAX] = {0};
    uint32_t deepest = 0;

    for (uint32_t i = 0; i < nodes; i++) {
        if (node[i].left != 0)
            depth[node[i].left] = depth[node[i].left + 1] = (uint8_t)(depth[i] + 1);
        if (depth[i] > deepest)
            deepest = depth[i];
    }
    return deepest;
}

static void rank_tree(struct forest_ranks *r, const struct model_forest *f, uint32_t tree,
                      uint32_t to, const uint32_t *used_as)
{
    const struct tree_node *node = f->node + f->first[tree];
    uint32_t nodes = f->first[tree + 1] - f->first[tree];

    for (uint32_t i = 0; i < nodes; i++) {
        const struct tree_node *n = &node[i];
        struct rank_node *out = &r->node[to + i];

        if (n->left == 0) {
            *out = (struct rank_node){0, RANK_OF_LEAF, to + i};
            r->value[to + i] = n->value;
            continue;
        }
        uint32_t u = used_as[n->input], from = r->first[u];
        uint32_t rank = count_below(r->threshold + from, r->first[u + 1] - from, n->threshold);

        *out =
            (struct rank_node){(uint16_t)(2 * u + !n->missing_left), (uint16_t)rank, to + n->left};
    }
}

/* Trees of like depth are walked together; within a depth the order is kept. */
static uint32_t *order_by_depth(const struct model_forest *f, const uint8_t *depth)
{
    uint32_t *order = mem_array(f->trees + 1, sizeof *order);
    uint32_t count = 0;

    for (uint32_t d = 0; d <= MODEL_DEPTH_MAX; d++) {
        for (uint32_t t = 0; t < f->trees; t++) {
            if (depth[t] == d)
                order[count++] = t;
        }
    }
    return order;
}

/* Node 0 is a leaf of value 0: the root of the trees that fill up the last group. */
static void rank_trees(struct forest_ranks *r, const struct model_forest *f,
                       const uint32_t *used_as)
{
    uint8_t *depth = mem_array(f->trees + 1, 1);
    uint32_t *order, at = 1;

    for (uint32_t t = 0; t < f->trees; t++)
        depth[t] = (uint8_t)tree_depth(f->node + f->first[t], f->first[t + 1] - f->first[t]);
    order = order_by_depth(f, depth);
    r->groups = (f->trees + RANK_GROUP - 1) / RANK_GROUP;
    r->steps = mem_array(r->groups + 1, sizeof *r->steps);
    r->root = mem_array((size_t)r->groups * RANK_GROUP + 1, sizeof *r->root);
    r->node = mem_aligned(64, ((size_t)f->first[f->trees] + 1) * sizeof *r->node);
    r->value = mem_aligned(64, ((size_t)f->first[f->trees] + 1) * sizeof *r->value);
    r->node[0] = (struct rank_node){0, RANK_OF_LEAF, 0};
    for (uint32_t i = 0; i < f->trees; i++) {
        rank_tree(r, f, order[i], at, used_as);
        r->root[i] = at;
        r->steps[i / RANK_GROUP] = depth[order[i]]; /* ascending: the last one is the deepest */
        at += f->first[order[i] + 1] - f->first[order[i]];
    }
    mem_free(order);
    mem_free(depth);
}

struct forest_ranks *forest_ranks_new(const struct model *m, struct error *e)
{
    struct forest_ranks *r = mem_alloc(sizeof *r);
    uint32_t *used_as = mem_array(m->inputs + 1, sizeof *used_as);
    bool good = rank_inputs(r, m, used_as, e);

    if (good)
        rank_trees(r, &m->forest, used_as);
    mem_free(used_as);
    if (good)
        return r;
    forest_ranks_free(r);
    return NULL;
}

void forest_ranks_free(struct forest_ranks *r)
{
    if (r == NULL)
        return;
    mem_free(r->input);
    mem_free(r->first);
    mem_free(r->threshold);
    mem_free(r->steps);
    mem_free(r->root);
    mem_free(r->node);
    mem_free(r->value);
    mem_free(r);
}

uint32_t forest_ranks_stride(const struct forest_ranks *r)
{
    return 2 * r->used + RANK_PADDING;
}

void forest_ranks_of(const struct forest_ranks *r, const double *x, uint16_t *ranks)
{
    for (uint32_t u = 0; u < r->used; u++) {
        double v = x[r->input[u]];
        uint32_t from = r->first[u];

        if (__builtin_isnan(v)) {
            ranks[2 * u] = RANK_LEFT;
            ranks[2 * u + 1] = RANK_RIGHT;
            continue;
        }
        ranks[2 * u] = ranks[2 * u + 1] =
            (uint16_t)count_below(r->threshold + from, r->first[u + 1] - from, v);
    }
}
