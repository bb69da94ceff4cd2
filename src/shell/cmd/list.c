/* assay list show | add | remove | import | export: lists of a running service. */
#include "shell/cmd/list.h"
#include "shell/cmd/action.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/text.h"
#include "shell/os/clock.h"
#include "shell/run/list_file.h"

enum {
    BATCH_BYTES = 32 << 10, /* of one request, beyond the last entry */
    PAGE = 1000,
    PATH_BYTES = 4 * PLAN_NAME_MAX + 512,
};

/* ---- asking ---- */

struct text listing_text(const struct json *object, const char *key)
{
    const struct json *v = object->kind == JSON_OBJECT ? json_get(object, key) : NULL;

    return v != NULL && v->kind == JSON_TEXT ? v->text : (struct text){"", 0};
}

/* The first bad field, where the service names one. */
static struct text first_detail(const struct json *problem)
{
    const struct json *errors = json_get(problem, "errors");
    struct text detail = {"", 0};

    if (errors != NULL && errors->kind == JSON_ARRAY && errors->count > 0)
        detail = listing_text(&errors->items[0], "detail");
    return detail.length > 0 ? detail : listing_text(problem, "detail");
}

bool listing_ask(struct listing *l, const char *path, struct text body, struct json_document **d,
                 struct error *e)
{
    int status;

    if (!http_client_ask(l->client, path, "application/json", body, &l->answer, &status, e)) {
        struct error why = *e;

        return error_set(e, ERROR_WORLD,
                         "no service answers: lists are changed where they are kept. Start it with "
                         "`assay serve`, or name it with --url (%s)",
                         why.text);
    }
    *d = json_parse(l->json, l->answer.bytes, l->answer.length, e);
    if (*d == NULL || (*d)->root.kind != JSON_OBJECT) {
        json_free(*d);
        return error_set(e, ERROR_WORLD, "%s: the service answered %d, and no JSON", path, status);
    }
    if (status == 200)
        return true;
    error_set(e, status == 429 || status >= 500 ? ERROR_WORLD : ERROR_INVALID,
              "the service answered %d: %.*s%s", status, TEXT_ARG(first_detail(&(*d)->root)),
              hint_of_status(status));
    json_free(*d);
    return false;
}

static void path_of_list(const struct listing *l, const char *rest, struct buffer *path)
{
    buffer_add_text(path, "/v1/lists/");
    http_path_add(path, text_of(l->list->name));
    buffer_add_text(path, rest);
}

bool listing_entries(struct listing *l,
                     bool (*visit)(void *context, const struct json *entry, struct error *e),
                     void *context, struct error *e)
{
    char cursor[64] = "";
    struct buffer path;
    bool ok = true;

    buffer_init(&path, PATH_BYTES);
    do {
        struct json_document *d;
        const struct json *items;
        struct text next;

        buffer_clear(&path);
        path_of_list(l, "", &path);
        buffer_format(&path, "?limit=%d%s%s", PAGE, cursor[0] != 0 ? "&cursor=" : "", cursor);
        ok = listing_ask(l, buffer_text(&path), (struct text){0}, &d, e);
        if (!ok)
            break;
        items = json_get(&d->root, "items");
        for (uint32_t i = 0; ok && items != NULL && i < items->count; i++)
            ok = visit(context, &items->items[i], e);
        next = listing_text(&d->root, "next");
        snprintf(cursor, sizeof cursor, "%.*s", TEXT_ARG(next));
        json_free(d);
    } while (ok && cursor[0] != 0);
    buffer_fini(&path);
    return ok;
}

/* ---- show ---- */

/* A value may be any text; what would move a terminal is shown as "?". */
static void add_plain(struct buffer *out, struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        unsigned char c = (unsigned char)t.bytes[i];
        bool is_control = c < ' ' || c == 0x7f ||
                          (c == 0xc2 && i + 1 < t.length && (unsigned char)t.bytes[i + 1] < 0xa0);

        if (!is_control) {
            buffer_add_char(out, (char)c);
            continue;
        }
        buffer_add_char(out, '?');
        i += c == 0xc2;
    }
}

static bool show_entry(void *context, const struct json *entry, struct error *e)
{
    struct buffer *out = context;
    struct text expires = listing_text(entry, "expires"), note = listing_text(entry, "note");
    struct text added = listing_text(entry, "added");
    const struct json *expired = json_get(entry, "expired");

    (void)e;
    add_plain(out, listing_text(entry, "value"));
    buffer_format(out, "\n    added %.*s by ",
                  TEXT_ARG(added.length > 0 ? added : text_of("from the start")));
    add_plain(out, listing_text(entry, "by"));
    if (expires.length > 0)
        buffer_format(out, ", %s %.*s", expired != NULL && expired->boolean ? "expired" : "expires",
                      TEXT_ARG(expires));
    if (note.length > 0) {
        buffer_add_text(out, ": ");
        add_plain(out, note);
    }
    buffer_add_char(out, '\n');
    return true;
}

static bool show_entry_json(void *context, const struct json *entry, struct error *e)
{
    static const char *const keys[] = {"value", "added", "expires", "note", "by"};
    struct buffer *out = context;

    (void)e;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct text t = listing_text(entry, keys[i]);

        buffer_format(out, "%s\"%s\":", i > 0 ? "," : "{", keys[i]);
        if (t.length == 0 && i > 0 && i < 3)
            buffer_add_text(out, "null");
        else
            json_add_text(out, t);
    }
    buffer_add_text(out, "}\n");
    return true;
}

static void show_name(const struct json *list, struct buffer *out)
{
    const struct json *entries = json_get(list, "entries");
    struct text description = listing_text(list, "description");

    buffer_format(out, "%-24.*s %8" PRId64 " of %.*s", TEXT_ARG(listing_text(list, "name")),
                  entries != NULL ? entries->integer : 0, TEXT_ARG(listing_text(list, "type")));
    if (description.length > 0) {
        buffer_add_text(out, "  ");
        add_plain(out, description);
    }
    buffer_add_char(out, '\n');
}

static bool show_names(struct listing *l, struct buffer *out, struct error *e)
{
    struct json_document *d;
    const struct json *lists;

    if (!listing_ask(l, "/v1/lists", (struct text){0}, &d, e))
        return false;
    if (l->v->json)
        buffer_add(out, l->answer.bytes, l->answer.length);
    lists = json_get(&d->root, "lists");
    for (uint32_t i = 0; !l->v->json && lists != NULL && i < lists->count; i++)
        show_name(&lists->items[i], out);
    json_free(d);
    return true;
}

static bool show_run(struct listing *l, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (l->list == NULL)
        ok = show_names(l, &out, e);
    else
        ok = listing_entries(l, l->v->json ? show_entry_json : show_entry, &out, e);
    ok = ok && print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

/* ---- changing ---- */

struct changes {
    struct listing *l;
    struct buffer path, body;
    uint32_t count; /* in body */
    uint64_t of[5]; /* by enum list_result */
};

static const char *const result_words[] = {
    [LIST_ADDED] = "added",     [LIST_REPLACED] = "replaced", [LIST_UNCHANGED] = "unchanged",
    [LIST_REMOVED] = "removed", [LIST_ABSENT] = "absent",
};

static bool changes_init(struct changes *c, struct listing *l, struct error *e)
{
    const char *by = option_get(l->v, "by");

    *c = (struct changes){.l = l};
    buffer_init(&c->path, PATH_BYTES + 3 * LIST_BY_MAX);
    buffer_init(&c->body, 4 * BATCH_BYTES);
    path_of_list(l, "/entries", &c->path);
    if (by == NULL)
        return true;
    buffer_add_text(&c->path, "?by=");
    http_path_add(&c->path, text_of(by));
    return strlen(by) <= LIST_BY_MAX ||
           error_set(e, ERROR_USAGE, "option \"--by\": over %d bytes", LIST_BY_MAX);
}

static void changes_fini(struct changes *c)
{
    buffer_fini(&c->path);
    buffer_fini(&c->body);
}

static bool changes_send(struct changes *c, struct error *e)
{
    struct json_document *d;
    const struct json *results;

    if (c->count == 0)
        return true;
    buffer_add_char(&c->body, ']');
    if (!listing_ask(c->l, buffer_text(&c->path), (struct text){c->body.bytes, c->body.length}, &d,
                     e))
        return false;
    results = json_get(&d->root, "results");
    for (uint32_t i = 0; results != NULL && i < results->count; i++) {
        struct text result = listing_text(&results->items[i], "result");

        for (int k = 0; k < 5; k++)
            c->of[k] += text_is(result, result_words[k]);
    }
    json_free(d);
    buffer_clear(&c->body);
    c->count = 0;
    return true;
}

/* `expires` as it goes to the service; NULL: the list's own. */
static bool changes_add(struct changes *c, struct text value, const char *expires, struct text note,
                        bool is_removal, struct error *e)
{
    if (c->count == LIST_CHANGES_MAX || c->body.length > BATCH_BYTES) {
        if (!changes_send(c, e))
            return false;
    }
    buffer_add_text(&c->body, c->count++ > 0 ? ",{\"value\":" : "[{\"value\":");
    json_add_text(&c->body, value);
    if (is_removal)
        buffer_add_text(&c->body, ",\"remove\":true");
    if (expires != NULL && !is_removal) {
        buffer_add_text(&c->body, ",\"expires\":");
        json_add_text(&c->body, text_of(expires));
    }
    if (note.length > 0) {
        buffer_add_text(&c->body, ",\"note\":");
        json_add_text(&c->body, note);
    }
    buffer_add_char(&c->body, '}');
    return true;
}

static bool changes_tell(const struct changes *c, struct error *e)
{
    struct buffer out;
    const char *comma = "";
    bool ok;

    buffer_init(&out, 4096);
    if (c->l->v->json) {
        buffer_format(&out, "{\"name\":\"%s\"", c->l->list->name);
        for (int k = 0; k < 5; k++)
            buffer_format(&out, ",\"%s\":%" PRIu64, result_words[k], c->of[k]);
        buffer_add_char(&out, '}');
    } else {
        buffer_format(&out, "%s: ", c->l->list->name);
        for (int k = 0; k < 5; k++) {
            if (c->of[k] == 0)
                continue;
            buffer_format(&out, "%s%" PRIu64 " %s", comma, c->of[k], result_words[k]);
            comma = ", ";
        }
    }
    buffer_add_char(&out, '\n');
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool change_arguments(struct listing *l, bool is_removal, struct error *e)
{
    const char *note = option_get(l->v, "note");
    struct changes c;
    bool ok = changes_init(&c, l, e);

    for (uint32_t i = 2; ok && i < l->v->argument_count; i++)
        ok = changes_add(&c, text_of(l->v->argument[i]), option_get(l->v, "expires"),
                         text_of(note != NULL ? note : ""), is_removal, e);
    ok = ok && changes_send(&c, e) && changes_tell(&c, e);
    changes_fini(&c);
    return ok;
}

static bool add_run(struct listing *l, struct error *e)
{
    return change_arguments(l, false, e);
}

static bool remove_run(struct listing *l, struct error *e)
{
    return change_arguments(l, true, e);
}

static bool import_rows(struct changes *c, const struct list_file *f, struct error *e)
{
    char time[TIME_TEXT_MAX];

    for (uint32_t i = 0; i < f->count; i++) {
        const struct list_item *item = &f->row[i].item;
        const char *expires = "never";

        if (item->expires_us != LIST_NEVER) {
            time_format(item->expires_us, time);
            expires = time;
        }
        if (!changes_add(c, item->value, expires, item->note, item->is_removal, e))
            return false;
    }
    return changes_send(c, e) && changes_tell(c, e);
}

/* The rows in the order of their times; they take effect now. */
static bool import_run(struct listing *l, struct error *e)
{
    struct list_file f;
    struct changes c;
    bool ok;

    if (!list_file_read(l->list, l->v->argument[2], clock_now_us(), &f, e))
        return false;
    ok = changes_init(&c, l, e) && import_rows(&c, &f, e);
    changes_fini(&c);
    list_file_fini(&f);
    return ok;
}

/* ---- the command ---- */

static const struct {
    struct action action;
    bool (*run)(struct listing *l, struct error *e);
} actions[] = {
    {{"show", 1, 2, "[NAME]"}, show_run},
    {{"add", 3, ARGUMENTS_MAX, "NAME VALUE..."}, add_run},
    {{"remove", 3, ARGUMENTS_MAX, "NAME VALUE..."}, remove_run},
    {{"import", 3, 3, "NAME FILE"}, import_run},
    {{"export", 2, 2, "NAME"}, list_export_run},
};

static bool find_list(struct listing *l, struct error *e)
{
    struct text names[LANG_LISTS_MAX];
    const char *wanted = l->v->argument[1];
    int nearest;

    l->list = settings_list(l->settings, wanted);
    if (l->list != NULL)
        return true;
    for (uint32_t i = 0; i < l->settings->list_count; i++)
        names[i] = text_of(l->settings->lists[i].name);
    nearest = text_nearest(text_of(wanted), names, l->settings->list_count);
    return error_set(e, ERROR_INVALID, "%s has no list \"%.60s\"%s%s%s", l->settings->path, wanted,
                     nearest >= 0 ? "; did you mean \"" : "",
                     nearest >= 0 ? names[nearest].bytes : "", nearest >= 0 ? "\"?" : "");
}

static bool list_open(struct listing *l, struct error *e)
{
    struct http_peer peer;

    if (!invocation_settings(l->v, &l->settings, e) ||
        (l->v->argument_count > 1 && !find_list(l, e)))
        return false;
    if (!invocation_service(l->v, l->settings, l->url, &peer, e))
        return false;
    l->client = http_client_of(&peer);
    l->json = json_reader_new();
    return true;
}

static bool list_run(struct invocation *v, struct error *e)
{
    const __typeof__(actions[0]) *at = ACTION_FIND(v, actions, e);
    struct listing l = {.v = v};
    bool ok;

    if (at == NULL)
        return false;
    buffer_init(&l.answer, HTTP_ANSWER_MAX);
    ok = list_open(&l, e) && at->run(&l, e);
    http_client_free(l.client);
    json_reader_free(l.json);
    buffer_fini(&l.answer);
    settings_free(l.settings);
    return ok;
}

static const struct option options[] = {
    OPTIONS_SERVICE,
    {"expires", 0, "WHEN", "add: 7d, a time, or never (default: as the list's settings say)"},
    {"note", 0, "TEXT", "add, remove: why"},
    {"by", 0, "NAME", "who says so (default: api)"},
    {"changes", 0, NULL, "export: all changes ever made, with their times, from the log"},
    {"output", 'o', "FILE", "export: where to write (default: standard output)"},
    {0},
};

const struct command command_list = {
    .name = "list",
    .group = GROUP_DECIDE,
    .summary = "shows and changes the lists of a running service",
    .arguments = "show|add|remove|import|export [NAME] [VALUE...]",
    .least = 1,
    .most = ARGUMENTS_MAX,
    .words =
        "A change is in the log, and takes effect for the events decided after it. Adding what is\n"
        "there or removing what is not changes nothing. An entry that expires is in force for\n"
        "events whose time is before that. import reads CSV, NDJSON or JSON with a column `value`,\n"
        "and if wanted `expires`, `note` and `op` (add, remove); export writes such a file, and\n"
        "with --changes one that training and scoring can read as `lists.NAME.file`.",
    .options = options,
    .examples =
        "  assay list show\n"
        "  assay list add blocked_merchants m-1029 --expires 30d --note 'case 77' --by ana\n"
        "  assay list remove blocked_merchants m-1029\n"
        "  assay list import blocked_merchants merchants.csv\n"
        "  assay list export blocked_merchants --changes -o changes.csv\n",
    .run = list_run,
};
