#include "core/base/buffer.h"

#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"

enum { BUFFER_FIRST_BYTES = 256, SPILL_BYTES = 32 << 10 };

void buffer_init(struct buffer *b, size_t max_bytes)
{
    *b = (struct buffer){.max = max_bytes};
}

void buffer_init_spilling(struct buffer *b, size_t max_bytes,
                          void (*spill)(void *context, const void *bytes, size_t length),
                          void *context)
{
    *b = (struct buffer){.max = max_bytes, .spill = spill, .context = context};
}

void buffer_spill(struct buffer *b)
{
    if (b->length > 0)
        b->spill(b->context, b->bytes, b->length);
    b->max -= b->length;
    b->length = 0;
}

void buffer_fini(struct buffer *b)
{
    mem_free(b->bytes);
    *b = (struct buffer){.max = b->max};
}

void buffer_clear(struct buffer *b)
{
    b->length = 0;
    b->overflow = false;
}

char *buffer_reserve(struct buffer *b, size_t bytes)
{
    size_t capacity = b->capacity;

    if (b->spill != NULL && b->length >= SPILL_BYTES)
        buffer_spill(b);
    if (b->overflow || bytes > b->max - b->length) {
        b->overflow = true;
        return NULL;
    }
    if (bytes > capacity - b->length || b->bytes == NULL) {
        if (capacity == 0)
            capacity = BUFFER_FIRST_BYTES;
        while (capacity - b->length < bytes)
            capacity *= 2;
        b->bytes = mem_resize(b->bytes, capacity, 1);
        b->capacity = capacity;
    }
    return b->bytes + b->length;
}

void buffer_format(struct buffer *b, const char *format, ...)
{
    va_list args, again;
    int length;
    char *at;

    va_start(args, format);
    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    at = length >= 0 ? buffer_reserve(b, (size_t)length + 1) : NULL;
    if (at != NULL) {
        vsnprintf(at, (size_t)length + 1, format, again);
        b->length += (size_t)length;
    }
    va_end(again);
}

const char *buffer_text(struct buffer *b)
{
    static const char empty[] = "";
    char *at;

    if (b->length == b->max) { /* no room for the zero: the last byte gives way */
        if (b->length == 0)
            return empty;
        b->length--;
    }
    at = buffer_reserve(b, 1);
    if (at == NULL)
        return empty;
    *at = 0;
    return b->bytes;
}

static void buffer_add_little(struct buffer *b, uint64_t v, unsigned bytes)
{
    uint8_t raw[8];

    for (unsigned i = 0; i < bytes; i++)
        raw[i] = (uint8_t)(v >> (8 * i));
    buffer_add(b, raw, bytes);
}

void buffer_add_u8(struct buffer *b, uint8_t v)
{
    buffer_add_little(b, v, 1);
}

void buffer_add_u16(struct buffer *b, uint16_t v)
{
    buffer_add_little(b, v, 2);
}

void buffer_add_u32(struct buffer *b, uint32_t v)
{
    buffer_add_little(b, v, 4);
}

void buffer_add_u64(struct buffer *b, uint64_t v)
{
    buffer_add_little(b, v, 8);
}

void buffer_add_double(struct buffer *b, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    buffer_add_u64(b, bits);
}

void buffer_add_bytes32(struct buffer *b, struct text t)
{
    buffer_add_u32(b, (uint32_t)t.length);
    buffer_add_slice(b, t);
}

void reader_init(struct reader *r, const void *bytes, size_t length)
{
    *r = (struct reader){.at = bytes, .end = (const uint8_t *)bytes + length};
}

size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : (size_t)(r->end - r->at);
}

const void *reader_get(struct reader *r, size_t length)
{
    const uint8_t *at = r->at;

    if (r->failed || length > (size_t)(r->end - r->at)) {
        r->failed = true;
        return NULL;
    }
    r->at += length;
    return at;
}

static uint64_t reader_little(struct reader *r, unsigned bytes)
{
    const uint8_t *raw = reader_get(r, bytes);
    uint64_t v = 0;

    for (unsigned i = 0; raw != NULL && i < bytes; i++)
        v |= (uint64_t)raw[i] << (8 * i);
    return v;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)reader_little(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)reader_little(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)reader_little(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
    return reader_little(r, 8);
}

double reader_double(struct reader *r)
{
    uint64_t bits = reader_u64(r);
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

struct text reader_bytes32(struct reader *r)
{
    uint32_t length = reader_u32(r);
    const char *bytes = reader_get(r, length);

    return (struct text){bytes != NULL ? bytes : "", bytes != NULL ? length : 0};
}
