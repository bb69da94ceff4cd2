/* How far two scores of the same rows agree on which row comes first. */
#ifndef ASSAY_STATS_AGREEMENT_H
#define ASSAY_STATS_AGREEMENT_H

#include <stdint.h>

/* Spearman's rank correlation, rows of equal score at the mean of their ranks; NaN where one of
 * them scores all rows alike, or below two rows. */
double agreement_of_ranks(const double *a, const double *b, uint32_t rows);

/* Of the `top` rows of highest a, the share that are among the `top` of highest b; of equal scores
 * the first row. NaN where top is 0. */
double agreement_of_top(const double *a, const double *b, uint32_t rows, uint32_t top);

#endif
