/* A small table of made-up payments for the tests of models and trainers: every input type, nulls,
 * frequent and rare categories, a constant and an empty column. */
#ifndef ASSAY_TESTS_LEARNING_H
#define ASSAY_TESTS_LEARNING_H

#include "tests/unit/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/random.h"
#include "core/learn/learn.h"

enum { AMOUNT, COUNT, RATIO, NIGHT, SHOP, CONSTANT, EMPTY, AGE, TABLE_INPUTS };

struct table {
    uint32_t rows;
    struct column column[TABLE_INPUTS];
    const struct column *input[TABLE_INPUTS];
    char (*text)[16];
    uint8_t *label;
    struct dataset dataset;
};

static const char *const table_names[TABLE_INPUTS] = {"amount", "count",    "ratio", "night",
                                                      "shop",   "constant", "empty", "age"};
static const uint64_t table_fingerprints[TABLE_INPUTS] = {1, 2, 3, 4, 5, 6, 7, UINT64_MAX};

static inline void table_row(struct table *t, uint32_t i, struct random *r)
{
    uint32_t shop = (uint32_t)random_below(r, 12);
    double margin = -3.5;

    t->column[AMOUNT].integer[i] = (int64_t)(em_exp(3 + random_normal(r)) * 100) * 10000;
    t->column[COUNT].integer[i] = random_poisson(r, 4);
    t->column[RATIO].real[i] = random_real(r) * 10 - 5;
    t->column[NIGHT].integer[i] = (int64_t)random_below(r, 2);
    t->column[CONSTANT].real[i] = 2.5;
    t->column[AGE].integer[i] = (int64_t)random_below(r, 90) * INT64_C(86400000000);
    column_set_null(&t->column[EMPTY], i);
    if (random_below(r, 50) == 0)
        snprintf(t->text[i], sizeof t->text[i], "rare-%u", i);
    else
        snprintf(t->text[i], sizeof t->text[i], "shop-%u", shop);
    t->column[SHOP].text[i] = text_of(t->text[i]);
    margin += (t->column[AMOUNT].integer[i] > 40000000) * 2.0 + (shop == 3) * 2.0;
    margin += (t->column[COUNT].integer[i] > 6) * 1.0 + 0.3 * t->column[RATIO].real[i];
    if (random_below(r, 5) == 0) {
        column_set_null(&t->column[RATIO], i);
        margin += 1.5;
    }
    if (random_below(r, 20) == 0)
        column_set_null(&t->column[SHOP], i);
    t->label[i] = random_real(r) < em_sigmoid(margin);
}

static inline void table_init(struct table *t, uint32_t rows, uint64_t seed)
{
    static const enum type types[TABLE_INPUTS] = {TYPE_DECIMAL, TYPE_INT,     TYPE_REAL,
                                                  TYPE_BOOL,    TYPE_TEXT,    TYPE_REAL,
                                                  TYPE_REAL,    TYPE_DURATION};
    struct random r;

    *t = (struct table){.rows = rows};
    t->text = mem_array(rows, sizeof *t->text);
    t->label = mem_array(rows, 1);
    for (unsigned j = 0; j < TABLE_INPUTS; j++) {
        column_init(&t->column[j], types[j], rows);
        t->input[j] = &t->column[j];
    }
    random_init(&r, seed);
    for (uint32_t i = 0; i < rows; i++)
        table_row(t, i, &r);
    t->dataset = (struct dataset){.rows = rows,
                                  .inputs = TABLE_INPUTS,
                                  .input = t->input,
                                  .name = table_names,
                                  .fingerprint = table_fingerprints,
                                  .label = t->label};
}

static inline void table_fini(struct table *t)
{
    for (unsigned j = 0; j < TABLE_INPUTS; j++)
        column_fini(&t->column[j]);
    mem_free(t->text);
    mem_free(t->label);
}

static inline struct model *table_boost(const struct dataset *d, const struct boost_options *o,
                                        const struct workers *w)
{
    struct learn_run run = {.seed = 42, .workers = w};
    struct error e = {0};
    struct model *m = NULL;

    if (!boost_train(d, NULL, o, &run, &m, &e))
        fail_msg("%s", e.text);
    return m;
}

static inline struct model *
table_logistic(const struct dataset *d, const struct logistic_options *o, const struct workers *w)
{
    struct learn_run run = {.seed = 42, .workers = w};
    struct error e = {0};
    struct model *m = NULL;

    if (!logistic_train(d, o, &run, &m, &e))
        fail_msg("%s", e.text);
    return m;
}

static inline struct model *table_net(const struct dataset *d, const struct net_options *o,
                                      const struct workers *w)
{
    struct learn_run run = {.seed = 42, .workers = w, .simd = simd_best()};
    struct error e = {0};
    struct model *m = NULL;

    if (!net_train(d, NULL, o, &run, &m, &e))
        fail_msg("%s", e.text);
    return m;
}

static inline void table_bytes(const struct model *m, struct buffer *b)
{
    buffer_init(b, MODEL_BYTES_MAX);
    model_format(m, b);
    assert_false(b->overflow);
}

static inline void assert_same_model(const struct model *a, const struct model *b)
{
    struct buffer x, y;

    table_bytes(a, &x);
    table_bytes(b, &y);
    assert_int_equal(x.length, y.length);
    assert_memory_equal(x.bytes, y.bytes, x.length);
    buffer_fini(&x);
    buffer_fini(&y);
}

/* Pools that run the tasks here, but in an order of their own. */
static inline void run_backwards(void *pool, unsigned tasks,
                                 void (*task)(void *context, unsigned number), void *context)
{
    for (unsigned i = tasks; i-- > 0;)
        task(context, i);
}

static inline void run_odd_first(void *pool, unsigned tasks,
                                 void (*task)(void *context, unsigned number), void *context)
{
    for (unsigned i = 1; i < tasks; i += 2)
        task(context, i);
    for (unsigned i = 0; i < tasks; i += 2)
        task(context, i);
}

static const struct workers two_workers = {2, run_backwards, NULL};
static const struct workers three_workers = {3, run_odd_first, NULL};

#endif
