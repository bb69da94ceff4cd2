/* A borrowed slice of bytes: never owns, never zero-terminated. */
#ifndef ASSAY_BASE_TEXT_H
#define ASSAY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct text {
    const char *bytes;
    size_t length;
};

/* For printf's "%.*s": TEXT_ARG(t). */
#define TEXT_ARG(t) (int)(t).length, (t).bytes

static inline struct text text_of(const char *zero_terminated)
{
    return (struct text){zero_terminated, strlen(zero_terminated)};
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static inline bool text_is(struct text a, const char *b)
{
    return text_equal(a, text_of(b));
}

/* Byte order, shorter first where one begins the other: <0, 0, >0. */
int text_compare(struct text a, struct text b);

/* Without ASCII white space at both ends. */
struct text text_trim(struct text t);

/* Whether the bytes are valid UTF-8 (no surrogates, no overlong forms, nothing past U+10FFFF). */
bool text_is_utf8(struct text t);
/* The same, and no byte is a control character (0 to 31, 127): a name that lists show. */
bool text_is_plain(struct text t);

/* Number of single-byte edits between two short texts, for "did you mean"; 64 where either is
 * longer than 64 bytes. */
unsigned text_distance(struct text a, struct text b);

/* The candidate nearest to `wanted` if it is close enough to be a likely slip, or -1. */
int text_nearest(struct text wanted, const struct text *candidates, size_t count);

#endif
