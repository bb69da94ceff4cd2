#include "shell/watch/rollup_follow.h"

#include <stdatomic.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/settings/rollup.h"
#include "shell/watch/rollup_decisions.h"
#include "shell/watch/rollup_store.h"

enum { NAP_US = 20000, REST_TIMES = 20 };

struct rollup_follower {
    const struct settings *settings;
    const struct log *log;
    struct rollups *rollups;
    struct rollup_decisions *decisions; /* NULL: to be opened, from the log's first record */
    char place[ROLLUP_URL_MAX];
    uint64_t written; /* the last record that the tables have */
    bool has_written;
    pthread_t thread;
    atomic_bool is_stopping;
    pthread_mutex_t lock; /* of failure */
    char failure[ERROR_TEXT_MAX];
};

static bool is_of_decisions(const struct rollups *r, const bool *is, const char *name)
{
    const struct rollup *one = rollups_find(r, name);

    return one != NULL ? is[one - r->rollup] : strcmp(name, ROLLUP_DECISIONS) == 0;
}

/* Only those that are made of decisions and nothing else. */
static bool choose(struct rollups *r)
{
    bool is[SETTINGS_ROLLUPS_MAX] = {false}, any = false;

    for (uint32_t round = 0; round < r->count; round++) {
        for (uint32_t i = 0; i < r->count; i++) {
            const struct rollup_setting *s = r->rollup[i].setting;

            is[i] = is_of_decisions(r, is, s->source);
            for (uint32_t k = 0; k < s->join_count; k++)
                is[i] = is[i] && is_of_decisions(r, is, s->joins[k]);
        }
    }
    for (uint32_t i = 0; i < r->count; i++) {
        r->rollup[i].is_wanted = is[i];
        any |= is[i];
    }
    return any;
}

static bool write_tables(struct rollup_follower *f, struct error *e)
{
    const struct rollup_write w = {
        .from_us = INT64_MIN, .until_us = INT64_MAX, .now_us = clock_now_us()};
    struct rollup_written *written = mem_array(SETTINGS_ROLLUPS_MAX, sizeof *written);
    struct rollup_store *store;
    bool ok = rollup_store_open(f->place, &store, e);

    if (ok) {
        ok = rollup_store_write(store, f->rollups, &w, written, e);
        rollup_store_close(store);
    }
    mem_free(written);
    return ok;
}

/* What is durable and new, where there is any. */
static bool follow(struct rollup_follower *f, struct error *e)
{
    uint64_t until = log_durable_seq(f->log);

    if (f->has_written && until == f->written)
        return true;
    if (f->decisions == NULL && !rollup_decisions_open(f->settings, &f->decisions, e))
        return false;
    if (!rollup_decisions_follow(f->decisions, f->rollups, until, NULL, e)) {
        rollup_decisions_close(f->decisions); /* half a record's rows: from the beginning, then */
        f->decisions = NULL;
        return false;
    }
    if (!rollups_finish(f->rollups, e) || !write_tables(f, e))
        return false;
    f->written = until;
    f->has_written = true;
    return true;
}

static void note(struct rollup_follower *f, const char *words)
{
    pthread_mutex_lock(&f->lock);
    snprintf(f->failure, sizeof f->failure, "%s", words);
    pthread_mutex_unlock(&f->lock);
}

static void run_once(struct rollup_follower *f)
{
    struct error e = {0};

    note(f, follow(f, &e) ? "" : e.text);
}

static void *follow_log(void *context)
{
    struct rollup_follower *f = context;

    thread_name("rollups");
    thread_background();
    while (!atomic_load(&f->is_stopping)) {
        int64_t began = clock_monotonic_us(), rest;

        run_once(f);
        rest = REST_TIMES * (clock_monotonic_us() - began);
        for (rest = rest > FOLLOW_REST_US ? rest : FOLLOW_REST_US;
             rest > 0 && !atomic_load(&f->is_stopping); rest -= NAP_US)
            clock_sleep_us(NAP_US);
    }
    run_once(f);
    return NULL;
}

static void follower_free(struct rollup_follower *f)
{
    rollups_free(f->rollups);
    rollup_decisions_close(f->decisions);
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

bool rollup_follower_start(const struct settings *s, const struct log *log,
                           struct rollup_follower **follower, struct error *e)
{
    struct rollup_follower *f;
    bool ok;

    *follower = NULL;
    if (s->rollup_count == 0)
        return true;
    f = mem_alloc(sizeof *f);
    f->settings = s;
    f->log = log;
    pthread_mutex_init(&f->lock, NULL);
    ok = rollups_open(s, NULL, &f->rollups, e) && rollup_store_place(s, NULL, f->place, e);
    if (!ok || !choose(f->rollups)) {
        follower_free(f);
        return ok;
    }
    if (pthread_create(&f->thread, NULL, follow_log, f) != 0) {
        follower_free(f);
        return error_set(e, ERROR_WORLD, "cannot start a thread for the rollups");
    }
    *follower = f;
    return true;
}

void rollup_follower_stop(struct rollup_follower *f)
{
    if (f == NULL)
        return;
    atomic_store(&f->is_stopping, true);
    pthread_join(f->thread, NULL);
    follower_free(f);
}

void rollup_follower_failure(struct rollup_follower *f, char out[ERROR_TEXT_MAX])
{
    pthread_mutex_lock(&f->lock);
    snprintf(out, ERROR_TEXT_MAX, "%s", f->failure);
    pthread_mutex_unlock(&f->lock);
}
