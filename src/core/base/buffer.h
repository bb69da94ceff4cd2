/* A growing byte buffer with a maximum. Appending past the maximum sets `overflow` and changes
 * nothing more; check once at the end. The bytes are not zero-terminated unless buffer_text is
 * asked. One thread at a time; the owner calls buffer_fini. */
#ifndef ASSAY_BASE_BUFFER_H
#define ASSAY_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/text.h"

struct buffer {
    char *bytes;
    size_t length;
    size_t capacity;
    size_t max;
    bool overflow;
    /* Where it is not NULL, takes what has gathered, some ten thousand bytes at a time: `bytes` has
     * only what came after, `max` counts all. */
    void (*spill)(void *context, const void *bytes, size_t length);
    void *context;
};

void buffer_init(struct buffer *b, size_t max_bytes);
/* For what is only to be read through once. buffer_spill gives what is left. */
void buffer_init_spilling(struct buffer *b, size_t max_bytes,
                          void (*spill)(void *context, const void *bytes, size_t length),
                          void *context);
void buffer_spill(struct buffer *b);
void buffer_fini(struct buffer *b);
void buffer_clear(struct buffer *b);
char *buffer_reserve(struct buffer *b, size_t bytes) MUST_USE; /* room for bytes, or NULL */
static inline void buffer_add(struct buffer *b, const void *bytes, size_t length);
static inline void buffer_add_text(struct buffer *b, const char *zero_terminated);
static inline void buffer_add_slice(struct buffer *b, struct text t);
static inline void buffer_add_char(struct buffer *b, char c);
void buffer_format(struct buffer *b, const char *format, ...) PRINTF_LIKE(2, 3);
const char *buffer_text(struct buffer *b); /* zero-terminated view, valid until the next change */

/* Mostly there is room, and the bytes are a constant: then it is a few moves. */
static inline void buffer_add(struct buffer *b, const void *bytes, size_t length)
{
    bool has_room = b->bytes != NULL && !b->overflow && length <= b->capacity - b->length &&
                    length <= b->max - b->length;
    char *at = has_room ? b->bytes + b->length : buffer_reserve(b, length);

    if (at == NULL || length == 0)
        return;
    memcpy(at, bytes, length);
    b->length += length;
}

static inline void buffer_add_text(struct buffer *b, const char *zero_terminated)
{
    buffer_add(b, zero_terminated, strlen(zero_terminated));
}

static inline void buffer_add_slice(struct buffer *b, struct text t)
{
    buffer_add(b, t.bytes, t.length);
}

static inline void buffer_add_char(struct buffer *b, char c)
{
    buffer_add(b, &c, 1);
}

/* Little-endian integers, for the file formats. */
void buffer_add_u8(struct buffer *b, uint8_t v);
void buffer_add_u16(struct buffer *b, uint16_t v);
void buffer_add_u32(struct buffer *b, uint32_t v);
void buffer_add_u64(struct buffer *b, uint64_t v);
void buffer_add_double(struct buffer *b, double v);       /* its 64 bits */
void buffer_add_bytes32(struct buffer *b, struct text t); /* u32 length, bytes */

/* The reading side: a cursor that can only fail once. After the first read past the end every
 * read gives zero and `failed` stays set; check once at the end. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

void reader_init(struct reader *r, const void *bytes, size_t length);
size_t reader_left(const struct reader *r);
const void *reader_get(struct reader *r, size_t length); /* borrowed, NULL past the end */
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
double reader_double(struct reader *r);
struct text reader_bytes32(struct reader *r); /* borrowed slice */

#endif
