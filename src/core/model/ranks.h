/* The forest as the kernels walk it; internal to core/model.
 *
 * Every threshold of an input is replaced by its rank among that input's thresholds in the whole
 * forest, and a row's value by the number of thresholds below it: x <= threshold[k] exactly when
 * rank(x) <= k, so integers decide as the doubles would. A row becomes 16-bit ranks in at most
 * two slots per used input: one for nodes that send missing left, one for those that send it right.
 * They differ only where the value is missing (RANK_LEFT, RANK_RIGHT), so missing costs nothing.
 *
 * Three levels of a tree, seven nodes, lie in one cache line with the eight ways out of it, so a
 * walk touches a line for three decisions, and where the processor compares all seven at once, it
 * takes one step for three. Nodes below a leaf send everything left; their ways out are the leaf. A
 * way out below `lines` is a line, else a leaf: a walk of more steps than the tree has stays on its
 * leaf, and a group of trees takes the same number of steps without a branch.
 */
#ifndef ASSAY_MODEL_RANKS_H
#define ASSAY_MODEL_RANKS_H

#include "core/model/parts.h"

enum {
    RANK_LEFT = 0,
    RANK_RIGHT = 65535,
    RANK_OF_LEAF = 65535,
    RANK_GROUP = 16, /* trees that are walked together */
    RANK_ROW = 32,   /* rows are whole numbers of so many 16-bit words, the rest zero */
    RANK_FAN = 16,   /* thresholds that a search compares at once */
    RANK_LEVELS_MAX = 4,
    RANK_NO_SLOT = 65535,
    LINE_NODES = 7,
    LINE_WAYS = 8,
    LINE_LEVELS = 3,
};

/* Node k (0 the root, children at 2k+1 and 2k+2) is word 8 (k / 4) + k % 4 of slot, its rank four
 * words on: a shift brings all ranks to their slots. Way out i is left first. */
struct tree_line {
    uint16_t slot_rank[16];
    uint32_t way[LINE_WAYS];
};

/* Where in `fan` an input's thresholds begin, their samples, the samples' samples. */
struct rank_search {
    uint32_t levels;
    uint32_t at[RANK_LEVELS_MAX];
};

struct forest_blocks;

struct forest_ranks {
    enum simd level;   /* of the search while trees are laid out */
    uint32_t used;     /* inputs with a threshold */
    uint32_t *input;   /* of each */
    uint32_t *used_as; /* of each input of the model that is used: where it is in `input` */
    uint32_t *first;   /* used + 1: where its thresholds begin */
    double *threshold; /* ascending within an input, different */
    struct rank_search *search; /* of each used input */
    double *fan;
    uint32_t slots;
    uint16_t *slot; /* two of each used input, missing left and right, or RANK_NO_SLOT */
    uint32_t groups;
    uint32_t *steps; /* of each group: lines on the longest way of its trees */
    uint32_t lines;
    struct tree_line *line;       /* the roots first, groups * RANK_GROUP of them */
    int64_t *value;               /* of leaf `lines` + i */
    struct forest_blocks *blocks; /* NULL where the forest does not fit into them (blocks.h) */
};

/* NULL and an error where an input has too many thresholds. */
struct forest_ranks *forest_ranks_new(const struct model *m, struct error *e) MUST_USE;
void forest_ranks_free(struct forest_ranks *r);
uint32_t forest_ranks_stride(const struct forest_ranks *r); /* 16-bit words of one row */
/* One encoded row to ranks. */
void forest_ranks_of(const struct forest_ranks *r, const double *x, uint16_t *ranks,
                     enum simd level);
/* Of an internal node: a row goes right where its rank in the slot is above the node's. */
uint16_t forest_slot(const struct forest_ranks *r, const struct tree_node *n);
uint16_t forest_rank(const struct forest_ranks *r, const struct tree_node *n);
/* Fills groups, steps, lines, line, value. */
void forest_lines_make(struct forest_ranks *r, const struct model_forest *f);
/* Splits on the longest way from the root. */
uint32_t forest_tree_depth(const struct tree_node *node, uint32_t nodes);

#endif
