#include "shell/registry/mlflow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/link/http_client.h"
#include "shell/os/clock.h"
#include "shell/registry/mlflow_inside.h"

enum { ATTEMPTS = 4, WAIT_LEAST_MS = 200, STALL_MS = 30000, PATH_MAX_BYTES = 2048 };

struct mlflow {
    struct http_client *client;
    char url[MLFLOW_URL_MAX];
    char experiment[MLFLOW_NAME_MAX + 1];
    struct buffer answer;
};

/* ---- opening ---- */

static const char *either(const char *given, const char *name)
{
    if (given == NULL || given[0] == 0)
        given = getenv(name);
    return given != NULL ? given : "";
}

static bool take_url(struct mlflow *m, const char *url, struct error *e)
{
    size_t length = strlen(url);

    if (length == 0)
        return error_set(e, ERROR_INVALID,
                         "no MLflow: set mlflow.url or MLFLOW_TRACKING_URI, such as "
                         "http://mlflow:5000");
    if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
        length >= sizeof m->url || strchr(url, '@') != NULL)
        return error_set(e, ERROR_INVALID,
                         "mlflow.url: expected a URL such as http://mlflow:5000 of up to %d bytes, "
                         "with nobody's name in it (mlflow.user, mlflow.token)",
                         MLFLOW_URL_MAX);
    while (length > 0 && url[length - 1] == '/')
        length--;
    snprintf(m->url, sizeof m->url, "%.*s", (int)length, url);
    return true;
}

static void connect_as(struct mlflow *m, const struct mlflow_place *p)
{
    const char *token = either(p->token, "MLFLOW_TRACKING_TOKEN");
    const char *user = either(p->user, "MLFLOW_TRACKING_USERNAME");
    const char *password = either(p->password, "MLFLOW_TRACKING_PASSWORD");
    struct http_peer peer = {.url = m->url, .ca = p->ca};
    struct buffer basic;

    buffer_init(&basic, 4096);
    buffer_format(&basic, "%s:%s", user, password);
    if (user[0] != 0)
        peer.basic = buffer_text(&basic);
    else if (token[0] != 0)
        peer.key = token;
    m->client = http_client_of(&peer);
    buffer_fini(&basic);
}

bool mlflow_open(const struct mlflow_place *place, struct mlflow **out, struct error *e)
{
    struct mlflow *m = mem_alloc(sizeof *m);
    bool ok;

    buffer_init(&m->answer, HTTP_ANSWER_MAX);
    ok = take_url(m, either(place->url, "MLFLOW_TRACKING_URI"), e);
    if (ok && (place->experiment == NULL || place->experiment[0] == 0 ||
               strlen(place->experiment) > MLFLOW_NAME_MAX))
        ok = error_set(e, ERROR_INVALID,
                       "mlflow.experiment: expected a name of 1 to %d bytes (by default `name` of "
                       "the settings)",
                       MLFLOW_NAME_MAX);
    if (!ok) {
        mlflow_close(m);
        return false;
    }
    snprintf(m->experiment, sizeof m->experiment, "%s", place->experiment);
    connect_as(m, place);
    *out = m;
    return true;
}

void mlflow_close(struct mlflow *m)
{
    if (m == NULL)
        return;
    http_client_free(m->client);
    buffer_fini(&m->answer);
    mem_free(m);
}

const char *mlflow_url(const struct mlflow *m)
{
    return m->url;
}

const char *mlflow_experiment(const struct mlflow *m)
{
    return m->experiment;
}

/* ---- asking ---- */

/* What changes nothing, or the same again, is asked again where that may help. */
static bool ask(struct mlflow *m, struct http_request *r, struct buffer *answer, int *status,
                struct error *e)
{
    bool may_again = strcmp(r->method, "POST") != 0, ok = false;
    struct http_reply reply;

    for (int i = 0; i < ATTEMPTS; i++) {
        if (i > 0)
            clock_sleep_us((INT64_C(1000) * WAIT_LEAST_MS) << (i - 1));
        ok = http_client_send(m->client, r, answer, &reply, e);
        *status = ok ? reply.status : 0;
        if (!may_again || (ok ? *status != 429 && *status < 500 : e->kind != ERROR_WORLD))
            break;
    }
    return ok ||
           (e->kind == ERROR_WORLD ? error_prefix(e, "MLflow does not answer (see mlflow.url)")
                                   : false);
}

static bool refused(const struct mlflow *m, const char *method, const char *path, int status,
                    const char *code, struct text words, struct error *e)
{
    enum error_kind kind = status == 404 || strcmp(code, "RESOURCE_DOES_NOT_EXIST") == 0
                               ? ERROR_NOT_FOUND
                               : ERROR_WORLD;
    const char *remedy = "";
    size_t shown = words.length < 300 ? words.length : 300;

    if (status == 401)
        remedy = "; hint: set mlflow.user and mlflow.password, or mlflow.token";
    else if (status == 403)
        remedy = "; hint: this user may not do that, or the server does not know the host's name "
                 "(--allowed-hosts)";
    return error_set(e, kind, "MLflow: %s %s%.200s: %d %s %.*s%s", method, m->url, path, status,
                     code, (int)shown, shown > 0 ? words.bytes : "", remedy);
}

bool mlflow_call(struct mlflow *m, const char *method, const char *path, const struct buffer *body,
                 struct mlflow_answer *answer, struct error *e)
{
    struct json_reader *reader;
    struct http_request r = {
        .method = method, .path = path, .type = "application/json", .stall_ms = STALL_MS};

    *answer = (struct mlflow_answer){0};
    if (body != NULL) {
        if (body->overflow)
            return error_set(e, ERROR_FULL, "a request to MLflow is over %zu bytes", body->max);
        r.body = (struct text){body->bytes, body->length};
    }
    if (!ask(m, &r, &m->answer, &answer->status, e))
        return false;
    reader = json_reader_new();
    answer->document = json_parse(reader, m->answer.bytes, m->answer.length, e);
    json_reader_free(reader);
    if (answer->status == 200 && answer->document != NULL)
        return true;
    if (answer->document != NULL) {
        const struct json *root = &answer->document->root;
        struct text code = json_text_at(root, "error_code"), words = json_text_at(root, "message");

        snprintf(answer->code, sizeof answer->code, "%.*s",
                 (int)(code.length < 63 ? code.length : 63), code.bytes);
        refused(m, method, path, answer->status, answer->code, words, e);
    } else {
        refused(m, method, path, answer->status, "", text_of("no JSON"), e);
    }
    json_free(answer->document);
    answer->document = NULL;
    return false;
}

/* ---- files ---- */

static void artifact_path(const char *path, struct buffer *out)
{
    buffer_add_text(out, "/api/2.0/mlflow-artifacts/artifacts/");
    while (*path != 0) {
        size_t part = strcspn(path, "/");

        http_path_add(out, (struct text){path, part});
        path += part;
        if (*path == '/') {
            buffer_add_char(out, '/');
            path++;
        }
    }
}

static bool move(struct mlflow *m, const char *method, const char *path, struct text bytes,
                 struct buffer *answer, struct error *e)
{
    struct http_request r = {.method = method, .body = bytes, .stall_ms = STALL_MS};
    struct buffer url;
    int status = 0;
    bool ok;

    buffer_init(&url, PATH_MAX_BYTES);
    artifact_path(path, &url);
    r.path = buffer_text(&url);
    ok = !url.overflow || error_set(e, ERROR_INVALID, "MLflow: a path of over %d bytes: %.60s...",
                                    PATH_MAX_BYTES, path);
    ok = ok && ask(m, &r, answer, &status, e);
    if (ok && status != 200)
        ok = refused(m, method, r.path, status, "",
                     text_of(status == 404 || status == 501 || status == 503
                                 ? "the file is not there, or the server does not pass files on "
                                   "(--serve-artifacts)"
                                 : ""),
                     e);
    buffer_fini(&url);
    return ok;
}

bool mlflow_upload(struct mlflow *m, const char *path, struct text bytes, struct error *e)
{
    if (bytes.bytes == NULL)
        bytes.bytes = "";
    return move(m, "PUT", path, bytes, &m->answer, e);
}

bool mlflow_download(struct mlflow *m, const char *path, struct buffer *out, struct error *e)
{
    return move(m, "GET", path, (struct text){NULL, 0}, out, e);
}

bool mlflow_check(struct mlflow *m, bool *has_experiment, struct error *e)
{
    struct mlflow_answer answer;
    struct buffer path;
    bool ok;

    buffer_init(&path, PATH_MAX_BYTES);
    buffer_add_text(&path, "/api/2.0/mlflow/experiments/get-by-name?experiment_name=");
    http_path_add(&path, text_of(m->experiment));
    ok = mlflow_call(m, "GET", buffer_text(&path), NULL, &answer, e);
    buffer_fini(&path);
    json_free(answer.document);
    *has_experiment = ok;
    return ok || strcmp(answer.code, "RESOURCE_DOES_NOT_EXIST") == 0;
}
