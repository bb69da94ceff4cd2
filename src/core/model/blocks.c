/* The layout of blocks: blocks.h says what a block is. */
#include "core/model/blocks.h"

#include "core/base/panic.h"

enum { RANK_OF_NOTHING = 255 }; /* below a leaf everything goes left */

/* The depth of each tree; false where the forest does not fit into blocks. */
static bool measure(const struct forest_ranks *r, const struct model_forest *f, uint8_t *depth)
{
    if (f->trees == 0 || r->slots > BLOCK_SLOTS_MAX)
        return false;
    for (uint32_t u = 0; u < r->used; u++) {
        if (r->first[u + 1] - r->first[u] > BLOCK_THRESHOLDS_MAX)
            return false;
    }
    for (uint32_t t = 0; t < f->trees; t++) {
        uint32_t deep = forest_tree_depth(f->node + f->first[t], f->first[t + 1] - f->first[t]);

        if (deep > BLOCK_DEPTH_MAX)
            return false;
        depth[t] = (uint8_t)deep;
    }
    return true;
}

struct laying {
    const struct forest_ranks *ranks;
    const struct model_forest *forest;
    struct forest_blocks *blocks;
};

static int64_t least_leaf(const struct tree_node *node, uint32_t nodes)
{
    int64_t least = INT64_MAX;

    for (uint32_t i = 0; i < nodes; i++) {
        if (node[i].left == 0 && node[i].value < least)
            least = node[i].value;
    }
    return least;
}

static void lay_leaf(struct forest_blocks *b, uint32_t place, uint32_t leaf, uint64_t excess)
{
    b->end[place][leaf / 2].way[leaf % 2] += excess;
    for (uint32_t p = 0; p < BLOCK_PLANES_MAX; p++) {
        uint8_t byte = (uint8_t)(excess >> 8 * p);

        b->plane[place][p][leaf] = byte;
        if (byte != 0 && p >= b->planes)
            b->planes = p + 1;
    }
}

/* A tree at its place among all, in the nodes of its block, whose depth is given. */
static void lay_tree(struct laying *y, uint32_t tree, uint32_t place, struct block_node *to,
                     uint32_t depth)
{
    const struct model_forest *f = y->forest;
    const struct tree_node *node = f->node + f->first[tree];
    int64_t least = least_leaf(node, f->first[tree + 1] - f->first[tree]);
    uint32_t at[2 * BLOCK_LEAVES_MAX] = {0}, inner = (1u << depth) - 1;
    uint32_t column = place % BLOCK_TREES;

    for (uint32_t k = 0; k < inner; k++) {
        const struct tree_node *n = &node[at[k]];

        at[2 * k + 1] = at[2 * k + 2] = at[k];
        if (n->left != 0) {
            to[k].slot[column] = (uint8_t)forest_slot(y->ranks, n);
            to[k].rank[column] = (uint8_t)forest_rank(y->ranks, n);
            at[2 * k + 1] = n->left;
            at[2 * k + 2] = n->left + 1u;
        }
    }
    for (uint32_t i = 0; i <= inner / 2; i++)
        y->blocks->end[place][i] =
            (struct block_end){{(uint64_t)to[inner / 2 + i].slot[column] << 8 * END_TOP,
                                (uint64_t)to[inner / 2 + i].rank[column] << 8 * END_TOP}};
    for (uint32_t i = 0; i <= inner; i++)
        lay_leaf(y->blocks, place, i, (uint64_t)(node[at[inner + i]].value - least));
    y->blocks->base += least;
}

/* By depth, so that shallow trees are not filled up to deep ones; within a depth in their order. */
static uint32_t *order_by_depth(const uint8_t *depth, uint32_t trees)
{
    uint32_t *order = mem_array(trees, sizeof *order), count = 0;

    for (uint32_t d = 0; d <= BLOCK_DEPTH_MAX; d++) {
        for (uint32_t t = 0; t < trees; t++) {
            if (depth[t] == d)
                order[count++] = t;
        }
    }
    return order;
}

static void lay_block(struct laying *y, uint32_t number, struct block_node *node,
                      const uint32_t *order)
{
    struct forest_blocks *b = y->blocks;
    struct forest_block *to = &b->block[number];
    uint32_t first = number * BLOCK_TREES, nodes = (1u << to->depth) - 1;

    to->node = node;
    to->end = b->end + first;
    to->plane = b->plane + first;
    for (uint32_t k = 0; k < nodes; k++) {
        for (uint32_t t = 0; t < BLOCK_TREES; t++)
            node[k].rank[t] = RANK_OF_NOTHING;
    }
    for (uint32_t t = 0; t < to->trees; t++)
        lay_tree(y, order[first + t], first + t, node, to->depth);
}

static void lay_blocks(struct laying *y, const uint8_t *depth)
{
    struct forest_blocks *b = y->blocks;
    uint32_t trees = y->forest->trees, *order = order_by_depth(depth, trees), nodes = 0;

    b->blocks = (trees + BLOCK_TREES - 1) / BLOCK_TREES;
    b->block = mem_array(b->blocks, sizeof *b->block);
    for (uint32_t i = 0; i < b->blocks; i++) {
        uint32_t left = trees - i * BLOCK_TREES, deepest;

        b->block[i].trees = left < BLOCK_TREES ? left : BLOCK_TREES;
        deepest = depth[order[i * BLOCK_TREES + b->block[i].trees - 1]];
        b->block[i].depth = deepest > 0 ? deepest : 1;
        nodes += (1u << b->block[i].depth) - 1;
    }
    b->node = mem_aligned(64, nodes * sizeof *b->node);
    b->end = mem_aligned(64, (size_t)b->blocks * BLOCK_TREES * sizeof *b->end);
    b->plane = mem_aligned(64, (size_t)b->blocks * BLOCK_TREES * sizeof *b->plane);
    for (uint32_t i = 0, at = 0; i < b->blocks; i++) {
        lay_block(y, i, b->node + at, order);
        at += (1u << b->block[i].depth) - 1;
    }
    mem_free(order);
}

struct forest_blocks *forest_blocks_new(const struct forest_ranks *r, const struct model_forest *f)
{
    uint8_t *depth = mem_array(f->trees + 1, 1);
    struct laying y = {.ranks = r, .forest = f};

    if (measure(r, f, depth)) {
        y.blocks = mem_alloc(sizeof *y.blocks);
        lay_blocks(&y, depth);
    }
    mem_free(depth);
    return y.blocks;
}

void forest_blocks_free(struct forest_blocks *b)
{
    if (b == NULL)
        return;
    mem_free(b->block);
    mem_free(b->node);
    mem_free(b->end);
    mem_free(b->plane);
    mem_free(b);
}
