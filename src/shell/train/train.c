#include "shell/train/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/data/json.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/os/ram.h"
#include "shell/os/thread.h"
#include "shell/report/metrics_json.h"
#include "shell/run/data_directory.h"
#include "shell/run/plans.h"
#include "shell/train/checks.h"
#include "shell/train/evaluate.h"
#include "shell/train/findings.h"
#include "shell/train/page.h"
#include "shell/train/register.h"

/* Everything between reading and the result. */
struct training {
    const struct train_options *o;
    struct train_result *r;
    struct feed feed;
    struct made_plan made;
    struct row_facts facts;
    struct split_list inner; /* that a search tests on */
    struct table table;
    uint8_t *label; /* per table row */
    uint8_t *part;
    struct test_rows test;
    struct pool *pool;
    struct fits *fits;
    int64_t clock_us;
    uint32_t shared_checks; /* of all models; those that follow are of the first */
};

static double lap(struct training *t)
{
    int64_t before = t->clock_us;

    t->clock_us = clock_monotonic_us();
    return (double)(t->clock_us - before) / 1e6;
}

static const struct recipe_setting *wanted_model(const struct training *t, uint32_t i);

/* Folds to search on, where a model that is to be trained asks for a search. */
static bool split_search(struct training *t, struct error *e)
{
    uint32_t folds = 0;

    for (uint32_t i = 0; i <= t->o->settings->model_count; i++) {
        const struct recipe_setting *r = wanted_model(t, i);

        if (r != NULL && settings_searches(r) && r->search.folds > folds)
            folds = r->search.folds;
    }
    return folds == 0 || split_inner(&t->facts, t->o->settings, &t->r->split, &t->r->earlier, folds,
                                     &t->inner, e);
}

static bool wants_unlabelled(const struct training *t)
{
    for (uint32_t i = 0; i <= t->o->settings->model_count; i++) {
        const struct recipe_setting *r = wanted_model(t, i);

        if (r != NULL && (r->recipe.self_train.rounds > 0 || r->recipe.kind == MODEL_ISOLATION))
            return true;
    }
    return false;
}

static bool read_events(struct training *t, struct error *e)
{
    const struct train_options *o = t->o;

    if (!feed_load(o->settings, o->path, NULL, o->progress, &t->feed, e))
        return false;
    t->r->read_seconds = lap(t);
    if (!plan_make(o->settings, t->feed.schema, NULL, 0, &t->made, e) ||
        !row_facts_collect(&t->feed, o->settings, &t->facts, e))
        return false;
    t->r->counts = t->feed.counts;
    t->facts.wants_unlabelled = wants_unlabelled(t);
    return split_make(&t->facts, o->settings, &t->r->split, e) &&
           split_earlier(&t->facts, o->settings, &t->r->earlier, e) && split_search(t, e);
}

static void add_parts(uint8_t *all, const uint8_t *part, uint64_t rows)
{
    for (uint64_t i = 0; i < rows; i++)
        all[i] |= part[i] != 0;
}

/* Per event: whether any split needs it. The caller frees it. */
static uint8_t *wanted_rows(const struct training *t, uint64_t *count)
{
    uint8_t *all = mem_array(t->facts.rows, 1);

    add_parts(all, t->r->split.part, t->facts.rows);
    for (uint32_t k = 0; k < t->r->earlier.count; k++)
        add_parts(all, t->r->earlier.split[k].part, t->facts.rows);
    for (uint32_t k = 0; k < t->inner.count; k++)
        add_parts(all, t->inner.split[k].part, t->facts.rows);
    *count = 0;
    for (uint64_t i = 0; i < t->facts.rows; i++)
        *count += all[i];
    return all;
}

/* Per row of the table: its part in a split. The caller frees it. */
static uint8_t *table_part(const struct training *t, const struct split *split)
{
    uint8_t *part = mem_array(t->table.rows, 1);

    for (uint32_t i = 0; i < t->table.rows; i++)
        part[i] = split->part[t->table.event[i]];
    return part;
}

static bool compute_features(struct training *t, struct error *e)
{
    struct state_options state = data_state_options(t->o->settings, t->o->simd, PASS_BATCH);
    uint64_t rows;
    uint8_t *wanted = wanted_rows(t, &rows);
    bool ok = rows <= UINT32_MAX || error_set(e, ERROR_INVALID,
                                              "%lu rows to learn from are too many: narrow "
                                              "model.validate.train",
                                              (unsigned long)rows);

    state.engine.workers = pool_workers(t->pool);
    ok = ok && table_build(t->o->settings, t->made.plan, &t->feed, wanted, (uint32_t)rows, &state,
                           t->o->progress, &t->table, e);
    mem_free(wanted);
    if (!ok)
        return false;
    t->label = mem_array(rows, 1);
    for (uint32_t i = 0; i < t->table.rows; i++)
        t->label[i] = t->facts.label[t->table.event[i]];
    t->part = table_part(t, &t->r->split);
    test_rows_gather(&t->facts, &t->r->split, &t->table, t->part, &t->test);
    t->r->feature_seconds = lap(t);
    return true;
}

static struct fit_task fit_task_of(const struct training *t, const struct recipe *recipe,
                                   const uint8_t *part, uint32_t folds)
{
    return (struct fit_task){.recipe = recipe,
                             .settings = t->o->settings,
                             .plan = t->made.plan,
                             .table = &t->table,
                             .label = t->label,
                             .part = part,
                             .folds = folds,
                             .simd = t->o->simd,
                             .fits = t->fits,
                             .run = {.seed = t->o->settings->model.seed,
                                     .workers = pool_workers(t->pool),
                                     .progress = t->o->progress,
                                     .simd = t->o->simd}};
}

/* Better options for the recipe, where its settings ask for a search. */
static bool search_options(struct training *t, const struct recipe_setting *of, struct trained *m,
                           struct error *e)
{
    struct search_fold fold[SPLIT_FOLDS_MAX];
    struct test_rows test[SPLIT_FOLDS_MAX];
    struct search_task task = {.of = of, .fit = fit_task_of(t, NULL, NULL, 0), .fold = fold};
    bool ok;

    if (!settings_searches(of))
        return true;
    task.fit.fits = NULL; /* every trial is another recipe */
    task.folds = t->inner.count < of->search.folds ? t->inner.count : of->search.folds;
    for (uint32_t k = 0; k < task.folds; k++) {
        fold[k].part = table_part(t, &t->inner.split[k]);
        fold[k].test = &test[k];
        test_rows_gather(&t->facts, &t->inner.split[k], &t->table, fold[k].part, &test[k]);
    }
    ok = search_run(&task, &m->search, e);
    if (ok)
        m->recipe = &m->search.recipe;
    for (uint32_t k = 0; k < task.folds; k++) {
        mem_free(fold[k].part);
        test_rows_free(&test[k]);
    }
    return ok;
}

/* Where a recipe says none, that of the mildest outcome that has one. */
static double own_threshold(const struct recipe_setting *of, const struct trained *m)
{
    double least = 1;

    if (of->has_threshold)
        return of->threshold;
    for (uint32_t i = 0; i < m->thresholds; i++)
        least = fmin(least, (double)m->in_force[i].score / PLAN_SCORE_MAX);
    return least;
}

/* Scores for the goals of the settings, by the training rows that were held out. */
static bool find_thresholds(struct training *t, const struct recipe_setting *of, struct trained *m,
                            struct error *e)
{
    const struct settings *s = t->o->settings;
    struct test_rows held;
    double *probability;
    struct outcomes o;

    if (m->goals > 0) {
        test_rows_where(&t->facts, &t->table, m->fitted.held, &held);
        probability = mem_array(held.rows, sizeof *probability);
        for (uint32_t i = 0; i < held.rows; i++)
            probability[i] = m->fitted.held[held.row[i]];
        o = (struct outcomes){.rows = held.rows,
                              .probability = probability,
                              .label = held.label,
                              .amount = held.amount,
                              .day = held.day};
        for (uint32_t i = 0; i < m->goals; i++)
            m->goal[i].score = goal_threshold(&o, &m->goal[i].goal);
        mem_free(probability);
        test_rows_free(&held);
    }
    settings_thresholds(s, &m->thresholds);
    if (!settings_resolve(s, m->goal, m->goals, m->in_force, e))
        return false;
    m->threshold = own_threshold(of, m);
    return true;
}

static bool train_one(struct training *t, const char *name, const struct recipe_setting *of,
                      struct error *e)
{
    struct trained *m = &t->r->model[t->r->models];
    int64_t start = clock_monotonic_us();
    struct fit_task task;

    m->name = name;
    m->recipe = &of->recipe;
    m->self_gain.is_null = true;
    m->goal = mem_array(SETTINGS_GOALS_MAX, sizeof *m->goal);
    m->goals = settings_goals(t->o->settings, m->goal);
    t->r->models++; /* from here on the result frees it */
    if (!search_options(t, of, m, e))
        return false;
    task = fit_task_of(t, m->recipe, t->part, t->r->split.folds);
    task.wants_held = m->goals > 0;
    task.wants_learned = true;
    if (!fit(&task, &m->fitted, e) || !find_thresholds(t, of, m, e))
        return false;
    m->fit_seconds = (double)(clock_monotonic_us() - start) / 1e6;
    return true;
}

/* The next name of a list by commas; false at its end. */
static bool next_name(const char **list, struct text *name)
{
    size_t length = strcspn(*list, ",");

    if (**list == 0)
        return false;
    *name = (struct text){*list, length};
    *list += length + ((*list)[length] == ',');
    return true;
}

static bool is_wanted(const char *models, struct text name)
{
    struct text wanted;

    while (next_name(&models, &wanted)) {
        if (text_is(wanted, "all") || text_equal(wanted, name))
            return true;
    }
    return false;
}

static bool check_wanted(const struct training *t, struct error *e)
{
    const char *models = t->o->models != NULL ? t->o->models : "";
    const struct settings *s = t->o->settings;
    struct text wanted;

    while (next_name(&models, &wanted)) {
        bool found = text_is(wanted, "all");

        for (uint32_t i = 0; i < s->model_count && !found; i++)
            found = text_equal(wanted, text_of(s->models[i].name));
        if (!found)
            return error_set(e, ERROR_INVALID, "there is no \"%.*s\" under models in %s",
                             TEXT_ARG(wanted), s->path);
    }
    return true;
}

/* The model that was asked for, number 0, or one under `models` that is to be compared with it;
 * NULL: not wanted. */
static const struct recipe_setting *wanted_model(const struct training *t, uint32_t i)
{
    const struct settings *s = t->o->settings;
    const struct recipe_setting *asked = settings_recipe(s);

    if (i == 0)
        return asked;
    if (t->o->models == NULL || &s->models[i - 1] == asked ||
        !is_wanted(t->o->models, text_of(s->models[i - 1].name)))
        return NULL;
    return &s->models[i - 1];
}

/* The model that was asked for and those that it is compared with: the ones wanted or, beside a
 * more complex one, the simple one. */
static bool fit_models(struct training *t, struct error *e)
{
    const struct settings *s = t->o->settings;
    bool ok = check_wanted(t, e);

    for (uint32_t i = 0; i <= s->model_count; i++) {
        if (wanted_model(t, i) != NULL)
            fits_expect(t->fits, &wanted_model(t, i)->recipe);
    }
    for (uint32_t i = 0; ok && i <= s->model_count; i++) {
        const struct recipe_setting *r = wanted_model(t, i);

        ok = r == NULL || train_one(t, r->name, r, e);
    }
    if (ok && t->o->models == NULL && !t->facts.has_no_label &&
        settings_recipe(s)->recipe.kind != MODEL_LOGISTIC) {
        t->r->simple = (struct recipe_setting){.recipe = s->model.asked.recipe};
        t->r->simple.recipe.kind = MODEL_LOGISTIC;
        ok = train_one(t, model_kind_name(MODEL_LOGISTIC), &t->r->simple, e);
    }
    if (ok && settings_recipe(s)->recipe.self_train.rounds > 0) {
        t->r->plain = *settings_recipe(s);
        t->r->plain.recipe = *t->r->model[0].recipe; /* with what a search found */
        t->r->plain.recipe.self_train.rounds = 0;
        t->r->plain.search = (struct search_setting){0};
        ok = train_one(t, TRAIN_PLAIN, &t->r->plain, e);
    }
    fits_clear(t->fits);
    t->r->fit_seconds = lap(t);
    return ok;
}

/* ---- folds */

/* A fold of its own windows: fitted anew. */
static bool run_window(struct training *t, const struct split *split, const struct trained *m,
                       struct fold_row *row, struct error *e)
{
    uint8_t *part = table_part(t, split);
    struct fit_task task = fit_task_of(t, m->recipe, part, 0);
    struct test_rows test;
    struct fitted f;
    bool ok = fit(&task, &f, e);

    if (ok) {
        test_rows_gather(&t->facts, split, &t->table, part, &test);
        ok = evaluate_fold(&test, &f, row, e);
        test_rows_free(&test);
        fitted_free(&f);
    }
    mem_free(part);
    return ok;
}

/* The rows of one fold of those that tested each other. */
static bool run_dealt(struct training *t, uint32_t fold, const struct trained *m,
                      struct fold_row *row, struct error *e)
{
    static const struct split one;
    uint8_t *part = mem_array(t->table.rows, 1);
    struct test_rows test;
    bool ok;

    for (uint32_t i = 0; i < t->table.rows; i++)
        part[i] = t->part[i] == 1 + fold ? PART_TEST : PART_NONE;
    test_rows_gather(&t->facts, &one, &t->table, part, &test);
    ok = evaluate_fold(&test, &m->fitted, row, e);
    test_rows_free(&test);
    mem_free(part);
    return ok;
}

static bool run_fold(struct training *t, uint32_t fold, struct trained *m, struct error *e)
{
    if (t->r->split.folds > 0)
        return run_dealt(t, fold, m, &m->fold[fold], e);
    if (fold > 0)
        return run_window(t, &t->r->earlier.split[fold - 1], m, &m->fold[fold], e);
    fold_row_of(&m->metrics, &m->fold[0]);
    return true;
}

/* All models on one fold before the next: fits that they share are kept no longer. */
static bool run_folds(struct training *t, struct error *e)
{
    uint32_t dealt = t->r->split.folds, windows = t->r->earlier.count;
    uint32_t folds = dealt > 0 ? dealt : 1 + windows;

    if (dealt == 0 && windows == 0)
        return true;
    for (uint32_t k = 0; k < folds; k++) {
        for (uint32_t i = 0; i < t->r->models; i++) {
            struct trained *m = &t->r->model[i];

            if (m->fold == NULL) {
                m->folds = folds;
                m->fold = mem_array(folds, sizeof *m->fold);
            }
            if (!run_fold(t, k, m, e))
                return false;
        }
        fits_clear(t->fits);
    }
    return true;
}

/* What cannot be done without labels is refused rather than done by none. */
static bool check_unlabelled_wishes(const struct training *t, struct error *e)
{
    const struct settings *s = t->o->settings;
    struct goal_found *goal = mem_array(SETTINGS_GOALS_MAX, sizeof *goal);
    uint32_t goals = settings_goals(s, goal);

    mem_free(goal);
    if (goals > 0)
        return error_set(e, ERROR_INVALID,
                         "no event has a label, so no threshold reaches a goal: give `decision` "
                         "scores");
    for (uint32_t i = 0; i <= s->model_count; i++) {
        const struct recipe_setting *r = wanted_model(t, i);

        if (r != NULL && settings_searches(r))
            return error_set(e, ERROR_INVALID,
                             "no event has a label, so nothing says which options are better: "
                             "leave the search out");
        if (r != NULL && r->recipe.kind != MODEL_ISOLATION)
            return error_set(e, ERROR_INVALID, "no event has a label, and \"%s\" learns from them",
                             r->name);
    }
    return true;
}

/* How the scores lie; whether they find fraud, nothing says. */
static bool describe_anomalies(struct training *t, struct trained *m, struct error *e)
{
    struct fit_task task = fit_task_of(t, m->recipe, t->part, t->r->split.folds);
    const struct estimate none = {NAN, NAN, NAN, true};
    struct metrics *k = &m->metrics;

    *k = (struct metrics){.rows = t->test.rows, .chance_p = NAN, .fraud_amount = NAN};
    k->auc_roc = k->average_precision = k->card_precision_at_100 = k->recall_at_1pct_fpr = none;
    k->brier = k->log_loss = k->calibration_error = none;
    return anomalies_measure(&task, &m->fitted, &m->anomalies, e);
}

static bool evaluate_model(struct training *t, struct trained *m, struct error *e)
{
    if (t->facts.has_no_label)
        return describe_anomalies(t, m, e);
    return evaluate(&t->test, m, t->o->settings, pool_workers(t->pool), t->o->progress, e);
}

static bool evaluate_models(struct training *t, struct error *e)
{
    for (uint32_t i = 0; i < t->r->models; i++) {
        struct trained *m = &t->r->model[i];

        if (!evaluate_model(t, m, e))
            return false;
        if (t->r->model[i].recipe == &t->r->plain.recipe &&
            !evaluate_self_training(&t->test, m, &t->r->model[0], t->o->settings,
                                    pool_workers(t->pool), t->o->progress, e))
            return false;
        find_top_rows(&t->test, &t->facts, &t->table, m);
    }
    t->r->evaluate_seconds = lap(t);
    if (!t->facts.has_no_label && !run_folds(t, e))
        return false;
    t->r->fold_seconds = lap(t);
    return true;
}

/* Without times, paths and the like: the same events, settings and seed give the same bytes. */
static void note_model(struct training *t, uint32_t model)
{
    struct buffer metrics, data, settings;
    struct model_notes notes;

    buffer_init(&metrics, 4 << 20);
    buffer_init(&data, 64 << 10);
    buffer_init(&settings, 4 << 20);
    page_findings_json(t->r, model, &metrics);
    settings_print_trained(t->o->settings, t->feed.schema, plan_program(t->made.plan),
                           t->r->model[model].goal, t->r->model[model].goals, &settings);
    page_data_json(t->r, &data);
    notes.metrics = (char *)buffer_text(&metrics);
    notes.data = (char *)buffer_text(&data);
    notes.settings = (char *)buffer_text(&settings);
    model_set_notes(t->r->model[model].fitted.model, &notes);
    buffer_fini(&metrics);
    buffer_fini(&data);
    buffer_fini(&settings);
}

static bool write_report(struct training *t, uint32_t model, struct buffer *html, struct error *e)
{
    struct page_task task = {.o = t->o,
                             .r = t->r,
                             .plan = t->made.plan,
                             .table = &t->table,
                             .label = t->label,
                             .test = &t->test,
                             .facts = &t->facts,
                             .workers = pool_workers(t->pool),
                             .model = model,
                             .checks = model == 0 ? t->r->checks : t->shared_checks};

    snprintf(t->r->report_path, sizeof t->r->report_path, "%s/report.html", t->o->directory);
    return page_write(&task, html, model == 0 ? &t->r->words : NULL, e);
}

/* ---- the registry ---- */

struct keeping {
    struct registering g;
    struct registration model[TRAIN_MODELS_MAX];
    struct buffer data, metrics[TRAIN_MODELS_MAX];
    struct buffer report[TRAIN_MODELS_MAX];
};

static const struct recipe_setting *recipe_of(const struct training *t, uint32_t i)
{
    const struct settings *s = t->o->settings;

    return i == 0 ? settings_recipe(s) : settings_model(s, t->r->model[i].name);
}

/* The one that the settings have no recipe of is only there to be compared with. */
static bool is_kept(const struct training *t, uint32_t i)
{
    return recipe_of(t, i) != NULL;
}

static const char *name_of(const struct settings *s, const struct recipe_setting *recipe)
{
    return recipe == &s->model.asked ? "model" : recipe->name;
}

static void metrics_of(const struct training *t, uint32_t i, struct buffer *out)
{
    const struct trained *m = &t->r->model[i];
    const struct learned *l = &m->fitted.learned;

    buffer_format(out,
                  ",\"training_rows\":{\"before\":{\"legitimate\":%u,\"fraud\":%u},"
                  "\"after\":{\"legitimate\":%u,\"fraud\":%u}},\"calibrated\":%s,\"split\":",
                  l->before[0], l->before[1], l->after[0], l->after[1],
                  m->fitted.is_calibrated ? "true" : "false");
    page_split_json(t->r, out);
    buffer_add_text(out, ",\"decision\":[");
    for (uint32_t k = 0; k < m->thresholds; k++) {
        buffer_add_text(out, k > 0 ? ",{\"outcome\":" : "{\"outcome\":");
        json_add_text(out, text_of(m->in_force[k].name));
        buffer_add_text(out, ",\"threshold\":");
        json_add_real(out, (double)m->in_force[k].score / PLAN_SCORE_MAX);
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "],\"own_threshold\":");
    json_add_real(out, m->threshold);
    buffer_add_text(out, ",\"riskiest\":");
    findings_top(m, out);
    buffer_add_text(out, ",\"uncertainty\":");
    findings_coverage(&m->fitted.coverage, out);
    buffer_add_text(out, ",\"checks\":");
    page_checks_json(t->r, i == 0 ? t->r->checks : t->shared_checks, out);
    buffer_add_text(out, ",\"test\":");
    findings_test(t->r, i, out);
    if (t->facts.has_no_label) {
        buffer_add_text(out, ",\"anomalies\":");
        anomalies_json(&m->anomalies, out);
    }
}

static bool assign(struct training *t, struct keeping *k, struct error *e)
{
    page_data_json(t->r, &k->data);
    for (uint32_t i = 0; i < t->r->models; i++) {
        struct registration *m = &k->model[i];

        if (!is_kept(t, i))
            continue;
        note_model(t, i);
        metrics_of(t, i, &k->metrics[i]);
        m->model = t->r->model[i].fitted.model;
        m->recipe = recipe_of(t, i);
        m->name = name_of(t->o->settings, m->recipe);
        m->data = buffer_text(&k->data);
        m->frauds = t->r->split.train_frauds + t->r->split.test_frauds;
        m->metrics = buffer_text(&k->metrics[i]);
        if (!registration_assign(&k->g, m, e))
            return false;
        model_id_format(&m->id, t->r->model[i].id);
    }
    snprintf(t->r->model_path, sizeof t->r->model_path, "%s", k->model[0].path);
    return true;
}

static bool add(struct training *t, struct keeping *k, struct error *e)
{
    for (uint32_t i = 0; i < t->r->models; i++) {
        if (is_kept(t, i) && !registration_add(&k->g, &k->model[i], &k->report[i], e))
            return false;
    }
    return file_write(t->r->report_path, k->report[0].bytes, k->report[0].length, 0644, e);
}

/* A page for each model that is kept; the first is also the training's. */
static bool write_reports(struct training *t, struct keeping *k, struct error *e)
{
    for (uint32_t i = 0; i < t->r->models; i++) {
        if (is_kept(t, i) && !write_report(t, i, &k->report[i], e))
            return false;
    }
    return true;
}

static bool promote(struct training *t, struct keeping *k, struct error *e)
{
    /* Without labels there is nothing to be worse than. */
    bool is_better = t->r->model[0].metrics.better_than_chance || t->facts.has_no_label;

    t->r->is_promoted =
        t->o->promotion == PROMOTE_ALWAYS || (t->o->promotion == PROMOTE_BETTER && is_better);
    return !t->r->is_promoted || registration_promote(&k->g, &k->model[0], !is_better, e);
}

/* Models first, champion last: what is cut short leaves the old one in force. */
static bool keep_models(struct training *t, struct error *e)
{
    struct keeping *k = mem_alloc(sizeof *k);
    struct data_artifacts shared;
    bool ok;

    k->g = (struct registering){.directory = t->o->directory,
                                .settings = t->o->settings,
                                .plan = t->made.plan,
                                .events = t->o->path,
                                .now_us = t->o->now_us};
    memcpy(k->g.events_digest, t->r->counts.digest, DIGEST_BYTES);
    buffer_init(&k->data, 64 << 10);
    for (uint32_t i = 0; i < t->r->models; i++) {
        buffer_init(&k->report[i], REPORT_BYTES_MAX);
        buffer_init(&k->metrics[i], REGISTRY_JSON_MAX);
    }
    ok = registry_open(t->o->directory, data_artifacts(t->o->settings, &shared), &k->g.registry,
                       e) &&
         assign(t, k, e) && write_reports(t, k, e);
    table_free(&t->table); /* a large model's file takes as much memory as the model */
    ram_give_back();
    ok = ok && add(t, k, e) && registry_is_shared(k->g.registry, e) && promote(t, k, e);
    registry_close(k->g.registry);
    for (uint32_t i = 0; i < t->r->models; i++) {
        buffer_fini(&k->metrics[i]);
        buffer_fini(&k->report[i]);
    }
    buffer_fini(&k->data);
    mem_free(k);
    return ok;
}

/* Before hours of learning rather than after them. */
static bool check_names(const struct training *t, struct error *e)
{
    const struct settings *s = t->o->settings;
    const struct recipe_setting *asked = settings_recipe(s);

    if (!model_name_check(text_of(name_of(s, asked)), e))
        return false;
    for (uint32_t i = 0; t->o->models != NULL && i < s->model_count; i++) {
        if (is_wanted(t->o->models, text_of(s->models[i].name)) &&
            !model_name_check(text_of(s->models[i].name), e))
            return error_prefix(e, "%s: models", s->path);
    }
    return true;
}

/* Likewise: that the models can go where they are shared. */
static bool check_registry(const struct training *t, struct error *e)
{
    char warning[REGISTRY_WARNING_MAX];
    struct data_artifacts shared;

    if (!registry_refresh(t->o->directory, data_artifacts(t->o->settings, &shared),
                          REGISTRY_IN_FORCE, warning, e))
        return false;
    return warning[0] == 0 || error_set(e, ERROR_WORLD, "nothing was trained: %s", warning);
}

static bool check_kind(const struct settings *s, struct error *e)
{
    if (!settings_has_model(s))
        return error_set(
            e, ERROR_INVALID,
            "model.kind is none: there is nothing to train; set it to boost or logistic");
    return true;
}

static bool work(struct training *t, struct error *e)
{
    struct check_task checks;

    if (!check_kind(t->o->settings, e) || !check_names(t, e) || !check_registry(t, e) ||
        !read_events(t, e) || (t->facts.has_no_label && !check_unlabelled_wishes(t, e)) ||
        !compute_features(t, e) || !fit_models(t, e))
        return false;
    checks =
        (struct check_task){t->o->settings, t->made.plan, &t->facts, &t->table, t->label, t->part};
    checks_of_data(t->r, t->o->settings);
    checks_of_split(t->r, &checks);
    checks_of_features(t->r, &checks);
    if (!evaluate_models(t, e))
        return false;
    t->shared_checks = t->r->checks;
    checks_of_models(t->r, &checks);
    ram_give_back();
    if (!keep_models(t, e))
        return false;
    t->r->evaluate_seconds += lap(t);
    return true;
}

bool train(const struct train_options *o, struct train_result *r, struct error *e)
{
    struct training t = {.o = o, .r = r};
    int64_t start = clock_monotonic_us();
    bool ok;

    *r = (struct train_result){0};
    buffer_init(&r->words, 1 << 20);
    t.clock_us = start;
    t.pool = pool_new(o->threads);
    t.fits = fits_new();
    ok = work(&t, e);
    r->all_seconds = (double)(clock_monotonic_us() - start) / 1e6;
    split_list_free(&t.inner);
    test_rows_free(&t.test);
    table_free(&t.table);
    mem_free(t.label);
    mem_free(t.part);
    row_facts_free(&t.facts);
    made_plan_fini(&t.made);
    feed_free(&t.feed);
    fits_free(t.fits);
    pool_free(t.pool);
    if (!ok)
        train_result_free(r);
    return ok;
}

void train_result_free(struct train_result *r)
{
    for (uint32_t i = 0; i < r->models; i++) {
        fitted_free(&r->model[i].fitted);
        search_free(&r->model[i].search);
        mem_free(r->model[i].goal);
        mem_free(r->model[i].fold);
    }
    split_list_free(&r->earlier);
    split_free(&r->split);
    buffer_fini(&r->words);
    r->models = 0;
}
