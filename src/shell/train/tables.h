/* Tables of the report: models side by side, folds, uncertainty, trials of a search, highest
 * scores. */
#ifndef ASSAY_TRAIN_TABLES_H
#define ASSAY_TRAIN_TABLES_H

#include "shell/report/report.h"
#include "shell/train/train.h"

enum { TABLES_MAX = 4 + 3 * TRAIN_MODELS_MAX };

struct tables {
    struct report_table table[TABLES_MAX];
    uint32_t count;
    char *text[TABLES_MAX];  /* notes and ids; owned */
    char **cell[TABLES_MAX]; /* owned */
};

void tables_make(const struct train_result *r, const struct settings *s, struct tables *t);
void tables_free(struct tables *t);

#endif
