/* One table of all metrics: what /metrics answers and what docs/service-metrics.md says are made
 * from it. A family without samples (no store, no rival) is left out of the answer. */
#include "shell/serve/metrics.h"

#include <inttypes.h>
#include <string.h>

void metrics_count_answer(struct metrics *m, unsigned status)
{
    if (status < METRICS_STATUSES)
        atomic_fetch_add_explicit(&m->answers[status], 1, memory_order_relaxed);
}

enum metric_type { COUNTER, GAUGE, HISTOGRAM };

struct family {
    const char *name;
    enum metric_type type;
    const char *labels; /* for the page; NULL: none */
    const char *help;
    void (*samples)(const struct metrics_view *v, const struct family *f, struct buffer *out);
    size_t offset; /* of one number's place, for the functions that are about one */
    int index;     /* likewise */
};

/* A label's value: backslash, quote and line feed are escaped. */
static void add_label_value(struct buffer *out, const char *word)
{
    for (; *word != 0; word++) {
        if (*word == '\n') {
            buffer_add_text(out, "\\n");
            continue;
        }
        if (*word == '\\' || *word == '"')
            buffer_add_char(out, '\\');
        buffer_add_char(out, *word);
    }
}

static void add_whole(const struct family *f, uint64_t value, struct buffer *out)
{
    buffer_format(out, "%s %" PRIu64 "\n", f->name, value);
}

static void add_real(const struct family *f, double value, struct buffer *out)
{
    buffer_format(out, "%s %.15g\n", f->name, value);
}

static void add_labelled(const struct family *f, const char *label, const char *word,
                         uint64_t value, struct buffer *out)
{
    buffer_format(out, "%s{%s=\"", f->name, label);
    add_label_value(out, word);
    buffer_format(out, "\"} %" PRIu64 "\n", value);
}

/* ---- one number each ---- */

static uint64_t whole_at(const void *base, size_t offset)
{
    uint64_t value;

    memcpy(&value, (const char *)base + offset, sizeof value);
    return value;
}

static void of_shard(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_whole(f, whole_at(v->shard, f->offset), out);
}

static void of_project(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    if (v->project != NULL)
        add_whole(f, whole_at(v->project, f->offset), out);
}

static void of_process(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_whole(f, whole_at(v->process, f->offset), out);
}

static void of_volume(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_whole(f, whole_at(v->volume, f->offset), out);
}

static void cpu(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_real(f, v->process->cpu_s, out);
}

static void volume_ratio(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_real(f, volume_used(v->volume), out);
}

static void batch_lines(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_whole(f, atomic_load(&v->metrics->batch_lines), out);
}

static void queue_length_now(const struct metrics_view *v, const struct family *f,
                             struct buffer *out)
{
    add_whole(f, v->shard->queue_length, out);
}

static void queue_room(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_whole(f, v->shard->queue_capacity, out);
}

static void log_lag(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_whole(f, v->shard->last_seq - v->shard->durable_seq, out);
}

static void lag_limit(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    if (v->project != NULL && v->store_lag_limit > 0)
        add_whole(f, v->store_lag_limit, out);
}

static void store_failed(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    if (v->project != NULL)
        add_whole(f, v->project->is_failed, out);
}

/* ---- alerts ---- */

static void waiting_alerts(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    for (uint32_t i = 0; v->watch != NULL && i < v->watch->queues; i++) {
        const struct queue_figures *q = &v->watch->queue[i];

        for (int claimed = 0; claimed < 2; claimed++) {
            buffer_format(out, "%s{queue=\"", f->name);
            add_label_value(out, q->name);
            buffer_format(out, "\",state=\"%s\"} %" PRIu64 "\n", claimed ? "claimed" : "open",
                          claimed ? q->claimed : q->open);
        }
    }
}

static void oldest_alert(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    for (uint32_t i = 0; v->watch != NULL && i < v->watch->queues; i++) {
        buffer_format(out, "%s{queue=\"", f->name);
        add_label_value(out, v->watch->queue[i].name);
        buffer_format(out, "\"} %.3f\n", (double)v->watch->queue[i].oldest_us / 1e6);
    }
}

static void closed_alerts(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    for (uint32_t i = 0; v->watch != NULL && i < v->watch->names; i++) {
        const struct closed_figures *c = &v->watch->closed[i];

        for (int d = DISPOSITION_FRAUD; d < DISPOSITIONS; d++) {
            buffer_format(out, "%s{alert=\"", f->name);
            add_label_value(out, c->name);
            buffer_format(out, "\",disposition=\"%s\"} %" PRIu64 "\n",
                          disposition_word((enum disposition)d), c->alerts[d]);
        }
    }
}

static void alert_precision(const struct metrics_view *v, const struct family *f,
                            struct buffer *out)
{
    for (uint32_t i = 0; v->watch != NULL && i < v->watch->names; i++) {
        const struct closed_figures *c = &v->watch->closed[i];
        uint64_t fraud = c->alerts[DISPOSITION_FRAUD];
        uint64_t known = fraud + c->alerts[DISPOSITION_FALSE_POSITIVE];

        if (known == 0)
            continue;
        buffer_format(out, "%s{alert=\"", f->name);
        add_label_value(out, c->name);
        buffer_format(out, "\"} %.15g\n", (double)fraud / (double)known);
    }
}

static void of_watch(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    if (v->watch != NULL)
        add_whole(f, whole_at(&v->watch->status, f->offset), out);
}

/* ---- notifications ---- */

static void of_notify(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    for (uint32_t i = 0; i < v->targets; i++)
        add_labelled(f, "target", v->notify[i].name, whole_at(&v->notify[i], f->offset), out);
}

static void notify_failing(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    for (uint32_t i = 0; i < v->targets; i++)
        add_labelled(f, "target", v->notify[i].name, v->notify[i].is_failing, out);
}

static void snapshot_time(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_real(f, (double)v->shard->snapshot_us / 1e6, out);
}

static void ready(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_whole(f, v->shard->is_ready, out);
}

static void failed(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_whole(f, v->shard->is_failed, out);
}

static void connections(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    add_whole(f, v->connections, out);
}

static void watermark(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    if (v->shard->watermark_us != INT64_MIN)
        add_real(f, (double)v->shard->watermark_us / 1e6, out);
}

/* Only where windows or rates are shared. */
static void of_shared(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    if (v->shared != NULL)
        add_whole(f, whole_at(v->shared, f->offset), out);
}

static void shared_nulls(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    if (v->shared == NULL)
        return;
    add_labelled(f, "reason", "away", atomic_load(&v->shared->away), out);
    add_labelled(f, "reason", "late", atomic_load(&v->shared->late), out);
    add_labelled(f, "reason", "part", atomic_load(&v->shared->part), out);
}

static void shared_time(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    if (v->shared != NULL)
        add_real(f, (double)atomic_load(&v->shared->nanoseconds) / 1e9, out);
}

static void shared_rates(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    if (v->rates == NULL || v->rates->asked + v->rates->missed == 0)
        return;
    add_labelled(f, "by", "redis", v->rates->asked, out);
    add_labelled(f, "by", "node", v->rates->missed, out);
}

/* ---- with labels ---- */

static void decisions(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    for (uint32_t i = 0; i < plan_outcome_count(v->plan); i++)
        add_labelled(f, "outcome", plan_outcome_name(v->plan, i), v->shard->by_outcome[i], out);
}

static void rule_hits(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    for (uint32_t i = 0; i < plan_rule_count(v->plan); i++) {
        buffer_format(out, "%s{rule=\"", f->name);
        add_label_value(out, plan_rule_name(v->plan, i));
        buffer_format(out, "\",shadow=\"%s\"} %" PRIu64 "\n",
                      plan_rule_is_shadow(v->plan, i) ? "true" : "false", v->shard->by_rule[i]);
    }
}

/* Only where some model is scored beside the champion. */
static void rivals(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    const struct shard_status *s = v->shard;
    const uint64_t *const by[] = {s->decided_by, s->scored_by, s->alerts_by, s->agreed_by};

    if (s->decided_by[BY_CHAMPION] + s->decided_by[BY_CHALLENGER] == 0)
        return;
    for (int k = 0; k < DECIDERS; k++)
        add_labelled(f, "model", decider_name((enum decider)k), by[f->index][k], out);
}

static void kinds(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    const struct occupancy *o = &v->shard->occupancy;

    for (uint32_t g = 0; g < o->groups; g++) {
        buffer_format(out, "%s{kind=\"", f->name);
        add_label_value(out, velocity_group_name(plan_layout(v->plan), g));
        buffer_format(out, "\",level=\"%d\"} %" PRIu64 "\n",
                      velocity_group_level(plan_layout(v->plan), g),
                      whole_at(&o->group[g], f->offset));
    }
}

static void pools(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    const struct shard_status *s = v->shard;
    uint64_t entities = 0;

    for (uint32_t g = 0; g < s->occupancy.groups; g++)
        entities += s->occupancy.group[g].bytes;
    add_labelled(f, "pool", "entities", entities, out);
    add_labelled(f, "pool", "ids", s->holdings.ids_bytes, out);
    add_labelled(f, "pool", "waiting_labels", s->holdings.labels_bytes, out);
    add_labelled(f, "pool", "lists", s->holdings.lists_bytes, out);
    add_labelled(f, "pool", "snapshot_copies", s->snapshot_copied_bytes, out);
    add_labelled(f, "pool", "bodies", v->body_bytes, out);
}

static void answers(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    for (unsigned status = 0; status < METRICS_STATUSES; status++) {
        uint64_t count = atomic_load(&v->metrics->answers[status]);

        if (count > 0)
            buffer_format(out, "%s{status=\"%u\"} %" PRIu64 "\n", f->name, status, count);
    }
}

static void jobs(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    for (int k = 0; k < JOB_KINDS; k++) {
        for (int end = 0; end < JOB_ENDS; end++)
            buffer_format(out, "%s{kind=\"%s\",end=\"%s\"} %" PRIu64 "\n", f->name,
                          job_kind_name((enum job_kind)k), job_end_name((enum job_end)end),
                          v->jobs[k][end]);
    }
}

enum { BUCKETS_STEP = 2 }; /* half of the bounds: 1, 2, 5 to the decade */

/* `label` is one label with its value, written out. */
static void histogram(const struct family *f, const char *label, const struct histogram_sum *h,
                      struct buffer *out)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        total += h->count[i];
        if (i % BUCKETS_STEP == 0)
            buffer_format(out, "%s_bucket{%s,le=\"%g\"} %" PRIu64 "\n", f->name, label,
                          (double)histogram_bound_ns(i) / 1e9, total);
    }
    buffer_format(out, "%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", f->name, label, h->total);
    buffer_format(out, "%s_sum{%s} %.9f\n%s_count{%s} %" PRIu64 "\n", f->name, label, h->sum_s,
                  f->name, label, h->total);
}

static void whole_times(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    struct buffer label;

    buffer_init(&label, 4 * PLAN_NAME_MAX);
    for (uint32_t i = 0; i < plan_outcome_count(v->plan); i++) {
        buffer_clear(&label);
        buffer_add_text(&label, "outcome=\"");
        add_label_value(&label, plan_outcome_name(v->plan, i));
        buffer_add_char(&label, '"');
        histogram(f, buffer_text(&label), &v->latency->whole[i], out);
    }
    buffer_fini(&label);
}

static void stage_times(const struct metrics_view *v, const struct family *f, struct buffer *out)
{
    struct buffer label;

    buffer_init(&label, 64);
    for (int i = 0; i < STAGES; i++) {
        buffer_clear(&label);
        buffer_format(&label, "stage=\"%s\"", stage_name((enum stage)i));
        histogram(f, buffer_text(&label), &v->latency->stages[i], out);
    }
    buffer_fini(&label);
}

/* ---- the table ---- */

#define SHARD(field)   of_shard, offsetof(struct shard_status, field), 0
#define PROJECT(field) of_project, offsetof(struct project_status, field), 0
#define WATCH(field)   of_watch, offsetof(struct watch_status, field), 0
#define NOTIFY(field)  of_notify, offsetof(struct notify_status, field), 0
#define PROCESS(field) of_process, offsetof(struct process_usage, field), 0
#define VOLUME(field)  of_volume, offsetof(struct volume, field), 0
#define SHARED(field)  of_shared, offsetof(struct shared_counts, field), 0
#define KIND(field)    kinds, offsetof(struct velocity_counts, field), 0

static const struct family families[] = {
    {"assay_decisions_total", COUNTER, "outcome", "Decisions made.", decisions, 0, 0},
    {"assay_rule_hits_total", COUNTER, "rule, shadow",
     "Decisions in which a rule fired; shadow rules change no outcome.", rule_hits, 0, 0},
    {"assay_observed_total", COUNTER, NULL,
     "Events seen and not decided, of kinds that are only observed.", SHARD(observed)},
    {"assay_decision_seconds", HISTOGRAM, "outcome",
     "Time from a decision's request to its answer, one by one over HTTP.", whole_times, 0, 0},
    {"assay_stage_seconds", HISTOGRAM, "stage",
     "Time that decisions spent in each stage. Those of the engine are of the requests that were "
     "decided together.",
     stage_times, 0, 0},
    {"assay_fallbacks_total", COUNTER, NULL,
     "Decisions past decision.deadline_ms, which got the fallback.", SHARD(fallbacks)},
    {"assay_explanations_deferred_total", COUNTER, NULL,
     "Decisions without their reasons, because decision.explain_budget was spent.",
     SHARD(deferred)},
    {"assay_shadow_decided_total", COUNTER, "model",
     "Decisions by the model that made them; where a challenger or a shadow is scored.", rivals, 0,
     0},
    {"assay_shadow_scored_total", COUNTER, "model", "Scores by models that did not decide.", rivals,
     0, 1},
    {"assay_shadow_alerts_total", COUNTER, "model",
     "Outcomes by score that are not the mildest, by model.", rivals, 0, 2},
    {"assay_shadow_agreed_total", COUNTER, "model",
     "Outcomes by score that are those of the model that decided.", rivals, 0, 3},
    {"assay_repeated_total", COUNTER, NULL,
     "Decisions answered from the log for a repeated event id.", SHARD(repeated)},
    {"assay_conflicts_total", COUNTER, NULL,
     "Events refused because their id was used for another event.", SHARD(conflicts)},
    {"assay_refused_full_total", COUNTER, NULL, "Requests refused because the disk was full.",
     SHARD(refused_full)},
    {"assay_labels_total", COUNTER, NULL, "Labels taken.", SHARD(labels)},
    {"assay_list_changes_total", COUNTER, NULL, "Requests that changed lists.",
     SHARD(list_changes)},
    {"assay_batch_lines_total", COUNTER, NULL, "Lines of batches answered.", batch_lines, 0, 0},
    {"assay_http_answers_total", COUNTER, "status", "HTTP answers.", answers, 0, 0},
    {"assay_http_connections", GAUGE, NULL, "Open HTTP connections.", connections, 0, 0},
    {"assay_jobs_total", COUNTER, "kind, end",
     "Trainings, reloads, backtests and verifications that have ended: done, failed or cancelled.",
     jobs, 0, 0},

    {"assay_ready", GAUGE, NULL, "1 where the shard takes requests.", ready, 0, 0},
    {"assay_failed", GAUGE, NULL, "1 where the shard has stopped after a failure.", failed, 0, 0},
    {"assay_queue_length", GAUGE, NULL, "Requests waiting for the engine.", queue_length_now, 0, 0},
    {"assay_queue_capacity", GAUGE, NULL, "Requests that may wait: server.queue.", queue_room, 0,
     0},
    {"assay_groups_total", COUNTER, NULL, "Group commits.", SHARD(groups)},
    {"assay_watermark_timestamp_seconds", GAUGE, NULL,
     "Event time until which the state is filled.", watermark, 0, 0},

    {"assay_log_bytes", GAUGE, NULL, "Bytes of the log.", SHARD(log_bytes)},
    {"assay_log_lag", GAUGE, NULL, "Records that are decided and not yet on the disk.", log_lag, 0,
     0},
    {"assay_durable_seq", GAUGE, NULL, "Position of the last durable record.", SHARD(durable_seq)},
    {"assay_store_projected_seq", GAUGE, NULL, "Position up to which the store holds the log.",
     PROJECT(projected_seq)},
    {"assay_store_lag", GAUGE, NULL, "Durable records that the store does not hold yet.",
     PROJECT(lag)},
    {"assay_store_lag_limit", GAUGE, NULL,
     "Beyond it lists answer 503: store.lag_limit; not there where it is 0.", lag_limit, 0, 0},
    {"assay_store_failed", GAUGE, NULL,
     "1 where the store cannot be written, which is tried again.", store_failed, 0, 0},
    {"assay_store_skipped_total", COUNTER, NULL, "Records that the store could not read.",
     PROJECT(skipped)},

    {"assay_alerts", GAUGE, "queue, state", "Alerts that wait (open) or are worked on (claimed).",
     waiting_alerts, 0, 0},
    {"assay_alerts_oldest_timestamp_seconds", GAUGE, "queue",
     "When the oldest alert that is not closed was raised.", oldest_alert, 0, 0},
    {"assay_alerts_closed", GAUGE, "alert, disposition", "Closed alerts by what they were.",
     closed_alerts, 0, 0},
    {"assay_alert_precision", GAUGE, "alert",
     "Share of confirmed frauds among the closed alerts that were fraud or false positive.",
     alert_precision, 0, 0},
    {"assay_alerts_dropped_total", COUNTER, NULL,
     "Decisions that raised no alert because too many are open.", WATCH(dropped)},
    {"assay_alert_labels_total", COUNTER, NULL, "Labels given by dispositions.",
     WATCH(labels_sent)},
    {"assay_alert_labels_refused_total", COUNTER, NULL,
     "Labels of dispositions whose events the log no longer has.", WATCH(labels_refused)},

    {"assay_notify_sent_total", COUNTER, "target", "Notifications that the target has.",
     NOTIFY(sent)},
    {"assay_notify_failures_total", COUNTER, "target", "Tries of a notification that failed.",
     NOTIFY(failures)},
    {"assay_notify_dead_total", COUNTER, "target", "Notifications that became dead letters.",
     NOTIFY(dead)},
    {"assay_notify_failing", GAUGE, "target", "1 while the last try has failed.", notify_failing, 0,
     0},
    {"assay_notify_waiting", GAUGE, "target",
     "Notifications on their way, or held back for a summary.", NOTIFY(waiting)},
    {"assay_notify_lag_records", GAUGE, "target",
     "Records of the log that the target was not told of yet.", NOTIFY(lag)},
    {"assay_notify_skipped_total", COUNTER, "target",
     "Records that could not be read, or whose plan the condition does not fit.", NOTIFY(skipped)},

    {"assay_snapshots_total", COUNTER, NULL, "Snapshots written.", SHARD(snapshots)},
    {"assay_snapshots_failed_total", COUNTER, NULL, "Snapshots that could not be written.",
     SHARD(snapshots_failed)},
    {"assay_snapshots_given_up_total", COUNTER, NULL,
     "Snapshots given up because more changed than snapshot.memory holds.",
     SHARD(snapshots_given_up)},
    {"assay_snapshot_seq", GAUGE, NULL, "Position of the newest snapshot.", SHARD(snapshot_seq)},
    {"assay_snapshot_bytes", GAUGE, NULL, "Size of the newest snapshot.", SHARD(snapshot_bytes)},
    {"assay_snapshot_seconds", GAUGE, NULL, "Time that the newest snapshot took to write.",
     snapshot_time, 0, 0},

    {"assay_plan_seq", GAUGE, NULL, "Record of the plan in force.", SHARD(plan_seq)},
    {"assay_plan_changes_total", COUNTER, NULL, "Plans brought into force while serving.",
     SHARD(activations)},
    {"assay_building_records", GAUGE, NULL,
     "Records of the log in the state of a new plan; 0: none is built.", SHARD(building_seq)},
    {"assay_building_records_wanted", GAUGE, NULL,
     "Records of the log that it needs; 0: none is built.", SHARD(building_of)},

    {"assay_state_bytes", GAUGE, NULL, "Memory that the state takes.", SHARD(state_bytes)},
    {"assay_state_limit_bytes", GAUGE, NULL, "Memory that the state may take.",
     SHARD(state_limit_bytes)},
    {"assay_memory_bytes", GAUGE, "pool",
     "Memory by what it is for: the state's entities, ids, waiting labels and lists; copies that "
     "the newest snapshot took; bodies of requests.",
     pools, 0, 0},
    {"assay_entities", GAUGE, "kind, level", "Entities in the state.", KIND(entities)},
    {"assay_entity_events", GAUGE, "kind, level", "Events that entities retain.", KIND(events)},
    {"assay_entity_bytes", GAUGE, "kind, level", "Memory that entities take.", KIND(bytes)},
    {"assay_evicted_total", COUNTER, "kind, level", "Entities evicted because the state was full.",
     KIND(evicted)},
    {"assay_expired_total", COUNTER, "kind, level",
     "Entities freed because no window reached them any more.", KIND(expired)},
    {"assay_dropped_events_total", COUNTER, "kind, level",
     "Events of entities dropped because the state was full.", KIND(dropped)},
    {"assay_ids", GAUGE, NULL, "Event ids remembered.", SHARD(holdings.ids)},
    {"assay_waiting_labels", GAUGE, NULL, "Labels that wait for their time.",
     SHARD(holdings.labels)},
    {"assay_list_entries", GAUGE, NULL, "Entries of all lists.", SHARD(holdings.list_entries)},

    {"assay_shared_events_total", COUNTER, NULL, "Events whose shared windows Redis was asked for.",
     SHARED(events)},
    {"assay_shared_nulls_total", COUNTER, "reason",
     "Events whose shared windows are null: Redis was away, the event too late, or the window there "
     "not whole.",
     shared_nulls, 0, 0},
    {"assay_shared_failures_total", COUNTER, NULL, "Times that Redis did not answer.",
     SHARED(failures)},
    {"assay_shared_backlog", GAUGE, NULL, "Events that wait to be counted when Redis is back.",
     SHARED(backlog)},
    {"assay_shared_belated_total", COUNTER, NULL, "Events counted when Redis was back.",
     SHARED(belated)},
    {"assay_shared_lost_total", COUNTER, NULL,
     "Events never counted there, for want of room to keep them.", SHARED(lost)},
    {"assay_shared_seconds_total", COUNTER, NULL, "Time spent waiting for shared windows.",
     shared_time, 0, 0},
    {"assay_rates_total", COUNTER, "by",
     "Requests counted against access.rate where it is shared: in Redis, or by the node alone while "
     "Redis is away.",
     shared_rates, 0, 0},

    {"assay_volume_bytes", GAUGE, NULL,
     "Size of the data directory's volume, as far as it is ours.", VOLUME(bytes)},
    {"assay_volume_free_bytes", GAUGE, NULL, "What is free of it.", VOLUME(free)},
    {"assay_volume_used_ratio", GAUGE, NULL,
     "The share of it that is taken; from 0.8 on readyz and the service's log warn.", volume_ratio,
     0, 0},
    {"process_resident_memory_bytes", GAUGE, NULL, "Memory of the process.",
     PROCESS(resident_bytes)},
    {"process_cpu_seconds_total", COUNTER, NULL, "Processor time of all threads.", cpu, 0, 0},
    {"process_open_fds", GAUGE, NULL, "Open file descriptors.", PROCESS(files)},
    {"process_max_fds", GAUGE, NULL, "File descriptors that may be open.", PROCESS(files_max)},
};

static const char *const type_words[] = {"counter", "gauge", "histogram"};

void metrics_format(const struct metrics_view *v, struct buffer *out)
{
    struct buffer samples;

    buffer_init(&samples, 1 << 20);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const struct family *f = &families[i];

        buffer_clear(&samples);
        f->samples(v, f, &samples);
        if (samples.length == 0)
            continue;
        buffer_format(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name,
                      type_words[f->type]);
        buffer_add(out, samples.bytes, samples.length);
    }
    buffer_fini(&samples);
}

void metrics_print_docs(struct buffer *out)
{
    buffer_add_text(out,
                    "# Metrics of the service\n\n"
                    "`GET /metrics` answers in Prometheus' text format 0.0.4. This page is what "
                    "`assay help metrics` prints, made from\nthe table that answers. What the "
                    "figures of training mean is in [metrics.md](metrics.md).\n\n"
                    "Stages of a decision, in the order of its way:");
    for (int i = 0; i < STAGES; i++)
        buffer_format(out, "%s `%s`", i > 0 ? "," : "", stage_name((enum stage)i));
    buffer_add_text(out, ".\n\n| metric | type | labels | what it is |\n|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const struct family *f = &families[i];

        buffer_format(out, "| `%s` | %s | %s | %s |\n", f->name, type_words[f->type],
                      f->labels != NULL ? f->labels : "", f->help);
    }
}
