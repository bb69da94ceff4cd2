#include "tests/unit/test.h"

#include <math.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/os/thread.h"
#include "tests/unit/velocity_stream.h"
#include "tests/unit/witness.h"

enum { SEEDS = 2000, TINY_SEEDS = 400, LEVELS = 2, ROOMY = 4 << 20 };

/* Rows of all streams that forgot nothing. */
static uint64_t whole_rows;

/* An engine's side of a stream: its own result columns over the stream's operands. */
struct side {
    struct velocity_layout *layout;
    struct region region;
    void *memory;
    size_t capacity, budget;
    struct velocity *velocity;
    const struct workers *workers; /* lent to it */
    struct column column[NODES];
    struct arena text;
    struct hash128 *token;
    uint8_t *forgotten;
};

static void *memory_new(size_t bytes)
{
    return mem_aligned(64, bytes);
}

static void side_init(struct side *o, struct stream *s, size_t capacity, size_t budget,
                      const struct workers *workers)
{
    const struct aggregate *list[AGGREGATES_MAX];
    struct registers r = {.rows = s->rows, .column = s->column};

    memset(o, 0, sizeof *o);
    for (uint32_t i = 0; i < s->count; i++)
        list[i] = &s->aggregate[i];
    s->options.memory_bytes = budget;
    o->layout = velocity_layout_new(list, s->count, &s->options);
    o->capacity = capacity;
    o->budget = budget;
    o->memory = memory_new(capacity);
    region_init(&o->region, o->memory, capacity, velocity_layout_fingerprint(o->layout));
    o->velocity = velocity_open(o->layout, &o->region);
    o->workers = workers;
    velocity_lend(o->velocity, workers);
    memcpy(o->column, s->column, sizeof o->column);
    for (int n = NODE_RESULTS; n < NODES; n++)
        column_init(&o->column[n], s->column[n].type, ROWS_MAX);
    arena_init(&o->text, 1 << 20);
    o->token = mem_array((size_t)s->rows * velocity_group_count(o->layout), sizeof *o->token);
    o->forgotten = mem_array((size_t)s->rows * velocity_group_count(o->layout), 1);
    velocity_tokens(o->layout, &r, simd_best(), o->token);
}

/* Tokens of words are made in vectors: the same at every level. */
static void expect_same_tokens(const struct side *o, struct stream *s)
{
    size_t count = (size_t)s->rows * velocity_group_count(o->layout);
    struct registers r = {.rows = s->rows, .column = s->column};
    struct hash128 *token = mem_array(count, sizeof *token);

    for (int simd = SIMD_SCALAR; simd <= (int)simd_best(); simd++) {
        velocity_tokens(o->layout, &r, (enum simd)simd, token);
        assert_memory_equal(token, o->token, count * sizeof *token);
    }
    mem_free(token);
}

static void side_fini(struct side *o)
{
    velocity_close(o->velocity);
    velocity_layout_free(o->layout);
    mem_free(o->memory);
    for (int n = NODE_RESULTS; n < NODES; n++)
        column_fini(&o->column[n]);
    arena_fini(&o->text);
    mem_free(o->token);
    mem_free(o->forgotten);
}

/* Columns that begin at row `first`. */
static void view(const struct column *from, uint32_t first, struct column *to)
{
    for (int n = 0; n < NODES; n++) {
        to[n] = from[n];
        to[n].null += first;
        if (to[n].type == TYPE_TEXT)
            to[n].text += first;
        else
            to[n].integer += first;
    }
}

static void run(struct side *o, const struct stream *s, uint32_t first, uint32_t rows,
                bool with_steps, bool read_only)
{
    uint32_t groups = velocity_group_count(o->layout), steps = 0;
    struct column column[NODES];
    struct registers r = {.rows = rows, .column = column};
    struct label_step step[STEPS_MAX];
    struct velocity_rows in = {.rows = rows,
                               .time_us = s->time_us + first,
                               .seq = s->seq + first,
                               .insert = s->insert + first,
                               .watermark_us = s->watermark_us + first,
                               .token = o->token + (size_t)first * groups,
                               .forgotten = o->forgotten + (size_t)first * groups,
                               .step = step};

    for (uint32_t i = 0; with_steps && i < s->steps; i++) {
        const struct stream_step *from = &s->step[i];

        if (from->row < first || from->row >= first + (rows > 0 ? rows : 1))
            continue;
        step[steps++] = (struct label_step){.row = from->row - first,
                                            .label = from->label,
                                            .time_us = s->time_us[from->event],
                                            .seq = s->seq[from->event],
                                            .token = o->token + (size_t)from->event * groups};
    }
    in.steps = steps;
    view(o->column, first, column);
    r.text = o->text;
    for (int level = 0; level < LEVELS; level++) {
        if (read_only)
            velocity_read(o->velocity, level, &r, &in);
        else
            velocity_run(o->velocity, level, &r, &in);
    }
    o->text = r.text;
}

/* Go on from a copy of the bytes at another address. */
static void snapshot(struct side *o)
{
    size_t used = region_header(&o->region)->used;
    void *copy = memory_new(o->capacity);
    struct error e;

    memcpy(copy, o->memory, used);
    velocity_close(o->velocity);
    memset(o->memory, 0xa5, o->capacity);
    mem_free(o->memory);
    o->memory = copy;
    assert_true(region_open(&o->region, copy, o->capacity, used,
                            velocity_layout_fingerprint(o->layout), &e));
    o->velocity = velocity_open(o->layout, &o->region);
    velocity_lend(o->velocity, o->workers);
}

static bool same_result(const struct column *a, const struct column *b, uint32_t row)
{
    if (a->null[row] != b->null[row])
        return false;
    return a->type == TYPE_TEXT ? text_equal(a->text[row], b->text[row])
                                : a->integer[row] == b->integer[row];
}

/* The oracle takes powers and logarithms of long doubles: their last digits differ. A decayed
 * weight is a power of two to one part in 2^30 (decay.h); sums of large values that cancel are
 * compared to those. */
static bool near_result(const struct stream *s, const struct aggregate *g, const struct column *a,
                        const struct column *b, uint32_t row)
{
    double size = fabs(a->real[row]);

    if (g->kind != AGG_ENTROPY && g->kind != AGG_DECAYED_COUNT && g->kind != AGG_DECAYED_SUM)
        return false;
    if (a->null[row] != b->null[row])
        return false;
    for (uint32_t i = 0; g->kind == AGG_DECAYED_SUM && i <= row; i++) {
        const struct column *x = &s->column[g->operand];
        double value = x->type == TYPE_REAL ? x->real[i] : (double)x->integer[i];

        if (fabs(value) < 1e20)
            size += fabs(x->type == TYPE_DECIMAL ? value / 1e6 : value);
    }
    return fabs(a->real[row] - b->real[row]) <=
           (g->kind == AGG_ENTROPY ? 1e-12 : 1e-8) * (1e-3 + size);
}

static void expect_same(const struct stream *s, const struct column *a, const struct column *b,
                        uint32_t first, uint32_t rows, bool all, const char *what, uint64_t seed)
{
    for (uint32_t row = first; row < first + rows; row++) {
        for (uint32_t i = 0; i < s->count; i++) {
            const struct aggregate *g = &s->aggregate[i];

            if ((!all && !s->comparable[row]) || same_result(&a[g->node], &b[g->node], row))
                continue;
            if (!all && near_result(s, g, &a[g->node], &b[g->node], row))
                continue;
            fail_msg("seed %llu row %u: %s: kind %d of node %d (label %d) over %lld delay %lld "
                     "prior %d where %d step %lld param %lld: %d/%lld, not %d/%lld",
                     (unsigned long long)seed, row, what, g->kind, g->operand, g->of_label,
                     (long long)g->over_us, (long long)g->delay_us, g->prior, g->where,
                     (long long)g->step_us, (long long)g->param, b[g->node].null[row],
                     (long long)b[g->node].integer[row], a[g->node].null[row],
                     (long long)a[g->node].integer[row]);
        }
    }
}

/* Counted bytes are the region's, and no more than the budget. */
static void expect_counted(const struct side *o)
{
    const struct region_header *h = region_header(&o->region);
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < velocity_group_count(o->layout); i++) {
        struct velocity_counts c;

        velocity_count(o->velocity, i, &c);
        bytes += c.bytes;
    }
    assert_true(bytes <= o->budget);
    assert_true(h->live >= bytes && h->live - bytes < region_own_bytes() + 16384);
}

static void run_in_batches(struct side *o, struct stream *s)
{
    for (uint32_t row = 0; row < s->rows;) {
        uint32_t rows = 1 + stream_random(s, stream_random(s, 4) == 0 ? 200 : 40);
        bool is_watched = stream_random(s, 4) == 0;
        struct witness w;

        if (rows > s->rows - row)
            rows = s->rows - row;
        if (is_watched)
            witness_begin(&w, &o->region);
        run(o, s, row, rows, true, false);
        if (is_watched)
            witness_end(&w);
        row += rows;
        if (stream_random(s, 6) == 0)
            snapshot(o);
    }
}

static void keep_row(const struct stream *s, const struct column *from, struct column *to,
                     uint32_t row)
{
    for (uint32_t i = 0; i < s->count; i++) {
        int n = s->aggregate[i].node;

        to[n].null[row] = from[n].null[row];
        if (to[n].type == TYPE_TEXT)
            to[n].text[row] = from[n].text[row];
        else
            to[n].integer[row] = from[n].integer[row];
    }
}

/* Row by row, each read before it is run. */
static void run_one_by_one(struct side *o, struct stream *s, uint64_t seed)
{
    struct column seen[NODES];

    memcpy(seen, o->column, sizeof seen);
    for (int n = NODE_RESULTS; n < NODES; n++)
        column_init(&seen[n], s->column[n].type, ROWS_MAX);
    for (uint32_t row = 0; row < s->rows; row++) {
        run(o, s, row, 0, true, false);
        run(o, s, row, 1, false, true);
        keep_row(s, o->column, seen, row);
        run(o, s, row, 1, false, false);
        expect_same(s, o->column, seen, row, 1, true, "read against run", seed);
    }
    for (int n = NODE_RESULTS; n < NODES; n++)
        column_fini(&seen[n]);
}

static void expect_same_counts(const struct side *a, const struct side *b, uint64_t *evicted)
{
    for (uint32_t i = 0; i < velocity_group_count(a->layout); i++) {
        struct velocity_counts x, y;

        velocity_count(a->velocity, i, &x);
        velocity_count(b->velocity, i, &y);
        assert_memory_equal(&x, &y, sizeof x);
        *evicted += x.evicted + x.dropped;
    }
}

static bool is_flagged(const struct side *o, uint32_t row)
{
    uint32_t groups = velocity_group_count(o->layout);

    return memchr(o->forgotten + (size_t)row * groups, 1, groups) != NULL;
}

/* A row whose results lack events that were forgotten says so; one that says so may yet be whole.
 */
static void expect_flagged(const struct stream *s, const struct side *o, uint64_t seed,
                           uint64_t *whole)
{
    for (uint32_t row = 0; row < s->rows; row++) {
        *whole += !is_flagged(o, row);
        if (!is_flagged(o, row))
            expect_same(s, s->column, o->column, row, 1, false, "not flagged", seed);
    }
}

/* Batches on two threads against rows one by one. */
static void play(struct stream *s, uint64_t seed, size_t capacity, size_t budget,
                 const struct workers *workers, uint64_t *evicted)
{
    struct side batches, singles;

    side_init(&batches, s, capacity, budget, workers);
    side_init(&singles, s, capacity, budget, NULL);
    expect_same_tokens(&batches, s);
    run_in_batches(&batches, s);
    run_one_by_one(&singles, s, seed);
    expect_same(s, singles.column, batches.column, 0, s->rows, true, "batches", seed);
    expect_same_counts(&batches, &singles, evicted);
    expect_counted(&batches);
    assert_memory_equal(batches.forgotten, singles.forgotten,
                        (size_t)s->rows * velocity_group_count(batches.layout));
    stream_oracle(s);
    if (budget == ROOMY)
        expect_same(s, s->column, batches.column, 0, s->rows, false, "oracle", seed);
    expect_flagged(s, &batches, seed, &whole_rows);
    side_fini(&batches);
    side_fini(&singles);
}

static void results_are_the_oracles(void **state)
{
    static struct stream s;
    struct pool *pool = pool_new(2);
    uint64_t evicted = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        stream_init(&s, seed);
        play(&s, seed, ROOMY, ROOMY, pool_workers(pool), &evicted);
        stream_fini(&s);
    }
    pool_free(pool);
    assert_int_equal(evicted, 0);
    assert_true(whole_rows > 100000);
}

/* Where memory is short entities go, the same ones however rows were batched. */
static void a_small_budget_evicts(void **state)
{
    static struct stream s;
    struct pool *pool = pool_new(2);
    uint64_t evicted = 0;

    (void)state;
    whole_rows = 0;
    for (uint64_t seed = 0; seed < TINY_SEEDS; seed++) {
        stream_init(&s, seed);
        play(&s, seed, ROOMY, (12 << 10) + seed % 32 * 1024, pool_workers(pool), &evicted);
        stream_fini(&s);
    }
    pool_free(pool);
    assert_true(evicted > 1000);
    assert_true(whole_rows > 10000);
}

/* The region itself may be full before the budget is. */
static void a_small_region_evicts(void **state)
{
    static struct stream s;
    struct pool *pool = pool_new(2);
    uint64_t evicted = 0;

    (void)state;
    for (uint64_t seed = 0; seed < TINY_SEEDS; seed++) {
        size_t capacity = region_own_bytes() + (20 << 10) + seed % 32 * 1024;

        stream_init(&s, seed);
        for (uint32_t i = 0; i < s.count; i++)
            s.aggregate[i].level = 0;
        play(&s, seed, capacity, capacity, pool_workers(pool), &evicted);
        stream_fini(&s);
    }
    pool_free(pool);
    assert_true(evicted > 1000);
}

/* ---- shares: two groups, one of many entities, one of few that come later, in too little room */

enum { LONG_ROWS = 40000, LONG_NODES = 6, LONG_BUDGET = 600 << 10 };

struct long_run {
    struct velocity_counts counts[2];
    struct column column[LONG_NODES];
};

static void fill_long(struct column *column, int64_t *time_us)
{
    struct stream s = {.random = 7};

    for (uint32_t i = 0; i < LONG_ROWS; i++) {
        time_us[i] = (int64_t)i * 1000;
        column[0].integer[i] = stream_random(&s, 3000);
        column[1].integer[i] = i < LONG_ROWS / 4 ? 0 : stream_random(&s, 1500);
        column[2].integer[i] = stream_random(&s, 100);
    }
}

static void long_aggregates(struct aggregate *a)
{
    static char names[2][2] = {"a", "b"};

    for (int i = 0; i < 2; i++)
        a[i] = (struct aggregate){.kind = AGG_SUM,
                                  .operand = 2,
                                  .operand_type = TYPE_INT,
                                  .keys = {i},
                                  .key_count = 1,
                                  .key_name = names[i],
                                  .where = -1,
                                  .over_us = 50000000,
                                  .type = TYPE_INT,
                                  .node = 3 + i};
}

static void run_long(struct long_run *o, uint32_t batch, const struct workers *workers)
{
    struct aggregate a[2];
    const struct aggregate *list[] = {&a[0], &a[1]};
    struct velocity_options options = {.key = {1, 2}, .memory_bytes = LONG_BUDGET};
    struct region region;
    void *memory = memory_new(ROOMY * 4);
    int64_t *time_us = mem_array(LONG_ROWS, sizeof *time_us);
    uint64_t *seq = mem_array(LONG_ROWS, sizeof *seq);
    uint8_t *insert = mem_array(LONG_ROWS, 1);
    struct hash128 *token = mem_array((size_t)LONG_ROWS * 2, sizeof *token);
    struct registers r = {.rows = LONG_ROWS, .column = o->column};
    struct velocity_layout *l;
    struct velocity *v;

    long_aggregates(a);
    for (int n = 0; n < LONG_NODES; n++)
        column_init(&o->column[n], TYPE_INT, LONG_ROWS);
    fill_long(o->column, time_us);
    memset(insert, 1, LONG_ROWS);
    l = velocity_layout_new(list, 2, &options);
    region_init(&region, memory, ROOMY * 4, 1);
    v = velocity_open(l, &region);
    velocity_lend(v, workers);
    velocity_tokens(l, &r, SIMD_SCALAR, token);
    for (uint32_t first = 0; first < LONG_ROWS; first += batch) {
        uint32_t rows = LONG_ROWS - first < batch ? LONG_ROWS - first : batch;
        struct column column[LONG_NODES];
        struct registers part = {.rows = rows, .column = column};
        struct velocity_rows in = {rows,           time_us + first, seq + first,
                                   insert + first, time_us + first, token + (size_t)first * 2};

        for (int n = 0; n < LONG_NODES; n++) {
            column[n] = o->column[n];
            column[n].null += first;
            column[n].integer += first;
        }
        velocity_run(v, 0, &part, &in);
    }
    for (uint32_t i = 0; i < 2; i++)
        velocity_count(v, i, &o->counts[i]);
    velocity_close(v);
    velocity_layout_free(l);
    mem_free(memory);
    mem_free(time_us);
    mem_free(seq);
    mem_free(insert);
    mem_free(token);
}

static void expect_same_run(const struct long_run *a, const struct long_run *b)
{
    assert_memory_equal(a->counts, b->counts, sizeof a->counts);
    for (int n = 3; n < 5; n++)
        assert_memory_equal(a->column[n].integer, b->column[n].integer,
                            LONG_ROWS * sizeof a->column[n].integer[0]);
}

/* The group that comes later gets its part, though the other one had taken nearly all. */
static void shares_follow_the_rows(void **state)
{
    static struct long_run runs[3];
    struct pool *pool = pool_new(2);

    (void)state;
    run_long(&runs[0], 1, NULL);
    run_long(&runs[1], 4096, pool_workers(pool));
    run_long(&runs[2], 700, pool_workers(pool));
    expect_same_run(&runs[0], &runs[1]);
    expect_same_run(&runs[0], &runs[2]);
    assert_true(runs[0].counts[0].evicted > 0);
    assert_true(runs[0].counts[1].bytes > LONG_BUDGET / 4);
    assert_true(runs[0].counts[0].bytes + runs[0].counts[1].bytes <= LONG_BUDGET);
    for (int i = 0; i < 3; i++) {
        for (int n = 0; n < LONG_NODES; n++)
            column_fini(&runs[i].column[n]);
    }
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_the_oracles),
        cmocka_unit_test(a_small_budget_evicts),
        cmocka_unit_test(a_small_region_evicts),
        cmocka_unit_test(shares_follow_the_rows),
    };

    return RUN(tests);
}
