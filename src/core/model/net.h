/* A small dense net: terms of the inputs, hidden layers of rectified units, one output of log-odds.
 * Shared by the kind (core/model/net.c) and its trainer (core/learn/net.c).
 *
 * A term of an input that is x: TERM_NUMBER the number as z = (x - mean) * scale, drawn in to
 * sign(z) log(1 + |z|), 0 where it is missing; TERM_LEVEL 1 where the category is the level,
 * TERM_MISSING 1 where it is missing, both as (1 or 0 - mean) * scale. A category's encoded value
 * is its level.
 *
 * All sums are of floats, a unit's in the order of what it sums over; the units of a layer are side
 * by side, so any vector width gives the same bits. */
#ifndef ASSAY_MODEL_NET_H
#define ASSAY_MODEL_NET_H

#include "core/model/parts.h"

/* Layers of zeros; the last has one unit. */
void net_open(struct model_net *n, uint32_t terms, const uint32_t *units, uint32_t layers);
void net_close(struct model_net *n);
/* All terms of one encoded row. */
void net_terms(const struct model_net *n, const double *x, float *z);
float net_term_value(const struct net_term *t, double x);
/* y[0..stride-1] = bias + sum over i of x[i] * weight[i][.] */
void net_layer_sum(const struct net_layer *l, const float *x, float *y, enum simd level);
/* Adds x[i] * d[j] to sum->weight[i][j], d[j] to sum->bias[j]. */
void net_layer_gradient(struct net_layer *sum, const float *x, const float *d, enum simd level);
/* x[i] = sum over j of d[j] * weight[i][j], i < from. */
void net_layer_back(const struct net_layer *l, const float *d, float *x, enum simd level);

#endif
