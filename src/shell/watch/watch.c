#include "shell/watch/watch.h"

#include <stdio.h>
#include <time.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/os/clock.h"
#include "shell/watch/watch_inside.h"

enum { WAIT_US = 10000000, WAIT_STEP_MS = 50 };

static const char *const prefixes[WATCH_FOLDS] = {"alert.", "case.", "view."};

static bool is_ours(struct text kind)
{
    for (int i = 0; i < WATCH_FOLDS; i++) {
        size_t length = strlen(prefixes[i]);

        if (kind.length > length && memcmp(kind.bytes, prefixes[i], length) == 0)
            return true;
    }
    return false;
}

void actor_format(const struct control_actor *a, char out[ACTOR_MAX])
{
    if (a->id.length > 0)
        snprintf(out, ACTOR_MAX, "%.*s:%.*s", TEXT_ARG(a->kind), TEXT_ARG(a->id));
    else
        snprintf(out, ACTOR_MAX, "%.*s", TEXT_ARG(a->kind));
}

/* ---- the control log ---- */

static void note_change(void *context, const struct control_record *r)
{
    struct watch *w = context;

    pthread_mutex_lock(&w->lock);
    if (w->count == w->room) {
        w->room = w->room > 0 ? 2 * w->room : 64;
        w->change = mem_resize(w->change, w->room, sizeof *w->change);
    }
    w->change[w->count++] = (struct watch_change){r->seq, json_count_at(r->data, "as_of")};
    pthread_mutex_unlock(&w->lock);
}

void watch_folds(struct watch *w, struct control_fold fold[WATCH_FOLDS])
{
    for (int i = 0; i < WATCH_FOLDS; i++)
        fold[i] = (struct control_fold){.prefix = prefixes[i], .context = w, .apply = note_change};
}

static bool note_ours(void *context, const struct control_record *r)
{
    if (is_ours(r->change.kind))
        note_change(context, r);
    return true;
}

bool watch_attach(struct watch *w, struct control *c, const char *data_directory, struct error *e)
{
    w->control = c;
    if (data_directory != NULL)
        snprintf(w->data_directory, sizeof w->data_directory, "%s", data_directory);
    return c != NULL ||
           control_scan(w->data_directory, 1, &(struct control_visitor){note_ours, w}, e);
}

/* ---- for the projector ---- */

/* What stands in the store of the control log. */
static void take_number(void *context, const struct store_value *cell)
{
    *(uint64_t *)context = (uint64_t)cell[0].integer;
}

static bool ask_number(struct store *s, const char *sql, uint64_t *n, struct error *e)
{
    return store_ask(s, sql, true, NULL, 0, &(struct store_visitor){take_number, n}, e);
}

static bool resume(void *context, struct store *s, uint64_t projected, struct error *e)
{
    struct watch *w = context;
    uint64_t control_seq = 0;

    alert_fold_fini(w);
    if (!ask_number(s, "SELECT control_seq FROM @watch", &control_seq, e) ||
        !ask_number(s, "SELECT count(*) FROM @alert WHERE state < 2", &w->open, e))
        return false;
    pthread_mutex_lock(&w->gate);
    pthread_mutex_lock(&w->lock);
    if (projected > w->position)
        w->position = projected;
    if (w->count > 0 && w->change[w->count - 1].as_of > w->position)
        w->position = w->change[w->count - 1].as_of; /* they never go back */
    w->is_resumed = true;
    for (w->next = 0; w->next < w->count && w->change[w->next].seq <= control_seq;)
        w->next++;
    w->read_seq = projected;
    w->applied = w->next;
    pthread_mutex_unlock(&w->lock);
    pthread_mutex_unlock(&w->gate);
    return true;
}

/* A change that holds as of what was taken so far comes first. A change that is being written has
 * the gate, so the projector waits here for it. */
static bool may_take(void *context, uint64_t seq)
{
    struct watch *w = context;
    bool may;

    pthread_mutex_lock(&w->gate);
    pthread_mutex_lock(&w->lock);
    may = w->next == w->count || w->change[w->next].as_of >= seq;
    if (may && seq > w->position)
        w->position = seq;
    pthread_mutex_unlock(&w->lock);
    pthread_mutex_unlock(&w->gate);
    return may;
}

struct applying {
    struct watch *w;
    struct store *s;
    size_t until; /* changes of the list */
    struct error *e;
    bool ok;
};

static bool apply_one(void *context, const struct control_record *r)
{
    struct applying *a = context;

    if (!is_ours(r->change.kind))
        return true;
    a->ok = change_fold(a->w, a->s, r, a->e);
    return a->ok && ++a->w->applied < a->until;
}

static bool end(void *context, struct store *s, uint64_t read_seq, struct error *e)
{
    struct watch *w = context;
    struct applying a = {w, s, 0, e, true};
    struct control_visitor v = {apply_one, &a};
    uint64_t from = 0;
    struct store_value at;

    pthread_mutex_lock(&w->lock);
    w->applied = a.until = w->next;
    while (a.until < w->count && w->change[a.until].as_of <= read_seq)
        a.until++;
    if (a.until > w->next)
        from = w->change[w->next].seq;
    pthread_mutex_unlock(&w->lock);
    if (from == 0)
        return true;
    if (!(w->control != NULL ? control_visit(w->control, from, &v, e)
                             : control_scan(w->data_directory, from, &v, e)) ||
        !a.ok)
        return false;
    pthread_mutex_lock(&w->lock);
    at = store_int((int64_t)w->change[w->applied - 1].seq);
    pthread_mutex_unlock(&w->lock);
    return store_ask(s, "UPDATE @watch SET control_seq = $1", true, &at, 1, NULL, e);
}

static void committed(void *context, uint64_t read_seq)
{
    struct watch *w = context;

    pthread_mutex_lock(&w->lock);
    w->next = w->applied > w->next ? w->applied : w->next;
    w->read_seq = read_seq;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
}

static bool is_waiting(void *context)
{
    struct watch *w = context;
    bool is;

    pthread_mutex_lock(&w->lock);
    is = w->next < w->count && w->change[w->next].as_of <= w->read_seq;
    pthread_mutex_unlock(&w->lock);
    return is;
}

static bool see_decision(void *context, struct store *s, const struct project_seen *d,
                         struct error *e)
{
    return alert_fold(context, s, d, e);
}

/* What the log says of labels that dispositions asked for. */
static bool see_label(void *context, struct store *s, const struct store_label *l, struct error *e)
{
    static const char sql[] = "UPDATE @verdict SET said = $2 WHERE seq = $1";
    const struct store_value value[] = {store_int((int64_t)l->event_seq), store_int(l->label)};

    (void)context;
    if (l->source.length < 5 ||
        (memcmp(l->source.bytes, "case:", 5) != 0 &&
         (l->source.length < 6 || memcmp(l->source.bytes, "alert:", 6) != 0)))
        return true;
    return store_ask(s, sql, true, value, 2, NULL, e);
}

const struct project_fold *watch_project(struct watch *w)
{
    return &w->project;
}

/* ---- changes ---- */

/* Until the first `count` changes are in the store. */
static bool wait_for(struct watch *w, size_t count)
{
    int64_t until_us = clock_monotonic_us() + WAIT_US;
    bool ok;

    pthread_mutex_lock(&w->lock);
    while ((!w->is_resumed || w->next < count) && clock_monotonic_us() < until_us) {
        struct timespec at;

        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += WAIT_STEP_MS * 1000000L;
        at.tv_sec += at.tv_nsec / 1000000000L;
        at.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&w->moved, &w->lock, &at);
    }
    ok = w->is_resumed && w->next >= count;
    pthread_mutex_unlock(&w->lock);
    return ok;
}

static size_t known(struct watch *w)
{
    size_t count;

    pthread_mutex_lock(&w->lock);
    count = w->count;
    pthread_mutex_unlock(&w->lock);
    return count;
}

bool watch_change_begin(struct watch *w, struct error *e)
{
    pthread_mutex_lock(&w->changing);
    if (wait_for(w, known(w)))
        return true;
    pthread_mutex_unlock(&w->changing);
    return error_set(e, ERROR_WORLD,
                     "alerts and cases are being brought up to date with the logs; ask again (the "
                     "service's status says how far the store is)");
}

void watch_change_end(struct watch *w)
{
    pthread_mutex_unlock(&w->changing);
}

bool watch_change(struct watch *w, const struct control_change *change, struct text members,
                  uint64_t *seq, struct error *e)
{
    struct control_change c = *change;
    struct buffer data;
    bool ok;

    buffer_init(&data, WATCH_DATA_MAX);
    pthread_mutex_lock(&w->gate);
    buffer_format(&data, "{\"as_of\":%llu%s", (unsigned long long)w->position,
                  members.length > 0 ? "," : "");
    buffer_add_slice(&data, members);
    buffer_add_char(&data, '}');
    c.data = (struct text){data.bytes, data.length};
    ok = data.overflow ? error_set(e, ERROR_INVALID, "a change is over %d bytes", WATCH_DATA_MAX)
                       : control_append(w->control, &c, seq, e);
    pthread_mutex_unlock(&w->gate);
    buffer_fini(&data);
    if (ok && !wait_for(w, known(w)))
        return error_set(e, ERROR_FULL,
                         "the change is recorded, and not yet to be seen: the store is behind");
    return ok;
}

/* ---- the whole ---- */

void watch_status(struct watch *w, struct watch_status *status)
{
    *status = (struct watch_status){atomic_load(&w->dropped), atomic_load(&w->labels_sent),
                                    atomic_load(&w->labels_refused)};
}

struct watch *watch_new(void)
{
    struct watch *w = mem_alloc(sizeof *w);

    w->figures = mem_alloc(sizeof *w->figures);

    pthread_mutex_init(&w->changing, NULL);
    pthread_mutex_init(&w->gate, NULL);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->moved, NULL);
    buffer_init(&w->rules, ALERT_RULES_BYTES);
    buffer_init(&w->words, 2 * ALERT_RULES_BYTES);
    w->project = (struct project_fold){.context = w,
                                       .resume = resume,
                                       .may_take = may_take,
                                       .decision = see_decision,
                                       .label = see_label,
                                       .end = end,
                                       .committed = committed,
                                       .is_waiting = is_waiting};
    return w;
}

void watch_free(struct watch *w)
{
    if (w == NULL)
        return;
    alert_fold_fini(w);
    buffer_fini(&w->rules);
    buffer_fini(&w->words);
    mem_free(w->change);
    mem_free(w->figures);
    pthread_cond_destroy(&w->moved);
    pthread_mutex_destroy(&w->lock);
    pthread_mutex_destroy(&w->gate);
    pthread_mutex_destroy(&w->changing);
    mem_free(w);
}
