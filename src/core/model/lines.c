/* Trees laid out in lines: ranks.h says what a line is. */
#include "core/model/ranks.h"

#include "core/base/panic.h"

/* How deep a tree is; adds to `lines` how many it takes: one begins at the root and at each
 * internal node LINE_LEVELS below the beginning of another. */
static uint32_t measure(const struct tree_node *node, uint32_t nodes, size_t *lines)
{
    uint8_t depth[MODEL_TREE_NODES_MAX];
    uint32_t deepest = 0;

    depth[0] = 0;
    for (uint32_t i = 0; i < nodes; i++) {
        if (node[i].left != 0)
            depth[node[i].left] = depth[node[i].left + 1] = (uint8_t)(depth[i] + 1);
        if (depth[i] > deepest)
            deepest = depth[i];
        *lines += i == 0 || (node[i].left != 0 && depth[i] % LINE_LEVELS == 0);
    }
    return deepest;
}

uint32_t forest_tree_depth(const struct tree_node *node, uint32_t nodes)
{
    size_t lines = 0;

    return measure(node, nodes, &lines);
}

/* The lines on the longest way; one for a leaf alone. */
static uint32_t lines_below(uint32_t depth)
{
    return depth > 0 ? (depth + LINE_LEVELS - 1) / LINE_LEVELS : 1;
}

/* A way out that is not laid out yet: to be filled when its turn comes. */
struct pending {
    const struct tree_node *tree;
    uint32_t node;
    uint32_t line;
};

struct laying {
    struct forest_ranks *ranks;
    struct pending *queue; /* of lines, in their order */
    uint32_t lines, leaves;
};

static void set_node(struct tree_line *l, uint32_t k, uint16_t slot, uint16_t rank)
{
    l->slot_rank[k / 4 * 8 + k % 4] = slot;
    l->slot_rank[k / 4 * 8 + k % 4 + 4] = rank;
}

static void lay_node(struct laying *y, struct tree_line *l, uint32_t k, const struct tree_node *n)
{
    set_node(l, k, forest_slot(y->ranks, n), forest_rank(y->ranks, n));
}

/* What is behind a way out: a leaf's number from the top, or a new line. */
static uint32_t lay_way(struct laying *y, const struct tree_node *tree, uint32_t node)
{
    if (tree[node].left == 0) {
        y->ranks->value[y->leaves] = tree[node].value;
        return UINT32_MAX - y->leaves++;
    }
    y->queue[y->lines] = (struct pending){tree, node, y->lines};
    return y->lines++;
}

static void lay_line(struct laying *y, const struct pending *p)
{
    struct tree_line *l = &y->ranks->line[p->line];
    uint32_t at[2 * LINE_NODES + 1], way = 0;
    bool below[2 * LINE_NODES + 1] = {false}; /* a leaf that lies higher */

    at[0] = p->node;
    set_node(l, LINE_NODES, 0, RANK_OF_LEAF);
    for (uint32_t k = 0; k < LINE_NODES; k++) {
        const struct tree_node *n = &p->tree[at[k]];
        bool leaf = n->left == 0;

        if (leaf)
            set_node(l, k, 0, RANK_OF_LEAF);
        else
            lay_node(y, l, k, n);
        at[2 * k + 1] = leaf ? at[k] : n->left;
        at[2 * k + 2] = leaf ? at[k] : n->left + 1u;
        below[2 * k + 2] = leaf || below[k];
        below[2 * k + 1] = below[k];
    }
    for (uint32_t k = LINE_NODES; k <= 2 * LINE_NODES; k++) {
        way = below[k] ? way : lay_way(y, p->tree, at[k]);
        l->way[k - LINE_NODES] = way;
    }
}

/* Trees of like length are walked together; within a length the order is kept. */
static uint32_t *order_by_length(const struct model_forest *f, const uint8_t *length)
{
    uint32_t *order = mem_array(f->trees + 1, sizeof *order);
    uint32_t count = 0;

    for (uint32_t d = 0; d <= MODEL_DEPTH_MAX; d++) {
        for (uint32_t t = 0; t < f->trees; t++) {
            if (length[t] == d)
                order[count++] = t;
        }
    }
    return order;
}

static const struct tree_node nothing = {.value = 0}; /* fills up the last group */

/* `length`: of each tree's longest way. */
static void lay_trees(struct laying *y, const struct model_forest *f, const uint8_t *length)
{
    struct forest_ranks *r = y->ranks;
    uint32_t *order = order_by_length(f, length);

    y->lines = r->groups * RANK_GROUP;
    for (uint32_t i = 0; i < y->lines; i++) {
        y->queue[i] = (struct pending){&nothing, 0, i};
        if (i >= f->trees)
            continue;
        y->queue[i].tree = f->node + f->first[order[i]];
        r->steps[i / RANK_GROUP] = length[order[i]]; /* ascending: the last one is the longest */
    }
    for (uint32_t i = 0; i < y->lines; i++)
        lay_line(y, &y->queue[i]);
    mem_free(order);
}

void forest_lines_make(struct forest_ranks *r, const struct model_forest *f)
{
    uint32_t nodes = f->first[f->trees];
    uint8_t *length = mem_array(f->trees + 1, 1);
    struct laying y = {.ranks = r};
    size_t lines = RANK_GROUP; /* those that fill up the last group */

    for (uint32_t t = 0; t < f->trees; t++) {
        uint32_t from = f->first[t];

        length[t] = (uint8_t)lines_below(measure(f->node + from, f->first[t + 1] - from, &lines));
    }
    r->groups = (f->trees + RANK_GROUP - 1) / RANK_GROUP;
    r->steps = mem_array(r->groups + 1, sizeof *r->steps);
    y.queue = mem_array(lines, sizeof *y.queue);
    r->line = mem_aligned(64, lines * sizeof *r->line);
    r->value = mem_array((size_t)nodes + RANK_GROUP * (2 * LINE_NODES), sizeof *r->value);
    lay_trees(&y, f, length);
    ASSERT(y.lines <= lines);
    r->lines = y.lines;
    for (uint32_t i = 0; i < y.lines; i++) {
        for (unsigned k = 0; k < LINE_WAYS; k++) {
            if (r->line[i].way[k] >= y.lines)
                r->line[i].way[k] = y.lines + (UINT32_MAX - r->line[i].way[k]);
        }
    }
    mem_free(y.queue);
    mem_free(length);
}
