/* What the state holds, by kind of entity: for summaries and metrics. A kind stands once for each
 * level of its features. */
#ifndef ASSAY_RUN_OCCUPANCY_H
#define ASSAY_RUN_OCCUPANCY_H

#include "core/decide/engine.h"

struct occupancy {
    uint32_t groups;
    struct velocity_counts group[VELOCITY_GROUPS_MAX]; /* velocity_group_name has the names */
};

void occupancy_of(const struct engine *n, const struct plan *p, struct occupancy *o);
uint64_t occupancy_forgotten(const struct occupancy *o); /* entities evicted, events dropped */

/* [{"kind":"customer","level":0,"entities":...}, ...] */
void occupancy_add_json(const struct occupancy *o, const struct plan *p, struct buffer *out);
/* What was forgotten for want of room, as one sentence; nothing where nothing was. */
void occupancy_add_words(const struct occupancy *o, const struct plan *p, struct buffer *out);

#endif
