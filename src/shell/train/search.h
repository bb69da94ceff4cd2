/* A random search over the options of a recipe, on splits that no test looks at.
 *
 * Trial 0 takes the options as they are, trial n draws all of them by seed and n, so any number of
 * trials begins with the same ones and the recorded number repeats a search that had a time limit.
 * Successive halving was left out: the folds are few and fits are fast. */
#ifndef ASSAY_TRAIN_SEARCH_H
#define ASSAY_TRAIN_SEARCH_H

#include "shell/train/fit.h"

enum { SEARCH_TRIALS_MAX = 10000 };

struct trial {
    char value[SETTINGS_RANGES_MAX][NUMBER_TEXT_MAX]; /* of each range; trial 0: empty */
    double mean, deviation;                           /* of the figure, over the folds */
};

struct search {
    const struct recipe_setting *of; /* borrowed; its `over` names the values */
    struct trial *trial;
    uint32_t trials, best, folds;
    uint32_t rows;        /* tested on in all folds */
    struct recipe recipe; /* the best */
};

/* Parts of the table's rows in one fold. */
struct search_fold {
    uint8_t *part;
    struct test_rows *test;
};

struct search_task {
    const struct recipe_setting *of;
    struct fit_task fit; /* all but recipe and part */
    const struct search_fold *fold;
    uint32_t folds;
};

/* ERROR_CANCELLED where progress says stop. */
bool search_run(const struct search_task *t, struct search *s, struct error *e) MUST_USE;
void search_free(struct search *s);

extern const char *const search_by_name[]; /* of enum search_by */

#endif
