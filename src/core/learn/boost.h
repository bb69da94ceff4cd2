/* The state of one boosting run; internal to core/learn. */
#ifndef ASSAY_LEARN_BOOST_H
#define ASSAY_LEARN_BOOST_H

#include "core/learn/grow.h"

enum { WATCH_EVERY = 5 }; /* trees between two looks at the watched rows: sorting them is dear */

struct partial {
    double gradient, hessian;
};

struct booster {
    const struct dataset *dataset;
    const struct boost_options *options;
    const struct learn_run *run;
    struct model *model;
    struct bins bins;
    struct grower *grower;
    int8_t *direction; /* of each input; NULL: none is monotone */
    uint32_t rows;
    double weight[2]; /* by class */
    uint8_t *label;   /* of each row, 0 or 1 */
    int64_t base;
    int64_t *margin;  /* of each row, 2^-32 of log-odds */
    uint64_t *packed; /* of each row its gradient and hessian, weighted by class and sample */
    struct gradients gradients;
    struct partial *partial; /* sums of a block */
    uint16_t *column;        /* drawn for the tree */
    uint32_t nodes;          /* of the grown tree */
    int64_t *value;          /* of the grown tree's leaves, by node */
    uint32_t *cover;
    uint32_t trees; /* kept so far */
    uint32_t *first;
    struct tree_node *node;
};

/* Rows for early stopping. */
struct watch {
    struct learn_watch *found;
    struct bins bins;
    uint32_t rows;
    int64_t *margin;
    double *score;
    uint8_t *label;
};

#endif
