/* One record as bytes (layout: log.h). Pure: no file, no clock. */
#ifndef ASSAY_LOG_RECORD_H
#define ASSAY_LOG_RECORD_H

#include "shell/log/log.h"

enum {
    RECORD_PREFIX = 8, /* length, crc */
    RECORD_FIXED = 32, /* seq .. body length */
    RECORD_HEAD = RECORD_PREFIX + RECORD_FIXED,
    RECORD_BYTES_MIN = RECORD_HEAD + DIGEST_BYTES,
    RECORD_BYTES_MAX = RECORD_BYTES_MIN + LOG_BODY_MAX,
    RECORD_KINDS = 8, /* kinds are 1..7 */
};

_Static_assert((int)RECORD_BYTES_MIN == (int)LOG_OVERHEAD_BYTES,
               "callers reserve by LOG_OVERHEAD_BYTES");

enum record_state {
    RECORD_WHOLE,   /* length, crc and lengths inside agree */
    RECORD_NONE,    /* zeros: nothing was written here */
    RECORD_SHORT,   /* more bytes are needed to say; frame->bytes tells how many */
    RECORD_DAMAGED, /* frame->why */
};

struct record_frame {
    struct record record; /* slices into the bytes given; flags without LOG_FLAG_GROUP */
    const uint8_t *chain;
    size_t bytes; /* of the whole record */
    bool begins_group;
    const char *why;
};

static inline size_t record_bytes(const struct record *r)
{
    return RECORD_BYTES_MIN + r->sealed.length + r->body.length;
}

/* Writes record_bytes(r) bytes, and the new chain value over `chain`. */
void record_encode(uint8_t *at, const struct record *r, bool begins_group, struct digest *d,
                   uint8_t chain[DIGEST_BYTES]);
/* Does not know what was before: seq and chain are for the caller to hold. */
enum record_state record_decode(const uint8_t *at, size_t available, struct record_frame *f);
/* The same without the crc: for finding one's way through a segment that is known to be good. */
enum record_state record_decode_unchecked(const uint8_t *at, size_t available,
                                          struct record_frame *f);
/* The chain value that the record at `at` must have. */
void record_chain(const uint8_t *at, const struct record_frame *f, struct digest *d,
                  const uint8_t before[DIGEST_BYTES], uint8_t chain[DIGEST_BYTES]);

#endif
