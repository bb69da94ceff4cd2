#include "shell/report/metrics_read.h"

#include <math.h>

struct estimate json_estimate_at(const struct json *object, const char *path)
{
    const struct json *j = json_at(object, path);
    struct estimate f = {
        .value = json_real_at(j, "value"),
        .low = json_real_at(j, "low"),
        .high = json_real_at(j, "high"),
    };

    f.is_null = isnan(f.value);
    return f;
}

const struct json *json_threshold_at(const struct json *metrics, double threshold)
{
    const struct json *rows = json_at(metrics, "thresholds");

    for (uint32_t i = 0; rows != NULL && rows->kind == JSON_ARRAY && i < rows->count; i++) {
        if (json_real_at(&rows->items[i], "threshold") == threshold)
            return &rows->items[i];
    }
    return NULL;
}
