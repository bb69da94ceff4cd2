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
 * A leaf counts as the tree's least one, which goes to `base`, and what it has above that. This
 * excess lies twice: as a number, for a row alone, and cut into bytes, a table of 64 for each byte
 * of each tree, for many rows: there 64 rows look up their leaves of one tree together.
 */
#ifndef ASSAY_MODEL_BLOCKS_H
#define ASSAY_MODEL_BLOCKS_H

#include "core/model/ranks.h"

enum {
    BLOCK_TREES = 64,
    BLOCK_DEPTH_MAX = 6,
    BLOCK_LEAVES_MAX = 1 << BLOCK_DEPTH_MAX,
    BLOCK_THRESHOLDS_MAX = 255, /* of an input: ranks are 0 .. 255 */
    BLOCK_SLOTS_MAX = 64,       /* of a row */
    BLOCK_PLANES_MAX = 6,       /* bytes of the difference of two leaves: 2 LEAF_VALUE_MAX */
};

/* Node k of a block's trees: 0 the root, children at 2k+1 and 2k+2. */
struct block_node {
    uint8_t slot[BLOCK_TREES], rank[BLOCK_TREES];
};

struct forest_block {
    uint32_t depth;                                             /* 1 .. BLOCK_DEPTH_MAX */
    uint32_t trees;                                             /* the rest of the 64 add nothing */
    const struct block_node *node;                              /* 2^depth - 1 */
    const uint64_t (*excess)[BLOCK_LEAVES_MAX];                 /* by tree and leaf */
    const uint8_t (*plane)[BLOCK_PLANES_MAX][BLOCK_LEAVES_MAX]; /* by tree, the lowest byte first */
};

struct forest_blocks {
    uint32_t blocks;
    struct forest_block *block;
    int64_t base;    /* the trees' least leaves */
    uint32_t planes; /* that are not zero everywhere */
    struct block_node *node;
    uint64_t (*excess)[BLOCK_LEAVES_MAX];
    uint8_t (*plane)[BLOCK_PLANES_MAX][BLOCK_LEAVES_MAX];
};

/* NULL where a tree, an input or a row is too large for blocks, or there is no tree. */
struct forest_blocks *forest_blocks_new(const struct forest_ranks *r, const struct model_forest *f,
                                        const uint32_t *used_as);
void forest_blocks_free(struct forest_blocks *b);

#endif
