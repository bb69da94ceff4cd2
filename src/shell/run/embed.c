/* The embedding API: opening and closing. One plan, one state, rows through engine_run. */
#include <stdio.h>
#include <stdlib.h>

#include "shell/os/clock.h"
#include "shell/run/data_directory.h"
#include "shell/run/embed_inside.h"
#include "shell/run/list_feed.h"

enum { SET_MAX = DATA_PATH_MAX + 32, WORDS_MAX = 1 << 20 };

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
    o = data_state_options(a->settings, simd_best(), EMBED_ROWS);
    if (!lookups_open(a->settings, plan_schema(p), plan_schema(p), &a->lookups, e) ||
        !lookups_match(a->lookups, plan_schema(p), e) || !state_open(&a->state, p, &o, e) ||
        !fill_lists(a, e))
        return false;
    a->json = json_reader_new();
    frame_init(&a->event, plan_schema(p), EMBED_ROWS, EMBED_TEXT_MAX);
    if (plan_validation(p) != NULL)
        a->bench = validation_bench_new(plan_validation(p), EMBED_ROWS);
    return true;
}

struct assay *assay_open(const char *settings, const char *data_directory, char *error,
                         size_t error_bytes)
{
    struct assay *a = mem_alloc(sizeof *a);
    struct error e = {0};

    a->error = "";
    buffer_init(&a->ids, EMBED_TEXT_MAX);
    buffer_init(&a->encoded, EMBED_TEXT_MAX);
    buffer_init(&a->answer, WORDS_MAX);
    buffer_init(&a->words, WORDS_MAX);
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
    buffer_fini(&a->ids);
    buffer_fini(&a->encoded);
    buffer_fini(&a->answer);
    buffer_fini(&a->words);
    mem_free(a);
}

const char *assay_error(const struct assay *a)
{
    return a->error;
}
