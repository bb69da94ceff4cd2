/* A search over the options of a recipe, on splits that no test looks at.
 *
 * Trial 0 takes the options as they are, trial n draws all of them by seed and n, so any number of
 * trials begins with the same ones and the recorded number repeats a search that had a time limit.
 *
 * random: every trial is tested on all folds. halving (Jamieson and Talwalkar 2016, with folds for
 * the budget): every trial is tested on the first fold, the better half of them on the second too,
 * the better half of those on as many again, and so on to all folds. Trees were rejected as the
 * budget: with few, the quick learners win. A time limit is for beginning trials; what follows
 * depends on their number alone. */
#ifndef ASSAY_TRAIN_SEARCH_H
#define ASSAY_TRAIN_SEARCH_H

#include "shell/train/fit.h"

enum { SEARCH_TRIALS_MAX = 10000 };

struct trial {
    char value[SETTINGS_RANGES_MAX][NUMBER_TEXT_MAX]; /* of each range; trial 0: empty */
    double figure[SPLIT_FOLDS_MAX];
    uint32_t folds;         /* that it was tested on */
    double mean, deviation; /* of the figure, over these */
};

struct search {
    const struct recipe_setting *of; /* borrowed; its `over` names the values */
    struct trial *trial;
    uint32_t trials, best, folds; /* the best of those that were tested on all folds */
    uint32_t rows;                /* tested on in all folds */
    struct recipe recipe;         /* the best */
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

extern const char *const search_by_name[];     /* of enum search_by */
extern const char *const search_method_name[]; /* of enum search_method */

#endif
