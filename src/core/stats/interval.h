/* Intervals that need no resampling. */
#ifndef ASSAY_STATS_INTERVAL_H
#define ASSAY_STATS_INTERVAL_H

/* 95 % interval of a share by Wilson's score (Wilson, "Probable inference", 1927): unlike a
 * resample it stays open at 0 and at 1. NaN where rows is 0. */
void interval_of_share(double hits, double rows, double *low, double *high);

#endif
