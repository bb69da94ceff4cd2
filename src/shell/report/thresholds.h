/* The rows of a threshold table as people want them: rising, each once. Metrics come in the order
 * in which they were asked for, which may repeat a threshold. */
#ifndef ASSAY_SHELL_REPORT_THRESHOLDS_H
#define ASSAY_SHELL_REPORT_THRESHOLDS_H

#include "shell/report/report.h"

/* Rows of m->threshold from the lowest threshold up, equal ones once; returns how many. */
uint32_t thresholds_order(const struct metrics *m, uint32_t order[METRICS_THRESHOLDS_MAX]);

/* Whether a choice stands at the threshold of this row. */
bool thresholds_is_chosen(const struct report_model *model, uint32_t choice, uint32_t row);

#endif
