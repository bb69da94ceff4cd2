/* Members of a JSON object by their path. What is absent or of another kind is null, zero or empty:
 * for documents of our own, of which an older version wrote less. */
#ifndef ASSAY_DATA_JSON_AT_H
#define ASSAY_DATA_JSON_AT_H

#include "core/data/json.h"

/* A member by keys with dots between them; NULL where there is none. `object` may be NULL. */
const struct json *json_at(const struct json *object, const char *path);
struct text json_text_at(const struct json *object, const char *path);
double json_real_at(const struct json *object, const char *path); /* NaN */
uint64_t json_count_at(const struct json *object, const char *path);
bool json_is_true_at(const struct json *object, const char *path);

#endif
