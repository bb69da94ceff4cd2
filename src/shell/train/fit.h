/* One model from a feature table: fitted, calibrated on rows that it did not learn from, and its
 * probabilities of the rows that test it. */
#ifndef ASSAY_TRAIN_FIT_H
#define ASSAY_TRAIN_FIT_H

#include "core/learn/recipe.h"
#include "core/stats/coverage.h"
#include "shell/train/fits.h"
#include "shell/train/split.h"
#include "shell/train/table.h"

enum { CALIBRATION_FOLDS = 3 };

struct fit_task {
    const struct recipe *recipe;
    const struct settings *settings;
    struct plan *plan;
    const struct table *table;
    const uint8_t *label; /* per table row */
    const uint8_t *part;  /* per table row: PART_TRAIN, PART_TEST; with folds 1 + fold */
    uint32_t folds;       /* 0: hold-out */
    bool wants_held;      /* fitted.held, also where no calibration needs it */
    bool wants_learned;   /* margins of the rows that the model learned from too */
    enum simd simd;
    struct learn_run run;
    struct fits *fits; /* where other models may need the same fits; or NULL */
};

/* What became of training rows without a label. */
struct unlabelled {
    uint32_t rows;     /* that there were */
    uint32_t taken[2]; /* learned from as if of the class, in the end */
    uint32_t rounds;   /* of self-training: fewer than asked for where nothing changed any more */
    bool is_learned;   /* all were learned from: the kind needs no label */
};

struct fitted {
    struct model *model;
    double *margin;      /* per table row that tests, by a model that did not learn from it; of
                            others where they were asked for */
    double *probability; /* calibrated */
    double *held; /* probability of training rows, by models that did not learn from them; NaN: not
                     known. NULL: not asked for */
    struct learned learned; /* with the unlabelled rows that were learned from */
    struct unlabelled unlabelled;
    struct coverage coverage; /* level 0: the recipe wants none; no rows: too few to calibrate on */
    bool is_calibrated; /* by held-out rows; false: the recipe wants none, or too few frauds */
};

bool fit(const struct fit_task *t, struct fitted *f, struct error *e) MUST_USE;
void fitted_free(struct fitted *f); /* the model too, unless taken (set to NULL) */

/* The inputs of the model as columns of the table, in the model's order. The caller frees the
 * array. */
const struct column **fit_inputs(const struct fit_task *t, uint32_t *count);

#endif
