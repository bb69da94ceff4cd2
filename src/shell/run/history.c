#include "shell/run/history.h"

#include <string.h>

#include "shell/run/feed.h"

/* The state starts empty, for good. */
bool history_skip(struct shard *s, struct history_result *r, struct error *e)
{
    *r = (struct history_result){.was_there = shard_has_history(s), .is_none = true};
    r->until_us = INT64_MIN;
    return r->was_there || shard_end_history(s, (struct text){0}, e);
}

static bool observe(struct shard *s, const struct feed *f, uint64_t skip,
                    const struct progress *progress, struct error *e)
{
    uint64_t at = 0;

    for (uint32_t i = 0; i < f->count; i++) {
        const struct frame *frame = &f->frames[i];
        uint32_t first = 0;

        if (at < skip)
            first = skip - at < frame->rows ? (uint32_t)(skip - at) : frame->rows;
        if (first < frame->rows && !shard_observe(s, frame, first, frame->rows - first, e))
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
    struct shard_status status;
    struct feed f;
    bool ok;

    if (name == NULL)
        return history_skip(s, r, e);
    *r = (struct history_result){.was_there = shard_has_history(s)};
    if (!r->was_there) {
        uint64_t skip = shard_history_events(s);

        struct plan *plan = shard_plan(s);

        ok = feed_load_for(settings, path, plan, progress, &f, e);
        plan_unref(plan);
        if (!ok)
            return false;
        ok = observe(s, &f, skip, progress, e) && shard_end_history(s, text_of(name), e);
        r->events = f.counts.rows - skip;
        feed_free(&f);
        if (!ok)
            return false;
    }
    shard_status(s, &status);
    r->until_us = status.watermark_us;
    return true;
}
