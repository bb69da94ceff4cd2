/* Held-out metrics of a fitted model. */
#ifndef ASSAY_TRAIN_EVALUATE_H
#define ASSAY_TRAIN_EVALUATE_H

#include "shell/train/train.h"

/* What is tested: table rows and their facts, gathered once for all models. */
struct test_rows {
    uint32_t rows;
    uint32_t *row; /* of the table */
    uint8_t *label;
    double *amount; /* NULL: no amount */
    int32_t *day;
    uint32_t *entity; /* NULL: no entity */
};

void test_rows_gather(const struct row_facts *facts, const struct split *split,
                      const struct table *t, const uint8_t *part, struct test_rows *test);
void test_rows_free(struct test_rows *test);

bool evaluate(const struct test_rows *test, struct trained *m, const struct settings *s,
              const struct workers *workers, const struct progress *progress,
              struct error *e) MUST_USE;

/* The row of metrics.threshold that belongs to a score of the settings' decision thresholds. */
uint32_t evaluate_threshold_row(const struct settings *s, uint32_t decision);
/* And the one of the threshold that the model is compared with others at. */
uint32_t evaluate_own_row(const struct trained *m);

#endif
