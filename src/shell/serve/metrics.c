#include "shell/serve/metrics.h"

#include <inttypes.h>

static const int64_t bounds_us[METRICS_BUCKETS - 1] = {100,    250,    500,    1000,    2000,
                                                       3000,   5000,   10000,  20000,   50000,
                                                       100000, 250000, 500000, 1000000, 5000000};

void metrics_count_answer(struct metrics *m, unsigned status)
{
    if (status < METRICS_STATUSES)
        atomic_fetch_add_explicit(&m->answers[status], 1, memory_order_relaxed);
}

void metrics_count_latency(struct metrics *m, int64_t us)
{
    unsigned bucket = 0;

    while (bucket < METRICS_BUCKETS - 1 && us > bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&m->latency[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->latency_sum_us, (uint64_t)us, memory_order_relaxed);
}

/* Metrics of one number each. */
enum number_at {
    OF_SHARD, /* a uint64_t in struct shard_status */
    OF_SHARD32,
    OF_PROJECT,
    OF_METRICS,
};

static const struct {
    const char *name;
    const char *type;
    const char *help;
    enum number_at at;
    size_t offset;
} numbers[] = {
#define SHARD(field)   OF_SHARD, offsetof(struct shard_status, field)
#define SHARD32(field) OF_SHARD32, offsetof(struct shard_status, field)
#define PROJECT(field) OF_PROJECT, offsetof(struct project_status, field)
    {"assay_repeated_total", "counter", "Decisions answered from the log for a repeated event id.",
     SHARD(repeated)},
    {"assay_conflicts_total", "counter",
     "Events refused because their id was used for another event.", SHARD(conflicts)},
    {"assay_labels_total", "counter", "Labels taken.", SHARD(labels)},
    {"assay_groups_total", "counter", "Group commits.", SHARD(groups)},
    {"assay_log_bytes", "gauge", "Bytes of the log.", SHARD(log_bytes)},
    {"assay_durable_seq", "counter", "Position of the last durable record.", SHARD(durable_seq)},
    {"assay_snapshot_seq", "counter", "Position of the newest snapshot.", SHARD(snapshot_seq)},
    {"assay_plan_seq", "gauge", "Record of the plan in force.", SHARD(plan_seq)},
    {"assay_plan_changes_total", "counter", "Plans brought into force while serving.",
     SHARD(activations)},
    {"assay_building_records", "gauge",
     "Records of the log in the state of a new plan; 0: none is built.", SHARD(building_seq)},
    {"assay_building_records_wanted", "gauge",
     "Records of the log that it needs; 0: none is built.", SHARD(building_of)},
    {"assay_snapshots_total", "counter", "Snapshots written.", SHARD(snapshots)},
    {"assay_snapshots_failed_total", "counter", "Snapshots that could not be written.",
     SHARD(snapshots_failed)},
    {"assay_snapshots_given_up_total", "counter",
     "Snapshots given up because more changed than snapshot.memory holds.",
     SHARD(snapshots_given_up)},
    {"assay_snapshot_bytes", "gauge", "Size of the newest snapshot.", SHARD(snapshot_bytes)},
    {"assay_snapshot_microseconds", "gauge", "Time that the newest snapshot took to write.",
     SHARD(snapshot_us)},
    {"assay_snapshot_copied_bytes", "gauge", "Copies of what changed during the newest snapshot.",
     SHARD(snapshot_copied_bytes)},
    {"assay_state_bytes", "gauge", "Memory that the state takes.", SHARD(state_bytes)},
    {"assay_state_limit_bytes", "gauge", "Memory that the state may take.",
     SHARD(state_limit_bytes)},
    {"assay_queue_length", "gauge", "Requests waiting for the engine.", SHARD32(queue_length)},
    {"assay_queue_capacity", "gauge", "Requests that may wait.", SHARD32(queue_capacity)},
    {"assay_list_entries", "gauge", "Entries of all lists.", SHARD(list_entries)},
    {"assay_list_changes_total", "counter", "Requests that changed lists.", SHARD(list_changes)},
    {"assay_store_projected_seq", "counter", "Position up to which the store holds the log.",
     PROJECT(projected_seq)},
    {"assay_store_lag", "gauge", "Durable records that the store does not hold yet.", PROJECT(lag)},
    {"assay_store_skipped_total", "counter", "Records that the store could not read.",
     PROJECT(skipped)},
    {"assay_batch_lines_total", "counter", "Lines of batches answered.", OF_METRICS,
     offsetof(struct metrics, batch_lines)},
};

static void head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static uint64_t number_of(const struct metrics_view *v, size_t i)
{
    size_t offset = numbers[i].offset;

    switch (numbers[i].at) {
    case OF_SHARD:
        return *(const uint64_t *)((const char *)v->shard + offset);
    case OF_SHARD32:
        return *(const uint32_t *)((const char *)v->shard + offset);
    case OF_PROJECT:
        return *(const uint64_t *)((const char *)v->project + offset);
    case OF_METRICS:
        return atomic_load((const _Atomic uint64_t *)((const char *)v->metrics + offset));
    }
    return 0;
}

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

static void observed_format(const struct metrics_view *v, struct buffer *out)
{
    head(out, "assay_observed_total", "counter",
         "Events seen and not decided, of kinds that are only observed.");
    buffer_format(out, "assay_observed_total %llu\n", (unsigned long long)v->shard->observed);
}

static void decisions_format(const struct metrics_view *v, struct buffer *out)
{
    head(out, "assay_decisions_total", "counter", "Decisions made, by outcome.");
    for (uint32_t i = 0; i < plan_outcome_count(v->plan); i++) {
        buffer_add_text(out, "assay_decisions_total{outcome=\"");
        add_label_value(out, plan_outcome_name(v->plan, i));
        buffer_format(out, "\"} %" PRIu64 "\n", v->shard->by_outcome[i]);
    }
}

/* Only where some model is scored beside the champion. */
static void rivals_format(const struct metrics_view *v, struct buffer *out)
{
    const struct shard_status *s = v->shard;
    const struct {
        const char *name, *help;
        const uint64_t *by;
    } rows[] = {
        {"assay_shadow_decided_total", "Decisions by the model that made them.", s->decided_by},
        {"assay_shadow_scored_total", "Scores by models that did not decide.", s->scored_by},
        {"assay_shadow_alerts_total", "Outcomes by score that are not the mildest, by model.",
         s->alerts_by},
        {"assay_shadow_agreed_total", "Outcomes by score that are those of the model that decided.",
         s->agreed_by},
    };

    if (s->decided_by[BY_CHAMPION] + s->decided_by[BY_CHALLENGER] == 0)
        return;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        head(out, rows[i].name, "counter", rows[i].help);
        for (int k = 0; k < DECIDERS; k++)
            buffer_format(out, "%s{model=\"%s\"} %" PRIu64 "\n", rows[i].name,
                          decider_name((enum decider)k), rows[i].by[k]);
    }
}

/* What the state holds of each kind of entity. */
static const struct {
    const char *name;
    const char *type;
    const char *help;
    size_t offset;
} kind_numbers[] = {
    {"assay_entities", "gauge", "Entities in the state, by kind and level of features.",
     offsetof(struct velocity_counts, entities)},
    {"assay_entity_events", "gauge", "Events that entities retain.",
     offsetof(struct velocity_counts, events)},
    {"assay_entity_bytes", "gauge", "Memory that entities take.",
     offsetof(struct velocity_counts, bytes)},
    {"assay_evicted_total", "counter", "Entities evicted because the state was full.",
     offsetof(struct velocity_counts, evicted)},
    {"assay_expired_total", "counter", "Entities freed because no window reached them any more.",
     offsetof(struct velocity_counts, expired)},
    {"assay_dropped_events_total", "counter",
     "Events of entities dropped because the state was full.",
     offsetof(struct velocity_counts, dropped)},
};

static void kinds_format(const struct metrics_view *v, struct buffer *out)
{
    const struct occupancy *o = &v->shard->occupancy;

    for (size_t i = 0; i < sizeof kind_numbers / sizeof *kind_numbers; i++) {
        head(out, kind_numbers[i].name, kind_numbers[i].type, kind_numbers[i].help);
        for (uint32_t g = 0; g < o->groups; g++) {
            const char *at = (const char *)&o->group[g] + kind_numbers[i].offset;

            buffer_format(out, "%s{kind=\"", kind_numbers[i].name);
            add_label_value(out, velocity_group_name(plan_layout(v->plan), g));
            buffer_format(out, "\",level=\"%d\"} %" PRIu64 "\n",
                          velocity_group_level(plan_layout(v->plan), g), *(const uint64_t *)at);
        }
    }
}

static void answers_format(const struct metrics_view *v, struct buffer *out)
{
    head(out, "assay_http_answers_total", "counter", "HTTP answers, by status.");
    for (unsigned status = 0; status < METRICS_STATUSES; status++) {
        uint64_t count = atomic_load(&v->metrics->answers[status]);

        if (count > 0)
            buffer_format(out, "assay_http_answers_total{status=\"%u\"} %" PRIu64 "\n", status,
                          count);
    }
}

static void latency_format(const struct metrics_view *v, struct buffer *out)
{
    uint64_t total = 0;

    head(out, "assay_decision_seconds", "histogram",
         "Time from a decision's request to its answer, one by one over HTTP.");
    for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
        total += atomic_load(&v->metrics->latency[i]);
        if (i < METRICS_BUCKETS - 1)
            buffer_format(out, "assay_decision_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                          (double)bounds_us[i] / 1e6, total);
    }
    buffer_format(out, "assay_decision_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", total);
    buffer_format(out,
                  "assay_decision_seconds_sum %.6f\nassay_decision_seconds_count %" PRIu64 "\n",
                  (double)atomic_load(&v->metrics->latency_sum_us) / 1e6, total);
}

static void gauge(struct buffer *out, const char *name, const char *help, double value)
{
    head(out, name, "gauge", help);
    buffer_format(out, "%s %.15g\n", name, value);
}

void metrics_format(const struct metrics_view *v, struct buffer *out)
{
    decisions_format(v, out);
    rivals_format(v, out);
    observed_format(v, out);
    latency_format(v, out);
    answers_format(v, out);
    kinds_format(v, out);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].at == OF_PROJECT && v->project == NULL)
            continue;
        head(out, numbers[i].name, numbers[i].type, numbers[i].help);
        buffer_format(out, "%s %" PRIu64 "\n", numbers[i].name, number_of(v, i));
    }
    gauge(out, "assay_ready", "1 where the shard takes requests.", v->shard->is_ready);
    gauge(out, "assay_failed", "1 where the shard has stopped after a failure.",
          v->shard->is_failed);
    gauge(out, "assay_http_connections", "Open HTTP connections.", v->connections);
    if (v->shard->watermark_us != INT64_MIN)
        gauge(out, "assay_watermark_seconds", "Event time until which the state is filled.",
              (double)v->shard->watermark_us / 1e6);
}
