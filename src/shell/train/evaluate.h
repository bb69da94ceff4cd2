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
/* The rows whose probability is known (not NaN). */
void test_rows_where(const struct row_facts *facts, const struct table *t,
                     const double *probability, struct test_rows *test);
void test_rows_free(struct test_rows *test);

/* The model's metrics on them, with intervals and the test against chance, at its thresholds
 * (m->in_force and m->threshold) and the usual ones. */
bool evaluate(const struct test_rows *test, struct trained *m, const struct settings *s,
              const struct workers *workers, const struct progress *progress,
              struct error *e) MUST_USE;
/* The gain of m over the same recipe without self-training, on rows with labels. */
bool evaluate_self_training(const struct test_rows *test, const struct trained *plain,
                            struct trained *m, const struct settings *s,
                            const struct workers *workers, const struct progress *progress,
                            struct error *e) MUST_USE;
/* The figures alone. */
bool evaluate_fold(const struct test_rows *test, const struct fitted *f, struct fold_row *row,
                   struct error *e) MUST_USE;

/* The row of metrics.threshold of a threshold in force; what becomes of the rows at the model's own
 * threshold. */
uint32_t evaluate_threshold_row(const struct trained *m, uint32_t threshold);
const struct threshold_row *evaluate_own_row(const struct trained *m);

#endif
