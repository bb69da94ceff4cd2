#include "core/velocity/forget.h"

#include <string.h>

#include "core/velocity/evict.h"

enum {
    BLOCK_BYTES = 64, /* one token's bits lie in one of these */
    BITS_PER_TOKEN = 4,
    FILTER_LOG_MAX = 25, /* bytes: emptying one takes a few milliseconds */
};

/* Bytes of one filter: a power of two, 0 where there is no room for a block. */
static size_t filter_bytes(const struct velocity *v)
{
    uint64_t share = v->budget_bytes / v->layout->group_count / FORGET_PART / 2;
    size_t bytes = (size_t)1 << FILTER_LOG_MAX;

    while (bytes > share)
        bytes /= 2;
    return bytes < BLOCK_BYTES ? 0 : bytes;
}

size_t forget_bytes(const struct velocity *v)
{
    return 2 * filter_bytes(v);
}

static uint64_t *block_of(const struct velocity *v, region_ref filter, struct hash128 token)
{
    size_t blocks = filter_bytes(v) / BLOCK_BYTES;

    return (uint64_t *)((char *)region_at(v->region, filter) +
                        (token.high & (blocks - 1)) * BLOCK_BYTES);
}

/* Nine bits of the token for each of its places among the 512 of a block. */
static uint64_t place_of(struct hash128 token, int i)
{
    return (hash_mix(token.low ^ token.high >> 32) >> (9 * i)) & 511;
}

void forget_add(struct velocity *v, uint32_t group, struct hash128 token)
{
    struct forgotten *f = &v->state[group].forgotten;
    size_t bytes = filter_bytes(v);
    uint64_t *block;

    room_hold(v);
    for (int i = 0; i < 2 && bytes > 0; i++) {
        if (f->filter[i] == 0)
            f->filter[i] = region_alloc(v->region, bytes);
    }
    room_leave(v);
    if (bytes == 0 || f->filter[0] == 0 || f->filter[1] == 0) {
        f->is_lost = true;
        return;
    }
    block = block_of(v, f->filter[f->young], token);
    region_touch(v->region, block, BLOCK_BYTES);
    for (int i = 0; i < BITS_PER_TOKEN; i++) {
        uint64_t place = place_of(token, i);

        block[place / 64] |= UINT64_C(1) << (place % 64);
    }
    f->added[f->young]++;
}

static bool filter_has(const struct velocity *v, const struct forgotten *f, int which,
                       struct hash128 token)
{
    const uint64_t *block;

    if (f->added[which] == 0)
        return false;
    block = block_of(v, f->filter[which], token);
    for (int i = 0; i < BITS_PER_TOKEN; i++) {
        uint64_t place = place_of(token, i);

        if ((block[place / 64] >> (place % 64) & 1) == 0)
            return false;
    }
    return true;
}

bool forget_has(const struct velocity *v, uint32_t group, struct hash128 token)
{
    const struct forgotten *f = &v->state[group].forgotten;

    return f->is_lost || filter_has(v, f, 0, token) || filter_has(v, f, 1, token);
}

/* Tokens of the older filter were added before since_us, so all their events are older. */
void forget_turn(struct velocity *v, uint32_t group, int64_t watermark_us)
{
    const struct group *g = &v->layout->groups[group];
    struct forgotten *f = &v->state[group].forgotten;
    uint32_t old = 1 - f->young;

    if (!g->expires || f->added[0] + f->added[1] == 0)
        return;
    if (f->since_us == 0) {
        f->since_us = watermark_us;
        return;
    }
    if (time_before(watermark_us, g->idle_us) < f->since_us)
        return;
    if (f->added[old] > 0) {
        region_touch(v->region, region_at(v->region, f->filter[old]), filter_bytes(v));
        memset(region_at(v->region, f->filter[old]), 0, filter_bytes(v));
    }
    f->added[old] = 0;
    f->young = old;
    f->since_us = watermark_us;
}

int64_t forget_until(const struct velocity *v, uint32_t group, struct hash128 token,
                     int64_t watermark_us)
{
    if (!forget_has(v, group, token))
        return INT64_MIN;
    return v->layout->groups[group].expires ? watermark_us : INT64_MAX;
}
