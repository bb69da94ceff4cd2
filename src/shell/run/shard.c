#include "shell/run/shard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/data/event.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/run/carrier.h"
#include "shell/run/event_id.h"
#include "shell/run/recover.h"
#include "shell/run/shard_inside.h"

enum {
    BODY_MAX = SHARD_EVENT_MAX + (1 << 20), /* of an event, or of a list's changes */
    OBSERVE_BODY_OVERHEAD = 12 + SHARD_ID_MAX,
    SNAPSHOT_JOBS = 1,
    REPLAYED_MUCH = 50000, /* records */
};

/* ---- opening */

static bool make_directories(struct shard *s, const char *directory, struct error *e)
{
    int n = snprintf(s->directory, sizeof s->directory, "%s", directory);

    if (n < 0 || (size_t)n >= sizeof s->directory)
        return error_set(e, ERROR_INVALID, "data directory's path is over %zu bytes",
                         sizeof s->directory);
    snprintf(s->log_directory, sizeof s->log_directory, "%s/log", s->directory);
    snprintf(s->snapshot_directory, sizeof s->snapshot_directory, "%s/snapshots", s->directory);
    return file_make_directories(s->log_directory, 0700, e) &&
           file_make_directories(s->snapshot_directory, 0700, e);
}

static struct shard *shard_new(const struct shard_options *o)
{
    struct shard *s = mem_alloc(sizeof *s);

    s->o = *o;
    pthread_mutex_init(&s->lock, NULL);
    s->queue = queue_new(o->queue);
    s->sealed = queue_new(SHARD_GROUPS);
    s->spare = queue_new(SHARD_GROUPS);
    s->snapshots = queue_new(SNAPSHOT_JOBS);
    s->group = &s->groups[0];
    for (int i = 1; i < SHARD_GROUPS; i++)
        ASSERT(queue_put(s->spare, &s->groups[i]));
    buffer_init(&s->body, BODY_MAX);
    buffer_init(&s->scratch, LOG_BODY_MAX);
    buffer_init(&s->personal, LOG_BODY_MAX);
    buffer_init(&s->sealed_part, LOG_BODY_MAX);
    buffer_init(&s->parts, SHARD_RUN_TEXT_MAX);
    s->status.queue_capacity = o->queue;
    s->status.watermark_us = INT64_MIN;
    return s;
}

static void shard_free(struct shard *s)
{
    state_close(&s->state);
    log_close(s->log);
    carrier_free(s->carrier);
    sealer_free(s->sealer);
    unseal_fini(&s->unseal);
    plans_free(s->plans);
    plan_unref(s->plan);
    frame_fini(&s->frame);
    buffer_fini(&s->body);
    buffer_fini(&s->scratch);
    buffer_fini(&s->personal);
    buffer_fini(&s->sealed_part);
    buffer_fini(&s->parts);
    queue_free(s->queue);
    queue_free(s->sealed);
    queue_free(s->spare);
    queue_free(s->snapshots);
    freeze_free(s->freeze);
    pthread_mutex_destroy(&s->lock);
    mem_free(s->list_work);
    mem_free(s);
}

bool shard_append_alone(struct shard *s, enum record_kind kind, int64_t received_us, uint32_t plan,
                        struct error *e)
{
    struct record r = {.received_us = received_us,
                       .kind = kind,
                       .epoch = ENGINE_EPOCH,
                       .plan = plan,
                       .body = {s->body.bytes, s->body.length}};

    if (s->body.overflow)
        return error_set(e, ERROR_INVALID, "%s record is over %d bytes", record_kind_name(kind),
                         BODY_MAX);
    if (!log_reserve(s->log, 1, s->body.length, e))
        return false;
    log_append(s->log, &r);
    log_seal(s->log);
    return shard_commit_log(s, e);
}

/* From here on this plan decides: its record. The number of a plan is its record's position, which
 * it has itself as its plan. */
static bool append_plan(struct shard *s, const struct made_plan *made, struct error *e)
{
    struct plan_body body = {.settings = {made->text.bytes, made->text.length}};
    uint64_t seq = log_next_seq(s->log);

    memcpy(body.id, plan_id(made->plan), sizeof body.id);
    memcpy(body.model, made->model_digest, sizeof body.model);
    buffer_clear(&s->body);
    plan_body_format(&body, &s->body);
    if (!shard_append_alone(s, RECORD_PLAN, clock_now_us(), (uint32_t)seq, e))
        return false;
    s->plan_seq = (uint32_t)seq;
    plans_put(s->plans, s->plan_seq, s->plan);
    return true;
}

static bool is_same_plan(struct shard *s, uint32_t plan_seq, struct error *e)
{
    struct plan *last;
    bool same;

    if (plan_seq == 0 || !plans_get(s->plans, plan_seq, &last, e))
        return false; /* a plan that cannot be rebuilt is not this one */
    same = memcmp(plan_id(last), plan_id(s->plan), PLAN_ID_BYTES) == 0;
    plan_unref(last);
    return same;
}

static bool bring_up(struct shard *s, const struct made_plan *made, const void *model,
                     size_t model_bytes, struct error *e)
{
    struct log_options log = {
        .directory = s->log_directory, .segment_bytes = s->o.segment_bytes, .sync = s->o.sync};
    struct recovered r;
    struct log_found found;

    s->o.state.engine.batch = ENGINE_BATCH_MAX < 1024 ? ENGINE_BATCH_MAX : 1024;
    s->plan = plan_ref(made->plan);
    s->fields = schema_fingerprint(plan_schema(s->plan));
    s->values_most = values_most(s->plan);
    s->seals_values = plan_features_are_personal(s->plan);
    s->plans = plans_new(s->directory);
    unseal_init(&s->unseal, s->plans);
    if (model != NULL && !plans_keep_model(s->directory, made->model_digest, model, model_bytes, e))
        return false;
    if (!log_open(&log, &s->log, &found, e) || !shard_open_keys(s, s->plan, e))
        return false;
    snapshot_remove_unfinished(s->snapshot_directory);
    if (!recover(s->plan, s->plans, s->log_directory, s->snapshot_directory, found.last_seq,
                 &s->o.state, s->o.progress, &r, e))
        return false;
    s->state = r.state;
    s->has_history = r.has_history;
    s->plan_seq = r.plan_seq;
    s->snapshot_seq = r.snapshot_seq;
    if (r.snapshot_seq > 0) {
        s->restored = s->state.memory;
        s->restored_bytes = region_header(&s->state.region)->used;
    }
    s->status.snapshot_seq = r.snapshot_seq;
    s->status.replayed = r.records;
    s->status.is_partial = r.is_partial;
    s->status.erased = r.erased;
    s->status.cut_bytes = found.cut_bytes;
    s->carrier = carrier_new(s->plans, s->plan);
    frame_init(&s->frame, plan_schema(s->plan), SHARD_GROUP_MAX, SHARD_RUN_TEXT_MAX);
    if (is_same_plan(s, s->plan_seq, e))
        return true;
    return append_plan(s, made, e);
}

/* Windows have three quarters of it. */
uint64_t shard_state_limit(const struct plan *p)
{
    return plan_velocity_options(p)->memory_bytes / 3 * 4;
}

bool shard_open(const struct shard_options *o, const struct made_plan *made, const void *model,
                size_t model_bytes, struct shard **shard, struct error *e)
{
    struct shard *s = shard_new(o);

    if (!make_directories(s, o->directory, e) || !bring_up(s, made, model, model_bytes, e)) {
        shard_free(s);
        return false;
    }
    s->status.plan_seq = s->plan_seq;
    s->status.watermark_us = engine_watermark_us(s->state.engine);
    s->status.state_limit_bytes = shard_state_limit(s->plan);
    s->status.state_bytes = region_header(&s->state.region)->live;
    *shard = s;
    return true;
}

/* ---- history */

bool shard_has_history(const struct shard *s)
{
    return s->has_history;
}

uint64_t shard_history_events(const struct shard *s)
{
    return engine_events(s->state.engine);
}

static bool append_observed(struct shard *s, const struct frame *f, uint32_t row, uint32_t i,
                            struct error *e)
{
    const struct schema *schema = plan_schema(s->plan);
    struct event_body body = {0};
    struct parted parted;
    struct text event;
    struct id_entry id = {.seq = s->seq[i], .received_us = s->received_us[i]};
    struct record r = {.received_us = s->received_us[i],
                       .kind = RECORD_OBSERVE,
                       .epoch = ENGINE_EPOCH,
                       .plan = s->plan_seq};
    size_t id_length;

    buffer_clear(&s->scratch);
    if (!event_id_text(schema, f, row, &s->scratch)) {
        char made[EVENT_ID_NEW];

        event_id_new(s->received_us[i], made);
        buffer_add_text(&s->scratch, made);
    }
    id_length = s->scratch.length;
    event_encode(&s->scratch, schema, f, row);
    body.id = (struct text){s->scratch.bytes, id_length};
    event = (struct text){s->scratch.bytes + id_length, s->scratch.length - id_length};
    buffer_clear(&s->parts);
    if (!shard_part_row(s, f, row, event, &parted, e))
        return false;
    body.event = shard_open_part(s, &parted, event);
    r.sealed = shard_seal(s, &parted, s->seq[i], NULL);
    buffer_clear(&s->body);
    event_body_format(&body, &s->body);
    if (s->body.overflow || s->scratch.overflow)
        return error_set(e, ERROR_INVALID, "event \"%.*s\" is over %d bytes", TEXT_ARG(body.id),
                         SHARD_EVENT_MAX);
    r.body = (struct text){s->body.bytes, s->body.length};
    if (!log_reserve(s->log, 1, r.sealed.length + r.body.length, e))
        return false;
    ASSERT(log_append(s->log, &r) == s->seq[i]);
    id.token = engine_id_token(s->state.engine, body.id);
    id.body = event_body_hash(schema, body.event);
    engine_id_add(s->state.engine, &id);
    return true;
}

/* The time of receipt of history is the event's own time: history was on time. */
static int64_t observed_time(const struct schema *schema, const struct frame *f, uint32_t row)
{
    if (schema->time == FIELD_NONE || f->column[schema->time].null[row])
        return 0;
    return f->column[schema->time].integer[row];
}

bool shard_observe(struct shard *s, const struct frame *f, uint32_t first, uint32_t rows,
                   struct error *e)
{
    const struct schema *schema = plan_schema(s->plan);
    uint32_t batch = s->o.state.engine.batch;

    ASSERT(!s->is_started);
    for (uint32_t done = 0; done < rows; done += batch) {
        uint32_t count = rows - done < batch ? rows - done : batch;

        for (uint32_t i = 0; i < count; i++) {
            s->seq[i] = log_next_seq(s->log);
            s->received_us[i] = observed_time(schema, f, first + done + i);
            if (!append_observed(s, f, first + done + i, i, e))
                return false;
        }
        engine_run(s->state.engine, f, first + done, count, s->seq, s->received_us, NULL);
        log_seal(s->log);
        if (!shard_commit_log(s, e))
            return false;
    }
    return true;
}

bool shard_end_history(struct shard *s, struct text source, struct error *e)
{
    struct history_body body = {.events = engine_events(s->state.engine),
                                .until_us = engine_watermark_us(s->state.engine),
                                .source = source};

    buffer_clear(&s->body);
    history_body_format(&body, &s->body);
    if (!shard_append_alone(s, RECORD_HISTORY, clock_now_us(), s->plan_seq, e))
        return false;
    s->has_history = true;
    s->status.watermark_us = body.until_us;
    s->status.state_bytes = region_header(&s->state.region)->live;
    /* Of an empty state a snapshot spares nothing. */
    return body.events == 0 || shard_snapshot_now(s, e);
}

/* ---- running */

bool shard_start(struct shard *s, struct error *e)
{
    int failed;

    /* A server that dies again and again must not replay the same records each time. */
    s->snapshot_due_us = clock_monotonic_us();
    if (s->status.replayed < REPLAYED_MUCH)
        s->snapshot_due_us += s->o.snapshot_every_us;
    failed = pthread_create(&s->commit_thread, NULL, shard_commit_main, s);
    if (failed == 0)
        failed = pthread_create(&s->snapshot_thread, NULL, shard_snapshot_main, s);
    if (failed == 0)
        failed = pthread_create(&s->engine_thread, NULL, shard_engine_main, s);
    if (failed != 0)
        return error_set(e, ERROR_WORLD, "cannot start a thread: %s", strerror(failed));
    s->is_started = true;
    pthread_mutex_lock(&s->lock);
    s->status.is_ready = true;
    pthread_mutex_unlock(&s->lock);
    return true;
}

bool shard_submit(struct shard *s, struct submission *submission)
{
    if (atomic_load(&s->is_stopping))
        return false;
    submission->queued_ns = clock_monotonic_ns();
    return queue_put(s->queue, submission);
}

void shard_fail(struct shard *s, const struct error *e)
{
    pthread_mutex_lock(&s->lock);
    if (!s->status.is_failed)
        memcpy(s->status.failure, e->text, sizeof s->status.failure);
    s->status.is_failed = true;
    s->status.is_ready = false;
    pthread_mutex_unlock(&s->lock);
    atomic_store(&s->is_failed, true);
}

static void stop_threads(struct shard *s)
{
    atomic_store(&s->is_stopping, true);
    queue_close(s->queue);
    pthread_join(s->engine_thread, NULL);
    queue_close(s->sealed);
    pthread_join(s->commit_thread, NULL);
    queue_close(s->snapshots);
    pthread_join(s->snapshot_thread, NULL);
    engine_watch(s->state.engine, NULL);
}

void shard_close(struct shard *s)
{
    struct error e;

    if (s == NULL)
        return;
    if (s->is_started)
        stop_threads(s);
    /* A snapshot that cannot be written costs a longer start, nothing else. */
    if (!atomic_load(&s->is_failed))
        (void)!shard_snapshot_now(s, &e);
    shard_free(s);
}

struct plan *shard_plan(struct shard *s)
{
    struct plan *p;

    pthread_mutex_lock(&s->lock);
    p = plan_ref(s->plan);
    pthread_mutex_unlock(&s->lock);
    return p;
}

struct plans *shard_plans(const struct shard *s)
{
    return s->plans;
}

struct engine *shard_engine(struct shard *s)
{
    ASSERT(!s->is_started);
    return s->state.engine;
}

const char *shard_directory(const struct shard *s)
{
    return s->o.directory;
}

const struct state_options *shard_state_options(const struct shard *s)
{
    return &s->o.state;
}

const struct log *shard_log(const struct shard *s)
{
    return s->log;
}

const struct histogram *shard_stages(const struct shard *s)
{
    return s->stages;
}

void shard_status(struct shard *s, struct shard_status *status)
{
    pthread_mutex_lock(&s->lock);
    *status = s->status;
    pthread_mutex_unlock(&s->lock);
    status->durable_seq = log_durable_seq(s->log);
    status->last_seq = atomic_load(&s->appended_seq);
    if (status->last_seq < status->durable_seq)
        status->last_seq = status->durable_seq;
    status->log_bytes = log_bytes(s->log);
    status->first_seq = log_first_seq(s->log);
    status->queue_length = queue_length(s->queue);
}
