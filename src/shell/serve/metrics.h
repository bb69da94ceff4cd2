/* What the server counts: answers by status, and how long decisions took from the request's head to
 * the answer. Relaxed atomics; written by I/O and desk threads, read by /metrics. */
#ifndef ASSAY_SERVE_METRICS_H
#define ASSAY_SERVE_METRICS_H

#include "shell/access/rate_shared.h"
#include "shell/run/shared.h"
#include <stdatomic.h>

#include "shell/os/file.h"
#include "shell/os/process.h"
#include "shell/run/shard.h"
#include "shell/serve/jobs.h"
#include "shell/store/project.h"
#include "shell/watch/figures.h"

enum { METRICS_STATUSES = 600 };

struct metrics {
    _Atomic uint64_t answers[METRICS_STATUSES]; /* by HTTP status */
    _Atomic uint64_t batch_lines;
};

/* Times of decisions over HTTP, one by one, as one thread saw them. */
struct metrics_times {
    struct histogram stages[STAGES];               /* STAGE_READ, STAGE_DECODE, STAGE_ANSWER */
    struct histogram whole[PLAN_OUTCOMES_MAX + 1]; /* by outcome; the last: observed */
};

/* The sum of all threads'. */
struct metrics_latency {
    struct histogram_sum stages[STAGES];
    struct histogram_sum whole[PLAN_OUTCOMES_MAX + 1];
};

void metrics_count_answer(struct metrics *m, unsigned status);

/* Everything, in Prometheus' text format 0.0.4. */
struct metrics_view {
    const struct metrics *metrics;
    const struct metrics_latency *latency;
    const struct shard_status *shard;
    const struct plan *plan;
    const struct project_status *project; /* NULL: no store */
    const struct watch_figures *watch;    /* NULL: no alerts */
    const struct volume *volume;
    const struct shared_counts *shared; /* NULL: no window is shared */
    const struct rate_shared_counts *rates;
    const struct process_usage *process;
    const uint64_t (*jobs)[JOB_ENDS]; /* ended, by kind and how */
    uint64_t store_lag_limit;
    uint64_t body_bytes;
    unsigned connections;
};

void metrics_format(const struct metrics_view *v, struct buffer *out);
/* docs/service-metrics.md, from the same table. */
void metrics_print_docs(struct buffer *out);

#endif
