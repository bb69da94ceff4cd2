/* For each list an array of entries in order of (seq, place), and an index of positions by token
 * (token_index.h).
 *
 *   1. entries[0 .. used) of which `count` live; the others are holes (token 0), left where an
 * entry was removed or replaced. A hole keeps its seq and place, so the array stays sorted.
 *   2. A full array is first swept of holes and of what has expired; it doubles where that gives
 *      less than a quarter of it.
 */
#include "core/decide/lists.h"

#include <string.h>

#include "core/base/panic.h"
#include "core/decide/token_index.h"

enum { LIST_FIRST = 64 };

struct list_head {
    uint64_t count;
    uint64_t used;
    uint64_t capacity; /* power of two, or 0 */
    uint64_t entries;  /* region_ref of struct list_entry[capacity] */
    uint64_t index;    /* region_ref of the slots */
    uint64_t file;
};

static struct list_head *head_of(const struct lists *l, uint32_t list)
{
    region_ref ref = (region_ref)region_header(l->region)->root[l->root];
    struct list_head *heads = region_at(l->region, ref);

    ASSERT(list < l->count);
    return &heads[list];
}

bool lists_open(struct lists *l, struct region *r, unsigned root, uint32_t count,
                uint64_t bytes_max)
{
    region_ref ref;

    *l = (struct lists){.region = r, .root = root, .count = count, .bytes_max = bytes_max};
    if (count == 0 || region_header(r)->root[root] != 0)
        return true;
    ref = region_alloc(r, count * sizeof(struct list_head));
    if (ref == 0)
        return false;
    region_set_root(r, root, ref);
    return true;
}

struct hash128 list_token(const struct value *v, const struct hash_key *key)
{
    if (v->type == TYPE_TEXT)
        return hash_token(v->text.bytes, v->text.length, key);
    return hash_token(&v->integer, sizeof v->integer, key);
}

uint64_t list_note(struct text note)
{
    return hash_bytes(note.bytes, note.length, 0);
}

static struct list_entry *entries_of(const struct lists *l, const struct list_head *h)
{
    return region_at(l->region, (region_ref)h->entries);
}

static struct token_index index_of(const struct lists *l, const struct list_head *h)
{
    return (struct token_index){.region = l->region,
                                .items = entries_of(l, h),
                                .item_bytes = sizeof(struct list_entry),
                                .slots = region_at(l->region, (region_ref)h->index),
                                .capacity = h->capacity};
}

static bool is_hole(const struct list_entry *e)
{
    return e->token.low == 0 && e->token.high == 0;
}

static struct list_entry *find(const struct lists *l, const struct list_head *h,
                               struct hash128 token)
{
    struct token_index index = index_of(l, h);

    return h->count > 0 ? token_index_find(&index, token) : NULL;
}

static void drop(const struct lists *l, struct list_head *h, struct list_entry *e)
{
    struct token_index index = index_of(l, h);

    token_index_remove(&index, e->token);
    region_touch(l->region, h, sizeof *h);
    region_touch(l->region, e, sizeof *e);
    *e = (struct list_entry){.seq = e->seq, .place = e->place};
    h->count--;
}

/* ---- room */

static uint64_t table_bytes(uint64_t capacity)
{
    if (capacity == 0)
        return 0;
    return region_class_bytes(capacity * sizeof(struct list_entry)) +
           region_class_bytes(token_index_bytes(capacity));
}

uint64_t lists_bytes(const struct lists *l)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < l->count; i++)
        bytes += table_bytes(head_of(l, i)->capacity);
    return bytes;
}

/* Entries still to be seen move to the front of `to`, which has an empty index. */
static void sweep(const struct lists *l, const struct list_head *from, struct list_head *to,
                  int64_t horizon_us)
{
    const struct list_entry *old = entries_of(l, from);
    struct list_entry *entries = entries_of(l, to);
    struct token_index index = index_of(l, to);
    uint64_t used = from->used, kept = 0;

    for (uint64_t i = 0; i < used; i++) {
        if (is_hole(&old[i]) || old[i].expires_us <= horizon_us)
            continue;
        entries[kept] = old[i];
        *token_index_slot(&index, entries[kept].token) = (uint32_t)kept + 1;
        kept++;
    }
    if (entries == old)
        memset(entries + kept, 0, (used - kept) * sizeof *entries);
    to->used = to->count = kept;
}

static void sweep_in_place(const struct lists *l, struct list_head *h, int64_t horizon_us)
{
    struct list_head from = *h;

    if (h->capacity == 0)
        return;
    region_touch(l->region, h, sizeof *h);
    region_touch(l->region, entries_of(l, h), h->used * sizeof(struct list_entry));
    region_touch(l->region, index_of(l, h).slots, token_index_bytes(h->capacity));
    memset(index_of(l, h).slots, 0, token_index_bytes(h->capacity));
    sweep(l, &from, h, horizon_us);
}

static bool grow(struct lists *l, struct list_head *h, int64_t horizon_us)
{
    struct list_head bigger = *h;

    bigger.capacity = h->capacity > 0 ? h->capacity * 2 : LIST_FIRST;
    if (lists_bytes(l) - table_bytes(h->capacity) + table_bytes(bigger.capacity) > l->bytes_max)
        return false;
    bigger.entries = region_alloc(l->region, bigger.capacity * sizeof(struct list_entry));
    if (bigger.entries == 0)
        return false;
    bigger.index = region_alloc(l->region, token_index_bytes(bigger.capacity));
    if (bigger.index == 0) {
        region_free(l->region, (region_ref)bigger.entries,
                    bigger.capacity * sizeof(struct list_entry));
        return false;
    }
    if (h->capacity > 0) {
        sweep(l, h, &bigger, horizon_us);
        region_free(l->region, (region_ref)h->entries, h->capacity * sizeof(struct list_entry));
        region_free(l->region, (region_ref)h->index, token_index_bytes(h->capacity));
    }
    region_touch(l->region, h, sizeof *h);
    *h = bigger;
    return true;
}

static uint64_t count_new(const struct lists *l, const struct list_head *h,
                          const struct list_change *change, uint32_t count)
{
    uint64_t fresh = 0;

    for (uint32_t i = 0; i < count; i++)
        fresh += !change[i].is_removal && find(l, h, change[i].token) == NULL;
    return fresh;
}

bool lists_reserve(struct lists *l, uint32_t list, const struct list_change *change, uint32_t count,
                   int64_t horizon_us, struct error *e)
{
    struct list_head *h = head_of(l, list);

    if (h->count + count_new(l, h, change, count) > LIST_ENTRIES_MAX) {
        sweep_in_place(l, h, horizon_us);
        if (h->count + count_new(l, h, change, count) > LIST_ENTRIES_MAX)
            return error_set(e, ERROR_FULL,
                             "the list would have over %d entries: remove some, or let them expire",
                             LIST_ENTRIES_MAX);
    }
    if (h->used + count <= h->capacity)
        return true;
    sweep_in_place(l, h, horizon_us);
    while (h->used + count > h->capacity / 4 * 3) {
        if (grow(l, h, horizon_us))
            continue;
        return h->used + count <= h->capacity ||
               error_set(e, ERROR_FULL,
                         "lists may take %llu bytes of memory together, and have no room for this: "
                         "remove entries, or raise `memory`",
                         (unsigned long long)l->bytes_max);
    }
    return true;
}

/* ---- changes */

static enum list_result foresee(const struct list_entry *old, const struct list_change *change,
                                enum list_origin origin)
{
    if (old == NULL)
        return change->is_removal ? LIST_ABSENT : LIST_ADDED;
    if (change->is_removal)
        return LIST_REMOVED;
    return old->expires_us == change->expires_us && old->note == change->note &&
                   old->origin == origin
               ? LIST_UNCHANGED
               : LIST_REPLACED;
}

enum list_result lists_foresee(const struct lists *l, uint32_t list,
                               const struct list_change *change, enum list_origin origin)
{
    return foresee(find(l, head_of(l, list), change->token), change, origin);
}

enum list_result lists_apply(struct lists *l, uint32_t list, const struct list_change *change,
                             uint64_t seq, uint32_t place, int64_t at_us, enum list_origin origin)
{
    struct list_head *h = head_of(l, list);
    struct list_entry *old = find(l, h, change->token);
    enum list_result result = foresee(old, change, origin);
    struct list_entry fresh = {.token = change->token,
                               .seq = seq,
                               .place = place,
                               .origin = origin,
                               .added_us = old != NULL ? old->added_us : at_us,
                               .expires_us = change->expires_us,
                               .note = change->note};
    struct token_index index = index_of(l, h);
    uint32_t *slot;

    if (result == LIST_ABSENT || result == LIST_UNCHANGED)
        return result;
    if (old != NULL)
        drop(l, h, old);
    if (result == LIST_REMOVED)
        return result;
    ASSERT(h->used < h->capacity);
    slot = token_index_slot(&index, fresh.token);
    region_touch(l->region, h, sizeof *h);
    region_touch(l->region, &entries_of(l, h)[h->used], sizeof fresh);
    region_touch(l->region, slot, sizeof *slot);
    entries_of(l, h)[h->used] = fresh;
    *slot = (uint32_t)h->used + 1;
    h->used++;
    h->count++;
    return result;
}

/* ---- reading */

const struct list_entry *lists_find(const struct lists *l, uint32_t list, struct hash128 token)
{
    return find(l, head_of(l, list), token);
}

static bool is_after(const struct list_entry *e, uint64_t seq, uint32_t place)
{
    return e->seq != seq ? e->seq > seq : e->place > place;
}

uint32_t lists_page(const struct lists *l, uint32_t list, uint64_t seq, uint32_t place,
                    uint32_t most, struct list_entry *entry)
{
    const struct list_head *h = head_of(l, list);
    const struct list_entry *entries;
    uint64_t low = 0, high = h->used;
    uint32_t found = 0;

    if (h->count == 0)
        return 0;
    entries = entries_of(l, h);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (is_after(&entries[middle], seq, place))
            high = middle;
        else
            low = middle + 1;
    }
    for (; low < h->used && found < most; low++) {
        if (!is_hole(&entries[low]))
            entry[found++] = entries[low];
    }
    return found;
}

uint64_t lists_entries(const struct lists *l, uint32_t list)
{
    return head_of(l, list)->count;
}

uint64_t lists_file(const struct lists *l, uint32_t list)
{
    return head_of(l, list)->file;
}

void lists_set_file(struct lists *l, uint32_t list, uint64_t file)
{
    struct list_head *h = head_of(l, list);

    region_touch(l->region, h, sizeof *h);
    h->file = file;
}
