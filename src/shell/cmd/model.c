/* `assay model ACTION`: one row of `actions` each. */
#include <stdio.h>
#include <string.h>

#include "core/data/json.h"
#include "core/model/export.h"
#include "shell/cmd/cmd.h"
#include "shell/cmd/model_actions.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/report/compare.h"
#include "shell/run/data_directory.h"
#include "shell/train/import_model.h"

/* ---- import ---- */

static bool print_imported(struct invocation *v, const struct import_result *r, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json) {
        buffer_add_text(&out, "{\"model\":{\"path\":");
        json_add_text(&out, text_of(r->path));
        buffer_add_text(&out, ",\"id\":");
        json_add_text(&out, text_of(r->id));
        buffer_add_text(&out, "},\"data\":");
        import_result_json(r, &out);
        buffer_add_text(&out, "}\n");
    } else {
        buffer_format(&out, "%s: %u of its %u columns are used, %u trees\n", r->found->library,
                      r->inputs, r->found->inputs, model_tree_count(r->model));
        for (uint32_t i = 0; i < r->inputs; i++)
            buffer_format(&out, "  %-24s %s\n", r->found->input[r->column[i]].name,
                          model_input(r->model, i)->name);
        for (uint32_t i = 0; i < r->found->notes; i++)
            buffer_format(&out, "note    %s\n", r->found->note[i]);
        buffer_format(&out,
                      "model   %s, the champion\nfile    %s\nnext    assay score, assay serve\n",
                      r->id, r->path);
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool run_import(struct invocation *v, struct settings *s, const char *directory,
                       struct error *e)
{
    struct import_task task = {.settings = s,
                               .path = v->argument[1],
                               .name = option_get(v, "name"),
                               .inputs = option_get(v, "inputs"),
                               .directory = directory,
                               .now_us = clock_now_us(),
                               .options.output = option_get(v, "output")};
    struct import_result r;
    int64_t iterations = 0;
    bool ok;

    if (!option_whole(v, "iterations", 1, IMPORTED_TREES_MAX, &iterations, e))
        return false;
    task.options.iterations = (uint32_t)iterations;
    if (!import_file(&task, &r, e))
        return false;
    ok = print_imported(v, &r, e);
    import_result_free(&r);
    return ok;
}

/* ---- export ---- */

static bool write_onnx(const struct buffer *file, const char *path, const char *to, struct error *e)
{
    struct model *m = NULL;
    struct buffer out;
    bool ok;

    buffer_init(&out, MODEL_BYTES_MAX);
    ok = model_parse(file->bytes, file->length, &m, e) || error_prefix(e, "%s", path);
    ok = ok && export_onnx(m, ASSAY_VERSION, &out, e) &&
         file_write(to, out.bytes, out.length, 0644, e);
    model_free(m);
    buffer_fini(&out);
    return ok;
}

static bool run_export(struct invocation *v, struct settings *s, const char *directory,
                       struct error *e)
{
    const char *format = option_get(v, "format"), *to = v->argument[1];
    char path[CURRENT_PATH_MAX];
    struct buffer file, out;
    bool ok;

    if (format != NULL && strcmp(format, "onnx") != 0)
        return error_set(e, ERROR_USAGE, "--format: expected onnx, found \"%s\"", format);
    if (!registry_champion(directory, path, e))
        return false;
    buffer_init(&file, MODEL_BYTES_MAX);
    buffer_init(&out, OUTPUT_MAX);
    ok = file_read(path, &file, e) && write_onnx(&file, path, to, e);
    if (ok && v->json) {
        buffer_add_text(&out, "{\"exported\":{\"format\":\"onnx\",\"path\":");
        json_add_text(&out, text_of(to));
        buffer_add_text(&out, "}}\n");
    } else if (ok) {
        buffer_format(&out, "%s -> %s\n", path, to);
    }
    ok = ok && print_result(&out, e);
    buffer_fini(&file);
    buffer_fini(&out);
    return ok;
}

/* ---- the command ---- */

static const struct model_action actions[] = {
    {{"card", 2, 2, "a NAME"}, true, model_card},
    {{"compare", 1, 1 + COMPARE_MODELS_MAX, "two to 16 models"}, true, model_compare},
    {{"export", 2, 2, "a FILE"}, true, run_export},
    {{"import", 2, 2, "a FILE"}, false, run_import},
    {{"list", 1, 1, "nothing more"}, true, model_list},
    {{"promote", 2, 2, "a NAME"}, true, model_promote},
    {{"pull", 1, 1, "nothing more"}, false, model_pull},
    {{"push", 1, 2, "at most one NAME"}, false, model_push},
    {{"rollback", 1, 1, "nothing more"}, false, model_rollback},
    {{"show", 2, 2, "a NAME"}, true, model_show},
};

static bool refresh(const struct settings *s, const char *directory, struct error *e)
{
    char warning[REGISTRY_WARNING_MAX];
    struct data_artifacts shared;

    if (!registry_refresh(directory, data_artifacts(s, &shared), REGISTRY_ALL, warning, e))
        return false;
    if (warning[0] != 0)
        fprintf(stderr, "assay: %s\n", warning);
    return true;
}

static bool model_run(struct invocation *v, struct error *e)
{
    const struct model_action *at = ACTION_FIND(v, actions, e);
    char directory[DATA_PATH_MAX];
    struct settings *s;
    bool ok;

    if (at == NULL)
        return false;
    if (!invocation_settings(v, &s, e))
        return false;
    ok = data_directory(s, directory, e) && (!at->looks || refresh(s, directory, e)) &&
         at->run(v, s, directory, e);
    settings_free(s);
    return ok;
}

static const struct option options[] = {
    {"as", 0, "ALIAS", "promote: champion (the default), challenger or shadow"},
    {"at", 0, "LIST", "compare: at these probabilities, by commas, not at the decisions'"},
    {"force", 0, NULL, "promote: though it is no better than chance"},
    {"format", 0, "NAME", "card: markdown (the default) or html; export: onnx (the default)"},
    {"from", 0, "TIME", "compare --live: events from this time on"},
    {"inputs", 0, "LIST",
     "import: FEATURE=COLUMN,... where names differ, or the features of all columns in order"},
    {"iterations", 0, "N", "import: take the first N boosting rounds (default: all)"},
    {"live", 0, NULL, "compare: champion, challenger and shadow over the decisions of the log"},
    {"name", 0, "NAME", "import: the model's name"},
    {"output", 0, "TENSOR", "import: which result of an ONNX graph is the score"},
    {0},
};

const struct command command_model = {
    .name = "model",
    .group = GROUP_START,
    .summary = "the models of the data directory: lists, compares, promotes, imports, exports them",
    .arguments = "list|show|compare|promote|rollback|push|pull|card|import|export [NAME...]",
    .least = 1,
    .most = 1 + COMPARE_MODELS_MAX,
    .words =
        "list          all models, version by version, and which is in force\n"
        "show NAME     what it is, what it learned from, how good it is, who promoted it\n"
        "compare A B   side by side, and which differences are inside the intervals\n"
        "compare --live  what champion, challenger and shadow said of the events that the service\n"
        "              decided, against the labels known by now; beside a running service too\n"
        "promote NAME  puts it in force as champion (from the next start or reload of `serve` on), "
        "or --as\n"
        "rollback      puts the champion before this one in force again\n"
        "push [NAME]   puts those that are only here where registry.artifacts shares them; of NAME "
        "also what\n              was lost or damaged there\n"
        "pull          fetches all that are shared and not here\n"
        "card NAME     its model card, after Mitchell et al. 2019\n"
        "import FILE   reads a model of XGBoost (JSON, UBJSON), LightGBM (text) or ONNX and puts "
        "it in force:\n"
        "              its columns become features of the settings, by name or as --inputs "
        "says\n"
        "export FILE   writes the champion as ONNX; kinds that it cannot say are refused\n"
        "\n"
        "NAME is a model's newest version; NAME@1.2.0 and NAME@champion say which, as does "
        "`champion`\nalone. A version's first number changes with its inputs, the second with its "
        "recipe, the third\nwith all else.",
    .options = options,
    .examples = "  assay model list\n"
                "  assay model compare champion forest boost@1.2.0\n"
                "  assay model compare --live --from 2026-05-01\n"
                "  assay model promote forest@1.0.3\n"
                "  assay model promote forest --as challenger\n"
                "  assay model push\n"
                "  assay model card champion > card.md\n"
                "  assay model import model.ubj\n"
                "  assay model import model.txt --inputs ratio=amount_ratio,risk=terminal_risk\n"
                "  assay model import model.onnx --inputs amount,n_1d,ratio   # it has no names\n"
                "  assay model export --format onnx model.onnx\n",
    .run = model_run,
};
