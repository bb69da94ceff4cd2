/* Where a decision's time goes: the stages of its way, and histograms of how long they took.
 *
 * A histogram has one writer and any number of readers; adding to it is two plain stores, so that
 * the hot path pays neither for a lock nor for a locked instruction. */
#ifndef ASSAY_RUN_STAGE_H
#define ASSAY_RUN_STAGE_H

#include <stdatomic.h>
#include <stdint.h>

/* In the order of a decision's way. The engine's are those of the run of decisions that it was in:
 * that is how long it waited for them. */
enum stage {
    STAGE_READ,     /* the request's body, from its head on */
    STAGE_DECODE,   /* JSON, fields looked up, checks, the event's bytes */
    STAGE_QUEUE,    /* until the engine takes it */
    STAGE_FEATURES, /* with room reserved in the log, and the state's change */
    STAGE_SCORE,
    STAGE_RULES,
    STAGE_EXPLAIN,
    STAGE_COMMIT, /* its record, until it is on the disk */
    STAGE_ANSWER, /* back on the I/O thread, until the answer is written */
    STAGES
};

const char *stage_name(enum stage s);

/* Nanoseconds; those of stages that it did not go through are 0. */
struct stage_times {
    int64_t ns[STAGES];
};

enum { HISTOGRAM_BOUNDS = 42, HISTOGRAM_BUCKETS };

struct histogram {
    _Atomic uint64_t count[HISTOGRAM_BUCKETS]; /* by upper bound; the last has none */
    _Atomic uint64_t sum_ns;
};

int64_t histogram_bound_ns(unsigned bucket); /* 1 us to 7 s, six to the decade */
/* So many that each took that long. The histogram's writer only. */
void histogram_add(struct histogram *h, int64_t ns, uint64_t times);

/* A copy, or the sum of several: any thread. */
struct histogram_sum {
    uint64_t count[HISTOGRAM_BUCKETS];
    uint64_t total;
    double sum_s;
};

void histogram_sum(const struct histogram *h, struct histogram_sum *sum);
/* In seconds, drawn straight between the bounds; 0 of nothing. */
double histogram_quantile(const struct histogram_sum *sum, double q);

#endif
