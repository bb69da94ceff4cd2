/* The feature table: values of the features for the rows that learn or test, computed by the engine
 * over the whole feed in event order, exactly as they would have been computed live. */
#ifndef ASSAY_TRAIN_TABLE_H
#define ASSAY_TRAIN_TABLE_H

#include "shell/run/occupancy.h"
#include "shell/run/pass.h"
#include "shell/run/state.h"

enum { TABLE_TEXT_MAX = 1 << 30 };

struct table {
    uint32_t rows;
    uint32_t features;
    struct column *column; /* one per feature of the plan */
    struct arena text;
    struct occupancy occupancy; /* of the state at the end */
    uint64_t *event;            /* per row: number of the event in the feed */
};

/* Event i of the feed is a row where part[i] is not 0; there are `rows` of them. Uses the feed up.
 */
bool table_build(const struct settings *s, struct plan *p, struct feed *f, const uint8_t *part,
                 uint32_t rows, const struct state_options *o, const struct progress *progress,
                 struct table *t, struct error *e) MUST_USE;
void table_free(struct table *t);

#endif
