#include "shell/train/evaluate.h"

#include <math.h>

#include "core/base/panic.h"

enum { BOOTSTRAP = 200, PERMUTATIONS = 200 };

/* Probabilities that are tabulated always; the settings' own thresholds come before them. */
static const double usual[] = {0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3,
                               0.35, 0.4,  0.5,  0.6, 0.7,  0.8, 0.9};

static int32_t day_of(int64_t time_us)
{
    int64_t day = time_us / US_PER_DAY;

    return (int32_t)(day - (time_us % US_PER_DAY < 0));
}

void test_rows_gather(const struct row_facts *facts, const struct split *split,
                      const struct table *t, const uint8_t *part, struct test_rows *test)
{
    *test = (struct test_rows){0};
    test->row = mem_array(t->rows, sizeof *test->row);
    test->label = mem_array(t->rows, 1);
    test->day = mem_array(t->rows, sizeof *test->day);
    if (facts->amount != NULL)
        test->amount = mem_array(t->rows, sizeof *test->amount);
    if (facts->entity != NULL)
        test->entity = mem_array(t->rows, sizeof *test->entity);
    for (uint32_t i = 0; i < t->rows; i++) {
        uint64_t event = t->event[i];
        uint32_t at = test->rows;

        if (split->folds == 0 && part[i] != PART_TEST)
            continue;
        test->row[at] = i;
        test->label[at] = facts->label[event];
        test->day[at] = day_of(facts->time_us[event]);
        if (test->amount != NULL) /* an amount that is missing is no money */
            test->amount[at] = isfinite(facts->amount[event]) ? facts->amount[event] : 0;
        if (test->entity != NULL)
            test->entity[at] = facts->entity[event];
        test->rows++;
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

/* The model's own comes last. */
static uint32_t thresholds(const struct settings *s, double own, double out[METRICS_THRESHOLDS_MAX])
{
    const uint32_t most = METRICS_THRESHOLDS_MAX - 1;
    uint32_t count = 0;

    for (uint32_t i = 0; i < s->decision_count && count < most; i++)
        out[count++] = (double)s->decision[i].score / 1000;
    for (size_t i = 0; i < sizeof usual / sizeof *usual && count < most; i++)
        out[count++] = usual[i];
    out[count++] = own > 0 ? own : out[0];
    return count;
}

uint32_t evaluate_threshold_row(const struct settings *s, uint32_t decision)
{
    ASSERT(decision < s->decision_count);
    return decision < METRICS_THRESHOLDS_MAX - 1 ? decision : METRICS_THRESHOLDS_MAX - 2;
}

uint32_t evaluate_own_row(const struct trained *m)
{
    return m->metrics.thresholds - 1;
}

bool evaluate(const struct test_rows *test, struct trained *m, const struct settings *s,
              const struct workers *workers, const struct progress *progress, struct error *e)
{
    double threshold[METRICS_THRESHOLDS_MAX];
    double *probability = mem_array(test->rows, sizeof *probability);
    struct outcomes o = {.rows = test->rows,
                         .probability = probability,
                         .label = test->label,
                         .amount = test->amount,
                         .day = test->day,
                         .entity = test->entity};
    struct metrics_options options = {.bootstrap = BOOTSTRAP,
                                      .permutations = PERMUTATIONS,
                                      .alert_cost = s->model.alert_cost,
                                      .threshold = threshold,
                                      .seed = s->model.seed,
                                      .workers = workers,
                                      .progress = progress};
    bool ok;

    options.thresholds = thresholds(s, m->own_threshold, threshold);
    for (uint32_t i = 0; i < test->rows; i++)
        probability[i] = m->fitted.probability[test->row[i]];
    ok = metrics_compute(&o, &options, &m->metrics, e);
    mem_free(probability);
    return ok;
}
