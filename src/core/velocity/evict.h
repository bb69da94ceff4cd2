/* Room: every allocation of velocity goes through here, and what goes when there is none.
 *
 * Bytes are counted per group by size class. The groups of one level share a budget, by their
 * number, so what is evicted depends on the rows alone and not on how they were batched (levels run
 * one after the other over a batch). Should the region itself be full before, the same is done.
 *
 * Which entity goes: of the next EVICT_SLOTS used slots after the sweep's hand in the largest group
 * of the level, the one whose newest event is oldest. A linked list by last touch was rejected: it
 * costs three more cache misses per event and kind, more than all else that an event costs.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_EVICT_H
#define ASSAY_VELOCITY_EVICT_H

#include "core/velocity/entity.h"

enum {
    EVICT_SLOTS = 32,  /* entities looked at for a victim */
    EVICT_TRIES = 64,  /* entities evicted for one allocation */
    EXPIRE_EVERY = 32, /* events of a group between two sweeps for idle entities */
    EXPIRE_SLOTS = 64, /* slots of one sweep: in a row, so that memory is read ahead of it */
    ENTITY_PART = 4,   /* one entity may take this part of the budget of its level */
};

/* Zeroed; 0 where even eviction makes no room. */
region_ref room_alloc(struct velocity *v, uint32_t group, size_t bytes) MUST_USE;
/* As room_alloc, but without eviction. */
region_ref room_try(struct velocity *v, uint32_t group, size_t bytes) MUST_USE;
void room_free(struct velocity *v, uint32_t group, region_ref ref, size_t bytes);
/* The most that one entity's block may take. */
size_t room_entity_bytes(const struct velocity *v, uint32_t group);
/* Evict one entity of the level of `group`; false if there is none. */
bool room_evict(struct velocity *v, uint32_t group) MUST_USE;
/* Every EXPIRE_EVERY events: free a few entities in which nothing can matter any more. */
void room_expire(struct velocity *v, uint32_t group, int64_t watermark_us);

#endif
