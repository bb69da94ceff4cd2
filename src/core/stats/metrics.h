/* The field's metrics on held-out rows, each with a bootstrap interval.
 *
 * Ties are handled as scikit-learn does: rows of equal score form one point of the ROC and
 * precision-recall curves; average precision = sum (R_n - R_{n-1}) P_n; AUC by trapezoids.
 */
#ifndef ASSAY_STATS_METRICS_H
#define ASSAY_STATS_METRICS_H

#include <stdint.h>

#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/base/workers.h"

enum {
    METRICS_CURVE_POINTS = 200,    /* at most, of a stored curve */
    METRICS_CALIBRATION_BINS = 10, /* by quantiles of the probability */
    METRICS_HISTOGRAM_BINS = 50,
    METRICS_THRESHOLDS_MAX = 32,
};

/* Held-out rows; arrays borrowed. */
struct outcomes {
    uint32_t rows;
    const double *probability;
    const uint8_t *label;    /* 1 = fraud */
    const double *amount;    /* money of each row, or NULL */
    const int32_t *day;      /* days since 1970, or NULL: no per-day metrics */
    const uint32_t *entity;  /* card or customer as 0..n-1, or NULL: no card metrics */
};

struct estimate {
    double value;
    double low;  /* 2.5 % */
    double high; /* 97.5 % */
    bool is_null; /* not defined on this data */
};

/* What happens at one threshold: fraud is said where probability >= threshold. */
struct threshold_row {
    double threshold;
    uint32_t tp, fp, fn, tn;
    struct estimate precision, recall, false_positive_rate, value_caught; /* share of fraud money */
    double alerts_per_day; /* NaN without days */
    double cost;           /* fn: amount lost (1 without amounts); tp and fp: cost per alert */
};

struct curve {
    uint32_t points;
    double x[METRICS_CURVE_POINTS];
    double y[METRICS_CURVE_POINTS];
};

struct class_summary {
    double mean, min, max;
    uint32_t histogram[METRICS_HISTOGRAM_BINS]; /* of the probability, equal bins on [0, 1] */
};

struct metrics {
    uint32_t rows, frauds;
    struct estimate auc_roc, average_precision, card_precision_at_100, recall_at_1pct_fpr;
    struct estimate brier, log_loss, calibration_error; /* expected calibration error */
    double chance_p;    /* permutation test: chance that random scores reach this AP */
    bool better_than_chance; /* chance_p < 0.01 and the interval of AUC is above 0.5 */
    struct curve roc;   /* x false-positive rate, y recall */
    struct curve pr;    /* x recall, y precision */
    struct class_summary by_class[2];
    struct {
        double predicted, observed;
        uint32_t rows;
    } calibration[METRICS_CALIBRATION_BINS];
    uint32_t thresholds;
    struct threshold_row threshold[METRICS_THRESHOLDS_MAX];
};

struct metrics_options {
    uint32_t bootstrap;      /* resamples: 200 is usual; 0 = no intervals (low = high = value) */
    uint32_t permutations;   /* of the chance test: 200 is usual */
    double alert_cost;       /* money per alert looked at */
    const double *threshold; /* to tabulate */
    uint32_t thresholds;
    uint64_t seed;
    const struct workers *workers;
    const struct progress *progress;
};

bool metrics_compute(const struct outcomes *o, const struct metrics_options *options,
                     struct metrics *m, struct error *e) MUST_USE;

/* Single figures, without intervals; NaN where not defined (one class only, no row). */
double metric_auc_roc(const double *score, const uint8_t *label, uint32_t rows);
double metric_average_precision(const double *score, const uint8_t *label, uint32_t rows);
double metric_recall_at_fpr(const double *score, const uint8_t *label, uint32_t rows, double fpr);
/* Mean over the days of (fraudulent cards among the k cards of highest score that day) / k; a card
 * counts once a day by its highest score, and cards found fraudulent on an earlier day are left out
 * (Fraud Detection Handbook, ch. 4, "card precision top-k"). */
double metric_card_precision(const struct outcomes *o, uint32_t k);

#endif
