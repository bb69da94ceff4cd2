/* What a column holds, for reports: null counted, the rest summarised. */
#ifndef ASSAY_STATS_SUMMARY_H
#define ASSAY_STATS_SUMMARY_H

#include "core/data/frame.h"

enum { SUMMARY_QUANTILES = 5 };

struct summary {
    uint64_t rows;
    uint64_t nulls;
    /* Of numbers, NaN where there is none: decimals and reals as they are, bool as 0 and 1, time
     * and duration in seconds. Text has none. */
    double mean;
    double std; /* of the sample; NaN below 2 values */
    double min, max;
    double quantile[SUMMARY_QUANTILES]; /* 1, 25, 50, 75 and 99 % */
};

extern const double summary_share[SUMMARY_QUANTILES];

/* Of the rows given by number, or of rows 0..rows-1 where row is NULL. */
void summary_of_column(const struct column *c, const uint32_t *row, uint32_t rows,
                       struct summary *s);
/* Of finite values; they come back sorted. */
void summary_of_values(double *values, uint32_t count, struct summary *s);

/* Type 7 (linear between order statistics, Hyndman and Fan 1996) of ascending values; count > 0,
 * share in [0, 1]. */
double quantile_of(const double *ascending, uint32_t count, double share);

#endif
