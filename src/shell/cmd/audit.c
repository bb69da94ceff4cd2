/* assay audit [export] */
#include "shell/audit/trail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/audit/export.h"
#include "shell/cmd/admin.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/run/data_directory.h"

enum { LIMIT_USUAL = 50, LIMIT_MAX = 1000000, PATH_BYTES = 8192 };

static const char *const filters[] = {"from", "to", "kind", "actor", "subject", "event", "request"};

enum { FILTERS = sizeof filters / sizeof *filters };

struct auditing {
    struct invocation *v;
    struct settings *settings;
    char data[DATA_PATH_MAX], shard[DATA_PATH_MAX];
    struct trail_options trail;
    struct json_reader *json;
    FILE *file; /* of the export */
    const char *path;
};

/* ---- what is asked for */

static bool take_time(const struct invocation *v, const char *name, int64_t *us, struct error *e)
{
    const char *word = option_get(v, name);

    return word == NULL || time_parse(text_of(word), TIME_ISO, us) ||
           error_set(e, ERROR_USAGE,
                     "--%s: expected a time like 2026-05-04T10:00:00Z, found \"%s\"", name, word);
}

static struct text option_text(const struct invocation *v, const char *name)
{
    const char *word = option_get(v, name);

    return text_of(word != NULL ? word : "");
}

static bool take_filter(struct auditing *a, struct error *e)
{
    struct trail_filter *f = &a->trail.filter;

    *f = (struct trail_filter){.from_us = INT64_MIN,
                               .to_us = INT64_MAX,
                               .kind = option_text(a->v, "kind"),
                               .actor = option_text(a->v, "actor"),
                               .subject = option_text(a->v, "subject"),
                               .event = option_text(a->v, "event"),
                               .request = option_text(a->v, "request")};
    return take_time(a->v, "from", &f->from_us, e) && take_time(a->v, "to", &f->to_us, e) &&
           trail_filter_check(f, e);
}

static bool open_directory(struct auditing *a, struct error *e)
{
    if (!invocation_settings(a->v, &a->settings, e) || !data_directory(a->settings, a->data, e) ||
        !data_shard_directory(a->settings, a->shard, e))
        return false;
    if (!file_exists(a->data))
        return error_set(e, ERROR_NOT_FOUND, "%s: there is no data directory here", a->data);
    a->trail.data_directory = a->data;
    a->trail.shard_directory = a->shard;
    a->trail.last_decisions = a->trail.last_control = UINT64_MAX;
    return true;
}

/* ---- entries for people */

static void print_entry(const struct json *v, struct buffer *out)
{
    struct text id = json_text_at(v, "actor.id"), kind = json_text_at(v, "actor.kind");
    struct text subject = json_text_at(v, "subject"), note = json_text_at(v, "note");

    buffer_format(out, "%.*s  %-9.*s %8" PRIu64 "  %-18.*s %.*s", TEXT_ARG(json_text_at(v, "at")),
                  TEXT_ARG(json_text_at(v, "log")), json_count_at(v, "seq"),
                  TEXT_ARG(json_text_at(v, "kind")), TEXT_ARG(kind));
    if (id.length > 0)
        buffer_format(out, ":%.*s", TEXT_ARG(id));
    if (subject.length > 0)
        buffer_format(out, "  %.*s", TEXT_ARG(subject));
    if (note.length > 0)
        buffer_format(out, "  %.*s", TEXT_ARG(note));
    buffer_add_char(out, '\n');
}

static bool take_entry(void *context, struct text json, struct error *e)
{
    struct auditing *a = context;
    struct json_document *d;
    struct buffer out;
    bool ok = true;

    buffer_init(&out, OUTPUT_MAX);
    if (a->v->json) {
        buffer_add_slice(&out, json);
        buffer_add_char(&out, '\n');
    } else if ((d = json_parse(a->json, json.bytes, json.length, e)) != NULL) {
        print_entry(&d->root, &out);
        json_free(d);
    } else {
        ok = false;
    }
    ok = ok && print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

/* ---- of a service */

static void add_query(struct buffer *path, const char *name, struct text value)
{
    if (value.length == 0)
        return;
    buffer_format(path, "&%s=", name);
    http_path_add(path, value);
}

static bool show_page(struct auditing *a, const struct json *page, int64_t *left, struct error *e)
{
    const struct json *entries = json_at(page, "entries");
    struct buffer line;
    bool ok = true;

    buffer_init(&line, OUTPUT_MAX);
    for (uint32_t i = 0; ok && entries != NULL && i<entries->count && * left> 0; i++, --*left) {
        buffer_clear(&line);
        json_add_json(&line, &entries->items[i]);
        ok = take_entry(a, (struct text){line.bytes, line.length}, e);
    }
    buffer_fini(&line);
    return ok;
}

static bool ask_service(struct auditing *a, int64_t limit, struct error *e)
{
    char next[PATH_BYTES] = "";
    struct admin admin;
    bool ok = admin_open(&admin, a->v, e);

    while (ok && limit > 0) {
        struct buffer path;

        buffer_init(&path, PATH_BYTES);
        buffer_format(&path, "/v1/audit?limit=%d&sort=%s",
                      (int)(limit < TRAIL_LIMIT_MAX ? limit : TRAIL_LIMIT_MAX),
                      a->trail.is_descending ? "-time" : "time");
        for (size_t i = 0; i < FILTERS; i++)
            add_query(&path, filters[i], option_text(a->v, filters[i]));
        add_query(&path, "cursor", text_of(next));
        ok = !path.overflow || error_set(e, ERROR_USAGE, "the filters are too long together");
        ok = ok && admin_ask(&admin, buffer_text(&path), NULL, false, e) &&
             show_page(a, &admin.document->root, &limit, e);
        buffer_fini(&path);
        if (ok)
            snprintf(next, sizeof next, "%.*s",
                     TEXT_ARG(json_text_at(&admin.document->root, "next")));
        if (next[0] == 0)
            break;
    }
    admin_close(&admin);
    return ok;
}

/* ---- of a data directory */

static bool show(struct auditing *a, struct error *e)
{
    const struct trail_taker taker = {take_entry, a};
    int64_t limit = LIMIT_USUAL;
    struct trail_counts c;

    a->trail.is_descending = !option_has(a->v, "oldest");
    if (a->trail.is_descending)
        a->trail.place = (struct trail_place){UINT64_MAX, UINT64_MAX};
    if (!option_whole(a->v, "number", 1, LIMIT_MAX, &limit, e))
        return false;
    if (option_has(a->v, "url"))
        return ask_service(a, limit, e);
    a->trail.limit = (uint32_t)limit;
    return open_directory(a, e) && trail_read(&a->trail, &taker, &c, e);
}

static bool write_file(void *context, struct text bytes, struct error *e)
{
    struct auditing *a = context;

    return fwrite(bytes.bytes, 1, bytes.length, a->file) == bytes.length ||
           error_set(e, ERROR_WORLD, "cannot write %s: is the disk full?", a->path);
}

static bool tell_export(struct auditing *a, const struct trail_counts *c, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (a->v->json)
        buffer_format(&out,
                      "{\"entries\":%" PRIu64 ",\"decisions\":%" PRIu64 ",\"control\":%" PRIu64
                      ",\"looked_at\":%" PRIu64 "}\n",
                      c->decisions + c->control, c->decisions, c->control, c->looked_at);
    else
        buffer_format(&out,
                      "%s: %" PRIu64 " entries (%" PRIu64 " of the decision log, %" PRIu64
                      " of the control log), and the manifest as the last line\n",
                      a->path, c->decisions + c->control, c->decisions, c->control);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool open_key(struct auditing *a, struct signature_key **key, struct error *e)
{
    char path[CHECKPOINT_PATH_MAX];

    *key = NULL;
    if (!checkpoint_key_path(a->data, a->settings->log_checkpoint_key, a->settings->directory, path,
                             e))
        return false;
    return !file_exists(path) || checkpoint_key_open(path, false, key, e);
}

static bool export_all(struct auditing *a, struct error *e)
{
    struct export_options o = {.now_us = clock_now_us(), .write = write_file, .context = a};
    struct signature_key *key;
    struct trail_counts c;
    bool ok;

    a->path = option_get(a->v, "output");
    if (a->path == NULL)
        return error_set(e, ERROR_USAGE, "audit export: --output FILE is missing");
    if (option_has(a->v, "url"))
        return error_set(e, ERROR_USAGE,
                         "audit export: reads the data directory, beside a service too; not --url");
    if (!open_directory(a, e) || !open_key(a, &key, e))
        return false;
    o.trail = a->trail;
    o.trail.progress = term_progress(&a->v->term);
    o.key = key;
    a->file = fopen(a->path, "w");
    ok = a->file != NULL || error_set(e, ERROR_WORLD, "cannot write %s", a->path);
    ok = ok && audit_export(&o, &c, e);
    if (a->file != NULL && fclose(a->file) != 0 && ok)
        ok = error_set(e, ERROR_WORLD, "cannot write %s: is the disk full?", a->path);
    signature_key_free(key);
    term_clear(&a->v->term);
    return ok && tell_export(a, &c, e);
}

static bool audit_run(struct invocation *v, struct error *e)
{
    struct auditing a = {.v = v, .json = json_reader_new()};
    bool is_export = v->argument_count == 1 && strcmp(v->argument[0], "export") == 0, ok;

    if (v->argument_count == 1 && !is_export)
        ok = error_set(e, ERROR_USAGE, "audit: expected export or nothing, found \"%s\"",
                       v->argument[0]);
    else
        ok = take_filter(&a, e) && (is_export ? export_all(&a, e) : show(&a, e));
    json_reader_free(a.json);
    settings_free(a.settings);
    return ok;
}

static const struct option options[] = {
    {"from", 0, "TIME", "only entries at or after this"},
    {"to", 0, "TIME", "only entries before this"},
    {"kind", 0, "KIND",
     "only of this kind: decision, label, list, key.created; key. for all of keys"},
    {"actor", 0, "WHO", "only by this one: ann, user:ann, key:3f9a01c2d4e5"},
    {"subject", 0, "WHAT", "only about this: event/ID, list/NAME, key/ID, user/NAME"},
    {"event", 0, "ID", "only about this event"},
    {"request", 0, "ID", "only of this request (X-Request-Id)"},
    {"number", 'n', "N", "how many (default 50)"},
    {"oldest", 0, NULL, "the oldest first"},
    {"output", 'o', "FILE", "export: where to write"},
    OPTIONS_SERVICE,
    {0},
};

const struct command command_audit = {
    .name = "audit",
    .group = GROUP_LOOK,
    .summary = "shows or exports who did what: decisions, labels, changes, refusals",
    .arguments = "[export]",
    .least = 0,
    .most = 1,
    .words =
        "Reads both logs of the data directory, beside a running service too; with --url asks a\n"
        "service (role auditor or admin). --json prints an entry a line. export writes all, and\n"
        "a signed manifest as the last line: see docs/audit.md.",
    .options = options,
    .examples = "  assay audit -n 20\n"
                "  assay audit --actor user:ann --kind key. --json\n"
                "  assay audit --event tx-1042\n"
                "  assay audit export -o audit.ndjson --from 2026-05-01\n",
    .run = audit_run,
};
