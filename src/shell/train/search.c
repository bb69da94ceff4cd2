#include "shell/train/search.h"

#include <math.h>
#include <stdlib.h>

#include "shell/os/clock.h"
#include "shell/train/evaluate.h"

const char *const search_by_name[] = {"average_precision", "auc_roc", "card_precision_at_100"};
const char *const search_method_name[] = {"random", "halving"};

/* Figures of ranking, which no calibration changes. */
static double figure(enum search_by by, const struct test_rows *test, const struct fitted *f)
{
    double *margin = mem_array(test->rows, sizeof *margin), v;
    struct outcomes o = {.rows = test->rows,
                         .probability = margin,
                         .label = test->label,
                         .day = test->day,
                         .entity = test->entity};

    for (uint32_t i = 0; i < test->rows; i++)
        margin[i] = f->margin[test->row[i]];
    if (by == SEARCH_AUC_ROC)
        v = metric_auc_roc(margin, test->label, test->rows);
    else if (by == SEARCH_CARD_PRECISION)
        v = metric_card_precision(&o, METRICS_CARDS);
    else
        v = metric_average_precision(margin, test->label, test->rows);
    mem_free(margin);
    return v;
}

static bool run_fold(const struct search_task *t, const struct recipe *recipe,
                     const struct search_fold *fold, double *v, struct error *e)
{
    struct fit_task task = t->fit;
    struct fitted f;

    task.recipe = recipe;
    task.part = fold->part;
    if (!fit(&task, &f, e))
        return false;
    *v = figure(t->of->search.by, fold->test, &f);
    fitted_free(&f);
    return true;
}

static struct recipe recipe_of(const struct search_task *t, uint32_t number, struct trial *trial)
{
    struct recipe recipe = t->of->recipe;

    for (uint32_t k = 0; number > 0 && k < t->of->search.over_count; k++)
        settings_search_draw(t->of, t->fit.run.seed, number, k, trial->value[k], &recipe);
    return recipe;
}

/* Tests the trial on the folds up to so many. */
static bool test_trial(const struct search_task *t, uint32_t number, uint32_t folds,
                       struct trial *trial, struct error *e)
{
    struct recipe recipe = recipe_of(t, number, trial);
    double sum = 0, squares = 0;

    recipe.calibrate = CALIBRATION_NONE;
    for (; trial->folds < folds; trial->folds++) {
        if (!run_fold(t, &recipe, &t->fold[trial->folds], &trial->figure[trial->folds], e))
            return false;
    }
    for (uint32_t k = 0; k < folds; k++)
        sum += trial->figure[k];
    trial->mean = sum / folds;
    for (uint32_t k = 0; k < folds; k++)
        squares += (trial->figure[k] - trial->mean) * (trial->figure[k] - trial->mean);
    trial->deviation = folds > 1 ? sqrt(squares / (folds - 1)) : NAN;
    return true;
}

static uint32_t most_trials(const struct search_setting *s)
{
    return s->trials > 0 ? s->trials : SEARCH_TRIALS_MAX;
}

static bool goes_on(const struct search_setting *s, uint32_t done, int64_t start_us)
{
    return done == 0 || (done < most_trials(s) &&
                         (s->time_us == 0 || clock_monotonic_us() - start_us < s->time_us));
}

static bool report(const struct search_task *t, double share, struct error *e)
{
    return progress_report(t->fit.run.progress, "search", share) ||
           error_set(e, ERROR_CANCELLED, "stopped while searching");
}

/* Begins the trials. */
static bool begin_trials(const struct search_task *t, uint32_t folds, struct search *s,
                         struct error *e)
{
    const struct search_setting *o = &t->of->search;
    int64_t start = clock_monotonic_us();

    while (goes_on(o, s->trials, start)) {
        if (!test_trial(t, s->trials, folds, &s->trial[s->trials], e) ||
            !report(t, (double)(s->trials + 1) / most_trials(o), e))
            return false;
        s->trials++;
    }
    return true;
}

/* Higher means first; of equal ones the earlier trial. */
static int compare_trials(const void *a, const void *b, void *context)
{
    const struct search *s = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    double p = s->trial[x].mean, q = s->trial[y].mean;

    return p != q ? (p < q ? 1 : -1) : (x > y) - (x < y);
}

/* The better half of the trials goes on to more folds, until the folds are all. `order` then has
 * those that were tested on all, the best first. */
static bool halve(const struct search_task *t, struct search *s, uint32_t *order, struct error *e)
{
    uint32_t left = s->trials, folds = s->trial[0].folds;

    qsort_r(order, left, sizeof *order, compare_trials, s);
    while (folds < t->folds) {
        left = (left + 1) / 2;
        folds = 2 * folds < t->folds ? 2 * folds : t->folds;
        for (uint32_t i = 0; i < left; i++) {
            if (!test_trial(t, order[i], folds, &s->trial[order[i]], e) ||
                !report(t, (double)(i + 1) / left, e))
                return false;
        }
        qsort_r(order, left, sizeof *order, compare_trials, s);
    }
    return true;
}

static bool find_best(const struct search_task *t, struct search *s, struct error *e)
{
    uint32_t *order = mem_array(s->trials, sizeof *order);
    bool ok;

    for (uint32_t i = 0; i < s->trials; i++)
        order[i] = i;
    ok = halve(t, s, order, e);
    if (ok) {
        s->best = order[0];
        s->recipe = recipe_of(t, s->best, &s->trial[s->best]);
    }
    mem_free(order);
    return ok;
}

bool search_run(const struct search_task *t, struct search *s, struct error *e)
{
    uint32_t first = t->of->search.method == SEARCH_HALVING ? 1 : t->folds;

    *s = (struct search){.of = t->of, .folds = t->folds};
    s->trial = mem_array(most_trials(&t->of->search), sizeof *s->trial);
    for (uint32_t k = 0; k < t->folds; k++)
        s->rows += t->fold[k].test->rows;
    if (begin_trials(t, first, s, e) && find_best(t, s, e))
        return true;
    search_free(s);
    return false;
}

void search_free(struct search *s)
{
    mem_free(s->trial);
    *s = (struct search){0};
}
