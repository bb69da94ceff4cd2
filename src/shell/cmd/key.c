/* assay key list | create | rotate | revoke */
#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/data/json_at.h"
#include "shell/cmd/action.h"
#include "shell/cmd/admin.h"
#include "shell/os/clock.h"

enum { PATH_BYTES = 512, BODY_BYTES = 4096 };

static void add_key(const struct json *k, struct buffer *out)
{
    const struct json *roles = json_at(k, "roles");
    struct text expires = json_text_at(k, "expires"), by = json_text_at(k, "by");

    buffer_format(out, "%-14.*s %-9.*s ", TEXT_ARG(json_text_at(k, "id")),
                  TEXT_ARG(json_text_at(k, "state")));
    for (uint32_t i = 0; roles != NULL && i < roles->count; i++)
        buffer_format(out, "%s%.*s", i > 0 ? "," : "", TEXT_ARG(roles->items[i].text));
    buffer_format(out, "  \"%.*s\"", TEXT_ARG(json_text_at(k, "name")));
    if (expires.length > 0)
        buffer_format(out, ", expires %.*s", TEXT_ARG(expires));
    buffer_format(out, ", made %.*s", TEXT_ARG(json_text_at(k, "created")));
    if (by.length > 0) /* nobody's name where it was made before anybody was known */
        buffer_format(out, " by %.*s", TEXT_ARG(by));
    buffer_add_char(out, '\n');
}

/* What was answered, as it is or in words. */
static bool tell(struct admin *a, const char *done, struct error *e)
{
    const struct json *root = &a->document->root, *items = json_at(root, "items");
    struct text secret = json_text_at(root, "secret");
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (a->v->json) {
        buffer_add(&out, a->answer.bytes, a->answer.length);
        if (a->answer.length > 0 && a->answer.bytes[a->answer.length - 1] != '\n')
            buffer_add_char(&out, '\n');
    } else if (items != NULL) {
        for (uint32_t i = 0; i < items->count; i++)
            add_key(&items->items[i], &out);
        if (items->count == 0)
            buffer_add_text(&out, "no keys\n");
    } else {
        const struct json *key = json_at(root, "key");

        buffer_format(&out, "%s ", done);
        add_key(key != NULL ? key : root, &out);
        if (secret.length > 0) { /* alone on standard output: KEY=$(assay key create ...) */
            fprintf(stderr, "%s(shown this once: put it where its caller finds it)\n",
                    buffer_text(&out));
            buffer_clear(&out);
            buffer_format(&out, "%.*s\n", TEXT_ARG(secret));
        }
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

/* The key of `text` in the data directory, as the service would answer. */
static bool answer_own(struct admin *a, struct text id, const char *secret, struct error *e)
{
    buffer_clear(&a->answer);
    if (secret != NULL)
        buffer_format(&a->answer, "{\"secret\":\"%s\",\"key\":", secret);
    if (!keys_format_one(a->credentials->keys, id, clock_now_us(), &a->answer))
        return error_set(e, ERROR_NOT_FOUND, "there is no such key");
    if (secret != NULL)
        buffer_add_char(&a->answer, '}');
    return admin_parse(a, e);
}

static bool list_run(struct admin *a, struct error *e)
{
    if (a->control == NULL)
        return admin_ask(a, "/v1/keys", NULL, false, e) && tell(a, "", e);
    buffer_add_text(&a->answer, "{\"items\":");
    keys_format(a->credentials->keys, clock_now_us(), &a->answer);
    buffer_add_char(&a->answer, '}');
    return admin_parse(a, e) && tell(a, "", e);
}

/* --expires as a time; the service reads it itself. */
static bool read_expires(const char *given, int64_t *us, struct error *e)
{
    int64_t now_us = clock_now_us(), after_us;

    *us = KEY_NEVER_EXPIRES;
    if (given == NULL || strcmp(given, "never") == 0)
        return true;
    if (duration_parse(text_of(given), &after_us) && after_us > 0 && after_us < TIME_MAX_US)
        *us = now_us + after_us;
    else if (!time_parse(text_of(given), TIME_ISO, us))
        return error_set(e, ERROR_USAGE, "--expires: expected 90d, a time or never, found \"%s\"",
                         given);
    return *us > now_us || error_set(e, ERROR_USAGE, "--expires: this has passed");
}

static bool create_run(struct admin *a, struct error *e)
{
    struct key_request r = {.name = text_of(a->v->argument[1])};
    char text[KEY_TEXT_BYTES + 1], time[TIME_TEXT_MAX];
    struct buffer body;
    bool ok;

    if (!admin_roles(a->v, &r.roles, e) ||
        !read_expires(option_get(a->v, "expires"), &r.expires_us, e))
        return false;
    if (a->control != NULL)
        return keys_create(a->control, &r, &a->by, text, e) &&
               answer_own(a, (struct text){text + 4, KEY_ID_BYTES}, text, e) && tell(a, "made", e);
    buffer_init(&body, BODY_BYTES);
    buffer_add_text(&body, "{\"name\":");
    json_add_text(&body, r.name);
    buffer_add_text(&body, ",\"roles\":");
    roles_format(r.roles, &body);
    if (r.expires_us != KEY_NEVER_EXPIRES) {
        time_format(r.expires_us, time);
        buffer_format(&body, ",\"expires\":\"%s\"", time);
    }
    buffer_add_char(&body, '}');
    ok = admin_ask(a, "/v1/keys", &body, false, e) && tell(a, "made", e);
    buffer_fini(&body);
    return ok;
}

static void path_of(struct admin *a, const char *end, char path[PATH_BYTES])
{
    struct buffer b;

    buffer_init(&b, PATH_BYTES - 1);
    buffer_add_text(&b, "/v1/keys/");
    http_path_add(&b, text_of(a->v->argument[1]));
    buffer_add_text(&b, end);
    snprintf(path, PATH_BYTES, "%s", buffer_text(&b));
    buffer_fini(&b);
}

static bool rotate_run(struct admin *a, struct error *e)
{
    const char *grace = option_get(a->v, "grace");
    char text[KEY_TEXT_BYTES + 1], path[PATH_BYTES];
    int64_t grace_us = KEY_GRACE_US;
    struct buffer body;
    bool ok;

    if (grace != NULL && !duration_parse(text_of(grace), &grace_us))
        return error_set(e, ERROR_USAGE, "--grace: expected a duration such as 1d or 0s");
    if (a->control != NULL)
        return keys_rotate(a->control, text_of(a->v->argument[1]), grace_us, &a->by, text, e) &&
               answer_own(a, text_of(a->v->argument[1]), text, e) && tell(a, "rotated", e);
    buffer_init(&body, BODY_BYTES);
    buffer_add_char(&body, '{');
    if (grace != NULL) {
        buffer_add_text(&body, "\"grace\":");
        json_add_text(&body, text_of(grace));
    }
    buffer_add_char(&body, '}');
    path_of(a, ":rotate", path);
    ok = admin_ask(a, path, &body, false, e) && tell(a, "rotated", e);
    buffer_fini(&body);
    return ok;
}

static bool revoke_run(struct admin *a, struct error *e)
{
    char path[PATH_BYTES];

    if (a->control != NULL)
        return keys_revoke(a->control, text_of(a->v->argument[1]), &a->by, e) &&
               answer_own(a, text_of(a->v->argument[1]), NULL, e) && tell(a, "revoked", e);
    path_of(a, "", path);
    return admin_ask(a, path, NULL, true, e) && tell(a, "revoked", e);
}

static const struct {
    struct action action;
    bool (*run)(struct admin *a, struct error *e);
} actions[] = {
    {{"list", 1, 1, "nothing more"}, list_run},
    {{"create", 2, 2, "a NAME"}, create_run},
    {{"rotate", 2, 2, "the ID of a key"}, rotate_run},
    {{"revoke", 2, 2, "the ID of a key"}, revoke_run},
};

static bool key_run(struct invocation *v, struct error *e)
{
    const __typeof__(actions[0]) *at = ACTION_FIND(v, actions, e);
    struct admin a;
    bool ok;

    if (at == NULL)
        return false;
    ok = admin_open(&a, v, e) && at->run(&a, e);
    admin_close(&a);
    return ok;
}

static const struct option options[] = {
    {"role", 0, "ROLES",
     "create: viewer, scorer, analyst, engineer, auditor, admin; commas between"},
    {"expires", 0, "WHEN", "create: 90d, a time or never (default)"},
    {"grace", 0, "TIME", "rotate: how long the old secret goes on (default 1d)"},
    {"note", 0, "TEXT", "why, for the audit"},
    {"force", 0, NULL, "also where nobody would be admin then"},
    OPTIONS_SERVICE,
    {0},
};

const struct command command_key = {
    .name = "key",
    .group = GROUP_DECIDE,
    .summary = "makes, lists, rotates and revokes API keys",
    .arguments = "list|create|rotate|revoke [NAME|ID]",
    .least = 1,
    .most = 2,
    .words =
        "A key's secret is shown once; kept is its SHA-256. Where no service runs on the data\n"
        "directory the keys are changed there; else the service is asked, with an admin's key in\n"
        "ASSAY_KEY. Once there is a key or a user, every request needs one, so the first is an\n"
        "admin's, and the last admin stays: see docs/access.md.",
    .options = options,
    .examples = "  assay key create operator --role admin\n"
                "  assay key create payments --role scorer --expires 365d\n"
                "  assay key list --json\n"
                "  assay key rotate 3f9a01c2d4e5 --grace 2d\n"
                "  assay key revoke 3f9a01c2d4e5 --note 'laptop lost'\n",
    .run = key_run,
};
