/* Honesty checks: what a reader of the figures must know before believing them. */
#ifndef ASSAY_TRAIN_CHECKS_H
#define ASSAY_TRAIN_CHECKS_H

#include "shell/train/train.h"

void checks_add(struct train_result *r, bool is_warning, const char *format, ...) PRINTF_LIKE(3, 4);

/* About the data and the split; then, once there are figures, about the models. */
void checks_of_data(struct train_result *r, const struct settings *s);
void checks_of_features(struct train_result *r, struct plan *p, const struct table *t,
                        const uint8_t *label, const uint8_t *part);
void checks_of_models(struct train_result *r);

#endif
