/* assay user list | create | password | role | disable | enable */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "core/data/json_at.h"
#include "shell/cmd/action.h"
#include "shell/cmd/admin.h"

enum { PATH_BYTES = 512, BODY_BYTES = 4096, LINE_BYTES = PASSWORD_MOST + 3 };

/* ---- passwords ---- */

/* One line, without its end; not shown while it is typed. */
static bool read_line(const char *prompt, char line[LINE_BYTES], struct error *e)
{
    bool is_terminal = isatty(STDIN_FILENO) != 0;
    struct termios was, quiet;
    char *got;
    size_t length;

    if (is_terminal && tcgetattr(STDIN_FILENO, &was) == 0) {
        quiet = was;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        fprintf(stderr, "%s: ", prompt);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        got = fgets(line, LINE_BYTES, stdin);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        fputc('\n', stderr);
    } else {
        got = fgets(line, LINE_BYTES, stdin);
    }
    if (got == NULL)
        return error_set(e, ERROR_USAGE,
                         "no password on standard input: one line, or at a terminal");
    length = strcspn(line, "\r\n");
    line[length] = 0;
    return length <= PASSWORD_MOST ||
           error_set(e, ERROR_INVALID, "password: over %d bytes", PASSWORD_MOST);
}

static bool read_password(char password[LINE_BYTES], struct error *e)
{
    char again[LINE_BYTES];

    if (!read_line("password", password, e))
        return false;
    if (!isatty(STDIN_FILENO))
        return true;
    return read_line("again", again, e) &&
           (strcmp(password, again) == 0 || error_set(e, ERROR_USAGE, "the two are not the same"));
}

/* ---- words ---- */

static void add_user(const struct json *u, struct buffer *out)
{
    const struct json *roles = json_at(u, "roles");

    buffer_format(out, "%-20.*s ", TEXT_ARG(json_text_at(u, "name")));
    for (uint32_t i = 0; roles != NULL && i < roles->count; i++)
        buffer_format(out, "%s%.*s", i > 0 ? "," : "", TEXT_ARG(roles->items[i].text));
    buffer_format(out, "%s, since %.*s\n", json_is_true_at(u, "disabled") ? "  disabled" : "",
                  TEXT_ARG(json_text_at(u, "created")));
}

static bool tell(struct admin *a, struct error *e)
{
    const struct json *root = &a->document->root, *items = json_at(root, "items");
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (a->v->json) {
        buffer_add(&out, a->answer.bytes, a->answer.length);
        if (a->answer.length > 0 && a->answer.bytes[a->answer.length - 1] != '\n')
            buffer_add_char(&out, '\n');
    } else if (items != NULL) {
        for (uint32_t i = 0; i < items->count; i++)
            add_user(&items->items[i], &out);
        if (items->count == 0)
            buffer_add_text(&out, "no users\n");
    } else {
        add_user(root, &out);
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool tell_own(struct admin *a, struct error *e)
{
    buffer_clear(&a->answer);
    if (!users_format_one(a->credentials->users, text_of(a->v->argument[1]), &a->answer))
        return error_set(e, ERROR_NOT_FOUND, "there is no such user");
    return admin_parse(a, e) && tell(a, e);
}

/* ---- actions ---- */

static bool list_run(struct admin *a, struct error *e)
{
    if (a->control == NULL)
        return admin_ask(a, "/v1/users", NULL, false, e) && tell(a, e);
    buffer_clear(&a->answer);
    buffer_add_text(&a->answer, "{\"items\":");
    users_format(a->credentials->users, &a->answer);
    buffer_add_char(&a->answer, '}');
    return admin_parse(a, e) && tell(a, e);
}

/* POST of {"name", "password", "roles", "disabled"}: what is given of them. */
static bool post(struct admin *a, bool is_new, const char *password, unsigned roles,
                 const char *disabled, struct error *e)
{
    char path[PATH_BYTES] = "/v1/users";
    struct buffer body, at;
    bool ok;

    buffer_init(&body, BODY_BYTES);
    buffer_init(&at, PATH_BYTES - 1);
    if (is_new) {
        buffer_add_text(&body, "{\"name\":");
        json_add_text(&body, text_of(a->v->argument[1]));
    } else {
        buffer_add_text(&at, "/v1/users/");
        http_path_add(&at, text_of(a->v->argument[1]));
        snprintf(path, sizeof path, "%s", buffer_text(&at));
        buffer_add_char(&body, '{');
    }
    if (password != NULL) {
        buffer_add_text(&body, is_new ? ",\"password\":" : "\"password\":");
        json_add_text(&body, text_of(password));
    }
    if (roles != 0) {
        buffer_add_text(&body, is_new ? ",\"roles\":" : "\"roles\":");
        roles_format(roles, &body);
    }
    if (disabled != NULL)
        buffer_format(&body, "\"disabled\":%s", disabled);
    buffer_add_char(&body, '}');
    ok = admin_ask(a, path, &body, false, e) && tell(a, e);
    buffer_fini(&at);
    buffer_fini(&body);
    return ok;
}

static bool create_run(struct admin *a, struct error *e)
{
    struct text name = text_of(a->v->argument[1]);
    char password[LINE_BYTES];
    unsigned roles;

    if (!admin_roles(a->v, &roles, e) || !read_password(password, e))
        return false;
    if (a->control == NULL)
        return post(a, true, password, roles, NULL, e);
    return users_create(a->control, name, text_of(password), roles, &a->by, e) && tell_own(a, e);
}

static bool password_run(struct admin *a, struct error *e)
{
    char password[LINE_BYTES];

    if (!read_password(password, e))
        return false;
    if (a->control == NULL)
        return post(a, false, password, 0, NULL, e);
    return users_set_password(a->control, text_of(a->v->argument[1]), text_of(password), &a->by,
                              e) &&
           tell_own(a, e);
}

static bool role_run(struct admin *a, struct error *e)
{
    unsigned roles;

    if (!admin_roles(a->v, &roles, e))
        return false;
    if (a->control == NULL)
        return post(a, false, NULL, roles, NULL, e);
    return users_set_roles(a->control, text_of(a->v->argument[1]), roles, &a->by, e) &&
           tell_own(a, e);
}

static bool set_disabled(struct admin *a, bool is_disabled, struct error *e)
{
    if (a->control == NULL)
        return post(a, false, NULL, 0, is_disabled ? "true" : "false", e);
    return users_set_disabled(a->control, text_of(a->v->argument[1]), is_disabled, &a->by, e) &&
           tell_own(a, e);
}

static bool disable_run(struct admin *a, struct error *e)
{
    return set_disabled(a, true, e);
}

static bool enable_run(struct admin *a, struct error *e)
{
    return set_disabled(a, false, e);
}

static const struct {
    struct action action;
    bool (*run)(struct admin *a, struct error *e);
} actions[] = {
    {{"list", 1, 1, "nothing more"}, list_run},   {{"create", 2, 2, "a NAME"}, create_run},
    {{"password", 2, 2, "a NAME"}, password_run}, {{"role", 2, 2, "a NAME"}, role_run},
    {{"disable", 2, 2, "a NAME"}, disable_run},   {{"enable", 2, 2, "a NAME"}, enable_run},
};

static bool user_run(struct invocation *v, struct error *e)
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
     "create, role: viewer, scorer, analyst, engineer, auditor, admin; commas between"},
    {"note", 0, "TEXT", "why, for the audit"},
    {"force", 0, NULL, "also where nobody would be admin then"},
    OPTIONS_SERVICE,
    {0},
};

const struct command command_user = {
    .name = "user",
    .group = GROUP_DECIDE,
    .summary = "makes, lists and changes the people who may sign in",
    .arguments = "list|create|password|role|disable|enable [NAME]",
    .least = 1,
    .most = 2,
    .words =
        "The password is asked for, or one line of standard input: at least 12 bytes. Kept is its\n"
        "Argon2id hash. Where no service runs on the data directory the users are changed there;\n"
        "else the service is asked, with an admin's key in ASSAY_KEY. A new password and disabling\n"
        "end the user's sessions. The first user or key is an admin, and the last\n"
        "admin stays one.",
    .options = options,
    .examples = "  assay user create ann --role admin\n"
                "  assay user role ben --role analyst,viewer\n"
                "  assay user password ben < new-password.txt\n"
                "  assay user disable ben --note 'has left'\n",
    .run = user_run,
};
