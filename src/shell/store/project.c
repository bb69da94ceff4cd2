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
    RETRY_SLEEPS = 200, /* of IDLE_SLEEP_US, after a failure */
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
    struct store *store;       /* NULL: not opened yet */
    struct log_cursor *cursor; /* NULL: where the store stands is to be asked (again) */
    char log_directory[PATH_MAX];
    const struct log *log;
    struct plans *plans;
    struct naming naming;
    struct buffer rules;
    uint64_t read_seq; /* last record taken from the cursor */
    _Atomic uint64_t projected_seq, skipped;
    atomic_bool is_stopping;
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
    return store_add_decision(p->store, &row, e);
}

static bool add_label(struct project *p, const struct record *r, struct error *e)
{
    struct label_body body;

    if (!label_body_parse(r->body, &body, e))
        return false;
    return store_add_label(p->store,
                           &(struct store_label){.seq = r->seq,
                                                 .event_seq = body.seq,
                                                 .event_id = body.id,
                                                 .label = body.label,
                                                 .source = body.source,
                                                 .effective_us = body.effective_us,
                                                 .received_us = r->received_us},
                           e);
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
    struct record r;
    int more = 0;

    *taken = 0;
    if (!store_begin(p->store, e))
        return false;
    while (*taken < PROJECT_BATCH && p->read_seq < until &&
           (more = log_cursor_next(p->cursor, &r, e)) == 1) {
        if (!add_record(p, &r, e)) {
            store_rollback(p->store);
            return false;
        }
        p->read_seq = r.seq;
        (*taken)++;
    }
    if (more < 0 || !store_commit(p->store, p->read_seq, e)) {
        store_rollback(p->store);
        return false;
    }
    atomic_store(&p->projected_seq, p->read_seq);
    return true;
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

    if ((p->store == NULL && !store_open(&p->place, STORE_WRITE, &p->store, e)) ||
        !store_projected(p->store, &projected, e))
        return false;
    if (p->log != NULL && projected > log_durable_seq(p->log))
        return refuse_ahead(p, projected, e);
    p->read_seq = projected;
    atomic_store(&p->projected_seq, projected);
    return log_cursor_open(p->log_directory, projected + 1, &p->cursor, e);
}

static void project_init(struct project *p, const struct project_options *o)
{
    pthread_mutex_init(&p->lock, NULL);
    buffer_init(&p->rules, RULES_BYTES_MAX);
    p->log = o->log;
    p->plans = o->plans;
    p->place.kind = o->store.kind;
    if (o->store.where != NULL)
        p->place.where = mem_text(o->store.where, strlen(o->store.where));
    snprintf(p->log_directory, sizeof p->log_directory, "%s", o->log_directory);
}

static void project_fini(struct project *p)
{
    if (p->cursor != NULL)
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

/* After a failure, most likely a full disk or a database that is away: a while later the records
 * since the last commit are read anew. False: the projector is stopping. */
static bool begin_again(struct project *p, const struct error *e)
{
    note_failure(p, e);
    if (p->cursor != NULL)
        log_cursor_close(p->cursor);
    p->cursor = NULL;
    for (int i = 0; i < RETRY_SLEEPS; i++) {
        if (atomic_load(&p->is_stopping))
            return false;
        clock_sleep_us(IDLE_SLEEP_US);
    }
    return true;
}

static void *project_run(void *context)
{
    struct project *p = context;
    struct error e = {0};
    uint32_t taken;

    for (;;) {
        bool is_last = atomic_load(&p->is_stopping);
        uint64_t until = log_durable_seq(p->log);

        taken = 0;
        if ((p->cursor == NULL && !project_resume(p, &e)) ||
            (p->read_seq < until && !project_batch(p, until, &taken, &e))) {
            if (!begin_again(p, &e))
                break;
            continue;
        }
        if (e.kind != ERROR_NONE) {
            e = (struct error){0};
            note_failure(p, &e); /* it is over */
        }
        if (taken == 0 && is_last)
            return NULL;
        if (taken < PROJECT_BATCH && !is_last)
            clock_sleep_us(IDLE_SLEEP_US); /* also gathers: a transaction a record would be dear */
    }
    note_failure(p, &e);
    return NULL;
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

void project_status(struct project *p, struct project_status *status)
{
    uint64_t durable = log_durable_seq(p->log);

    status->projected_seq = atomic_load(&p->projected_seq);
    status->lag = durable > status->projected_seq ? durable - status->projected_seq : 0;
    status->skipped = atomic_load(&p->skipped);
    pthread_mutex_lock(&p->lock);
    status->is_failed = p->failure.kind != ERROR_NONE;
    snprintf(status->failure, sizeof status->failure, "%s", p->failure.text);
    pthread_mutex_unlock(&p->lock);
}

static bool rebuild_all(struct project *p, const struct progress *progress, struct rebuilt *r,
                        struct error *e)
{
    uint32_t taken;

    do {
        if (!project_batch(p, UINT64_MAX, &taken, e))
            return false;
        r->records += taken;
        if (!progress_report(progress, "records projected", (double)r->records))
            return error_set(e, ERROR_CANCELLED, "stopped after %llu records",
                             (unsigned long long)r->records);
    } while (taken > 0);
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
