/* The ROC and precision-recall curves of a ranking, thinned to what a picture needs. Inside
 * stats/ only. */
#ifndef ASSAY_STATS_CURVE_H
#define ASSAY_STATS_CURVE_H

#include "core/stats/metrics.h"
#include "core/stats/ranking.h"

/* Empty curves where a class is missing. */
void curve_roc(const struct ranking *r, struct curve *c);
void curve_pr(const struct ranking *r, struct curve *c);

#endif
