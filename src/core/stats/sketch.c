#include "core/stats/sketch.h"

#include <math.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/stats/order.h"

enum { ROOM_FIRST = 64 };

void sketch_init(struct sketch *s, uint32_t capacity)
{
    ASSERT(capacity >= SKETCH_CAPACITY_MIN && capacity % 2 == 0);
    *s = (struct sketch){.capacity = capacity, .levels = 1};
}

void sketch_fini(struct sketch *s)
{
    for (unsigned i = 0; i < s->levels; i++)
        mem_free(s->level[i].value);
    mem_free(s->item);
    *s = (struct sketch){0};
}

/* The level has room for one value more afterwards. */
static void grow(struct sketch *s, unsigned at)
{
    uint32_t room = s->level[at].room == 0 ? ROOM_FIRST : 2 * s->level[at].room;

    s->level[at].room = room < s->capacity ? room : s->capacity;
    s->level[at].value =
        mem_resize(s->level[at].value, s->level[at].room, sizeof *s->level[at].value);
}

static void put(struct sketch *s, unsigned at, double v);

/* A full level sends half of its values up; they stand for all of them there. */
static void compact(struct sketch *s, unsigned at)
{
    double *value = s->level[at].value;

    ASSERT(at + 1 < SKETCH_LEVELS); /* 64 * 2^39 values */
    if (at + 1 == s->levels)
        s->levels++;
    order_values(value, s->level[at].used);
    for (uint32_t i = s->level[at].takes_odd; i < s->level[at].used; i += 2)
        put(s, at + 1, value[i]);
    s->level[at].used = 0;
    s->level[at].takes_odd = !s->level[at].takes_odd;
}

static void put(struct sketch *s, unsigned at, double v)
{
    if (s->level[at].used == s->capacity)
        compact(s, at);
    if (s->level[at].used == s->level[at].room)
        grow(s, at);
    s->level[at].value[s->level[at].used++] = v;
}

void sketch_add(struct sketch *s, double v)
{
    put(s, 0, v);
    s->count++;
}

bool sketch_is_exact(const struct sketch *s)
{
    return s->levels == 1;
}

/* Adds the level's values, sorted, to the items that are there: a merge from behind. */
static void merge(struct sketch *s, unsigned at)
{
    uint32_t used = s->level[at].used, old = s->items, to = old + used;

    if (used == 0)
        return;
    order_values(s->level[at].value, used);
    s->items = to;
    while (used > 0) {
        double v = s->level[at].value[used - 1];

        if (old > 0 && s->item[old - 1].value > v) {
            s->item[--to] = s->item[--old];
        } else {
            s->item[--to] = (struct sketch_item){v, UINT64_C(1) << at};
            used--;
        }
    }
}

/* Items of one value become one. */
static void unite(struct sketch *s)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->items; i++) {
        if (n > 0 && s->item[n - 1].value == s->item[i].value)
            s->item[n - 1].weight += s->item[i].weight;
        else
            s->item[n++] = s->item[i];
    }
    s->items = n;
}

void sketch_finish(struct sketch *s)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < s->levels; i++)
        total += s->level[i].used;
    s->item = mem_array(total > 0 ? total : 1, sizeof *s->item);
    for (unsigned i = 0; i < s->levels; i++) {
        merge(s, i);
        mem_free(s->level[i].value);
        s->level[i].value = NULL;
    }
    unite(s);
}

double sketch_quantile(const struct sketch *s, double share)
{
    double wanted = ceil(share * (double)s->count);
    uint64_t seen = 0;

    ASSERT(s->items > 0 && share >= 0 && share <= 1);
    for (uint32_t i = 0; i < s->items; i++) {
        seen += s->item[i].weight;
        if ((double)seen >= wanted)
            return s->item[i].value;
    }
    return s->item[s->items - 1].value;
}

uint64_t sketch_below(const struct sketch *s, double v)
{
    uint64_t seen = 0;

    for (uint32_t i = 0; i < s->items && s->item[i].value < v; i++)
        seen += s->item[i].weight;
    return seen;
}

uint64_t sketch_up_to(const struct sketch *s, double v)
{
    uint64_t seen = 0;

    for (uint32_t i = 0; i < s->items && s->item[i].value <= v; i++)
        seen += s->item[i].weight;
    return seen;
}
