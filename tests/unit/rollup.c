/* Rollups over rows made by hand: periods, exactness in any order, joins, limits. Whole tables
 * beside SQL, and both kinds of database, are in tests/system/test_daily_risk.py. */
#include "tests/unit/test.h"

#include <math.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "shell/watch/rollup.h"

static struct error e;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, e.text);                                                     \
    } while (0)

enum { ROWS = 4000 };

/* time, customer, amount (real) */
static struct schema *schema;
static struct frame rows;

static void make_rows(uint32_t count)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    struct random r;

    random_init(&r, 7);
    schema = schema_new();
    MUST(schema_add(schema, text_of("at"), TYPE_TIME, &e));
    MUST(schema_add(schema, text_of("customer"), TYPE_TEXT, &e));
    MUST(schema_add(schema, text_of("amount"), TYPE_REAL, &e));
    frame_init(&rows, schema, count, 1 << 20);
    for (uint32_t i = 0; i < count; i++) {
        rows.column[0].integer[i] = (int64_t)(random_u64(&r) % (30 * (uint64_t)US_PER_DAY));
        rows.column[1].text[i] = text_of(names[random_u64(&r) % 4]);
        rows.column[1].null[i] = i % 50 == 0;
        rows.column[2].real[i] = (double)(random_u64(&r) % 1000000) / 1000 - 200;
        rows.column[2].null[i] = i % 31 == 0;
    }
    rows.rows = count;
}

static void free_rows(void)
{
    frame_fini(&rows);
    schema_free(schema);
}

static const char settings_text[] =
    "sources: {transactions: t.csv}\n"
    "event: {time: at}\n"
    "model: {kind: none}\n"
    "rollups:\n"
    "  by_day:\n"
    "    source: transactions\n"
    "    by: [customer]\n"
    "    measures: {n: count(), x: sum(amount), m: mean(amount), s: std(amount), lo: min(amount),\n"
    "               hi: max(amount), k: distinct(customer), big: count() where (amount > 500)}\n"
    "  all: {source: transactions, every: month, measures: {n: count(), who: distinct(customer)}}\n"
    "  days: {source: transactions, measures: {n_all: count()}}\n"
    "  both: {source: by_day, every: row, join: [days], columns: {share: n / n_all}}\n";

static struct rollups *made(struct settings *s, bool is_reversed, uint32_t batch)
{
    struct rollups *r;
    struct frame part;

    MUST(rollups_open(s, NULL, &r, &e));
    MUST(rollups_begin(r, "transactions", schema, &e));
    frame_init(&part, schema, ROWS, 1 << 20);
    for (uint32_t i = 0; i < rows.rows; i++) {
        assert_true(frame_append(&part, &rows, is_reversed ? rows.rows - 1 - i : i));
        if (part.rows == batch || i + 1 == rows.rows) {
            MUST(rollups_add(r, "transactions", schema, &part, &e));
            frame_clear(&part);
        }
    }
    MUST(rollups_finish(r, &e));
    frame_fini(&part);
    return r;
}

static void assert_same(const struct rollup_rows *a, const struct rollup_rows *b)
{
    assert_int_equal(a->frame.rows, b->frame.rows);
    assert_int_equal(a->frame.columns, b->frame.columns);
    for (uint32_t k = 0; k < a->frame.columns; k++) {
        for (uint32_t i = 0; i < a->frame.rows; i++) {
            struct value x = column_get(&a->frame.column[k], i);
            struct value y = column_get(&b->frame.column[k], i);

            assert_true(value_equal(&x, &y));
        }
    }
}

static void test_order_and_batches_change_no_bit(void **state)
{
    struct rollups *a, *b;
    struct settings *s;

    make_rows(ROWS);
    MUST(settings_parse(text_of(settings_text), "assay.yaml", &s, &e));
    a = made(s, false, ROWS);
    b = made(s, true, 7);
    for (uint32_t i = 0; i < a->count; i++)
        assert_same(&a->rollup[i].rows, &b->rollup[i].rows);
    MUST(rollups_finish(a, &e)); /* reading changes nothing */
    for (uint32_t i = 0; i < a->count; i++)
        assert_same(&a->rollup[i].rows, &b->rollup[i].rows);
    rollups_free(a);
    rollups_free(b);
    settings_free(s);
    free_rows();
}

/* What one rollup kept, as the database has it: pieces by measure, period and part. */
struct kept {
    struct rollup_piece piece[4096];
    uint32_t count;
};

static bool keep(void *context, const struct rollup_piece *p, struct error *error)
{
    struct kept *k = context;
    uint32_t to = 0;

    (void)error;
    if (p->measure == ROLLUP_OF_GROUPS && p->part == 0) { /* the period comes anew, whole */
        for (uint32_t i = 0; i < k->count; i++) {
            if (k->piece[i].measure == p->measure && k->piece[i].start_us == p->start_us)
                mem_free((void *)(uintptr_t)k->piece[i].state.bytes);
            else
                k->piece[to++] = k->piece[i];
        }
        k->count = to;
    }
    assert_true(k->count < 4096);
    k->piece[k->count] = *p;
    k->piece[k->count++].state.bytes = mem_text(p->state.bytes, p->state.length);
    return true;
}

static void add_part(struct rollups *r, uint32_t from, uint32_t until)
{
    struct frame part;

    frame_init(&part, schema, ROWS, 1 << 20);
    for (uint32_t i = from; i < until; i++)
        assert_true(frame_append(&part, &rows, i));
    MUST(rollups_add(r, "transactions", schema, &part, &e));
    frame_fini(&part);
}

static void test_runs_that_go_on_are_one_run(void **state)
{
    static const uint32_t cut[] = {0, 1, 2, 700, 701, 2500, ROWS};
    struct kept *kept = mem_array(4, sizeof *kept);
    struct rollups *whole, *r = NULL;
    struct rollup_counts counts[4];
    struct settings *s;
    uint32_t before;

    make_rows(ROWS);
    MUST(settings_parse(text_of(settings_text), "assay.yaml", &s, &e));
    whole = made(s, false, ROWS);
    for (uint32_t run = 0; run + 1 < sizeof cut / sizeof *cut; run++) {
        rollups_free(r);
        MUST(rollups_open(s, NULL, &r, &e));
        MUST(rollups_begin(r, "transactions", schema, &e));
        for (uint32_t i = 0; i < 3 && run > 0; i++) {
            for (uint32_t k = kept[i].count; k > 0; k--) /* in any order */
                MUST(rollup_groups_load(r->rollup[i].groups, &kept[i].piece[k - 1], &e));
            rollup_groups_loaded(r->rollup[i].groups, &counts[i]);
        }
        add_part(r, cut[run], cut[run + 1]);
        for (uint32_t i = 0; i < 3; i++) {
            before = kept[i].count;
            MUST(rollup_groups_keep(r->rollup[i].groups, keep, &kept[i], &e));
            rollup_groups_counts(r->rollup[i].groups, &counts[i]);
            if (run == 3) /* of one row: its period, and no token that was there */
                assert_true(kept[i].count - before <= 2);
        }
        MUST(rollups_finish(r, &e));
    }
    for (uint32_t i = 0; i < r->count; i++)
        assert_same(&whole->rollup[i].rows, &r->rollup[i].rows);
    assert_int_equal(counts[0].rows, ROWS);

    /* What is damaged is refused: cut short, of no measure, an empty token. */
    for (uint32_t i = 0; i < kept[0].count; i++) {
        struct rollup_piece p = kept[0].piece[i];
        struct rollup_groups *g;

        MUST(rollups_begin(r, "transactions", schema, &e));
        g = r->rollup[0].groups;
        p.state.length--;
        assert_false(rollup_groups_load(g, &p, &e));
        assert_non_null(strstr(e.text, "--rebuild"));
        p.state.length++;
        p.measure = i % 2 == 0 ? -2 : 99;
        assert_false(rollup_groups_load(g, &p, &e));
    }
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < kept[i].count; k++)
            mem_free((void *)(uintptr_t)kept[i].piece[k].state.bytes);
    }
    mem_free(kept);
    rollups_free(whole);
    rollups_free(r);
    settings_free(s);
    free_rows();
}

/* One group beside plain loops over the rows. */
static void check_group(const struct rollup_rows *t, uint32_t row)
{
    const struct column *c = t->frame.column;
    double sum = 0, squares = 0, lo = INFINITY, hi = -INFINITY;
    int64_t n = 0, values = 0, big = 0;

    for (uint32_t i = 0; i < rows.rows; i++) {
        int64_t at = rows.column[0].integer[i];
        double x = rows.column[2].real[i];

        if (at - at % US_PER_DAY != c[0].integer[row] || rows.column[1].null[i] != c[1].null[row] ||
            (!c[1].null[row] && !text_equal(rows.column[1].text[i], c[1].text[row])))
            continue;
        n++;
        if (rows.column[2].null[i])
            continue;
        values++;
        sum += x;
        squares += x * x;
        lo = fmin(lo, x);
        hi = fmax(hi, x);
        big += x > 500;
    }
    assert_int_equal(c[2].integer[row], n);
    assert_true(fabs(c[3].real[row] - sum) < 1e-6);
    assert_int_equal(c[9].integer[row], big);
    assert_int_equal(c[4].null[row], values == 0);
    assert_int_equal(c[5].null[row], values < 2);
    if (values > 1) {
        double std = sqrt((squares - sum * sum / (double)values) / (double)(values - 1));

        assert_true(fabs(c[4].real[row] - sum / (double)values) < 1e-6);
        assert_true(fabs(c[5].real[row] - std) < 1e-5);
        assert_true(c[6].real[row] == lo && c[7].real[row] == hi);
    }
}

static void test_groups_are_what_loops_count(void **state)
{
    const struct rollup_rows *t;
    struct settings *s;
    struct rollups *r;

    make_rows(ROWS);
    MUST(settings_parse(text_of(settings_text), "assay.yaml", &s, &e));
    r = made(s, false, 100);
    t = &rollups_find(r, "by_day")->rows;
    assert_true(t->frame.rows > 30 * 4 && t->frame.rows <= 30 * 5); /* some days all have a name */
    for (uint32_t row = 0; row < t->frame.rows; row++)
        check_group(t, row);
    t = &rollups_find(r, "all")->rows;
    assert_int_equal(t->frame.rows, 1);
    assert_int_equal(t->frame.column[1].integer[0], ROWS);
    assert_int_equal(t->frame.column[2].integer[0], 4);
    t = &rollups_find(r, "both")->rows; /* the shares of a day come to 1 */
    for (uint32_t i = 0, next; i < t->frame.rows; i = next) {
        double share = 0;

        for (next = i; next < t->frame.rows &&
                       t->frame.column[0].integer[next] == t->frame.column[0].integer[i];
             next++)
            share += t->frame.column[11].real[next];
        assert_true(fabs(share - 1) < 1e-12);
    }
    rollups_free(r);
    settings_free(s);
    free_rows();
}

static void test_periods(void **state)
{
    static const struct {
        const char *zone;
        enum rollup_every every;
        const char *at, *start;
    } cases[] = {
        {NULL, EVERY_HOUR, "2026-03-01T10:59:59.999999Z", "2026-03-01T10:00:00Z"},
        {"+05:30", EVERY_HOUR, "2026-03-01T10:10:00Z", "2026-03-01T09:30:00Z"},
        {"+05:30", EVERY_DAY, "2026-03-01T18:29:59Z", "2026-02-28T18:30:00Z"},
        {"+05:30", EVERY_DAY, "2026-03-01T18:30:00Z", "2026-03-01T18:30:00Z"},
        {"-08:00", EVERY_MONTH, "2026-03-01T07:59:59Z", "2026-02-01T08:00:00Z"},
        {NULL, EVERY_MONTH, "2024-02-29T23:59:59Z", "2024-02-01T00:00:00Z"},
        {NULL, EVERY_DAY, "1969-12-31T23:59:59Z", "1969-12-31T00:00:00Z"},
        {NULL, EVERY_ROW, "2026-03-01T10:10:00Z", "2026-03-01T10:10:00Z"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct period_zone zone;
        char text[TIME_TEXT_MAX];
        int64_t at;

        MUST(period_zone_find(cases[i].zone, &zone, &e));
        assert_true(time_parse(text_of(cases[i].at), TIME_ISO, &at));
        time_format(period_start(&zone, cases[i].every, at), text);
        assert_string_equal(text, cases[i].start);
        period_zone_fini(&zone);
    }
    for (size_t i = 0; i < 5; i++) {
        static const char *const bad[] = {"+5:30", "+15:00", "+05:60", "../etc", "+05:300"};
        struct period_zone zone;

        assert_false(period_zone_find(bad[i], &zone, &e));
    }
}

static void test_a_time_beyond_the_years_of_a_zone_has_no_day(void **state)
{
    static const struct {
        const char *zone, *at;
        bool is_dated;
    } cases[] = {
        {NULL, "0001-01-01T00:00:00Z", true},      {NULL, "9999-12-31T23:59:59Z", true},
        {"+07:00", "9999-12-31T16:59:59Z", true},  {"+07:00", "9999-12-31T17:00:00Z", false},
        {"-08:00", "0001-01-01T07:59:59Z", false}, {"-08:00", "0001-01-01T08:00:00Z", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct period_zone zone;
        int64_t at;

        MUST(period_zone_find(cases[i].zone, &zone, &e));
        assert_true(time_parse(text_of(cases[i].at), TIME_ISO, &at));
        assert_int_equal(period_is_dated(&zone, at), cases[i].is_dated);
        period_zone_fini(&zone);
    }
}

static void test_a_table_has_limits(void **state)
{
    struct rollup_rows t;
    char name[16];

    rollup_rows_init(&t, "wide");
    for (int i = 0; i < ROLLUP_COLUMNS_MAX; i++) {
        snprintf(name, sizeof name, "c%d", i);
        assert_int_equal(rollup_rows_add(&t, text_of(name), TYPE_BOOL, true, &e), i);
    }
    assert_int_equal(rollup_rows_add(&t, text_of("more"), TYPE_BOOL, true, &e), -1);
    rollup_rows_fini(&t);

    rollup_rows_init(&t, "long");
    assert_int_equal(rollup_rows_add(&t, text_of("x"), TYPE_INT, true, &e), 0);
    assert_int_equal(rollup_rows_add(&t, text_of("x"), TYPE_INT, true, &e), -1);
    for (uint32_t i = 0; i < ROLLUP_ROWS_MAX; i++)
        MUST(rollup_rows_grow(&t, &e));
    assert_false(rollup_rows_grow(&t, &e));
    assert_int_equal(e.kind, ERROR_FULL);
    assert_non_null(strstr(e.text, "longer period"));
    rollup_rows_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_batches_change_no_bit),
        cmocka_unit_test(test_runs_that_go_on_are_one_run),
        cmocka_unit_test(test_groups_are_what_loops_count),
        cmocka_unit_test(test_periods),
        cmocka_unit_test(test_a_time_beyond_the_years_of_a_zone_has_no_day),
        cmocka_unit_test(test_a_table_has_limits),
    };

    return RUN(tests);
}
