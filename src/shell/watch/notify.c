#include "shell/watch/notify.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/decide/alerts.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/watch/notify_read.h"
#include "shell/watch/notify_window.h"

enum {
    IDLE_US = 20000,
    ALERTS_IDLE_US = 200000,
    PUT_WAIT_US = 100000,
    RETRY_US = 1000000,
    SAVE_EVERY_US = 500000,
    SUMMARY_LINES = 20,
    SUMMARY_BYTES = 16 << 10,
};

/* What `at_most` held back. */
struct digest {
    int64_t begun_us; /* monotonic: of the time that at_most is counted in; 0: none */
    uint32_t passed;  /* in it */
    uint64_t held;
    uint64_t first;   /* position of the first that is held */
    uint64_t last;
    int64_t from_us, until_us;
    struct buffer lines;
};

struct target {
    const struct notify_setting *setting;
    struct notifier *notifier;
    struct notify_state state;
    struct notify_window *window;
    struct notify_reader *reader;
    struct digest digest;
    struct json_reader *json;
    struct buffer words, data;
    uint64_t read;  /* how far the reader is */
    uint64_t saved; /* in the cursor's file */
    int64_t saved_us;
    _Atomic uint64_t done, held; /* for others: how far it was told, and what is held back */
    atomic_bool is_troubled;
    pthread_mutex_t lock; /* of words of trouble */
    char trouble[NOTIFY_WORDS_MAX];
    pthread_t thread;
    bool is_started;
};

struct notifier {
    struct notifier_options o;
    struct target target[SETTINGS_NOTIFY_MAX];
    uint32_t count;
    atomic_bool is_stopping;
};

/* ---- how far it is ---- */

static uint64_t position_done(struct target *t)
{
    uint64_t first;

    if (notify_window_first(t->window, &first))
        return first - 1;
    return t->digest.held > 0 ? t->digest.first - 1 : t->read;
}

static bool save(struct target *t, struct error *e)
{
    uint64_t position = position_done(t);

    atomic_store(&t->done, position);
    atomic_store(&t->held, t->digest.held);
    if (position == t->saved)
        return true;
    if (!notify_cursor_write(&t->state, t->setting->on, position, e))
        return false;
    t->saved = position;
    return true;
}

static bool save_now_and_then(struct target *t, struct error *e)
{
    int64_t now_us = clock_monotonic_us();

    if (now_us - t->saved_us < SAVE_EVERY_US)
        return true;
    t->saved_us = now_us;
    return save(t, e);
}

/* ---- what goes on ---- */

static bool is_stopping(const struct target *t)
{
    return atomic_load(&t->notifier->is_stopping);
}

/* False: it is stopping. */
static bool put(struct target *t, const struct notify_event *ev, uint64_t position)
{
    struct error ignored;

    while (!notify_window_put(t->window, ev, position, PUT_WAIT_US)) {
        if (is_stopping(t))
            return false;
        if (!save_now_and_then(t, &ignored))
            clock_sleep_us(IDLE_US);
    }
    return true;
}

static void hold(struct target *t, const struct notify_event *ev, uint64_t position)
{
    struct digest *d = &t->digest;

    if (d->held++ == 0) {
        d->first = position;
        d->from_us = ev->time_us;
        buffer_clear(&d->lines);
    }
    d->last = position;
    d->until_us = ev->time_us;
    if (d->held > SUMMARY_LINES)
        return;
    buffer_clear(&t->words);
    notify_subject(t->setting, ev, t->json, &t->words);
    if (d->lines.length + t->words.length + 1 > SUMMARY_BYTES)
        return;
    if (d->lines.length > 0)
        buffer_add_char(&d->lines, '\n');
    buffer_add(&d->lines, t->words.bytes, t->words.length);
}

static bool put_summary(struct target *t)
{
    struct digest *d = &t->digest;
    char from[TIME_TEXT_MAX], until[TIME_TEXT_MAX], id[NOTIFY_ID_MAX];

    time_format(d->from_us, from);
    time_format(d->until_us, until);
    buffer_clear(&t->data);
    buffer_format(&t->data, "{\"target\":\"%s\",\"count\":%" PRIu64, t->setting->name, d->held);
    buffer_format(&t->data, ",\"from\":\"%s\",\"until\":\"%s\",\"first\":", from, until);
    json_add_text(&t->data, (struct text){d->lines.bytes, d->lines.length});
    buffer_add_char(&t->data, '}');
    snprintf(id, sizeof id, "summary-%s-%" PRIu64 "-%" PRIu64, t->setting->name, d->first, d->last);
    if (!put(t,
             &(struct notify_event){.id = text_of(id),
                                    .type = "assay.summary",
                                    .subject = text_of(t->setting->name),
                                    .time_us = d->until_us,
                                    .data = {t->data.bytes, t->data.length}},
             d->first))
        return false;
    d->held = 0;
    return true;
}

/* The time that at_most is counted in is over: what was held back goes as one. */
static bool end_digest(struct target *t)
{
    struct digest *d = &t->digest;

    if (d->begun_us == 0 || clock_monotonic_us() - d->begun_us < t->setting->per_us)
        return true;
    if (d->held > 0 && !put_summary(t))
        return false;
    d->begun_us = 0;
    d->passed = 0;
    return true;
}

static bool tell(struct target *t, const struct notify_event *ev, uint64_t position)
{
    struct digest *d = &t->digest;

    if (t->setting->at_most == 0)
        return put(t, ev, position);
    if (!end_digest(t))
        return false;
    if (d->begun_us == 0)
        d->begun_us = clock_monotonic_us();
    if (d->passed >= t->setting->at_most) {
        hold(t, ev, position);
        return true;
    }
    d->passed++;
    return put(t, ev, position);
}

/* ---- the reader's thread ---- */

static bool begin(struct target *t, struct error *e)
{
    uint64_t position;
    bool is_there;

    if (!notify_cursor_read(&t->state, t->setting->on, &position, &is_there, e))
        return false;
    if (!is_there && (!notify_reader_end(t->reader, &position, e) ||
                      !notify_cursor_write(&t->state, t->setting->on, position, e)))
        return false;
    if (!notify_reader_seek(t->reader, position, e))
        return false;
    t->read = t->saved = position;
    atomic_store(&t->done, position);
    return true;
}

static bool step(struct target *t, struct error *e)
{
    struct notify_event ev;
    bool found, is_end;
    uint64_t position;

    if (!notify_reader_next(t->reader, &position, &found, &is_end, &ev, e))
        return false;
    if (found && !tell(t, &ev, position))
        return true;
    t->read = position;
    if (!end_digest(t))
        return true;
    if (is_end && !is_stopping(t))
        clock_sleep_us(t->setting->on == NOTIFY_ON_ALERT ? ALERTS_IDLE_US : IDLE_US);
    return save_now_and_then(t, e);
}

static void trouble(struct target *t, const char *words)
{
    if (words[0] == 0 && !atomic_load(&t->is_troubled))
        return;
    atomic_store(&t->is_troubled, words[0] != 0);
    pthread_mutex_lock(&t->lock);
    snprintf(t->trouble, sizeof t->trouble, "%.*s", NOTIFY_WORDS_MAX - 1, words);
    pthread_mutex_unlock(&t->lock);
}

static void pause_a_while(const struct target *t)
{
    int64_t until_us = clock_monotonic_us() + RETRY_US;

    while (!is_stopping(t) && clock_monotonic_us() < until_us)
        clock_sleep_us(IDLE_US);
}

static void *target_run(void *context)
{
    struct target *t = context;
    bool has_begun = t->setting->on == NOTIFY_ON_DECISION; /* then it has, at the start */
    struct error e;

    thread_name("assay-notify");
    thread_background();
    while (!is_stopping(t)) {
        e = (struct error){0};
        if (!(has_begun ? step(t, &e) : begin(t, &e))) {
            trouble(t, e.text);
            pause_a_while(t);
            if (has_begun && notify_reader_seek(t->reader, t->read, &e))
                trouble(t, "");
            continue;
        }
        has_begun = true;
        trouble(t, "");
    }
    return NULL;
}

/* ---- the whole ---- */

static bool open_target(struct notifier *n, const struct notify_setting *setting, uint32_t number,
                        struct error *e)
{
    const struct notifier_options *o = &n->o;
    struct target *t = &n->target[n->count++];
    const struct notify_reader_options reader = {.settings = o->settings,
                                                 .setting = setting,
                                                 .number = number,
                                                 .log_directory = o->log_directory,
                                                 .log = o->log,
                                                 .plans = o->plans,
                                                 .project = o->project,
                                                 .store = o->store};

    t->setting = setting;
    t->notifier = n;
    t->json = json_reader_new();
    pthread_mutex_init(&t->lock, NULL);
    buffer_init(&t->words, NOTIFY_TEXT_MAX);
    buffer_init(&t->data, NOTIFY_DATA_MAX);
    buffer_init(&t->digest.lines, SUMMARY_BYTES);
    if (!notify_state_init(&t->state, o->data_directory, setting->name, e) ||
        !notify_reader_open(&reader, &t->reader, e) ||
        !notify_window_open(o->settings, setting, &t->state, &t->window, e) ||
        (setting->on == NOTIFY_ON_DECISION && !begin(t, e)))
        return false;
    if (pthread_create(&t->thread, NULL, target_run, t) != 0)
        return error_set(e, ERROR_WORLD, "cannot start the thread of notify.%s", setting->name);
    t->is_started = true;
    return true;
}

bool notify_check(const struct settings *s, const struct plan *p, struct error *e)
{
    struct alerts *a = settings_notify_conditions(s, p, e);
    bool ok = a != NULL || e->kind == ERROR_NONE;

    if (a != NULL)
        alerts_free(a);
    for (uint32_t i = 0; ok && i < s->notify_count; i++) {
        struct notify_reader *r;

        if (s->notify[i].on != NOTIFY_ON_ALERT)
            continue;
        ok = notify_reader_open(
            &(struct notify_reader_options){.settings = s, .setting = &s->notify[i]}, &r, e);
        if (ok)
            notify_reader_close(r);
    }
    return ok;
}

bool notifier_start(const struct notifier_options *o, struct notifier **n, struct error *e)
{
    struct notifier *made = mem_alloc(sizeof *made);
    uint32_t number = 0;
    bool ok = true;

    made->o = *o;
    ok = notify_check(o->settings, o->plan, e);
    for (uint32_t i = 0; ok && i < o->settings->notify_count; i++) {
        const struct notify_setting *setting = &o->settings->notify[i];

        if (setting->on != NOTIFY_ON_ROW)
            ok = open_target(made, setting, number, e);
        number += setting->on == NOTIFY_ON_DECISION;
    }
    if (!ok) {
        notifier_stop(made);
        return false;
    }
    *n = made;
    return true;
}

static void close_target(struct target *t)
{
    struct error ignored;

    if (t->is_started)
        pthread_join(t->thread, NULL);
    if (t->window != NULL)
        notify_window_stop(t->window);
    if (t->is_started && !save(t, &ignored)) /* what is sent again has its id */
        trouble(t, ignored.text);
    notify_window_close(t->window);
    notify_reader_close(t->reader);
    json_reader_free(t->json);
    buffer_fini(&t->words);
    buffer_fini(&t->data);
    buffer_fini(&t->digest.lines);
    pthread_mutex_destroy(&t->lock);
}

void notifier_stop(struct notifier *n)
{
    if (n == NULL)
        return;
    atomic_store(&n->is_stopping, true);
    for (uint32_t i = 0; i < n->count; i++)
        close_target(&n->target[i]);
    mem_free(n);
}

static void status_of(struct target *t, struct notify_status *s)
{
    struct window_counts c;

    notify_window_counts(t->window, &c);
    *s = (struct notify_status){.name = t->setting->name,
                                .lag = notify_reader_lag(t->reader, atomic_load(&t->done)),
                                .waiting = c.waiting + atomic_load(&t->held),
                                .sent = c.sent,
                                .failures = c.failures,
                                .dead = c.dead,
                                .skipped = notify_reader_skipped(t->reader),
                                .is_failing = c.is_away || atomic_load(&t->is_troubled)};
    snprintf(s->words, sizeof s->words, "%s", c.words);
    pthread_mutex_lock(&t->lock);
    if (t->trouble[0] != 0)
        snprintf(s->words, sizeof s->words, "%s", t->trouble);
    pthread_mutex_unlock(&t->lock);
}

uint32_t notifier_status(struct notifier *n, struct notify_status status[SETTINGS_NOTIFY_MAX])
{
    for (uint32_t i = 0; n != NULL && i < n->count; i++)
        status_of(&n->target[i], &status[i]);
    return n != NULL ? n->count : 0;
}

uint64_t notifier_needed(struct notifier *n)
{
    uint64_t needed = UINT64_MAX;

    for (uint32_t i = 0; n != NULL && i < n->count; i++) {
        struct target *t = &n->target[i];

        if (t->setting->on == NOTIFY_ON_DECISION && atomic_load(&t->done) + 1 < needed)
            needed = atomic_load(&t->done) + 1;
    }
    return needed;
}
