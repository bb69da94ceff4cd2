/* `assay explain ID`: asks a running server why an event was decided as it was. */
#include <stdio.h>

#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/link/http_client.h"

enum { PATH_MAX_BYTES = 1024 };

static struct text text_at(const struct json *object, const char *key)
{
    const struct json *v = json_get(object, key);

    return v != NULL && v->kind == JSON_TEXT ? v->text : (struct text){"", 0};
}

static double real_at(const struct json *object, const char *key)
{
    const struct json *v = json_get(object, key);

    return v == NULL ? 0 : v->kind == JSON_REAL ? v->real : (double)v->integer;
}

/* Everything but letters and digits as %XX. */
static bool path_of(const char *id, char path[PATH_MAX_BYTES])
{
    size_t at = (size_t)snprintf(path, PATH_MAX_BYTES, "/v1/decisions/");

    for (; *id != 0; id++) {
        unsigned char c = (unsigned char)*id;
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

        if (at + 32 > PATH_MAX_BYTES)
            return false;
        at += (size_t)snprintf(path + at, PATH_MAX_BYTES - at, is_plain ? "%c" : "%%%02X", c);
    }
    snprintf(path + at, PATH_MAX_BYTES - at, "/explanation");
    return true;
}

static void print_rules(const struct json *rules, struct buffer *out)
{
    for (uint32_t i = 0; rules != NULL && i < rules->count; i++) {
        const struct json *r = &rules->items[i];
        struct text words = text_at(r, "text");

        buffer_format(out, "\nrule %.*s leads to %.*s: %.*s\n", TEXT_ARG(text_at(r, "rule")),
                      TEXT_ARG(text_at(r, "then")),
                      TEXT_ARG(words.length > 0 ? words : text_at(r, "when")));
    }
}

static void print_features(const struct json *features, bool all, struct buffer *out)
{
    for (uint32_t i = 0; features != NULL && i < features->count; i++) {
        const struct json *f = &features->items[i], *c = json_get(f, "contribution");
        bool has = c != NULL && c->kind != JSON_NULL;

        if (!all && (!has || real_at(f, "contribution") == 0))
            continue;
        if (has)
            buffer_format(out, "  %+9.3f  ", real_at(f, "contribution"));
        else
            buffer_format(out, "  %9s  ", "");
        buffer_format(out, "%-20.*s  %.*s\n", TEXT_ARG(text_at(f, "code")),
                      TEXT_ARG(text_at(f, "text")));
    }
}

/* Features of an entity, and none of them has an earlier value of its own. */
static bool has_no_past(const struct json *features, struct text *entity)
{
    bool has_none = false;

    for (uint32_t i = 0; features != NULL && i < features->count; i++) {
        const struct json *own = json_get(&features->items[i], "own");

        if (own == NULL || own->kind != JSON_OBJECT)
            continue;
        if (real_at(own, "n") > 0)
            return false;
        *entity = text_at(own, "entity");
        has_none = true;
    }
    return has_none;
}

static void print_words(const struct json *x, bool all, struct buffer *out)
{
    const struct json *model = json_get(x, "model"), *complete = json_get(x, "complete");
    struct text entity;

    buffer_format(out, "%.*s of %.*s: %.*s, score %.0f, %.*s\n", TEXT_ARG(text_at(x, "id")),
                  TEXT_ARG(text_at(x, "time")), TEXT_ARG(text_at(x, "outcome")),
                  real_at(x, "score"), TEXT_ARG(text_at(x, "level")));
    print_rules(json_get(x, "rules"), out);
    if (complete != NULL && complete->kind == JSON_BOOL && !complete->boolean) {
        buffer_add_text(out, "\nthe log did not keep the values of its features\n");
        return;
    }
    if (model != NULL && model->kind == JSON_OBJECT)
        buffer_format(out, "\n%.*s model: margin %.3f = %.3f on average, and\n",
                      TEXT_ARG(text_at(model, "kind")), real_at(model, "margin"),
                      real_at(model, "base"));
    else
        buffer_add_text(out, "\nno model, rules only\n");
    print_features(json_get(x, "features"), all, out);
    if (has_no_past(json_get(x, "features"), &entity))
        buffer_format(out,
                      "\nNothing is said of what is usual for the %.*s itself: that is read off "
                      "its earlier decisions\nby this service, and there is none yet. Imported "
                      "history is in the features' windows, and was not decided.\n",
                      TEXT_ARG(entity));
}

static bool refused(int status, const struct json_document *d, struct error *e)
{
    enum error_kind kind = status == 404   ? ERROR_NOT_FOUND
                           : status >= 500 ? ERROR_WORLD
                                           : ERROR_INVALID;

    return error_set(e, kind, "%.*s%s", TEXT_ARG(text_at(&d->root, "detail")),
                     hint_of_status(status));
}

static bool ask(struct invocation *v, struct http_client *client, const char *path,
                struct json_reader *json, struct buffer *answer, struct error *e)
{
    struct json_document *d = NULL;
    struct buffer out;
    int status;
    bool ok;

    if (!http_client_ask(client, path, "application/json", (struct text){NULL, 0}, answer, &status,
                         e) ||
        (d = json_parse(json, answer->bytes, answer->length, e)) == NULL)
        return false;
    buffer_init(&out, OUTPUT_MAX);
    ok = status == 200 || refused(status, d, e);
    if (ok && v->json)
        buffer_add(&out, answer->bytes, answer->length);
    else if (ok)
        print_words(&d->root, option_has(v, "all"), &out);
    ok = ok && (v->json ? print_result(&out, e) : print_plain(&out, e));
    buffer_fini(&out);
    json_free(d);
    return ok;
}

static bool explain_run(struct invocation *v, struct error *e)
{
    char url[SERVICE_URL_MAX];
    struct http_client *client;
    struct http_peer peer;
    struct json_reader *json;
    struct buffer answer;
    char path[PATH_MAX_BYTES];
    bool ok;

    if (!path_of(v->argument[0], path))
        return error_set(e, ERROR_USAGE, "the id is too long");
    if (!invocation_service(v, NULL, url, &peer, e))
        return false;
    client = http_client_of(&peer);
    json = json_reader_new();
    buffer_init(&answer, HTTP_ANSWER_MAX);
    ok = ask(v, client, path, json, &answer, e);
    buffer_fini(&answer);
    json_reader_free(json);
    http_client_free(client);
    return ok;
}

static const struct option options[] = {
    {"all", 0, NULL, "features too that contributed nothing or are no input of the model"},
    OPTIONS_SERVICE,
    {0},
};

const struct command command_explain = {
    .name = "explain",
    .group = GROUP_DECIDE,
    .summary = "says why a running server decided an event as it did",
    .arguments = "ID",
    .least = 1,
    .most = 1,
    .words =
        "Every contribution to the model's margin, the largest first; how each value stands among\n"
        "those of all transactions, and what is usual for the entity itself by its last 200\n"
        "decisions; and the rules that fired. The contributions and the average add up to the\n"
        "margin. What is unusual is not yet a fraud, and what a model looks at no cause.",
    .options = options,
    .examples = "  assay explain 90001\n"
                "  assay explain 90001 --json\n",
    .run = explain_run,
};
