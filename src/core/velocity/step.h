/* Windows in steps: `over 90d step 1d`.
 *
 * A bucket is a step of time, [n step, (n + 1) step), and the events of one are added up in a
 * record, so that a long window needs no events, only a record per step. The window at t, with F
 * the multiple of the step at or before t - delay, is
 *
 *     [F - over, F)   and without a delay also what came from F up to the event itself.
 *
 * Records of an entity stand in a block of their own, in order of time. As with events, cursors
 * move over them, each with the sum of all records that it ever passed, and a window is the
 * difference of two: at its end stands a cursor over records, or without a delay the cursor of
 * events at the row itself. A late event is added to its bucket, and to what cursors behind it
 * hold. Smallest and largest are looked for among the records, at most LANG_STEPS_MAX of them.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_STEP_H
#define ASSAY_VELOCITY_STEP_H

#include "core/velocity/entity.h"

/* A record is its bucket's number, its sums, its extremes. */
enum { STEP_RECORD_HEAD = 8, STEP_EXTREME_BYTES = 16, STEP_STATE_BYTES = 16 };

/* Move the cursors of all steps to time t. */
void step_seek(const struct velocity *v, const struct group *g, const struct entity *e,
               struct entity *state, int64_t t);
/* Event `i` was appended or put in. */
void step_add(struct velocity *v, uint32_t group, const struct step *s, struct entity *e,
              uint32_t i);
/* Free records that no window of a row of `oldest_us` or later can hold. */
void step_trim(struct velocity *v, const struct group *g, struct entity *e, int64_t oldest_us);
void step_free(struct velocity *v, uint32_t group, const struct step *s, struct entity *e);
/* min and max. */
void step_read(const struct velocity *v, const struct group *g, const struct read *a,
               const struct entity *e, const struct entity *state, struct column *c);

#endif
