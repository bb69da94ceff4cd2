#include "shell/train/evaluate.h"

#include <math.h>

#include "core/base/panic.h"
#include "core/stats/difference.h"

enum { BOOTSTRAP = 200, PERMUTATIONS = 200 };

/* Probabilities that are tabulated always; the settings' own thresholds come before them. */
static const double usual[] = {0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3,
                               0.35, 0.4,  0.5,  0.6, 0.7,  0.8, 0.9};

static int32_t day_of(int64_t time_us)
{
    int64_t day = time_us / US_PER_DAY;

    return (int32_t)(day - (time_us % US_PER_DAY < 0));
}

static void open_rows(const struct row_facts *facts, const struct table *t, struct test_rows *test)
{
    *test = (struct test_rows){0};
    test->row = mem_array(t->rows, sizeof *test->row);
    test->label = mem_array(t->rows, 1);
    test->day = mem_array(t->rows, sizeof *test->day);
    if (facts->amount != NULL)
        test->amount = mem_array(t->rows, sizeof *test->amount);
    if (facts->entity != NULL)
        test->entity = mem_array(t->rows, sizeof *test->entity);
}

static void add_row(const struct row_facts *facts, const struct table *t, uint32_t row,
                    struct test_rows *test)
{
    uint64_t event = t->event[row];
    uint32_t at = test->rows++;

    test->row[at] = row;
    test->label[at] = facts->label[event];
    test->day[at] = day_of(facts->time_us[event]);
    if (test->amount != NULL) /* an amount that is missing is no money */
        test->amount[at] = isfinite(facts->amount[event]) ? facts->amount[event] : 0;
    if (test->entity != NULL)
        test->entity[at] = facts->entity[event];
}

void test_rows_gather(const struct row_facts *facts, const struct split *split,
                      const struct table *t, const uint8_t *part, struct test_rows *test)
{
    open_rows(facts, t, test);
    for (uint32_t i = 0; i < t->rows; i++) {
        if (split->folds > 0 ? part_has_label(part[i]) : part[i] == PART_TEST)
            add_row(facts, t, i, test);
    }
}

void test_rows_where(const struct row_facts *facts, const struct table *t,
                     const double *probability, struct test_rows *test)
{
    open_rows(facts, t, test);
    for (uint32_t i = 0; i < t->rows; i++) {
        if (!isnan(probability[i]))
            add_row(facts, t, i, test);
    }
}

void test_rows_free(struct test_rows *test)
{
    mem_free(test->row);
    mem_free(test->label);
    mem_free(test->amount);
    mem_free(test->day);
    mem_free(test->entity);
    *test = (struct test_rows){0};
}

/* Those in force, the model's own, the usual ones. */
static uint32_t thresholds(const struct trained *m, double out[METRICS_THRESHOLDS_MAX])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < m->thresholds; i++)
        out[count++] = (double)m->in_force[i].score / PLAN_SCORE_MAX;
    out[count++] = m->threshold;
    for (size_t i = 0; i < sizeof usual / sizeof *usual && count < METRICS_THRESHOLDS_MAX; i++)
        out[count++] = usual[i];
    return count;
}

_Static_assert((int)PLAN_OUTCOMES_MAX < (int)METRICS_THRESHOLDS_MAX, "room for all and one");

uint32_t evaluate_threshold_row(const struct trained *m, uint32_t threshold)
{
    ASSERT(threshold < m->thresholds);
    return threshold;
}

const struct threshold_row *evaluate_own_row(const struct trained *m)
{
    return &m->metrics.threshold[m->thresholds];
}

static bool compute(const struct test_rows *test, const struct fitted *f,
                    const struct metrics_options *options, struct metrics *m, struct error *e)
{
    double *probability = mem_array(test->rows, sizeof *probability);
    struct outcomes o = {.rows = test->rows,
                         .probability = probability,
                         .label = test->label,
                         .amount = test->amount,
                         .day = test->day,
                         .entity = test->entity};
    bool ok;

    for (uint32_t i = 0; i < test->rows; i++)
        probability[i] = f->probability[test->row[i]];
    ok = metrics_compute(&o, options, m, e);
    mem_free(probability);
    return ok;
}

bool evaluate(const struct test_rows *test, struct trained *m, const struct settings *s,
              const struct workers *workers, const struct progress *progress, struct error *e)
{
    double threshold[METRICS_THRESHOLDS_MAX];
    struct metrics_options options = {.bootstrap = BOOTSTRAP,
                                      .permutations = PERMUTATIONS,
                                      .alert_cost = s->model.alert_cost,
                                      .threshold = threshold,
                                      .seed = s->model.seed,
                                      .workers = workers,
                                      .progress = progress};

    options.thresholds = thresholds(m, threshold);
    return compute(test, &m->fitted, &options, &m->metrics, e);
}

bool evaluate_self_training(const struct test_rows *test, const struct trained *plain,
                            struct trained *m, const struct settings *s,
                            const struct workers *workers, const struct progress *progress,
                            struct error *e)
{
    struct metrics_options options = {
        .bootstrap = BOOTSTRAP, .seed = s->model.seed, .workers = workers, .progress = progress};
    double *probability[2] = {mem_array((size_t)test->rows + 1, sizeof *probability[0]),
                              mem_array((size_t)test->rows + 1, sizeof *probability[1])};
    struct outcomes o = {.rows = test->rows,
                         .probability = probability[0],
                         .label = test->label,
                         .entity = test->entity};
    bool ok;

    for (uint32_t i = 0; i < test->rows; i++) {
        probability[0][i] = plain->fitted.probability[test->row[i]];
        probability[1][i] = m->fitted.probability[test->row[i]];
    }
    ok = difference_of_precision(&o, probability[1], &options, &m->self_gain, e);
    mem_free(probability[0]);
    mem_free(probability[1]);
    return ok;
}

bool evaluate_fold(const struct test_rows *test, const struct fitted *f, struct fold_row *row,
                   struct error *e)
{
    static const struct metrics_options none;
    struct metrics *m = mem_alloc(sizeof *m);
    bool ok = compute(test, f, &none, m, e);

    if (ok)
        fold_row_of(m, row);
    mem_free(m);
    return ok;
}
