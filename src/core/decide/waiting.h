/* Labels that are known to the log but not yet in force: a heap by (effective time, arrival), in
 * the region. Each keeps the tokens of its event, so that velocity can find the event again without
 * its bytes. One thread. */
#ifndef ASSAY_DECIDE_WAITING_H
#define ASSAY_DECIDE_WAITING_H

#include <stdbool.h>

#include "core/base/hash.h"
#include "core/velocity/region.h"

struct waiting_label {
    int64_t effective_us;
    uint64_t arrival; /* given by waiting_push */
    uint64_t seq;     /* of the labelled event */
    int64_t time_us;  /* of the labelled event */
    uint64_t label;
    struct hash128 token[]; /* one per velocity group */
};

struct waiting {
    struct region *region;
    unsigned root;
    uint32_t groups;
};

/* The heap's anchor is region root `root`. */
void waiting_open(struct waiting *w, struct region *r, unsigned root, uint32_t groups);
size_t waiting_label_bytes(uint32_t groups);
/* Copies the label; false where the region has no room for it. */
bool waiting_push(struct waiting *w, const struct waiting_label *label)
    __attribute__((warn_unused_result));
/* The label that takes effect first, or NULL; borrowed until the next push or pop. */
const struct waiting_label *waiting_first(const struct waiting *w);
void waiting_pop(struct waiting *w);
uint64_t waiting_count(const struct waiting *w);
uint64_t waiting_bytes(const struct waiting *w); /* of the region */

#endif
