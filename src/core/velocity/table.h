/* The entities of a group by token: extendible hashing.
 *
 * A directory of 2^depth references to segments is indexed by the top bits of the token's tag; a
 * segment is a small table with linear probing. A full segment doubles until SEGMENT_SLOTS, then
 * splits in two by its next bit. So no insert moves more than one segment (there is no pause when a
 * million entities become two), and no large contiguous block is ever needed.
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
    TABLE_NEAR = 4,          /* slots from home on that are compared at once */
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
    uint32_t reserved[3];
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

static inline __attribute__((always_inline)) void
table_prefetch(const struct velocity *v, uint32_t group, struct hash128 token)
{
    struct directory_entry d = table_entry(v, group, tag_of(token));
    struct segment *s = region_at(v->region, d.segment);

    __builtin_prefetch(&s->slot[tag_of(token) & ((1u << d.log) - 1)]);
}

/* The first slot of that tag, without looking at its entity; or NULL. How far it is from its home
 * is chance, so the first slots are compared without a jump. (Entities of one tag stand together,
 * so no empty slot is before them; only tag 0 is that of empty slots too.) */
static inline struct slot *table_guess(const struct velocity *v, uint32_t group,
                                       struct hash128 token)
{
    uint32_t tag = tag_of(token);
    struct directory_entry d = table_entry(v, group, tag);
    struct segment *s = region_at(v->region, d.segment);
    uint32_t mask = (1u << d.log) - 1, i = tag & mask;
    struct slot *found = NULL;

    if (i + TABLE_NEAR <= mask) {
        for (uint32_t k = TABLE_NEAR; k-- > 0;)
            found = s->slot[i + k].tag == tag ? &s->slot[i + k] : found;
        if (found != NULL && found->ref != 0)
            return found;
    }
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
