/* Honesty checks: what a reader of the figures must know before believing them. */
#ifndef ASSAY_TRAIN_CHECKS_H
#define ASSAY_TRAIN_CHECKS_H

#include "shell/train/evaluate.h"

void checks_add(struct train_result *r, bool is_warning, const char *format, ...) PRINTF_LIKE(3, 4);

/* What the checks look at, all borrowed. */
struct check_task {
    const struct settings *settings;
    struct plan *plan;
    const struct row_facts *facts;
    const struct table *table;
    const uint8_t *label; /* per table row */
    const uint8_t *part;  /* likewise, in the split of the model that is kept */
};

/* About the data and the split; then, once there are figures, about the models. */
void checks_of_data(struct train_result *r, const struct settings *s);
void checks_of_split(struct train_result *r, const struct check_task *t);
void checks_of_features(struct train_result *r, const struct check_task *t);
void checks_of_models(struct train_result *r, const struct check_task *t);

#endif
