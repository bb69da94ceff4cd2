/* A binary heap of equal-sized entries in one block of the region. The block doubles when full; it
 * never shrinks, since what waited once will wait again. */
#include "core/decide/waiting.h"

#include <string.h>

enum { WAITING_FIRST = 16 };

/* Anchored at the root: where the entries are. */
struct waiting_head {
    uint64_t count;
    uint64_t capacity;
    uint64_t arrivals;
    uint64_t entries; /* region_ref */
};

size_t waiting_label_bytes(uint32_t groups)
{
    return sizeof(struct waiting_label) + groups * sizeof(struct hash128);
}

void waiting_open(struct waiting *w, struct region *r, unsigned root, uint32_t groups)
{
    *w = (struct waiting){.region = r, .root = root, .groups = groups};
}

static struct waiting_head *head_of(const struct waiting *w)
{
    region_ref ref = (region_ref)region_header(w->region)->root[w->root];

    return ref != 0 ? region_at(w->region, ref) : NULL;
}

static struct waiting_label *entry_at(const struct waiting *w, const struct waiting_head *h,
                                      uint64_t i)
{
    uint8_t *base = region_at(w->region, (region_ref)h->entries);

    return (struct waiting_label *)(base + i * waiting_label_bytes(w->groups));
}

static bool is_before(const struct waiting_label *a, const struct waiting_label *b)
{
    if (a->effective_us != b->effective_us)
        return a->effective_us < b->effective_us;
    return a->arrival < b->arrival;
}

/* Entry `i` becomes a copy of `from`. */
static void put(const struct waiting *w, const struct waiting_head *h, uint64_t i,
                const struct waiting_label *from)
{
    struct waiting_label *at = entry_at(w, h, i);
    size_t each = waiting_label_bytes(w->groups);

    region_touch(w->region, at, each);
    memcpy(at, from, each);
}

static bool make_head(struct waiting *w)
{
    region_ref ref = region_alloc(w->region, sizeof(struct waiting_head));

    if (ref == 0)
        return false;
    region_set_root(w->region, w->root, ref);
    return true;
}

static bool grow(struct waiting *w, struct waiting_head *h)
{
    size_t each = waiting_label_bytes(w->groups);
    uint64_t capacity = h->capacity > 0 ? h->capacity * 2 : WAITING_FIRST;
    region_ref bigger = region_alloc(w->region, capacity * each);

    if (bigger == 0)
        return false;
    if (h->entries != 0) {
        memcpy(region_at(w->region, bigger), region_at(w->region, (region_ref)h->entries),
               h->count * each);
        region_free(w->region, (region_ref)h->entries, h->capacity * each);
    }
    h->entries = bigger;
    h->capacity = capacity;
    return true;
}

bool waiting_push(struct waiting *w, const struct waiting_label *label)
{
    struct waiting_head *h;
    uint64_t i, arrival;

    if (head_of(w) == NULL && !make_head(w))
        return false;
    h = head_of(w);
    region_touch(w->region, h, sizeof *h);
    if (h->count == h->capacity && !grow(w, h))
        return false;
    arrival = h->arrivals++;
    for (i = h->count++; i > 0; i = (i - 1) / 2) {
        struct waiting_label *parent = entry_at(w, h, (i - 1) / 2);

        if (parent->effective_us <=
            label->effective_us) /* equal: the earlier arrival stays above */
            break;
        put(w, h, i, parent);
    }
    put(w, h, i, label);
    entry_at(w, h, i)->arrival = arrival;
    return true;
}

const struct waiting_label *waiting_first(const struct waiting *w)
{
    const struct waiting_head *h = head_of(w);

    return h != NULL && h->count > 0 ? entry_at(w, h, 0) : NULL;
}

void waiting_pop(struct waiting *w)
{
    struct waiting_head *h = head_of(w);
    struct waiting_label *last;
    uint64_t i = 0;

    if (h == NULL || h->count == 0)
        return;
    region_touch(w->region, h, sizeof *h);
    last = entry_at(w, h, --h->count);
    for (;;) {
        uint64_t child = 2 * i + 1;

        if (child >= h->count)
            break;
        if (child + 1 < h->count && is_before(entry_at(w, h, child + 1), entry_at(w, h, child)))
            child++;
        if (!is_before(entry_at(w, h, child), last))
            break;
        put(w, h, i, entry_at(w, h, child));
        i = child;
    }
    if (i != h->count)
        put(w, h, i, last);
}

uint64_t waiting_count(const struct waiting *w)
{
    const struct waiting_head *h = head_of(w);

    return h != NULL ? h->count : 0;
}

uint64_t waiting_bytes(const struct waiting *w)
{
    const struct waiting_head *h = head_of(w);

    return h != NULL ? h->capacity * waiting_label_bytes(w->groups) : 0;
}
