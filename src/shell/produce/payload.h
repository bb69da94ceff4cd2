/* The records in the body of an HTTP answer, each as a JSON object with its numbers as they stand.
 *
 * A body is JSON: an array of objects, one object, {"columns": [...], "data": [[...]]}, objects one
 * a line, or text that is JSON again (at any step of the way). A JSON pointer (RFC 6901) says where
 * the records are in it.
 */
#ifndef ASSAY_PRODUCE_PAYLOAD_H
#define ASSAY_PRODUCE_PAYLOAD_H

#include "core/base/buffer.h"

enum {
    PAYLOAD_NESTING_MAX = 8,    /* JSON inside text inside JSON ... */
    PAYLOAD_COLUMNS_MAX = 4096, /* of columns and data */
    PAYLOAD_POINTER_MAX = 1024, /* bytes */
};

struct payload; /* one thread */

struct payload *payload_new(void);
void payload_free(struct payload *p);

bool payload_pointer_check(const char *pointer, struct error *e) MUST_USE;

/* `pointer` "" or NULL: the whole body. ERROR_INVALID where the body is no JSON or the pointer
 * leads to nothing. The body is not needed any more when this has returned. */
bool payload_begin(struct payload *p, struct text body, const char *pointer,
                   struct error *e) MUST_USE;

enum payload_item { PAYLOAD_END, PAYLOAD_RECORD, PAYLOAD_BAD };

/* Appends the next record to `out`, or says in *e why it is none. */
enum payload_item payload_next(struct payload *p, struct buffer *out, struct error *e) MUST_USE;

#endif
