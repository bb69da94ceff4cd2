/* How far what is seen now is from what was seen before, by shares of the same bins. */
#ifndef ASSAY_STATS_DRIFT_H
#define ASSAY_STATS_DRIFT_H

#include <stdint.h>

#define DRIFT_MOVING 0.1  /* of drift_psi, by the convention of credit scoring: look at it, */
#define DRIFT_MOVED  0.25 /* and something is another thing now */
#define DRIFT_LEAST  200  /* rows */

/* Population stability index: sum of (now - before) * ln(now / before), 0 where they are equal. A
 * share of nothing counts as one in ten thousand, else one empty bin would be infinitely far. */
double drift_psi(const double *before, const double *now, uint32_t bins);
/* Kolmogorov and Smirnov's distance: the largest difference of the cumulated shares of ordered
 * bins, 0 to 1. */
double drift_ks(const double *before, const double *now, uint32_t bins);

/* Chance moves the index too: without drift, psi / (1/before + 1/now) of so many rows follows chi
 * square of bins - 1 degrees of freedom (Yurdakul, "Statistical Properties of Population Stability
 * Index", 2018). How many rows there must be now, so that chance alone reaches DRIFT_MOVING once in
 * a thousand times at most; never below DRIFT_LEAST, as rows of one entity are alike. UINT32_MAX:
 * there were too few rows before, no number is enough. */
uint32_t drift_least(uint32_t bins, double rows_before);

#endif
