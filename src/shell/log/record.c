/* Encoding and decoding of one record.
 *
 * The chain is over what was recorded, not over how it was grouped: LOG_FLAG_GROUP is out of the
 * chained bytes (the crc covers it), so the same records have the same chain value however they
 * came in. The two digest_add calls take 64 bytes (chain before, fixed part) and the rest. */
#include "shell/log/record.h"

#include <endian.h>
#include <zlib.h>

#include "core/base/panic.h"

enum { AT_FLAGS = RECORD_PREFIX + 17 };

static void put32(uint8_t *at, uint32_t v)
{
    v = htole32(v);
    memcpy(at, &v, sizeof v);
}

static void put64(uint8_t *at, uint64_t v)
{
    v = htole64(v);
    memcpy(at, &v, sizeof v);
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t v;

    memcpy(&v, at, sizeof v);
    return le32toh(v);
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t v;

    memcpy(&v, at, sizeof v);
    return le64toh(v);
}

const char *record_kind_name(enum record_kind kind)
{
    static const char *const names[] = {
        [RECORD_PLAN] = "plan",   [RECORD_OBSERVE] = "observe", [RECORD_DECISION] = "decision",
        [RECORD_LABEL] = "label", [RECORD_HISTORY] = "history", [RECORD_LIST] = "list",
        [RECORD_CONTROL] = "control",
    };

    if ((unsigned)kind < sizeof names / sizeof names[0] && names[kind] != NULL)
        return names[kind];
    return "unknown";
}

static uint32_t crc_of(const uint8_t *at, size_t bytes)
{
    return (uint32_t)crc32_z(0, at + RECORD_PREFIX, bytes - RECORD_PREFIX);
}

static void chain_of(const uint8_t *at, size_t bytes, struct digest *d,
                     const uint8_t before[DIGEST_BYTES], uint8_t chain[DIGEST_BYTES])
{
    uint8_t head[DIGEST_BYTES + RECORD_FIXED];

    memcpy(head, before, DIGEST_BYTES);
    memcpy(head + DIGEST_BYTES, at + RECORD_PREFIX, RECORD_FIXED);
    head[DIGEST_BYTES + AT_FLAGS - RECORD_PREFIX] &= (uint8_t)~LOG_FLAG_GROUP;
    digest_start(d);
    digest_add(d, head, sizeof head);
    digest_add(d, at + RECORD_HEAD, bytes - RECORD_BYTES_MIN);
    digest_finish(d, chain);
}

void record_encode(uint8_t *at, const struct record *r, bool begins_group, struct digest *d,
                   uint8_t chain[DIGEST_BYTES])
{
    size_t bytes = record_bytes(r);
    uint8_t *end = at + bytes - DIGEST_BYTES;

    ASSERT(r->kind >= 1 && (int)r->kind < RECORD_KINDS && (r->flags & LOG_FLAG_GROUP) == 0);
    put32(at, (uint32_t)(bytes - RECORD_PREFIX));
    put64(at + 8, r->seq);
    put64(at + 16, (uint64_t)r->received_us);
    at[24] = (uint8_t)r->kind;
    at[AT_FLAGS] = (uint8_t)(r->flags | (begins_group ? LOG_FLAG_GROUP : 0));
    at[26] = (uint8_t)r->epoch;
    at[27] = (uint8_t)(r->epoch >> 8);
    put32(at + 28, r->plan);
    put32(at + 32, (uint32_t)r->sealed.length);
    put32(at + 36, (uint32_t)r->body.length);
    if (r->sealed.length > 0)
        memcpy(at + RECORD_HEAD, r->sealed.bytes, r->sealed.length);
    if (r->body.length > 0)
        memcpy(at + RECORD_HEAD + r->sealed.length, r->body.bytes, r->body.length);
    chain_of(at, bytes, d, chain, chain);
    memcpy(end, chain, DIGEST_BYTES);
    put32(at + 4, crc_of(at, bytes));
}

static enum record_state damaged(struct record_frame *f, const char *why)
{
    f->why = why;
    return RECORD_DAMAGED;
}

static void take_fields(const uint8_t *at, struct record_frame *f)
{
    struct record *r = &f->record;
    uint32_t sealed = get32(at + 32);

    r->seq = get64(at + 8);
    r->received_us = (int64_t)get64(at + 16);
    r->kind = (enum record_kind)at[24];
    r->flags = (uint8_t)(at[AT_FLAGS] & ~LOG_FLAG_GROUP);
    r->epoch = (uint16_t)(at[26] | at[27] << 8);
    r->plan = get32(at + 28);
    r->sealed = (struct text){(const char *)at + RECORD_HEAD, sealed};
    r->body = (struct text){(const char *)at + RECORD_HEAD + sealed, get32(at + 36)};
    f->begins_group = (at[AT_FLAGS] & LOG_FLAG_GROUP) != 0;
    f->chain = at + f->bytes - DIGEST_BYTES;
}

static enum record_state decode(const uint8_t *at, size_t available, bool holds_crc,
                                struct record_frame *f)
{
    uint64_t length;

    f->why = "it is cut short";
    f->bytes = RECORD_PREFIX;
    if (available < RECORD_PREFIX)
        return RECORD_SHORT;
    length = get32(at);
    if (length == 0 && get32(at + 4) == 0) {
        f->why = "there are zeros in its place";
        return RECORD_NONE;
    }
    if (length < RECORD_BYTES_MIN - RECORD_PREFIX || length > RECORD_BYTES_MAX - RECORD_PREFIX)
        return damaged(f, "its length is impossible");
    f->bytes = RECORD_HEAD;
    if (available < RECORD_HEAD)
        return RECORD_SHORT;
    if ((uint64_t)get32(at + 32) + get32(at + 36) != length + RECORD_PREFIX - RECORD_BYTES_MIN)
        return damaged(f, "its lengths disagree");
    f->bytes = (size_t)length + RECORD_PREFIX;
    if (available < f->bytes)
        return RECORD_SHORT;
    if (holds_crc && get32(at + 4) != crc_of(at, f->bytes))
        return damaged(f, "its checksum is wrong");
    if (at[24] == 0 || at[24] >= RECORD_KINDS)
        return damaged(f, "its kind is unknown");
    take_fields(at, f);
    return RECORD_WHOLE;
}

enum record_state record_decode(const uint8_t *at, size_t available, struct record_frame *f)
{
    return decode(at, available, true, f);
}

enum record_state record_decode_unchecked(const uint8_t *at, size_t available,
                                          struct record_frame *f)
{
    return decode(at, available, false, f);
}

void record_chain(const uint8_t *at, const struct record_frame *f, struct digest *d,
                  const uint8_t before[DIGEST_BYTES], uint8_t chain[DIGEST_BYTES])
{
    chain_of(at, f->bytes, d, before, chain);
}
