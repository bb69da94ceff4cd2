/* Pieces of the imported kind's scoring that its explanations use too. */
#ifndef ASSAY_MODEL_IMPORTED_PARTS_H
#define ASSAY_MODEL_IMPORTED_PARTS_H

#include "core/model/imported.h"

/* The columns of one row, normalised: what the core sees. */
void imported_columns(const struct imported *m, const double *x, double *v);
bool imported_goes_left(const struct imported_trees *t, const struct imported_node *n, double x);
void imported_layer_run(const struct imported_layer *l, const double *in, double *out);
double imported_output_of(const struct imported *m, const double *v);

#endif
