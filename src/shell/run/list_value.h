/* Values and times of lists as people and files write them. */
#ifndef ASSAY_RUN_LIST_VALUE_H
#define ASSAY_RUN_LIST_VALUE_H

#include "core/decide/lists.h"

/* False where the text is no value of a list of this type. Text of *v is borrowed. */
bool list_value_parse(enum type type, struct text text, struct value *v) MUST_USE;

/* A value of a list of this type in its shortest text: "007" of ints is "7". ERROR_INVALID says
 * what is wrong with it, without quoting it. */
bool list_value_read(enum type type, struct text text, char out[LIST_VALUE_MAX + 1],
                     struct text *value, struct error *e) MUST_USE;

/* "2026-05-01", a time; "7d", so long after now_us; or "never". */
bool list_expiry_read(struct text text, int64_t now_us, int64_t *expires_us,
                      struct error *e) MUST_USE;

#endif
