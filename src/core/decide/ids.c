/* A ring of entries in order of arrival, and an open-addressing index of ring positions by token.
 *
 *   1. ring[(first + k) & (capacity - 1)], k < count, are the entries, oldest first.
 *   2. index slots hold ring position + 1 (0 = empty), linear probing from token.low; twice as many
 *      slots as the ring has places, so a probe ends.
 *   3. Forgetting takes the oldest entry out of both; the index closes gaps by backward shift, so
 * there are no tombstones and the bytes depend on the contents' history only.
 */
#include "core/decide/ids.h"

#include <stdbool.h>
#include <string.h>

enum { IDS_FIRST = 1024 };

struct ids_head {
    uint64_t count;
    uint64_t first;
    uint64_t capacity; /* power of two */
    uint64_t ring;     /* region_ref of struct id_entry[capacity] */
    uint64_t index;    /* region_ref of uint32_t[2 * capacity] */
};

void ids_open(struct ids *i, struct region *r, unsigned root, uint64_t horizon, int64_t horizon_us)
{
    *i = (struct ids){.region = r, .root = root, .horizon = horizon, .horizon_us = horizon_us};
}

uint64_t ids_within(uint64_t bytes)
{
    uint64_t each = sizeof(struct id_entry) + 2 * sizeof(uint32_t), count = IDS_FIRST;

    while (count * 2 * each <= bytes)
        count *= 2;
    return count;
}

static struct ids_head *head_of(const struct ids *i)
{
    region_ref ref = (region_ref)region_header(i->region)->root[i->root];

    return ref != 0 ? region_at(i->region, ref) : NULL;
}

static struct id_entry *ring_of(const struct ids *i, const struct ids_head *h)
{
    return region_at(i->region, (region_ref)h->ring);
}

static uint32_t *index_of(const struct ids *i, const struct ids_head *h)
{
    return region_at(i->region, (region_ref)h->index);
}

/* The slot that holds the token, or the empty slot where the probe ends. */
static uint64_t slot_of(const struct ids *i, const struct ids_head *h, struct hash128 token)
{
    const struct id_entry *ring = ring_of(i, h);
    const uint32_t *index = index_of(i, h);
    uint64_t mask = 2 * h->capacity - 1;
    uint64_t slot = token.low & mask;

    while (index[slot] != 0) {
        const struct id_entry *e = &ring[index[slot] - 1];

        if (e->token.low == token.low && e->token.high == token.high)
            break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

/* Close the gap at `hole`: entries after it move back as long as that brings them nearer home. */
static void index_remove(const struct ids *i, const struct ids_head *h, uint64_t hole)
{
    const struct id_entry *ring = ring_of(i, h);
    uint32_t *index = index_of(i, h);
    uint64_t mask = 2 * h->capacity - 1;
    uint64_t slot = hole;

    for (;;) {
        uint64_t home;

        slot = (slot + 1) & mask;
        if (index[slot] == 0)
            break;
        home = ring[index[slot] - 1].token.low & mask;
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            region_touch(i->region, &index[hole], sizeof *index);
            index[hole] = index[slot];
            hole = slot;
        }
    }
    region_touch(i->region, &index[hole], sizeof *index);
    index[hole] = 0;
}

static void forget_oldest(const struct ids *i, struct ids_head *h)
{
    struct id_entry *oldest = &ring_of(i, h)[h->first];

    index_remove(i, h, slot_of(i, h, oldest->token));
    region_touch(i->region, oldest, sizeof *oldest);
    memset(oldest, 0, sizeof *oldest);
    h->first = (h->first + 1) & (h->capacity - 1);
    h->count--;
}

static void release(struct ids *i, struct ids_head *h)
{
    region_free(i->region, (region_ref)h->ring, h->capacity * sizeof(struct id_entry));
    region_free(i->region, (region_ref)h->index, 2 * h->capacity * sizeof(uint32_t));
}

static bool grow(struct ids *i, struct ids_head *h)
{
    struct ids_head bigger = {.count = h->count, .capacity = h->capacity * 2};
    struct id_entry *from, *to;

    if (h->capacity == 0)
        bigger.capacity = IDS_FIRST;
    bigger.ring = region_alloc(i->region, bigger.capacity * sizeof(struct id_entry));
    if (bigger.ring == 0)
        return false;
    bigger.index = region_alloc(i->region, 2 * bigger.capacity * sizeof(uint32_t));
    if (bigger.index == 0) {
        region_free(i->region, (region_ref)bigger.ring, bigger.capacity * sizeof(struct id_entry));
        return false;
    }
    to = ring_of(i, &bigger);
    if (h->capacity > 0) {
        from = ring_of(i, h);
        for (uint64_t k = 0; k < h->count; k++) {
            to[k] = from[(h->first + k) & (h->capacity - 1)];
            index_of(i, &bigger)[slot_of(i, &bigger, to[k].token)] = (uint32_t)k + 1;
        }
        release(i, h);
    }
    *h = bigger;
    return true;
}

const struct id_entry *ids_find(const struct ids *i, struct hash128 token)
{
    const struct ids_head *h = head_of(i);
    uint32_t at;

    if (h == NULL || h->capacity == 0)
        return NULL;
    at = index_of(i, h)[slot_of(i, h, token)];
    return at != 0 ? &ring_of(i, h)[at - 1] : NULL;
}

void ids_add(struct ids *i, const struct id_entry *entry)
{
    struct ids_head *h = head_of(i);
    uint32_t *slot;
    uint64_t place;

    if (h == NULL) {
        region_ref ref = region_alloc(i->region, sizeof *h);

        if (ref == 0)
            return; /* no room for a single id: the region is smaller than settings allow */
        region_set_root(i->region, i->root, ref);
        h = region_at(i->region, ref);
    }
    region_touch(i->region, h, sizeof *h);
    while (h->count > 0 && (h->count >= i->horizon || ring_of(i, h)[h->first].received_us <
                                                          entry->received_us - i->horizon_us))
        forget_oldest(i, h);
    if (h->count == h->capacity && !grow(i, h)) {
        if (h->capacity == 0)
            return;
        forget_oldest(i, h);
    }
    place = (h->first + h->count++) & (h->capacity - 1);
    region_touch(i->region, &ring_of(i, h)[place], sizeof *entry);
    ring_of(i, h)[place] = *entry;
    slot = &index_of(i, h)[slot_of(i, h, entry->token)];
    region_touch(i->region, slot, sizeof *slot);
    *slot = (uint32_t)place + 1;
}

uint64_t ids_count(const struct ids *i)
{
    const struct ids_head *h = head_of(i);

    return h != NULL ? h->count : 0;
}
