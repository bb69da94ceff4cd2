/* Results of a group's aggregates for one row.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_READ_H
#define ASSAY_VELOCITY_READ_H

#include "core/velocity/entity.h"

/* The rows that come are of these registers. */
void read_bind(const struct velocity *v, const struct group *g, const struct registers *r);
/* Write the results: `state` holds the windows at the current row's time, `e` the events. The
 * current row itself is counted where it belongs to a window. */
void read_results(const struct velocity *v, const struct group *g, const struct entity *e,
                  const struct entity *state, struct registers *r);

#endif
