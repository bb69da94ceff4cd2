/* Boosted trees beside those of others: bench_boost FILE THREADS. The file is bench/run.py's
 * (learning.h). 100 trees of 31 leaves, as in the peers; the rows after the first are scored and
 * ranked. */
#include "bench/learning.h"
#include "shell/os/thread.h"

enum { SINGLES = 20000 };

static void score(const struct bench_data *d, const struct model *m)
{
    struct model_scratch *s = model_scratch_new(m, simd_best());
    uint32_t tested = d->rows - d->learned;
    double *p = mem_array(tested, sizeof *p), start = bench_now_s(), taken;

    model_score(m, s, d->input, d->learned, tested, p, NULL);
    taken = bench_now_s() - start;
    bench_put("boost_score_M_rows_per_s", tested / taken / 1e6);
    bench_put("boost_average_precision", bench_average_precision(d, m));
    start = bench_now_s();
    for (uint32_t i = 0; i < SINGLES; i++)
        model_score(m, s, d->input, d->learned + i % tested, 1, p, NULL);
    bench_put("boost_score_one_row_us", (bench_now_s() - start) / SINGLES * 1e6);
    printf("scoring: 1 thread, hot, %s\n", simd_name(simd_best()));
    mem_free(p);
    model_scratch_free(s);
}

int main(int argc, char **argv)
{
    struct boost_options o;
    struct bench_data d;
    struct dataset set;
    struct learn_run run = {.seed = 1, .simd = simd_best()};
    struct model *m;
    struct error e;
    double start;

    if (argc != 3)
        return 2;
    bench_load(argv[1], &d);
    set = bench_learned(&d);
    run.workers = pool_workers(pool_new((unsigned)strtoul(argv[2], NULL, 10)));
    boost_defaults(&o);
    o.trees = 100;
    o.leaves = 31;
    o.depth = 30;
    o.learning_rate = 0.1;
    start = bench_now_s();
    if (!boost_train(&set, NULL, &o, &run, &m, &e))
        bench_fail(&e);
    bench_put("boost_fit_s", bench_now_s() - start);
    score(&d, m);
    return 0;
}
