/* All that says how a model is made from a dataset: the one entry to the trainers.
 *
 * Plain data, copied freely; the options of kinds other than its own are ignored. */
#ifndef ASSAY_LEARN_RECIPE_H
#define ASSAY_LEARN_RECIPE_H

#include "core/learn/learn.h"
#include "core/learn/resample.h"

struct recipe {
    enum model_kind kind;
    enum balance balance;
    struct resample_options resample; /* of a stack: of what its members learn from, fold by fold */
    /* learn() sees to CALIBRATION_PRIOR; Platt's and the isotonic one need rows held out from
     * learning and are the caller's. */
    enum calibration_kind calibrate;
    struct logistic_options logistic; /* their `balance` is set from the recipe's */
    struct boost_options boost;
    struct forest_options forest;
    struct isolation_options isolation;
    /* vote and stack: borrowed. A member is no stack of its own; its calibration is at most
     * CALIBRATION_PRIOR. */
    const struct recipe *member[MODEL_MEMBERS_MAX];
    double weight[MODEL_MEMBERS_MAX]; /* of a vote, above 0; a stack finds its own */
    uint32_t members;
};

void recipe_defaults(struct recipe *r);

/* What became of the rows: told by the report. */
struct learned {
    uint32_t before[2], after[2]; /* rows by class, before and after resampling */
};

/* The rules of learn.h hold: same dataset, recipe and seed give the same bytes. `watch` is data for
 * early stopping, may be NULL; so may `learned`. */
bool learn(const struct recipe *r, const struct dataset *d, const struct dataset *watch,
           const struct learn_run *run, struct model **m, struct learned *learned,
           struct error *e) MUST_USE;

#endif
