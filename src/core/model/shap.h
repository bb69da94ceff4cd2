/* Exact TreeSHAP; internal to core/model. */
#ifndef ASSAY_MODEL_SHAP_H
#define ASSAY_MODEL_SHAP_H

#include "core/model/parts.h"

struct shap_rule *shap_rule_new(const struct model_forest *f);
void shap_rule_free(struct shap_rule *r);
/* Adds to contribution[input]; returns the base: what is expected before any input is known. */
double shap_explain(const struct model *m, const double *x, double *contribution);

#endif
