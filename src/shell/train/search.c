#include "shell/train/search.h"

#include <math.h>

#include "shell/os/clock.h"
#include "shell/train/evaluate.h"

const char *const search_by_name[] = {"average_precision", "auc_roc", "card_precision_at_100"};

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

static bool run_trial(const struct search_task *t, struct recipe recipe, struct trial *trial,
                      struct error *e)
{
    double sum = 0, squares = 0, v[SPLIT_FOLDS_MAX];

    recipe.calibrate = CALIBRATION_NONE;
    for (uint32_t k = 0; k < t->folds; k++) {
        if (!run_fold(t, &recipe, &t->fold[k], &v[k], e))
            return false;
        sum += v[k];
    }
    trial->mean = sum / t->folds;
    for (uint32_t k = 0; k < t->folds; k++)
        squares += (v[k] - trial->mean) * (v[k] - trial->mean);
    trial->deviation = t->folds > 1 ? sqrt(squares / (t->folds - 1)) : NAN;
    return true;
}

static struct recipe recipe_of(const struct search_task *t, uint32_t number, struct trial *trial)
{
    struct recipe recipe = t->of->recipe;

    for (uint32_t k = 0; number > 0 && k < t->of->search.over_count; k++)
        settings_search_draw(t->of, t->fit.run.seed, number, k, trial->value[k], &recipe);
    return recipe;
}

static bool goes_on(const struct search_task *t, uint32_t done, int64_t start_us)
{
    const struct search_setting *s = &t->of->search;
    uint32_t most = s->trials > 0 ? s->trials : SEARCH_TRIALS_MAX;

    return done == 0 ||
           (done < most && (s->time_us == 0 || clock_monotonic_us() - start_us < s->time_us));
}

bool search_run(const struct search_task *t, struct search *s, struct error *e)
{
    uint32_t most = t->of->search.trials > 0 ? t->of->search.trials : SEARCH_TRIALS_MAX;
    int64_t start = clock_monotonic_us();

    *s = (struct search){.of = t->of, .folds = t->folds};
    s->trial = mem_array(most, sizeof *s->trial);
    for (uint32_t k = 0; k < t->folds; k++)
        s->rows += t->fold[k].test->rows;
    while (goes_on(t, s->trials, start)) {
        struct trial *trial = &s->trial[s->trials];
        struct recipe recipe = recipe_of(t, s->trials, trial);
        bool ok = run_trial(t, recipe, trial, e);

        if (ok && !progress_report(t->fit.run.progress, "search", (double)(s->trials + 1) / most))
            ok = error_set(e, ERROR_CANCELLED, "stopped while searching");
        if (!ok) {
            search_free(s);
            return false;
        }
        if (s->trials == 0 || trial->mean > s->trial[s->best].mean) {
            s->best = s->trials;
            s->recipe = recipe;
        }
        s->trials++;
    }
    return true;
}

void search_free(struct search *s)
{
    mem_free(s->trial);
    *s = (struct search){0};
}
