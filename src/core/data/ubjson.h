/* UBJSON (draft 12, as XGBoost writes it: big-endian, containers may tell type and count) into the
 * same document as JSON. Limits: JSON_BYTES_MAX, JSON_DEPTH_MAX, JSON_MEMORY_MAX; numbers of
 * unbounded precision (H) and keys that appear twice are refused. */
#ifndef ASSAY_DATA_UBJSON_H
#define ASSAY_DATA_UBJSON_H

#include "core/data/json.h"

/* NULL and ERROR_INVALID (or ERROR_FULL) on failure; freed by json_free. */
struct json_document *ubjson_parse(const void *bytes, size_t length, struct error *e) MUST_USE;

#endif
