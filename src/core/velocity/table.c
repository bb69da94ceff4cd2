#include "core/velocity/table.h"

#include <string.h>

#include "core/base/panic.h"
#include "core/velocity/evict.h"
#include "core/velocity/forget.h"

static size_t segment_bytes(uint32_t log)
{
    return sizeof(struct segment) + (sizeof(struct slot) << log);
}

static struct segment *segment_at(const struct velocity *v, struct directory_entry d)
{
    return region_at(v->region, d.segment);
}

bool table_init(struct velocity *v, uint32_t group)
{
    struct group_state *s = &v->state[group];
    struct directory_entry *d;

    s->directory = room_try(v, group, sizeof *d);
    if (s->directory == 0)
        return false;
    d = table_directory(v, group);
    d->log = SEGMENT_FIRST_LOG;
    d->segment = room_try(v, group, segment_bytes(d->log));
    return d->segment != 0;
}

struct slot *table_find(const struct velocity *v, uint32_t group, struct hash128 token)
{
    uint32_t tag = tag_of(token);
    struct directory_entry d = table_entry(v, group, tag);
    struct slot *slots = segment_at(v, d)->slot;
    uint32_t mask = (1u << d.log) - 1;

    for (uint32_t i = slot_home(tag, d.log); slots[i].ref != 0; i = (i + 1) & mask) {
        const struct entity *e;

        if (slots[i].tag != tag)
            continue;
        e = region_at(v->region, slots[i].ref);
        if (e->token.low == token.low && e->token.high == token.high)
            return &slots[i];
    }
    return NULL;
}

static void put(const struct velocity *v, struct segment *s, uint32_t log, struct slot slot)
{
    uint32_t mask = (1u << log) - 1, i = slot_home(slot.tag, log);

    while (s->slot[i].ref != 0)
        i = (i + 1) & mask;
    region_touch(v->region, s, sizeof *s);
    region_touch(v->region, &s->slot[i], sizeof slot);
    s->slot[i] = slot;
    s->used++;
}

/* Let all directory entries that shared `old` point to what `d` says. */
static void relink(struct velocity *v, uint32_t group, uint32_t tag, struct directory_entry d)
{
    struct group_state *s = &v->state[group];
    struct directory_entry *directory = table_directory(v, group);
    uint32_t span = 1u << (s->depth - d.depth);
    uint32_t first = directory_index(s, tag) & ~(span - 1);

    region_touch(v->region, &directory[first], span * sizeof d);
    for (uint32_t i = 0; i < span; i++)
        directory[first + i] = d;
}

static bool double_segment(struct velocity *v, uint32_t group, uint32_t tag)
{
    struct directory_entry d = table_entry(v, group, tag);
    struct segment *old = segment_at(v, d);
    struct directory_entry larger = {.log = d.log + 1, .depth = d.depth};

    larger.segment = room_try(v, group, segment_bytes(larger.log));
    if (larger.segment == 0)
        return false;
    for (uint32_t i = 0; i < 1u << d.log; i++) {
        if (old->slot[i].ref != 0)
            put(v, segment_at(v, larger), larger.log, old->slot[i]);
    }
    relink(v, group, tag, larger);
    room_free(v, group, d.segment, segment_bytes(d.log));
    return true;
}

static bool double_directory(struct velocity *v, uint32_t group)
{
    struct group_state *s = &v->state[group];
    struct directory_entry *old = table_directory(v, group), *new;
    size_t bytes = sizeof *old << s->depth;
    region_ref ref;

    if (s->depth == TABLE_DEPTH_MAX)
        return false;
    ref = room_try(v, group, bytes * 2);
    if (ref == 0)
        return false;
    new = region_at(v->region, ref);
    for (uint32_t i = 0; i < 2u << s->depth; i++)
        new[i] = old[i / 2];
    room_free(v, group, s->directory, bytes);
    s->directory = ref;
    s->depth++;
    s->hand_segment *= 2;
    return true;
}

/* Deal a segment's slots out to two by the first bit in which its tags differ. */
static bool split_segment(struct velocity *v, uint32_t group, uint32_t tag)
{
    struct directory_entry d = table_entry(v, group, tag), half[2];
    size_t bytes = segment_bytes(d.log);
    uint32_t bit = 31 - d.depth;

    if (d.depth == v->state[group].depth && !double_directory(v, group))
        return false;
    for (int i = 0; i < 2; i++) {
        half[i] = d;
        half[i].depth++;
        half[i].segment = room_try(v, group, bytes);
        if (half[i].segment == 0) {
            if (i == 1)
                room_free(v, group, half[0].segment, bytes);
            return false;
        }
    }
    for (uint32_t i = 0; i < 1u << d.log; i++) {
        struct slot slot = segment_at(v, d)->slot[i];

        if (slot.ref != 0)
            put(v, segment_at(v, half[slot.tag >> bit & 1]), d.log, slot);
    }
    relink(v, group, tag & ~(1u << bit), half[0]);
    relink(v, group, tag | 1u << bit, half[1]);
    room_free(v, group, d.segment, bytes);
    return true;
}

/* Backward shift: slots after the hole move into it where that brings them no nearer than home. */
static void close_hole(const struct velocity *v, struct segment *s, uint32_t log, uint32_t hole)
{
    uint32_t mask = (1u << log) - 1;

    for (uint32_t i = (hole + 1) & mask; s->slot[i].ref != 0; i = (i + 1) & mask) {
        uint32_t home = slot_home(s->slot[i].tag, log);

        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        region_touch(v->region, &s->slot[hole], sizeof s->slot[0]);
        s->slot[hole] = s->slot[i];
        hole = i;
    }
    region_touch(v->region, s, sizeof *s);
    region_touch(v->region, &s->slot[hole], sizeof s->slot[0]);
    s->slot[hole] = (struct slot){0};
    s->used--;
}

void table_remove(struct velocity *v, uint32_t group, struct directory_entry d, uint32_t slot)
{
    struct segment *s = segment_at(v, d);
    region_ref ref = s->slot[slot].ref;

    close_hole(v, s, d.log, slot);
    v->moves++;
    entity_free(v, group, ref);
}

/* Where a segment cannot grow for want of room, its own oldest entity makes way. */
static bool evict_from(struct velocity *v, uint32_t group, struct directory_entry d)
{
    struct segment *s = segment_at(v, d);
    uint32_t oldest = UINT32_MAX;

    for (uint32_t i = 0; i < 1u << d.log; i++) {
        if (s->slot[i].ref != 0 && s->slot[i].ref != v->pinned &&
            (oldest == UINT32_MAX || s->slot[i].newest_us < s->slot[oldest].newest_us))
            oldest = i;
    }
    if (oldest == UINT32_MAX)
        return false;
    forget_add(v, group, ((struct entity *)region_at(v->region, s->slot[oldest].ref))->token);
    table_remove(v, group, d, oldest);
    v->state[group].counts.evicted++;
    return true;
}

/* Small segments are worth an eviction to grow; a large one has many entities to choose from. */
static bool grow(struct velocity *v, uint32_t group, uint32_t tag, struct directory_entry d)
{
    if (d.log == SEGMENT_SLOTS_LOG)
        return split_segment(v, group, tag);
    return double_segment(v, group, tag) || (d.log < SEGMENT_SMALL_LOG && room_evict(v, group));
}

bool table_add(struct velocity *v, uint32_t group, region_ref ref, int64_t newest_us)
{
    const struct entity *e = region_at(v->region, ref);
    struct slot slot = {.tag = tag_of(e->token), .ref = ref, .newest_us = newest_us};

    v->moves++;
    for (;;) {
        struct directory_entry d = table_entry(v, group, slot.tag);
        uint32_t used = segment_at(v, d)->used, slots = 1u << d.log;

        if (used < slots / 4 * 3) {
            put(v, segment_at(v, d), d.log, slot);
            break;
        }
        if (grow(v, group, slot.tag, d))
            continue;
        if (used >= slots / 8 * 7 && !evict_from(v, group, d))
            return false;
        put(v, segment_at(v, d), d.log, slot);
        break;
    }
    v->state[group].counts.entities++;
    return true;
}
