/* The forest as the kernels walk it; internal to core/model.
 *
 * Every threshold of an input is replaced by its rank among that input's thresholds in the whole
 * forest, and a row's value by the number of thresholds below it: x <= threshold[k] exactly when
 * rank(x) <= k, so integers decide as the doubles would. A row becomes 16-bit ranks in two slots
 * per used input: slot 2u for nodes that send missing left, 2u+1 for those that send it right. They
 * differ only where the value is missing (RANK_LEFT, RANK_RIGHT), so missing costs nothing.
 *
 * A node is one 64-bit word: slot, rank, index of the left child. A leaf is its own left child with
 * a rank that nothing exceeds, so a walk of more steps than the tree is deep stays on its leaf,
 * and a group of trees takes the same number of steps without a branch.
 */
#ifndef ASSAY_MODEL_RANKS_H
#define ASSAY_MODEL_RANKS_H

#include "core/model/parts.h"

enum {
    RANK_LEFT = 0,
    RANK_RIGHT = 65535,
    RANK_OF_LEAF = 65535,
    RANK_GROUP = 16,  /* trees that are walked together */
    RANK_PADDING = 2, /* 16-bit words past a row that a 32-bit gather may touch */
};

struct rank_node {
    uint16_t slot;
    uint16_t rank;
    uint32_t next;
};

struct forest_ranks {
    uint32_t used;     /* inputs with a threshold */
    uint32_t *input;   /* of each */
    uint32_t *first;   /* used + 1: where its thresholds begin */
    double *threshold; /* ascending within an input, different */
    uint32_t groups;
    uint32_t *steps; /* of each group: depth of its deepest tree */
    uint32_t *root;  /* groups * RANK_GROUP node indices */
    struct rank_node *node;
    int64_t *value; /* by node; 0 at internal nodes */
};

/* NULL and an error where an input has too many thresholds. */
struct forest_ranks *forest_ranks_new(const struct model *m, struct error *e) MUST_USE;
void forest_ranks_free(struct forest_ranks *r);
uint32_t forest_ranks_stride(const struct forest_ranks *r); /* 16-bit words of one row */
/* One encoded row to ranks. */
void forest_ranks_of(const struct forest_ranks *r, const double *x, uint16_t *ranks);
/* sum[i] += the leaf values of all trees for row i of `rows` ranked rows. */
void forest_walk(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows, int64_t *sum,
                 enum simd level);

#endif
