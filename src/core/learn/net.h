/* Gradients of a net by its weights; internal to core/learn.
 *
 * Working memory of one thread for nets of one shape. */
#ifndef ASSAY_LEARN_NET_H
#define ASSAY_LEARN_NET_H

#include "core/learn/dataset.h"
#include "core/model/net.h"

/* Which hidden units a row does without: a function of seed, stream and row. */
struct net_dropout {
    double share; /* 0: none */
    uint64_t seed, stream;
};

struct net_pass {
    const struct model_net *net;
    enum simd level;
    struct net_dropout dropout;
    float *value[NET_LAYERS_MAX];
    float *back[NET_LAYERS_MAX]; /* gradient by each layer's units */
};

void net_pass_init(struct net_pass *p, const struct model_net *n, enum simd level);
void net_pass_fini(struct net_pass *p);
/* Log-odds of one row's terms, nothing dropped. */
double net_pass_margin(struct net_pass *p, const float *terms);
/* Adds to `sum` (of the net's shape) weight * the gradient of the row's log-loss. `number` is the
 * row's for the dropout. */
void net_pass_gradient(struct net_pass *p, const float *terms, bool fraud, double weight,
                       uint32_t number, struct model_net *sum);

#endif
