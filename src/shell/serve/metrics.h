/* What the server counts: answers by status, and how long decisions took from the request's head to
 * the answer. Relaxed atomics; written by I/O and desk threads, read by /metrics. */
#ifndef ASSAY_SERVE_METRICS_H
#define ASSAY_SERVE_METRICS_H

#include <stdatomic.h>

#include "shell/run/shard.h"
#include "shell/store/project.h"

enum { METRICS_STATUSES = 600, METRICS_BUCKETS = 16 };

struct metrics {
    _Atomic uint64_t answers[METRICS_STATUSES]; /* by HTTP status */
    _Atomic uint64_t
        latency[METRICS_BUCKETS]; /* decisions over HTTP, one by one; the last is +Inf */
    _Atomic uint64_t latency_sum_us;
    _Atomic uint64_t batch_lines;
};

void metrics_count_answer(struct metrics *m, unsigned status);
void metrics_count_latency(struct metrics *m, int64_t us);

/* Everything, in Prometheus' text format 0.0.4. */
struct metrics_view {
    const struct metrics *metrics;
    const struct shard_status *shard;
    const struct plan *plan;
    const struct project_status *project; /* NULL: no store */
    unsigned connections;
};

void metrics_format(const struct metrics_view *v, struct buffer *out);

#endif
