/* JSON as the bytes that it is: parts of a document, numbers digit for digit as they stand.
 *
 * For passing records on. The document must be valid (json_parse says so); of what is not, the
 * parts are any bytes of it, but never others.
 */
#ifndef ASSAY_DATA_JSON_RAW_H
#define ASSAY_DATA_JSON_RAW_H

#include "core/base/buffer.h"
#include "core/data/json.h"

/* By the first byte that is not white space; JSON_REAL stands for every number. */
enum json_kind json_raw_kind(struct text value);

/* Over the items of an array or the members of an object. */
struct json_items {
    struct text left;
    bool is_object;
};

void json_items_init(struct json_items *i, struct text value); /* none of a plain value */
/* The next one, borrowed; `key` as it stands, without its quotes. False at the end. */
bool json_items_next(struct json_items *i, struct text *key, struct text *value) MUST_USE;

/* A member by its key; length 0: there is none. */
struct text json_raw_member(struct text object, struct text key);

/* Text without its quotes and escapes, appended; false where it is no text. */
bool json_raw_text(struct text value, struct buffer *out) MUST_USE;

/* The value without white space between its parts. */
void json_add_compact(struct buffer *b, struct text value);

#endif
