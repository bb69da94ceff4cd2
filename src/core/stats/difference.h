/* Whether one of two rankings of the same rows is better than the other. */
#ifndef ASSAY_STATS_DIFFERENCE_H
#define ASSAY_STATS_DIFFERENCE_H

#include "core/stats/metrics.h"

/* Average precision of `better` less that of o->probability, with the interval of a paired
 * bootstrap: both rank the same copies of rows (of entities with all their rows, where there are
 * METRICS_ENTITIES_MIN of them), so that what moves both alike cancels. Null where a class is
 * missing. ERROR_CANCELLED where progress says stop. */
bool difference_of_precision(const struct outcomes *o, const double *better,
                             const struct metrics_options *options, struct estimate *difference,
                             struct error *e) MUST_USE;

#endif
