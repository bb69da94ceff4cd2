/* The types of the language and one value of them.
 *
 *   bool      0 or 1
 *   int       int64
 *   decimal   millionths in an int64 (base/number.h)
 *   real      a finite double; NaN, infinity and -0 never exist: they become null (or 0)
 *   text      bytes, valid UTF-8, at most TEXT_MAX
 *   time      microseconds since 1970 UTC
 *   duration  microseconds
 *
 * All but real and text live in an int64_t, so a column of them is one array of 64-bit words.
 * Null is a state of a value, not a type.
 */
#ifndef ASSAY_DATA_VALUE_H
#define ASSAY_DATA_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/text.h"

enum { TEXT_MAX = 4096 };

enum type {
    TYPE_BOOL,
    TYPE_INT,
    TYPE_DECIMAL,
    TYPE_REAL,
    TYPE_TEXT,
    TYPE_TIME,
    TYPE_DURATION,
    TYPES
};

const char *type_name(enum type type); /* "bool", "int", ... */
bool type_find(struct text name, enum type *type) __attribute__((warn_unused_result));

static inline bool type_is_number(enum type t)
{
    return t == TYPE_INT || t == TYPE_DECIMAL || t == TYPE_REAL;
}

struct value {
    enum type type;
    bool is_null;
    union {
        int64_t integer; /* bool, int, decimal, time, duration */
        double real;
        struct text text;
    };
};

/* Bit equality: same type, both null or the same bits. */
bool value_equal(const struct value *a, const struct value *b);

#endif
