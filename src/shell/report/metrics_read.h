/* Figures read back from the JSON of a registered model. */
#ifndef ASSAY_SHELL_REPORT_METRICS_READ_H
#define ASSAY_SHELL_REPORT_METRICS_READ_H

#include "core/data/json_at.h"
#include "core/stats/metrics.h"

/* {"value":..,"low":..,"high":..} of metrics_json.h. */
struct estimate json_estimate_at(const struct json *object, const char *path);

/* The row of a table of thresholds at this one; NULL. */
const struct json *json_threshold_at(const struct json *metrics, double threshold);

#endif
