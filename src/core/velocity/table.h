/* The entities of a group by token: extendible hashing.
 *
 * A directory of 2^depth references to segments is indexed by the top bits of the token's tag; a
 * segment is a small table with linear probing from the first slot of a line on. A full segment
 * doubles until SEGMENT_SLOTS, then splits in two by its next bit. So no insert moves more than one
 * segment (there is no pause when a million entities become two), and no large contiguous block is
 * ever needed.
 *
 * A slot also holds the time of its entity's newest event, so that the sweep that looks for idle
 * entities reads slots one after the other and no entity.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_TABLE_H
#define ASSAY_VELOCITY_TABLE_H

#include "core/velocity/entity.h"

enum {
    SEGMENT_SLOTS_LOG = 12,
    SEGMENT_FIRST_LOG = 4,
    SEGMENT_SMALL_LOG = 8,
    TABLE_LINE = 4,          /* slots of a line of 64 bytes: all of one home, compared at once */
    TABLE_DEPTH_MAX = 20,    /* 2^32 slots */
    TABLE_ENTITY_BYTES = 28, /* what an entity takes in a table, on average */
};

struct slot {
    uint32_t tag;
    region_ref ref; /* 0: empty */
    int64_t newest_us;
};

struct segment {
    uint32_t used;
    uint32_t reserved[15];
    struct slot slot[];
};

struct directory_entry {
    region_ref segment;
    uint8_t log;   /* of its slots */
    uint8_t depth; /* bits that its tags have in common */
    uint16_t reserved;
};

static inline uint32_t tag_of(struct hash128 token)
{
    return (uint32_t)token.low;
}

static inline struct directory_entry *table_directory(const struct velocity *v, uint32_t group)
{
    return region_at(v->region, v->state[group].directory);
}

static inline uint32_t directory_index(const struct group_state *s, uint32_t tag)
{
    return s->depth == 0 ? 0 : tag >> (32 - s->depth);
}

static inline struct directory_entry table_entry(const struct velocity *v, uint32_t group,
                                                 uint32_t tag)
{
    return table_directory(v, group)[directory_index(&v->state[group], tag)];
}

/* Where slots of that tag are looked for first. */
static inline uint32_t slot_home(uint32_t tag, uint32_t log)
{
    return tag & ((1u << log) - TABLE_LINE);
}

static inline __attribute__((always_inline)) void
table_prefetch(const struct velocity *v, uint32_t group, struct hash128 token)
{
    struct directory_entry d = table_entry(v, group, tag_of(token));
    struct segment *s = region_at(v->region, d.segment);

    __builtin_prefetch(&s->slot[slot_home(tag_of(token), d.log)], 1);
}

/* A slot of that tag, without looking at its entity; or NULL. Which of its line it is is chance, so
 * these are compared without a jump: a wrong guess of one would wait for the line. (Of several with
 * one tag any may be found, or none.) */
static inline struct slot *table_guess(const struct velocity *v, uint32_t group,
                                       struct hash128 token)
{
    uint32_t tag = tag_of(token);
    struct directory_entry d = table_entry(v, group, tag);
    struct segment *s = region_at(v->region, d.segment);
    uint32_t mask = (1u << d.log) - 1, i = slot_home(tag, d.log);
    struct slot *line = &s->slot[i], *found;

    found = line + (((line[1].tag == tag) + 2 * (line[2].tag == tag) + 3 * (line[3].tag == tag)) &
                    (TABLE_LINE - 1));
    if (found->tag == tag && found->ref != 0)
        return found;
    for (; s->slot[i].ref != 0; i = (i + 1) & mask) {
        if (s->slot[i].tag == tag)
            return &s->slot[i];
    }
    return NULL;
}

/* An empty table; false where there is no room for its first segment. */
bool table_init(struct velocity *v, uint32_t group) MUST_USE;
/* The token's slot, or NULL. Valid until v->moves changes. */
struct slot *table_find(const struct velocity *v, uint32_t group, struct hash128 token);
/* Add an entity that is not there. False: no room, nothing changed. */
bool table_add(struct velocity *v, uint32_t group, region_ref ref, int64_t newest_us) MUST_USE;
/* Remove it from the table and free it. */
void table_remove(struct velocity *v, uint32_t group, struct directory_entry d, uint32_t slot);

#endif
