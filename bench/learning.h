/* The data of the programs that learn: FILE as bench/run.py writes it, u32 rows, u32 of them to
 * learn from, u32 inputs; the inputs' doubles column by column; the labels' bytes. */
#ifndef ASSAY_BENCH_LEARNING_H
#define ASSAY_BENCH_LEARNING_H

#include <string.h>

#include "bench/bench.h"
#include "core/learn/learn.h"
#include "core/stats/ranking.h"
#include "shell/os/file.h"

struct bench_data {
    uint32_t rows, learned, inputs;
    struct column *column;
    const struct column **input;
    const char **name;
    uint64_t *fingerprint;
    uint8_t *label;
};

static inline void bench_load(const char *path, struct bench_data *d)
{
    enum { FILE_MAX = 1 << 30 };
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

/* The rows to learn from. */
static inline struct dataset bench_learned(const struct bench_data *d)
{
    return (struct dataset){.rows = d->learned,
                            .inputs = d->inputs,
                            .input = d->input,
                            .name = d->name,
                            .fingerprint = d->fingerprint,
                            .label = d->label};
}

/* On the other rows. */
static inline double bench_average_precision(const struct bench_data *d, const struct model *m)
{
    uint32_t tested = d->rows - d->learned;
    struct model_scratch *s = model_scratch_new(m, simd_best());
    double *p = mem_array(tested, sizeof *p);
    struct rank_figures figures;
    struct ranking ranking;
    uint8_t *once = mem_array(tested, 1);

    memset(once, 1, tested);
    model_score(m, s, d->input, d->learned, tested, p, NULL);
    ranking_init(&ranking, p, d->label + d->learned, tested);
    ranking_figures(&ranking, once, 0.01, &figures);
    ranking_fini(&ranking);
    mem_free(once);
    mem_free(p);
    model_scratch_free(s);
    return figures.average_precision;
}

#endif
