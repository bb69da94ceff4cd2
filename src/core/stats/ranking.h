/* Rows in order of descending score, and walks down them. Inside stats/ only; the figures are
 * defined in metrics.h.
 *
 * Sorting is done once. Everything else, each resample of the bootstrap included, is a walk in this
 * order in which the row at rank i is taken copies[i] times: resampling never moves or sorts a row.
 */
#ifndef ASSAY_STATS_RANKING_H
#define ASSAY_STATS_RANKING_H

#include <stdint.h>

enum rank_flag {
    RANK_FRAUD = 1,
    RANK_LAST = 2, /* of its tie: the next row has a lower score */
};

/* Owned by its user, released by ranking_fini; read by any number of threads. */
struct ranking {
    uint32_t rows;
    uint32_t frauds;
    uint32_t *row;  /* at each rank */
    uint8_t *flags; /* enum rank_flag at each rank */
};

void ranking_init(struct ranking *r, const double *score, const uint8_t *label, uint32_t rows);
void ranking_fini(struct ranking *r);

struct rank_figures {
    double auc_roc, average_precision, recall; /* NaN where a class is missing */
};

/* recall: of the deepest tie whose false-positive rate is at most max_fpr. */
void ranking_figures(const struct ranking *r, const uint8_t *copies, double max_fpr,
                     struct rank_figures *f);

/* Average precision if the frauds stood at the ranks where fraud[rank] is 1. */
double ranking_average_precision(const struct ranking *r, const uint8_t *fraud);

#endif
