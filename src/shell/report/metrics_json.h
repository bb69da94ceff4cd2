/* Metrics as one JSON object: for `assay train --json`, the notes of a model, the API. Every
 * figure is {"value":..,"low":..,"high":..}, null where it is not defined. */
#ifndef ASSAY_SHELL_REPORT_METRICS_JSON_H
#define ASSAY_SHELL_REPORT_METRICS_JSON_H

#include "core/base/buffer.h"
#include "core/stats/metrics.h"

void metrics_json(const struct metrics *m, struct buffer *out);

#endif
