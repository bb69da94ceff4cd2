/* All that says how a model is made from a dataset: the one entry to the trainers.
 *
 * Plain data, copied freely; the options of kinds other than its own are ignored. */
#ifndef ASSAY_LEARN_RECIPE_H
#define ASSAY_LEARN_RECIPE_H

#include "core/learn/learn.h"

struct recipe {
    enum model_kind kind;
    enum balance balance;
    struct logistic_options logistic; /* their `balance` is set from the recipe's */
    struct boost_options boost;
};

void recipe_defaults(struct recipe *r);

/* The rules of learn.h hold: same dataset, recipe and seed give the same bytes. The model has no
 * calibration yet. `watch` is data for early stopping, may be NULL. */
bool learn(const struct recipe *r, const struct dataset *d, const struct dataset *watch,
           const struct learn_run *run, struct model **m, struct error *e) MUST_USE;

#endif
