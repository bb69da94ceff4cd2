/* Shallow forests as blocks of 64 trees; internal to core/model.
 *
 * Where no tree is deeper than BLOCK_DEPTH_MAX and no input has more than BLOCK_THRESHOLDS_MAX
 * thresholds (what histograms of one byte a value train), ranks (ranks.h) are bytes and 64 trees
 * take a step together, one in each byte of a register. Every tree of a block is filled up to the
 * depth of the deepest, so node k means the same place in all of them, and lies in a block as 64
 * slots and 64 ranks. A step picks each tree's node among those of the level by the answers so far,
 * looks up the slots in the row, which lies in a register, and compares: nothing is gathered and
 * nothing branches.
 *
 * A leaf counts as the tree's least one, which goes to `base`, and its excess over that. Excesses
 * lie twice. For a row alone, with the node above them, so that the last step, half of all nodes,
 * is taken within the cache line that the leaf is in: nodes of many trees would not stay in the
 * first-level cache. For many rows, cut into bytes, a table of 64 for each byte of each tree: there
 * 64 rows look up their leaves of one tree together.
 */
#ifndef ASSAY_MODEL_BLOCKS_H
#define ASSAY_MODEL_BLOCKS_H

#include "core/model/ranks.h"

enum {
    BLOCK_TREES = 64,
    BLOCK_DEPTH_MAX = 6,
    BLOCK_LEAVES_MAX = 1 << BLOCK_DEPTH_MAX,
    BLOCK_ENDS_MAX = BLOCK_LEAVES_MAX / 2,
    BLOCK_THRESHOLDS_MAX = 255, /* of an input: ranks are 0 .. 255 */
    BLOCK_SLOTS_MAX = 64,       /* of a row */
    BLOCK_PLANES_MAX = 6,       /* bytes of the difference of two leaves: 2 LEAF_VALUE_MAX */
    END_TOP = 7,                /* the byte of a way that is no excess */
    END_SHIFT = 3, /* the place of an end is its number, shifted: as far as a byte holds */
};

#define END_EXCESS ((UINT64_C(1) << 8 * END_TOP) - 1)

/* Node k of a block's trees: 0 the root, children at 2k+1 and 2k+2. */
struct block_node {
    uint8_t slot[BLOCK_TREES], rank[BLOCK_TREES];
};

/* A node of the last level and its leaves: of each way, left and right, the excess in the low
 * bytes, and on top the node's slot and rank. So ways are added as they are, and the top is cut off
 * the sum. */
struct block_end {
    uint64_t way[2];
};

struct forest_block {
    uint32_t depth;                                             /* 1 .. BLOCK_DEPTH_MAX */
    uint32_t trees;                                             /* the rest of the 64 add nothing */
    const struct block_node *node;                              /* 2^depth - 1 */
    const struct block_end (*end)[BLOCK_ENDS_MAX];              /* by tree */
    const uint8_t (*plane)[BLOCK_PLANES_MAX][BLOCK_LEAVES_MAX]; /* by tree, the lowest byte first */
};

struct forest_blocks {
    uint32_t blocks;
    struct forest_block *block;
    int64_t base;    /* the trees' least leaves */
    uint32_t planes; /* that are not zero everywhere */
    struct block_node *node;
    struct block_end (*end)[BLOCK_ENDS_MAX];
    uint8_t (*plane)[BLOCK_PLANES_MAX][BLOCK_LEAVES_MAX];
};

/* NULL where a tree, an input or a row is too large for blocks, or there is no tree. */
struct forest_blocks *forest_blocks_new(const struct forest_ranks *r, const struct model_forest *f);
void forest_blocks_free(struct forest_blocks *b);

/* Adds the excesses of a block's trees `first` .. for one row of bytes: place[t] is that of the
 * node of the last level that tree first + t comes to. Some past `trees` are added: zeros. */
__attribute__((always_inline)) static inline uint64_t block_sum_ends(const struct forest_block *b,
                                                                     uint32_t first, uint32_t trees,
                                                                     const uint8_t *place,
                                                                     const uint8_t *row)
{
    const char *end = (const char *)(b->end + first);
    uint64_t sum = 0;

    for (uint32_t t = 0; t < trees; t += 8, place += 8, end += 8 * sizeof *b->end) {
#pragma GCC unroll 8
        for (uint32_t k = 0; k < 8; k++) {
            const struct block_end *e =
                (const struct block_end *)(end + k * sizeof *b->end +
                                           place[k] * (sizeof *e >> END_SHIFT));
            const uint8_t *byte = (const uint8_t *)e;
            /* a condition would become a branch that is often mistaken */
            sum += e->way[row[byte[END_TOP]] > byte[8 + END_TOP]];
        }
    }
    return sum & END_EXCESS;
}

/* The same of leaves: leaf[t] is the one that tree first + t comes to. */
__attribute__((always_inline)) static inline uint64_t
block_sum_leaves(const struct forest_block *b, uint32_t first, uint32_t trees, const uint8_t *leaf)
{
    const uint64_t(*way)[BLOCK_LEAVES_MAX] = (const uint64_t(*)[BLOCK_LEAVES_MAX])(b->end + first);
    uint64_t sum[2] = {0};

    for (uint32_t t = 0; t < trees; t += 8, leaf += 8, way += 8) {
#pragma GCC unroll 8
        for (uint32_t k = 0; k < 8; k++)
            sum[k % 2] += way[k][leaf[k]];
    }
    return (sum[0] + sum[1]) & END_EXCESS;
}

#endif
