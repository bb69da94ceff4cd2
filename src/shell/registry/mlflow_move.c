/* A version of the registry to MLflow, and back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shell/link/http_client.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/registry/mlflow_inside.h"
#include "shell/registry/shared.h"

enum { PATH_MAX_BYTES = 2048, FOLDER_MAX = 1024 };

/* ---- small calls ---- */

static bool post(struct mlflow *m, const char *path, const struct buffer *body,
                 struct mlflow_answer *answer, struct error *e)
{
    return mlflow_call(m, "POST", path, body, answer, e);
}

/* Nothing of the answer is wanted. */
static bool tell(struct mlflow *m, const char *path, const struct buffer *body, struct error *e)
{
    struct mlflow_answer answer;
    bool ok = post(m, path, body, &answer, e);

    json_free(answer.document);
    return ok;
}

static bool copy(struct text found, char *out, size_t room, const char *what, struct error *e)
{
    if (found.length == 0 || found.length >= room)
        return error_set(e, ERROR_WORLD, "MLflow: an answer without %s", what);
    snprintf(out, room, "%.*s", TEXT_ARG(found));
    return true;
}

static bool get(struct mlflow *m, const char *path, const char *value, const char *more,
                const char *second, struct mlflow_answer *answer, struct error *e)
{
    struct buffer url;
    bool ok;

    buffer_init(&url, PATH_MAX_BYTES);
    buffer_add_text(&url, path);
    http_path_add(&url, text_of(value));
    if (more != NULL) {
        buffer_add_text(&url, more);
        http_path_add(&url, text_of(second));
    }
    ok = mlflow_call(m, "GET", buffer_text(&url), NULL, answer, e);
    buffer_fini(&url);
    return ok;
}

/* ---- experiment and run ---- */

static bool find_experiment(struct mlflow *m, char id[MLFLOW_ID_MAX], bool *is_there,
                            struct error *e)
{
    struct mlflow_answer answer;
    bool ok =
        get(m, "/api/2.0/mlflow/experiments/get-by-name?experiment_name=", mlflow_experiment(m),
            NULL, NULL, &answer, e);

    *is_there = ok;
    if (!ok)
        return strcmp(answer.code, "RESOURCE_DOES_NOT_EXIST") == 0;
    ok = copy(json_text_at(&answer.document->root, "experiment.experiment_id"), id, MLFLOW_ID_MAX,
              "an experiment's id", e);
    if (ok &&
        text_is(json_text_at(&answer.document->root, "experiment.lifecycle_stage"), "deleted"))
        ok = error_set(e, ERROR_INVALID,
                       "MLflow: experiment \"%s\" was deleted; hint: restore it there, or set "
                       "mlflow.experiment to another name",
                       mlflow_experiment(m));
    json_free(answer.document);
    return ok;
}

/* Another may make it between the two questions. */
static bool open_experiment(struct mlflow *m, char id[MLFLOW_ID_MAX], struct error *e)
{
    struct mlflow_answer answer;
    struct buffer body;
    bool ok, is_there;

    if (!find_experiment(m, id, &is_there, e))
        return false;
    if (is_there)
        return true;
    buffer_init(&body, MLFLOW_BODY_MAX);
    buffer_add_text(&body, "{\"name\":");
    json_add_text(&body, text_of(mlflow_experiment(m)));
    buffer_add_char(&body, '}');
    ok = post(m, "/api/2.0/mlflow/experiments/create", &body, &answer, e);
    buffer_fini(&body);
    if (ok)
        ok = copy(json_text_at(&answer.document->root, "experiment_id"), id, MLFLOW_ID_MAX,
                  "an experiment's id", e);
    else if (strcmp(answer.code, "RESOURCE_ALREADY_EXISTS") == 0)
        ok = find_experiment(m, id, &is_there, e) && is_there;
    json_free(answer.document);
    return ok;
}

struct run {
    char id[MLFLOW_ID_MAX];
    char folder[FOLDER_MAX]; /* of its files, behind mlflow-artifacts:/ */
    bool is_finished;
};

/* "mlflow-artifacts:/1/ab/artifacts", also with a host between. */
static bool take_folder(struct text uri, char folder[FOLDER_MAX], struct error *e)
{
    static const char scheme[] = "mlflow-artifacts:";
    struct text rest = uri;

    if (uri.length <= sizeof scheme || memcmp(uri.bytes, scheme, sizeof scheme - 1) != 0)
        return error_set(e, ERROR_INVALID,
                         "MLflow keeps the files of this experiment at %.*s, which it does not "
                         "pass on; hint: start it with --serve-artifacts and take an experiment "
                         "that is made then",
                         (int)(uri.length < 200 ? uri.length : 200), uri.bytes);
    rest.bytes += sizeof scheme - 1;
    rest.length -= sizeof scheme - 1;
    if (rest.length > 2 && memcmp(rest.bytes, "//", 2) == 0) {
        const char *slash = memchr(rest.bytes + 2, '/', rest.length - 2);
        size_t host = slash != NULL ? (size_t)(slash - rest.bytes) : rest.length;

        rest = (struct text){rest.bytes + host, rest.length - host};
    }
    while (rest.length > 0 && rest.bytes[0] == '/')
        rest = (struct text){rest.bytes + 1, rest.length - 1};
    return copy(rest, folder, FOLDER_MAX, "a folder of the run's files", e);
}

static bool take_run(const struct json *j, struct run *run, struct error *e)
{
    run->is_finished = text_is(json_text_at(j, "info.status"), "FINISHED");
    return copy(json_text_at(j, "info.run_id"), run->id, sizeof run->id, "a run's id", e) &&
           take_folder(json_text_at(j, "info.artifact_uri"), run->folder, e);
}

static bool find_run(struct mlflow *m, const char *experiment, const char *id, struct text sha256,
                     struct run *run, bool *is_there, struct error *e)
{
    struct mlflow_answer answer;
    const struct json *runs;
    struct buffer body;
    bool ok;

    buffer_init(&body, MLFLOW_BODY_MAX);
    buffer_add_text(&body, "{\"experiment_ids\":[");
    json_add_text(&body, text_of(experiment));
    buffer_format(&body,
                  "],\"max_results\":1,\"filter\":\"tags.`assay.model_sha256` = '%.*s' and "
                  "tags.`assay.model` = '%s'\"}",
                  TEXT_ARG(sha256), id);
    ok = post(m, "/api/2.0/mlflow/runs/search", &body, &answer, e);
    buffer_fini(&body);
    runs = ok ? json_at(&answer.document->root, "runs") : NULL;
    *is_there = runs != NULL && runs->kind == JSON_ARRAY && runs->count > 0;
    ok = ok && (!*is_there || take_run(&runs->items[0], run, e));
    json_free(answer.document);
    return ok;
}

static bool make_run(struct mlflow *m, const char *experiment, const struct model_id *id,
                     const struct json *lineage, const struct json *metrics, struct run *run,
                     struct error *e)
{
    char name[MODEL_ID_TEXT_MAX];
    struct mlflow_answer answer;
    struct buffer body;
    bool ok;

    model_id_format(id, name);
    buffer_init(&body, MLFLOW_BODY_MAX);
    buffer_add_text(&body, "{\"experiment_id\":");
    json_add_text(&body, text_of(experiment));
    buffer_format(&body, ",\"run_name\":\"%s\",\"start_time\":%" PRId64 ",", name,
                  mlflow_made_ms(lineage));
    mlflow_tags(id, lineage, metrics, &body);
    buffer_add_char(&body, '}');
    ok = post(m, "/api/2.0/mlflow/runs/create", &body, &answer, e);
    buffer_fini(&body);
    if (ok) {
        const struct json *made = json_at(&answer.document->root, "run");

        ok = made != NULL ? take_run(made, run, e)
                          : error_set(e, ERROR_WORLD, "MLflow: an answer without a run");
    }
    json_free(answer.document);
    return ok;
}

static bool finish_run(struct mlflow *m, const struct run *run, struct error *e)
{
    struct buffer body;
    bool ok;

    buffer_init(&body, MLFLOW_BODY_MAX);
    buffer_format(&body, "{\"run_id\":\"%s\",\"status\":\"FINISHED\",\"end_time\":%" PRId64 "}",
                  run->id, clock_now_us() / 1000);
    ok = tell(m, "/api/2.0/mlflow/runs/update", &body, e);
    buffer_fini(&body);
    return ok;
}

/* ---- files ---- */

/* What MLflow shows of a model that it has no code for. */
static void format_mlmodel(const struct model_id *id, const struct run *run,
                           const struct json *lineage, struct buffer *out)
{
    struct text version = json_text_at(lineage, "program.version"),
                made = json_text_at(lineage, "made");
    char text[MODEL_ID_TEXT_MAX];

    model_id_format(id, text);
    buffer_format(out,
                  "artifact_path: model\nflavors:\n  assay:\n    model: %s\n    data: model\n"
                  "    program: \"%.*s\"\nrun_id: %s\nutc_time_created: \"%.*s\"\n",
                  text, TEXT_ARG(version), run->id, TEXT_ARG(made));
}

static bool upload(struct mlflow *m, const struct run *run, const char *file, struct text bytes,
                   struct error *e)
{
    char path[FOLDER_MAX + SHARED_NAME_MAX + 16];

    snprintf(path, sizeof path, "%s/model/%s", run->folder, file);
    return mlflow_upload(m, path, bytes, e);
}

/* A report may be none. */
static const char *const file_names[] = {"model",     "lineage.json", "metrics.json",
                                         "card.html", "card.md",      "report.html"};

enum { FILES = sizeof file_names / sizeof *file_names };

static bool upload_files(struct mlflow *m, const char *data, const struct model_id *id,
                         const struct run *run, const struct json *lineage, struct error *e)
{
    struct registry_file file[FILES];
    struct buffer bytes[FILES], made;
    uint32_t files = 0;
    bool ok = true;

    for (int i = 0; i < FILES; i++)
        buffer_init(&bytes[i], SHARED_FILE_MAX);
    buffer_init(&made, MANIFEST_BYTES_MAX);
    for (int i = 0; i < FILES && ok; i++) {
        char path[REGISTRY_PATH_MAX];

        ok = registry_path(data, id, file_names[i], path, e);
        if (!ok || !file_exists(path))
            continue;
        ok = file_read(path, &bytes[i], e) &&
             upload(m, run, file_names[i], (struct text){bytes[i].bytes, bytes[i].length}, e);
        file[files++] = (struct registry_file){file_names[i], bytes[i].bytes, bytes[i].length};
    }
    format_mlmodel(id, run, lineage, &made);
    ok = ok && upload(m, run, "MLmodel", (struct text){made.bytes, made.length}, e);
    buffer_clear(&made);
    manifest_format(id, file, files, &made);
    ok = ok && upload(m, run, SHARED_MANIFEST, (struct text){made.bytes, made.length}, e);
    for (int i = 0; i < FILES; i++)
        buffer_fini(&bytes[i]);
    buffer_fini(&made);
    return ok;
}

static bool log_one(void *context, const struct buffer *body, struct error *e)
{
    return tell(context, "/api/2.0/mlflow/runs/log-batch", body, e);
}

/* ---- the registered model ---- */

static bool open_registered(struct mlflow *m, const char *name, struct error *e)
{
    struct mlflow_answer answer;
    struct buffer body;
    bool ok;

    buffer_init(&body, MLFLOW_BODY_MAX);
    buffer_format(&body, "{\"name\":\"%s\"}", name);
    ok = post(m, "/api/2.0/mlflow/registered-models/create", &body, &answer, e);
    buffer_fini(&body);
    json_free(answer.document);
    return ok || strcmp(answer.code, "RESOURCE_ALREADY_EXISTS") == 0;
}

static bool find_version(struct mlflow *m, const struct run *run, char version[MLFLOW_ID_MAX],
                         struct error *e)
{
    char filter[MLFLOW_ID_MAX + 32];
    struct mlflow_answer answer;
    const struct json *found;
    bool ok;

    version[0] = 0;
    snprintf(filter, sizeof filter, "run_id='%s'", run->id);
    ok = get(m, "/api/2.0/mlflow/model-versions/search?max_results=1&filter=", filter, NULL, NULL,
             &answer, e);
    found = ok ? json_at(&answer.document->root, "model_versions") : NULL;
    if (found != NULL && found->kind == JSON_ARRAY && found->count > 0)
        ok =
            copy(json_text_at(&found->items[0], "version"), version, MLFLOW_ID_MAX, "a version", e);
    json_free(answer.document);
    return ok;
}

static bool make_version(struct mlflow *m, const struct model_id *id, const struct run *run,
                         char version[MLFLOW_ID_MAX], struct error *e)
{
    char text[MODEL_ID_TEXT_MAX];
    struct mlflow_answer answer;
    struct buffer body;
    bool ok;

    model_id_format(id, text);
    buffer_init(&body, MLFLOW_BODY_MAX);
    buffer_format(&body, "{\"name\":\"%s\",\"run_id\":\"%s\",\"source\":", id->name, run->id);
    buffer_add_text(&body, "\"mlflow-artifacts:/");
    buffer_add_text(&body, run->folder);
    buffer_format(&body, "/model\",\"tags\":[{\"key\":\"assay.model\",\"value\":\"%s\"}]}", text);
    ok = post(m, "/api/2.0/mlflow/model-versions/create", &body, &answer, e);
    buffer_fini(&body);
    if (ok)
        ok = copy(json_text_at(&answer.document->root, "model_version.version"), version,
                  MLFLOW_ID_MAX, "a version", e);
    json_free(answer.document);
    return ok;
}

static bool set_aliases(struct mlflow *m, const char *data, const struct model_id *id,
                        const char *version, struct error *e)
{
    struct aliases a;
    bool ok = registry_aliases(data, &a, e);

    for (int i = 0; i < ALIASES && ok; i++) {
        struct buffer body;

        if (!a.is_set[i] || !model_id_equal(&a.model[i], id))
            continue;
        buffer_init(&body, MLFLOW_BODY_MAX);
        buffer_format(&body, "{\"name\":\"%s\",\"alias\":\"%s\",\"version\":\"%s\"}", id->name,
                      alias_name((enum alias)i), version);
        ok = tell(m, "/api/2.0/mlflow/registered-models/alias", &body, e);
        buffer_fini(&body);
    }
    return ok;
}

/* ---- push ---- */

static bool fill_run(struct mlflow *m, const char *data, const struct model_id *id,
                     const struct json *lineage, const struct json *metrics, const struct run *run,
                     struct error *e)
{
    return mlflow_batches(run->id, lineage, metrics, log_one, m, e) &&
           upload_files(m, data, id, run, lineage, e) && finish_run(m, run, e);
}

static bool push(struct mlflow *m, const char *data, const struct model_id *id,
                 const struct json *lineage, const struct json *metrics, struct mlflow_pushed *out,
                 struct error *e)
{
    char text[MODEL_ID_TEXT_MAX];
    struct run run = {.is_finished = false};
    bool is_there;

    model_id_format(id, text);
    if (!open_experiment(m, out->experiment, e) ||
        !find_run(m, out->experiment, text, json_text_at(lineage, "model_sha256"), &run, &is_there,
                  e) ||
        (!is_there && !make_run(m, out->experiment, id, lineage, metrics, &run, e)))
        return false;
    out->is_new = !run.is_finished;
    snprintf(out->run, sizeof out->run, "%s", run.id);
    if (!run.is_finished && !fill_run(m, data, id, lineage, metrics, &run, e))
        return false;
    return open_registered(m, id->name, e) && find_version(m, &run, out->version, e) &&
           (out->version[0] != 0 || make_version(m, id, &run, out->version, e)) &&
           set_aliases(m, data, id, out->version, e);
}

bool mlflow_push(struct mlflow *m, const char *data_directory, const struct model_id *id,
                 struct mlflow_pushed *pushed, struct error *e)
{
    struct json_document *lineage = NULL, *metrics = NULL;
    bool ok;

    *pushed = (struct mlflow_pushed){0};
    ok = registry_read(data_directory, id, "lineage.json", &lineage, e) &&
         registry_read(data_directory, id, "metrics.json", &metrics, e) &&
         push(m, data_directory, id, &lineage->root, &metrics->root, pushed, e);
    json_free(lineage);
    json_free(metrics);
    return ok;
}

/* ---- pull ---- */

static bool is_number(struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        if (t.bytes[i] < '0' || t.bytes[i] > '9')
            return false;
    }
    return t.length > 0 && t.length < 10;
}

/* Which version of the registered model, and where its files are. */
static bool find_registered(struct mlflow *m, struct text words, struct mlflow_pulled *out,
                            char folder[FOLDER_MAX], struct error *e)
{
    const char *at = words.length > 0 ? memrchr(words.bytes, '@', words.length) : NULL;
    size_t name_length = at != NULL ? (size_t)(at - words.bytes) : 0;
    char name[MLFLOW_NAME_MAX + 1], which[MLFLOW_NAME_MAX + 1];
    struct mlflow_answer answer;
    const struct json *found;
    struct text second;
    bool ok;

    if (name_length == 0 || name_length > MLFLOW_NAME_MAX || words.length == name_length + 1 ||
        words.length - name_length - 1 > MLFLOW_NAME_MAX)
        return error_set(e, ERROR_USAGE,
                         "expected NAME@ALIAS or NAME@NUMBER of a registered model of MLflow, such "
                         "as boost@champion; found \"%.*s\"",
                         (int)(words.length < 200 ? words.length : 200), words.bytes);
    second = (struct text){at + 1, words.length - name_length - 1};
    snprintf(name, sizeof name, "%.*s", (int)name_length, words.bytes);
    snprintf(which, sizeof which, "%.*s", TEXT_ARG(second));
    ok = is_number(second) ? get(m, "/api/2.0/mlflow/model-versions/get?name=", name,
                                 "&version=", which, &answer, e)
                           : get(m, "/api/2.0/mlflow/registered-models/alias?name=", name,
                                 "&alias=", which, &answer, e);
    if (!ok && answer.status == 400) /* so it says of an alias that there is not */
        e->kind = ERROR_NOT_FOUND;
    if (!ok)
        return false;
    found = json_at(&answer.document->root, "model_version");
    ok = copy(json_text_at(found, "version"), out->version, sizeof out->version, "a version", e) &&
         take_folder(json_text_at(found, "source"), folder, e);
    snprintf(out->run, sizeof out->run, "%.*s",
             (int)(json_text_at(found, "run_id").length < MLFLOW_ID_MAX
                       ? json_text_at(found, "run_id").length
                       : 0),
             json_text_at(found, "run_id").bytes);
    json_free(answer.document);
    return ok;
}

static bool download(struct mlflow *m, const char *folder, const char *file, struct buffer *out,
                     struct error *e)
{
    char path[FOLDER_MAX + SHARED_NAME_MAX + 2];

    snprintf(path, sizeof path, "%s/%s", folder, file);
    return mlflow_download(m, path, out, e);
}

static bool download_whole(struct mlflow *m, const char *folder, const struct manifest *manifest,
                           struct buffer bytes[REGISTRY_FILES_MAX], struct error *e)
{
    for (uint32_t i = 0; i < manifest->count; i++) {
        const struct manifest_file *f = &manifest->file[i];
        uint8_t digest[DIGEST_BYTES];

        bytes[i].max = f->bytes;
        if (!download(m, folder, f->name, &bytes[i], e) && e->kind != ERROR_FULL)
            return false;
        digest_bytes(bytes[i].length > 0 ? bytes[i].bytes : "", bytes[i].length, digest);
        if (!digest_equal(digest, f->digest, DIGEST_BYTES))
            return error_set(
                e, ERROR_INVALID,
                "MLflow: %s/%s is damaged: its size or SHA-256 is not that of its manifest; "
                "hint: delete the run there and push the model again",
                folder, f->name);
    }
    return true;
}

static bool identify(const struct buffer *lineage, struct model_id *id, char model[DIGEST_HEX],
                     struct error *e)
{
    struct json_reader *reader = json_reader_new();
    struct json_document *d = json_parse(reader, lineage->bytes, lineage->length, e);
    char text[MODEL_ID_TEXT_MAX];
    bool ok = false;

    if (d != NULL) {
        struct text name = json_text_at(&d->root, "name"),
                    version = json_text_at(&d->root, "version");
        struct text sha256 = json_text_at(&d->root, "model_sha256");

        ok = name.length <= MODEL_NAME_MAX && version.length < VERSION_TEXT_MAX &&
             sha256.length == DIGEST_HEX - 1;
        snprintf(text, sizeof text, "%.*s@%.*s", ok ? (int)name.length : 0, name.bytes,
                 ok ? (int)version.length : 0, version.bytes);
        snprintf(model, DIGEST_HEX, "%.*s", ok ? (int)sha256.length : 0, sha256.bytes);
        ok = ok && model_id_parse(text_of(text), id);
    }
    json_free(d);
    json_reader_free(reader);
    return ok || error_set(e, ERROR_INVALID, "MLflow: its lineage.json names no model of Assay");
}

/* There under its name and number: the same, or another. */
static bool compare(const char *data, const struct model_id *id, const char *model, bool *is_known,
                    struct error *e)
{
    char path[REGISTRY_PATH_MAX], text[MODEL_ID_TEXT_MAX];
    struct json_document *lineage;
    bool is_same;

    if (!registry_path(data, id, "", path, e))
        return false;
    *is_known = file_exists(path);
    if (!*is_known)
        return true;
    if (!registry_read(data, id, "lineage.json", &lineage, e))
        return false;
    is_same = text_is(json_text_at(&lineage->root, "model_sha256"), model);
    json_free(lineage);
    model_id_format(id, text);
    return is_same || error_set(e, ERROR_CONFLICT,
                                "%s of %s is another model than that of MLflow; hint: move it away "
                                "to take the one of MLflow",
                                text, data);
}

static bool keep(struct registry *r, const struct manifest *manifest,
                 struct buffer bytes[REGISTRY_FILES_MAX], struct mlflow_pulled *out,
                 struct error *e)
{
    struct registry_file file[REGISTRY_FILES_MAX];
    const struct manifest_file *lineage = manifest_find(manifest, "lineage.json");
    const struct manifest_file *model = manifest_find(manifest, "model");
    char wanted[DIGEST_HEX], found[DIGEST_HEX];
    bool is_known;

    if (lineage == NULL || model == NULL || manifest_find(manifest, "metrics.json") == NULL)
        return error_set(e, ERROR_INVALID,
                         "MLflow: a model needs model, lineage.json and metrics.json in its "
                         "manifest.json");
    if (!identify(&bytes[lineage - manifest->file], &out->id, wanted, e))
        return false;
    digest_hex(model->digest, found);
    if (strcmp(wanted, found) != 0)
        return error_set(e, ERROR_INVALID,
                         "MLflow: the model's SHA-256 is not the one that its lineage.json has");
    if (!compare(registry_data(r), &out->id, wanted, &is_known, e))
        return false;
    for (uint32_t i = 0; i < manifest->count; i++)
        file[i] = (struct registry_file){manifest->file[i].name, bytes[i].bytes, bytes[i].length};
    out->is_new = !is_known;
    return is_known || registry_add(r, &out->id, file, manifest->count, e);
}

bool mlflow_pull(struct mlflow *m, struct registry *r, struct text words, struct mlflow_pulled *out,
                 struct error *e)
{
    struct buffer bytes[REGISTRY_FILES_MAX], said;
    char folder[FOLDER_MAX];
    struct manifest manifest;
    bool ok;

    *out = (struct mlflow_pulled){0};
    if (!find_registered(m, words, out, folder, e))
        return false;
    buffer_init(&said, MANIFEST_BYTES_MAX);
    for (int i = 0; i < REGISTRY_FILES_MAX; i++)
        buffer_init(&bytes[i], SHARED_FILE_MAX);
    ok = download(m, folder, SHARED_MANIFEST, &said, e);
    if (!ok && e->kind == ERROR_NOT_FOUND)
        error_set(e, ERROR_INVALID,
                  "MLflow: %.*s is no model of Assay: it has no manifest.json; hint: take its file "
                  "by `assay model import`",
                  TEXT_ARG(words));
    ok = ok && manifest_parse((struct text){said.bytes, said.length}, &manifest, e) &&
         download_whole(m, folder, &manifest, bytes, e) && keep(r, &manifest, bytes, out, e);
    for (int i = 0; i < REGISTRY_FILES_MAX; i++)
        buffer_fini(&bytes[i]);
    buffer_fini(&said);
    return ok;
}
