/* Boosted trees beside those of others: bench_boost FILE THREADS. The file is bench/run.py's: u32
 * rows, u32 of them to learn from, u32 inputs; the inputs' doubles column by column; the labels'
 * bytes. 100 trees of 31 leaves, as in the peers; the rows after the first are scored and ranked.
 */
#include <string.h>

#include "bench/bench.h"
#include "core/learn/learn.h"
#include "core/stats/ranking.h"
#include "shell/os/file.h"
#include "shell/os/thread.h"

enum { FILE_MAX = 1 << 30, SINGLES = 20000 };

struct data {
    uint32_t rows, learned, inputs;
    struct column *column;
    const struct column **input;
    const char **name;
    uint64_t *fingerprint;
    uint8_t *label;
};

static void load(const char *path, struct data *d)
{
    struct buffer b;
    struct reader r;
    struct error e;

    buffer_init(&b, FILE_MAX);
    if (!file_read(path, &b, &e))
        bench_fail(&e);
    reader_init(&r, b.bytes, b.length);
    d->rows = reader_u32(&r);
    d->learned = reader_u32(&r);
    d->inputs = reader_u32(&r);
    d->column = mem_array(d->inputs, sizeof *d->column);
    d->input = mem_array(d->inputs, sizeof *d->input);
    d->name = mem_array(d->inputs, sizeof *d->name);
    d->fingerprint = mem_array(d->inputs, sizeof *d->fingerprint);
    d->label = mem_array(d->rows, 1);
    for (uint32_t j = 0; j < d->inputs; j++) {
        char name[16];

        column_init(&d->column[j], TYPE_REAL, d->rows);
        for (uint32_t i = 0; i < d->rows; i++)
            d->column[j].real[i] = reader_double(&r);
        snprintf(name, sizeof name, "x%u", j);
        d->name[j] = mem_text(name, strlen(name));
        d->input[j] = &d->column[j];
    }
    for (uint32_t i = 0; i < d->rows; i++)
        d->label[i] = reader_u8(&r);
    buffer_fini(&b);
}

static void score(const struct data *d, const struct model *m)
{
    struct model_scratch *s = model_scratch_new(m, simd_best());
    uint32_t tested = d->rows - d->learned;
    double *p = mem_array(tested, sizeof *p), start = bench_now_s(), taken;
    struct rank_figures figures;
    struct ranking ranking;
    uint8_t *once = mem_array(tested, 1);

    memset(once, 1, tested);
    model_score(m, s, d->input, d->learned, tested, p, NULL);
    taken = bench_now_s() - start;
    bench_put("boost_score_M_rows_per_s", tested / taken / 1e6);
    ranking_init(&ranking, p, d->label + d->learned, tested);
    ranking_figures(&ranking, once, 0.01, &figures);
    bench_put("boost_average_precision", figures.average_precision);
    start = bench_now_s();
    for (uint32_t i = 0; i < SINGLES; i++)
        model_score(m, s, d->input, d->learned + i % tested, 1, p, NULL);
    bench_put("boost_score_one_row_us", (bench_now_s() - start) / SINGLES * 1e6);
    printf("scoring: 1 thread, hot, %s\n", simd_name(simd_best()));
    ranking_fini(&ranking);
    mem_free(once);
    mem_free(p);
    model_scratch_free(s);
}

int main(int argc, char **argv)
{
    struct boost_options o;
    struct data d;
    struct dataset set;
    struct learn_run run = {.seed = 1, .simd = simd_best()};
    struct model *m;
    struct error e;
    double start;

    if (argc != 3)
        return 2;
    load(argv[1], &d);
    set = (struct dataset){.rows = d.learned,
                           .inputs = d.inputs,
                           .input = d.input,
                           .name = d.name,
                           .fingerprint = d.fingerprint,
                           .label = d.label};
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
