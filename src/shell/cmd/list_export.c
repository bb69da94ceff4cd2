/* `assay list export`: a list as a file that `assay list import` and the settings' `file:` take. */
#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "shell/cmd/list.h"
#include "shell/run/body.h"
#include "shell/run/data_directory.h"
#include "shell/run/output.h"

static const char *const columns[] = {"value", "at", "expires", "note", "by", "op"};

enum { COLUMNS = sizeof columns / sizeof *columns };

static struct text time_text(int64_t time_us, char text[TIME_TEXT_MAX])
{
    return (struct text){text, time_format(time_us, text)};
}

static bool export_entry(void *context, const struct json *entry, struct error *e)
{
    struct output *o = context;
    const struct json *expired = json_get(entry, "expired");
    struct text expires = listing_text(entry, "expires");

    if (expired != NULL && expired->kind == JSON_BOOL && expired->boolean)
        return true;
    output_text(o, listing_text(entry, "value"));
    output_text(o, listing_text(entry, "added"));
    output_text(o, expires.length > 0 ? expires : text_of("never"));
    output_text(o, listing_text(entry, "note"));
    output_text(o, listing_text(entry, "by"));
    return output_flush(o, e);
}

static void export_changes_of(const struct record *r, const struct list_body *b, struct output *o)
{
    char at[TIME_TEXT_MAX], expires[TIME_TEXT_MAX];
    struct list_item item;
    struct reader reader;

    reader_init(&reader, b->items.bytes, b->items.length);
    for (uint32_t i = 0; i < b->count; i++) {
        list_item_next(&reader, &item);
        output_text(o, item.value);
        output_text(o, r->received_us == 0 ? text_of("") : time_text(r->received_us, at));
        output_text(o, item.is_removal                 ? text_of("")
                       : item.expires_us == LIST_NEVER ? text_of("never")
                                                       : time_text(item.expires_us, expires));
        output_text(o, item.note);
        output_text(o, b->by);
        output_text(o, text_of(item.is_removal ? "remove" : "add"));
    }
}

/* From the log itself: a service may run beside. */
static bool export_changes(struct listing *l, struct output *o, struct error *e)
{
    char shard[DATA_PATH_MAX], directory[DATA_PATH_MAX + 8];
    struct log_cursor *c;
    struct record r;
    bool ok;
    int found = 0;

    if (!data_shard_directory(l->settings, shard, e))
        return false;
    snprintf(directory, sizeof directory, "%s/log", shard);
    if (!log_cursor_open(directory, 1, &c, e))
        return false;
    ok = true;
    while (ok && (found = log_cursor_next(c, &r, e)) == 1) {
        struct list_body b;

        if (r.kind != RECORD_LIST)
            continue;
        ok = list_body_parse(r.body, &b, e);
        if (ok && text_is(b.list, l->list->name)) {
            export_changes_of(&r, &b, o);
            ok = output_flush(o, e);
        }
    }
    log_cursor_close(c);
    return ok && found >= 0;
}

bool list_export_run(struct listing *l, struct error *e)
{
    bool has_changes = option_has(l->v, "changes"), ok;
    struct output *o;

    if (!output_open(option_get(l->v, "output"), columns, has_changes ? COLUMNS : COLUMNS - 1, &o,
                     e))
        return false;
    ok = has_changes ? export_changes(l, o, e) : listing_entries(l, export_entry, o, e);
    if (ok)
        return output_finish(o, e);
    output_abandon(o);
    return false;
}
