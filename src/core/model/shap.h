/* Exact TreeSHAP; internal to core/model. */
#ifndef ASSAY_MODEL_SHAP_H
#define ASSAY_MODEL_SHAP_H

#include "core/model/parts.h"

struct shap_scratch; /* of one thread */

/* The model's, made by the first who asks: most models that training makes never explain a row. Any
 * thread. */
const struct shap_rule *shap_rule_of(const struct model *m);
/* Of some of the trees; the model's own base goes with the first. */
struct shap_rule *shap_rule_new(const struct model *m, uint32_t first, uint32_t trees);
void shap_rule_free(struct shap_rule *r);
struct shap_scratch *shap_scratch_new(const struct shap_rule *r);
void shap_scratch_free(struct shap_scratch *s);
/* Adds to contribution[input]; returns the base: what is expected before any input is known. */
double shap_explain(const struct shap_rule *r, struct shap_scratch *s, const double *x,
                    double *contribution, enum simd level);

#endif
