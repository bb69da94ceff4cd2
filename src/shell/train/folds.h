/* Figures of several folds: each one's, their mean and their deviation. */
#ifndef ASSAY_TRAIN_FOLDS_H
#define ASSAY_TRAIN_FOLDS_H

#include "core/stats/metrics.h"

enum { FOLD_FIGURES = 7 };

extern const char *const fold_figure_name[FOLD_FIGURES];

/* The figures of one fold in the order of fold_figure_name; NaN where not defined. */
struct fold_row {
    uint32_t rows, frauds; /* tested */
    double figure[FOLD_FIGURES];
};

void fold_row_of(const struct metrics *m, struct fold_row *row);

/* Over the folds where the figure is defined; the deviation is that of the sample (n - 1), NaN
 * below two. */
void fold_rows_summary(const struct fold_row *row, uint32_t count, double mean[FOLD_FIGURES],
                       double deviation[FOLD_FIGURES]);

#endif
