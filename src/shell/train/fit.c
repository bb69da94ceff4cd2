/* Calibration needs margins of rows that the model did not learn from. The training rows are dealt
 * into CALIBRATION_FOLDS; models fitted on the others give each fold its margins, Platt's sigmoid
 * is fitted to those, and goes with the model that learned from all training rows. The test rows
 * take no part.
 *
 * With validation in folds the held-out margins are there already: they serve both.
 */
#include "shell/train/fit.h"

#include "core/base/elementary.h"
#include "core/base/panic.h"
#include "core/base/random.h"

enum { SCORE_BLOCK = 256 };

struct fitting {
    const struct fit_task *t;
    struct fitted *f;
    struct dataset data;
    const struct column **input;
    const char **name;
    uint64_t *fingerprint;
    uint32_t *row;
    struct learn_run run;
};

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

static void open_data(struct fitting *g)
{
    const struct fit_task *t = g->t;
    uint32_t count;

    g->input = fit_inputs(t, &count);
    g->name = mem_array(count, sizeof *g->name);
    g->fingerprint = mem_array(count, sizeof *g->fingerprint);
    g->row = mem_array(t->table->rows, sizeof *g->row);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t feature = (uint32_t)(g->input[i] - t->table->column);
        int node = plan_feature_node(t->plan, feature);

        g->name[i] = plan_feature_name(t->plan, feature);
        g->fingerprint[i] = program_fingerprint(plan_program(t->plan), node);
    }
    g->data = (struct dataset){.inputs = count,
                               .input = g->input,
                               .name = g->name,
                               .fingerprint = g->fingerprint,
                               .label = t->label,
                               .row = g->row};
}

static void close_data(struct fitting *g)
{
    mem_free(g->input);
    mem_free(g->name);
    mem_free(g->fingerprint);
    mem_free(g->row);
}

static bool learn(struct fitting *g, struct model **m, struct error *e)
{
    const struct model_setting *s = &g->t->settings->model;

    if (strcmp(g->t->kind, "logistic") == 0)
        return logistic_train(&g->data, &s->logistic, &g->run, m, e);
    return boost_train(&g->data, NULL, &s->boost, &g->run, m, e);
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

/* Margins of the rows whose fold is `fold`, by a model fitted on the rows of all other folds. */
static bool margins_of_fold(struct fitting *g, const uint8_t *fold_of, uint8_t fold, double *margin,
                            struct error *e)
{
    const struct table *table = g->t->table;
    struct model_scratch *scratch;
    struct model *m;
    bool ok;

    g->data.rows = 0;
    for (uint32_t i = 0; i < table->rows; i++) {
        if (fold_of[i] != 0 && fold_of[i] != fold)
            g->row[g->data.rows++] = i;
    }
    ok = learn(g, &m, e);
    if (!ok)
        return false;
    scratch = model_scratch_new(m, g->t->simd);
    for (uint32_t first = 0; first < table->rows; first += SCORE_BLOCK)
        score_fold(g, m, scratch, first, fold_of, fold, margin);
    model_scratch_free(scratch);
    model_free(m);
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

static void calibrate(struct fitting *g, const uint8_t *fold_of, const double *margin)
{
    const struct table *table = g->t->table;
    double *m = mem_array(table->rows, sizeof *m);
    uint8_t *label = mem_array(table->rows, 1);
    uint32_t rows = 0;

    for (uint32_t i = 0; i < table->rows; i++) {
        if (fold_of[i] == 0)
            continue;
        m[rows] = margin[i];
        label[rows++] = g->t->label[i];
    }
    g->f->slope = 1;
    g->f->offset = 0;
    g->f->is_calibrated = platt_fit(m, label, rows, &g->f->slope, &g->f->offset);
    mem_free(m);
    mem_free(label);
}

static bool held_out_margins(struct fitting *g, const uint8_t *fold_of, uint32_t folds,
                             double *margin, struct error *e)
{
    for (uint32_t fold = 1; fold <= folds; fold++) {
        if (!margins_of_fold(g, fold_of, (uint8_t)fold, margin, e))
            return false;
    }
    return true;
}

/* The model itself: from the training rows, or from all where folds did the testing. */
static bool learn_all(struct fitting *g, struct error *e)
{
    g->data.rows = 0;
    for (uint32_t i = 0; i < g->t->table->rows; i++) {
        if (g->t->folds > 0 || g->t->part[i] == PART_TRAIN)
            g->row[g->data.rows++] = i;
    }
    return learn(g, &g->f->model, e);
}

static void score_all(struct fitting *g)
{
    struct model_scratch *scratch;
    struct fitted *f = g->f;
    uint32_t rows = g->t->table->rows;

    model_set_calibration(f->model, f->slope, f->offset);
    if (g->t->folds == 0) {
        scratch = model_scratch_new(f->model, g->t->simd);
        model_score(f->model, scratch, g->input, 0, rows, f->margin, NULL);
        model_scratch_free(scratch);
    }
    for (uint32_t i = 0; i < rows; i++)
        f->probability[i] = em_sigmoid(f->slope * f->margin[i] + f->offset);
}

bool fit(const struct fit_task *t, struct fitted *f, struct error *e)
{
    struct fitting g = {.t = t, .f = f, .run = t->run};
    uint8_t *fold_of = mem_array(t->table->rows, 1);
    bool ok;

    *f = (struct fitted){0};
    f->margin = mem_array(t->table->rows, sizeof *f->margin);
    f->probability = mem_array(t->table->rows, sizeof *f->probability);
    open_data(&g);
    if (t->folds > 0)
        memcpy(fold_of, t->part, t->table->rows);
    else
        deal_folds(t, fold_of);
    ok = held_out_margins(&g, fold_of, t->folds > 0 ? t->folds : CALIBRATION_FOLDS, f->margin, e);
    if (ok)
        calibrate(&g, fold_of, f->margin);
    ok = ok && learn_all(&g, e);
    if (ok)
        score_all(&g);
    else
        fitted_free(f);
    close_data(&g);
    mem_free(fold_of);
    return ok;
}

void fitted_free(struct fitted *f)
{
    model_free(f->model);
    mem_free(f->margin);
    mem_free(f->probability);
    *f = (struct fitted){0};
}
