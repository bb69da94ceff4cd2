/* A ring of entries in order of arrival, and an index of ring positions by token (token_index.h):
 * ring[(first + k) & (capacity - 1)], k < count, are the entries, oldest first. Forgetting takes
 * the oldest entry out of both.
 */
#include "core/decide/ids.h"

#include <stdbool.h>
#include <string.h>

#include "core/decide/token_index.h"

enum { IDS_FIRST = 1024 };

struct ids_head {
    uint64_t count;
    uint64_t first;
    uint64_t capacity; /* power of two */
    uint64_t ring;     /* region_ref of struct id_entry[capacity] */
    uint64_t index;    /* region_ref of the slots */
};

void ids_open(struct ids *i, struct region *r, unsigned root, uint64_t horizon, int64_t horizon_us)
{
    *i = (struct ids){.region = r, .root = root, .horizon = horizon, .horizon_us = horizon_us};
}

size_t ids_entry_bytes(void)
{
    return sizeof(struct id_entry) + token_index_bytes(1);
}

uint64_t ids_within(uint64_t bytes)
{
    uint64_t each = ids_entry_bytes(), count = IDS_FIRST;

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

static struct token_index index_of(const struct ids *i, const struct ids_head *h)
{
    return (struct token_index){.region = i->region,
                                .items = ring_of(i, h),
                                .item_bytes = sizeof(struct id_entry),
                                .slots = region_at(i->region, (region_ref)h->index),
                                .capacity = h->capacity};
}

static void forget_oldest(const struct ids *i, struct ids_head *h)
{
    struct id_entry *oldest = &ring_of(i, h)[h->first];
    struct token_index index = index_of(i, h);

    token_index_remove(&index, oldest->token);
    region_touch(i->region, oldest, sizeof *oldest);
    memset(oldest, 0, sizeof *oldest);
    h->first = (h->first + 1) & (h->capacity - 1);
    h->count--;
}

static void release(struct ids *i, struct ids_head *h)
{
    region_free(i->region, (region_ref)h->ring, h->capacity * sizeof(struct id_entry));
    region_free(i->region, (region_ref)h->index, token_index_bytes(h->capacity));
}

static bool grow(struct ids *i, struct ids_head *h)
{
    struct ids_head bigger = {.count = h->count, .capacity = h->capacity * 2};
    struct token_index index;
    struct id_entry *from, *to;

    if (h->capacity == 0)
        bigger.capacity = IDS_FIRST;
    bigger.ring = region_alloc(i->region, bigger.capacity * sizeof(struct id_entry));
    if (bigger.ring == 0)
        return false;
    bigger.index = region_alloc(i->region, token_index_bytes(bigger.capacity));
    if (bigger.index == 0) {
        region_free(i->region, (region_ref)bigger.ring, bigger.capacity * sizeof(struct id_entry));
        return false;
    }
    to = ring_of(i, &bigger);
    index = index_of(i, &bigger);
    if (h->capacity > 0) {
        from = ring_of(i, h);
        for (uint64_t k = 0; k < h->count; k++) {
            to[k] = from[(h->first + k) & (h->capacity - 1)];
            *token_index_slot(&index, to[k].token) = (uint32_t)k + 1;
        }
        release(i, h);
    }
    *h = bigger;
    return true;
}

const struct id_entry *ids_find(const struct ids *i, struct hash128 token)
{
    const struct ids_head *h = head_of(i);
    struct token_index index;

    if (h == NULL || h->capacity == 0)
        return NULL;
    index = index_of(i, h);
    return token_index_find(&index, token);
}

void ids_add(struct ids *i, const struct id_entry *entry)
{
    struct ids_head *h = head_of(i);
    struct token_index index;
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
    index = index_of(i, h);
    slot = token_index_slot(&index, entry->token);
    region_touch(i->region, slot, sizeof *slot);
    *slot = (uint32_t)place + 1;
}

uint64_t ids_count(const struct ids *i)
{
    const struct ids_head *h = head_of(i);

    return h != NULL ? h->count : 0;
}
