/* The embedding API: one plan, one state, one row at a time through engine_run. */
#include "include/assay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/json.h"
#include "shell/os/clock.h"
#include "shell/run/current.h"
#include "shell/run/data_directory.h"
#include "shell/run/event_id.h"
#include "shell/run/list_feed.h"
#include "shell/run/lookup.h"
#include "shell/run/verdict.h"

enum {
    EVENT_TEXT_MAX = 1 << 20, /* bytes of the texts of one event */
    ANSWER_MAX = 1 << 20,
    SET_MAX = DATA_PATH_MAX + 32,
};

struct assay {
    struct settings *settings;
    struct current current;
    struct lookups *lookups;
    struct state state;
    struct json_reader *json;
    struct frame event;
    struct problems problems;
    struct validation_bench *bench; /* NULL: nothing is refused */
    struct decision decision;
    struct buffer id, answer, words;
    const char *error; /* into words, or "" */
    uint64_t seq;
    int64_t received_us;
};

const char *assay_version(void)
{
    return ASSAY_VERSION;
}

static const char *environment_get(const char *name)
{
    return getenv(name);
}

static bool load_settings(struct assay *a, const char *path, const char *directory, struct error *e)
{
    char set[SET_MAX];
    const char *const one[] = {set};
    struct settings_options o = {
        .set = one, .set_count = directory != NULL, .environment = environment_get};

    if (path == NULL)
        return error_set(e, ERROR_USAGE, "assay_open: no settings file given");
    if (directory != NULL &&
        snprintf(set, sizeof set, "data_directory=%s", directory) >= (int)sizeof set)
        return error_set(e, ERROR_INVALID, "path of the data directory is over %d bytes",
                         DATA_PATH_MAX);
    return settings_load_with(path, &o, &a->settings, e);
}

/* The lists as their files have them now. */
static bool fill_lists(struct assay *a, struct error *e)
{
    struct list_taker taker = {a->state.engine, a->current.made.plan, &a->seq};
    struct list_feed *lists;
    bool ok;

    if (!list_feed_open(a->settings, &lists, e))
        return false;
    a->seq = 1;
    ok = list_feed_into_engine(lists, clock_now_us(), &taker, e);
    list_feed_close(lists);
    return ok;
}

static bool open_all(struct assay *a, const char *path, const char *directory, struct error *e)
{
    struct state_options o;
    struct plan *p;

    if (!load_settings(a, path, directory, e) ||
        !current_open(a->settings, NULL, CURRENT_MODEL_NEEDED, &a->current, e))
        return false;
    p = a->current.made.plan;
    o = data_state_options(a->settings, simd_best(), 1);
    if (!lookups_open(a->settings, plan_schema(p), plan_schema(p), &a->lookups, e) ||
        !lookups_match(a->lookups, plan_schema(p), e) || !state_open(&a->state, p, &o, e) ||
        !fill_lists(a, e))
        return false;
    a->json = json_reader_new();
    frame_init(&a->event, plan_schema(p), 1, EVENT_TEXT_MAX);
    if (plan_validation(p) != NULL)
        a->bench = validation_bench_new(plan_validation(p), 1);
    return true;
}

struct assay *assay_open(const char *settings, const char *data_directory, char *error,
                         size_t error_bytes)
{
    struct assay *a = mem_alloc(sizeof *a);
    struct error e = {0};

    a->error = "";
    buffer_init(&a->id, EVENT_TEXT_MAX);
    buffer_init(&a->answer, ANSWER_MAX);
    buffer_init(&a->words, ANSWER_MAX);
    if (open_all(a, settings, data_directory, &e))
        return a;
    if (error != NULL && error_bytes > 0)
        snprintf(error, error_bytes, "%s", e.text);
    assay_close(a);
    return NULL;
}

void assay_close(struct assay *a)
{
    if (a == NULL)
        return;
    if (a->json != NULL) {
        frame_fini(&a->event);
        json_reader_free(a->json);
        validation_bench_free(a->bench);
    }
    if (a->state.engine != NULL)
        state_close(&a->state);
    lookups_free(a->lookups);
    if (a->current.made.plan != NULL)
        current_close(&a->current);
    settings_free(a->settings);
    buffer_fini(&a->id);
    buffer_fini(&a->answer);
    buffer_fini(&a->words);
    mem_free(a);
}

/* The event in row 0 of the frame, its id as text. */
static bool is_valid(struct assay *a)
{
    const struct validation *v = plan_validation(a->current.made.plan);
    uint16_t failed;

    if (v == NULL || validation_run(v, a->bench, &a->event, 0, 1, &failed) == 0)
        return true;
    buffer_clear(&a->words);
    validation_words(v, failed, &a->words);
    problems_add(&a->problems, "", "%s", buffer_text(&a->words));
    return false;
}

static bool read_event(struct assay *a, const char *json, size_t length)
{
    const struct schema *schema = plan_schema(a->current.made.plan);
    char made[EVENT_ID_NEW];

    frame_clear(&a->event);
    buffer_clear(&a->id);
    a->error = "";
    a->problems.count = 0;
    a->problems.more = 0;
    a->received_us = clock_now_us();
    if (!json_read_event(a->json, json, length, schema, JSON_UNKNOWN_REFUSE, &a->event,
                         &a->problems))
        return false;
    if (schema->time != FIELD_NONE && a->event.column[schema->time].null[0]) {
        problems_add(&a->problems, "", "no %s: every event has its time",
                     schema->fields[schema->time].name);
        return false;
    }
    if (!event_id_text(schema, &a->event, 0, &a->id)) {
        event_id_new(a->received_us, made);
        buffer_add_text(&a->id, made);
    }
    lookups_fill(a->lookups, schema, a->received_us, &a->event, 0, 1);
    return is_valid(a);
}

static void tell_problems(struct assay *a)
{
    buffer_clear(&a->words);
    for (uint32_t i = 0; i < a->problems.count; i++) {
        const struct problem *p = &a->problems.items[i];

        buffer_format(&a->words, "%s%s%s%s", i > 0 ? "\n" : "", p->pointer,
                      p->pointer[0] != 0 ? ": " : "", p->detail);
    }
    a->error = buffer_text(&a->words);
}

static bool run_event(struct assay *a, const char *json, size_t length, struct decision *d)
{
    if (!read_event(a, json, length)) {
        tell_problems(a);
        return false;
    }
    a->seq++;
    engine_run(a->state.engine, &a->event, 0, 1, &a->seq, &a->received_us, d);
    return true;
}

const char *assay_decide(struct assay *a, const char *json, size_t length, size_t *answer_bytes)
{
    const struct plan *plan = a->current.made.plan;
    int time = plan_schema(plan)->time;

    if (!run_event(a, json, length, &a->decision))
        return NULL;
    buffer_clear(&a->answer);
    verdict_open(&(struct verdict){.id = {a->id.bytes, a->id.length},
                                   .time_us = time != FIELD_NONE ? a->event.column[time].integer[0]
                                                                 : a->received_us,
                                   .received_us = INT64_MIN,
                                   .plan = plan,
                                   .decision = &a->decision},
                 &a->answer);
    buffer_add_char(&a->answer, '}');
    if (answer_bytes != NULL)
        *answer_bytes = a->answer.length;
    return buffer_text(&a->answer);
}

int assay_observe(struct assay *a, const char *json, size_t length)
{
    return run_event(a, json, length, NULL) ? 0 : -1;
}

const char *assay_error(const struct assay *a)
{
    return a->error;
}
