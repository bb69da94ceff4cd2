/* JSON in, from a buffer (simdjson behind this header, which is all that knows of it) and the few
 * pieces needed to write JSON out straight into a buffer.
 *
 * Reading is strict: RFC 8259, valid UTF-8, no duplicate keys (refused by us, at every level),
 * depth at most JSON_DEPTH_MAX, numbers that a double cannot hold (1e999) and whole numbers past 64
 * bits refused where they are read.
 */
#ifndef ASSAY_DATA_JSON_H
#define ASSAY_DATA_JSON_H

#include "core/base/buffer.h"
#include "core/data/frame.h"

enum {
    JSON_DEPTH_MAX = 64,
    JSON_BYTES_MAX = 64 << 20,
    JSON_MEMORY_MAX = 1 << 30, /* of one json_document */
    JSON_PROBLEMS_MAX = 32,    /* problems told of one document; more are only counted */
};

/* A bad field: a JSON pointer ("/amount") and words for the caller. */
struct problem {
    char pointer[FIELD_NAME_MAX + 2];
    char detail[256];
};

struct problems {
    uint32_t count; /* of items; never over JSON_PROBLEMS_MAX */
    uint32_t more;  /* found beyond that */
    struct problem items[JSON_PROBLEMS_MAX];
};

void problems_add(struct problems *p, const char *pointer, const char *format, ...)
    PRINTF_LIKE(3, 4);

struct json_reader; /* owns simdjson's parser and buffers; one thread */
struct json_reader *json_reader_new(void);
void json_reader_free(struct json_reader *r);

enum json_unknown { JSON_UNKNOWN_REFUSE, JSON_UNKNOWN_SKIP };

/* One object as one event, appended to the frame (text copied into it). Each field of the schema
 * is read by its type: numbers from numbers, or from text (cell.h; a decimal past 2^33 is exact
 * only from text); time from text or number by the field's layout, or from RFC 3339 text; text from
 * text, from a number (its shortest digits), or from an array or object (its JSON). Empty text is
 * null but in a text field. A field "a.b" also takes member b of an object a. Missing fields are
 * null. On bad input nothing is appended, false is returned and `problems` has at least one entry
 * (pointer "" for the document itself). A key that is no field is a problem, with the nearest known
 * name, unless unknown keys are skipped. Where the schema has several kinds, the key "kind" must
 * name one; the others then go by that kind's names, and a field of another kind is a problem. */
bool json_read_event(struct json_reader *r, const char *bytes, size_t length,
                     const struct schema *s, enum json_unknown unknown, struct frame *f,
                     struct problems *problems) MUST_USE;

/* A small DOM for everything that is not an event on the hot path (labels, job requests, tests of
 * hostile input): a document that outlives the call, freed by json_free. */
enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_REAL, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    bool boolean;
    int64_t integer;
    double real; /* also set for JSON_INT */
    struct text text;
    uint32_t count;     /* items of an array, members of an object */
    struct json *items; /* values */
    struct text *keys;  /* of an object, in the document's order */
};

struct json_document {
    struct arena memory;
    struct json root;
};

struct json_document *json_parse(struct json_reader *r, const char *bytes, size_t length,
                                 struct error *e) MUST_USE; /* NULL on failure */
void json_free(struct json_document *d); /* takes NULL */
const struct json *json_get(const struct json *object, const char *key); /* NULL if absent */

/* Writing. */
void json_add_text(struct buffer *b, struct text t); /* quoted and escaped */
void json_add_int(struct buffer *b, int64_t v);
void json_add_real(struct buffer *b, double v); /* shortest form; non-finite is null */
void json_add_value(struct buffer *b, const struct value *v); /* time as RFC 3339 text */

#endif
