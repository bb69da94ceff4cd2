/* Platt's and the isotonic calibration need margins of rows that the model did not learn from. The
 * training rows are dealt into CALIBRATION_FOLDS; models fitted on the others give each fold its
 * margins, the calibration is fitted to those, and goes with the model that learned from all
 * training rows. The test rows take no part.
 *
 * With validation in folds the held-out margins are there already: they serve both.
 *
 * The fits do not depend on each other. Where there are no more threads than fits, each thread
 * takes whole fits; with more, or where what several fits hold at once would be much, the fits
 * follow each other and each uses all threads. Either way gives the same models.
 */
#include "shell/train/fit.h"

#include <math.h>
#include <pthread.h>

#include "core/base/panic.h"
#include "core/base/random.h"

enum {
    SCORE_BLOCK = 256,
    AT_ONCE_CELLS = 16 << 20, /* of the table, at most, where several fits hold them in bins */
};

struct fitting {
    const struct fit_task *t;
    struct fitted *f;
    uint8_t *fold_of; /* per table row: the fold that its margin comes from, 0: none */
    uint32_t folds;
    uint32_t inputs;
    const struct column **input;
    const char **name;
    uint64_t *fingerprint;
    double *fill;          /* by input: the median that stands in for null, or NaN */
    struct column *filled; /* by input: the column with it; empty where there is none */
    struct one_fit *fit;   /* folds + 1 of them: one per fold, then the model itself */
};

/* One fit: the rows that it learns from, and what became of it. */
struct one_fit {
    struct fitting *g;
    uint8_t fold; /* 0: the model itself */
    struct progress progress;
    double done_share;
    bool ok;
    struct error e;
};

/* Progress of fits that run at once is told as one, by one at a time. */
static pthread_mutex_t progress_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_input(const struct settings *s, const char *feature)
{
    if (s->model.features == NULL)
        return true;
    for (uint32_t i = 0; i < s->model.feature_count; i++) {
        if (strcmp(s->model.features[i], feature) == 0)
            return true;
    }
    return false;
}

/* A model takes numbers, truth values, durations and categories; a bare time is none of these. */
static bool is_learnable(enum type type)
{
    return type != TYPE_TIME;
}

const struct column **fit_inputs(const struct fit_task *t, uint32_t *count)
{
    const struct column **input = mem_array(plan_feature_count(t->plan), sizeof *input);

    *count = 0;
    for (uint32_t i = 0; i < plan_feature_count(t->plan); i++) {
        if (is_input(t->settings, plan_feature_name(t->plan, i)) &&
            is_learnable(t->table->column[i].type))
            input[(*count)++] = &t->table->column[i];
    }
    return input;
}

/* ---- medians of missing values */

/* The rows that the model itself learns from. */
static uint8_t *training_rows(const struct fit_task *t)
{
    uint8_t *takes = mem_array(t->table->rows, 1);

    for (uint32_t i = 0; i < t->table->rows; i++)
        takes[i] = t->folds > 0 || t->part[i] == PART_TRAIN;
    return takes;
}

/* What the model takes where the input is null: learned from like any other value. */
static bool fill_input(struct fitting *g, uint32_t input, const char *name, struct error *e)
{
    const struct fit_task *t = g->t;
    const struct column *from = g->input[input];
    struct column *to = &g->filled[input];
    uint8_t *takes = training_rows(t);
    uint32_t middle;
    bool has_median = column_median(from, takes, t->table->rows, &middle, &g->fill[input]);

    mem_free(takes);
    if (!has_median)
        return error_set(e, ERROR_INVALID,
                         "missing: no training row has a value of \"%s\", so there is no median; "
                         "name a value instead",
                         name);
    column_init(to, from->type, t->table->rows);
    for (uint32_t i = 0; i < t->table->rows; i++) {
        struct value v = column_get(from, from->null[i] ? middle : i);

        column_set(to, i, &v);
    }
    g->input[input] = to;
    return true;
}

static bool open_inputs(struct fitting *g, struct error *e)
{
    const struct fit_task *t = g->t;

    g->input = fit_inputs(t, &g->inputs);
    g->name = mem_array(g->inputs, sizeof *g->name);
    g->fingerprint = mem_array(g->inputs, sizeof *g->fingerprint);
    g->fill = mem_array(g->inputs, sizeof *g->fill);
    g->filled = mem_array(g->inputs, sizeof *g->filled);
    for (uint32_t i = 0; i < g->inputs; i++) {
        uint32_t feature = (uint32_t)(g->input[i] - t->table->column);
        int node = plan_feature_node(t->plan, feature);

        g->name[i] = plan_feature_name(t->plan, feature);
        g->fingerprint[i] = program_fingerprint(plan_program(t->plan), node);
        g->fill[i] = NAN;
        if (plan_feature_takes_median(t->plan, feature) && !fill_input(g, i, g->name[i], e))
            return false;
    }
    return true;
}

/* Whether a fit learns from the row: the model itself from all training rows, or from all rows
 * where folds do the testing; the model of a fold from the rows of the other folds. */
static bool learns_from(const struct one_fit *f, uint32_t row)
{
    const struct fit_task *t = f->g->t;

    if (f->fold == 0)
        return t->folds > 0 || t->part[row] == PART_TRAIN;
    return f->g->fold_of[row] != 0 && f->g->fold_of[row] != f->fold;
}

static bool tell_progress(void *context, const char *stage, double done_share)
{
    struct one_fit *f = context;
    const struct fitting *g = f->g;
    double sum = 0;
    bool goes_on;

    pthread_mutex_lock(&progress_lock);
    f->done_share = done_share;
    for (uint32_t i = 0; i <= g->folds; i++)
        sum += g->fit[i].done_share;
    goes_on = progress_report(g->t->run.progress, stage, sum / (g->folds + 1));
    pthread_mutex_unlock(&progress_lock);
    return goes_on;
}

static bool learn_rows(struct one_fit *f, const struct workers *workers, struct model **m)
{
    const struct fitting *g = f->g;
    uint32_t *row = mem_array(g->t->table->rows, sizeof *row);
    struct dataset d = {.inputs = g->inputs,
                        .input = g->input,
                        .name = g->name,
                        .fingerprint = g->fingerprint,
                        .fill = g->fill,
                        .label = g->t->label,
                        .row = row};
    struct learn_run run = g->t->run;
    bool ok;

    run.workers = workers;
    run.progress = &f->progress;
    for (uint32_t i = 0; i < g->t->table->rows; i++) {
        if (learns_from(f, i))
            row[d.rows++] = i;
    }
    ok = learn(g->t->recipe, &d, &run, m, f->fold == 0 ? &g->f->learned : NULL, &f->e);
    mem_free(row);
    pthread_mutex_lock(&progress_lock);
    f->done_share = 1;
    pthread_mutex_unlock(&progress_lock);
    return ok;
}

/* A block is scored whole if it has a row of the fold: one row by itself costs as much as eight. */
static void score_fold(const struct fitting *g, const struct model *m,
                       struct model_scratch *scratch, uint32_t first, const uint8_t *fold_of,
                       uint8_t fold, double *margin)
{
    uint32_t left = g->t->table->rows - first, rows = left < SCORE_BLOCK ? left : SCORE_BLOCK;
    double block[SCORE_BLOCK];

    if (memchr(fold_of + first, fold, rows) == NULL)
        return;
    model_score(m, scratch, g->input, first, rows, block, NULL);
    for (uint32_t i = 0; i < rows; i++) {
        if (fold_of[first + i] == fold)
            margin[first + i] = block[i];
    }
}

/* Margins of the rows of its fold, by a model that did not learn from them. */
static void hold_out(struct one_fit *f, const struct model *m)
{
    const struct fitting *g = f->g;
    struct model_scratch *scratch = model_scratch_new(m, g->t->simd);

    for (uint32_t first = 0; first < g->t->table->rows; first += SCORE_BLOCK)
        score_fold(g, m, scratch, first, g->fold_of, f->fold, g->f->margin);
    model_scratch_free(scratch);
}

static void run_fit(struct one_fit *f, const struct workers *workers)
{
    struct model *m;

    f->ok = learn_rows(f, workers, &m);
    if (!f->ok)
        return;
    if (f->fold == 0) {
        f->g->f->model = m;
        return;
    }
    hold_out(f, m);
    model_free(m);
}

static void run_task(void *context, unsigned number)
{
    struct fitting *g = context;

    run_fit(&g->fit[number], NULL);
}

static bool at_once(const struct fitting *g)
{
    return workers_count(g->t->run.workers) <= g->folds + 1 &&
           (uint64_t)g->t->table->rows * g->inputs <= AT_ONCE_CELLS;
}

/* All fits; the error is that of the first that failed. */
static bool run_all(struct fitting *g, struct error *e)
{
    const struct workers *workers = g->t->run.workers;
    uint32_t fits = g->folds + 1;

    g->fit = mem_array(fits, sizeof *g->fit);
    for (uint32_t i = 0; i < fits; i++) {
        g->fit[i].g = g;
        g->fit[i].fold = (uint8_t)((i + 1) % fits);
        g->fit[i].progress = (struct progress){tell_progress, &g->fit[i]};
    }
    if (at_once(g)) {
        workers_run(workers, fits, run_task, g);
    } else {
        for (uint32_t i = 0; i < fits; i++)
            run_fit(&g->fit[i], workers);
    }
    for (uint32_t i = 0; i < fits; i++) {
        if (!g->fit[i].ok) {
            *e = g->fit[i].e;
            return false;
        }
    }
    return true;
}

/* Fold 1..folds for each training row, 0 for others; frauds and legitimate rows dealt apart. */
static void deal_folds(const struct fit_task *t, uint8_t *fold_of)
{
    uint32_t dealt[2] = {0, 0};

    for (uint32_t i = 0; i < t->table->rows; i++) {
        uint8_t label = t->label[i];

        if (t->part[i] != PART_TRAIN)
            continue;
        fold_of[i] = (uint8_t)(1 + (dealt[label]++ + random_at(t->run.seed, 0xca1, i / 64)) %
                                       CALIBRATION_FOLDS);
    }
}

/* Fits what the recipe wants to held-out margins; false where they do not allow it. */
static bool calibrate_by(const struct fitting *g, const double *margin, const uint8_t *label,
                         uint32_t rows)
{
    struct calibration c = {.kind = g->t->recipe->calibrate};
    double x[MODEL_CALIBRATION_POINTS_MAX], y[MODEL_CALIBRATION_POINTS_MAX];

    if (c.kind == CALIBRATION_PLATT && !platt_fit(margin, label, rows, &c.slope, &c.offset))
        return false;
    if (c.kind == CALIBRATION_ISOTONIC) {
        c.points = isotonic_fit(margin, label, rows, MODEL_CALIBRATION_POINTS_MAX, x, y);
        c.margin = x;
        c.probability = y;
        if (c.points == 0)
            return false;
    }
    model_calibrate(g->f->model, &c);
    return true;
}

static bool wants_held_out(const struct fit_task *t)
{
    return t->wants_held || t->recipe->calibrate == CALIBRATION_PLATT ||
           t->recipe->calibrate == CALIBRATION_ISOTONIC;
}

static void calibrate(struct fitting *g)
{
    const struct table *table = g->t->table;
    double *m;
    uint8_t *label;
    uint32_t rows = 0;

    if (g->t->recipe->calibrate != CALIBRATION_PLATT &&
        g->t->recipe->calibrate != CALIBRATION_ISOTONIC)
        return;
    m = mem_array(table->rows, sizeof *m);
    label = mem_array(table->rows, 1);
    for (uint32_t i = 0; i < table->rows; i++) {
        if (g->fold_of[i] == 0)
            continue;
        m[rows] = g->f->margin[i];
        label[rows++] = g->t->label[i];
    }
    g->f->is_calibrated = calibrate_by(g, m, label, rows);
    mem_free(m);
    mem_free(label);
}

/* Before the margins of the rows become those of the model itself. */
static void keep_held(struct fitting *g)
{
    uint32_t rows = g->t->table->rows;
    struct fitted *f = g->f;

    if (!g->t->wants_held)
        return;
    f->held = mem_array(rows, sizeof *f->held);
    for (uint32_t i = 0; i < rows; i++)
        f->held[i] = g->fold_of[i] != 0 ? model_probability(f->model, f->margin[i]) : NAN;
}

static void score_all(struct fitting *g)
{
    struct model_scratch *scratch;
    struct fitted *f = g->f;
    uint32_t rows = g->t->table->rows;

    if (g->t->folds == 0) {
        scratch = model_scratch_new(f->model, g->t->simd);
        model_score(f->model, scratch, g->input, 0, rows, f->margin, NULL);
        model_scratch_free(scratch);
    }
    for (uint32_t i = 0; i < rows; i++)
        f->probability[i] = model_probability(f->model, f->margin[i]);
}

bool fit(const struct fit_task *t, struct fitted *f, struct error *e)
{
    struct fitting g = {.t = t, .f = f, .folds = t->folds > 0 ? t->folds : CALIBRATION_FOLDS};
    bool ok;

    *f = (struct fitted){0};
    f->margin = mem_array(t->table->rows, sizeof *f->margin);
    f->probability = mem_array(t->table->rows, sizeof *f->probability);
    g.fold_of = mem_array(t->table->rows, 1);
    ok = open_inputs(&g, e);
    if (t->folds > 0)
        memcpy(g.fold_of, t->part, t->table->rows);
    else if (wants_held_out(t))
        deal_folds(t, g.fold_of);
    else
        g.folds = 0;
    ok = ok && run_all(&g, e);
    if (ok) {
        calibrate(&g);
        keep_held(&g);
        score_all(&g);
    } else {
        fitted_free(f);
    }
    mem_free(g.input);
    mem_free(g.name);
    mem_free(g.fingerprint);
    mem_free(g.fill);
    for (uint32_t i = 0; i < g.inputs; i++)
        column_fini(&g.filled[i]);
    mem_free(g.filled);
    mem_free(g.fold_of);
    mem_free(g.fit);
    return ok;
}

void fitted_free(struct fitted *f)
{
    model_free(f->model);
    mem_free(f->margin);
    mem_free(f->probability);
    mem_free(f->held);
    *f = (struct fitted){0};
}
