#include "shell/train/train.h"

#include <unistd.h>

#include "shell/cmd/cmd.h"
#include "shell/cmd/tracking.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/run/data_directory.h"

static void print_registered(const struct train_result *r, struct buffer *out)
{
    for (uint32_t i = 0; i < r->models; i++) {
        if (r->model[i].id[0] != 0)
            buffer_format(out, "model   %s%s\n", r->model[i].id,
                          i == 0 && r->is_promoted ? ", the champion" : "");
    }
}

static void print_next(const struct train_options *o, const struct train_result *r,
                       struct buffer *out)
{
    if (r->is_promoted)
        buffer_add_text(out, "next    assay serve\n");
    else if (o->promotion == PROMOTE_NEVER)
        buffer_format(out, "next    assay model promote %s\n", r->model[0].id);
    else
        buffer_format(out,
                      "not promoted, since it is no better than chance\n"
                      "next    assay model show %s\n",
                      r->model[0].id);
}

static bool print_trained(struct invocation *v, const struct train_options *o,
                          const struct train_result *r, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json) {
        train_result_json(r, &out);
        buffer_add_char(&out, '\n');
    } else {
        buffer_add(&out, r->words.bytes, r->words.length);
        buffer_add_char(&out, '\n');
        print_registered(r, &out);
        buffer_format(&out,
                      "file    %s\nreport  %s\nin %.1f s: reading %.1f, features %.1f, learning "
                      "%.1f, folds %.1f, evaluating %.1f\n",
                      r->model_path, r->report_path, r->all_seconds, r->read_seconds,
                      r->feature_seconds, r->fit_seconds, r->fold_seconds, r->evaluate_seconds);
        print_next(o, r, &out);
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

/* `--search` goes over what the settings say of the model in force. */
static bool ask_search(const struct invocation *v, struct settings *s, struct error *e)
{
    struct recipe_setting *r = settings_model_of(s);
    int64_t trials = 0;

    if (!option_whole(v, "search", 1, 10000, &trials, e))
        return false;
    if (trials == 0)
        return true;
    r->search.trials = (uint32_t)trials;
    settings_search_fill(r);
    return r->search.over_count > 0 ||
           error_set(e, ERROR_INVALID,
                     "--search: give the options to search under search.over of the model, such as "
                     "over: {boost.leaves: [4, 64]}");
}

/* Those that were registered, to MLflow. What was trained is kept whatever becomes of it. */
static bool track(struct mlflow *m, const char *directory, const struct train_result *r,
                  struct error *e)
{
    for (uint32_t i = 0; m != NULL && i < r->models; i++) {
        struct mlflow_pushed pushed;
        struct model_id id;

        if (r->model[i].id[0] != 0 &&
            !tracking_push(m, directory, r->model[i].id, &id, &pushed, e)) {
            struct error why = *e;

            return error_set(e, why.kind,
                             "%.800s; the models are registered; hint: `assay mlflow "
                             "push %s` logs them later",
                             why.text, r->model[i].id);
        }
    }
    return true;
}

static bool train_run(struct invocation *v, struct error *e)
{
    struct terminal terminal = terminal_of(STDOUT_FILENO);
    int64_t threads = cpu_count();
    char directory[DATA_PATH_MAX];
    struct mlflow *mlflow = NULL;
    struct settings *s;
    struct train_result r;
    bool ok;

    if (!option_whole(v, "threads", 1, 256, &threads, e) || !invocation_settings(v, &s, e))
        return false;
    ok = data_directory(s, directory, e) && ask_search(v, s, e) &&
         ((!option_has(v, "mlflow") && !s->mlflow.train) || tracking_open(s, &mlflow, e));
    if (ok) {
        struct train_options o = {.settings = s,
                                  .path = v->argument_count > 0 ? v->argument[0] : NULL,
                                  .models = option_get(v, "models"),
                                  .directory = directory,
                                  .threads = (uint32_t)threads,
                                  .simd = v->simd,
                                  .now_us = clock_now_us(),
                                  .promotion = option_has(v, "force")        ? PROMOTE_ALWAYS
                                               : option_has(v, "no-promote") ? PROMOTE_NEVER
                                                                             : PROMOTE_BETTER,
                                  .progress = term_progress(&v->term),
                                  .terminal = v->json ? NULL : &terminal};

        ok = train(&o, &r, e);
        term_clear(&v->term);
        if (ok) {
            ok = print_trained(v, &o, &r, e) && track(mlflow, directory, &r, e);
            train_result_free(&r);
        }
    }
    mlflow_close(mlflow);
    settings_free(s);
    return ok;
}

static const struct option options[] = {
    {"force", 0, NULL, "put the model in force though it is no better than chance"},
    {"no-promote", 0, NULL, "register the model, but leave the one in force as it is"},
    {"mlflow", 0, NULL, "log every model that is registered to MLflow; see `assay mlflow`"},
    {"models", 0, "NAMES",
     "also those under `models` of the settings, by commas, or `all`: compared on one split"},
    {"search", 0, "TRIALS",
     "try so many settings of the model's options on folds of the training events; take the best"},
    {"threads", 't', "N", "threads to learn with (default: all processors); the model is the same"},
    OPTION_MEMORY,
    {0},
};

const struct command command_train = {
    .name = "train",
    .group = GROUP_START,
    .summary = "computes features, learns a model, evaluates it honestly, writes a report",
    .arguments = "[FILE]",
    .most = 1,
    .words =
        "Reads the events of the settings' source (or FILE), computes every feature as it would "
        "have\nbeen computed live, learns on one part and tests on another that the model did not "
        "see.\nRegisters the model with report and card in the data directory (`assay model list`)."
        "\nThe model is champion from then on, which `serve` and `score` use, unless it is no "
        "better\nthan chance. The newest report.html stands in the data directory too."
        "\nWith several kinds of event FILE is a directory that has their files.",
    .options = options,
    .examples = "  assay train\n"
                "  assay train --set model.kind=logistic --json\n"
                "  assay train --models all\n"
                "  assay train --search 30\n",
    .run = train_run,
};
