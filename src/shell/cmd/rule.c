/* assay rule list | show | draft | approve | live | shadow | retire | backtest
 *
 * Asked of the running service. Where none answers, the control log of the data directory is read
 * for list and show; and a rule can be retired there, as one that no longer compiles would keep the
 * service from starting. */
#include <stdio.h>
#include <string.h>

#include "core/base/number.h"
#include "core/data/json_at.h"
#include "shell/cmd/action.h"
#include "shell/cmd/cmd.h"
#include "shell/os/clock.h"
#include "shell/os/user.h"
#include "shell/rules/show.h"
#include "shell/run/data_directory.h"

enum { NAME_BYTES = 256, PATH_BYTES = 1024, BODY_BYTES = 64 << 10, POLL_US = 100000 };

struct ruling {
    struct invocation *v;
    struct http_client *client;
    struct json_reader *json;
    struct buffer answer;
    struct json_document *document; /* of the answer */
    int status;
    char url[SERVICE_URL_MAX];
    char name[NAME_BYTES];
    int64_t version; /* NAME@VERSION; 0: not said */
};

/* ---- asking ---- */

static bool parse(struct ruling *r, struct error *e)
{
    json_free(r->document);
    r->document = json_parse(r->json, r->answer.bytes, r->answer.length, e);
    return r->document != NULL;
}

static bool refused(const struct ruling *r, struct error *e)
{
    const struct json *errors = json_at(&r->document->root, "errors");
    struct text detail = json_text_at(&r->document->root, "detail");
    enum error_kind kind = r->status == 409 || r->status == 412   ? ERROR_CONFLICT
                           : r->status == 404                     ? ERROR_NOT_FOUND
                           : r->status == 429 || r->status >= 500 ? ERROR_WORLD
                                                                  : ERROR_INVALID;

    if (errors != NULL && errors->count > 0) {
        struct text pointer = json_text_at(&errors->items[0], "pointer");

        return error_set(e, kind, "%.*s: %.*s", (int)(pointer.length > 0 ? pointer.length - 1 : 0),
                         pointer.bytes + (pointer.length > 0),
                         TEXT_ARG(json_text_at(&errors->items[0], "detail")));
    }
    return error_set(e, kind, "%.*s%s", TEXT_ARG(detail), hint_of_status(r->status));
}

/* GET where body is NULL. */
static bool ask(struct ruling *r, const char *path, const struct buffer *body, struct error *e)
{
    struct text bytes = {NULL, 0};

    if (body != NULL)
        bytes = (struct text){body->bytes, body->length};
    if (!http_client_ask(r->client, path, "application/json", bytes, &r->answer, &r->status, e) ||
        !parse(r, e))
        return false;
    return r->status < 300 || refused(r, e);
}

static void path_of(const struct ruling *r, const char *action, char path[PATH_BYTES])
{
    struct buffer b;

    buffer_init(&b, PATH_BYTES - 1);
    buffer_add_text(&b, "/v1/rules/");
    http_path_add(&b, text_of(r->name));
    buffer_add_text(&b, action);
    snprintf(path, PATH_BYTES, "%s", buffer_text(&b));
    buffer_fini(&b);
}

/* Until the job in the answer has ended. */
static bool follow(struct ruling *r, struct error *e)
{
    char path[PATH_BYTES], stage[TERM_STAGE_MAX];
    const struct json *root = &r->document->root;

    snprintf(path, sizeof path, "/v1/jobs/%.*s", TEXT_ARG(json_text_at(root, "id")));
    while (text_is(json_text_at(root, "state"), "running")) {
        snprintf(stage, sizeof stage, "%.*s", TEXT_ARG(json_text_at(root, "stage")));
        if (!progress_report(term_progress(&r->v->term), stage,
                             json_at(root, "progress") != NULL ? json_real_at(root, "progress")
                                                               : 0))
            return error_set(e, ERROR_CANCELLED,
                             "stopped waiting; the server goes on: see %s there", path);
        clock_sleep_us(POLL_US);
        if (!ask(r, path, NULL, e))
            return false;
        root = &r->document->root;
    }
    term_clear(&r->v->term);
    return text_is(json_text_at(root, "state"), "done") ||
           error_set(e, ERROR_INVALID, "%.*s", TEXT_ARG(json_text_at(root, "error")));
}

/* ---- the data directory ---- */

static bool read_own(struct ruling *r, struct rule_book *b, struct settings *s, struct error *e)
{
    char data[DATA_PATH_MAX];

    return data_directory(s, data, e) && rule_book_load(b, data, e) &&
           (r->name[0] == 0
                ? (rules_format(s, b, NULL, NULL, &r->answer), true)
                : rule_format(s, b, text_of(r->name), &r->answer) ||
                      error_set(e, ERROR_NOT_FOUND, "there is no rule \"%.64s\"", r->name)) &&
           parse(r, e);
}

/* What the service would answer, but for what only it knows. */
static bool answer_own(struct ruling *r, struct error *e)
{
    struct rule_book *b = rule_book_new();
    struct settings *s = NULL;
    bool ok;

    buffer_clear(&r->answer);
    ok = invocation_settings(r->v, &s, e) && read_own(r, b, s, e);
    settings_free(s);
    rule_book_free(b);
    return ok;
}

static bool retire_in(struct ruling *r, const char *data, struct rule_book *b, struct error *e)
{
    const struct control_fold fold = rule_book_fold(b);
    const char *note = option_get(r->v, "note");
    char user[USER_NAME_MAX];
    struct control_change by = {.actor.kind = text_of("console")}, change;
    struct rule_change_room room = {0};
    struct rule_view view;
    struct control *c;
    bool ok;

    user_name(user);
    by.actor.id = text_of(user);
    by.note = text_of(note != NULL ? note : "");
    if (!control_open(data, &fold, 1, &c, e))
        return false;
    ok = rule_book_view(b, text_of(r->name), RULE_IN_FORCE, &view, e);
    if (ok) {
        rule_step_change(text_of(view.name), view.version, RULE_RETIRED, &by, &room, &change);
        ok = control_append(c, &change, NULL, e);
    }
    control_close(c);
    return ok;
}

static bool retire_own(struct ruling *r, struct error *e)
{
    struct rule_book *b = rule_book_new();
    char data[DATA_PATH_MAX];
    struct settings *s = NULL;
    bool ok =
        invocation_settings(r->v, &s, e) && data_directory(s, data, e) && retire_in(r, data, b, e);

    settings_free(s);
    rule_book_free(b);
    return ok && answer_own(r, e);
}

/* True: the service cannot be reached, and the data directory may be asked. */
static bool is_down(const struct ruling *r, const struct error *e)
{
    return e->kind == ERROR_WORLD && r->status == 0 && option_get(r->v, "url") == NULL;
}

/* ---- words ---- */

static void add_row(const struct json *rule, struct buffer *out)
{
    const struct json *hits = json_at(rule, "hits");
    struct text note = json_text_at(rule, "in_force.state");

    buffer_format(out, "%-24.*s %-9.*s %-9.*s", TEXT_ARG(json_text_at(rule, "name")),
                  TEXT_ARG(json_text_at(rule, "origin")), TEXT_ARG(json_text_at(rule, "state")));
    if (hits != NULL && hits->kind == JSON_INT)
        buffer_format(out, " %8lld hits", (long long)hits->integer);
    buffer_format(out, "  %.*s -> %.*s", TEXT_ARG(json_text_at(rule, "when")),
                  TEXT_ARG(json_text_at(rule, "then")));
    if (note.length > 0 && !text_equal(note, json_text_at(rule, "state")))
        buffer_format(out, "  (version %llu is %.*s)",
                      (unsigned long long)json_count_at(rule, "in_force.version"), TEXT_ARG(note));
    buffer_add_char(out, '\n');
}

static void add_who(const struct json *v, const char *words, const char *who, const char *when,
                    struct buffer *out)
{
    const struct json *person = json_at(v, who);

    if (person == NULL || person->kind != JSON_OBJECT)
        return;
    buffer_format(out, "    %-9s %.*s %.*s", words, TEXT_ARG(json_text_at(person, "kind")),
                  TEXT_ARG(json_text_at(person, "id")));
    if (json_text_at(person, "name").length > 0)
        buffer_format(out, " (%.*s)", TEXT_ARG(json_text_at(person, "name")));
    buffer_format(out, ", %.*s\n", TEXT_ARG(json_text_at(v, when)));
}

static void add_version(const struct json *v, struct buffer *out)
{
    struct text note = json_text_at(v, "note"), text = json_text_at(v, "text");

    buffer_format(out, "  version %llu, %.*s\n    when      %.*s\n    then      %.*s\n",
                  (unsigned long long)json_count_at(v, "version"),
                  TEXT_ARG(json_text_at(v, "state")), TEXT_ARG(json_text_at(v, "when")),
                  TEXT_ARG(json_text_at(v, "then")));
    if (text.length > 0)
        buffer_format(out, "    text      %.*s\n", TEXT_ARG(text));
    add_who(v, "author", "author", "written", out);
    add_who(v, "approver", "approver", "approved", out);
    add_who(v, "changed", "changed_by", "changed", out);
    if (note.length > 0)
        buffer_format(out, "    note      %.*s\n", TEXT_ARG(note));
    if (json_text_at(v, "tested.at").length > 0)
        buffer_format(out, "    tested    %llu of %llu passed, %.*s\n",
                      (unsigned long long)(json_count_at(v, "tested.run") -
                                           json_count_at(v, "tested.failed")),
                      (unsigned long long)json_count_at(v, "tested.run"),
                      TEXT_ARG(json_text_at(v, "tested.at")));
}

static void say_rule(const struct json *rule, struct buffer *out)
{
    const struct json *versions = json_at(rule, "versions");

    add_row(rule, out);
    for (uint32_t i = 0; versions != NULL && i < versions->count; i++)
        add_version(&versions->items[i], out);
}

static void say_share(const struct json *rule, const char *name, struct buffer *out)
{
    const struct json *share = json_at(rule, name);

    if (share != NULL && share->kind == JSON_OBJECT)
        buffer_format(out, "  %-11s %.1f %% [%.1f, %.1f]\n", name,
                      100 * json_real_at(share, "value"), 100 * json_real_at(share, "low"),
                      100 * json_real_at(share, "high"));
}

static void say_backtest(const struct json *job, struct buffer *out)
{
    const struct json *rules = json_at(job, "result.rules");

    for (uint32_t i = 0; rules != NULL && i < rules->count; i++) {
        const struct json *rule = &rules->items[i];

        buffer_format(out, "%.*s: %llu hits, %llu of them fraud, %llu legitimate\n",
                      TEXT_ARG(json_text_at(rule, "name")),
                      (unsigned long long)json_count_at(rule, "hits.events"),
                      (unsigned long long)json_count_at(rule, "hits.fraud"),
                      (unsigned long long)json_count_at(rule, "hits.legit"));
        say_share(rule, "precision", out);
        say_share(rule, "recall", out);
    }
}

static bool tell(struct ruling *r, struct error *e)
{
    const struct json *root = &r->document->root, *rules = json_at(root, "rules");
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (r->v->json) {
        buffer_add(&out, r->answer.bytes, r->answer.length);
    } else if (json_at(root, "result") != NULL) {
        say_backtest(root, &out);
    } else if (rules != NULL) {
        for (uint32_t i = 0; i < rules->count; i++)
            add_row(&rules->items[i], &out);
        if (rules->count == 0)
            buffer_add_text(&out, "no rules\n");
    } else {
        say_rule(root, &out);
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

/* ---- actions ---- */

static bool list_run(struct ruling *r, struct error *e)
{
    return (ask(r, "/v1/rules", NULL, e) || (is_down(r, e) && answer_own(r, e))) && tell(r, e);
}

static bool show_run(struct ruling *r, struct error *e)
{
    char path[PATH_BYTES];

    path_of(r, "", path);
    return (ask(r, path, NULL, e) || (is_down(r, e) && answer_own(r, e))) && tell(r, e);
}

static void add_option(const struct ruling *r, const char *name, struct buffer *body)
{
    const char *value = option_get(r->v, name);

    if (value == NULL)
        return;
    buffer_format(body, "%s\"%s\":", body->length > 1 ? "," : "", name);
    json_add_text(body, text_of(value));
}

static void add_version_member(const struct ruling *r, struct buffer *body)
{
    if (r->version > 0)
        buffer_format(body, "\"version\":%lld", (long long)r->version);
}

static bool draft_run(struct ruling *r, struct error *e)
{
    struct buffer body;
    bool ok;

    if (option_get(r->v, "when") == NULL || option_get(r->v, "then") == NULL)
        return error_set(e, ERROR_USAGE,
                         "rule draft: expected --when CONDITION and --then OUTCOME");
    buffer_init(&body, BODY_BYTES);
    buffer_add_text(&body, "{\"name\":");
    json_add_text(&body, text_of(r->name));
    add_option(r, "when", &body);
    add_option(r, "then", &body);
    add_option(r, "text", &body);
    add_option(r, "note", &body);
    buffer_add_char(&body, '}');
    ok = ask(r, "/v1/rules", &body, e) && tell(r, e);
    buffer_fini(&body);
    return ok;
}

/* What a step that was a job came to is the rule. */
static bool show_after(struct ruling *r, struct error *e)
{
    char path[PATH_BYTES];

    path_of(r, "", path);
    return r->status != 202 || (follow(r, e) && ask(r, path, NULL, e));
}

static bool step(struct ruling *r, const char *action, struct error *e)
{
    char path[PATH_BYTES];
    struct buffer body;
    bool ok;

    path_of(r, action, path);
    buffer_init(&body, BODY_BYTES);
    buffer_add_char(&body, '{');
    add_version_member(r, &body);
    add_option(r, "note", &body);
    buffer_add_char(&body, '}');
    ok = ask(r, path, &body, e) && show_after(r, e);
    buffer_fini(&body);
    return ok;
}

static bool approve_run(struct ruling *r, struct error *e)
{
    if (r->version == 0)
        return error_set(e, ERROR_USAGE,
                         "rule approve: expected NAME@VERSION, the one that was read (`assay rule "
                         "show %.64s`)",
                         r->name);
    return step(r, ":approve", e) && tell(r, e);
}

static bool live_run(struct ruling *r, struct error *e)
{
    return step(r, ":live", e) && tell(r, e);
}

static bool shadow_run(struct ruling *r, struct error *e)
{
    return step(r, ":shadow", e) && tell(r, e);
}

static bool retire_run(struct ruling *r, struct error *e)
{
    return (step(r, ":retire", e) || (is_down(r, e) && retire_own(r, e))) && tell(r, e);
}

static bool backtest_run(struct ruling *r, struct error *e)
{
    char path[PATH_BYTES];
    struct buffer body;
    bool ok;

    path_of(r, ":backtest", path);
    buffer_init(&body, BODY_BYTES);
    buffer_add_char(&body, '{');
    add_version_member(r, &body);
    add_option(r, "from", &body);
    add_option(r, "to", &body);
    buffer_add_char(&body, '}');
    ok = ask(r, path, &body, e) && follow(r, e) && tell(r, e);
    buffer_fini(&body);
    return ok;
}

static const struct {
    struct action action;
    bool (*run)(struct ruling *r, struct error *e);
} actions[] = {
    {{"list", 1, 1, "nothing more"}, list_run},
    {{"show", 2, 2, "the NAME of a rule"}, show_run},
    {{"draft", 2, 2, "the NAME of a rule"}, draft_run},
    {{"approve", 2, 2, "the NAME of a rule"}, approve_run},
    {{"live", 2, 2, "the NAME of a rule"}, live_run},
    {{"shadow", 2, 2, "the NAME of a rule"}, shadow_run},
    {{"retire", 2, 2, "the NAME of a rule"}, retire_run},
    {{"backtest", 2, 2, "the NAME of a rule"}, backtest_run},
};

static bool take_name(struct ruling *r, struct error *e)
{
    struct text given = text_of(r->v->argument_count > 1 ? r->v->argument[1] : "");
    const char *at = memchr(given.bytes, '@', given.length);
    size_t length = at != NULL ? (size_t)(at - given.bytes) : given.length;

    if (length >= NAME_BYTES || (at != NULL && length == 0))
        return error_set(e, ERROR_USAGE, "expected the NAME of a rule, or NAME@VERSION");
    snprintf(r->name, sizeof r->name, "%.*s", (int)length, given.bytes);
    return at == NULL || (number_parse_int(text_of(at + 1), &r->version) && r->version > 0) ||
           error_set(e, ERROR_USAGE, "%s: expected a version from 1 on behind the @", given.bytes);
}

static bool rule_run(struct invocation *v, struct error *e)
{
    const __typeof__(actions[0]) *at = ACTION_FIND(v, actions, e);
    struct ruling r = {.v = v};
    struct http_peer peer;
    bool ok;

    if (at == NULL)
        return false;
    if (!take_name(&r, e) || !invocation_service(v, NULL, r.url, &peer, e))
        return false;
    r.client = http_client_of(&peer);
    r.json = json_reader_new();
    buffer_init(&r.answer, HTTP_ANSWER_MAX);
    ok = at->run(&r, e);
    term_clear(&v->term);
    json_free(r.document);
    buffer_fini(&r.answer);
    json_reader_free(r.json);
    http_client_free(r.client);
    return ok;
}

static const struct option options[] = {
    {"when", 0, "CONDITION", "draft: the condition"},
    {"then", 0, "OUTCOME", "draft: what follows from it"},
    {"text", 0, "TEXT", "draft: what it means, for the people who read decisions"},
    {"note", 0, "TEXT", "why, for the audit"},
    {"from", 0, "TIME", "backtest: events from this time on"},
    {"to", 0, "TIME", "backtest: events before this time"},
    OPTIONS_SERVICE,
    {0},
};

const struct command command_rule = {
    .name = "rule",
    .group = GROUP_DECIDE,
    .summary = "writes, approves and brings rules into force in a running service",
    .arguments = "list|show|draft|approve|live|shadow|retire|backtest [NAME[@VERSION]]",
    .least = 1,
    .most = 2,
    .words =
        "A draft decides nothing until another person has approved it and it goes live. Without a\n"
        "version the newest is meant, to retire the one in force; to approve it is needed. A shadow\n"
        "rule fires, is recorded and counted, and changes no outcome. Rules of the settings file are\n"
        "listed too, and changed there. Without a service, list and show read the data directory, and\n"
        "retire writes there, so that a rule that no longer compiles keeps nobody from starting.",
    .options = options,
    .examples = "  assay rule draft ROUND --when 'amount % 100 = 0' --then review --note 'Monday'\n"
                "  assay rule backtest ROUND --from 2018-07-01\n"
                "  assay rule approve ROUND@1\n"
                "  assay rule shadow ROUND\n"
                "  assay rule live ROUND --note 'a week as a shadow: 3 of 4 are fraud'\n"
                "  assay rule list --json\n",
    .run = rule_run,
};
