#include "shell/source/tally.h"

#include "core/base/hash.h"
#include "core/base/memory.h"

enum { FIRST_CAPACITY = 64 };

void tally_init(struct tally *t, uint32_t most_values)
{
    *t = (struct tally){.capacity = FIRST_CAPACITY, .limit = FIRST_CAPACITY};
    while (t->limit / 2 < most_values)
        t->limit *= 2;
    t->item = mem_array(t->capacity, sizeof *t->item);
}

void tally_fini(struct tally *t)
{
    mem_free(t->item);
}

/* The level looks at the low bits, the place in the table at the high ones. */
static struct tally_item *place(const struct tally *t, uint64_t hash)
{
    uint32_t at = (uint32_t)(hash >> 32) & (t->capacity - 1);

    while (t->item[at].hash != 0 && t->item[at].hash != hash)
        at = (at + 1) & (t->capacity - 1);
    return &t->item[at];
}

static bool belongs(const struct tally *t, uint64_t hash)
{
    return (hash & ((1ull << t->level) - 1)) == 0;
}

static void rebuild(struct tally *t)
{
    struct tally_item *old = t->item;
    uint32_t capacity = t->capacity;

    if (t->capacity < t->limit)
        t->capacity *= 2;
    else
        t->level++;
    t->item = mem_array(t->capacity, sizeof *t->item);
    t->used = 0;
    for (uint32_t i = 0; i < capacity; i++) {
        if (old[i].hash == 0 || !belongs(t, old[i].hash))
            continue;
        *place(t, old[i].hash) = old[i];
        t->used++;
    }
    mem_free(old);
}

bool tally_add(struct tally *t, uint64_t hash, bool positive)
{
    struct tally_item *item;
    bool is_new;

    hash += hash == 0;
    if (!belongs(t, hash))
        return false;
    item = place(t, hash);
    is_new = item->hash == 0;
    if (is_new && t->used == t->capacity / 2) {
        rebuild(t);
        return tally_add(t, hash, positive);
    }
    t->used += is_new;
    item->hash = hash;
    item->count += item->count < UINT32_MAX;
    item->positive += positive && item->positive < UINT32_MAX;
    return is_new;
}

const struct tally_item *tally_find(const struct tally *t, uint64_t hash)
{
    const struct tally_item *item = place(t, hash + (hash == 0));

    return item->hash != 0 ? item : NULL;
}

uint64_t tally_distinct(const struct tally *t)
{
    return (uint64_t)t->used << t->level;
}

bool tally_is_unique(const struct tally *t)
{
    for (uint32_t i = 0; i < t->capacity; i++) {
        if (t->item[i].hash != 0 && t->item[i].count > 1)
            return false;
    }
    return true;
}
