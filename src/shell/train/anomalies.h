/* What can be said of a model of anomalies where no event has a label: how its scores lie, how many
 * events pass a threshold, and whether another seed or other events give the same. Not whether it
 * finds fraud. */
#ifndef ASSAY_TRAIN_ANOMALIES_H
#define ASSAY_TRAIN_ANOMALIES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/stats/metrics.h"

struct fit_task;
struct fitted;

enum { ANOMALY_QUANTILES = 7, ANOMALY_CUTS = 4 };

extern const double anomaly_share[ANOMALY_QUANTILES];

/* The score that a share of the training rows exceeds, and the share of held-out rows that do. */
struct anomaly_cut {
    double share, score;
    struct estimate held_out;
};

/* Models of the same recipe, compared on the held-out rows. */
struct anomaly_repeat {
    double ranks; /* agreement_of_ranks */
    double top;   /* agreement_of_top of the top_rows */
};

struct anomalies {
    uint32_t rows[2];                      /* learned from, held out */
    double quantile[2][ANOMALY_QUANTILES]; /* of their scores */
    struct anomaly_cut cut[ANOMALY_CUTS];  /* the first is that of the contamination, where set */
    uint32_t cuts;
    uint32_t top_rows;                   /* of the held-out ones: a hundredth, at least one */
    struct anomaly_repeat seeds, halves; /* another seed; two halves of the training rows */
};

/* `task` is the one that gave `f`; with folds the first of them is held out. Fits three more
 * models. */
bool anomalies_measure(const struct fit_task *task, const struct fitted *f, struct anomalies *a,
                       struct error *e) MUST_USE;
/* As a JSON object. */
void anomalies_json(const struct anomalies *a, struct buffer *out);

#endif
