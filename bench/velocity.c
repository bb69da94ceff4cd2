/* Speed of velocity in memory, on generated events.
 *
 *   handbook  12 windowed features of the Fraud Detection Handbook over events like its own: 5,000
 *             customers, 10,000 terminals, 1.75 M events in 183 days; a label for each event after
 *             7 days; batches of 4096; with and without making tokens. On one thread (processor
 *             time, at each width of vectors, which only tokens use) and on two (time by the wall).
 *             The figures have both times, with tokens.
 *   uniform   5 entity kinds x 4 windows (count and sum), 1 M entities each, uniform keys, in
 *             batches of 1024 and one by one; measured after a warm-up over all entities, tokens
 *             and the making of events left out. Memory is cold: each event's entities are
 *             somewhere else. The state's memory is touched before, so that the system's clearing
 *             of pages is not part of the figures, and there is so much of it (ENTITY_BYTES) that
 *             the region does not fill up: all entities grow at once here, and blocks that they
 *             outgrew are of no use to anybody. In a full region rows are taken one by one.
 *
 * Without arguments: both. `velocity handbook [FILE PREFIX]`, where FILE has events in columns (an
 * int64 with their number; time, customer, terminal and amount in int64; labels in bytes) in place
 * of generated ones and PREFIX begins the figures' names; or `velocity uniform [entities [warm-up
 * [measured events]]]`; few events suffice for instruction counts, which do not depend on who else
 * uses the processor: valgrind --tool=callgrind --toggle-collect=velocity_run
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "bench/bench.h"
#include "core/base/memory.h"
#include "core/velocity/velocity.h"
#include "shell/os/thread.h"

enum { BATCH_MAX = 4096, KINDS = 5, WINDOWS = 4, ENTITY_BYTES = 1200, EVENTS_MAX = 10000000 };

static char key_name[] = "key";
static const int64_t second_us = 1000000, day_us = 86400 * 1000000ll;

struct bench {
    struct velocity_layout *layout;
    struct region region;
    struct velocity *velocity;
    void *memory;
    size_t memory_bytes;
    struct aggregate aggregate[64];
    uint32_t aggregates;
    struct column *column;
    struct registers registers;
    struct velocity_rows rows;
    struct hash128 *token;
    uint64_t random;
};

static double processor_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Of one thread the time of the processor, which others do not take; of several that of the wall.
 */
static double now_s(unsigned threads)
{
    return threads > 1 ? bench_now_s() : processor_s();
}

static uint64_t next(struct bench *b)
{
    b->random += 0x9e3779b97f4a7c15u;
    return hash_mix(b->random);
}

static void *memory_map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    if (p == MAP_FAILED)
        abort();
    (void)madvise(p, bytes, MADV_HUGEPAGE);
    (void)madvise(p, bytes, MADV_POPULATE_WRITE);
    return p;
}

static void add(struct bench *b, enum aggregate_kind kind, int key, int operand, bool of_label,
                int64_t over_us, int64_t delay_us, int node)
{
    struct aggregate *a = &b->aggregate[b->aggregates++];

    *a = (struct aggregate){.kind = kind,
                            .of_label = of_label,
                            .operand = operand,
                            .operand_type = TYPE_DECIMAL,
                            .keys = {key},
                            .key_count = 1,
                            .key_name = key_name,
                            .where = -1,
                            .over_us = over_us,
                            .delay_us = delay_us,
                            .type = TYPE_REAL,
                            .node = node};
    if (kind == AGG_COUNT)
        a->type = TYPE_INT;
    else if (kind == AGG_SUM)
        a->type = TYPE_DECIMAL;
}

static void open_bench(struct bench *b, size_t memory, int nodes)
{
    const struct aggregate *list[64];
    struct velocity_options o = {.label_delay_us = 7 * day_us,
                                 .absent = LABEL_ABSENT_LEGIT,
                                 .key = {1, 2},
                                 .memory_bytes = memory};

    for (uint32_t i = 0; i < b->aggregates; i++)
        list[i] = &b->aggregate[i];
    b->layout = velocity_layout_new(list, b->aggregates, &o);
    b->memory = memory_map(memory);
    b->memory_bytes = memory;
    region_init(&b->region, b->memory, memory, 1);
    b->velocity = velocity_open(b->layout, &b->region);
    b->column = mem_array((size_t)nodes, sizeof *b->column);
    b->registers.column = b->column;
    b->token = mem_array(BATCH_MAX * velocity_group_count(b->layout), sizeof *b->token);
    b->rows.token = b->token;
}

static void close_bench(struct bench *b)
{
    velocity_close(b->velocity);
    velocity_layout_free(b->layout);
    munmap(b->memory, b->memory_bytes);
    mem_free(b->column);
    mem_free(b->token);
}

static void put_counts(const struct bench *b, const char *what)
{
    uint64_t bytes = 0, entities = 0;
    char name[96];

    for (uint32_t i = 0; i < velocity_group_count(b->layout); i++) {
        struct velocity_counts c;

        velocity_count(b->velocity, i, &c);
        printf("  %s kind %u: %llu entities, %llu events retained, %.0f bytes an entity\n", what, i,
               (unsigned long long)c.entities, (unsigned long long)c.events,
               (double)c.bytes / (double)(c.entities ? c.entities : 1));
        bytes += c.bytes;
        entities += c.entities;
    }
    snprintf(name, sizeof name, "%s_bytes_per_entity", what);
    bench_put(name, (double)bytes / (double)(entities ? entities : 1));
}

/* Columns of one batch, reused. */
static void columns_init(struct bench *b, int nodes)
{
    for (int n = 0; n < nodes; n++)
        column_init(&b->column[n], TYPE_INT, BATCH_MAX);
    for (uint32_t i = 0; i < b->aggregates; i++)
        b->column[b->aggregate[i].node].type = b->aggregate[i].type;
}

struct handbook {
    int64_t *time, *customer, *terminal, *amount;
    uint8_t *label;
    uint32_t count;
};

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void handbook_init(struct handbook *h, uint32_t count)
{
    h->count = count;
    h->time = mem_array(count, 8);
    h->customer = mem_array(count, 8);
    h->terminal = mem_array(count, 8);
    h->amount = mem_array(count, 8);
    h->label = mem_array(count, 1);
}

/* Events in order of time, each column one after the other. */
static void handbook_read(const char *path, struct handbook *h)
{
    FILE *f = fopen(path, "rb");
    int64_t count = 0;
    bool ok = f != NULL && fread(&count, 8, 1, f) == 1 && count > 0 && count <= EVENTS_MAX;

    if (ok) {
        size_t n = (size_t)count;

        handbook_init(h, (uint32_t)count);
        ok = fread(h->time, 8, n, f) == n && fread(h->customer, 8, n, f) == n &&
             fread(h->terminal, 8, n, f) == n && fread(h->amount, 8, n, f) == n &&
             fread(h->label, 1, n, f) == n && fgetc(f) == EOF;
    }
    if (!ok) {
        fprintf(stderr, "%s: expected 1 to %d events in columns\n", path, EVENTS_MAX);
        exit(2);
    }
    fclose(f);
}

static void handbook_generate(struct bench *b, struct handbook *h)
{
    handbook_init(h, 1754155);
    for (uint32_t i = 0; i < h->count; i++)
        h->time[i] = (int64_t)(next(b) % (183ull * 86400)) * second_us;
    qsort(h->time, h->count, 8, by_time);
    for (uint32_t i = 0; i < h->count; i++) {
        h->customer[i] = (int64_t)(next(b) % 5000);
        h->terminal[i] = (int64_t)(next(b) % 10000);
        h->amount[i] = (int64_t)(next(b) % 10000) * 10000;
        h->label[i] = next(b) % 120 == 0;
    }
}

/* Labels take effect 7 days after their event. */
static uint32_t handbook_steps(const struct handbook *h, const struct hash128 *tokens,
                               uint32_t first, uint32_t rows, uint32_t *labelled,
                               struct label_step *step)
{
    uint32_t steps = 0;

    for (uint32_t i = 0; i < rows; i++) {
        while (h->time[*labelled] + 7 * day_us <= h->time[first + i]) {
            uint32_t k = (*labelled)++;

            step[steps++] = (struct label_step){i, h->label[k], h->time[k], k, &tokens[2 * k]};
        }
    }
    return steps;
}

static void handbook_features(struct bench *b)
{
    static const int64_t windows[] = {1, 7, 30};
    int node = 3;

    for (int w = 0; w < 3; w++) {
        add(b, AGG_COUNT, 0, -1, false, windows[w] * day_us, 0, node++);
        add(b, AGG_MEAN, 0, 2, false, windows[w] * day_us, 0, node++);
        add(b, AGG_COUNT, 1, -1, false, windows[w] * day_us, 7 * day_us, node++);
        add(b, AGG_MEAN, 1, -1, true, windows[w] * day_us, 7 * day_us, node++);
    }
    open_bench(b, (size_t)128 << 20, node);
    columns_init(b, node);
}

struct handbook_run {
    struct hash128 *token;
    struct label_step *step;
    uint64_t *seq;
    uint8_t *insert;
    double tokens_s, run_s, wall_s, processor_s;
    uint32_t labelled;
};

/* All events through a fresh state; batches as they come. */
static void run_handbook(struct bench *b, const struct handbook *h, struct handbook_run *o,
                         unsigned threads, enum simd simd)
{
    double start = now_s(threads), wall_s = bench_now_s(), used_s = processor_s();

    b->column[0].integer = h->customer;
    b->column[1].integer = h->terminal;
    b->registers.rows = h->count;
    velocity_tokens(b->layout, &b->registers, simd, o->token);
    o->tokens_s = now_s(threads) - start;
    o->labelled = 0;
    o->run_s = 0;
    for (uint32_t first = 0; first < h->count; first += BATCH_MAX) {
        uint32_t rows = h->count - first < BATCH_MAX ? h->count - first : BATCH_MAX;
        uint32_t steps = handbook_steps(h, o->token, first, rows, &o->labelled, o->step);

        b->column[2].integer = h->amount + first;
        b->registers.rows = rows;
        b->rows = (struct velocity_rows){.rows = rows,
                                         .time_us = h->time + first,
                                         .seq = o->seq + first,
                                         .insert = o->insert,
                                         .watermark_us = h->time + first,
                                         .token = o->token + (size_t)first * 2,
                                         .step = o->step,
                                         .steps = steps};
        start = now_s(threads);
        velocity_run(b->velocity, 0, &b->registers, &b->rows);
        o->run_s += now_s(threads) - start;
    }
    o->wall_s = bench_now_s() - wall_s;
    o->processor_s = processor_s() - used_s;
}

static void bench_handbook(const struct handbook *h, const char *prefix, unsigned threads,
                           enum simd simd)
{
    struct bench b = {0};
    struct handbook_run o = {.token = mem_array((size_t)h->count * 2, sizeof *o.token),
                             .step = mem_array(h->count, sizeof *o.step),
                             .seq = mem_array(h->count, sizeof *o.seq),
                             .insert = mem_array(h->count, 1)};
    struct pool *pool = pool_new(threads);
    char name[96], middle[32] = "";
    double all;

    memset(o.insert, 1, h->count);
    for (uint32_t i = 0; i < h->count; i++)
        o.seq[i] = i;
    handbook_features(&b);
    for (int n = 0; n < 3; n++)
        b.column[n].null = mem_array(h->count, 1);
    velocity_lend(b.velocity, pool_workers(pool));
    run_handbook(&b, h, &o, threads, simd);
    all = h->count / (o.run_s + o.tokens_s) / 1e6;
    printf("handbook, 12 windowed features, %u events, %u labels, %u thread%s, %s, hot: "
           "%.2f M events/s (%.0f ns), %.2f with tokens\n",
           h->count, o.labelled, threads, threads > 1 ? "s" : "", simd_name(simd),
           h->count / o.run_s / 1e6, o.run_s / h->count * 1e9, all);
    if (threads > 1)
        snprintf(middle, sizeof middle, "_%u_threads", threads);
    else if (simd != simd_best())
        snprintf(middle, sizeof middle, "_%s", simd_name(simd));
    snprintf(name, sizeof name, "%s%s_M_events_per_s", prefix, middle);
    bench_put(name, h->count / o.wall_s / 1e6);
    snprintf(name, sizeof name, "%s%s_M_events_per_processor_s", prefix, middle);
    bench_put(name, h->count / o.processor_s / 1e6);
    if (threads == 1 && simd == simd_best())
        put_counts(&b, prefix);
    close_bench(&b);
    pool_free(pool);
    mem_free(o.token);
    mem_free(o.step);
    mem_free(o.seq);
    mem_free(o.insert);
}

static void bench_handbooks(const char *path, const char *prefix)
{
    struct bench b = {.random = 1};
    struct handbook h;

    if (path != NULL)
        handbook_read(path, &h);
    else
        handbook_generate(&b, &h);
    for (int simd = (int)simd_best(); simd >= SIMD_SCALAR; simd--)
        bench_handbook(&h, prefix, 1, (enum simd)simd);
    bench_handbook(&h, prefix, 2, simd_best());
}

static void uniform_batch(struct bench *b, uint32_t rows, uint32_t entities, int64_t *clock_us,
                          int64_t pace_us, int64_t *time, uint64_t *seq)
{
    for (uint32_t i = 0; i < rows; i++) {
        *clock_us += pace_us;
        time[i] = *clock_us;
        seq[i] = (uint64_t)*clock_us;
        for (int k = 0; k < KINDS; k++)
            b->column[k].integer[i] = (int64_t)(next(b) % entities);
        b->column[KINDS].integer[i] = (int64_t)(next(b) % 1000000);
    }
    b->registers.rows = rows;
    velocity_tokens(b->layout, &b->registers, simd_best(), b->token);
    b->rows = (struct velocity_rows){.rows = rows,
                                     .time_us = time,
                                     .seq = seq,
                                     .insert = b->rows.insert,
                                     .watermark_us = time,
                                     .token = b->token};
}

/* One by one: row `i` of the batch as a batch of its own. */
static void run_single(struct bench *b, uint32_t i)
{
    struct velocity_rows one = b->rows;

    one.rows = 1;
    one.time_us += i;
    one.seq += i;
    one.watermark_us += i;
    one.token += (size_t)i * KINDS;
    velocity_run(b->velocity, 0, &b->registers, &one);
}

static void bench_uniform(uint32_t entities, uint32_t warm_up, uint32_t measured)
{
    static const int64_t windows[WINDOWS] = {3600, 86400, 7 * 86400, 30 * 86400};
    static int64_t time[BATCH_MAX];
    static uint64_t seq[BATCH_MAX];
    uint8_t *insert = mem_array(BATCH_MAX, 1);
    struct bench b = {.random = 2};
    struct pool *pool = pool_new(2);
    int64_t clock_us = 0, pace_us = 30 * day_us / (10ll * entities); /* 10 events in 30 days */
    double batched_s = 0, shared_s = 0, single_s = 0, start;
    uint32_t rows = 1024;
    int node = KINDS + 1;

    for (int k = 0; k < KINDS; k++) {
        for (int w = 0; w < WINDOWS; w++) {
            add(&b, AGG_COUNT, k, -1, false, windows[w] * second_us, 0, node++);
            add(&b, AGG_SUM, k, KINDS, false, windows[w] * second_us, 0, node++);
        }
    }
    open_bench(&b, (size_t)KINDS * entities * ENTITY_BYTES + (64 << 20), node);
    columns_init(&b, node);
    memset(insert, 1, BATCH_MAX);
    b.rows.insert = insert;
    for (uint32_t done = 0; done < warm_up + 3 * measured; done += rows) {
        bool single = done >= warm_up + 2 * measured;
        unsigned threads = !single && done >= warm_up + measured ? 2 : 1;

        uniform_batch(&b, rows, entities, &clock_us, pace_us, time, seq);
        b.rows.insert = insert;
        velocity_lend(b.velocity, threads > 1 ? pool_workers(pool) : NULL);
        start = now_s(threads);
        if (!single)
            velocity_run(b.velocity, 0, &b.registers, &b.rows);
        for (uint32_t i = 0; single && i < rows; i++)
            run_single(&b, i);
        if (done >= warm_up)
            *(single ? &single_s : threads > 1 ? &shared_s : &batched_s) += now_s(threads) - start;
    }
    printf("uniform, 5 kinds x 4 windows (count, sum), %u entities each, cold: %.0f ns an event in "
           "batches of %u on 1 thread, %.0f on 2, %.0f one by one on 1\n",
           entities, batched_s / measured * 1e9, rows, shared_s / measured * 1e9,
           single_s / measured * 1e9);
    bench_put("velocity_uniform_batched_ns", batched_s / measured * 1e9);
    bench_put("velocity_uniform_batched_2_threads_ns", shared_s / measured * 1e9);
    bench_put("velocity_uniform_single_ns", single_s / measured * 1e9);
    put_counts(&b, "velocity_uniform");
    close_bench(&b);
    pool_free(pool);
}

static uint32_t argument(int argc, char **argv, int i, uint32_t otherwise)
{
    return argc > i ? (uint32_t)strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    uint32_t entities = argument(argc, argv, 2, 1000000);

    if (strcmp(what, "handbook") == 0 && argc == 4)
        bench_handbooks(argv[2], argv[3]);
    else if (strcmp(what, "uniform") != 0)
        bench_handbooks(NULL, "velocity_handbook");
    if (strcmp(what, "handbook") != 0)
        bench_uniform(entities, argument(argc, argv, 3, entities * 12),
                      argument(argc, argv, 4, 1 << 20));
    return 0;
}
