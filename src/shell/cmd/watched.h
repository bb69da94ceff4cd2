/* What `assay alert` and `assay case` share: asking the running service, and bodies of options. */
#ifndef ASSAY_CMD_WATCHED_H
#define ASSAY_CMD_WATCHED_H

#include "core/data/json_at.h"
#include "shell/cmd/cmd.h"

enum { WATCHED_PATH = 4096, WATCHED_BODY = 64 << 10 };

struct watching {
    struct invocation *v;
    struct http_client *client;
    struct json_reader *json;
    struct buffer answer, body, path;
    struct json_document *document; /* of the answer */
    int status;
    char url[SERVICE_URL_MAX];
};

bool watching_open(struct watching *w, struct invocation *v, struct error *e) MUST_USE;
void watching_close(struct watching *w);
/* The path in w->path; POST of w->body where it is not empty. */
bool watching_ask(struct watching *w, struct error *e) MUST_USE;

/* ,"name":"value" of an option that was given, as the member `key`. */
void body_add_option(struct watching *w, const char *option, const char *key);
void body_add_text(struct watching *w, const char *key, struct text value);
/* ,"key":["a","b"] of the arguments from `first` on. */
void body_add_arguments(struct watching *w, const char *key, uint32_t first);
void body_begin(struct watching *w);
void body_end(struct watching *w);
/* ?name=value, &name=value */
void path_add_query(struct watching *w, const char *option, const char *query);

/* The answer as it is with --json, else what `say` makes of it. */
bool watching_tell(struct watching *w, void (*say)(const struct json *root, struct buffer *out),
                   struct error *e) MUST_USE;
/* The rows under `key`, each by `say`; or that there are no such things. */
void say_rows(const struct json *root, const char *key,
              void (*say)(const struct json *row, struct buffer *out), struct buffer *out);
/* The timeline of an alert or a case. */
void say_timeline(const struct json *root, struct buffer *out);

#endif
