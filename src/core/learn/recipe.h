/* All that says how a model is made from a dataset: the one entry to the trainers.
 *
 * Plain data, copied freely; the options of kinds other than its own are ignored. */
#ifndef ASSAY_LEARN_RECIPE_H
#define ASSAY_LEARN_RECIPE_H

#include "core/learn/learn.h"
#include "core/learn/resample.h"

/* Rows without a label that a model is confident about are learned from as if they had one
 * (Yarowsky 1995). The caller's, who knows which rows those are. */
struct self_training {
    uint32_t rounds;    /* 0: none */
    double legit_below; /* legitimate where the calibrated probability is at most so much, */
    double fraud_above; /* fraud where it is at least so much */
    double max_share; /* rows taken of a class, per labelled row of the class; the most confident */
};

struct recipe {
    enum model_kind kind;
    enum balance balance;
    struct resample_options resample; /* of a stack: of what its members learn from, fold by fold */
    /* learn() sees to CALIBRATION_PRIOR; Platt's and the isotonic one need rows held out from
     * learning and are the caller's. */
    enum calibration_kind calibrate;
    double conformal; /* level of the conformal sets; 0: none. It needs held-out rows too. */
    struct self_training self_train;
    struct logistic_options logistic; /* their `balance` is set from the recipe's */
    struct boost_options boost;
    struct forest_options forest;
    struct isolation_options isolation;
    struct net_options net;
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

enum {
    EARLY_TAIL_PERCENT = 15, /* of the rows, the last ones: early stopping watches them */
    EARLY_FRAUDS_MIN = 20,   /* among them; with fewer it does not stop early */
};

/* The rules of learn.h hold: same dataset, recipe and seed give the same bytes. With patience, the
 * rows before the tail are learned from first, to find the number of trees or epochs at which the
 * tail is told best; then all rows, for so many. Cancelled in between, the first model is kept.
 * `learned` may be NULL. */
bool learn(const struct recipe *r, const struct dataset *d, const struct learn_run *run,
           struct model **m, struct learned *learned, struct error *e) MUST_USE;

/* For each row without a label what it is taken as, 0 or 1, or SELF_TRAIN_NONE; the most confident
 * of each class (by margin, then by row) up to max_share * labelled rows of it. `taken` counts. */
enum { SELF_TRAIN_NONE = 255 };
void self_train_pick(const struct self_training *o, const double *margin, const double *probability,
                     uint32_t rows, const uint32_t labelled[2], uint8_t *label, uint32_t taken[2]);

#endif
