/* What `assay list`'s files share. */
#ifndef ASSAY_CMD_LIST_H
#define ASSAY_CMD_LIST_H

#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/link/http_client.h"

struct listing {
    struct invocation *v;
    struct settings *settings;
    const struct list_setting *list; /* NULL: show without a name */
    struct http_client *client;
    struct json_reader *json;
    struct buffer answer;
    char url[SERVICE_URL_MAX];
};

/* One request; any answer but 200 is an error with the service's words. The caller frees *d. */
bool listing_ask(struct listing *l, const char *path, struct text body, struct json_document **d,
                 struct error *e) MUST_USE;
/* Calls `visit` with each entry of the list, page by page. */
bool listing_entries(struct listing *l,
                     bool (*visit)(void *context, const struct json *entry, struct error *e),
                     void *context, struct error *e) MUST_USE;
struct text listing_text(const struct json *object, const char *key); /* length 0: not there */

bool list_export_run(struct listing *l, struct error *e) MUST_USE;

#endif
