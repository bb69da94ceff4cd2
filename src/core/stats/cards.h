/* Card precision: what an analyst finds who looks at the k most suspicious cards of each day.
 * Inside stats/ only; defined in metrics.h. */
#ifndef ASSAY_STATS_CARDS_H
#define ASSAY_STATS_CARDS_H

#include <stdint.h>

#include "core/stats/metrics.h"

/* A card on a day on which it paid. */
struct card_day {
    int32_t day;
    uint32_t entity;
    double score; /* highest of its rows */
    uint8_t is_fraud;
};

/* Days in order, in each the cards from the most suspicious down. Read by any number of threads. */
struct cards {
    uint32_t count;    /* of card_day; 0 where days or entities are missing */
    uint32_t entities; /* highest number + 1 */
    uint32_t days;
    struct card_day *card_day;
};

void cards_init(struct cards *c, const struct outcomes *o);
void cards_fini(struct cards *c);

/* copies[entity] says how many cards an entity stands for, NULL one each; an entity of two copies
 * takes two of the k places. NaN without cards. */
double cards_precision(const struct cards *c, const uint8_t *copies, uint32_t k);

#endif
