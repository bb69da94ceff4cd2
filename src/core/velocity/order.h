/* Values in order of size, for quantile and rank.
 *
 * Above the events stand sorted copies of their values: one run per 32 events, one per 32 of these
 * and so on. Any stretch of events is then at most 62 single values and 62 runs a level, in which
 * places are found by bisection. Runs are made when their last event arrives, and where a late
 * event is put in, each run behind it gains one value and loses one. As the tree of range.h it
 * serves all windows, delays and late reads alike and reading changes nothing; a search tree per
 * window was rejected, as const reads and late rows would need it rebuilt.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_ORDER_H
#define ASSAY_VELOCITY_ORDER_H

#include "core/velocity/entity.h"

/* 8-byte words of one order over `capacity` events. */
size_t order_words(uint32_t capacity);
/* Event `i` was appended. */
void order_append(const struct group *g, const struct order *o, struct entity *e, uint32_t i);
/* Event `i` was put in before others, which moved up by one. */
void order_insert(const struct group *g, const struct order *o, struct entity *e, uint32_t i);
/* Events are at new indices. */
void order_rebuild(const struct group *g, const struct order *o, struct entity *e);
/* quantile and rank of the current row. */
void order_read(const struct velocity *v, const struct group *g, const struct read *a,
                const struct entity *e, const struct entity *state, struct column *c);

#endif
