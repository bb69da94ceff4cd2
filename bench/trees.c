/* Forests of every kind: bench_trees FILE THREADS [KINDS]. The file is bench/run.py's (learning.h).
 * KINDS is any of b (boosted), f (random forest), i (isolation). Each is fitted, then scored one
 * row at a time and in a batch, and explained, at every SIMD level. */
#include "bench/learning.h"
#include "shell/os/thread.h"

/* The best of many short rounds: what other work on the machine does not disturb. */
enum { HOT = 512, SINGLES = 512, BATCH = 512, EXPLAINED = 8, ROUNDS = 300 };

static void put(const char *name, const char *what, enum simd level, const char *unit, double value)
{
    char line[96];

    snprintf(line, sizeof line, "%s_%s%s%s_%s", name, what, level == simd_best() ? "" : "_",
             level == simd_best() ? "" : simd_name(level), unit);
    bench_put(line, value);
}

static double one_row_us(const struct bench_data *d, const struct model *m, struct model_scratch *s)
{
    uint32_t tested = d->rows - d->learned;
    double best = 1e9, p;

    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = bench_now_s(), taken;

        for (uint32_t i = 0; i < SINGLES; i++)
            model_score(m, s, d->input, d->learned + i % (tested < HOT ? tested : HOT), 1, &p,
                        NULL);
        taken = (bench_now_s() - start) / SINGLES * 1e6;
        best = taken < best ? taken : best;
    }
    return best;
}

static double batch_rows_per_s(const struct bench_data *d, const struct model *m,
                               struct model_scratch *s)
{
    uint32_t pieces = (d->rows - d->learned) / BATCH;
    double p[BATCH], best = 1e9;

    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = bench_now_s(), taken;

        model_score(m, s, d->input, d->learned + round % pieces * BATCH, BATCH, p, NULL);
        taken = bench_now_s() - start;
        best = taken < best ? taken : best;
    }
    return BATCH / best;
}

static double explain_us(const struct bench_data *d, const struct model *m, struct model_scratch *s)
{
    double *phi = mem_array(d->inputs, sizeof *phi), base, best = 1e9;

    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = bench_now_s(), taken;

        for (uint32_t i = 0; i < EXPLAINED; i++)
            model_explain(m, s, d->input, d->learned + i, phi, &base);
        taken = (bench_now_s() - start) / EXPLAINED * 1e6;
        best = taken < best ? taken : best;
    }
    mem_free(phi);
    return best;
}

static void measure(const struct bench_data *d, const char *name, const struct model *m,
                    double fit_s)
{
    bench_put_of(name, "fit_s", fit_s);
    bench_put_of(name, "average_precision", bench_average_precision(d, m));
    for (int l = simd_best(); l >= SIMD_SCALAR; l--) {
        struct model_scratch *s = model_scratch_new(m, (enum simd)l);

        put(name, "score_one_row", (enum simd)l, "us", one_row_us(d, m, s));
        put(name, "score", (enum simd)l, "M_rows_per_s", batch_rows_per_s(d, m, s) / 1e6);
        put(name, "explain", (enum simd)l, "us", explain_us(d, m, s));
        model_scratch_free(s);
    }
}

static void boosted(const struct bench_data *d, const struct learn_run *run, const char *name,
                    uint32_t trees, uint32_t leaves, uint32_t depth)
{
    struct boost_options o;
    struct dataset set = bench_learned(d);
    struct model *m;
    struct error e;
    double start = bench_now_s();

    boost_defaults(&o);
    o.trees = trees;
    o.leaves = leaves;
    o.depth = depth;
    if (!boost_train(&set, NULL, &o, run, &m, &e))
        bench_fail(&e);
    measure(d, name, m, bench_now_s() - start);
    model_free(m);
}

static void forest(const struct bench_data *d, const struct learn_run *run)
{
    struct forest_options o;
    struct dataset set = bench_learned(d);
    struct model *m;
    struct error e;
    double start = bench_now_s();

    forest_defaults(&o);
    o.depth = 10;
    if (!forest_train(&set, &o, run, &m, &e))
        bench_fail(&e);
    measure(d, "forest_300_of_depth_10", m, bench_now_s() - start);
    model_free(m);
}

static void isolation(const struct bench_data *d, const struct learn_run *run)
{
    struct isolation_options o;
    struct dataset set = bench_learned(d);
    double best = 1e9;
    struct model *m = NULL;
    struct error e;

    isolation_defaults(&o);
    for (unsigned round = 0; round < 10; round++) {
        double start = bench_now_s(), taken;

        model_free(m);
        if (!isolation_train(&set, &o, run, &m, &e))
            bench_fail(&e);
        taken = bench_now_s() - start;
        best = taken < best ? taken : best;
    }
    measure(d, "isolation_100_of_256", m, best);
    model_free(m);
}

int main(int argc, char **argv)
{
    struct learn_run run = {.seed = 1, .simd = simd_best()};
    struct bench_data d;

    if (argc < 3)
        return 2;
    bench_load(argv[1], &d);
    run.workers = pool_workers(pool_new((unsigned)strtoul(argv[2], NULL, 10)));
    printf("scoring: 1 thread, hot; figures without a level are of %s\n", simd_name(simd_best()));
    if (argc == 3 || strchr(argv[3], 'b')) {
        boosted(&d, &run, "boost_300_of_depth_6", 300, 64, 6);
        boosted(&d, &run, "boost_512_of_depth_6", 512, 64, 6);
        boosted(&d, &run, "boost_default", 300, 8, 4);
        boosted(&d, &run, "boost_100_of_31_leaves", 100, 31, 30);
    }
    if (argc == 3 || strchr(argv[3], 'f'))
        forest(&d, &run);
    if (argc == 3 || strchr(argv[3], 'i'))
        isolation(&d, &run);
    return 0;
}
