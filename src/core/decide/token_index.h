/* Where items are, by their 128-bit token: an open-addressing index over an array in the region.
 *
 *   1. A slot holds the position of its item + 1 (0 = empty); probing is linear, from token.low.
 *   2. There are twice as many slots as the array has places, so a probe ends.
 *   3. Removing closes the gap by backward shift: there are no tombstones, and the bytes depend on
 *      the history of the contents only.
 *
 * Whoever has the array makes the index of it anew where it moves. One thread. */
#ifndef ASSAY_DECIDE_TOKEN_INDEX_H
#define ASSAY_DECIDE_TOKEN_INDEX_H

#include "core/base/hash.h"
#include "core/velocity/region.h"

/* A view of both; borrowed. */
struct token_index {
    const struct region *region;
    void *items; /* each begins with its token */
    size_t item_bytes;
    uint32_t *slots;
    uint64_t capacity; /* places of the array: a power of two */
};

static inline size_t token_index_bytes(uint64_t capacity)
{
    return 2 * capacity * sizeof(uint32_t);
}

/* The slot that holds the token, or the empty slot where it goes. */
uint32_t *token_index_slot(const struct token_index *x, struct hash128 token);
/* The item, or NULL. */
void *token_index_find(const struct token_index *x, struct hash128 token);
/* Take a token out that is there. Its item may be cleared after, not before. */
void token_index_remove(const struct token_index *x, struct hash128 token);

#endif
