/* Everything that is known of the held-out rows once they are sorted, and all figures of one
 * resample of them. Inside stats/ only; the figures are defined in metrics.h.
 *
 * Calibration bins and thresholds are cuts: numbers of rows from the top of the ranking. Sums
 * between cuts give every figure that has a threshold or a bin, so one walk serves them all.
 */
#ifndef ASSAY_STATS_EVALUATION_H
#define ASSAY_STATS_EVALUATION_H

#include "core/stats/cards.h"
#include "core/stats/metrics.h"
#include "core/stats/ranking.h"

enum figure {
    FIGURE_AUC_ROC,
    FIGURE_AVERAGE_PRECISION,
    FIGURE_RECALL_AT_FPR,
    FIGURE_BRIER,
    FIGURE_LOG_LOSS,
    FIGURE_CALIBRATION_ERROR,
    FIGURE_CARD_PRECISION,
    FIGURE_THRESHOLDS, /* then, for each threshold, those below */
};

enum threshold_figure {
    PRECISION,
    RECALL,
    FALSE_POSITIVE_RATE,
    VALUE_CAUGHT,
    F1,
    SAVINGS,
    THRESHOLD_FIGURES,
};

enum {
    FIGURES_MAX = FIGURE_THRESHOLDS + METRICS_THRESHOLDS_MAX * THRESHOLD_FIGURES,
    EVALUATION_CUTS_MAX = METRICS_CALIBRATION_BINS + METRICS_THRESHOLDS_MAX,
};

/* Sums over the rows from the top of the ranking down to a cut. */
struct tally {
    uint64_t frauds, rows;
    double expected; /* sum of probabilities */
    double amount;   /* money of the frauds, or their number */
};

/* Read-only once built: any number of threads may compute figures. Borrows the outcomes. */
struct evaluation {
    const struct outcomes *outcomes;
    struct ranking ranking;
    struct cards cards;
    double *probability;  /* at each rank */
    double *log_loss;     /* at each rank */
    double *fraud_amount; /* at each rank: money of a fraud (1 without amounts), 0 otherwise */
    uint32_t cuts;
    uint32_t cut[EVALUATION_CUTS_MAX];              /* ascending */
    uint32_t bin_cut[METRICS_CALIBRATION_BINS + 1]; /* rows above bin i - 1, from the lowest bin */
    double alert_cost;
    uint32_t thresholds;
    uint32_t threshold_cut[METRICS_THRESHOLDS_MAX]; /* rows at or above it */
    uint32_t units;                                 /* what is resampled: entities or rows */
    uint32_t *unit;                                 /* at each rank */
    uint32_t figures;                               /* in use, of FIGURES_MAX */
};

void evaluation_init(struct evaluation *v, const struct outcomes *o, const double *threshold,
                     uint32_t thresholds, double alert_cost);
void evaluation_fini(struct evaluation *v);

/* copies: of the row at each rank; card_copies: of each entity, or NULL. Null figures are NaN. */
void evaluation_figures(const struct evaluation *v, const uint8_t *copies,
                        const uint8_t *card_copies, double figure[FIGURES_MAX]);

/* Sums of the rows as they are, from the top down to a cut. */
struct tally evaluation_tally(const struct evaluation *v, uint32_t cut);

/* Ten bins between the given cuts (descending in rows: the lowest bin first). */
void evaluation_bins(const struct evaluation *v, const uint32_t cut[METRICS_CALIBRATION_BINS + 1],
                     struct calibration_bin bin[METRICS_CALIBRATION_BINS]);
/* Cuts so that each bin holds a tenth of the expected frauds; ties are not split. */
void evaluation_reliability_cuts(const struct evaluation *v,
                                 uint32_t cut[METRICS_CALIBRATION_BINS + 1]);

#endif
