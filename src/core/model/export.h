/* A model as an ONNX graph (ai.onnx 15, ai.onnx.ml 4), for programs that run those.
 *
 * One input tensor a feature, [rows, 1]: doubles, NaN where missing, or texts, "" where missing.
 * Two results: `margin` and `probability`, float32. The trees' sums are in double, so a margin
 * differs from the model's own by its rounding to float32 only.
 *
 * Logistic, boost, forest and isolation are expressed, with their categories, knots and a Platt
 * calibration. What is not (votes, stacks, an isotonic calibration, imported models) is refused by
 * name. */
#ifndef ASSAY_MODEL_EXPORT_H
#define ASSAY_MODEL_EXPORT_H

#include "core/model/model.h"

bool export_onnx(const struct model *m, const char *version, struct buffer *out,
                 struct error *e) MUST_USE;

#endif
