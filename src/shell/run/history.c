#include "shell/run/history.h"

#include <string.h>

#include "shell/os/clock.h"
#include "shell/run/event_id.h"
#include "shell/run/feed.h"
#include "shell/run/list_feed.h"
#include "shell/run/list_import.h"
#include "shell/run/shared.h"

enum { HISTORY_SOURCE_MAX = 64 << 10, HISTORY_ID_MAX = 64 << 10 };

/* The state starts empty, for good. */
bool history_skip(struct shard *s, const struct settings *settings, struct history_result *r,
                  struct error *e)
{
    *r = (struct history_result){.was_there = shard_has_history(s), .is_none = true};
    r->until_us = INT64_MIN;
    return (r->was_there || shard_end_history(s, (struct text){0}, e)) &&
           list_import(s, settings, clock_now_us(), e);
}

static bool take_list(void *context, uint32_t list, const struct list_item *item, uint32_t count,
                      int64_t at_us, struct error *e)
{
    return shard_list_from_file(context, list, item, count, at_us, 0, e);
}

static bool pass_over_list(void *context, uint32_t list, const struct list_item *item,
                           uint32_t count, int64_t at_us, struct error *e)
{
    (void)context, (void)list, (void)item, (void)count, (void)at_us, (void)e;
    return true;
}

/* The rows from `first` on, with what changed lists between them. What an interrupted import had
 * before row `first` is there already, or is made again, which changes nothing. */
static bool observe_frame(struct shard *s, const struct frame *f, uint32_t first,
                          struct list_feed *lists, struct error *e)
{
    struct plan *plan = shard_plan(s);
    int field = plan_schema(plan)->time;
    const struct column *time = field != FIELD_NONE ? &f->column[field] : NULL;

    plan_unref(plan);

    if (first > 0 && time != NULL &&
        !list_feed_advance(lists, time->integer[first - 1], pass_over_list, NULL, e))
        return false;
    while (first < f->rows) {
        uint32_t rows = list_feed_rows(lists, time, first, f->rows - first);

        if (rows == 0 &&
            !list_feed_advance(lists, time != NULL ? time->integer[first] : 0, take_list, s, e))
            return false;
        if (!shard_observe(s, f, first, rows, e))
            return false;
        first += rows;
    }
    return true;
}

/* Shared windows know the history too; where several nodes have the same one, it is there once,
 * under the events' ids. The feed lends its frame until the next one: it may be written to. */
static bool share(struct shared *shared, struct shard *s, const struct frame *frame, uint64_t at,
                  struct error *e)
{
    struct shared_event *event;
    struct frame *f = (struct frame *)frame;
    int64_t now_us = clock_now_us();
    struct plan *plan;
    struct buffer id;

    if (shared == NULL)
        return true;
    plan = shard_plan(s);
    event = mem_array(f->rows, sizeof *event);
    buffer_init(&id, HISTORY_ID_MAX);
    for (uint32_t i = 0; i < f->rows; i++) {
        buffer_clear(&id);
        if (!event_id_text(plan_schema(plan), f, i, &id))
            buffer_format(&id, "history:%llu", (unsigned long long)at + i);
        event[i] = (struct shared_event){.id = {mem_text(id.bytes, id.length), id.length},
                                         .received_us = now_us};
    }
    shared_fill(shared, plan, f, 0, f->rows, event);
    for (uint32_t i = 0; i < f->rows; i++)
        mem_free((char *)event[i].id.bytes);
    buffer_fini(&id);
    mem_free(event);
    plan_unref(plan);
    return shared_settle(shared, e) ||
           error_prefix(e, "the history cannot be shared; start Redis, or give --no-history");
}

static bool observe(struct shard *s, struct shared *shared, struct feed *f, struct list_feed *lists,
                    uint64_t skip, const struct progress *progress, struct error *e)
{
    const struct frame *frame = NULL;
    uint64_t at = 0;

    if (!feed_begin(f, true, e))
        return false;
    for (;;) {
        uint32_t first = 0;

        if (!feed_next(f, &frame, e))
            return false;
        if (frame == NULL)
            return true;
        if (at < skip)
            first = skip - at < frame->rows ? (uint32_t)(skip - at) : frame->rows;
        if (!share(shared, s, frame, at, e) || !observe_frame(s, frame, first, lists, e))
            return false;
        at += frame->rows;
        if (!progress_report(progress, "importing the history",
                             (double)at / (double)f->counts.rows))
            return error_set(e, ERROR_CANCELLED, "stopped while importing the history");
    }
}

bool history_import(struct shard *s, const struct settings *settings, const char *path,
                    const struct progress *progress, struct history_result *r, struct error *e)
{
    struct list_feed *lists;
    struct shard_status status;
    struct buffer files;
    struct feed f;
    bool ok;

    buffer_init(&files, HISTORY_SOURCE_MAX);
    if (path != NULL)
        buffer_add_text(&files, path);
    else
        settings_event_files(settings, &files);
    if (files.length == 0) {
        buffer_fini(&files);
        return history_skip(s, settings, r, e);
    }
    *r = (struct history_result){.was_there = shard_has_history(s)};
    ok = true;
    if (!r->was_there) {
        uint64_t skip = shard_history_events(s);

        struct plan *plan = shard_plan(s);

        ok = feed_load_for(settings, path, plan, progress, &f, e);
        plan_unref(plan);
        if (ok) {
            ok = list_feed_open(settings, &lists, e);
            if (ok) {
                struct shared *shared = NULL;

                ok = shared_open(settings, &shared, e) &&
                     observe(s, shared, &f, lists, skip, progress, e) &&
                     shard_end_history(s, (struct text){files.bytes, files.length}, e);
                shared_close(shared);
                list_feed_close(lists);
            }
            r->events = f.counts.rows - skip;
            feed_free(&f);
        }
    }
    buffer_fini(&files);
    if (!ok)
        return false;
    shard_status(s, &status);
    r->until_us = status.watermark_us;
    return list_import(s, settings, clock_now_us(), e);
}
