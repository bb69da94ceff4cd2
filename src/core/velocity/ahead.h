/* Memory asked for before it is needed. Where a row's entity lies is known from its token alone, so
 * each of the three misses that a row would wait for (table slot, entity, events at its cursors) is
 * asked for while rows before it are worked on.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_AHEAD_H
#define ASSAY_VELOCITY_AHEAD_H

#include "core/velocity/entity.h"

enum {
    AHEAD_SLOT = 20, /* rows ahead of which each is asked for */
    AHEAD_ENTITY = 14,
    AHEAD_EVENTS = 6,
    HINTS = 32, /* a power of two above AHEAD_ENTITY */
};

/* Step 1 and 3 for one token; `number` counts rows, or labels, and picks the hint. */
void ahead_slot(const struct velocity *v, uint32_t group, struct hash128 token);
void ahead_entity(struct velocity *v, uint32_t group, struct hash128 token, struct hint *hints,
                  uint32_t number);
void ahead_events(const struct velocity *v, uint32_t group, const struct hint *hints,
                  uint32_t number);
/* The token's slot, by what was found ahead if that still holds; or NULL. */
struct slot *ahead_find(const struct velocity *v, uint32_t group, struct hash128 token,
                        const struct hint *hints, uint32_t number);

#endif
