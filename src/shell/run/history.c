#include "shell/run/history.h"

#include <string.h>

#include "shell/run/feed.h"

enum { HISTORY_SOURCE_MAX = 64 << 10 };

/* The state starts empty, for good. */
bool history_skip(struct shard *s, struct history_result *r, struct error *e)
{
    *r = (struct history_result){.was_there = shard_has_history(s), .is_none = true};
    r->until_us = INT64_MIN;
    return r->was_there || shard_end_history(s, (struct text){0}, e);
}

static bool observe(struct shard *s, struct feed *f, uint64_t skip, const struct progress *progress,
                    struct error *e)
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
        if (first < frame->rows && !shard_observe(s, frame, first, frame->rows - first, e))
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
        return history_skip(s, r, e);
    }
    *r = (struct history_result){.was_there = shard_has_history(s)};
    ok = true;
    if (!r->was_there) {
        uint64_t skip = shard_history_events(s);

        ok = feed_load_for(settings, path, shard_plan(s), progress, &f, e);
        if (ok) {
            ok = observe(s, &f, skip, progress, e) &&
                 shard_end_history(s, (struct text){files.bytes, files.length}, e);
            r->events = f.counts.rows - skip;
            feed_free(&f);
        }
    }
    buffer_fini(&files);
    if (!ok)
        return false;
    shard_status(s, &status);
    r->until_us = status.watermark_us;
    return true;
}
