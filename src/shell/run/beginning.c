#include "shell/run/beginning.h"

#include <limits.h>
#include <stdio.h>

#include "core/data/event.h"
#include "shell/os/file.h"
#include "shell/run/plans.h"

enum { EVENT_TEXT_MAX = 64 << 20 };

static bool event_time(struct plan *plan, struct text event, bool *has, int64_t *time_us,
                       struct error *e)
{
    const struct schema *s = plan_schema(plan);
    struct frame frame;
    struct reader r;
    bool ok;

    frame_init(&frame, s, 1, EVENT_TEXT_MAX);
    reader_init(&r, event.bytes, event.length);
    ok = event_decode(&r, s, &frame, e);
    *has = ok && s->time != FIELD_NONE && !frame.column[s->time].null[0];
    if (*has)
        *time_us = frame.column[s->time].integer[0];
    frame_fini(&frame);
    return ok;
}

static bool find_event(struct log_cursor *c, struct plans *plans, bool *has, int64_t *time_us,
                       struct error *e)
{
    struct plan *plan = NULL;
    struct event_body b;
    struct record r;
    int found;
    bool ok;

    do {
        found = log_cursor_next(c, &r, e);
    } while (found == 1 && r.kind != RECORD_OBSERVE && r.kind != RECORD_DECISION);
    if (found != 1)
        return found == 0;
    ok = event_body_parse(r.body, &b, e) && plans_get(plans, r.plan, &plan, e) &&
         event_time(plan, b.event, has, time_us, e);
    plan_unref(plan);
    return ok;
}

bool log_beginning(const char *shard_directory, bool *has, int64_t *time_us, struct error *e)
{
    struct log_cursor *c;
    struct plans *plans;
    char path[PATH_MAX];
    bool ok;

    *has = false;
    snprintf(path, sizeof path, "%s/log", shard_directory);
    if (!file_exists(path))
        return true;
    if (!log_cursor_open(path, 1, &c, e))
        return false;
    plans = plans_new(shard_directory);
    ok = find_event(c, plans, has, time_us, e);
    plans_free(plans);
    log_cursor_close(c);
    return ok;
}
