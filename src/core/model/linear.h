/* Terms of a linear model; internal to core/model. */
#ifndef ASSAY_MODEL_LINEAR_H
#define ASSAY_MODEL_LINEAR_H

#include "core/model/parts.h"

/* No value and no coefficient of a file makes a margin infinite. */
#define LINEAR_MOST 1e100

/* What input j adds to the margin when its value is x. Over the training rows its mean is 0. */
static inline double linear_term(const struct model_linear *l, uint32_t j, double x)
{
    double slope;

    if (__builtin_isnan(x))
        return l->missing[j];
    slope = l->weight[j] * (x - l->mean[j]);
    for (uint32_t k = l->first != NULL ? l->first[j] : 0; l->first != NULL && k < l->first[j + 1];
         k++) {
        if (!(x > l->knot[k]))
            break;
        slope += l->slope[k] * (x - l->knot[k]);
    }
    if (!(slope <= LINEAR_MOST && slope >= -LINEAR_MOST))
        slope = slope > 0 ? LINEAR_MOST : slope < 0 ? -LINEAR_MOST : 0;
    return l->present[j] + slope;
}

static inline double linear_margin(const struct model_linear *l, uint32_t inputs, const double *x)
{
    double sum = l->bias;

    for (uint32_t j = 0; j < inputs; j++)
        sum += linear_term(l, j, x[j]);
    return sum;
}

#endif
