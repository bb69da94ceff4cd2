#include "shell/run/history.h"

#include <string.h>

#include "shell/os/clock.h"
#include "shell/run/feed.h"
#include "shell/run/list_feed.h"
#include "shell/run/list_import.h"

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
    int field = plan_schema(shard_plan(s))->time;
    const struct column *time = field != FIELD_NONE ? &f->column[field] : NULL;

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

static bool observe(struct shard *s, const struct feed *f, struct list_feed *lists, uint64_t skip,
                    const struct progress *progress, struct error *e)
{
    uint64_t at = 0;

    for (uint32_t i = 0; i < f->count; i++) {
        const struct frame *frame = &f->frames[i];
        uint32_t first = 0;

        if (at < skip)
            first = skip - at < frame->rows ? (uint32_t)(skip - at) : frame->rows;
        if (!observe_frame(s, frame, first, lists, e))
            return false;
        at += frame->rows;
        if (!progress_report(progress, "importing the history",
                             (double)at / (double)f->counts.rows))
            return error_set(e, ERROR_CANCELLED, "stopped while importing the history");
    }
    return true;
}

bool history_import(struct shard *s, const struct settings *settings, const char *path,
                    const struct progress *progress, struct history_result *r, struct error *e)
{
    const struct source_setting *source = settings_source(settings, "transactions");
    const char *name = path != NULL ? path : source != NULL ? source->file : NULL;
    struct list_feed *lists;
    struct shard_status status;
    struct feed f;
    bool ok;

    if (name == NULL)
        return history_skip(s, settings, r, e);
    *r = (struct history_result){.was_there = shard_has_history(s)};
    if (!r->was_there) {
        uint64_t skip = shard_history_events(s);

        struct plan *plan = shard_plan(s);

        ok = feed_load_for(settings, path, plan, progress, &f, e);
        plan_unref(plan);
        if (!ok)
            return false;
        ok = list_feed_open(settings, &lists, e);
        if (ok) {
            ok = observe(s, &f, lists, skip, progress, e) && shard_end_history(s, text_of(name), e);
            list_feed_close(lists);
        }
        r->events = f.counts.rows - skip;
        feed_free(&f);
        if (!ok)
            return false;
    }
    shard_status(s, &status);
    r->until_us = status.watermark_us;
    return list_import(s, settings, clock_now_us(), e);
}
