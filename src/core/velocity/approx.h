/* approx_distinct: a sketch (hyperloglog.h) of the values that an entity ever had.
 *
 * What a sketch took it cannot give back. So there are two: `whole`, of all events that the cursor
 * at the delay has passed at the entity's newest event, and, where rows may be late, `settled`, of
 * the events that were dropped, which are older than any row may be late. A row reads `whole` and
 * the events that came to age since; a late row reads `settled` and the retained events that it may
 * see. Both give the count of the same set of values, so it is the same bits in whatever order
 * events come, and whenever they are dropped.
 *
 * A row that is later than that is not inserted, and reads what there is.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_APPROX_H
#define ASSAY_VELOCITY_APPROX_H

#include "core/velocity/entity.h"

/* Bytes of one sketch's state in the head of an entity, and how many sketches there are. */
enum { APPROX_SKETCH_BYTES = 24, APPROX_STATE_BYTES = 8 };

/* Bytes of an entity outside its block at most, with so many different values. */
size_t approx_bytes(const struct approx *a, double values);

/* After cursors passed events: that at the delay, up to which all events enter the sketch. */
void approx_pass(struct velocity *v, uint32_t group, const struct approx *a, struct entity *e);
/* Event `i` was put in before others, cursors moved already. */
void approx_insert(struct velocity *v, uint32_t group, const struct approx *a, struct entity *e,
                   uint32_t i);
/* Event `first` is about to go. */
void approx_drop(struct velocity *v, uint32_t group, const struct approx *a, struct entity *e);
/* Events are about to move down by `by`. */
void approx_shift(const struct approx *a, struct entity *e, uint32_t by);
void approx_free(struct velocity *v, uint32_t group, const struct approx *a, struct entity *e);

void approx_read(const struct velocity *v, const struct group *g, const struct read *r,
                 const struct entity *e, const struct entity *state, struct column *c);

#endif
