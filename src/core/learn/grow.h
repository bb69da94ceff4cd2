/* Grows one tree, leaf-wise, from gradients. Internal to core/learn.
 *
 * Everything that decides the tree's shape is an integer: gradients are rounded once to fixed
 * point, histograms sum them exactly, so the shape depends neither on the number of threads nor on
 * the order of the additions. A row's gradient and hessian share one 64-bit word (gradient in the
 * upper half, signed; hessian in the lower), and so does a histogram cell: one addition does both.
 * The scales are chosen so that no sum over all rows can leave its half.
 *
 * All threads work on one leaf at a time: each parts some of its rows, sums some of them, and looks
 * for a split among some of the inputs. To hand out work takes about a microsecond.
 */
#ifndef ASSAY_LEARN_GROW_H
#define ASSAY_LEARN_GROW_H

#include "core/learn/bins.h"

enum { GROW_LEAVES_MAX = 1024 };

struct grown_node {
    uint32_t begin, end; /* its rows in grower.row */
    uint32_t depth;
    uint32_t left; /* of an internal node; right = left + 1; 0 = leaf */
    uint16_t input;
    uint8_t bin; /* left where cell <= bin (missing apart) */
    bool missing_left;
    double least, most; /* bounds of its leaves' steps, where inputs are monotone */
    uint64_t total;     /* packed sum of its rows */
};

struct grower;

struct gradients {
    const uint64_t *packed; /* of each dataset row */
    double gradient_unit, hessian_unit;
};

/* direction: of each input, as of struct monotone; NULL: none is bound. Borrowed. */
struct grower *grower_new(const struct bins *b, const struct boost_options *o,
                          const int8_t *direction, const struct learn_run *run);
void grower_free(struct grower *g);

/* Rows are chosen by the caller: grower_rows gives room for all of them, in ascending order; the
 * grower then permutes them so that every node's are together (ascending within a node). */
uint32_t *grower_rows(struct grower *g);
const struct grown_node *grower_node(const struct grower *g);
/* `columns` inputs may be split. Returns the number of nodes; node 0 is the root. */
uint32_t grow_tree(struct grower *g, const struct gradients *gradients, uint32_t rows,
                   const uint16_t *column, uint32_t columns);

static inline bool grown_goes_left(const struct grown_node *n, uint8_t cell)
{
    return cell == 0 ? n->missing_left : cell <= n->bin;
}

#endif
