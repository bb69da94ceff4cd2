/* What an event costs where one entity holds very many: each aggregate alone over a window of
 * 100,000 events (or argument 1) of one key; processor time of velocity_run, one by one. With late
 * ones: each tenth event is 50 events late. A sketch has no window; the values of 1,000 events may
 * still be late. A dry run: up to 50 events' time ahead of the newest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "core/base/memory.h"
#include "core/velocity/velocity.h"

enum { KEY, NUMBER, WORD, TEXT, RESULT, NODES, BATCH = 1, MEASURED = 20000, CAPACITY = 1 << 30 };

static const struct {
    const char *name;
    enum aggregate_kind kind;
    int operand;
    enum type type;
    int64_t param, step_us;
} rows[] = {
    {"mean", AGG_MEAN, NUMBER, TYPE_REAL, 0, 0},
    {"max", AGG_MAX, NUMBER, TYPE_DECIMAL, 0, 0},
    {"distinct", AGG_DISTINCT, WORD, TYPE_INT, 0, 0},
    {"approx_distinct", AGG_APPROX_DISTINCT, NUMBER, TYPE_INT, 0, 0},
    {"mode", AGG_MODE, WORD, TYPE_INT, 0, 0},
    {"mode of a text", AGG_MODE, TEXT, TYPE_TEXT, 0, 0},
    {"entropy", AGG_ENTROPY, WORD, TYPE_REAL, 0, 0},
    {"quantile", AGG_QUANTILE, NUMBER, TYPE_REAL, 950000, 0},
    {"rank", AGG_RANK, NUMBER, TYPE_REAL, 0, 0},
    {"decayed_sum", AGG_DECAYED_SUM, NUMBER, TYPE_REAL, 10000, 0},
    {"mean in 1,000 steps", AGG_MEAN, NUMBER, TYPE_REAL, 0, 100},
    {"max in 1,000 steps", AGG_MAX, NUMBER, TYPE_DECIMAL, 0, 100},
};

struct bench {
    struct aggregate aggregate;
    struct velocity_layout *layout;
    struct region region;
    struct velocity *velocity;
    struct column column[NODES];
    struct registers registers;
    struct hash128 token;
    uint64_t random, seq;
    int64_t clock_us;
    double worst_s;
};

static char key_name[] = "key";

static uint64_t next(struct bench *b)
{
    b->random += 0x9e3779b97f4a7c15u;
    return hash_mix(b->random);
}

static void open_bench(struct bench *b, size_t row, int64_t events, void *memory)
{
    static const enum type types[] = {TYPE_INT, TYPE_DECIMAL, TYPE_INT, TYPE_TEXT};
    const struct aggregate *list[1] = {&b->aggregate};
    struct velocity_options o = {.lateness_us = 1000, .key = {1, 2}};
    int operand = rows[row].operand;

    *b = (struct bench){.random = 3};
    b->aggregate = (struct aggregate){.kind = rows[row].kind,
                                      .operand = operand,
                                      .operand_type = types[operand],
                                      .key_count = 1,
                                      .key_name = key_name,
                                      .where = -1,
                                      .over_us = rows[row].kind == AGG_APPROX_DISTINCT ? 0 : events,
                                      .step_us = rows[row].step_us * (events / 100000),
                                      .param = rows[row].param,
                                      .prior = rows[row].kind == AGG_RANK,
                                      .type = rows[row].type,
                                      .node = RESULT};
    b->layout = velocity_layout_new(list, 1, &o);
    memset(memory, 0, CAPACITY);
    region_init(&b->region, memory, CAPACITY, 1);
    b->velocity = velocity_open(b->layout, &b->region);
    for (int n = 0; n < NODES; n++)
        column_init(&b->column[n], n == RESULT ? rows[row].type : types[n], BATCH);
    arena_init(&b->registers.text, 1 << 16);
    b->registers.rows = BATCH;
    b->registers.column = b->column;
    velocity_tokens(b->layout, &b->registers, simd_best(), &b->token);
}

static void close_bench(struct bench *b)
{
    velocity_close(b->velocity);
    velocity_layout_free(b->layout);
    for (int n = 0; n < NODES; n++)
        column_fini(&b->column[n]);
    arena_fini(&b->registers.text);
}

/* One event a microsecond, a value of many, a word of 200, most of them one of a few. */
static double play(struct bench *b, uint32_t count, bool late, bool read)
{
    static const uint8_t insert = 1;
    double total = 0, start, took;

    for (uint32_t i = 0; i < count; i++) {
        int64_t t = (read ? b->clock_us + i % 50 : ++b->clock_us) - (late && i % 10 == 0 ? 50 : 0);
        uint64_t seq = ++b->seq;
        struct velocity_rows one = {.rows = 1,
                                    .time_us = &t,
                                    .seq = &seq,
                                    .insert = &insert,
                                    .watermark_us = &b->clock_us,
                                    .token = &b->token};
        static char word[16];
        uint64_t r = next(b) % 200;

        b->column[NUMBER].integer[0] = (int64_t)(next(b) % 1000000) * 10000;
        b->column[WORD].integer[0] = (int64_t)(r * r / 200);
        b->column[TEXT].text[0] =
            (struct text){word, (size_t)snprintf(word, sizeof word, "%u", (unsigned)(r * r / 200))};
        arena_clear(&b->registers.text);
        start = bench_now_s();
        if (read)
            velocity_read(b->velocity, 0, &b->registers, &one);
        else
            velocity_run(b->velocity, 0, &b->registers, &one);
        took = bench_now_s() - start;
        total += took;
        b->worst_s = took > b->worst_s ? took : b->worst_s;
    }
    return total / count;
}

int main(int argc, char **argv)
{
    uint32_t events = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
    void *memory = mem_aligned(64, CAPACITY);

    printf("one key, a window of %u events: an event costs\n", events);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench b;
        double in_order, late, read;

        open_bench(&b, i, events, memory);
        (void)play(&b, events + events / 8, false, false);
        b.worst_s = 0;
        in_order = play(&b, MEASURED, false, false);
        late = play(&b, MEASURED, true, false);
        read = play(&b, MEASURED, false, true);
        printf("  %-20s %6.2f us, with late ones %6.2f us, a dry run %6.2f us, at most %5.0f us\n",
               rows[i].name, in_order * 1e6, late * 1e6, read * 1e6, b.worst_s * 1e6);
        close_bench(&b);
    }
    mem_free(memory);
    return 0;
}
