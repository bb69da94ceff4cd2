/* The feature values and scores of the newest decisions, as their records keep them. */
#ifndef ASSAY_STORE_RECENT_H
#define ASSAY_STORE_RECENT_H

#include "core/data/frame.h"
#include "shell/store/explanation.h"

enum { RECENT_MAX = 20000, RECENT_TEXT_BYTES = 64 << 20 };

struct recent {
    struct frame values; /* of plan_values_schema; rows: decisions, the newest first */
    int16_t *score;
    uint32_t decisions;
    int64_t from_us, until_us; /* of receipt, of the oldest and the newest; without any: 0 */
};

/* At most `decisions` whose values are known, of at most four times as many records. A value is
 * null too where the plan of then had not the same feature. */
bool recent_read(const struct explanation_sources *s, const struct plan *p, uint32_t decisions,
                 struct recent *r, struct error *e) MUST_USE;
void recent_fini(struct recent *r);

#endif
