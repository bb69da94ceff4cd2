#include "shell/train/train.h"

#include <stdio.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/data/json.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/os/thread.h"
#include "shell/report/metrics_json.h"
#include "shell/run/data_directory.h"
#include "shell/run/plans.h"
#include "shell/train/checks.h"
#include "shell/train/evaluate.h"
#include "shell/train/page.h"
#include "shell/train/register.h"

/* Everything between reading and the result. */
struct training {
    const struct train_options *o;
    struct train_result *r;
    struct feed feed;
    struct made_plan made;
    struct row_facts facts;
    struct table table;
    uint8_t *label; /* per table row */
    uint8_t *part;
    struct test_rows test;
    struct pool *pool;
    int64_t clock_us;
    uint32_t shared_checks; /* of all models; those that follow are of the first */
};

static double lap(struct training *t)
{
    int64_t before = t->clock_us;

    t->clock_us = clock_monotonic_us();
    return (double)(t->clock_us - before) / 1e6;
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
    return split_make(&t->facts, o->settings, &t->r->split, e);
}

static uint64_t wanted_rows(const struct training *t)
{
    uint64_t rows = 0;

    for (uint64_t i = 0; i < t->facts.rows; i++)
        rows += t->r->split.part[i] != 0;
    return rows;
}

static bool compute_features(struct training *t, struct error *e)
{
    struct state_options state = data_state_options(t->o->settings, t->o->simd, PASS_BATCH);
    uint64_t rows = wanted_rows(t);

    state.engine.workers = pool_workers(t->pool);
    if (rows > UINT32_MAX)
        return error_set(e, ERROR_INVALID,
                         "%lu rows to learn from are too many: narrow "
                         "model.validate.train",
                         (unsigned long)rows);
    if (!table_build(t->o->settings, t->made.plan, &t->feed, t->r->split.part, (uint32_t)rows,
                     &state, t->o->progress, &t->table, e))
        return false;
    t->label = mem_array(rows, 1);
    t->part = mem_array(rows, 1);
    for (uint32_t i = 0; i < t->table.rows; i++) {
        t->label[i] = t->facts.label[t->table.event[i]];
        t->part[i] = t->r->split.part[t->table.event[i]];
    }
    test_rows_gather(&t->facts, &t->r->split, &t->table, t->part, &t->test);
    t->r->feature_seconds = lap(t);
    return true;
}

static bool train_one(struct training *t, const char *name, const struct recipe *recipe,
                      struct error *e)
{
    struct trained *m = &t->r->model[t->r->models];
    int64_t start = clock_monotonic_us();
    struct fit_task task = {.recipe = recipe,
                            .settings = t->o->settings,
                            .plan = t->made.plan,
                            .table = &t->table,
                            .label = t->label,
                            .part = t->part,
                            .folds = t->r->split.folds,
                            .simd = t->o->simd,
                            .run = {.seed = t->o->settings->model.seed,
                                    .workers = pool_workers(t->pool),
                                    .progress = t->o->progress,
                                    .simd = t->o->simd}};

    m->name = name;
    m->recipe = recipe;
    if (!fit(&task, &m->fitted, e))
        return false;
    t->r->models++;
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

/* The model that was asked for and those that it is compared with: the ones wanted or, beside a
 * more complex one, the simple one. */
static bool fit_models(struct training *t, struct error *e)
{
    const struct settings *s = t->o->settings;
    const struct recipe_setting *asked = settings_recipe(s);
    bool ok = check_wanted(t, e) && train_one(t, asked->name, &asked->recipe, e);

    for (uint32_t i = 0; ok && t->o->models != NULL && i < s->model_count; i++) {
        if (&s->models[i] != asked && is_wanted(t->o->models, text_of(s->models[i].name)))
            ok = train_one(t, s->models[i].name, &s->models[i].recipe, e);
    }
    if (ok && t->o->models == NULL && asked->recipe.kind != MODEL_LOGISTIC) {
        t->r->simple = s->model.asked.recipe;
        t->r->simple.kind = MODEL_LOGISTIC;
        ok = train_one(t, model_kind_name(MODEL_LOGISTIC), &t->r->simple, e);
    }
    t->r->fit_seconds = lap(t);
    return ok;
}

static bool evaluate_models(struct training *t, struct error *e)
{
    for (uint32_t i = 0; i < t->r->models; i++) {
        if (!evaluate(&t->test, &t->r->model[i].fitted, t->o->settings, pool_workers(t->pool),
                      t->o->progress, &t->r->model[i].metrics, e))
            return false;
    }
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
    settings_print_plan(t->o->settings, t->feed.schema, plan_program(t->made.plan), &settings);
    page_data_json(t->r, &data);
    notes.metrics = (char *)buffer_text(&metrics);
    notes.data = (char *)buffer_text(&data);
    notes.settings = (char *)buffer_text(&settings);
    model_set_notes(t->r->model[model].fitted.model, &notes);
    buffer_fini(&metrics);
    buffer_fini(&data);
    buffer_fini(&settings);
}

static bool write_report(struct training *t, struct buffer *html, struct error *e)
{
    struct page_task task = {.o = t->o,
                             .r = t->r,
                             .plan = t->made.plan,
                             .table = &t->table,
                             .label = t->label,
                             .test = &t->test,
                             .facts = &t->facts,
                             .workers = pool_workers(t->pool)};

    snprintf(t->r->report_path, sizeof t->r->report_path, "%s/report.html", t->o->directory);
    return page_write(&task, html, &t->r->words, e);
}

/* ---- the registry ---- */

struct keeping {
    struct registering g;
    struct registration model[TRAIN_MODELS_MAX];
    struct buffer data, metrics[TRAIN_MODELS_MAX];
    struct buffer report;
};

/* The one that the settings have no recipe of is only there to be compared with. */
static bool is_kept(const struct training *t, uint32_t i)
{
    return t->r->model[i].recipe != &t->r->simple;
}

static const struct recipe_setting *recipe_of(const struct training *t, uint32_t i)
{
    const struct settings *s = t->o->settings;

    return i == 0 ? settings_recipe(s) : settings_model(s, t->r->model[i].name);
}

static const char *name_of(const struct settings *s, const struct recipe_setting *recipe)
{
    return recipe == &s->model.asked ? "model" : recipe->name;
}

static void metrics_of(const struct training *t, uint32_t i, struct buffer *out)
{
    const struct settings *s = t->o->settings;
    const struct trained *m = &t->r->model[i];
    const struct learned *l = &m->fitted.learned;

    buffer_format(out,
                  ",\"training_rows\":{\"before\":{\"legitimate\":%u,\"fraud\":%u},"
                  "\"after\":{\"legitimate\":%u,\"fraud\":%u}},\"calibrated\":%s,\"split\":",
                  l->before[0], l->before[1], l->after[0], l->after[1],
                  m->fitted.is_calibrated ? "true" : "false");
    page_split_json(&t->r->split, out);
    buffer_add_text(out, ",\"decision\":[");
    for (uint32_t k = 0; k < s->decision_count; k++) {
        buffer_add_text(out, k > 0 ? ",{\"outcome\":" : "{\"outcome\":");
        json_add_text(out, text_of(s->decision[k].name));
        buffer_add_text(out, ",\"threshold\":");
        json_add_real(out, (double)s->decision[k].score / 1000);
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "],\"checks\":");
    page_checks_json(t->r, i == 0 ? t->r->checks : t->shared_checks, out);
    buffer_add_text(out, ",\"test\":");
    metrics_json(&m->metrics, out);
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
        if (is_kept(t, i) && !registration_add(&k->g, &k->model[i], &k->report, e))
            return false;
    }
    return file_write(t->r->report_path, k->report.bytes, k->report.length, 0644, e);
}

static bool promote(struct training *t, struct keeping *k, struct error *e)
{
    bool is_better = t->r->model[0].metrics.better_than_chance;

    t->r->is_promoted =
        t->o->promotion == PROMOTE_ALWAYS || (t->o->promotion == PROMOTE_BETTER && is_better);
    return !t->r->is_promoted || registration_promote(&k->g, &k->model[0], !is_better, e);
}

/* Models first, champion last: what is cut short leaves the old one in force. */
static bool keep_models(struct training *t, struct error *e)
{
    struct keeping *k = mem_alloc(sizeof *k);
    bool ok;

    k->g = (struct registering){.directory = t->o->directory,
                                .settings = t->o->settings,
                                .plan = t->made.plan,
                                .events = t->o->path,
                                .now_us = t->o->now_us};
    memcpy(k->g.events_digest, t->r->counts.digest, DIGEST_BYTES);
    buffer_init(&k->data, 64 << 10);
    buffer_init(&k->report, REPORT_BYTES_MAX);
    for (uint32_t i = 0; i < t->r->models; i++)
        buffer_init(&k->metrics[i], REGISTRY_JSON_MAX);
    ok = registry_open(t->o->directory, &k->g.registry, e) && assign(t, k, e) &&
         write_report(t, &k->report, e) && add(t, k, e) && promote(t, k, e);
    registry_close(k->g.registry);
    for (uint32_t i = 0; i < t->r->models; i++) {
        buffer_fini(&k->metrics[i]);
        registration_fini(&k->model[i]);
    }
    buffer_fini(&k->report);
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
    if (!check_kind(t->o->settings, e) || !check_names(t, e) || !read_events(t, e) || !compute_features(t, e) ||
        !fit_models(t, e))
        return false;
    checks_of_data(t->r, t->o->settings);
    checks_of_features(t->r, t->made.plan, &t->table, t->label, t->part);
    if (!evaluate_models(t, e))
        return false;
    t->shared_checks = t->r->checks;
    checks_of_models(t->r);
    if (!keep_models(t, e))
        return false;
    t->r->evaluate_seconds = lap(t);
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
    ok = work(&t, e);
    r->all_seconds = (double)(clock_monotonic_us() - start) / 1e6;
    test_rows_free(&t.test);
    table_free(&t.table);
    mem_free(t.label);
    mem_free(t.part);
    row_facts_free(&t.facts);
    made_plan_fini(&t.made);
    feed_free(&t.feed);
    pool_free(t.pool);
    if (!ok)
        train_result_free(r);
    return ok;
}

void train_result_free(struct train_result *r)
{
    for (uint32_t i = 0; i < r->models; i++)
        fitted_free(&r->model[i].fitted);
    split_free(&r->split);
    buffer_fini(&r->words);
    r->models = 0;
}
