#include "shell/store/project.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/data/event.h"
#include "core/data/json.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/store/tokens.h"

enum {
    IDLE_SLEEP_US = 5000,
    BUSY_RECORDS = 256,       /* of one transaction: others will follow at once, */
    GATHER_SLEEPS = 100,      /* and are gathered for so many of IDLE_SLEEP_US */
    RETRY_SLEEPS = 200,       /* of IDLE_SLEEP_US, after a failure */
    LOOK_EVERY_US = 500000,   /* whether the file is still there */
    ANEW_EVERY_US = 60000000, /* a file that is damaged again and again is not made more often */
    RULES_BYTES_MAX = PLAN_RULES_MAX * (PLAN_NAME_MAX * 6 + 4),
};

/* The names under which a decision was made, kept between records of one plan. */
struct naming {
    bool is_loaded;
    uint32_t number; /* of the PLAN record */
    struct plan *plan;
    char id[17];
    struct frame event; /* one row */
    struct tokens *tokens;
};

struct project {
    struct store_place place;
    struct store *store;       /* NULL: not opened yet, or not made anew yet */
    struct log_cursor *cursor; /* NULL: where the store stands is to be asked (again) */
    char log_directory[PATH_MAX];
    const struct log *log;
    struct plans *plans;
    const struct project_fold *fold; /* or NULL */
    struct naming naming;
    struct buffer rules;
    uint64_t read_seq; /* last record taken from the cursor */
    _Atomic uint64_t projected_seq, skipped, bands[STORE_BANDS];
    uint32_t batch_bands[STORE_BANDS]; /* of the transaction */
    int64_t looked_us, anew_us;        /* monotonic; when it was last looked for, and made anew */
    uint64_t whole_seq;                /* made anew, it is whole from here on */
    _Atomic unsigned generation;
    atomic_bool is_rebuilding, is_suspect, is_stopping;
    pthread_t thread;
    pthread_mutex_t lock; /* of failure */
    struct error failure;
};

static void naming_fini(struct naming *n)
{
    if (n->is_loaded) {
        frame_fini(&n->event);
        tokens_free(n->tokens);
        plan_unref(n->plan);
    }
    n->is_loaded = false;
}

static bool naming_load(struct project *p, uint32_t number, struct error *e)
{
    struct naming *n = &p->naming;
    struct plan *plan;

    if (n->is_loaded && n->number == number)
        return true;
    if (!plans_get(p->plans, number, &plan, e))
        return false;
    naming_fini(n);
    *n = (struct naming){.is_loaded = true, .number = number, .plan = plan};
    for (int i = 0; i < 8; i++)
        snprintf(n->id + 2 * i, 3, "%02x", plan_id(plan)[i]);
    frame_init(&n->event, plan_schema(plan), 1, LOG_BODY_MAX);
    n->tokens = tokens_new(plan);
    return true;
}

/* The event's own time; of receipt where it has none. */
static bool event_time(struct naming *n, struct text event, int64_t *time_us, struct error *e)
{
    const struct schema *schema = plan_schema(n->plan);
    struct reader in;

    frame_clear(&n->event);
    reader_init(&in, event.bytes, event.length);
    if (!event_decode(&in, schema, &n->event, e))
        return false;
    if (schema->time != FIELD_NONE && !n->event.column[schema->time].null[0])
        *time_us = n->event.column[schema->time].integer[0];
    return true;
}

static void rules_format(const struct plan *plan, const struct decision *d, struct buffer *out)
{
    buffer_clear(out);
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < plan_rule_count(plan); i++) {
        if (!decision_has_rule(d, i) || plan_rule_is_shadow(plan, i))
            continue;
        if (out->length > 1)
            buffer_add_char(out, ',');
        json_add_text(out, text_of(plan_rule_name(plan, i)));
    }
    buffer_add_char(out, ']');
}

/* False with ERROR_INVALID: this record cannot be read; other kinds: the store failed. */
static bool add_decision(struct project *p, const struct record *r, struct error *e)
{
    struct naming *n = &p->naming;
    struct store_decision row = {.seq = r->seq, .received_us = r->received_us};
    struct event_body body;
    struct decision d;
    struct reader in;

    row.time_us = r->received_us;
    if (!naming_load(p, r->plan, e) || !event_body_parse(r->body, &body, e) ||
        !event_time(n, body.event, &row.time_us, e))
        return false;
    reader_init(&in, body.decision.bytes, body.decision.length);
    if (!decision_parse(&in, n->plan, &d, e))
        return false;
    rules_format(n->plan, &d, &p->rules);
    row.event_id = body.id;
    row.probability = d.probability;
    row.score = d.score;
    row.outcome = text_of(plan_outcome_name(n->plan, d.outcome));
    row.level = text_of(plan_level_name(n->plan, d.level));
    row.flags = d.flags;
    row.plan = text_of(n->id);
    row.rules = (struct text){p->rules.bytes, p->rules.length};
    row.entity = tokens_read(n->tokens, &n->event);
    row.entities = plan_entity_count(n->plan);
    p->batch_bands[store_band(d.score)]++;
    return store_add_decision(p->store, &row, e) &&
           (p->fold == NULL || p->fold->decision(p->fold->context, p->store,
                                                 &(struct project_seen){.row = &row,
                                                                        .plan = n->plan,
                                                                        .plan_number = r->plan,
                                                                        .decision = &d,
                                                                        .event = &n->event,
                                                                        .body = &body},
                                                 e));
}

static bool add_label(struct project *p, const struct record *r, struct error *e)
{
    struct label_body body;
    struct store_label row;

    if (!label_body_parse(r->body, &body, e))
        return false;
    row = (struct store_label){.seq = r->seq,
                               .event_seq = body.seq,
                               .event_id = body.id,
                               .label = body.label,
                               .source = body.source,
                               .effective_us = body.effective_us,
                               .received_us = r->received_us};
    return store_add_label(p->store, &row, e) &&
           (p->fold == NULL || p->fold->label(p->fold->context, p->store, &row, e));
}

static bool add_record(struct project *p, const struct record *r, struct error *e)
{
    bool ok = true;

    if (r->kind == RECORD_DECISION)
        ok = add_decision(p, r, e);
    else if (r->kind == RECORD_LABEL)
        ok = add_label(p, r, e);
    if (!ok && (e->kind == ERROR_INVALID || e->kind == ERROR_NOT_FOUND)) {
        atomic_fetch_add(&p->skipped, 1);
        ok = true;
    }
    return ok;
}

/* One transaction: records while there are any, at most PROJECT_BATCH and none past `until`. */
static bool project_batch(struct project *p, uint64_t until, uint32_t *taken, struct error *e)
{
    const struct project_fold *fold = p->fold;
    struct record r;
    int more = 0;

    *taken = 0;
    memset(p->batch_bands, 0, sizeof p->batch_bands);
    if (!store_begin(p->store, e)) {
        store_rollback(p->store);
        return false;
    }
    while (*taken < PROJECT_BATCH && p->read_seq < until &&
           (fold == NULL || fold->may_take(fold->context, p->read_seq + 1)) &&
           (more = log_cursor_next(p->cursor, &r, e)) == 1) {
        if (!add_record(p, &r, e)) {
            store_rollback(p->store);
            return false;
        }
        p->read_seq = r.seq;
        (*taken)++;
    }
    if (more < 0 || (fold != NULL && !fold->end(fold->context, p->store, p->read_seq, e)) ||
        !store_commit(p->store, p->read_seq, e)) {
        store_rollback(p->store);
        return false;
    }
    for (int i = 0; i < STORE_BANDS; i++)
        atomic_fetch_add(&p->bands[i], p->batch_bands[i]);
    atomic_store(&p->projected_seq, p->read_seq);
    if (fold != NULL)
        fold->committed(fold->context, p->read_seq);
    return true;
}

/* An empty store in the place of one that is gone or damaged: the log has everything. */
static bool open_anew(struct project *p, struct error *e)
{
    p->anew_us = clock_monotonic_us();
    p->whole_seq = p->log != NULL ? log_durable_seq(p->log) : 0;
    atomic_store(&p->is_suspect, false);
    atomic_store(&p->is_rebuilding, true);
    atomic_fetch_add(&p->generation, 1); /* readers leave what they have open */
    store_close(p->store);
    p->store = NULL;
    p->read_seq = 0;
    atomic_store(&p->projected_seq, 0);
    return store_remove(&p->place, e) && store_open(&p->place, STORE_WRITE, &p->store, e);
}

static bool open_store(struct project *p, struct error *e)
{
    bool is_damaged;

    return store_open_checked(&p->place, STORE_WRITE, &p->store, &is_damaged, e) ||
           (is_damaged && p->log != NULL && open_anew(p, e));
}

static bool refuse_ahead(const struct project *p, uint64_t projected, struct error *e)
{
    struct buffer place;

    buffer_init(&place, ERROR_TEXT_MAX);
    store_place_print(&p->place, &place);
    error_set(e, ERROR_INVALID,
              "%s: holds records up to %llu, but the log ends at %llu: it belongs to another "
              "log; make it anew by `assay rebuild`",
              buffer_text(&place), (unsigned long long)projected,
              (unsigned long long)log_durable_seq(p->log));
    buffer_fini(&place);
    return false;
}

/* Reads on from where the store says that it is. */
static bool project_resume(struct project *p, struct error *e)
{
    uint64_t projected;

    if ((p->store == NULL && !open_store(p, e)) || !store_projected(p->store, &projected, e))
        return false;
    if (p->log != NULL && projected > log_durable_seq(p->log))
        return refuse_ahead(p, projected, e);
    p->read_seq = projected;
    atomic_store(&p->projected_seq, projected);
    if (p->fold != NULL && !p->fold->resume(p->fold->context, p->store, projected, e))
        return false;
    return log_cursor_open(p->log_directory, projected + 1, &p->cursor, e);
}

static void project_init(struct project *p, const struct project_options *o)
{
    pthread_mutex_init(&p->lock, NULL);
    buffer_init(&p->rules, RULES_BYTES_MAX);
    p->log = o->log;
    p->plans = o->plans;
    p->fold = o->fold;
    p->place.kind = o->store.kind;
    if (o->store.where != NULL)
        p->place.where = mem_text(o->store.where, strlen(o->store.where));
    snprintf(p->log_directory, sizeof p->log_directory, "%s", o->log_directory);
}

static void project_fini(struct project *p)
{
    log_cursor_close(p->cursor);
    naming_fini(&p->naming);
    store_close(p->store);
    buffer_fini(&p->rules);
    mem_free((void *)(uintptr_t)p->place.where);
    pthread_mutex_destroy(&p->lock);
}

static void note_failure(struct project *p, const struct error *e)
{
    pthread_mutex_lock(&p->lock);
    p->failure = *e;
    pthread_mutex_unlock(&p->lock);
}

/* A while after a failure. False: the projector is stopping. */
static bool pause_after_failure(struct project *p)
{
    for (int i = 0; i < RETRY_SLEEPS; i++) {
        if (atomic_load(&p->is_stopping))
            return false;
        clock_sleep_us(IDLE_SLEEP_US);
    }
    return true;
}

/* Whether the store's file is damaged, gone, or another one. SQLite would go on writing to a file
 * that has no name any more. A database that is away is not lost: it is waited for. */
static bool is_lost(struct project *p)
{
    int64_t now_us = clock_monotonic_us();

    if (p->store == NULL)
        return atomic_load(&p->is_rebuilding);
    if (store_is_damaged(p->store) || atomic_load(&p->is_suspect))
        return p->anew_us == 0 || now_us - p->anew_us >= ANEW_EVERY_US;
    if (now_us - p->looked_us < LOOK_EVERY_US)
        return false;
    p->looked_us = now_us;
    return !store_is_there(p->store);
}

/* Whether there is something to write though no record came. */
static bool is_waiting(struct project *p)
{
    return p->fold != NULL && p->fold->is_waiting(p->fold->context);
}

static void close_cursor(struct project *p)
{
    log_cursor_close(p->cursor);
    p->cursor = NULL;
}

/* Some more of the log, where there is more. After a failure, most likely a full disk or a database
 * that is away, the records since the last commit are read anew. */
static bool follow(struct project *p, uint64_t until, uint32_t *taken, struct error *e)
{
    *taken = 0;
    if (is_lost(p)) {
        close_cursor(p);
        if (!open_anew(p, e))
            return false;
    }
    if (p->cursor == NULL && !project_resume(p, e))
        return false;
    if ((p->read_seq < until || is_waiting(p)) && !project_batch(p, until, taken, e)) {
        close_cursor(p);
        return false;
    }
    if (p->read_seq >= p->whole_seq)
        atomic_store(&p->is_rebuilding, false);
    return true;
}

/* A transaction's price is its pages: the more rows it has, the more of them share one. */
static void gather(struct project *p, uint32_t taken)
{
    int sleeps = taken >= BUSY_RECORDS ? GATHER_SLEEPS : 1;

    while (sleeps-- > 0 && !atomic_load(&p->is_stopping) && !is_waiting(p))
        clock_sleep_us(IDLE_SLEEP_US);
}

static void *project_run(void *context)
{
    struct project *p = context;
    struct error e = p->failure; /* of the first try */
    uint32_t taken;

    thread_name("assay-store");
    thread_background(); /* decisions go first; it catches up when there are fewer */
    for (;;) {
        bool is_last = atomic_load(&p->is_stopping);
        uint64_t until = log_durable_seq(p->log);

        if (!follow(p, until, &taken, &e)) {
            note_failure(p, &e);
            if (!pause_after_failure(p))
                return NULL;
            continue;
        }
        if (e.kind != ERROR_NONE) {
            e = (struct error){0};
            note_failure(p, &e); /* it is over */
        }
        /* What is made anew is finished after the next start. */
        if (is_last && (taken == 0 || atomic_load(&p->is_rebuilding)))
            return NULL;
        if (taken < PROJECT_BATCH && !is_last)
            gather(p, taken);
    }
}

/* The first try; what a database may yet become is left to the thread. */
static bool project_begin(struct project *p, struct error *e)
{
    if (project_resume(p, e))
        return true;
    if (p->place.kind != STORE_POSTGRES || (e->kind != ERROR_WORLD && e->kind != ERROR_FULL))
        return false;
    note_failure(p, e);
    return true;
}

bool project_open(const struct project_options *o, struct project **p, struct error *e)
{
    struct project *made = mem_alloc(sizeof *made);

    project_init(made, o);
    if (!project_begin(made, e)) {
        project_fini(made);
        mem_free(made);
        return false;
    }
    if (pthread_create(&made->thread, NULL, project_run, made) != 0) {
        project_fini(made);
        mem_free(made);
        return error_set(e, ERROR_WORLD, "cannot start the store's thread");
    }
    *p = made;
    return true;
}

void project_close(struct project *p)
{
    if (p == NULL)
        return;
    atomic_store(&p->is_stopping, true);
    pthread_join(p->thread, NULL);
    project_fini(p);
    mem_free(p);
}

unsigned project_generation(struct project *p)
{
    return atomic_load(&p->generation);
}

bool project_is_rebuilding(struct project *p)
{
    return atomic_load(&p->is_rebuilding);
}

void project_suspect(struct project *p)
{
    atomic_store(&p->is_suspect, true);
}

void project_status(struct project *p, struct project_status *status)
{
    uint64_t durable = log_durable_seq(p->log);

    status->projected_seq = atomic_load(&p->projected_seq);
    status->lag = durable > status->projected_seq ? durable - status->projected_seq : 0;
    for (int i = 0; i < STORE_BANDS; i++)
        status->bands[i] = atomic_load(&p->bands[i]);
    status->skipped = atomic_load(&p->skipped);
    status->is_rebuilding = atomic_load(&p->is_rebuilding);
    pthread_mutex_lock(&p->lock);
    status->is_failed = p->failure.kind != ERROR_NONE;
    snprintf(status->failure, sizeof status->failure, "%s", p->failure.text);
    pthread_mutex_unlock(&p->lock);
}

static bool rebuild_all(struct project *p, const struct progress *progress, struct rebuilt *r,
                        struct error *e)
{
    uint32_t taken;
    bool is_more;

    do {
        bool was_waiting = is_waiting(p);

        if (!project_batch(p, UINT64_MAX, &taken, e))
            return false;
        r->records += taken;
        is_more = taken > 0 || was_waiting || is_waiting(p);
        if (!progress_report(progress, "records projected", (double)r->records))
            return error_set(e, ERROR_CANCELLED, "stopped after %llu records",
                             (unsigned long long)r->records);
    } while (is_more);
    r->skipped = atomic_load(&p->skipped);
    return store_count(p->store, &r->totals, e);
}

bool store_rebuild(const struct project_options *o, const struct progress *progress,
                   struct rebuilt *r, struct error *e)
{
    struct project_options offline = *o;
    struct project p = {0};
    bool ok;

    offline.log = NULL;
    *r = (struct rebuilt){0};
    if (!store_remove(&o->store, e))
        return false;
    project_init(&p, &offline);
    ok = project_resume(&p, e) && rebuild_all(&p, progress, r, e);
    project_fini(&p);
    return ok;
}
