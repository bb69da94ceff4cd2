#include "core/learn/resample.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/random.h"
#include "core/learn/dataset.h"
#include "core/learn/neighbours.h"

enum { STREAM_UNDER = 0x756e64, STREAM_OVER = 0x6f7665, STREAM_SHARE = 0x736861 };

void resample_defaults(struct resample_options *o)
{
    *o = (struct resample_options){
        .kind = RESAMPLE_NONE, .ratio = 1, .under_ratio = 1.0 / 3, .neighbours = 5};
}

/* ---- how often each row is taken ---- */

struct taking {
    const struct dataset *d;
    uint64_t seed;
    uint32_t *times; /* of each dataset row */
    uint32_t *made;  /* made-up rows for which it is the first parent */
    uint32_t count[2];
};

static uint32_t *rows_of_class(const struct dataset *d, uint8_t class, uint32_t *count)
{
    uint32_t *row = mem_array(d->rows, sizeof *row);

    *count = 0;
    for (uint32_t i = 0; i < d->rows; i++) {
        if ((dataset_label(d, i) != 0) == class)
            row[(*count)++] = i;
    }
    return row;
}

/* Deals `row` so that its first `wanted` places are a fair draw without repeats. */
static void draw(uint32_t *row, uint32_t count, uint32_t wanted, struct random *r)
{
    for (uint32_t i = 0; i < wanted; i++) {
        uint32_t k = i + (uint32_t)random_below(r, count - i), swapped = row[i];

        row[i] = row[k];
        row[k] = swapped;
    }
}

static void leave_out_legitimate(struct taking *t, double ratio)
{
    double wanted = floor(t->count[1] / ratio);
    uint32_t count, *row;
    struct random r;

    if (wanted >= t->count[0])
        return;
    row = rows_of_class(t->d, 0, &count);
    random_init(&r, random_at(t->seed, STREAM_UNDER, 0));
    draw(row, count, (uint32_t)wanted, &r);
    for (uint32_t i = (uint32_t)wanted; i < count; i++)
        t->times[row[i]] = 0;
    t->count[0] = (uint32_t)wanted;
    mem_free(row);
}

/* Adds to `add` of the frauds until the ratio is met: all alike, the rest by lot. */
static void multiply_frauds(struct taking *t, double ratio, uint32_t *add)
{
    double wanted = floor(t->count[0] * ratio);
    uint32_t count, more, *row;
    struct random r;

    if (wanted <= t->count[1])
        return;
    if (wanted > UINT32_MAX / 2)
        wanted = UINT32_MAX / 2;
    row = rows_of_class(t->d, 1, &count);
    more = (uint32_t)wanted - t->count[1];
    random_init(&r, random_at(t->seed, STREAM_OVER, 0));
    draw(row, count, more % count, &r);
    for (uint32_t i = 0; i < count; i++)
        add[row[i]] += more / count + (i < more % count);
    t->count[1] = (uint32_t)wanted;
    mem_free(row);
}

static void decide_taking(struct taking *t, const struct resample_options *o)
{
    for (uint32_t i = 0; i < t->d->rows; i++)
        t->times[i] = 1;
    switch (o->kind) {
    case RESAMPLE_UNDER:
        leave_out_legitimate(t, o->ratio);
        break;
    case RESAMPLE_OVER:
        multiply_frauds(t, o->ratio, t->times);
        break;
    case RESAMPLE_SMOTE:
        multiply_frauds(t, o->ratio, t->made);
        break;
    case RESAMPLE_HYBRID:
        leave_out_legitimate(t, o->under_ratio);
        multiply_frauds(t, o->ratio, t->made);
        break;
    case RESAMPLE_NONE:
        break;
    }
}

/* ---- the rows ---- */

static void list_origins(const struct taking *t, struct resampled *r)
{
    uint32_t at = 0;

    r->dataset.rows = t->count[0] + t->count[1];
    r->origin = mem_array(r->dataset.rows, sizeof *r->origin);
    for (uint32_t i = 0; i < t->d->rows; i++) {
        for (uint32_t n = 0; n < t->times[i]; n++)
            r->origin[at++] = (struct resample_origin){i, RESAMPLE_ITSELF, 0};
        for (uint32_t n = 0; n < t->made[i]; n++) {
            double share = (double)(random_at(t->seed, STREAM_SHARE, at) >> 11) * 0x1p-53;

            r->origin[at++] = (struct resample_origin){i, i, share};
        }
    }
}

/* Rows that are there already: the columns stay, the row numbers repeat. */
static void refer_rows(const struct dataset *d, struct resampled *r)
{
    r->row = mem_array(r->dataset.rows, sizeof *r->row);
    for (uint32_t i = 0; i < r->dataset.rows; i++)
        r->row[i] = dataset_row(d, r->origin[i].row);
    r->dataset.row = r->row;
}

static void blend_number(struct column *to, uint32_t at, const struct column *from,
                         const struct dataset *d, const struct resample_origin *o)
{
    double x = column_number(from, dataset_row(d, o->row)), y = x;

    if (o->neighbour != RESAMPLE_ITSELF)
        y = column_number(from, dataset_row(d, o->neighbour));
    if (isnan(x)) {
        column_set_null(to, at);
        return;
    }
    to->real[at] = isnan(y) ? x : x + o->share * (y - x) + 0.0;
}

/* Truth values and texts: of a made-up row, what its parents' neighbourhood has most. */
static void take_nominal(struct column *to, uint32_t at, const struct column *from, uint32_t row)
{
    struct value v = column_get(from, row);

    if (from->null[row])
        column_set_null(to, at);
    else
        column_set(to, at, &v);
}

static void write_columns(const struct dataset *d, const struct neighbours *n, struct resampled *r)
{
    uint32_t rows = r->dataset.rows;

    r->column = mem_array(d->inputs, sizeof *r->column);
    r->input = mem_array(d->inputs, sizeof *r->input);
    r->label = mem_array(rows, 1);
    for (uint32_t j = 0; j < d->inputs; j++) {
        const struct column *from = d->input[j];
        bool nominal = neighbours_is_nominal(from->type);

        column_init(&r->column[j], nominal ? from->type : TYPE_REAL, rows);
        r->input[j] = &r->column[j];
        for (uint32_t i = 0; i < rows; i++) {
            const struct resample_origin *o = &r->origin[i];
            uint32_t row = o->row;

            if (!nominal) {
                blend_number(&r->column[j], i, from, d, o);
                continue;
            }
            if (o->neighbour != RESAMPLE_ITSELF)
                row = neighbours_commonest(n, o->row, j);
            take_nominal(&r->column[j], i, from, dataset_row(d, row));
        }
    }
    for (uint32_t i = 0; i < rows; i++)
        r->label[i] = dataset_label(d, r->origin[i].row);
    r->dataset.input = r->input;
    r->dataset.label = r->label;
    r->dataset.row = NULL;
}

/* Chooses the other parents and makes the rows. */
static bool make_up(const struct dataset *d, const struct resample_options *o,
                    const struct taking *t, const struct learn_run *run, struct resampled *r,
                    struct error *e)
{
    struct neighbours *n;

    if (r->before[1] == 1)
        return error_set(e, ERROR_INVALID,
                         "training: smote needs two frauds at least, there is one");
    if (!neighbours_find(d, t->made, o->neighbours, run, &n, e))
        return false;
    for (uint32_t i = 0; i < r->dataset.rows; i++) {
        struct resample_origin *origin = &r->origin[i];

        if (origin->neighbour != RESAMPLE_ITSELF)
            origin->neighbour =
                neighbours_pick(n, origin->row, random_at(run->seed, STREAM_OVER, i));
    }
    write_columns(d, n, r);
    neighbours_free(n);
    return true;
}

static bool check_options(const struct resample_options *o, struct error *e)
{
    bool makes = o->kind == RESAMPLE_SMOTE || o->kind == RESAMPLE_HYBRID;

    if (!(o->ratio > 0 && o->ratio <= 100))
        return error_set(e, ERROR_INVALID, "resample.ratio: %g is not in (0, 100]", o->ratio);
    if (o->kind == RESAMPLE_HYBRID && !(o->under_ratio > 0 && o->under_ratio <= o->ratio))
        return error_set(e, ERROR_INVALID, "resample.under_ratio: %g is not in (0, ratio = %g]",
                         o->under_ratio, o->ratio);
    if (makes && (o->neighbours == 0 || o->neighbours > RESAMPLE_NEIGHBOURS_MAX))
        return error_set(e, ERROR_INVALID, "resample.neighbours: %u is not in 1 to %d",
                         o->neighbours, RESAMPLE_NEIGHBOURS_MAX);
    return true;
}

bool resample(const struct dataset *d, const struct resample_options *o,
              const struct learn_run *run, struct resampled *r, struct error *e)
{
    struct taking t = {.d = d, .seed = run->seed};
    bool good = true, makes = o->kind == RESAMPLE_SMOTE || o->kind == RESAMPLE_HYBRID;

    if (!check_options(o, e) || !dataset_check(d, e))
        return false;
    *r = (struct resampled){.dataset = *d};
    r->before[1] = dataset_frauds(d);
    r->before[0] = d->rows - r->before[1];
    t.count[0] = r->before[0];
    t.count[1] = r->before[1];
    t.times = mem_array(d->rows, sizeof *t.times);
    t.made = mem_array(d->rows, sizeof *t.made);
    decide_taking(&t, o);
    r->after[0] = t.count[0];
    r->after[1] = t.count[1];
    if (t.count[0] == 0)
        good = error_set(e, ERROR_INVALID,
                         "resample.ratio: %g would leave no legitimate row of %u; lower it",
                         o->ratio, r->before[0]);
    if (good)
        list_origins(&t, r);
    if (good && makes)
        good = make_up(d, o, &t, run, r, e);
    else if (good)
        refer_rows(d, r);
    mem_free(t.times);
    mem_free(t.made);
    if (!good)
        resampled_free(r);
    return good;
}

void resampled_free(struct resampled *r)
{
    for (uint32_t j = 0; r->column != NULL && j < r->dataset.inputs; j++)
        column_fini(&r->column[j]);
    mem_free(r->column);
    mem_free(r->input);
    mem_free(r->origin);
    mem_free(r->row);
    mem_free(r->label);
    *r = (struct resampled){0};
}
