/* Figures read back from the JSON of a registered model. What is absent or of another kind is null,
 * zero or empty: an older version wrote less. */
#ifndef ASSAY_SHELL_REPORT_METRICS_READ_H
#define ASSAY_SHELL_REPORT_METRICS_READ_H

#include "core/data/json.h"
#include "core/stats/metrics.h"

/* A member by keys with dots between them; NULL where there is none. `object` may be NULL. */
const struct json *json_at(const struct json *object, const char *path);
struct text json_text_at(const struct json *object, const char *path);
double json_real_at(const struct json *object, const char *path); /* NaN */
uint64_t json_count_at(const struct json *object, const char *path);
bool json_is_true_at(const struct json *object, const char *path);
/* {"value":..,"low":..,"high":..} of metrics_json.h. */
struct estimate json_estimate_at(const struct json *object, const char *path);

/* The row of a table of thresholds at this one; NULL. */
const struct json *json_threshold_at(const struct json *metrics, double threshold);

#endif
