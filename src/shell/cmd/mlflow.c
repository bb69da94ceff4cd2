/* `assay mlflow push | pull` */
#include <stdio.h>
#include <string.h>

#include "core/data/json.h"
#include "shell/cmd/action.h"
#include "shell/cmd/tracking.h"
#include "shell/os/clock.h"
#include "shell/os/user.h"
#include "shell/run/data_directory.h"

/* ---- push ---- */

static void print_pushed(const struct invocation *v, const struct mlflow *m,
                         const struct model_id *id, const struct mlflow_pushed *p, bool is_first,
                         struct buffer *out)
{
    char text[MODEL_ID_TEXT_MAX];

    model_id_format(id, text);
    if (v->json)
        buffer_format(out,
                      "%s{\"model\":\"%s\",\"run\":\"%s\",\"experiment\":\"%s\",\"version\":\"%s\","
                      "\"new\":%s}",
                      is_first ? "" : ",", text, p->run, p->experiment, p->version,
                      p->is_new ? "true" : "false");
    else
        buffer_format(out, "%s is version %s of %s%s: %s/#/experiments/%s/runs/%s\n", text,
                      p->version, id->name, p->is_new ? "" : ", as it was", mlflow_url(m),
                      p->experiment, p->run);
}

static bool push_all(struct invocation *v, struct mlflow *m, const char *directory, struct error *e)
{
    struct mlflow_pushed pushed;
    struct model_id id;
    struct buffer out;
    uint32_t count = v->argument_count > 1 ? v->argument_count - 1 : 1;
    bool ok = true;

    buffer_init(&out, OUTPUT_MAX);
    buffer_add_text(&out, v->json ? "{\"pushed\":[" : "");
    for (uint32_t i = 0; i < count && ok; i++) {
        const char *words = v->argument_count > 1 ? v->argument[1 + i] : "champion";

        ok = tracking_push(m, directory, words, &id, &pushed, e);
        if (ok)
            print_pushed(v, m, &id, &pushed, i == 0, &out);
    }
    buffer_add_text(&out, v->json ? "]}\n" : "");
    ok = ok && print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool push(struct invocation *v, struct settings *s, struct mlflow *m, const char *directory,
                 struct error *e)
{
    char warning[REGISTRY_WARNING_MAX];
    struct data_artifacts shared;

    if (!registry_refresh(directory, data_artifacts(s, &shared), REGISTRY_ALL, warning, e))
        return false;
    if (warning[0] != 0)
        fprintf(stderr, "assay: %s\n", warning);
    return push_all(v, m, directory, e);
}

/* ---- pull ---- */

/* NAME@champion: what it says there is so here. NAME@3 says nothing. */
static bool promote(struct invocation *v, struct registry *r, const char *words,
                    const struct model_id *id, bool *is_promoted, struct error *e)
{
    const char *at = strrchr(words, '@');
    char user[USER_NAME_MAX];
    struct alias_change change = {.action = "promote",
                                  .model = *id,
                                  .is_forced = option_has(v, "force"),
                                  .by = user,
                                  .at_us = clock_now_us()};
    struct aliases before;

    *is_promoted = false;
    if (at == NULL || option_has(v, "no-promote") || !alias_find(text_of(at + 1), &change.alias))
        return true;
    user_name(user);
    if (!registry_aliases(registry_data(r), &before, e) || !registry_promote(r, &change, e))
        return false;
    *is_promoted = !before.is_set[change.alias] || !model_id_equal(&before.model[change.alias], id);
    return true;
}

static void print_pulled(const struct invocation *v, const char *words,
                         const struct mlflow_pulled *p, bool is_promoted, struct buffer *out)
{
    const char *as = strrchr(words, '@') + 1;
    char text[MODEL_ID_TEXT_MAX];

    model_id_format(&p->id, text);
    if (v->json) {
        buffer_format(out, "{\"model\":\"%s\",\"version\":\"%s\",\"run\":\"%s\",\"new\":%s,", text,
                      p->version, p->run, p->is_new ? "true" : "false");
        buffer_format(out, "\"promoted\":%s}\n", is_promoted ? "true" : "false");
    } else {
        buffer_format(out, "%s is %s%s", words, text, p->is_new ? "" : ", which was here");
        if (is_promoted)
            buffer_format(out, ", and %s now; a running `assay serve` takes it when it reloads",
                          as);
        buffer_add_char(out, '\n');
    }
}

static bool pull(struct invocation *v, struct settings *s, struct mlflow *m, const char *directory,
                 struct error *e)
{
    const char *words = v->argument[1];
    struct mlflow_pulled pulled;
    struct data_artifacts shared;
    struct registry *r;
    struct buffer out;
    bool ok, is_promoted;

    if (!registry_open(directory, data_artifacts(s, &shared), &r, e))
        return false;
    ok = mlflow_pull(m, r, text_of(words), &pulled, e) && registry_is_shared(r, e) &&
         promote(v, r, words, &pulled.id, &is_promoted, e);
    registry_close(r);
    if (!ok)
        return false;
    buffer_init(&out, OUTPUT_MAX);
    print_pulled(v, words, &pulled, is_promoted, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

/* ---- the command ---- */

static const struct {
    struct action action;
    bool (*run)(struct invocation *v, struct settings *s, struct mlflow *m, const char *directory,
                struct error *e);
} actions[] = {
    {{"push", 1, ARGUMENTS_MAX, "NAMEs of models"}, push},
    {{"pull", 2, 2, "one NAME@ALIAS"}, pull},
};

static bool mlflow_run(struct invocation *v, struct error *e)
{
    const __typeof__(actions[0]) *at = ACTION_FIND(v, actions, e);
    char directory[DATA_PATH_MAX];
    struct mlflow *m = NULL;
    struct settings *s;
    bool ok;

    if (at == NULL || !invocation_settings(v, &s, e))
        return false;
    ok = data_directory(s, directory, e) && tracking_open(s, &m, e) &&
         at->run(v, s, m, directory, e);
    mlflow_close(m);
    settings_free(s);
    return ok;
}

static const struct option options[] = {
    {"force", 0, NULL, "pull: put in force though it is no better than chance"},
    {"no-promote", 0, NULL, "pull: takes the model, and leaves those in force as they are"},
    {0},
};

const struct command command_mlflow = {
    .name = "mlflow",
    .group = GROUP_START,
    .summary = "models to a tracking server of MLflow, and back from it",
    .arguments = "push|pull [NAME...]",
    .least = 1,
    .most = ARGUMENTS_MAX - 1,
    .words =
        "push [NAME...]    of each (by default the champion): a run in mlflow.experiment with its "
        "parameters,\n                  metrics, tags, model file and report; a version of the "
        "registered model of its\n                  name; and the aliases that it has here. What "
        "is there already is left\n"
        "pull NAME@ALIAS   fetches the model that has this alias (or NAME@3: this number) there; "
        "one that is\n                  champion, challenger or shadow there is so here from then "
        "on\n"
        "\n"
        "Both may be repeated: the second time changes nothing. The server is mlflow.url or\n"
        "MLFLOW_TRACKING_URI; it must pass files on (--serve-artifacts, its default).",
    .options = options,
    .examples = "  assay mlflow push\n"
                "  assay mlflow push boost@1.0.0 forest@1.0.0\n"
                "  assay mlflow pull boost@champion && assay reload\n",
    .run = mlflow_run,
};
