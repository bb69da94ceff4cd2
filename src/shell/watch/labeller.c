/* Dispositions become labels.
 *
 * The table verdict says which labels dispositions ask for (wanted) and what the log has of them
 * (said). What differs is sent to the shard, page by page. Then it waits until the store has seen
 * the log up to there, so that nothing is sent twice; after a start too, so a process that died
 * between a disposition and its labels, or between a label and its row, goes on where it was. What
 * the shard refuses (the event was cut off the log) is counted, and tried again after the next
 * disposition or LABELLER_AGAIN_US.
 *
 * The same thread reads the figures of metrics, as it has a connection to the store. */
#include <pthread.h>

#include "core/base/memory.h"
#include "core/velocity/velocity.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/watch/watch_inside.h"

enum {
    PAGE = 256,
    STEP_US = 20000,
    IDLE_US = 50000,
    LABELLER_AGAIN_US = 60000000,
    ID_BYTES = SHARD_ID_MAX
};

struct due {
    int64_t seq, wanted;
    char id[ID_BYTES + 1], source[SHARD_LABEL_SOURCE_MAX + 1];
    char actor[SHARD_CALLER_MAX + 1];
    size_t id_length, source_length, actor_length;
    struct submission submission;
    struct labeller *labeller;
    bool was_sent, is_done;
};

struct labeller {
    struct watch *w;
    struct shard *shard;
    struct project *project;
    const struct store_place *place;
    struct store *store; /* NULL: not open */
    unsigned generation;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t rung;
    bool is_stopping, is_woken;
    struct due due[PAGE];
    uint32_t count;
    struct watch_figures figures;
};

/* ---- reading ---- */

static size_t take_text(char *to, size_t room, struct text t)
{
    size_t length = t.length < room ? t.length : room;

    memcpy(to, t.bytes, length);
    to[length] = 0;
    return length;
}

static void take_due(void *context, const struct store_value *cell)
{
    struct labeller *l = context;
    struct due *d = &l->due[l->count++];

    *d = (struct due){.seq = cell[0].integer, .wanted = cell[3].integer, .labeller = l};
    d->id_length = take_text(d->id, ID_BYTES, cell[1].text);
    d->actor_length = take_text(d->actor, SHARD_CALLER_MAX, cell[4].text);
    d->source_length = take_text(d->source, SHARD_LABEL_SOURCE_MAX, cell[2].text);
}

static bool store_ready(struct labeller *l)
{
    struct error ignored;

    if (project_is_rebuilding(l->project))
        return false;
    if (l->store != NULL && l->generation != project_generation(l->project)) {
        store_close(l->store);
        l->store = NULL;
    }
    l->generation = project_generation(l->project);
    return l->store != NULL || store_open(l->place, STORE_READ, &l->store, &ignored);
}

static bool read_page(struct labeller *l, int64_t after)
{
    static const char sql[] = "SELECT seq, event_id, source, wanted, actor FROM @verdict"
                              " WHERE wanted <> said AND seq > $1 ORDER BY seq LIMIT 256";
    const struct store_value value = store_int(after);
    struct error ignored;

    l->count = 0;
    return store_ready(l) && store_ask(l->store, sql, false, &value, 1,
                                       &(struct store_visitor){take_due, l}, &ignored);
}

/* ---- sending ---- */

static void is_answered(struct submission *s)
{
    struct due *d = s->context;

    pthread_mutex_lock(&d->labeller->lock);
    d->is_done = true;
    pthread_cond_broadcast(&d->labeller->rung);
    pthread_mutex_unlock(&d->labeller->lock);
}

static bool is_stopping(struct labeller *l)
{
    bool is;

    pthread_mutex_lock(&l->lock);
    is = l->is_stopping;
    pthread_mutex_unlock(&l->lock);
    return is;
}

static void send_one(struct labeller *l, struct due *d)
{
    int64_t now_us = clock_now_us();

    d->submission = (struct submission){.kind = SUBMIT_LABEL,
                                        .id = {d->id, d->id_length},
                                        .received_us = now_us,
                                        .effective_us = now_us,
                                        .event_seq = (uint64_t)d->seq,
                                        .label = (uint8_t)d->wanted,
                                        .source = {d->source, d->source_length},
                                        .asked = {.caller = {d->actor, d->actor_length}},
                                        .done = is_answered,
                                        .context = d};
    while (!(d->was_sent = shard_submit(l->shard, &d->submission)) && !is_stopping(l))
        clock_sleep_us(STEP_US); /* decisions go first */
}

static void wait_one(struct labeller *l, struct due *d)
{
    pthread_mutex_lock(&l->lock);
    while (d->was_sent && !d->is_done)
        pthread_cond_wait(&l->rung, &l->lock);
    pthread_mutex_unlock(&l->lock);
    plan_unref(d->submission.plan);
    if (d->was_sent)
        atomic_fetch_add(
            d->submission.status == SUBMIT_DONE ? &l->w->labels_sent : &l->w->labels_refused, 1);
}

/* The store has seen the log as it is now. */
static void catch_up(struct labeller *l)
{
    uint64_t until = log_durable_seq(shard_log(l->shard));
    struct project_status status;

    do {
        project_status(l->project, &status);
        if (status.projected_seq >= until || is_stopping(l))
            return;
        clock_sleep_us(STEP_US);
    } while (true);
}

static void send_all(struct labeller *l)
{
    int64_t after = 0;

    catch_up(l);
    while (!is_stopping(l) && read_page(l, after) && l->count > 0) {
        uint32_t count = l->count;

        for (uint32_t i = 0; i < count; i++)
            send_one(l, &l->due[i]);
        for (uint32_t i = 0; i < count; i++)
            wait_one(l, &l->due[i]);
        after = l->due[count - 1].seq;
        catch_up(l);
    }
}

/* ---- the thread ---- */

static void read_figures(struct labeller *l)
{
    struct error ignored;

    if (!store_ready(l) || !figures_read(l->store, &l->figures, &ignored))
        return;
    pthread_mutex_lock(&l->w->lock);
    *l->w->figures = l->figures;
    pthread_mutex_unlock(&l->w->lock);
}

static void *labeller_run(void *context)
{
    struct labeller *l = context;
    int64_t sent_us = INT64_MIN / 2, read_us = INT64_MIN / 2;

    thread_name("assay-labels");
    for (;;) {
        bool is_due;

        pthread_mutex_lock(&l->lock);
        is_due = l->is_woken || clock_monotonic_us() - sent_us > LABELLER_AGAIN_US;
        l->is_woken = false;
        if (l->is_stopping) {
            pthread_mutex_unlock(&l->lock);
            return NULL;
        }
        pthread_mutex_unlock(&l->lock);
        if (clock_monotonic_us() - read_us > FIGURES_EVERY_US) {
            read_us = clock_monotonic_us();
            read_figures(l);
        }
        if (is_due) {
            sent_us = clock_monotonic_us();
            send_all(l);
            read_us = INT64_MIN / 2;
        } else {
            clock_sleep_us(IDLE_US);
        }
    }
}

void labeller_wake(struct labeller *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->is_woken = true;
    pthread_mutex_unlock(&l->lock);
}

static void labeller_free(struct labeller *l)
{
    store_close(l->store);
    pthread_cond_destroy(&l->rung);
    pthread_mutex_destroy(&l->lock);
    mem_free(l);
}

bool labeller_start(struct watch *w, struct shard *s, struct project *p,
                    const struct store_place *store, struct labeller **l, struct error *e)
{
    struct labeller *made = mem_alloc(sizeof *made);

    made->w = w;
    made->shard = s;
    made->project = p;
    made->place = store;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->rung, NULL);
    if (pthread_create(&made->thread, NULL, labeller_run, made) != 0) {
        labeller_free(made);
        return error_set(e, ERROR_WORLD, "cannot start the thread of labels");
    }
    *l = made;
    return true;
}

void labeller_stop(struct labeller *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->is_stopping = true;
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    labeller_free(l);
}
