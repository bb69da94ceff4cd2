/* Event order for a feed: sort by (time, place), and leave out rows, moving whole cells. */
#ifndef ASSAY_RUN_FEED_ORDER_H
#define ASSAY_RUN_FEED_ORDER_H

#include "shell/run/feed.h"

/* Drop every row i with drop[i] = 1 (NULL: none) and bring the others into time order. Does nothing
 * where nothing is to be dropped and all are in order. counts.rows and counts.moved are set. */
void feed_order(struct feed *f, const uint8_t *drop);

/* The frames of `old`, whose cells were copied into f's, are kept for their texts. */
void feed_retire(struct feed *f, const struct feed *old);

/* Rows that repeat an id: drop[i] = 1 for each but the first. `repeated` counts those that equal
 * the first in every cell, `conflicting` the others; first_conflict is the id of one. */
struct feed_ids {
    uint64_t repeated, conflicting;
    char first_conflict[64];
};

void feed_find_repeated(const struct feed *f, uint8_t *drop, struct feed_ids *ids);

#endif
