/* The test events that a model finds riskiest, for people to look at. */
#ifndef ASSAY_TRAIN_RISKIEST_H
#define ASSAY_TRAIN_RISKIEST_H

#include "shell/train/evaluate.h"

enum { RISKIEST = 10 };

/* A list of {"id":..,"probability":..,"fraud":..}, the highest first; of equal ones that first in
 * time. Without ids the number of the event, from 1 in order of time, stands for it. */
void riskiest_json(const struct test_rows *test, const struct table *t, const double *probability,
                   struct buffer *out);

#endif
