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
#include "shell/os/ram.h"

enum {
    SCORE_PORTION = 8192,     /* rows that a worker scores at a time */
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
    uint32_t *unlabelled;  /* table rows that are PART_UNLABELLED, where they can be used */
    uint32_t unlabelled_rows;
    uint32_t round; /* of self-training: 0 has labelled rows alone */
    struct fits_memory memory;
    struct one_fit *fit; /* folds + 1 of them: one per fold, then the model itself */
};

/* One fit: the rows that it learns from, and what became of it. */
struct one_fit {
    struct fitting *g;
    uint8_t fold; /* 0: the model itself */
    struct progress progress;
    double *margin;       /* of each unlabelled row */
    uint8_t *taken;       /* what it is taken as, or SELF_TRAIN_NONE */
    uint32_t labelled[2]; /* rows by class that it learns from */
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
        takes[i] = t->folds > 0 ? part_has_label(t->part[i]) : t->part[i] == PART_TRAIN;
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
        return t->folds > 0 ? part_has_label(t->part[row]) : t->part[row] == PART_TRAIN;
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
    goes_on =
        progress_report(g->t->run.progress, stage,
                        (g->round + sum / (g->folds + 1)) / (g->t->recipe->self_train.rounds + 1));
    pthread_mutex_unlock(&progress_lock);
    return goes_on;
}

static bool needs_no_label(const struct recipe *r)
{
    return r->kind == MODEL_ISOLATION;
}

/* The labels of the rows that the fit learns from, those taken in self-training among them; a row
 * without any counts as legitimate where none is looked at. The caller frees both. */
static uint32_t gather_rows(struct one_fit *f, uint32_t *row, uint8_t *label)
{
    const struct fitting *g = f->g;
    const struct fit_task *t = g->t;
    uint32_t rows = 0;

    for (uint32_t k = 0; k < g->unlabelled_rows; k++)
        label[g->unlabelled[k]] = needs_no_label(t->recipe) ? 0 : f->taken[k];
    f->labelled[0] = f->labelled[1] = 0;
    for (uint32_t i = 0; i < t->table->rows; i++) {
        if (learns_from(f, i)) {
            label[i] = t->label[i];
            f->labelled[label[i]]++;
        } else if (t->part[i] != PART_UNLABELLED || label[i] == SELF_TRAIN_NONE ||
                   g->unlabelled_rows == 0) {
            continue;
        }
        row[rows++] = i;
    }
    return rows;
}

static bool learn_rows(struct one_fit *f, const struct workers *workers, struct model **m)
{
    const struct fitting *g = f->g;
    uint32_t *row = mem_array(g->t->table->rows, sizeof *row);
    uint8_t *label = mem_array(g->t->table->rows, 1);
    struct dataset d = {.inputs = g->inputs,
                        .input = g->input,
                        .name = g->name,
                        .fingerprint = g->fingerprint,
                        .fill = g->fill,
                        .label = label,
                        .row = row};
    struct learn_run run = g->t->run;
    bool ok;

    run.workers = workers;
    run.progress = &f->progress;
    run.memory = g->t->fits != NULL ? &g->memory.memory : NULL;
    d.rows = gather_rows(f, row, label);
    ok = learn(g->t->recipe, &d, &run, m, f->fold == 0 ? &g->f->learned : NULL, &f->e);
    if (ok && f->fold == 0)
        model_set_population(*m, population_of(&d));
    mem_free(row);
    mem_free(label);
    pthread_mutex_lock(&progress_lock);
    f->done_share = 1;
    pthread_mutex_unlock(&progress_lock);
    return ok;
}

/* Listed rows of the table (NULL: all of them) and their margins, in portions that workers take. */
struct scoring {
    const struct fitting *g;
    const struct model *model;
    const uint32_t *row;
    uint32_t rows;
    double *margin;
};

static void score_portion(void *context, unsigned number)
{
    const struct scoring *s = context;
    uint32_t first = number * SCORE_PORTION, left = s->rows - first;
    struct model_scratch *scratch = model_scratch_new(s->model, s->g->t->simd);

    left = left < SCORE_PORTION ? left : SCORE_PORTION;
    if (s->row == NULL)
        model_score(s->model, scratch, s->g->input, first, left, s->margin + first, NULL);
    else
        model_score_rows(s->model, scratch, s->g->input, s->row + first, left, s->margin + first);
    model_scratch_free(scratch);
}

static void score_rows(const struct fitting *g, const struct model *m, const uint32_t *row,
                       uint32_t rows, double *margin, const struct workers *workers)
{
    struct scoring s = {g, m, row, rows, margin};

    workers_run(workers, (rows + SCORE_PORTION - 1) / SCORE_PORTION, score_portion, &s);
}

/* The rows where `from` is `of`. */
static void score_where(const struct fitting *g, const struct model *m, const uint8_t *from,
                        uint8_t of, const struct workers *workers)
{
    uint32_t *row = mem_array((size_t)g->t->table->rows + 1, sizeof *row), rows = 0;
    double *margin;

    for (uint32_t i = 0; i < g->t->table->rows; i++) {
        if (from[i] == of)
            row[rows++] = i;
    }
    margin = mem_array((size_t)rows + 1, sizeof *margin);
    score_rows(g, m, row, rows, margin, workers);
    for (uint32_t k = 0; k < rows; k++)
        g->f->margin[row[k]] = margin[k];
    mem_free(margin);
    mem_free(row);
}

/* What the model makes of rows without a label, for the next round to take some. */
static void score_unlabelled(struct one_fit *f, const struct model *m,
                             const struct workers *workers)
{
    const struct fitting *g = f->g;

    if (g->round < g->t->recipe->self_train.rounds)
        score_rows(g, m, g->unlabelled, g->unlabelled_rows, f->margin, workers);
}

static void run_fit(struct one_fit *f, const struct workers *workers)
{
    struct model *m;

    f->ok = learn_rows(f, workers, &m);
    if (!f->ok)
        return;
    score_unlabelled(f, m, workers);
    if (f->fold == 0) {
        f->g->f->model = m;
        return;
    }
    score_where(f->g, m, f->g->fold_of, f->fold, workers); /* it did not learn from them */
    model_free(m);
    ram_give_back(); /* fits that follow each other would leave it in pieces */
}

static void open_fits(struct fitting *g)
{
    const struct fit_task *t = g->t;
    uint32_t fits = g->folds + 1;

    if (needs_no_label(t->recipe) || t->recipe->self_train.rounds > 0) {
        g->unlabelled = mem_array((size_t)t->table->rows + 1, sizeof *g->unlabelled);
        for (uint32_t i = 0; i < t->table->rows; i++) {
            if (t->part[i] == PART_UNLABELLED)
                g->unlabelled[g->unlabelled_rows++] = i;
        }
    }
    g->fit = mem_array(fits, sizeof *g->fit);
    for (uint32_t i = 0; i < fits; i++) {
        struct one_fit *f = &g->fit[i];

        *f = (struct one_fit){.g = g, .fold = (uint8_t)((i + 1) % fits)};
        f->progress = (struct progress){tell_progress, f};
        f->margin = mem_array((size_t)g->unlabelled_rows + 1, sizeof *f->margin);
        f->taken = mem_array((size_t)g->unlabelled_rows + 1, 1);
        memset(f->taken, SELF_TRAIN_NONE, g->unlabelled_rows);
    }
}

static void close_fits(struct fitting *g)
{
    for (uint32_t i = 0; g->fit != NULL && i <= g->folds; i++) {
        mem_free(g->fit[i].margin);
        mem_free(g->fit[i].taken);
    }
    mem_free(g->fit);
    mem_free(g->unlabelled);
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

static void take_folds(const struct fit_task *t, uint8_t *fold_of)
{
    for (uint32_t i = 0; i < t->table->rows; i++)
        fold_of[i] = part_has_label(t->part[i]) ? t->part[i] : 0;
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
    return t->wants_held || t->recipe->conformal > 0 || t->recipe->calibrate == CALIBRATION_PLATT ||
           t->recipe->calibrate == CALIBRATION_ISOTONIC;
}

/* All held-out rows but those of one fold (0: all), which the caller frees. */
static uint32_t gather_held(const struct fitting *g, uint8_t but, double **margin, uint8_t **label)
{
    const struct table *table = g->t->table;
    uint32_t rows = 0;

    *margin = mem_array(table->rows, sizeof **margin);
    *label = mem_array(table->rows, 1);
    for (uint32_t i = 0; i < table->rows; i++) {
        if (g->fold_of[i] == 0 || g->fold_of[i] == but)
            continue;
        (*margin)[rows] = g->f->margin[i];
        (*label)[rows++] = g->t->label[i];
    }
    return rows;
}

static void calibrate(struct fitting *g)
{
    double *margin;
    uint8_t *label;
    uint32_t rows;

    if (g->t->recipe->calibrate != CALIBRATION_PLATT &&
        g->t->recipe->calibrate != CALIBRATION_ISOTONIC)
        return;
    rows = gather_held(g, 0, &margin, &label);
    g->f->is_calibrated = calibrate_by(g, margin, label, rows);
    mem_free(margin);
    mem_free(label);
}

/* From all held-out rows, or all but those of one fold; false where they are too few. */
static bool fit_conformal(const struct fitting *g, uint8_t but, struct conformal *c)
{
    double *margin;
    uint8_t *label;
    uint32_t rows = gather_held(g, but, &margin, &label);
    bool ok = conformal_fit(margin, label, rows, g->t->recipe->conformal, c);

    mem_free(margin);
    mem_free(label);
    return ok;
}

/* The test rows where part is `part`: what the tables say of them, and their labels. */
static void cover(const struct fitting *g, uint8_t part, const struct conformal *c)
{
    const struct fit_task *t = g->t;

    for (uint32_t i = 0; i < t->table->rows; i++) {
        struct uncertainty u;

        if (t->part[i] != part || t->label[i] > 1)
            continue;
        conformal_at(c, g->f->margin[i], &u);
        coverage_add(&g->f->coverage, t->label[i], u.set, u.bound[0], u.bound[1]);
    }
}

/* Where folds do the testing, the rows of each are held to what the others say: calibrated on
 * themselves, they would meet any promise. */
static void find_conformal(struct fitting *g)
{
    const struct fit_task *t = g->t;
    struct coverage *coverage = &g->f->coverage;
    struct conformal all, others;

    if (!(t->recipe->conformal > 0))
        return;
    coverage->level = t->recipe->conformal;
    for (uint32_t i = 0; i < t->table->rows; i++)
        coverage->calibration[g->fold_of[i] != 0 && t->label[i] == 1] += g->fold_of[i] != 0;
    if (!fit_conformal(g, 0, &all))
        return;
    for (uint8_t k = 1; k <= t->folds; k++) {
        if (!fit_conformal(g, k, &others))
            continue;
        cover(g, k, &others);
        conformal_free(&others);
    }
    model_set_conformal(g->f->model, &all);
}

/* After the model has scored the test rows. */
static void cover_test(const struct fitting *g)
{
    const struct conformal *c = model_conformal(g->f->model);

    if (c != NULL && g->t->folds == 0)
        cover(g, PART_TEST, c);
}

/* ---- self-training */

/* Each fit takes rows by what its own model says of them, through the one calibration: so what it
 * takes knows nothing of the labels of its fold. False where no fit takes others than before. */
static bool take_unlabelled(struct fitting *g)
{
    uint32_t rows = g->unlabelled_rows;
    double *probability = mem_array((size_t)rows + 1, sizeof *probability);
    uint8_t *label = mem_array((size_t)rows + 1, 1);
    bool is_changed = false;

    for (uint32_t i = 0; i <= g->folds; i++) {
        struct one_fit *f = &g->fit[i];
        uint32_t taken[2];

        for (uint32_t k = 0; k < rows; k++)
            probability[k] = model_probability(g->f->model, f->margin[k]);
        self_train_pick(&g->t->recipe->self_train, f->margin, probability, rows, f->labelled, label,
                        taken);
        is_changed |= memcmp(label, f->taken, rows) != 0;
        memcpy(f->taken, label, rows);
        if (f->fold == 0)
            memcpy(g->f->unlabelled.taken, taken, sizeof taken);
    }
    mem_free(probability);
    mem_free(label);
    return is_changed;
}

/* All fits and the calibration, again with the rows taken as long as there are others. */
static bool run_rounds(struct fitting *g, struct error *e)
{
    struct unlabelled *u = &g->f->unlabelled;

    u->rows = g->unlabelled_rows;
    u->is_learned = needs_no_label(g->t->recipe);
    for (;; u->rounds = ++g->round) {
        if (!run_all(g, e))
            return false;
        calibrate(g);
        if (g->round == g->t->recipe->self_train.rounds || u->rows == 0 || !take_unlabelled(g))
            return true;
        model_free(g->f->model);
        g->f->model = NULL;
        for (uint32_t i = 0; i <= g->folds; i++)
            g->fit[i].done_share = 0;
    }
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
    struct fitted *f = g->f;
    uint32_t rows = g->t->table->rows;

    if (g->t->folds == 0 && g->t->wants_learned)
        score_rows(g, f->model, NULL, rows, f->margin, g->t->run.workers);
    else if (g->t->folds == 0)
        score_where(g, f->model, g->t->part, PART_TEST, g->t->run.workers);
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
    fits_memory_init(&g.memory, t->fits, g.input);
    if (t->folds > 0)
        take_folds(t, g.fold_of);
    else if (wants_held_out(t))
        deal_folds(t, g.fold_of);
    else
        g.folds = 0;
    open_fits(&g);
    ok = ok && run_rounds(&g, e);
    if (ok) {
        find_conformal(&g);
        keep_held(&g);
        score_all(&g);
        cover_test(&g);
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
    close_fits(&g);
    ram_give_back();
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
