#include "core/learn/neighbours.h"

#include <math.h>

#include "core/base/panic.h"
#include "core/base/random.h"
#include "core/learn/dataset.h"
#include "core/learn/resample.h"

enum { TASK_ROWS = 64, STREAM_POOL = 0x706f6f };

struct neighbours {
    const struct dataset *dataset;
    uint32_t nearest; /* of each */
    uint32_t bases;
    uint32_t *base_of; /* of each dataset row; unset where it was not wanted */
    uint32_t *base;    /* dataset rows */
    uint32_t pool;     /* frauds to look among */
    uint32_t *pool_row;
    uint32_t numbers, nominals;
    uint32_t *number_input, *nominal_input;
    double *scale;      /* of each number: 1 / deviation */
    double *number;     /* pool * numbers, scaled, NaN missing */
    int64_t *nominal;   /* pool * nominals: codes, -1 missing */
    uint32_t *found;    /* bases * nearest: places in the pool */
    double *own_number; /* bases * numbers */
    int64_t *own_nominal;
};

bool neighbours_is_nominal(enum type type)
{
    return type == TYPE_TEXT || type == TYPE_BOOL;
}

/* ---- the table of frauds ---- */

static void sort_inputs(struct neighbours *n)
{
    const struct dataset *d = n->dataset;

    n->number_input = mem_array(d->inputs, sizeof *n->number_input);
    n->nominal_input = mem_array(d->inputs, sizeof *n->nominal_input);
    for (uint32_t j = 0; j < d->inputs; j++) {
        if (neighbours_is_nominal(d->input[j]->type))
            n->nominal_input[n->nominals++] = j;
        else
            n->number_input[n->numbers++] = j;
    }
}

/* Frauds in order; where they are too many, a draw of them. */
static void choose_pool(struct neighbours *n, uint64_t seed)
{
    const struct dataset *d = n->dataset;
    uint32_t left = dataset_frauds(d), wanted = left < RESAMPLE_POOL ? left : RESAMPLE_POOL;
    struct random r;

    random_init(&r, random_at(seed, STREAM_POOL, 0));
    n->pool_row = mem_array(wanted, sizeof *n->pool_row);
    for (uint32_t i = 0; i < d->rows; i++) {
        if (dataset_label(d, i) == 0)
            continue;
        if (random_below(&r, left--) < wanted - n->pool)
            n->pool_row[n->pool++] = i;
    }
}

static void choose_bases(struct neighbours *n, const uint32_t *wanted)
{
    const struct dataset *d = n->dataset;

    n->base = mem_array(d->rows, sizeof *n->base);
    n->base_of = mem_array(d->rows, sizeof *n->base_of);
    for (uint32_t i = 0; i < d->rows; i++) {
        if (wanted[i] == 0)
            continue;
        n->base_of[i] = n->bases;
        n->base[n->bases++] = i;
    }
}

static double deviation(const struct neighbours *n, const struct column *c)
{
    double sum = 0, squares = 0, mean;
    uint32_t count = 0;

    for (uint32_t i = 0; i < n->pool; i++) {
        double x = column_number(c, dataset_row(n->dataset, n->pool_row[i]));

        if (!isnan(x)) {
            sum += x;
            count++;
        }
    }
    mean = count > 0 ? sum / count : 0;
    for (uint32_t i = 0; i < n->pool; i++) {
        double x = column_number(c, dataset_row(n->dataset, n->pool_row[i]));

        if (!isnan(x))
            squares += (x - mean) * (x - mean);
    }
    return count > 0 ? sqrt(squares / count) : 0;
}

static void fill_numbers(const struct neighbours *n, const uint32_t *row, uint32_t rows, double *to)
{
    for (uint32_t k = 0; k < n->numbers; k++) {
        const struct column *c = n->dataset->input[n->number_input[k]];

        for (uint32_t i = 0; i < rows; i++)
            to[(size_t)i * n->numbers + k] =
                column_number(c, dataset_row(n->dataset, row[i])) * n->scale[k];
    }
}

/* The codes of a text are those of all the dataset's rows. */
static void fill_nominals(const struct neighbours *n)
{
    const struct dataset *d = n->dataset;

    for (uint32_t k = 0; k < n->nominals; k++) {
        uint32_t input = n->nominal_input[k];
        const struct column *c = d->input[input];
        struct codes codes = {0};

        if (c->type == TYPE_TEXT)
            codes_init(&codes, d, input);
        for (uint32_t pass = 0; pass < 2; pass++) {
            const uint32_t *row = pass == 0 ? n->pool_row : n->base;
            int64_t *to = pass == 0 ? n->nominal : n->own_nominal;
            uint32_t rows = pass == 0 ? n->pool : n->bases;

            for (uint32_t i = 0; i < rows; i++) {
                uint32_t r = dataset_row(d, row[i]);
                int64_t code = -1;

                if (!c->null[r])
                    code = c->type == TYPE_TEXT ? codes.code[row[i]] : c->integer[r];
                to[(size_t)i * n->nominals + k] = code;
            }
        }
        if (c->type == TYPE_TEXT)
            codes_fini(&codes);
    }
}

static void fill(struct neighbours *n)
{
    n->scale = mem_array(n->numbers + 1, sizeof *n->scale);
    for (uint32_t k = 0; k < n->numbers; k++) {
        double d = deviation(n, n->dataset->input[n->number_input[k]]);

        n->scale[k] = d > 0 ? 1 / d : 0;
    }
    n->number = mem_array((size_t)n->pool * n->numbers + 1, sizeof *n->number);
    n->own_number = mem_array((size_t)n->bases * n->numbers + 1, sizeof *n->own_number);
    n->nominal = mem_array((size_t)n->pool * n->nominals + 1, sizeof *n->nominal);
    n->own_nominal = mem_array((size_t)n->bases * n->nominals + 1, sizeof *n->own_nominal);
    fill_numbers(n, n->pool_row, n->pool, n->number);
    fill_numbers(n, n->base, n->bases, n->own_number);
    fill_nominals(n);
}

/* ---- the search ---- */

/* Stops adding once it is past `most`. */
static double distance(const struct neighbours *n, uint32_t base, uint32_t other, double most)
{
    const double *a = n->own_number + (size_t)base * n->numbers;
    const double *b = n->number + (size_t)other * n->numbers;
    const int64_t *c = n->own_nominal + (size_t)base * n->nominals;
    const int64_t *d = n->nominal + (size_t)other * n->nominals;
    double sum = 0;

    for (uint32_t k = 0; k < n->nominals; k++)
        sum += c[k] != d[k];
    for (uint32_t k = 0; k < n->numbers && sum <= most; k++) {
        double apart = a[k] - b[k];

        if (isnan(apart))
            sum += isnan(a[k]) != isnan(b[k]);
        else
            sum += apart * apart;
    }
    return sum;
}

static void find_one(struct neighbours *n, uint32_t base)
{
    double best[RESAMPLE_NEIGHBOURS_MAX];
    uint32_t *found = n->found + (size_t)base * n->nearest, count = 0;

    for (uint32_t i = 0; i < n->pool; i++) {
        double far = count == n->nearest ? best[count - 1] : INFINITY, d;
        uint32_t at;

        if (n->pool_row[i] == n->base[base])
            continue;
        d = distance(n, base, i, far);
        if (count == n->nearest && d >= far)
            continue;
        if (count < n->nearest)
            count++;
        for (at = count - 1; at > 0 && best[at - 1] > d; at--) {
            best[at] = best[at - 1];
            found[at] = found[at - 1];
        }
        best[at] = d;
        found[at] = i;
    }
    ASSERT(count == n->nearest);
}

struct search {
    struct neighbours *n;
    uint32_t first;
};

static void search_task(void *context, unsigned number)
{
    struct search *s = context;
    uint32_t from = s->first + number * TASK_ROWS;

    for (uint32_t b = from; b < from + TASK_ROWS && b < s->n->bases; b++)
        find_one(s->n, b);
}

static bool search(struct neighbours *n, const struct learn_run *run, struct error *e)
{
    struct search s = {.n = n};
    uint32_t at_once = 4 * workers_count(run->workers);

    for (; s.first < n->bases; s.first += at_once * TASK_ROWS) {
        uint32_t tasks = (n->bases - s.first + TASK_ROWS - 1) / TASK_ROWS;

        if (!progress_report(run->progress, "smote", (double)s.first / n->bases))
            return error_set(e, ERROR_CANCELLED, "training was cancelled");
        workers_run(run->workers, tasks < at_once ? tasks : at_once, search_task, &s);
    }
    return true;
}

bool neighbours_find(const struct dataset *d, const uint32_t *wanted, uint32_t nearest,
                     const struct learn_run *run, struct neighbours **out, struct error *e)
{
    struct neighbours *n = mem_alloc(sizeof *n);

    n->dataset = d;
    sort_inputs(n);
    choose_pool(n, run->seed);
    choose_bases(n, wanted);
    fill(n);
    /* One of the pool may be the base itself. */
    n->nearest = nearest < n->pool - 1 ? nearest : n->pool - 1;
    n->found = mem_array((size_t)n->bases * n->nearest + 1, sizeof *n->found);
    if (!search(n, run, e)) {
        neighbours_free(n);
        return false;
    }
    *out = n;
    return true;
}

void neighbours_free(struct neighbours *n)
{
    mem_free(n->base_of);
    mem_free(n->base);
    mem_free(n->pool_row);
    mem_free(n->number_input);
    mem_free(n->nominal_input);
    mem_free(n->scale);
    mem_free(n->number);
    mem_free(n->nominal);
    mem_free(n->found);
    mem_free(n->own_number);
    mem_free(n->own_nominal);
    mem_free(n);
}

uint32_t neighbours_pick(const struct neighbours *n, uint32_t row, uint64_t lot)
{
    return n->pool_row[n->found[(size_t)n->base_of[row] * n->nearest + lot % n->nearest]];
}

static uint32_t nominal_place(const struct neighbours *n, uint32_t input)
{
    for (uint32_t k = 0; k < n->nominals; k++) {
        if (n->nominal_input[k] == input)
            return k;
    }
    ASSERT(false);
    return 0;
}

uint32_t neighbours_commonest(const struct neighbours *n, uint32_t row, uint32_t input)
{
    const uint32_t *found = n->found + (size_t)n->base_of[row] * n->nearest;
    uint32_t k = nominal_place(n, input), best = 0, most = 0;

    for (uint32_t i = 0; i < n->nearest; i++) {
        int64_t code = n->nominal[(size_t)found[i] * n->nominals + k];
        uint32_t count = 0;

        for (uint32_t other = 0; other < n->nearest; other++)
            count += n->nominal[(size_t)found[other] * n->nominals + k] == code;
        if (count > most) {
            most = count;
            best = found[i];
        }
    }
    return n->pool_row[best];
}
