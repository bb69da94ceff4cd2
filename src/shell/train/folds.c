#include "shell/train/folds.h"

#include <math.h>

const char *const fold_figure_name[FOLD_FIGURES] = {
    "auc_roc", "average_precision", "card_precision_at_100", "recall_at_1pct_fpr",
    "brier",   "log_loss",          "calibration_error"};

void fold_row_of(const struct metrics *m, struct fold_row *row)
{
    const struct estimate *figure[FOLD_FIGURES] = {
        &m->auc_roc, &m->average_precision, &m->card_precision_at_100, &m->recall_at_1pct_fpr,
        &m->brier,   &m->log_loss,          &m->calibration_error};

    row->rows = m->rows;
    row->frauds = m->frauds;
    for (unsigned i = 0; i < FOLD_FIGURES; i++)
        row->figure[i] = figure[i]->is_null ? NAN : figure[i]->value;
}

static void summarise(const struct fold_row *row, uint32_t count, unsigned figure, double *mean,
                      double *deviation)
{
    double sum = 0, squares = 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (isnan(row[i].figure[figure]))
            continue;
        sum += row[i].figure[figure];
        n++;
    }
    *mean = n > 0 ? sum / n : NAN;
    for (uint32_t i = 0; i < count; i++) {
        double off = row[i].figure[figure] - *mean;

        squares += isnan(off) ? 0 : off * off;
    }
    *deviation = n > 1 ? sqrt(squares / (n - 1)) : NAN;
}

void fold_rows_summary(const struct fold_row *row, uint32_t count, double mean[FOLD_FIGURES],
                       double deviation[FOLD_FIGURES])
{
    for (unsigned i = 0; i < FOLD_FIGURES; i++)
        summarise(row, count, i, &mean[i], &deviation[i]);
}
