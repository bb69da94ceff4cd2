#include "core/stats/difference.h"

#include <math.h>

#include "core/base/memory.h"
#include "core/stats/order.h"
#include "core/stats/ranking.h"
#include "core/stats/resample.h"
#include "core/stats/summary.h"

struct comparing {
    const struct outcomes *outcomes;
    const uint32_t *unit; /* of each row, or NULL: the row itself */
    struct ranking ranking[2];
    uint64_t seed;
    double *value; /* of each resample */
};

/* NULL where there are too few entities to resample. */
static const uint32_t *units_of(const struct outcomes *o)
{
    uint32_t highest = 0, entities = 0;
    uint8_t *seen;

    for (uint32_t i = 0; o->entity != NULL && i < o->rows; i++)
        highest = o->entity[i] > highest ? o->entity[i] : highest;
    seen = mem_array((size_t)highest + 1, 1);
    for (uint32_t i = 0; o->entity != NULL && i < o->rows; i++) {
        entities += seen[o->entity[i]] == 0;
        seen[o->entity[i]] = 1;
    }
    mem_free(seen);
    return entities >= METRICS_ENTITIES_MIN ? o->entity : NULL;
}

static double precision(const struct ranking *r, const uint8_t *copies)
{
    struct rank_figures f;

    ranking_figures(r, copies, 1, &f);
    return f.average_precision;
}

static void resample_task(void *context, unsigned task)
{
    const struct comparing *c = context;
    uint8_t *copies = mem_array((size_t)c->outcomes->rows + 1, 1);
    double found[2];

    for (int k = 0; k < 2; k++) {
        const struct ranking *r = &c->ranking[k];

        for (uint32_t i = 0; i < r->rows; i++)
            copies[i] =
                resample_copies(c->seed, task, c->unit != NULL ? c->unit[r->row[i]] : r->row[i]);
        found[k] = precision(r, copies);
    }
    c->value[task] = found[1] - found[0];
    mem_free(copies);
}

static void find_interval(const struct comparing *c, uint32_t resamples, struct estimate *d)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < resamples; i++) {
        if (!isnan(c->value[i]))
            c->value[count++] = c->value[i];
    }
    if (count == 0)
        return;
    order_values(c->value, count);
    d->low = fmin(d->value, quantile_of(c->value, count, 0.025));
    d->high = fmax(d->value, quantile_of(c->value, count, 0.975));
}

bool difference_of_precision(const struct outcomes *o, const double *better,
                             const struct metrics_options *options, struct estimate *difference,
                             struct error *e)
{
    struct comparing c = {.outcomes = o, .unit = units_of(o), .seed = options->seed};
    uint8_t *once = mem_array((size_t)o->rows + 1, 1);
    double value;

    ranking_init(&c.ranking[0], o->probability, o->label, o->rows);
    ranking_init(&c.ranking[1], better, o->label, o->rows);
    c.value = mem_array((size_t)options->bootstrap + 1, sizeof *c.value);
    for (uint32_t i = 0; i < o->rows; i++)
        once[i] = 1;
    value = precision(&c.ranking[1], once) - precision(&c.ranking[0], once);
    *difference = (struct estimate){value, value, value, isnan(value)};
    if (!difference->is_null) {
        workers_run(options->workers, options->bootstrap, resample_task, &c);
        find_interval(&c, options->bootstrap, difference);
    }
    ranking_fini(&c.ranking[0]);
    ranking_fini(&c.ranking[1]);
    mem_free(c.value);
    mem_free(once);
    return progress_report(options->progress, "comparison", 1) ||
           error_set(e, ERROR_CANCELLED, "the comparison was stopped");
}
