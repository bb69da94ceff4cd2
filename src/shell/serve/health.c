/* Is it alive, is it ready, what does it count. */
#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "shell/serve/inside.h"

enum http_next show_alive(struct server *s, struct exchange *x)
{
    (void)s;
    x->status = 200;
    buffer_add_text(&x->answer, "{\"status\":\"alive\"}\n");
    return HTTP_ANSWERED;
}

enum http_next show_ready(struct server *s, struct exchange *x)
{
    struct project_status project = {0};
    struct shard_status shard;
    struct volume volume;
    struct error ignored;
    char time[TIME_TEXT_MAX];

    shard_status(s->o.shard, &shard);
    if (shard.is_failed || !shard.is_ready) {
        server_refuse(s, x);
        return HTTP_ANSWERED;
    }
    x->status = 200;
    buffer_add_text(&x->answer, "{\"status\":\"ready\",\"filled_until\":");
    if (shard.watermark_us == INT64_MIN) {
        buffer_add_text(&x->answer, "null");
    } else {
        time_format(shard.watermark_us, time);
        json_add_text(&x->answer, text_of(time));
    }
    if (s->o.project != NULL) {
        project_status(s->o.project, &project);
        buffer_format(&x->answer, ",\"store_lag\":%llu", (unsigned long long)project.lag);
    }
    if (project.is_rebuilding)
        buffer_add_text(&x->answer, ",\"store_rebuilding\":true");
    if (project.is_failed) {
        buffer_add_text(&x->answer, ",\"store_failure\":");
        json_add_text(&x->answer, text_of(project.failure));
    }
    if (file_volume(shard_directory(s->o.shard), &volume, &ignored) &&
        volume_used(&volume) >= VOLUME_USED_MUCH)
        buffer_format(&x->answer, ",\"warning\":\"the data directory's volume is %.0f %% full\"",
                      100 * volume_used(&volume));
    buffer_add_text(&x->answer, "}\n");
    return HTTP_ANSWERED;
}

void server_look(struct server *s, struct server_look *look)
{
    struct error ignored;

    shard_status(s->o.shard, &look->shard);
    server_latency(s, &look->latency);
    if (s->o.project != NULL)
        project_status(s->o.project, &look->project);
    if (!file_volume(shard_directory(s->o.shard), &look->volume, &ignored))
        look->volume = (struct volume){0};
    process_usage(&look->process);
    jobs_count(s->jobs, look->jobs);
}

enum http_next show_metrics(struct server *s, struct exchange *x)
{
    struct plan *plan = shard_plan(s->o.shard);
    struct server_look *look = mem_alloc(sizeof *look);
    struct watch_figures *watch = NULL;
    struct rate_shared_counts rates;

    server_look(s, look);
    rate_shared_count(access_rates(s->o.access), &rates);
    if (s->o.watch != NULL) {
        watch = mem_alloc(sizeof *watch);
        watch_figures(s->o.watch, watch);
    }
    x->status = 200;
    x->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_format(&(struct metrics_view){.metrics = &s->metrics,
                                          .latency = &look->latency,
                                          .shard = &look->shard,
                                          .plan = plan,
                                          .project = s->o.project != NULL ? &look->project : NULL,
                                          .shared = fetch_counts(s->fetch),
                                          .rates = &rates,
                                          .watch = watch,
                                          .volume = &look->volume,
                                          .process = &look->process,
                                          .jobs = look->jobs,
                                          .store_lag_limit = s->o.store_lag_limit,
                                          .body_bytes = http_body_bytes(s->http),
                                          .connections = http_connections(s->http)},
                   &x->answer);
    plan_unref(plan);
    mem_free(watch);
    mem_free(look);
    return HTTP_ANSWERED;
}
