#include "shell/run/stage.h"

const char *stage_name(enum stage s)
{
    static const char *const words[STAGES] = {"read",  "decode",  "queue",  "features", "score",
                                              "rules", "explain", "commit", "answer"};

    return words[s];
}

static const int64_t bounds[HISTOGRAM_BOUNDS] = {
    1000,      1500,       2000,       3000,       5000,       7000,       10000,
    15000,     20000,      30000,      50000,      70000,      100000,     150000,
    200000,    300000,     500000,     700000,     1000000,    1500000,    2000000,
    3000000,   5000000,    7000000,    10000000,   15000000,   20000000,   30000000,
    50000000,  70000000,   100000000,  150000000,  200000000,  300000000,  500000000,
    700000000, 1000000000, 1500000000, 2000000000, 3000000000, 5000000000, 7000000000};

int64_t histogram_bound_ns(unsigned bucket)
{
    return bounds[bucket];
}

static unsigned bucket_of(int64_t ns)
{
    unsigned low = 0, high = HISTOGRAM_BOUNDS;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (bounds[middle] < ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* One writer: nobody can have changed it between the load and the store. */
static void add(_Atomic uint64_t *to, uint64_t n)
{
    atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

void histogram_add(struct histogram *h, int64_t ns, uint64_t times)
{
    if (times == 0)
        return;
    ns = ns > 0 ? ns : 0;
    add(&h->count[bucket_of(ns)], times);
    add(&h->sum_ns, (uint64_t)ns * times);
}

void histogram_sum(const struct histogram *h, struct histogram_sum *sum)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t count = atomic_load_explicit(&h->count[i], memory_order_relaxed);

        sum->count[i] += count;
        sum->total += count;
    }
    sum->sum_s += (double)atomic_load_explicit(&h->sum_ns, memory_order_relaxed) / 1e9;
}

double histogram_quantile(const struct histogram_sum *sum, double q)
{
    double wanted = q * (double)sum->total, before = 0;

    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        double low = i > 0 ? (double)histogram_bound_ns(i - 1) : 0;
        double high = (double)histogram_bound_ns(i), count = (double)sum->count[i];

        if (count > 0 && before + count >= wanted)
            return (low + (high - low) * (wanted - before) / count) / 1e9;
        before += count;
    }
    return sum->total > 0 ? (double)histogram_bound_ns(HISTOGRAM_BOUNDS - 1) / 1e9 : 0;
}
