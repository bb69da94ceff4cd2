/* The ids of the newest events, for idempotency and for labels: token of the id -> position. In the
 * region, oldest forgotten first when the horizon (a number of ids and a time of receipt) or the
 * region's room is reached. One thread. */
#ifndef ASSAY_DECIDE_IDS_H
#define ASSAY_DECIDE_IDS_H

#include "core/base/hash.h"
#include "core/velocity/region.h"

struct id_entry {
    struct hash128 token;
    uint64_t body; /* hash of the event's bytes */
    uint64_t seq;
    int64_t received_us;
};

struct ids {
    struct region *region;
    unsigned root;
    uint64_t horizon;   /* ids */
    int64_t horizon_us; /* of time of receipt */
};

/* What an id takes where there is just room for all. */
size_t ids_entry_bytes(void);
/* How many ids so many bytes hold, at least a first few. */
uint64_t ids_within(uint64_t bytes);
void ids_open(struct ids *i, struct region *r, unsigned root, uint64_t horizon, int64_t horizon_us);
const struct id_entry *ids_find(const struct ids *i, struct hash128 token); /* or NULL */
/* A token that is already there is not looked for: find first. */
void ids_add(struct ids *i, const struct id_entry *entry);
uint64_t ids_count(const struct ids *i);

#endif
