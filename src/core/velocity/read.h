/* Results of a group's aggregates for one row.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_READ_H
#define ASSAY_VELOCITY_READ_H

#include "core/velocity/entity.h"

/* The rows that come are of these registers. */
void read_bind(const struct velocity *v, const struct group *g, const struct registers *r);
/* Whether there is anything for read_others. */
static inline bool has_others(const struct group *g)
{
    return g->reads_of[READ_TERMS] < g->read_count;
}

/* Results of the current row that need its entity's events: `state` holds the windows at the row's
 * time, `e` the events. The row itself is counted where it belongs to a window. */
void read_others(const struct velocity *v, const struct group *g, const struct entity *e,
                 const struct entity *state, struct registers *r);
/* All other results of `count` rows from `row` on: from their images and the heads as they were
 * taken, so later rows may have changed the entities since. */
void read_taken(const struct velocity *v, const struct group *g, uint32_t row, uint32_t count);

#endif
