#include "shell/cmd/watched.h"

#include <string.h>

#include "core/base/memory.h"

bool watching_open(struct watching *w, struct invocation *v, struct error *e)
{
    struct http_peer peer;

    *w = (struct watching){.v = v};
    if (!invocation_service(v, NULL, w->url, &peer, e))
        return false;
    w->client = http_client_of(&peer);
    w->json = json_reader_new();
    buffer_init(&w->answer, HTTP_ANSWER_MAX);
    buffer_init(&w->body, WATCHED_BODY);
    buffer_init(&w->path, WATCHED_PATH);
    return true;
}

void watching_close(struct watching *w)
{
    json_free(w->document);
    buffer_fini(&w->answer);
    buffer_fini(&w->body);
    buffer_fini(&w->path);
    json_reader_free(w->json);
    http_client_free(w->client);
}

static bool refused(const struct watching *w, struct error *e)
{
    enum error_kind kind = w->status == 409                       ? ERROR_CONFLICT
                           : w->status == 404                     ? ERROR_NOT_FOUND
                           : w->status == 429 || w->status >= 500 ? ERROR_WORLD
                                                                  : ERROR_INVALID;

    return error_set(e, kind, "%.*s%s", TEXT_ARG(json_text_at(&w->document->root, "detail")),
                     hint_of_status(w->status));
}

bool watching_ask(struct watching *w, struct error *e)
{
    struct text body = {w->body.length > 0 ? w->body.bytes : NULL, w->body.length};

    if (w->body.overflow || w->path.overflow)
        return error_set(e, ERROR_USAGE, "the arguments are too long");
    if (!http_client_ask(w->client, buffer_text(&w->path), "application/json", body, &w->answer,
                         &w->status, e))
        return false;
    json_free(w->document);
    w->document = json_parse(w->json, w->answer.bytes, w->answer.length, e);
    return w->document != NULL && (w->status < 300 || refused(w, e));
}

void body_begin(struct watching *w)
{
    buffer_clear(&w->body);
    buffer_add_char(&w->body, '{');
}

void body_end(struct watching *w)
{
    buffer_add_char(&w->body, '}');
}

static void add_key(struct watching *w, const char *key)
{
    buffer_format(&w->body, "%s\"%s\":", w->body.length > 1 ? "," : "", key);
}

void body_add_text(struct watching *w, const char *key, struct text value)
{
    add_key(w, key);
    json_add_text(&w->body, value);
}

void body_add_option(struct watching *w, const char *option, const char *key)
{
    const char *value = option_get(w->v, option);

    if (value != NULL)
        body_add_text(w, key, text_of(value));
}

void body_add_arguments(struct watching *w, const char *key, uint32_t first)
{
    add_key(w, key);
    buffer_add_char(&w->body, '[');
    for (uint32_t i = first; i < w->v->argument_count; i++) {
        if (i > first)
            buffer_add_char(&w->body, ',');
        json_add_text(&w->body, text_of(w->v->argument[i]));
    }
    buffer_add_char(&w->body, ']');
}

void path_add_query(struct watching *w, const char *option, const char *query)
{
    const char *value = option_get(w->v, option);

    if (value == NULL)
        return;
    buffer_format(&w->path, "%c%s=", strchr(buffer_text(&w->path), '?') != NULL ? '&' : '?', query);
    http_path_add(&w->path, text_of(value));
}

bool watching_tell(struct watching *w, void (*say)(const struct json *root, struct buffer *out),
                   struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (w->v->json)
        buffer_add(&out, w->answer.bytes, w->answer.length);
    else
        say(&w->document->root, &out);
    ok = w->v->json ? print_result(&out, e) : print_plain(&out, e);
    buffer_fini(&out);
    return ok;
}

void say_timeline(const struct json *root, struct buffer *out)
{
    const struct json *timeline = json_at(root, "timeline");

    for (uint32_t i = 0; timeline != NULL && i < timeline->count; i++) {
        const struct json *entry = &timeline->items[i];
        struct text note = json_text_at(entry, "note");

        buffer_format(out, "  %.*s  %-9.*s %.*s", TEXT_ARG(json_text_at(entry, "at")),
                      TEXT_ARG(json_text_at(entry, "change")), TEXT_ARG(json_text_at(entry, "by")));
        if (note.length > 0)
            buffer_format(out, ": %.*s", TEXT_ARG(note));
        buffer_add_char(out, '\n');
    }
}

void say_rows(const struct json *root, const char *key,
              void (*say)(const struct json *row, struct buffer *out), struct buffer *out)
{
    const struct json *rows = json_at(root, key);
    struct text next = json_text_at(root, "next");

    for (uint32_t i = 0; rows != NULL && i < rows->count; i++)
        say(&rows->items[i], out);
    if (rows == NULL || rows->count == 0)
        buffer_format(out, "no %s\n", key);
    if (next.length > 0)
        buffer_format(out, "there are more: --cursor %.*s\n", TEXT_ARG(next));
}
