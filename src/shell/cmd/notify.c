/* `assay notify`: tests a target, sends rows to one, shows dead letters and sends them again. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/calendar.h"
#include "shell/cmd/action.h"
#include "shell/cmd/notify_send.h"
#include "shell/os/clock.h"
#include "shell/run/data_directory.h"

enum { WAIT_S = 60, WAIT_MOST_S = 86400, SECOND_US = 1000000 };

static bool refuse_name(const struct settings *s, const char *name, struct error *e)
{
    struct text known[SETTINGS_NOTIFY_MAX];
    int nearest;

    for (uint32_t i = 0; i < s->notify_count; i++)
        known[i] = text_of(s->notify[i].name);
    nearest = text_nearest(text_of(name), known, s->notify_count);
    return error_set(e, ERROR_USAGE, "no target \"%.80s\" under `notify` of %s%s%s%s", name,
                     s->path, nearest >= 0 ? "; did you mean \"" : "",
                     nearest >= 0 ? s->notify[nearest].name : "", nearest >= 0 ? "\"?" : "");
}

static bool open_sending(struct notify_sending *s, const char *data, struct error *e)
{
    int64_t wait_s = WAIT_S;

    if (!option_whole(s->v, "wait", 0, WAIT_MOST_S, &wait_s, e))
        return false;
    s->until_us = clock_monotonic_us() + wait_s * SECOND_US;
    return notify_state_init(&s->state, data, s->setting->name, e) &&
           notify_sender_open(s->settings, s->setting, &s->sender, e);
}

/* ---- test ---- */

static bool test(struct notify_sending *s, struct error *e)
{
    struct notify_result r;
    struct notify_event ev;
    const struct notify_event *one = &ev;
    struct buffer data, id;
    bool ok;

    buffer_init(&data, NOTIFY_DATA_MAX);
    buffer_init(&id, NOTIFY_ID_MAX);
    notify_sample(s->setting->on, clock_now_us(), &data, &ev);
    buffer_format(&id, "test-%" PRId64, clock_now_us());
    ev.id = (struct text){id.bytes, id.length};
    ok = notify_send(s->sender, &one, 1, &r) == 1;
    if (!ok)
        error_set(e, r.end == NOTIFY_AWAY ? ERROR_WORLD : ERROR_INVALID, "notify.%s: %s%s",
                  s->setting->name, r.end == NOTIFY_AWAY ? "it cannot be reached: " : "", r.words);
    else if (s->v->json)
        printf("{\"target\":\"%s\",\"id\":\"%s\",\"sent\":true}\n", s->setting->name,
               buffer_text(&id));
    else
        printf("%s has the sample %s\n", s->setting->name, buffer_text(&id));
    buffer_fini(&data);
    buffer_fini(&id);
    return ok;
}

/* ---- dead letters ---- */

struct dead {
    struct notify_sending *s;
    struct buffer *out;
    bool retries, is_away;
    struct error why;
};

static void print_dead(struct dead *d, const struct notify_dead *l)
{
    char time[TIME_TEXT_MAX];

    time_format(l->died_us, time);
    if (!d->s->v->json) {
        buffer_format(d->out, "%s  %s  %.*s  %u tries: %.*s\n", d->s->setting->name, time,
                      TEXT_ARG(l->id), l->tries, TEXT_ARG(l->reason));
        return;
    }
    buffer_format(d->out,
                  "{\"target\":\"%s\",\"died\":\"%s\",\"tries\":%u,\"id\":", d->s->setting->name,
                  time, l->tries);
    json_add_text(d->out, l->id);
    buffer_add_text(d->out, ",\"reason\":");
    json_add_text(d->out, l->reason);
    buffer_add_text(d->out, ",\"data\":");
    buffer_add_slice(d->out, l->data);
    buffer_add_text(d->out, "}\n");
}

/* The type as a word that lasts. */
static const char *type_of(struct text type)
{
    static const char *const types[] = {"assay.decision", "assay.alert", "assay.summary"};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (text_is(type, types[i]))
            return types[i];
    }
    return "assay.row";
}

/* Whether it stays. */
static bool visit_dead(void *context, const struct notify_dead *l)
{
    struct dead *d = context;
    struct notify_event ev = {.id = l->id,
                              .type = type_of(l->type),
                              .subject = l->subject,
                              .time_us = l->time_us,
                              .data = l->data};
    const struct notify_event *one = &ev;
    struct notify_result r;

    if (!d->retries) {
        print_dead(d, l);
        return true;
    }
    if (d->is_away || is_interrupted())
        return true;
    if (notify_send(d->s->sender, &one, 1, &r) == 1) {
        d->s->sent++;
        return false;
    }
    d->is_away = r.end == NOTIFY_AWAY;
    error_set(&d->why, d->is_away ? ERROR_WORLD : ERROR_INVALID, "notify.%s: %.*s: %s",
              d->s->setting->name, TEXT_ARG(l->id), r.words);
    return true;
}

static bool dead_of(struct notify_sending *s, struct buffer *out, struct error *e)
{
    struct dead d = {.s = s, .out = out, .retries = option_has(s->v, "retry")};
    const struct notify_dead_visitor v = {visit_dead, &d, d.retries};
    uint64_t left;

    if (!notify_dead_visit(&s->state, &v, &left, e))
        return false;
    if (d.retries)
        buffer_format(out,
                      s->v->json ? "{\"target\":\"%s\",\"sent\":%" PRIu64 ",\"left\":%" PRIu64 "}\n"
                                 : "%s: %" PRIu64 " sent, %" PRIu64 " left\n",
                      s->setting->name, s->sent, left);
    if (d.why.kind != ERROR_NONE)
        *e = d.why;
    return d.why.kind == ERROR_NONE;
}

/* ---- the command ---- */

typedef bool verb(struct notify_sending *s, struct buffer *out, struct error *e);

static bool with_target(struct invocation *v, const struct settings *s,
                        const struct notify_setting *n, const char *data, verb *does,
                        struct buffer *out, struct error *e)
{
    struct notify_sending sending = {.v = v, .settings = s, .setting = n};
    bool ok = open_sending(&sending, data, e) && does(&sending, out, e);

    notify_sender_close(sending.sender);
    return ok;
}

static bool do_test(struct notify_sending *s, struct buffer *out, struct error *e)
{
    (void)out;
    return test(s, e);
}

static bool do_send(struct notify_sending *s, struct buffer *out, struct error *e)
{
    (void)out;
    if (s->setting->on != NOTIFY_ON_ROW)
        return error_set(
            e, ERROR_USAGE,
            "notify.%s is told of %s by the service; rows go to a target with `on: row`",
            s->setting->name, s->setting->on == NOTIFY_ON_ALERT ? "alerts" : "decisions");
    return notify_send_rows(s, s->v->argument[2], e);
}

static const struct verb {
    struct action action;
    bool (*run)(struct notify_sending *s, struct buffer *out, struct error *e);
} actions[] = {
    {{"test", 2, 2, "a NAME"}, do_test},
    {{"send", 3, 3, "NAME FILE"}, do_send},
    {{"dead", 1, 2, "at most one NAME"}, dead_of},
};

/* To the target that is named, else to all. */
static bool run_verb(struct invocation *v, const struct verb *at, const struct settings *s,
                     const char *data, struct buffer *out, struct error *e)
{
    const struct notify_setting *n;
    bool ok = true;

    if (v->argument_count == 1) {
        for (uint32_t i = 0; i < s->notify_count && ok; i++)
            ok = with_target(v, s, &s->notify[i], data, at->run, out, e);
        return ok;
    }
    n = settings_notify(s, v->argument[1]);
    if (n == NULL)
        return refuse_name(s, v->argument[1], e);
    return with_target(v, s, n, data, at->run, out, e);
}

static bool notify_run(struct invocation *v, struct error *e)
{
    const struct verb *at = ACTION_FIND(v, actions, e);
    char data[DATA_PATH_MAX];
    struct settings *s;
    struct buffer out;
    struct error second;
    bool ok;

    if (at == NULL || !invocation_settings(v, &s, e))
        return false;
    buffer_init(&out, OUTPUT_MAX);
    ok = data_directory(s, data, e) && run_verb(v, at, s, data, &out, e);
    if (out.length > 0 && !print_result(&out, &second) && ok) {
        *e = second;
        ok = false;
    }
    buffer_fini(&out);
    settings_free(s);
    return ok;
}

static const struct option options[] = {
    {"retry", 0, NULL, "dead: send them again; those that the target takes are gone"},
    {"key-column", 0, "COLUMN", "send: what names a row (default: the first column)"},
    {"again", 0, NULL, "send: rows that were sent before, too"},
    {"wait", 0, "SECONDS", "send: how long a target that is away is waited for (default: 60)"},
    {0},
};

const struct command command_notify = {
    .name = "notify",
    .group = GROUP_DECIDE,
    .summary =
        "tests the targets of notifications, tells them of rows, and sends dead letters again",
    .arguments = "test|send|dead [NAME] [FILE]",
    .least = 1,
    .most = 3,
    .words =
        "test NAME        sends a sample, once; says what the target answers\n"
        "send NAME FILE   tells a target with `on: row` of each row that its condition holds for,\n"
        "                 once: the same command again sends only what is new. FILE is CSV or JSON,\n"
        "                 - is standard input\n"
        "dead [NAME]      what could not be sent, one a line\n"
        "\n"
        "Exit codes: 0 all is sent, 1 a target refuses it, 2 wrong use, 3 a target is away.",
    .options = options,
    .examples = "  assay notify test oncall\n"
                "  assay export feature.fraud_daily -o - | assay notify send managers -\n"
                "  assay notify dead --retry\n",
    .run = notify_run,
};
