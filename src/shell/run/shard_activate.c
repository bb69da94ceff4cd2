/* Another plan comes into force while the shard goes on.
 *
 *   activating thread                              engine thread
 *   ------------------------------------------     -------------------------------------------
 *   prepares engine, carrier, frame of the plan
 *   another layout: a state of its own, built
 *     from the log at a limited rate, then up to
 *     the log's end
 *   SUBMIT_PLAN through the queue  ----------->     ends the run of decisions; what of the log the
 *                                                  state still lacks is applied; exchanges old for
 *                                                  new; appends the PLAN record
 *   frees what was in force  <-------------------  answers once the record is durable
 *
 * 1. The submission stands in the queue like any other: what was submitted before it is decided by
 *    the old plan, what comes after it by the new one, and the log says where.
 * 2. The new state is the one that recovery builds: the log's records, applied in order (apply.h).
 *    A process that dies at any moment finds either no PLAN record, and nothing has happened, or
 *    the record, and the state as of it from the log.
 * 3. Events were read by the fields of a plan. One that comes to a plan with other fields is not
 *    decided (SUBMIT_STALE): its submitter reads it again by the plan in force.
 * 4. The engine's part is short: at most LAG_MAX records are left to apply. Farther behind, the
 *    submission comes back and the building goes on. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "shell/os/clock.h"
#include "shell/run/apply.h"
#include "shell/run/carrier.h"
#include "shell/run/shard_inside.h"

enum {
    LAG_MAX = 1024,
    REPORT_EVERY = 256, /* records */
    PACE_STEP_US = 20000,
    WAIT_US = 1000,
    QUEUE_PATIENCE_US = 10000000,
    BODY_MAX = 4 << 20,
    BUILDS_MAX = 8, /* a log whose beginning is cut off faster than that is read is no use */
};

struct activation {
    struct plan *plan;
    uint64_t fields;
    bool has_state;     /* of its own; else only the engine is, over the shard's region */
    struct state state; /* and after the exchange the one that was in force, or its engine */
    struct carrier *carrier;
    struct frame frame;
    struct buffer body; /* of the PLAN record */

    struct log_cursor *cursor;
    struct apply *apply;
    uint64_t applied; /* records up to here are in the state */
    uint64_t first;   /* record applied; 0: none yet */
    bool is_frozen;   /* a snapshot still reads the state that was in force */

    struct submission submission;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

/* ---- the engine's thread */

static bool finish_state(struct shard *s, struct activation *a, struct error *e)
{
    uint64_t last = log_next_seq(s->log) - 1;
    struct record r;

    if (s->group->has_records)
        shard_seal_group(s); /* so that the file has it all */
    if (!shard_wait_durable(s, last))
        return error_set(e, ERROR_WORLD, "the shard has stopped");
    while (a->applied < last) {
        int found = log_cursor_next(a->cursor, &r, e);

        if (found == 0)
            error_set(e, ERROR_INVALID, "log ends at record %llu, before its last one",
                      (unsigned long long)a->applied);
        if (found != 1 || !apply_record(a->apply, &r, e))
            return false;
        a->applied = r.seq;
    }
    return apply_flush(a->apply, e);
}

/* Counts go on under the same names. */
static void carry_counts(struct shard *s, const struct plan *from, const struct plan *to)
{
    uint64_t counts[PLAN_OUTCOMES_MAX] = {0}, fired[PLAN_RULES_MAX] = {0};

    for (uint32_t i = 0; i < plan_outcome_count(to); i++) {
        int was = plan_outcome_find(from, text_of(plan_outcome_name(to, i)));

        if (was >= 0)
            counts[i] = s->status.by_outcome[was];
    }
    memcpy(s->status.by_outcome, counts, sizeof counts);
    for (uint32_t i = 0; i < plan_rule_count(to); i++) {
        int was = plan_rule_find(from, text_of(plan_rule_name(to, i)));

        fired[i] = was >= 0 ? s->status.by_rule[was] : 0;
    }
    memcpy(s->status.by_rule, fired, sizeof fired);
}

#define EXCHANGE(a, b)                                                                             \
    do {                                                                                           \
        __typeof__(a) kept = (a);                                                                  \
        (a) = (b);                                                                                 \
        (b) = kept;                                                                                \
    } while (0)

static void exchange(struct shard *s, struct activation *a)
{
    bool is_frozen = s->snapshot_step == SNAPSHOT_WRITING;

    if (a->has_state) {
        a->is_frozen = is_frozen;
        EXCHANGE(s->state, a->state);
    } else {
        EXCHANGE(s->state.engine, a->state.engine);
        engine_watch(s->state.engine, is_frozen ? s->watch : NULL);
    }
    EXCHANGE(s->carrier, a->carrier);
    EXCHANGE(s->frame, a->frame);
    s->fields = a->fields;
    s->values_most = values_most(a->plan);
    s->seals_values = plan_features_are_personal(a->plan);
    pthread_mutex_lock(&s->lock);
    carry_counts(s, s->plan, a->plan);
    EXCHANGE(s->plan, a->plan);
    s->status.activations++;
    s->status.plan_seq = s->plan_seq;
    s->status.state_limit_bytes = shard_state_limit(s->plan);
    pthread_mutex_unlock(&s->lock);
}

void shard_take_plan(struct shard *s, struct submission *sub)
{
    struct activation *a = sub->activation;
    struct record record = {.received_us = sub->received_us,
                            .kind = RECORD_PLAN,
                            .epoch = ENGINE_EPOCH,
                            .body = {a->body.bytes, a->body.length}};
    struct error e = {0};

    if (a->has_state && log_next_seq(s->log) - 1 - a->applied > LAG_MAX) {
        sub->status = SUBMIT_STALE;
        return;
    }
    if (a->has_state && !finish_state(s, a, &e) && e.kind == ERROR_CONFLICT) {
        sub->status = SUBMIT_STALE; /* the log was cut meanwhile: the state is built again */
        return;
    }
    if (e.kind != ERROR_NONE || !log_reserve(s->log, 1, a->body.length, &e)) {
        sub->status = e.kind == ERROR_FULL ? SUBMIT_FULL : SUBMIT_FAILED;
        snprintf(sub->error, sizeof sub->error, "%s", e.text);
        return;
    }
    s->plan_seq = record.plan = (uint32_t)log_next_seq(s->log);
    exchange(s, a);
    sub->seq = log_append(s->log, &record);
    plans_put(s->plans, s->plan_seq, s->plan);
    s->group->has_records = true;
    sub->status = SUBMIT_DONE;
    if (a->has_state)
        s->snapshot_due_us = clock_monotonic_us(); /* none of this layout is there */
}

/* ---- the activating thread */

static struct activation *activation_new(struct shard *s, const struct made_plan *made)
{
    struct activation *a = mem_alloc(sizeof *a);
    struct plan_body body = {.settings = {made->text.bytes, made->text.length}};

    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->done, NULL);
    a->plan = plan_ref(made->plan);
    a->fields = schema_fingerprint(plan_schema(a->plan));
    a->carrier = carrier_new(s->plans, a->plan);
    frame_init(&a->frame, plan_schema(a->plan), SHARD_GROUP_MAX, SHARD_RUN_TEXT_MAX);
    memcpy(body.id, plan_id(made->plan), sizeof body.id);
    memcpy(body.model, made->model_digest, sizeof body.model);
    buffer_init(&a->body, BODY_MAX);
    plan_body_format(&body, &a->body);
    return a;
}

static void activation_free(struct shard *s, struct activation *a)
{
    while (a->is_frozen && !atomic_load(&s->is_job_done))
        clock_sleep_us(WAIT_US);
    apply_free(a->apply);
    log_cursor_close(a->cursor);
    if (a->has_state)
        state_close(&a->state);
    else
        engine_close(a->state.engine);
    carrier_free(a->carrier);
    frame_fini(&a->frame);
    buffer_fini(&a->body);
    plan_unref(a->plan);
    pthread_cond_destroy(&a->done);
    pthread_mutex_destroy(&a->lock);
    mem_free(a);
}

static void note_progress(struct shard *s, uint64_t built, uint64_t of)
{
    pthread_mutex_lock(&s->lock);
    s->status.building_seq = built;
    s->status.building_of = of;
    pthread_mutex_unlock(&s->lock);
}

static bool go_on(struct shard *s, const struct activation *a, const struct progress *p,
                  struct error *e)
{
    uint64_t of = log_durable_seq(s->log);

    note_progress(s, a->applied, of);
    if (atomic_load(&s->is_failed))
        return error_set(e, ERROR_WORLD, "the shard has stopped");
    return progress_report(p, "building the state from the log",
                           of > 0 ? (double)a->applied / (double)of : 1) ||
           error_set(e, ERROR_CANCELLED, "stopped; the plan that was in force is");
}

/* Reports, and waits where the `count` records that were read since are ahead of their rate: that
 * holds until `until`. What came meanwhile is read at full speed, so that the end is reached. */
static bool pace(struct shard *s, const struct activation *a, uint64_t until, uint64_t count,
                 int64_t began_us, const struct progress *p, struct error *e)
{
    double us = s->o.activation_rate > 0 ? (double)count * 1e6 / s->o.activation_rate : 0;
    int64_t due_us = a->applied < until ? began_us + (int64_t)us : 0, left_us;

    do {
        if (!go_on(s, a, p, e))
            return false;
        left_us = due_us - clock_monotonic_us();
        if (left_us > 0)
            clock_sleep_us(left_us < PACE_STEP_US ? left_us : PACE_STEP_US);
    } while (left_us > PACE_STEP_US);
    return true;
}

/* Bring the state to where the log's file ends now. */
static bool build(struct shard *s, struct activation *a, const struct progress *p, struct error *e)
{
    uint64_t until = log_durable_seq(s->log), count = 0;
    int64_t began_us = clock_monotonic_us();
    struct record r;
    int found;

    while ((found = log_cursor_next(a->cursor, &r, e)) == 1) {
        if (!apply_record(a->apply, &r, e))
            return false;
        if (a->first == 0)
            a->first = r.seq;
        a->applied = r.seq;
        if (++count % REPORT_EVERY == 0 && !pace(s, a, until, count, began_us, p, e))
            return false;
    }
    return found == 0 && apply_flush(a->apply, e) && go_on(s, a, p, e);
}

static bool open_state(struct shard *s, struct activation *a, struct error *e)
{
    struct apply_options o = {.state = &a->state, .plan = a->plan, .plans = s->plans};

    if (!state_open(&a->state, a->plan, &s->o.state, e))
        return false;
    a->has_state = true;
    a->apply = apply_new(&o);
    return log_cursor_open(s->log_directory, 1, &a->cursor, e);
}

/* The log's beginning was cut off (log.keep) while it was read: what was built would lack records
 * in its middle. It is built again from what is there now. */
static bool open_state_again(struct shard *s, struct activation *a, struct error *e)
{
    apply_free(a->apply);
    log_cursor_close(a->cursor);
    state_close(&a->state);
    a->state = (struct state){0};
    a->apply = NULL;
    a->cursor = NULL;
    a->has_state = false;
    a->applied = a->first = 0;
    return open_state(s, a, e);
}

static void plan_done(struct submission *sub)
{
    struct activation *a = sub->context;

    pthread_mutex_lock(&a->lock);
    a->is_done = true;
    pthread_cond_signal(&a->done);
    pthread_mutex_unlock(&a->lock);
}

/* Through the queue and back. */
static bool submit(struct shard *s, struct activation *a, struct error *e)
{
    int64_t until_us = clock_monotonic_us() + QUEUE_PATIENCE_US;

    a->submission = (struct submission){.kind = SUBMIT_PLAN,
                                        .received_us = clock_now_us(),
                                        .activation = a,
                                        .done = plan_done,
                                        .context = a};
    a->is_done = false;
    while (!shard_submit(s, &a->submission)) {
        if (atomic_load(&s->is_stopping) || clock_monotonic_us() > until_us)
            return error_set(e, ERROR_WORLD, "the shard takes no more requests now; try again");
        clock_sleep_us(WAIT_US);
    }
    pthread_mutex_lock(&a->lock);
    while (!a->is_done)
        pthread_cond_wait(&a->done, &a->lock);
    pthread_mutex_unlock(&a->lock);
    return true;
}

static bool build_whole(struct shard *s, struct activation *a, const struct progress *p,
                        struct error *e)
{
    for (int i = 1; !build(s, a, p, e); i++) {
        if (e->kind != ERROR_CONFLICT || i == BUILDS_MAX || !open_state_again(s, a, e))
            return false;
    }
    return true;
}

static bool bring_into_force(struct shard *s, struct activation *a, const struct progress *p,
                             struct error *e)
{
    do {
        if ((a->has_state && !build_whole(s, a, p, e)) || !submit(s, a, e))
            return false;
    } while (a->submission.status == SUBMIT_STALE);
    return a->submission.status == SUBMIT_DONE ||
           error_set(e, a->submission.status == SUBMIT_FULL ? ERROR_FULL : ERROR_WORLD, "%s",
                     a->submission.error);
}

static bool activate(struct shard *s, const struct made_plan *made, const struct progress *p,
                     struct activated *result, struct error *e)
{
    struct activation *a = activation_new(s, made);
    bool keeps_state = engine_layout(made->plan) == engine_layout(s->plan), ok = true;

    if (a->body.overflow)
        ok = error_set(e, ERROR_INVALID, "the plan's record is over %d bytes", BODY_MAX);
    else if (keeps_state)
        a->state.engine = engine_open(a->plan, &s->state.region, &s->o.state.engine);
    else
        ok = open_state(s, a, e);
    ok = ok && bring_into_force(s, a, p, e);
    if (ok) {
        result->seq = a->submission.seq;
        result->records = a->applied;
        result->is_rebuilt = !keeps_state;
        result->first_seq = keeps_state ? 1 : a->first;
    }
    note_progress(s, 0, 0);
    activation_free(s, a);
    return ok;
}

bool shard_activate(struct shard *s, const struct made_plan *made, const void *model,
                    size_t model_bytes, const struct progress *progress, struct activated *result,
                    struct error *e)
{
    bool is_busy = false, ok;

    *result = (struct activated){0};
    if (!atomic_compare_exchange_strong(&s->is_activating, &is_busy, true))
        return error_set(e, ERROR_CONFLICT, "another plan is on its way into force");
    /* s->plan changes in this function only, on the engine's thread */
    if (memcmp(plan_id(made->plan), plan_id(s->plan), PLAN_ID_BYTES) == 0) {
        result->is_same = true;
        ok = true;
    } else {
        ok = shard_open_keys(s, made->plan, e) &&
             (model == NULL ||
              plans_keep_model(s->directory, made->model_digest, model, model_bytes, e)) &&
             activate(s, made, progress, result, e);
    }
    atomic_store(&s->is_activating, false);
    return ok;
}
