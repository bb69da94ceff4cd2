/* The smallest, largest or newest passing event of a stretch of events, whatever the window.
 *
 * Above the events stands a tree: one word per 32 events, one per 32 of these and so on, each the
 * index + 1 of the best below it (0: none passes). Any stretch is then at most about 64 words a
 * level, also where somebody hammers one card. It serves all windows, delays and late reads alike;
 * deques per window were rejected since late events and const reads would need them rebuilt.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_RANGE_H
#define ASSAY_VELOCITY_RANGE_H

#include "core/velocity/entity.h"

enum { RANGE_FAN_LOG = 5 };

#define RANGE_NONE UINT32_MAX

/* The best event of [from, to), or RANGE_NONE. */
uint32_t range_query(const struct group *g, const struct range *r, const struct entity *e,
                     uint32_t from, uint32_t to);
/* Event `i` was appended. */
void range_append(const struct velocity *v, const struct group *g, const struct range *r,
                  struct entity *e, uint32_t i);
/* Events from `from` on are other ones than before (the entity is touched whole). */
void range_rebuild(const struct group *g, const struct range *r, struct entity *e, uint32_t from);
/* Event `first` is about to go: what unbounded aggregates need of it is kept. */
void range_drop(struct velocity *v, uint32_t group, const struct range *r, struct entity *e);
void range_free(struct velocity *v, uint32_t group, const struct range *r, struct entity *e);

/* Whether `a` is a better minimum or maximum than `b`. */
bool range_is_better(const struct range *r, enum cell_kind kind, int64_t a, int64_t b);

static inline struct range_base *range_base(const struct range *r, const struct entity *e)
{
    return (struct range_base *)((char *)e + r->base_at);
}

#endif
