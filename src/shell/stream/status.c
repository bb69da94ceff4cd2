#include "shell/stream/status.h"

#include <stdio.h>

#include "core/data/json.h"

static const struct {
    const char *name; /* in metrics with assay_stream_ before and _total behind it */
    const char *words;
} counts[STREAM_COUNTS] = {
    [STREAM_MESSAGES] = {"messages", "Messages taken from the topic."},
    [STREAM_DECISIONS] = {"decisions", "Decisions committed."},
    [STREAM_OBSERVED] = {"observed", "Events of kinds that are only observed."},
    [STREAM_REPEATED] = {"repeated", "Messages with an id that was decided before."},
    [STREAM_LABELS] = {"labels", "Labels that were applied."},
    [STREAM_DEAD_LETTERS] = {"dead_letters", "Messages that are no events, and labels of none."},
    [STREAM_TRANSACTIONS] = {"transactions", "Transactions committed."},
    [STREAM_ABORTED] = {"aborted", "Transactions given up and done again."},
    [STREAM_REBUILT] = {"rebuilt", "Messages read again for the state alone."},
    [STREAM_REBALANCES] = {"rebalances", "Times that partitions were given or taken."},
    [STREAM_RESTARTS] = {"restarts", "Connections made anew after a failure."},
    [STREAM_PAUSES] = {"pauses", "Times that a sink was waited for."},
    [STREAM_SNAPSHOTS] = {"snapshots", "States written."},
    [STREAM_GONE] = {"gone", "Messages that the topic no longer had when the state needed them."},
};

static const char *const stages[STREAM_STAGES] = {
    [STREAM_READING] = "reading",
    [STREAM_DECIDING] = "deciding",
    [STREAM_SENDING] = "sending",
    [STREAM_COMMITTING] = "committing",
};

static double spent_s(struct stream_status *s, enum stream_stage stage)
{
    return (double)atomic_load_explicit(&s->spent_us[stage], memory_order_relaxed) / 1e6;
}

/* From the first message to the last commit. */
static double busy_s(struct stream_status *s)
{
    int64_t first = atomic_load(&s->first_us), last = atomic_load(&s->last_us);

    return first > 0 && last > first ? (double)(last - first) / 1e6 : 0;
}

static uint64_t get(struct stream_status *s, enum stream_count what)
{
    return atomic_load_explicit(&s->count[what], memory_order_relaxed);
}

void stream_status_init(struct stream_status *s)
{
    *s = (struct stream_status){.lock = PTHREAD_MUTEX_INITIALIZER};
}

void stream_count(struct stream_status *s, enum stream_count what, uint64_t by)
{
    atomic_fetch_add_explicit(&s->count[what], by, memory_order_relaxed);
}

void stream_status_trouble(struct stream_status *s, const char *words)
{
    pthread_mutex_lock(&s->lock);
    snprintf(s->trouble, sizeof s->trouble, "%s", words);
    pthread_mutex_unlock(&s->lock);
}

static void add_gauge(struct buffer *out, const char *name, const char *words, uint64_t value)
{
    buffer_format(out,
                  "# HELP assay_stream_%s %s\n# TYPE assay_stream_%s gauge\nassay_stream_%s %lu\n",
                  name, words, name, name, (unsigned long)value);
}

void stream_status_metrics(struct stream_status *s, const struct plan *p, struct buffer *out)
{
    for (int i = 0; i < STREAM_COUNTS; i++)
        buffer_format(out,
                      "# HELP assay_stream_%s_total %s\n# TYPE assay_stream_%s_total counter\n"
                      "assay_stream_%s_total %lu\n",
                      counts[i].name, counts[i].words, counts[i].name, counts[i].name,
                      (unsigned long)get(s, (enum stream_count)i));
    buffer_add_text(out, "# HELP assay_stream_outcomes_total Decisions by outcome.\n"
                         "# TYPE assay_stream_outcomes_total counter\n");
    for (uint32_t i = 0; i < plan_outcome_count(p); i++) {
        buffer_add_text(out, "assay_stream_outcomes_total{outcome=");
        json_add_text(out, text_of(plan_outcome_name(p, i)));
        buffer_format(out, "} %lu\n", (unsigned long)atomic_load(&s->by_outcome[i]));
    }
    buffer_add_text(out, "# HELP assay_stream_seconds_total What the worker's time went to.\n"
                         "# TYPE assay_stream_seconds_total counter\n");
    for (int i = 0; i < STREAM_STAGES; i++)
        buffer_format(out, "assay_stream_seconds_total{stage=\"%s\"} %.6f\n", stages[i],
                      spent_s(s, (enum stream_stage)i));
    add_gauge(out, "lag", "Messages that wait in the partitions of this worker.",
              atomic_load(&s->lag));
    add_gauge(out, "partitions", "Partitions of this worker.", atomic_load(&s->partitions));
    add_gauge(out, "ready", "1: it is in the group.", atomic_load(&s->is_ready));
    add_gauge(out, "paused", "1: a sink is away, nothing is taken.", atomic_load(&s->is_paused));
}

void stream_status_json(struct stream_status *s, const struct plan *p, struct buffer *out)
{
    buffer_add_char(out, '{');
    for (int i = 0; i < STREAM_COUNTS; i++)
        buffer_format(out, "\"%s\":%lu,", counts[i].name,
                      (unsigned long)get(s, (enum stream_count)i));
    buffer_add_text(out, "\"outcomes\":{");
    for (uint32_t i = 0; i < plan_outcome_count(p); i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        json_add_text(out, text_of(plan_outcome_name(p, i)));
        buffer_format(out, ":%lu", (unsigned long)atomic_load(&s->by_outcome[i]));
    }
    buffer_add_text(out, "},\"seconds\":{");
    for (int i = 0; i < STREAM_STAGES; i++)
        buffer_format(out, "\"%s\":%.6f,", stages[i], spent_s(s, (enum stream_stage)i));
    buffer_format(out, "\"first_to_last\":%.6f", busy_s(s));
    buffer_format(out, "},\"lag\":%lu,\"partitions\":%u}", (unsigned long)atomic_load(&s->lag),
                  atomic_load(&s->partitions));
}

void stream_status_line(struct stream_status *s, double per_second, struct buffer *out)
{
    buffer_format(out, "%lu decisions, %.0f/s, lag %lu, %u partitions",
                  (unsigned long)get(s, STREAM_DECISIONS), per_second,
                  (unsigned long)atomic_load(&s->lag), atomic_load(&s->partitions));
    if (get(s, STREAM_DEAD_LETTERS) > 0)
        buffer_format(out, ", %lu dead letters", (unsigned long)get(s, STREAM_DEAD_LETTERS));
    pthread_mutex_lock(&s->lock);
    if (s->trouble[0] != 0)
        buffer_format(out, "; waiting: %s", s->trouble);
    pthread_mutex_unlock(&s->lock);
}
