#include "shell/cmd/admin.h"

#include <stdio.h>

#include "core/data/json_at.h"
#include "shell/os/user.h"
#include "shell/run/data_directory.h"

enum { TARGET_BYTES = 6000 };

static bool open_data(struct admin *a, const struct settings *s, struct error *e)
{
    struct control_fold folds[CREDENTIALS_FOLDS];
    char data[DATA_PATH_MAX];

    a->credentials = credentials_new(&s->access);
    credentials_folds(a->credentials, folds);
    return data_directory(s, data, e) &&
           control_open(data, folds, CREDENTIALS_FOLDS, &a->control, e);
}

static bool open_service(struct admin *a, const struct settings *s, struct error *e)
{
    struct http_peer peer;

    if (!invocation_service(a->v, s, a->url, &peer, e))
        return false;
    a->client = http_client_of(&peer);
    return true;
}

/* A service that runs has the log: it is asked, and only where it does not answer either is the
 * first trouble told. A log that was opened and is damaged is the answer: whatever happens to
 * listen at the settings' address is not asked instead of it, nor sent an admin's key. */
static bool open_either(struct admin *a, const struct settings *s, struct error *e)
{
    struct error second;
    int status;

    if (open_data(a, s, e))
        return true;
    if (e->kind != ERROR_WORLD)
        return false;
    if (!open_service(a, s, &second))
        return false;
    if (http_client_ask(a->client, "/healthz", "", (struct text){NULL, 0}, &a->answer, &status,
                        &second))
        return true;
    return error_prefix(e, "no service answers at %s, and", a->url);
}

bool admin_open(struct admin *a, struct invocation *v, struct error *e)
{
    struct settings *s;
    bool ok;

    *a = (struct admin){.v = v};
    a->json = json_reader_new();
    buffer_init(&a->answer, HTTP_ANSWER_MAX);
    user_name(a->user);
    a->by.actor = (struct control_actor){text_of("console"), text_of(a->user), text_of("")};
    a->by.note = text_of(option_get(v, "note") != NULL ? option_get(v, "note") : "");
    a->by.is_forced = option_has(v, "force");
    if (option_get(v, "url") != NULL)
        return open_service(a, NULL, e);
    if (!invocation_settings(v, &s, e))
        return false;
    ok = open_either(a, s, e);
    settings_free(s);
    return ok;
}

void admin_close(struct admin *a)
{
    control_close(a->control);
    http_client_free(a->client);
    json_free(a->document);
    json_reader_free(a->json);
    buffer_fini(&a->answer);
    credentials_free(a->credentials);
}

bool admin_parse(struct admin *a, struct error *e)
{
    json_free(a->document);
    a->document = json_parse(a->json, a->answer.bytes, a->answer.length, e);
    return a->document != NULL;
}

/* The path, and of a change why and whether it is forced. */
static void add_target(const struct admin *a, const char *path, bool is_change, struct buffer *out)
{
    char mark = '?';

    buffer_add_text(out, path);
    if (is_change && a->by.note.length > 0) {
        buffer_format(out, "%cnote=", mark);
        http_path_add(out, a->by.note);
        mark = '&';
    }
    if (is_change && a->by.is_forced)
        buffer_format(out, "%cforce=true", mark);
}

bool admin_ask(struct admin *a, const char *path, struct buffer *body, bool is_delete,
               struct error *e)
{
    struct text bytes = {NULL, 0};
    struct buffer target;
    int status = 0;
    bool ok;

    if (body != NULL)
        bytes = (struct text){body->bytes, body->length};
    if (is_delete)
        http_client_delete(a->client);
    buffer_init(&target, TARGET_BYTES);
    add_target(a, path, body != NULL || is_delete, &target);
    ok = (!target.overflow || error_set(e, ERROR_INVALID, "--note: over what a request takes")) &&
         http_client_ask(a->client, buffer_text(&target), "application/json", bytes, &a->answer,
                         &status, e) &&
         admin_parse(a, e);
    buffer_fini(&target);
    if (!ok)
        return false;
    if (status < 300)
        return true;
    return error_set(e, status == 429 || status >= 500 ? ERROR_WORLD : ERROR_INVALID,
                     "the service answered %d: %.*s%s", status,
                     TEXT_ARG(json_text_at(&a->document->root, "detail")),
                     status == 401 ? "; hint: an admin's key in ASSAY_KEY or --key" : "");
}

bool admin_roles(const struct invocation *v, unsigned *roles, struct error *e)
{
    const char *given = option_get(v, "role");

    if (given == NULL)
        return error_set(e, ERROR_USAGE,
                         "--role is missing: viewer, scorer, analyst, engineer, auditor or admin");
    return roles_read(text_of(given), roles, e);
}
