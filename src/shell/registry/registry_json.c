#include "shell/registry/registry_json.h"

#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/os/file.h"

static void add_text(struct buffer *out, const char *key, struct text value)
{
    buffer_format(out, ",\"%s\":", key);
    json_add_text(out, value);
}

static void add_aliases(const struct aliases *a, const struct model_id *id, struct buffer *out)
{
    const char *comma = "";

    buffer_add_text(out, ",\"aliases\":[");
    for (int i = 0; i < ALIASES; i++) {
        if (a->is_set[i] && model_id_equal(&a->model[i], id)) {
            buffer_format(out, "%s\"%s\"", comma, alias_name((enum alias)i));
            comma = ",";
        }
    }
    buffer_add_char(out, ']');
}

static void open_model(const struct model_id *id, const struct aliases *a, struct buffer *out)
{
    char text[MODEL_ID_TEXT_MAX];

    model_id_format(id, text);
    buffer_add_text(out, "{\"id\":");
    json_add_text(out, text_of(text));
    add_aliases(a, id, out);
}

/* ---- list ---- */

static bool list_one(const char *data_directory, const struct model_id *id, const struct aliases *a,
                     struct buffer *out, struct error *e)
{
    static const char *const keys[] = {"name", "version", "kind", "made"};
    struct json_document *lineage = NULL, *metrics = NULL;
    bool ok = registry_read(data_directory, id, "lineage.json", &lineage, e) &&
              registry_read(data_directory, id, "metrics.json", &metrics, e);

    if (ok) {
        const struct json *m = &metrics->root, *test = json_at(m, "test");

        open_model(id, a, out);
        for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
            add_text(out, keys[i], json_text_at(&lineage->root, keys[i]));
        buffer_add_text(out, ",\"average_precision\":");
        json_add_real(out, json_real_at(m, "test.average_precision.value"));
        buffer_add_text(out, ",\"auc_roc\":");
        json_add_real(out, json_real_at(m, "test.auc_roc.value"));
        buffer_format(out, ",\"tested\":%s,\"better_than_chance\":%s}",
                      test != NULL && test->kind == JSON_OBJECT ? "true" : "false",
                      json_is_true_at(m, "test.better_than_chance") ? "true" : "false");
    }
    json_free(lineage);
    json_free(metrics);
    return ok;
}

bool registry_list_json(const char *data_directory, struct buffer *out, struct error *e)
{
    struct aliases a;
    struct model_id *id;
    uint32_t count;
    bool ok = true;

    if (!registry_aliases(data_directory, &a, e) || !registry_list(data_directory, &id, &count, e))
        return false;
    buffer_add_text(out, "{\"models\":[");
    for (uint32_t i = 0; i < count && ok; i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        ok = list_one(data_directory, &id[i], &a, out, e);
    }
    buffer_add_text(out, "]}");
    mem_free(id);
    return ok;
}

/* ---- show ---- */

static void each_line(const struct buffer *history, const char *id,
                      void (*line)(void *context, const struct json *line, struct text words),
                      void *context)
{
    struct json_reader *reader = json_reader_new();
    const char *at = history->bytes, *end = at + history->length;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        struct text words = {at, (size_t)((line_end != NULL ? line_end : end) - at)};
        struct error e;
        struct json_document *d = json_parse(reader, words.bytes, words.length, &e);

        if (d != NULL && text_is(json_text_at(&d->root, "model"), id))
            line(context, &d->root, words);
        json_free(d);
        at += words.length + 1;
    }
    json_reader_free(reader);
}

bool registry_history(const char *data_directory, const struct model_id *id,
                      void (*line)(void *context, const struct json *line, struct text words),
                      void *context, struct error *e)
{
    char directory[REGISTRY_PATH_MAX], text[MODEL_ID_TEXT_MAX];
    struct buffer history;
    struct aliases a;
    bool ok;

    snprintf(directory, sizeof directory, "%s/models", data_directory);
    model_id_format(id, text);
    buffer_init(&history, HISTORY_BYTES_MAX);
    ok = registry_aliases(data_directory, &a, e) && aliases_history(directory, &a, &history, e);
    if (ok && history.length > 0)
        each_line(&history, text, line, context);
    buffer_fini(&history);
    return ok;
}

static void add_line(void *context, const struct json *line, struct text words)
{
    struct buffer *out = context;

    if (out->bytes[out->length - 1] != '[')
        buffer_add_char(out, ',');
    buffer_add_slice(out, words);
}

static bool add_file(const char *data_directory, const struct model_id *id, const char *key,
                     struct buffer *out, struct error *e)
{
    char path[REGISTRY_PATH_MAX], file[32];

    snprintf(file, sizeof file, "%s.json", key);
    buffer_format(out, ",\"%s\":", key);
    return registry_path(data_directory, id, file, path, e) && file_read(path, out, e);
}

bool registry_show_json(const char *data_directory, struct text words, struct buffer *out,
                        struct error *e)
{
    struct model_id id;
    struct aliases a;

    if (!registry_find(data_directory, words, &id, e) || !registry_aliases(data_directory, &a, e))
        return false;
    open_model(&id, &a, out);
    if (!add_file(data_directory, &id, "lineage", out, e) ||
        !add_file(data_directory, &id, "metrics", out, e))
        return false;
    buffer_add_text(out, ",\"history\":[");
    if (!registry_history(data_directory, &id, add_line, out, e))
        return false;
    buffer_add_text(out, "]}");
    return true;
}
