/* assay alert list | show | claim | release | snooze | assign | close, asked of the running
 * service.
 */
#include <string.h>

#include "shell/cmd/action.h"
#include "shell/cmd/watched.h"

enum { MANY = ARGUMENTS_MAX };

static void say_alert(const struct json *a, struct buffer *out)
{
    struct text who = json_text_at(a, "assignee"), entity = json_text_at(a, "entity.id");
    struct text disposition = json_text_at(a, "disposition");

    buffer_format(out, "%-10.*s %-8.*s %4llu  %4llu hits  %-12.*s %-12.*s %.*s %.*s",
                  TEXT_ARG(json_text_at(a, "id")), TEXT_ARG(json_text_at(a, "state")),
                  (unsigned long long)json_count_at(a, "score"),
                  (unsigned long long)json_count_at(a, "hits"), TEXT_ARG(json_text_at(a, "queue")),
                  TEXT_ARG(json_text_at(a, "name")), TEXT_ARG(json_text_at(a, "entity.kind")),
                  TEXT_ARG(entity));
    if (disposition.length > 0)
        buffer_format(out, "  %.*s", TEXT_ARG(disposition));
    if (who.length > 0)
        buffer_format(out, "  %.*s", TEXT_ARG(who));
    buffer_add_char(out, '\n');
}

static void say_list(const struct json *root, struct buffer *out)
{
    say_rows(root, "alerts", say_alert, out);
}

static void say_one(const struct json *root, struct buffer *out)
{
    const struct json *decisions = json_at(root, "decisions");

    say_alert(root, out);
    for (uint32_t i = 0; decisions != NULL && i < decisions->count; i++) {
        const struct json *d = &decisions->items[i];

        buffer_format(out, "  %.*s  decision  %.*s %.*s, score %llu\n",
                      TEXT_ARG(json_text_at(d, "time")), TEXT_ARG(json_text_at(d, "id")),
                      TEXT_ARG(json_text_at(d, "outcome")),
                      (unsigned long long)json_count_at(d, "score"));
    }
    say_timeline(root, out);
}

static void say_changed(const struct json *root, struct buffer *out)
{
    const struct json *results = json_at(root, "results");

    for (uint32_t i = 0; results != NULL && i < results->count; i++) {
        const struct json *r = &results->items[i];
        struct text detail = json_text_at(r, "detail");

        buffer_format(out, "%.*s: %.*s\n", TEXT_ARG(json_text_at(r, "id")),
                      TEXT_ARG(detail.length > 0 ? detail : text_of("done")));
    }
}

static bool list_run(struct watching *w, struct error *e)
{
    static const char *const options[] = {"state",     "queue",  "name", "assignee",
                                          "entity",    "rule",   "text", "sort",
                                          "min-score", "cursor", "limit"};

    buffer_add_text(&w->path, "/v1/alerts");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        path_add_query(w, options[i],
                       strcmp(options[i], "min-score") == 0 ? "min_score" : options[i]);
    return watching_ask(w, e) && watching_tell(w, say_list, e);
}

static bool show_run(struct watching *w, struct error *e)
{
    buffer_add_text(&w->path, "/v1/alerts/");
    http_path_add(&w->path, text_of(w->v->argument[1]));
    return watching_ask(w, e) && watching_tell(w, say_one, e);
}

/* Some were changed and others not: the answer is told, and the first that was not is the error. */
static bool all_changed(const struct watching *w, struct error *e)
{
    const struct json *results = json_at(&w->document->root, "results");

    for (uint32_t i = 0; results != NULL && i < results->count; i++) {
        const struct json *r = &results->items[i];
        uint64_t status = json_count_at(r, "status");

        if (status >= 300)
            return error_set(e, status == 404 ? ERROR_NOT_FOUND : ERROR_CONFLICT, "%.*s",
                             TEXT_ARG(json_text_at(r, "detail")));
    }
    return true;
}

/* One or many: the same request. */
static bool change_run(struct watching *w, struct error *e)
{
    buffer_add_text(&w->path, "/v1/alerts:bulk");
    body_begin(w);
    body_add_text(w, "action", text_of(w->v->argument[0]));
    body_add_arguments(w, "alerts", 1);
    body_add_option(w, "disposition", "disposition");
    body_add_option(w, "until", "until");
    body_add_option(w, "to", "to");
    body_add_option(w, "note", "note");
    body_end(w);
    return watching_ask(w, e) && watching_tell(w, say_changed, e) && all_changed(w, e);
}

static const struct {
    struct action action;
    bool (*run)(struct watching *w, struct error *e);
} actions[] = {
    {{"list", 1, 1, "nothing more"}, list_run},
    {{"show", 2, 2, "the ID of an alert"}, show_run},
    {{"claim", 2, MANY, "IDs of alerts"}, change_run},
    {{"release", 2, MANY, "IDs of alerts"}, change_run},
    {{"snooze", 2, MANY, "IDs of alerts"}, change_run},
    {{"assign", 2, MANY, "IDs of alerts"}, change_run},
    {{"close", 2, MANY, "IDs of alerts"}, change_run},
};

static bool alert_run(struct invocation *v, struct error *e)
{
    const __typeof__(actions[0]) *at = ACTION_FIND(v, actions, e);
    struct watching w;
    bool ok;

    if (at == NULL || !watching_open(&w, v, e))
        return false;
    ok = at->run(&w, e);
    watching_close(&w);
    return ok;
}

static const struct option options[] = {
    {"state", 0, "STATE", "list: active (default), open, claimed, snoozed, closed or any"},
    {"queue", 0, "NAME", "list: of this queue"},
    {"name", 0, "NAME", "list: of this alert of the settings"},
    {"assignee", 0, "WHO", "list: theirs: user:ann, or me"},
    {"entity", 0, "KIND:ID", "list: of this entity"},
    {"rule", 0, "NAME", "list: with a decision in which it fired"},
    {"min-score", 0, "N", "list: of such a score"},
    {"text", 0, "TEXT", "list: an event id, or a part of name, queue, outcome or rules"},
    {"sort", 0, "ORDER", "list: -priority (default), priority, -raised, raised, -amount, amount"},
    {"limit", 0, "N", "list: so many"},
    {"cursor", 0, "CURSOR", "list: go on there"},
    {"disposition", 0, "WORD", "close: confirmed_fraud, false_positive or inconclusive"},
    {"until", 0, "TIME", "snooze: until then"},
    {"to", 0, "WHO", "assign: user:ann, or me; left out: to nobody"},
    {"note", 0, "TEXT", "why, for the audit"},
    OPTIONS_SERVICE,
    {0},
};

const struct command command_alert = {
    .name = "alert",
    .group = GROUP_DECIDE,
    .summary = "lists alerts of a running service and works on them",
    .arguments = "list|show|claim|release|snooze|assign|close [ID...]",
    .least = 1,
    .most = ARGUMENTS_MAX,
    .words =
        "Claim takes alerts, release gives them back, assign gives them to somebody, also\n"
        "those that another has. To close one says what it was, which becomes the label of its\n"
        "decisions. Exit code 1 where one of several could not be changed. See docs/alerts.md.",
    .options = options,
    .examples =
        "  assay alert list --queue urgent --sort raised\n"
        "  assay alert claim 3072\n"
        "  assay alert snooze 3072 --until 2026-05-01T08:00:00Z --note 'the bank calls back'\n"
        "  assay alert close 3072 3136 --disposition confirmed_fraud --note 'card stolen'\n"
        "  assay alert list --state any --json\n",
    .run = alert_run,
};
