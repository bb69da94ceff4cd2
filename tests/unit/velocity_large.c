/* Aggregates of one entity with tens of thousands of events, where trees and sorted runs have three
 * levels and blocks are compacted: against plain loops over the events, at some rows. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fixed.h"
#include "core/base/memory.h"
#include "core/velocity/velocity.h"

enum {
    ROWS = 50000,
    EVERY = 4801, /* rows that are compared */
    LATE_US = 3000,
    KEY = 0,
    NUMBER,
    WORD,
    WHERE,
    RESULT,
    AGGREGATES = 14,
    NODES = RESULT + AGGREGATES,
    BATCH = 50,
    VALUES = 1000000, /* of a hundred each */
    MEMORY = 256 << 20,
};

/* Windows in events, about: one a microsecond. The longest is the last of a kind. */
static const struct {
    enum aggregate_kind kind;
    int operand;
    int64_t over_us, delay_us, param, step_us;
    bool filtered;
} wanted[AGGREGATES] = {
    {AGG_QUANTILE, NUMBER, 200, 0, 500000, 0, false},
    {AGG_QUANTILE, NUMBER, 5000, 300, 950000, 0, true},
    {AGG_QUANTILE, NUMBER, 40000, 0, 123456, 0, false},
    {AGG_RANK, NUMBER, 3000, 0, 0, 0, true},
    {AGG_RANK, NUMBER, 40000, 5000, 0, 0, false},
    {AGG_RANK, WORD, 36000, 0, 0, 0, false},
    {AGG_MODE, WORD, 70, 0, 0, 0, false},
    {AGG_MODE, WORD, 40000, 0, 0, 0, false},
    {AGG_MODE, NUMBER, 4000, 2000, 0, 0, true},
    {AGG_MAX, NUMBER, 30000, 0, 0, 300, false},
    {AGG_MIN, NUMBER, 30000, 600, 0, 300, true},
    {AGG_COUNT, -1, 36000, 0, 0, 9, true},
    {AGG_SUM, NUMBER, 36000, 9, 0, 9, false},
    {AGG_MEAN, NUMBER, 36000, 0, 0, 9, true},
};

struct stream {
    int64_t time[ROWS], number[ROWS], word[ROWS];
    uint8_t filter[ROWS], number_null[ROWS], insert[ROWS];
    int64_t watermark[ROWS];
    uint64_t random;
};

static uint32_t random_below(struct stream *s, uint32_t below)
{
    s->random += 0x9e3779b97f4a7c15u;
    return (uint32_t)((hash_mix(s->random) >> 32) % below);
}

static void fill(struct stream *s, uint64_t seed)
{
    int64_t clock = 0;

    s->random = seed;
    for (uint32_t i = 0; i < ROWS; i++) {
        clock += random_below(s, 3);
        s->time[i] = clock - (random_below(s, 20) == 0 ? random_below(s, LATE_US) : 0);
        s->watermark[i] = clock;
        s->insert[i] = random_below(s, 50) != 0;
        s->number[i] = (int64_t)random_below(s, seed % 2 ? 1000000 : 300) * 100;
        s->number_null[i] = random_below(s, 9) == 0;
        s->word[i] = 100 * (int64_t)random_below(s, 1 + random_below(s, 40));
        s->filter[i] = random_below(s, 4) != 0;
    }
}

static void make_aggregates(struct aggregate *a)
{
    static char key_name[] = "key";

    for (int i = 0; i < AGGREGATES; i++)
        a[i] = (struct aggregate){
            .kind = wanted[i].kind,
            .operand = wanted[i].operand,
            .operand_type = wanted[i].operand == NUMBER ? TYPE_DECIMAL : TYPE_INT,
            .key_count = 1,
            .key_name = key_name,
            .where = wanted[i].filtered ? WHERE : -1,
            .over_us = wanted[i].over_us,
            .delay_us = wanted[i].delay_us,
            .step_us = wanted[i].step_us,
            .param = wanted[i].param,
            .prior = wanted[i].kind == AGG_RANK,
            .type = wanted[i].kind == AGG_COUNT ||
                            (wanted[i].kind == AGG_MODE && wanted[i].operand == WORD)
                        ? TYPE_INT
                    : wanted[i].kind == AGG_MODE || wanted[i].kind == AGG_MAX ||
                            wanted[i].kind == AGG_MIN || wanted[i].kind == AGG_SUM
                        ? TYPE_DECIMAL
                        : TYPE_REAL,
            .node = RESULT + i};
}

/* ---- the loops */

static int64_t down(int64_t t, int64_t step)
{
    return t < 0 ? (t - step + 1) / step * step : t / step * step;
}

static bool is_inside(const struct stream *s, int a, uint32_t row, uint32_t k)
{
    int64_t end = s->time[row] - wanted[a].delay_us, t = s->time[k];

    if ((k == row ? wanted[a].kind == AGG_RANK : !s->insert[k]) ||
        (wanted[a].filtered && !s->filter[k]))
        return false;
    if (wanted[a].step_us == 0)
        return t <= end && t > end - wanted[a].over_us;
    if (t < down(end, wanted[a].step_us) - wanted[a].over_us)
        return false;
    return wanted[a].delay_us == 0 ? t <= end : t < down(end, wanted[a].step_us);
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

struct values {
    int64_t list[ROWS], in_time[ROWS];
    uint32_t count, events;
};

static void collect(const struct stream *s, int a, uint32_t row, struct values *v)
{
    bool is_word = wanted[a].operand == WORD;

    v->count = v->events = 0;
    for (uint32_t k = 0; k <= row; k++) {
        if (!is_inside(s, a, row, k))
            continue;
        v->events++;
        if (is_word || !s->number_null[k]) {
            v->list[v->count] = is_word ? s->word[k] : s->number[k];
            v->in_time[v->count++] = s->time[k];
        }
    }
}

/* The most frequent value; among several that of the newest event, the later of two of one time. */
static int64_t mode_of(const struct values *v)
{
    static uint32_t count[VALUES];
    static int64_t newest[VALUES];
    int64_t best = 0;

    memset(count, 0, sizeof count);
    for (uint32_t i = 0; i < v->count; i++) {
        int64_t x = v->list[i] / 100;
        int64_t order = v->in_time[i] * ROWS + i; /* of arrival among equal times */

        if (count[x] == 0 || order > newest[x])
            newest[x] = order;
        count[x]++;
    }
    for (uint32_t i = 0; i < v->count; i++) {
        int64_t x = v->list[i] / 100, y = best / 100;

        if (i == 0 || count[x] > count[y] || (count[x] == count[y] && newest[x] > newest[y]))
            best = v->list[i];
    }
    return best;
}

static double quantile_of(struct values *v, int64_t millionths)
{
    uint64_t place = (uint64_t)(v->count - 1) * (uint64_t)millionths, part = place % 1000000;
    const int64_t *at;

    qsort(v->list, v->count, sizeof *v->list, compare);
    at = &v->list[place / 1000000];
    return fixed_ratio((int128)at[0] * (1000000 - (int64_t)part) +
                           (part > 0 ? (int128)at[1] * (int64_t)part : 0),
                       1000000000000u);
}

static void expect_row(const struct stream *s, int a, uint32_t row, const struct column *c)
{
    static struct values v;
    int64_t now = wanted[a].operand == WORD ? s->word[row] : s->number[row];
    int128 sum = 0;
    uint64_t twice = 0;

    collect(s, a, row, &v);
    for (uint32_t i = 0; i < v.count; i++) {
        sum += v.list[i];
        twice += v.list[i] < now ? 2u : v.list[i] == now;
    }
    if (wanted[a].kind == AGG_COUNT) {
        assert_int_equal(c->integer[0], v.events);
        return;
    }
    if (v.count == 0 && wanted[a].kind != AGG_SUM) {
        assert_true(c->null[0]);
        return;
    }
    if (wanted[a].kind == AGG_RANK && wanted[a].operand == NUMBER && s->number_null[row]) {
        assert_true(c->null[0]);
        return;
    }
    assert_false(c->null[0]);
    if (wanted[a].kind == AGG_QUANTILE)
        assert_true(c->real[0] == quantile_of(&v, wanted[a].param));
    else if (wanted[a].kind == AGG_RANK)
        assert_true(c->real[0] == (double)twice / (2.0 * v.count));
    else if (wanted[a].kind == AGG_MODE)
        assert_int_equal(c->integer[0], mode_of(&v));
    else if (wanted[a].kind == AGG_SUM)
        assert_int_equal(c->integer[0], (int64_t)sum);
    else if (wanted[a].kind == AGG_MEAN)
        assert_true(c->real[0] == fixed_ratio(sum, (uint128)v.count * 1000000));
    else {
        qsort(v.list, v.count, sizeof *v.list, compare);
        assert_int_equal(c->integer[0], v.list[wanted[a].kind == AGG_MAX ? v.count - 1 : 0]);
    }
}

/* ---- the engine's side */

struct side {
    struct aggregate aggregate[AGGREGATES];
    struct velocity_layout *layout;
    void *memory;
    struct region region;
    struct velocity *velocity;
    struct column column[NODES];
    struct hash128 token[BATCH];
    uint64_t seq[BATCH];
};

static void side_init(struct side *o)
{
    const struct aggregate *list[AGGREGATES];
    struct velocity_options options = {.lateness_us = LATE_US, .key = {5, 6}};
    struct registers r = {.rows = BATCH, .column = o->column};

    make_aggregates(o->aggregate);
    for (int i = 0; i < AGGREGATES; i++)
        list[i] = &o->aggregate[i];
    o->layout = velocity_layout_new(list, AGGREGATES, &options);
    o->memory = mem_aligned(64, MEMORY);
    region_init(&o->region, o->memory, MEMORY, 1);
    o->velocity = velocity_open(o->layout, &o->region);
    for (int n = 0; n < NODES; n++) {
        enum type type = n == NUMBER  ? TYPE_DECIMAL
                         : n == WHERE ? TYPE_BOOL
                         : n < RESULT ? TYPE_INT
                                      : o->aggregate[n - RESULT].type;

        column_init(&o->column[n], type, BATCH);
    }
    velocity_tokens(o->layout, &r, simd_best(), o->token);
}

static void side_fini(struct side *o)
{
    velocity_close(o->velocity);
    velocity_layout_free(o->layout);
    mem_free(o->memory);
    for (int n = 0; n < NODES; n++)
        column_fini(&o->column[n]);
}

static void run(struct side *o, const struct stream *s, uint32_t first, uint32_t rows, bool read)
{
    struct registers r = {.rows = rows, .column = o->column};
    struct velocity_rows in = {.rows = rows,
                               .time_us = s->time + first,
                               .seq = o->seq,
                               .insert = s->insert + first,
                               .watermark_us = s->watermark + first,
                               .token = o->token};

    for (uint32_t i = 0; i < rows; i++) {
        o->column[NUMBER].integer[i] = s->number_null[first + i] ? 0 : s->number[first + i];
        o->column[NUMBER].null[i] = s->number_null[first + i];
        o->column[WORD].integer[i] = s->word[first + i];
        o->column[WHERE].integer[i] = s->filter[first + i];
        o->seq[i] = first + i;
    }
    if (read)
        velocity_read(o->velocity, 0, &r, &in);
    else
        velocity_run(o->velocity, 0, &r, &in);
}

static void large_windows_are_those_of_plain_loops(void **state)
{
    static struct stream s;

    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct side o;
        struct velocity_counts c;

        fill(&s, seed);
        side_init(&o);
        for (uint32_t row = 0; row < ROWS;) {
            uint32_t rows = EVERY - row % EVERY;

            rows = rows > BATCH ? BATCH : rows;
            rows = rows > ROWS - row ? ROWS - row : rows;
            if (row % EVERY == 0 && row > 0) {
                for (int pass = 0; pass < 2; pass++) { /* read only, then run */
                    run(&o, &s, row, 1, pass == 0);
                    for (int a = 0; a < AGGREGATES; a++)
                        expect_row(&s, a, row, &o.column[RESULT + a]);
                }
                row++;
                continue;
            }
            run(&o, &s, row, rows, false);
            row += rows;
        }
        velocity_count(o.velocity, 0, &c);
        assert_int_equal(c.dropped, 0);
        assert_true(c.events < ROWS - 1000); /* some are gone */
        side_fini(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_windows_are_those_of_plain_loops),
    };

    return RUN(tests);
}
