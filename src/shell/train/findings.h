/* What a training found, as members of JSON objects, and the highest scores. */
#ifndef ASSAY_TRAIN_FINDINGS_H
#define ASSAY_TRAIN_FINDINGS_H

#include "shell/train/evaluate.h"

/* Of the object of one model, each with a comma before it: verdict, figures at its threshold,
 * thresholds, folds, search. */
void findings_model(const struct train_result *r, const struct trained *m, struct buffer *out);
/* The metrics of the model on the test rows, as an object; null where no event has a label. */
void findings_test(const struct train_result *r, uint32_t model, struct buffer *out);
/* What its conformal sets and intervals promised and met, as an object; null where none were
 * asked for. */
void findings_coverage(const struct coverage *c, struct buffer *out);
/* Its highest scores, as a list. */
void findings_top(const struct trained *m, struct buffer *out);
/* Of the object of the split: the windows of prequential folds. */
void findings_windows(const struct train_result *r, struct buffer *out);
/* "f_beta 2" */
void findings_goal_words(const struct goal *g, struct buffer *out);

void find_top_rows(const struct test_rows *test, const struct row_facts *facts,
                   const struct table *t, struct trained *m);

#endif
