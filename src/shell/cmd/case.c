/* assay case list | show | open | note | assign | add | dispose | reopen | evidence, asked of the
 * running service. */
#include <string.h>

#include "shell/cmd/action.h"
#include "shell/cmd/watched.h"

static void say_case(const struct json *c, struct buffer *out)
{
    struct text who = json_text_at(c, "assignee"), disposition = json_text_at(c, "disposition");

    buffer_format(out, "%-8.*s %-7.*s %3llu alerts  %.*s", TEXT_ARG(json_text_at(c, "id")),
                  TEXT_ARG(json_text_at(c, "state")),
                  (unsigned long long)json_count_at(c, "alert_count"),
                  TEXT_ARG(json_text_at(c, "title")));
    if (disposition.length > 0)
        buffer_format(out, "  %.*s", TEXT_ARG(disposition));
    if (who.length > 0)
        buffer_format(out, "  %.*s", TEXT_ARG(who));
    buffer_add_char(out, '\n');
}

static void say_list(const struct json *root, struct buffer *out)
{
    say_rows(root, "cases", say_case, out);
}

static void say_one(const struct json *root, struct buffer *out)
{
    const struct json *entities = json_at(root, "entities"), *alerts = json_at(root, "alerts");

    say_case(root, out);
    for (uint32_t i = 0; entities != NULL && i < entities->count; i++)
        buffer_format(out, "  %.*s %.*s\n", TEXT_ARG(json_text_at(&entities->items[i], "kind")),
                      TEXT_ARG(json_text_at(&entities->items[i], "id")));
    for (uint32_t i = 0; alerts != NULL && i < alerts->count; i++)
        buffer_format(out, "  alert %.*s %.*s, %.*s\n",
                      TEXT_ARG(json_text_at(&alerts->items[i], "id")),
                      TEXT_ARG(json_text_at(&alerts->items[i], "name")),
                      TEXT_ARG(json_text_at(&alerts->items[i], "state")));
    say_timeline(root, out);
}

/* The pack is JSON either way. */
static void say_nothing(const struct json *root, struct buffer *out)
{
    json_add_json(out, root);
    buffer_add_char(out, '\n');
}

static bool list_run(struct watching *w, struct error *e)
{
    static const char *const options[] = {"state",       "assignee", "entity", "text",
                                          "disposition", "cursor",   "limit"};

    buffer_add_text(&w->path, "/v1/cases");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        path_add_query(w, options[i], options[i]);
    return watching_ask(w, e) && watching_tell(w, say_list, e);
}

static void path_of(struct watching *w, const char *end)
{
    buffer_add_text(&w->path, "/v1/cases/");
    http_path_add(&w->path, text_of(w->v->argument[1]));
    buffer_add_text(&w->path, end);
}

static bool show_run(struct watching *w, struct error *e)
{
    path_of(w, "");
    return watching_ask(w, e) && watching_tell(w, say_one, e);
}

static bool evidence_run(struct watching *w, struct error *e)
{
    path_of(w, "/evidence");
    return watching_ask(w, e) && watching_tell(w, say_nothing, e);
}

static bool change(struct watching *w, struct error *e)
{
    body_add_option(w, "note", "note");
    body_end(w);
    return watching_ask(w, e) && watching_tell(w, say_one, e);
}

static bool open_run(struct watching *w, struct error *e)
{
    buffer_add_text(&w->path, "/v1/cases");
    body_begin(w);
    body_add_option(w, "title", "title");
    body_add_arguments(w, "alerts", 1);
    return change(w, e);
}

static bool note_run(struct watching *w, struct error *e)
{
    path_of(w, "/notes");
    body_begin(w);
    return change(w, e);
}

static bool assign_run(struct watching *w, struct error *e)
{
    path_of(w, ":assign");
    body_begin(w);
    body_add_option(w, "to", "to");
    return change(w, e);
}

static bool add_run(struct watching *w, struct error *e)
{
    path_of(w, ":add");
    body_begin(w);
    body_add_arguments(w, "alerts", 2);
    return change(w, e);
}

static bool dispose_run(struct watching *w, struct error *e)
{
    path_of(w, ":dispose");
    body_begin(w);
    body_add_option(w, "disposition", "disposition");
    return change(w, e);
}

static bool reopen_run(struct watching *w, struct error *e)
{
    path_of(w, ":reopen");
    body_begin(w);
    return change(w, e);
}

static const struct {
    struct action action;
    bool (*run)(struct watching *w, struct error *e);
} actions[] = {
    {{"list", 1, 1, "nothing more"}, list_run},
    {{"show", 2, 2, "the ID of a case"}, show_run},
    {{"open", 1, 64, "IDs of alerts"}, open_run},
    {{"note", 2, 2, "the ID of a case"}, note_run},
    {{"assign", 2, 2, "the ID of a case"}, assign_run},
    {{"add", 3, 64, "the ID of a case and IDs of alerts"}, add_run},
    {{"dispose", 2, 2, "the ID of a case"}, dispose_run},
    {{"reopen", 2, 2, "the ID of a case"}, reopen_run},
    {{"evidence", 2, 2, "the ID of a case"}, evidence_run},
};

static bool case_run(struct invocation *v, struct error *e)
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
    {"state", 0, "STATE", "list: open (default), closed or any"},
    {"assignee", 0, "WHO", "list: theirs: user:ann, or me"},
    {"entity", 0, "KIND:ID", "list: with this entity"},
    {"text", 0, "TEXT", "list: a part of the title or of the notes"},
    {"limit", 0, "N", "list: so many"},
    {"cursor", 0, "CURSOR", "list: go on there"},
    {"title", 0, "TEXT", "open: what it is about"},
    {"to", 0, "WHO", "assign: user:ann, or me; left out: to nobody"},
    {"disposition", 0, "WORD", "dispose, list: confirmed_fraud, false_positive or inconclusive"},
    {"note", 0, "TEXT", "what there is to say"},
    OPTIONS_SERVICE,
    {0},
};

const struct command command_case = {
    .name = "case",
    .group = GROUP_DECIDE,
    .summary = "opens cases in a running service, works on them and packs their evidence",
    .arguments = "list|show|open|note|assign|add|dispose|reopen|evidence [ID] [ALERT...]",
    .least = 1,
    .most = ARGUMENTS_MAX,
    .words =
        "A case holds alerts, decisions and entities that belong together. To dispose of it closes\n"
        "its alerts too, and what it was becomes the label of all its decisions. The evidence is\n"
        "one JSON document with every decision in full, its place in the log and the chain value\n"
        "there, which `assay log verify` computes again. See docs/alerts.md.",
    .options = options,
    .examples = "  assay case open 3072 3136 --title 'One device, two cards'\n"
                "  assay case note 17 --note 'the holder lent the card'\n"
                "  assay case dispose 17 --disposition confirmed_fraud\n"
                "  assay case evidence 17 > case-17.json\n",
    .run = case_run,
};
