/* What conformal sets and probability intervals promised, and what held-out rows say to it. */
#ifndef ASSAY_STATS_COVERAGE_H
#define ASSAY_STATS_COVERAGE_H

#include "core/stats/metrics.h"

/* Classes are 0 legitimate, 1 fraud; a set has bit c for class c. Zero before the first row. */
struct coverage {
    double level;            /* promised to each class; 0: nothing was */
    uint64_t calibration[2]; /* rows that the promise rests on */
    uint64_t rows[2];        /* tested */
    uint64_t covered[2];     /* whose set has their class */
    uint64_t sets[4];        /* rows by their set: none, legitimate, fraud, both */
    double low, high;        /* sums of the interval's ends */
};

void coverage_add(struct coverage *c, uint8_t label, uint8_t set, double low, double high);

/* Share of the class's rows whose set has it, with Wilson's interval; null without rows. */
struct estimate coverage_of_class(const struct coverage *c, int label);
/* Share of frauds, with Wilson's interval: it should lie between the means of the interval's ends.
 */
struct estimate coverage_fraud_share(const struct coverage *c);
uint64_t coverage_rows(const struct coverage *c);
/* Means over the rows; NaN without rows. */
double coverage_set_size(const struct coverage *c);
double coverage_width(const struct coverage *c);
double coverage_low(const struct coverage *c);
double coverage_high(const struct coverage *c);
/* The promise to the class is broken beyond what chance explains. */
bool coverage_is_broken(const struct coverage *c, int label);
/* The share of frauds lies beside the means of the interval's ends, beyond what chance explains. */
bool coverage_is_beside(const struct coverage *c);

#endif
