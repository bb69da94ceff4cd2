/* Room: every allocation of velocity goes through here, and what goes when there is none.
 *
 * Bytes are counted per group by size class. The groups of one level have a budget, by their
 * number, of which each has a share: what it has plus an equal part of what is free. Shares are
 * dealt anew every SHARE_EVERY rows of the level, so what is evicted depends on the rows alone, not
 * on how they were batched, nor on which group was worked on first, or by which thread. A group
 * that had to evict though it has less than its part of the budget gets more: the largest makes
 * way, a little each time.
 *
 * Should the region itself be full before a share is, the same is done; then the order of
 * allocations matters, so rows are taken one after the other through all groups, and by one thread,
 * as soon as that comes near (room_is_ample).
 *
 * Which entity goes: of the next EVICT_SLOTS used slots after the sweep's hand, the one whose
 * newest event is oldest. A linked list by last touch was rejected: it costs three more cache
 * misses per event and kind, more than all else that an event costs.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_EVICT_H
#define ASSAY_VELOCITY_EVICT_H

#include "core/velocity/entity.h"

enum {
    EVICT_SLOTS = 32,   /* entities looked at for a victim */
    EVICT_TRIES = 64,   /* entities evicted for one allocation */
    EXPIRE_EVERY = 32,  /* events of a group between two sweeps for idle entities */
    EXPIRE_SLOTS = 64,  /* slots of one sweep: in a row, so that memory is read ahead of it */
    ENTITY_PART = 4,    /* one entity may take this part of an equal share of the budget */
    SHARE_EVERY = 4096, /* rows of a level between two dealings of shares */
    SHARE_PART = 16,    /* what a group that is short is given at once, of the level's budget */
    SHARE_EVICT = 1024, /* entities evicted for that at once */
    ROW_BYTES = 2048,   /* what a row allocates at most in a group, on average over many, */
    ROW_TEXTS = 4,      /* and where texts are kept: so many of the longest */
};

/* Zeroed; 0 where even eviction makes no room. */
region_ref room_alloc(struct velocity *v, uint32_t group, size_t bytes) MUST_USE;
/* As room_alloc, but without eviction. */
region_ref room_try(struct velocity *v, uint32_t group, size_t bytes) MUST_USE;
void room_free(struct velocity *v, uint32_t group, region_ref ref, size_t bytes);
/* The most that one entity's block may take. */
size_t room_entity_bytes(const struct velocity *v, uint32_t group);
/* Evict one entity of the group; false if there is none. */
bool room_evict(struct velocity *v, uint32_t group) MUST_USE;
/* Every EXPIRE_EVERY events: free a few entities in which nothing can matter any more. */
void room_expire(struct velocity *v, uint32_t group, int64_t watermark_us);
/* Every SHARE_EVERY rows: deal the budget of a level out to its groups. `v` is the first group's.
 */
void room_share(struct velocity *v, int level);
/* Whether so many rows find room in the region, whatever they do; groups may then be taken one
 * after the other, or at once. `v` is the first group's. */
bool room_is_ample(const struct velocity *v, int level, uint32_t rows);

/* Around region_alloc and region_free, where groups run at once. */
void room_hold(const struct velocity *v);
void room_leave(const struct velocity *v);

#endif
