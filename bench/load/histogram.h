/* Latencies in nanoseconds, counted in buckets of less than 0.8 % width (as HdrHistogram has them),
 * so that the highest percentiles cost no more memory than the lowest. */
#ifndef ASSAY_BENCH_HISTOGRAM_H
#define ASSAY_BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_BITS = 7, /* of a value that its bucket keeps */
    HISTOGRAM_BUCKETS = (64 - HISTOGRAM_BITS) << HISTOGRAM_BITS,
};

struct histogram {
    uint64_t count[HISTOGRAM_BUCKETS];
    uint64_t total, max;
    double sum;
};

static inline unsigned histogram_bucket(uint64_t value)
{
    unsigned shift;

    if (value >> HISTOGRAM_BITS == 0)
        return (unsigned)value;
    shift = 63 - HISTOGRAM_BITS - (unsigned)__builtin_clzll(value);
    return ((shift + 1) << HISTOGRAM_BITS) + (unsigned)((value >> shift) - (1 << HISTOGRAM_BITS));
}

/* The greatest value of a bucket. */
static inline uint64_t histogram_limit(unsigned bucket)
{
    unsigned shift = bucket >> HISTOGRAM_BITS;
    uint64_t low = bucket & ((1 << HISTOGRAM_BITS) - 1);

    if (shift == 0)
        return low;
    return (((low | 1 << HISTOGRAM_BITS) + 1) << (shift - 1)) - 1;
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
    h->count[histogram_bucket(value)]++;
    h->total++;
    h->sum += (double)value;
    if (value > h->max)
        h->max = value;
}

/* The least limit that `share` of the values do not pass. */
static inline uint64_t histogram_quantile(const struct histogram *h, double share)
{
    double wanted = share * (double)h->total;
    uint64_t seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->count[i];
        if (seen > 0 && (double)seen >= wanted)
            return histogram_limit(i) < h->max ? histogram_limit(i) : h->max;
    }
    return h->max;
}

#endif
