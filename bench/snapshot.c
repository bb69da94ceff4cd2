/* What a snapshot costs the engine, and how fast a state comes back.
 *
 *   snapshot DIRECTORY [GIB...]     without sizes: 1
 *
 * Five entity kinds x 4 windows (count, sum) with uniform keys, as many entities as fill so much
 * state; then groups of 256 events one after the other without a rest, which is the worst case: a
 * real server waits for its disk between them. Of each group the processor time of its thread, page
 * faults included, since other work on the machine is not in it: without a snapshot, and while one
 * is written by another thread to DIRECTORY. Then the file is restored into fresh memory and
 * verified; groups run in it at once, and again after its pages, and fresh ones behind them, were
 * made its own, as a server does in the background. The file is in the page cache: the disk's own
 * speed is not measured. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/bench.h"
#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/velocity/velocity.h"
#include "shell/os/thread.h"
#include "shell/run/freeze.h"
#include "shell/run/snapshot.h"

enum {
    KINDS = 5,
    WINDOWS = 4,
    GROUP = 256,
    GROUPS_MAX = 1 << 22,
    LAYOUT = 7,
    RESTORED_GROUPS = 400
};

static char key_name[] = "key";

struct bench {
    struct aggregate aggregate[64];
    uint32_t aggregates, entities;
    struct velocity_layout *layout;
    struct state state;
    struct velocity *velocity;
    struct column column[KINDS + 1 + KINDS * WINDOWS * 2];
    struct registers registers;
    struct hash128 token[GROUP * KINDS];
    int64_t time_us[GROUP];
    uint64_t seq[GROUP], random;
    uint8_t insert[GROUP];
    int64_t clock_us;
    double *group_s;
    uint32_t groups;
    const char *directory;
    struct freeze *freeze;
    struct snapshot_head head;
    double written_s;
};

static double thread_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t next(struct bench *b)
{
    b->random += 0x9e3779b97f4a7c15u;
    return hash_mix(b->random);
}

static void add(struct bench *b, enum aggregate_kind kind, int key, int64_t over_s)
{
    b->aggregate[b->aggregates] =
        (struct aggregate){.kind = kind,
                           .operand = kind == AGG_SUM ? KINDS : -1,
                           .operand_type = TYPE_DECIMAL,
                           .keys = {key},
                           .key_count = 1,
                           .key_name = key_name,
                           .where = -1,
                           .over_us = over_s * 1000000,
                           .type = kind == AGG_SUM ? TYPE_DECIMAL : TYPE_INT,
                           .node = KINDS + 1 + (int)b->aggregates};
    b->aggregates++;
}

static struct state memory_new(size_t bytes)
{
    struct state s = {.capacity = bytes};

    s.memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s.memory == MAP_FAILED)
        abort();
    (void)madvise(s.memory, bytes, MADV_HUGEPAGE);
    return s;
}

static void bench_open(struct bench *b, size_t capacity)
{
    static const int64_t windows[WINDOWS] = {3600, 86400, 7 * 86400, 30 * 86400};
    struct velocity_options o = {.key = {1, 2}, .memory_bytes = capacity};
    const struct aggregate *list[64];

    for (int k = 0; k < KINDS; k++) {
        for (int w = 0; w < WINDOWS; w++) {
            add(b, AGG_COUNT, k, windows[w]);
            add(b, AGG_SUM, k, windows[w]);
        }
    }
    for (uint32_t i = 0; i < b->aggregates; i++)
        list[i] = &b->aggregate[i];
    for (uint32_t n = 0; n < KINDS + 1 + b->aggregates; n++)
        column_init(&b->column[n], n > KINDS ? b->aggregate[n - KINDS - 1].type : TYPE_INT, GROUP);
    b->column[KINDS].type = TYPE_DECIMAL;
    b->layout = velocity_layout_new(list, b->aggregates, &o);
    b->state = memory_new(capacity);
    region_init(&b->state.region, b->state.memory, capacity, LAYOUT);
    b->velocity = velocity_open(b->layout, &b->state.region);
    b->registers.column = b->column;
    memset(b->insert, 1, sizeof b->insert);
}

static void run_group(struct bench *b, bool fills)
{
    struct velocity_rows rows = {.rows = GROUP,
                                 .time_us = b->time_us,
                                 .seq = b->seq,
                                 .insert = b->insert,
                                 .watermark_us = b->time_us,
                                 .token = b->token};

    for (uint32_t i = 0; i < GROUP; i++) {
        b->time_us[i] = b->clock_us += 1000;
        b->seq[i]++;
        for (int k = 0; k < KINDS; k++) {
            b->column[k].integer[i] =
                (int64_t)(fills ? b->entities++ / KINDS : next(b) % (b->entities / KINDS));
            b->column[k].null[i] = 0;
        }
        b->column[KINDS].integer[i] = (int64_t)(next(b) % 100000) * 10000;
    }
    b->registers.rows = GROUP;
    velocity_tokens(b->layout, &b->registers, simd_best(), b->token);
    {
        double start = thread_s();

        velocity_run(b->velocity, 0, &b->registers, &rows);
        if (b->groups < GROUPS_MAX)
            b->group_s[b->groups++] = thread_s() - start;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void tell_groups(struct bench *b, const char *prefix, const char *what)
{
    char name[96];
    double all = 0;

    for (uint32_t i = 0; i < b->groups; i++)
        all += b->group_s[i];
    qsort(b->group_s, b->groups, sizeof *b->group_s, ascending);
    snprintf(name, sizeof name, "%s_%s_mean_us", prefix, what);
    bench_put(name, all / b->groups * 1e6);
    snprintf(name, sizeof name, "%s_%s_p999_us", prefix, what);
    bench_put(name, b->group_s[(uint64_t)b->groups * 999 / 1000] * 1e6);
    snprintf(name, sizeof name, "%s_%s_max_us", prefix, what);
    bench_put(name, b->group_s[b->groups - 1] * 1e6);
    b->groups = 0;
}

static bool read_frozen(void *context, size_t chunk, void *out, struct error *e)
{
    return freeze_read(context, chunk, out) || error_set(e, ERROR_FULL, "given up");
}

static void *write_main(void *context)
{
    struct bench *b = context;
    struct snapshot_source from = {read_frozen, b->freeze};
    double start = bench_now_s();
    struct error e;

    thread_background();
    if (!snapshot_write(b->directory, &b->head, &from, &e))
        bench_fail(&e);
    b->written_s = bench_now_s() - start;
    freeze_over(b->freeze);
    return NULL;
}

static void bench_write(struct bench *b, const char *prefix)
{
    size_t used = region_header(&b->state.region)->used;
    pthread_t thread;
    struct error e;
    double start;
    char name[96];

    b->freeze = freeze_new(b->state.capacity, FREEZE_BLOCK_LOG, b->state.capacity, &e);
    if (b->freeze == NULL)
        bench_fail(&e);
    freeze_prepare(b->freeze, used);
    b->head = (struct snapshot_head){.seq = 1, .layout = LAYOUT, .bytes = used};
    start = bench_now_s();
    b->state.region.watch = freeze_begin(b->freeze, b->state.memory, used);
    snprintf(name, sizeof name, "%s_begin_us", prefix);
    bench_put(name, (bench_now_s() - start) * 1e6);
    if (pthread_create(&thread, NULL, write_main, b) != 0)
        abort();
    while (!freeze_is_over(b->freeze))
        run_group(b, false);
    pthread_join(thread, NULL);
    b->state.region.watch = NULL;
    tell_groups(b, prefix, "group_beside");
    snprintf(name, sizeof name, "%s_write_GB_per_s", prefix);
    bench_put(name, (double)used / b->written_s / 1e9);
    snprintf(name, sizeof name, "%s_copied_share", prefix);
    bench_put(name, (double)freeze_copied(b->freeze) / (double)used);
    freeze_end(b->freeze);
    freeze_free(b->freeze);
}

/* Memory from there on, as a server does, ahead of use. */
static void settle_ahead(const struct bench *b, size_t from)
{
    for (size_t at = from / STATE_SETTLE_BYTES * STATE_SETTLE_BYTES; at < b->state.capacity;
         at += STATE_SETTLE_BYTES)
        state_settle(b->state.memory, at, b->state.capacity);
}

static void bench_restore(struct bench *b, const char *prefix)
{
    struct state fresh = memory_new(b->state.capacity);
    struct snapshot_head head;
    double start = bench_now_s(), taken;
    struct error e;
    char name[96];

    if (!snapshot_read(b->directory, LAYOUT, UINT64_MAX, &fresh, &head))
        abort();
    taken = bench_now_s() - start;
    snprintf(name, sizeof name, "%s_restore_GB_per_s", prefix);
    bench_put(name, (double)head.bytes / taken / 1e9);
    snprintf(name, sizeof name, "%s_restore_s", prefix);
    bench_put(name, taken);
    velocity_close(b->velocity);
    munmap(b->state.memory, b->state.capacity);
    b->state = fresh;
    if (!region_open(&b->state.region, fresh.memory, fresh.capacity, head.bytes, LAYOUT, &e))
        bench_fail(&e);
    b->velocity = velocity_open(b->layout, &b->state.region);
    for (int i = 0; i < RESTORED_GROUPS; i++)
        run_group(b, false);
    tell_groups(b, prefix, "group_restored");
    start = bench_now_s();
    for (size_t at = 0; at < head.bytes; at += STATE_SETTLE_BYTES)
        state_settle(b->state.memory, at, head.bytes);
    snprintf(name, sizeof name, "%s_settle_s", prefix);
    bench_put(name, bench_now_s() - start);
    settle_ahead(b, head.bytes);
    for (int i = 0; i < RESTORED_GROUPS; i++)
        run_group(b, false);
    tell_groups(b, prefix, "group_settled");
}

static void bench_size(const char *directory, double gib)
{
    struct bench *b = mem_alloc(sizeof *b);
    size_t bytes = (size_t)(gib * (1 << 30)), capacity = (bytes + (bytes >> 1)) >> 21 << 21;
    char prefix[32], path[4096];

    b->group_s = mem_array(GROUPS_MAX, sizeof *b->group_s);
    b->directory = directory;
    b->random = 1;
    snprintf(prefix, sizeof prefix, "snapshot_%gGiB", gib);
    bench_open(b, capacity);
    settle_ahead(b, 0);
    while (region_header(&b->state.region)->used < bytes && b->groups < GROUPS_MAX)
        run_group(b, true);
    printf("%g GiB of state: %u entities of each of %d kinds, groups of %d events\n", gib,
           b->entities / KINDS, KINDS, GROUP);
    b->groups = 0;
    for (int i = 0; i < 4000; i++)
        run_group(b, false);
    tell_groups(b, prefix, "group_alone");
    bench_write(b, prefix);
    bench_restore(b, prefix);
    velocity_close(b->velocity);
    velocity_layout_free(b->layout);
    munmap(b->state.memory, b->state.capacity);
    snprintf(path, sizeof path, "%s/%020d.snapshot", directory, 1);
    unlink(path);
    for (uint32_t n = 0; n < KINDS + 1 + b->aggregates; n++)
        column_fini(&b->column[n]);
    mem_free(b->group_s);
    mem_free(b);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: snapshot DIRECTORY [GIB...]\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        double gib;

        if (!number_parse_real(text_of(argv[i]), '.', &gib) || gib <= 0 || gib > 32) {
            fprintf(stderr, "expected a size in GiB up to 32, found \"%s\"\n", argv[i]);
            return 2;
        }
        bench_size(argv[1], gib);
    }
    if (argc == 2)
        bench_size(argv[1], 1);
    return 0;
}
