#include "core/stats/resample.h"

#include <math.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/base/random.h"
#include "core/stats/order.h"
#include "core/stats/summary.h"

enum { RESAMPLES_AT_ONCE = 16 }; /* between two looks at progress */

static const uint64_t permutation_stream = UINT64_C(1) << 32; /* apart from the resamples' */

/* 2^64 times the chance of at most 0, 1, 2, ... copies: e^-1 times 1, 2, 5/2, 8/3, 65/24, ... */
static const uint64_t most_copies[] = {
    0x5e2d58d8b3bcdf1b, 0xbc5ab1b16779be35, 0xeb715e1dc1582dc3,
    0xfb23979734a252f2, 0xff1025f59174dc3e, 0xffd90f3ba4055e1a,
    0xfffa8b71fc72c914, 0xffff540c0914b3ca, 0xffffed1f4aa8f120,
};

uint8_t resample_copies(uint64_t seed, uint32_t number, uint32_t unit)
{
    uint64_t u = random_at(seed, number, unit);
    unsigned copies = (u >= most_copies[0]) + (u >= most_copies[1]) + (u >= most_copies[2]);

    if (copies < 3)
        return (uint8_t)copies;
    while (copies < sizeof most_copies / sizeof *most_copies && u >= most_copies[copies])
        copies++;
    return (uint8_t)copies;
}

struct resampling {
    const struct evaluation *evaluation;
    uint64_t seed;
    uint32_t first;                /* number of task 0 */
    uint8_t *copies;               /* of the rows by rank; rows for each task */
    double (*figure)[FIGURES_MAX]; /* of each resample */
};

static uint8_t *unit_copies(const struct resampling *r, uint32_t number, uint32_t units)
{
    uint8_t *copies = mem_array(units, sizeof *copies);

    for (uint32_t i = 0; i < units; i++)
        copies[i] = resample_copies(r->seed, number, i);
    return copies;
}

static void resample_task(void *context, unsigned task)
{
    struct resampling *r = context;
    const struct evaluation *v = r->evaluation;
    uint32_t number = r->first + task, rows = v->ranking.rows;
    uint32_t units = v->units > v->cards.entities ? v->units : v->cards.entities;
    uint8_t *by_unit = unit_copies(r, number, units);
    uint8_t *by_rank = mem_array(rows, sizeof *by_rank);

    for (uint32_t i = 0; i < rows; i++)
        by_rank[i] = by_unit[v->unit[i]];
    evaluation_figures(v, by_rank, by_unit, r->figure[number]);
    mem_free(by_unit);
    mem_free(by_rank);
}

/* Tasks in portions, so that progress is asked in between. */
static bool run_portions(const struct metrics_options *options, const char *stage, uint32_t tasks,
                         void (*task)(void *, unsigned), void *context, uint32_t *first,
                         struct error *e)
{
    for (*first = 0; *first < tasks; *first += RESAMPLES_AT_ONCE) {
        uint32_t left = tasks - *first;

        if (!progress_report(options->progress, stage, (double)*first / tasks))
            return error_set(e, ERROR_CANCELLED, "%s was stopped after %u of %u", stage, *first,
                             tasks);
        workers_run(options->workers, left < RESAMPLES_AT_ONCE ? left : RESAMPLES_AT_ONCE, task,
                    context);
    }
    return true;
}

static void interval_of(const struct resampling *r, uint32_t resamples, uint32_t which,
                        double *values, struct estimate *f)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < resamples; i++)
        if (!isnan(r->figure[i][which]))
            values[count++] = r->figure[i][which];
    if (count == 0 || f->is_null)
        return;
    order_values(values, count);
    f->low = fmin(f->value, quantile_of(values, count, 0.025));
    f->high = fmax(f->value, quantile_of(values, count, 0.975));
}

bool resample_intervals(const struct evaluation *v, const struct metrics_options *options,
                        struct estimate figure[FIGURES_MAX], struct error *e)
{
    uint32_t resamples = options->bootstrap;
    struct resampling r = {v, options->seed};
    double *values;
    bool is_done;

    ASSERT(resamples <= METRICS_RESAMPLES_MAX);
    r.figure = mem_array(resamples, sizeof *r.figure);
    is_done = run_portions(options, "intervals", resamples, resample_task, &r, &r.first, e);
    values = mem_array(resamples, sizeof *values);
    for (uint32_t i = 0; is_done && i < v->figures; i++)
        interval_of(&r, resamples, i, values, &figure[i]);
    mem_free(values);
    mem_free(r.figure);
    return is_done;
}

struct permutation {
    const struct evaluation *evaluation;
    uint64_t seed;
    uint32_t first;
    double *average_precision; /* of each permutation */
};

/* 1 at `count` different ranks drawn at random: by trial where they are few, else by drawing
 * those that stay 0. */
static void deal(uint64_t seed, uint64_t stream, uint32_t rows, uint32_t count, uint8_t *fraud)
{
    bool draws_zeros = count > rows / 2;
    uint32_t left = draws_zeros ? rows - count : count;

    memset(fraud, draws_zeros, rows);
    for (uint64_t draw = 0; left > 0; draw++) {
        uint64_t u = random_at(seed, stream, draw);
        uint32_t rank = (uint32_t)((unsigned __int128)u * rows >> 64);

        if (fraud[rank] != draws_zeros)
            continue;
        fraud[rank] = !draws_zeros;
        left--;
    }
}

static void permutation_task(void *context, unsigned task)
{
    struct permutation *p = context;
    const struct ranking *r = &p->evaluation->ranking;
    uint32_t number = p->first + task;
    uint8_t *fraud = mem_array(r->rows, sizeof *fraud);

    deal(p->seed, permutation_stream + number, r->rows, r->frauds, fraud);
    p->average_precision[number] = ranking_average_precision(r, fraud);
    mem_free(fraud);
}

bool resample_chance(const struct evaluation *v, const struct metrics_options *options,
                     double average_precision, double *p, struct error *e)
{
    uint32_t permutations = options->permutations, reached = 0;
    struct permutation run = {v, options->seed};
    bool is_done;

    ASSERT(permutations <= METRICS_RESAMPLES_MAX);
    run.average_precision = mem_array(permutations, sizeof *run.average_precision);
    is_done =
        run_portions(options, "chance test", permutations, permutation_task, &run, &run.first, e);
    for (uint32_t i = 0; i < permutations; i++)
        reached += run.average_precision[i] >= average_precision;
    if (is_done)
        *p = (1.0 + reached) / (1.0 + permutations);
    mem_free(run.average_precision);
    return is_done;
}
