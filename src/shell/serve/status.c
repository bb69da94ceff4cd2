/* GET /v1/status: what `assay status` shows. */
#include <inttypes.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/serve/inside.h"

static void add_text_member(struct buffer *out, const char *between, const char *words)
{
    buffer_add_text(out, between);
    json_add_text(out, text_of(words));
}

static void add_errors(const struct server_look *l, struct buffer *out)
{
    const char *between = "";

    buffer_add_text(out, ",\"errors\":[");
    if (l->shard.is_failed) {
        add_text_member(out, between, l->shard.failure);
        between = ",";
    }
    if (l->project.is_failed) {
        add_text_member(out, between, l->project.failure);
        between = ",";
    }
    if (l->shard.snapshot_failure[0] != 0)
        add_text_member(out, between, l->shard.snapshot_failure);
    buffer_add_char(out, ']');
}

static bool has_forgotten(const struct occupancy *o)
{
    for (uint32_t g = 0; g < o->groups; g++) {
        if (o->group[g].evicted + o->group[g].dropped > 0)
            return true;
    }
    return false;
}

static void add_warnings(const struct server *s, const struct server_look *l, struct buffer *out)
{
    const char *between = "";

    buffer_add_text(out, ",\"warnings\":[");
    if (volume_used(&l->volume) >= VOLUME_USED_MUCH) {
        buffer_format(out, "\"the data directory's volume is %.0f %% full\"",
                      100 * volume_used(&l->volume));
        between = ",";
    }
    if (s->o.store_lag_limit > 0 && l->project.lag > s->o.store_lag_limit) {
        buffer_format(out,
                      "%s\"the store lags %" PRIu64
                      " records behind, more than store.lag_limit: lists answer 503\"",
                      between, l->project.lag);
        between = ",";
    }
    if (has_forgotten(&l->shard.occupancy))
        buffer_format(out,
                      "%s\"entities were forgotten for want of memory: see assay_evicted_total "
                      "and `memory`\"",
                      between);
    buffer_add_char(out, ']');
}

static void add_plan(const struct server_look *l, const struct plan *p, struct buffer *out)
{
    buffer_add_text(out, ",\"plan\":{\"id\":\"");
    for (int i = 0; i < 8; i++)
        buffer_format(out, "%02x", plan_id(p)[i]);
    buffer_format(
        out, "\",\"seq\":%" PRIu64 ",\"model\":\"%s\",\"building\":%.3f}", l->shard.plan_seq,
        plan_model(p) != NULL ? model_kind_name(model_kind(plan_model(p))) : "none",
        l->shard.building_of > 0 ? (double)l->shard.building_seq / (double)l->shard.building_of
                                 : 0);
    buffer_add_text(out, ",\"filled_until\":");
    if (l->shard.watermark_us == INT64_MIN) {
        buffer_add_text(out, "null");
    } else {
        char time[TIME_TEXT_MAX];

        time_format(l->shard.watermark_us, time);
        json_add_text(out, text_of(time));
    }
}

static void add_decisions(const struct server_look *l, const struct plan *p, struct buffer *out)
{
    const struct shard_status *s = &l->shard;

    buffer_format(out,
                  ",\"decisions\":{\"all\":%" PRIu64 ",\"observed\":%" PRIu64
                  ",\"repeated\":%" PRIu64 ",\"fallbacks\":%" PRIu64 ",\"deferred\":%" PRIu64
                  ",\"by_outcome\":{",
                  s->decisions, s->observed, s->repeated, s->fallbacks, s->deferred);
    for (uint32_t i = 0; i < plan_outcome_count(p); i++) {
        add_text_member(out, i > 0 ? "," : "", plan_outcome_name(p, i));
        buffer_format(out, ":%" PRIu64, s->by_outcome[i]);
    }
    buffer_add_text(out, "}}");
}

static void add_latency(const struct server_look *l, struct buffer *out)
{
    buffer_add_text(out, ",\"latency\":{\"bounds_us\":[");
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++)
        buffer_format(out, "%s%g", i > 0 ? "," : "", (double)histogram_bound_ns(i) / 1e3);
    buffer_add_text(out, "],\"counts\":[");
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t count = 0;

        for (int k = 0; k <= PLAN_OUTCOMES_MAX; k++)
            count += l->latency.whole[k].count[i];
        buffer_format(out, "%s%" PRIu64, i > 0 ? "," : "", count);
    }
    buffer_add_text(out, "]},\"stages\":{");
    for (int i = 0; i < STAGES; i++) {
        const struct histogram_sum *h = &l->latency.stages[i];

        buffer_format(out, "%s\"%s\":{\"p50_us\":%.1f,\"p99_us\":%.1f}", i > 0 ? "," : "",
                      stage_name((enum stage)i), 1e6 * histogram_quantile(h, 0.5),
                      1e6 * histogram_quantile(h, 0.99));
    }
    buffer_add_char(out, '}');
}

static void add_disk(const struct server *s, const struct server_look *l, struct buffer *out)
{
    buffer_format(
        out, ",\"log\":{\"bytes\":%" PRIu64 ",\"seq\":%" PRIu64 ",\"lag\":%" PRIu64 "},\"store\":",
        l->shard.log_bytes, l->shard.durable_seq, l->shard.last_seq - l->shard.durable_seq);
    if (s->o.project != NULL)
        buffer_format(out, "{\"lag\":%" PRIu64 ",\"limit\":%" PRIu64 "}", l->project.lag,
                      s->o.store_lag_limit);
    else
        buffer_add_text(out, "null");
    buffer_format(
        out,
        ",\"snapshots\":{\"written\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"given_up\":%" PRIu64
        ",\"seq\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"seconds\":%.6f}",
        l->shard.snapshots, l->shard.snapshots_failed, l->shard.snapshots_given_up,
        l->shard.snapshot_seq, l->shard.snapshot_bytes, (double)l->shard.snapshot_us / 1e6);
    buffer_format(out, ",\"volume\":{\"bytes\":%" PRIu64 ",\"free\":%" PRIu64 ",\"used\":%.4f}",
                  l->volume.bytes, l->volume.free, volume_used(&l->volume));
}

static void add_http(const struct server *s, struct buffer *out)
{
    uint64_t by[METRICS_STATUSES / 100] = {0};

    for (unsigned i = 0; i < METRICS_STATUSES; i++)
        by[i / 100] += atomic_load(&s->metrics.answers[i]);
    buffer_format(out, ",\"http\":{\"connections\":%u,\"answers\":{", http_connections(s->http));
    for (unsigned i = 2; i < METRICS_STATUSES / 100; i++)
        buffer_format(out, "%s\"%uxx\":%" PRIu64, i > 2 ? "," : "", i, by[i]);
    buffer_add_text(out, "}}");
}

enum http_next show_status(struct server *s, struct exchange *x)
{
    struct server_look *l = mem_alloc(sizeof *l);
    struct plan *p = shard_plan(s->o.shard);
    struct buffer *out = &x->answer;

    server_look(s, l);
    buffer_add_text(out, "{\"name\":");
    json_add_text(out, text_of(s->o.settings != NULL ? s->o.settings->name : ""));
    buffer_format(out, ",\"uptime_s\":%.3f,\"ready\":%s",
                  (double)(clock_monotonic_us() - s->started_us) / 1e6,
                  l->shard.is_ready ? "true" : "false");
    add_errors(l, out);
    add_warnings(s, l, out);
    add_plan(l, p, out);
    add_decisions(l, p, out);
    add_latency(l, out);
    buffer_format(out, ",\"queue\":{\"length\":%u,\"capacity\":%u}", l->shard.queue_length,
                  l->shard.queue_capacity);
    add_disk(s, l, out);
    buffer_format(
        out, ",\"memory\":{\"resident\":%" PRIu64 ",\"state\":%" PRIu64 ",\"limit\":%" PRIu64 "}",
        l->process.resident_bytes, l->shard.state_bytes, l->shard.state_limit_bytes);
    add_http(s, out);
    buffer_add_text(out, "}\n");
    plan_unref(p);
    mem_free(l);
    x->status = 200;
    return HTTP_ANSWERED;
}
