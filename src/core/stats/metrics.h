/* The field's metrics on held-out rows, each with a bootstrap interval.
 *
 * Definitions (y = label, p = probability, N rows; a tie = rows of equal score, which form one
 * point of every curve, as in scikit-learn):
 *
 *   AUC ROC             area under recall over false-positive rate, by trapezoids: the chance that
 *                       a fraud scores above a legitimate row, ties counting half
 *   average precision   sum over the ties, from the highest score down, of (R_n - R_{n-1}) P_n
 *   recall at 1 % FPR   highest recall of a threshold whose false-positive rate is <= 0.01
 *   card precision@k    mean over the days of (fraudulent cards among the k cards of highest score
 *                       that day) / k. A card counts once a day, by its highest score, and is
 *                       fraudulent that day if any row of it is. A card found (fraudulent and
 *                       among the k) is left out on later days. Cards of equal score stand in a
 *                       fixed shuffled order. (Fraud Detection Handbook, ch. 4, "card precision
 *                       top-k".) Null without days or entities.
 *   Brier score         mean of (p - y)^2
 *   log loss            mean of -log of the probability given to what happened; p is kept within
 *                       [2^-52, 1 - 2^-52]
 *   F1                  2 P R / (P + R)
 *   savings             1 - cost / (money of all frauds), Bahnsen et al. 2016: what the alerts
 *                       spare of the cost of doing nothing
 *   calibration error   sum over the bins of (rows / N) |mean p - frauds / rows|; ten bins cut at
 *                       the deciles of p (type 7), a row on an edge belongs to the lower bin
 *
 * Intervals: 2.5 % and 97.5 % points of the bootstrap, widened to hold the value itself. Rows of
 * one card rise and fall together, so what is resampled is the entity with all its rows where there
 * are at least METRICS_ENTITIES_MIN of them, and the row otherwise; card precision always resamples
 * entities. Each gets a Poisson(1) number of copies (Chamandy et al., "Estimating uncertainty for
 * massive data streams", 2012), so a resample has about as many units as the data.
 * Precision, recall and false-positive rate of exactly 0 or 1 have Wilson's interval instead.
 * A resample in which a figure is not defined does not count for it. With very few frauds an
 * interval is too narrow: it cannot know of the kinds that did not occur.
 *
 * Draws are counters (random_at), so neither threads nor order change a result.
 */
#ifndef ASSAY_STATS_METRICS_H
#define ASSAY_STATS_METRICS_H

#include <stdint.h>

#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/base/workers.h"

enum {
    METRICS_CURVE_POINTS = 200, /* at most, of a stored curve */
    METRICS_CALIBRATION_BINS = 10,
    METRICS_HISTOGRAM_BINS = 50,
    METRICS_THRESHOLDS_MAX = 32,
    METRICS_CARDS = 100,           /* k of the stored card precision */
    METRICS_ENTITIES_MIN = 50,     /* fewer: rows are resampled */
    METRICS_RESAMPLES_MAX = 10000, /* of the bootstrap, and of the permutation test */
};

#define METRICS_ROWS_MAX (UINT32_C(1) << 31)

/* Held-out rows; arrays borrowed. Probabilities are finite and in [0, 1]. */
struct outcomes {
    uint32_t rows;
    const double *probability;
    const uint8_t *label;   /* 1 = fraud */
    const double *amount;   /* money of each row, finite, or NULL */
    const int32_t *day;     /* days since 1970, or NULL: no per-day metrics */
    const uint32_t *entity; /* card or customer as 0..n-1, or NULL: no card metrics */
};

struct estimate {
    double value;
    double low;   /* 2.5 % */
    double high;  /* 97.5 % */
    bool is_null; /* not defined on this data; the numbers are then NaN */
};

/* What happens at one threshold: fraud is said where probability >= threshold. */
struct threshold_row {
    double threshold;
    uint32_t tp, fp, fn, tn;
    struct estimate precision, recall, false_positive_rate;
    struct estimate value_caught; /* share of the money of all frauds */
    struct estimate f1;
    struct estimate savings;     /* 1 - cost / cost of doing nothing; 1 is all, below 0 a loss */
    double false_positive_ratio; /* false alarms per fraud found; NaN where none is found */
    double alerts_per_day;       /* NaN without days */
    double cost;                 /* missed frauds: their amount (1 each without amounts);
                                    alerts, right or wrong: the cost of one */
};

struct curve {
    uint32_t points; /* 0 where a class is missing */
    double x[METRICS_CURVE_POINTS];
    double y[METRICS_CURVE_POINTS];
};

struct class_summary {
    uint32_t rows;
    double mean, min, max;                      /* of the probability; NaN without rows */
    uint32_t histogram[METRICS_HISTOGRAM_BINS]; /* of the probability, equal bins on [0, 1] */
};

struct calibration_bin {
    double predicted; /* mean probability */
    double observed;  /* share of frauds */
    uint32_t rows;    /* 0: an empty bin, to be skipped */
    uint32_t frauds;
};

struct metrics {
    uint32_t rows, frauds;
    uint32_t days;       /* different days seen; 0 without days */
    double fraud_amount; /* money of all frauds, their number without amounts: cost of no model */
    bool has_amounts;
    struct estimate auc_roc, average_precision, card_precision_at_100, recall_at_1pct_fpr;
    struct estimate brier, log_loss, calibration_error;
    double chance_p;         /* permutation test: chance that labels dealt at random among the
                                scores reach this average precision; NaN if not asked for */
    bool better_than_chance; /* chance_p < 0.01 and the interval of AUC is above 0.5 */
    struct curve roc;        /* x false-positive rate, y recall */
    struct curve pr; /* x recall, y precision; begins at recall 0 with the first precision */
    struct class_summary by_class[2];
    struct calibration_bin calibration[METRICS_CALIBRATION_BINS]; /* those of the error above */
    /* The same figures in bins that hold a tenth of the expected frauds (sum of p) each: with few
     * frauds deciles of p put nearly all of them into the last bin. For drawing. */
    struct calibration_bin reliability[METRICS_CALIBRATION_BINS];
    uint32_t thresholds;
    struct threshold_row threshold[METRICS_THRESHOLDS_MAX];
};

struct metrics_options {
    uint32_t bootstrap;      /* resamples: 200 is usual; 0 = no intervals (low = high = value) */
    uint32_t permutations;   /* of the chance test: 200 is usual; under 100 cannot show p < 0.01 */
    double alert_cost;       /* money per alert looked at */
    const double *threshold; /* to tabulate, in any order; rows come back in this order */
    uint32_t thresholds;     /* at most METRICS_THRESHOLDS_MAX */
    uint64_t seed;
    const struct workers *workers;   /* may be NULL */
    const struct progress *progress; /* may be NULL */
};

/* False only where progress said stop (ERROR_CANCELLED). No row or one class only is no failure:
 * what is not defined then is null. */
bool metrics_compute(const struct outcomes *o, const struct metrics_options *options,
                     struct metrics *m, struct error *e) MUST_USE;

/* Single figures, without intervals, of any finite scores; NaN where not defined (one class only,
 * no row, and for cards: no days or entities). */
double metric_auc_roc(const double *score, const uint8_t *label, uint32_t rows);
double metric_average_precision(const double *score, const uint8_t *label, uint32_t rows);
double metric_recall_at_fpr(const double *score, const uint8_t *label, uint32_t rows, double fpr);
/* (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP); NaN where that is 0 / 0. */
double metric_f_beta(double tp, double fp, double fn, double beta);
double metric_card_precision(const struct outcomes *o, uint32_t k);

#endif
