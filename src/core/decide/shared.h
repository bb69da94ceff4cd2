/* Aggregates whose values come with the event, because another place keeps their windows for
 * several shards.
 *
 * A field named "shared(AGGREGATE)", after the aggregate's canonical text, is that aggregate's
 * value: the plan then has no window of its own for it. So the value is a part of the event as a
 * looked-up field is one, it stands in the log, and replay asks nobody. The node stays an
 * aggregate: a model that was trained on windows of one shard takes it. */
#ifndef ASSAY_DECIDE_SHARED_H
#define ASSAY_DECIDE_SHARED_H

#include "core/lang/lang.h"

enum { SHARED_MAX = 256 }; /* aggregates of a plan */

/* An int field: why values are missing, as bits. Null or 0: none is. */
#define SHARED_LACKS_FIELD "shared()"

enum shared_lack {
    SHARED_AWAY = 1, /* the place did not answer in time */
    SHARED_LATE = 2, /* the event is older than what it keeps */
    SHARED_PART = 4, /* it does not have all events of the window */
};

/* Of the field that would have its value. */
void shared_field_name(const struct aggregate *a, char out[FIELD_NAME_MAX + 1]);
/* Whether a field is one of these, or the one that says what they lack. */
bool shared_is_field(const char *name);

#endif
