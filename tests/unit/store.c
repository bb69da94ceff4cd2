#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/data/event.h"
#include "core/velocity/velocity.h"
#include "shell/link/postgres.h"
#include "shell/os/clock.h"
#include "shell/store/project.h"
#include "tests/unit/serve_fake.h"

/* One suite for each kind of store: SQLite, and PostgreSQL where ASSAY_TEST_POSTGRES is the URL of
 * a server whose database may be emptied (tests/system/test_postgres.py starts one and runs this).
 */
static struct error e;
static char directory[256], path[300];
static struct store_place place;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, e.text);                                                     \
    } while (0)

static bool is_postgres(void)
{
    return place.kind == STORE_POSTGRES;
}

/* What the tests say to the server beside the store. */
static void run_sql(const char *sql)
{
    struct postgres *p;

    MUST(postgres_open(place.where, &p, &e));
    MUST(postgres_exec(p, sql, &e));
    postgres_close(p);
}

static int set_up(void **state)
{
    const char *url = getenv("ASSAY_TEST_POSTGRES");

    (void)state;
    snprintf(directory, sizeof directory, "/tmp/assay-store-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/store.sqlite", directory);
    place = url != NULL ? (struct store_place){STORE_POSTGRES, url}
                        : (struct store_place){STORE_SQLITE, path};
    if (is_postgres())
        run_sql("DROP SCHEMA IF EXISTS raw, feature, label, score, alert, model, audit CASCADE");
    return 0;
}

static int tear_down(void **state)
{
    char command[300];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

static struct store_decision decision_at(uint64_t seq, const char *id, int64_t time_us, int score)
{
    return (struct store_decision){.seq = seq,
                                   .event_id = text_of(id),
                                   .received_us = time_us + 5,
                                   .time_us = time_us,
                                   .probability = score / 1000.0,
                                   .score = score,
                                   .outcome = text_of(score >= 800 ? "decline" : "approve"),
                                   .level = text_of("LOW"),
                                   .plan = text_of("a0a1a2a3a4a5a6a7"),
                                   .rules = text_of(score > 500 ? "[\"BIG\"]" : "[]")};
}

static struct store *filled(unsigned rows)
{
    struct store *s;

    MUST(store_open(&place, STORE_WRITE, &s, &e));
    MUST(store_begin(s, &e));
    for (unsigned i = 1; i <= rows; i++) {
        char id[32];
        struct store_decision d;

        snprintf(id, sizeof id, "event-%u", i);
        const int64_t entity[] = {i % 3 == 0 ? -30 : 31, 0, 40};

        d = decision_at(i, id, (int64_t)i * 1000 / 3, (int)(i * 7 % 1001)); /* equal times occur */
        d.entity = entity;
        d.entities = 3;
        MUST(store_add_decision(s, &d, &e));
    }
    MUST(store_commit(s, rows, &e));
    return s;
}

struct seen {
    uint64_t seq[2048];
    int score[2048];
    unsigned count;
    char rules[32], outcome[32];
    uint8_t label;
};

static void see(void *context, const struct store_decision *d)
{
    struct seen *s = context;

    s->seq[s->count] = d->seq;
    s->score[s->count++] = d->score;
    s->label = d->label;
    snprintf(s->rules, sizeof s->rules, "%.*s", TEXT_ARG(d->rules));
    snprintf(s->outcome, sizeof s->outcome, "%.*s", TEXT_ARG(d->outcome));
}

/* All pages of a query together. */
static void see_all(struct store *s, struct store_query q, struct seen *all)
{
    char cursor[STORE_CURSOR_MAX] = "";
    char next[STORE_CURSOR_MAX];

    all->count = 0;
    do {
        q.cursor = text_of(cursor);
        MUST(store_query(s, &q, see, all, next, &e));
        memcpy(cursor, next, sizeof cursor);
    } while (cursor[0] != 0);
}

static struct store_query any(enum store_sort sort, uint32_t limit)
{
    struct store_query q = store_query_all(limit);

    q.sort = sort;
    return q;
}

static void pages_neither_repeat_nor_hide(void **state)
{
    static const enum store_sort all_sorts[] = {STORE_TIME_DOWN, STORE_TIME_UP, STORE_SCORE_DOWN,
                                                STORE_SCORE_UP};
    struct store *s = filled(2000);
    struct seen *one = mem_alloc(sizeof *one), *many = mem_alloc(sizeof *many);

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        see_all(s, any(all_sorts[i], 1000), one);
        see_all(s, any(all_sorts[i], 7), many);
        assert_int_equal(one->count, 2000);
        assert_int_equal(many->count, 2000);
        assert_memory_equal(one->seq, many->seq, 2000 * sizeof *one->seq);
    }
    see_all(s, any(STORE_SCORE_DOWN, 100), one);
    for (unsigned i = 1; i < one->count; i++)
        assert_true(one->score[i] < one->score[i - 1] ||
                    (one->score[i] == one->score[i - 1] && one->seq[i] < one->seq[i - 1]));
    mem_free(one);
    mem_free(many);
    store_close(s);
}

static void filters_hold(void **state)
{
    struct store *s = filled(2000);
    struct seen *seen = mem_alloc(sizeof *seen);
    struct store_query q = any(STORE_SCORE_DOWN, 50);

    (void)state;
    q.outcome = text_of("decline");
    q.min_score = 900;
    q.from_us = 1000;
    q.until_us = 500000;
    see_all(s, q, seen);
    unsigned expected = 0;
    for (unsigned i = 1; i <= 2000; i++) {
        int64_t t = (int64_t)i * 1000 / 3;

        expected += t >= 1000 && t < 500000 && i * 7 % 1001 >= 900;
    }
    assert_int_equal(seen->count, expected);
    q = any(STORE_TIME_UP, 50);
    q.outcome = text_of("no such outcome' OR 1 --");
    see_all(s, q, seen);
    assert_int_equal(seen->count, 0);
    mem_free(seen);
    store_close(s);
}

static struct store_decision kept;
static unsigned was_equal;

static void compare(void *context, const struct store_decision *d)
{
    (void)context;
    was_equal += d->seq == kept.seq && text_equal(d->event_id, kept.event_id) &&
                 d->received_us == kept.received_us && d->time_us == kept.time_us &&
                 d->probability == kept.probability && d->score == kept.score &&
                 text_equal(d->outcome, kept.outcome) && text_equal(d->level, kept.level) &&
                 d->flags == kept.flags && text_equal(d->plan, kept.plan) &&
                 text_equal(d->rules, kept.rules) && d->label == LABEL_UNKNOWN;
}

/* Every filter alone and with others, against the same said in C. */
static void queries_are_what_they_say(void **state)
{
    static const struct {
        int64_t entity;
        int64_t from, until, received_from;
        int least, most;
        const char *rule, *outcome, *level;
        int label; /* -1: any, else a value of the label */
    } asked[] = {
        {-30, INT64_MIN, INT64_MAX, INT64_MIN, 0, 1000, "", "", "", -1},
        {31, 1000, 90000, INT64_MIN, 0, 1000, "BIG", "", "", -1},
        {40, 5000, INT64_MAX, 6000, 100, 700, "", "approve", "LOW", -1},
        {41, INT64_MIN, INT64_MAX, INT64_MIN, 0, 1000, "", "", "", -1},
        {0, INT64_MIN, 77777, 1234, 0, 1000, "BIG", "decline", "", -1},
        {0, INT64_MIN, INT64_MAX, INT64_MIN, 0, 1000, "BI", "", "", -1},
        {0, INT64_MIN, INT64_MAX, INT64_MIN, 0, 1000, "", "", "", 1},
        {0, INT64_MIN, INT64_MAX, INT64_MIN, 501, 501, "", "", "", LABEL_UNKNOWN},
        {0, INT64_MIN, INT64_MAX, INT64_MIN, 0, 1000, "", "", "HIGH", -1},
        {0, INT64_MIN, INT64_MAX, INT64_MIN, 0, 1000, "", "\xff\xfe", "", -1},
    };
    enum { ROWS = 500 };
    struct store *s = filled(ROWS);
    struct seen *seen = mem_alloc(sizeof *seen);

    (void)state;
    MUST(store_begin(s, &e));
    for (uint64_t i = 4; i <= ROWS; i += 4) {
        struct store_label l = {.seq = ROWS + i,
                                .event_seq = i,
                                .event_id = text_of("x"),
                                .label = i % 8 == 0,
                                .source = text_of("tab\tand \\ and\nline")};

        MUST(store_add_label(s, &l, &e));
    }
    MUST(store_commit(s, 2 * ROWS, &e));
    for (unsigned k = 0; k < sizeof asked / sizeof *asked * 4; k++) {
        unsigned n = k / 4, expected = 0;
        struct store_query q = any((enum store_sort)(k % 4), 13);

        q.entity = asked[n].entity;
        q.from_us = asked[n].from;
        q.until_us = asked[n].until;
        q.received_from_us = asked[n].received_from;
        q.min_score = asked[n].least;
        q.max_score = asked[n].most;
        q.rule = text_of(asked[n].rule);
        q.outcome = text_of(asked[n].outcome);
        q.level = text_of(asked[n].level);
        q.has_label = asked[n].label >= 0;
        q.label = (uint8_t)asked[n].label;
        see_all(s, q, seen);
        for (unsigned i = 1; i <= ROWS; i++) {
            int64_t t = (int64_t)i * 1000 / 3;
            int score = (int)(i * 7 % 1001);
            uint8_t label = i % 4 != 0 ? LABEL_UNKNOWN : i % 8 == 0;

            expected += (q.entity == 0 || q.entity == 40 || q.entity == (i % 3 == 0 ? -30 : 31)) &&
                        t >= q.from_us && t < q.until_us && t + 5 >= q.received_from_us &&
                        score >= q.min_score && score <= q.max_score &&
                        (q.rule.length == 0 || (text_is(q.rule, "BIG") && score > 500)) &&
                        (q.outcome.length == 0 ||
                         text_is(q.outcome, score >= 800 ? "decline" : "approve")) &&
                        (q.level.length == 0 || text_is(q.level, "LOW")) &&
                        (!q.has_label || label == q.label);
        }
        if (seen->count != expected)
            fail_msg("query %u sorted by %u: %u rows, not %u", n, k % 4, seen->count, expected);
        for (unsigned i = 1; i < seen->count && k % 4 == STORE_TIME_UP; i++)
            assert_true(seen->seq[i] > seen->seq[i - 1]);
    }
    mem_free(seen);
    store_close(s);
}

static void rows_come_back_as_they_were(void **state)
{
    struct store_decision d = decision_at(7, "a\\N\tb\n\"c\"; é", -62135596799999999, 501);
    struct seen *seen = mem_alloc(sizeof *seen);
    struct store_query q = any(STORE_TIME_DOWN, 5);
    struct store *s;
    uint64_t seq;

    (void)state;
    d.received_us = INT64_C(1800000000123457);
    d.probability = 0.1 + 0.2;
    d.flags = 40000;
    MUST(store_open(&place, STORE_WRITE, &s, &e));
    MUST(store_begin(s, &e));
    MUST(store_add_decision(s, &d, &e));
    MUST(store_commit(s, 7, &e));
    kept = d;
    q.from_us = d.time_us;
    q.until_us = d.time_us + 1;
    q.received_from_us = d.received_us;
    q.received_until_us = d.received_us + 1;
    char next[STORE_CURSOR_MAX];
    was_equal = 0;
    MUST(store_query(s, &q, compare, NULL, next, &e));
    assert_int_equal(was_equal, 1);
    MUST(store_find(s, d.event_id, &seq, &e));
    assert_int_equal(seq, 7);
    /* The batch once more, with what came after it. */
    MUST(store_begin(s, &e));
    d.score = 1;
    MUST(store_add_decision(s, &d, &e));
    d.seq = 8;
    MUST(store_add_decision(s, &d, &e));
    MUST(store_commit(s, 8, &e));
    q = any(STORE_SCORE_UP, 5);
    see_all(s, q, seen);
    assert_int_equal(seen->count, 2);
    assert_int_equal(seen->score[0], 1);
    assert_int_equal(seen->score[1], 501);
    mem_free(seen);
    store_close(s);
}

static void cursors_of_other_queries_are_refused(void **state)
{
    static const char *const bad[] = {"x", "0000", "' OR 1 --",
                                      "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"};
    struct store *s = filled(100);
    struct store_query q = any(STORE_TIME_DOWN, 10);
    struct seen *seen = mem_alloc(sizeof *seen);
    char next[STORE_CURSOR_MAX], unused[STORE_CURSOR_MAX];

    (void)state;
    assert_true(store_query(s, &q, see, seen, next, &e));
    q.cursor = text_of(next);
    q.min_score = 1;
    assert_false(store_query(s, &q, see, seen, unused, &e));
    assert_int_equal(e.kind, ERROR_USAGE);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        q.cursor = text_of(bad[i]);
        assert_false(store_query(s, &q, see, seen, unused, &e));
        assert_int_equal(e.kind, ERROR_USAGE);
    }
    mem_free(seen);
    store_close(s);
}

static void labels_reach_their_decisions(void **state)
{
    struct store *s = filled(10);
    struct store_label l = {.seq = 11,
                            .event_seq = 4,
                            .event_id = text_of("event-4"),
                            .label = 1,
                            .source = text_of("chargeback")};
    struct store_totals totals;
    uint8_t label;

    (void)state;
    MUST(store_begin(s, &e));
    MUST(store_add_label(s, &l, &e));
    MUST(store_add_label(s, &l, &e)); /* once more: nothing changes */
    MUST(store_commit(s, 11, &e));
    MUST(store_label_of(s, 4, &label, &e));
    assert_int_equal(label, 1);
    MUST(store_count(s, &totals, &e));
    assert_int_equal(totals.labels, 1);
    assert_int_equal(totals.labelled, 1);
    l.seq = 12;
    l.label = LABEL_UNKNOWN;
    MUST(store_begin(s, &e));
    MUST(store_add_label(s, &l, &e));
    MUST(store_commit(s, 12, &e));
    MUST(store_label_of(s, 4, &label, &e));
    assert_int_equal(label, LABEL_UNKNOWN);
    MUST(store_label_of(s, 5, &label, &e));
    assert_int_equal(label, LABEL_UNKNOWN);
    MUST(store_count(s, &totals, &e));
    assert_int_equal(totals.labelled, 0);
    store_close(s);
}

static void ids_are_found_across_buckets(void **state)
{
    struct store *s = filled(10);
    uint64_t seq;

    (void)state;
    struct store_decision far = decision_at(UINT64_C(5) << 20, "event-3", 9, 9);
    MUST(store_begin(s, &e));
    MUST(store_add_decision(s, &far, &e));
    MUST(store_commit(s, far.seq, &e));
    MUST(store_find(s, text_of("event-3"), &seq, &e));
    assert_int_equal(seq, far.seq); /* the newest */
    MUST(store_find(s, text_of("event-4"), &seq, &e));
    assert_int_equal(seq, 4);
    assert_false(store_find(s, text_of("event-99"), &seq, &e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
    store_close(s);
}

static void an_entity_has_its_decisions(void **state)
{
    const struct hash128 token = {7, 9};
    const int64_t both[] = {store_entity(text_of("customer"), token), 0, 5};
    const uint64_t far = UINT64_C(3) << 20;
    uint64_t seq[8];
    uint32_t found;
    struct store *s;

    (void)state;
    assert_int_equal(store_entity(text_of("customer"), (struct hash128){0, 0}), 0);
    assert_true(both[0] != store_entity(text_of("shop"), token));
    MUST(store_open(&place, STORE_WRITE, &s, &e));
    MUST(store_begin(s, &e));
    for (uint64_t i = 0; i < 6; i++) { /* 1 to 3, then in another bucket; every second is its */
        struct store_decision d = decision_at(i < 3 ? i + 1 : far + i, "x", 1, 1);

        d.entity = i % 2 == 0 ? both : both + 1;
        d.entities = i % 2 == 0 ? 2 : 1;
        MUST(store_add_decision(s, &d, &e));
        MUST(store_add_decision(s, &d, &e)); /* again changes nothing */
    }
    MUST(store_commit(s, far + 5, &e));
    MUST(store_entity_decisions(s, both[0], UINT64_MAX, seq, 8, &found, &e));
    assert_int_equal(found, 3);
    assert_true(seq[0] == far + 4 && seq[1] == 3 && seq[2] == 1);
    MUST(store_entity_decisions(s, both[0], far + 4, seq, 8, &found, &e));
    assert_true(found == 2 && seq[0] == 3);
    MUST(store_entity_decisions(s, both[0], UINT64_MAX, seq, 1, &found, &e));
    assert_true(found == 1 && seq[0] == far + 4);
    MUST(store_entity_decisions(s, 0, UINT64_MAX, seq, 8, &found, &e));
    assert_int_equal(found, 0); /* no key is no entity */
    store_close(s);
}

/* The writer remembers names and gathers keys: a rollback takes both back. */
struct counted {
    uint64_t all, high;
    int64_t first_us, last_us;
    unsigned rows;
};

static void count_traffic(void *context, const struct store_traffic *t)
{
    struct counted *c = context;

    if (c->rows++ == 0)
        c->first_us = t->start_us;
    assert_true(t->start_us >= c->last_us);
    c->last_us = t->start_us;
    c->all += t->count;
    c->high += t->band == STORE_BANDS - 1 ? t->count : 0;
    assert_true(text_is(t->outcome, t->band >= 16 ? "decline" : "approve"));
}

static struct counted traffic_of(struct store *s, enum store_span span, int64_t from_us,
                                 int64_t step_us)
{
    const struct store_traffic_query q = {
        .span = span, .from_us = from_us, .until_us = INT64_MAX / 2, .step_us = step_us};
    struct counted c = {.last_us = INT64_MIN};

    MUST(store_traffic(s, &q, count_traffic, &c, &e));
    return c;
}

/* Counted once however often they are projected, by minutes and hours, and old minutes go. */
static void decisions_are_counted_by_time(void **state)
{
    const int64_t minute = 60000000, hour = 60 * minute, start = 1000 * 24 * hour;
    struct store_decision d[] = {
        decision_at(1, "a", start, 1000),
        decision_at(2, "b", start + 10 * minute, 949),
        decision_at(3, "c", start + 10 * minute + 1, 950),
        decision_at(4, "d", start + 25 * hour, 0),
        decision_at(5, "e", start + (24 * STORE_MINUTES_DAYS + 1) * hour, 10),
    };
    struct store *s;
    struct counted c;

    (void)state;
    MUST(store_open(&place, STORE_WRITE, &s, &e));
    for (int round = 0; round < 2; round++) { /* the second time they are there already */
        MUST(store_begin(s, &e));
        for (int i = 0; i < 4; i++)
            MUST(store_add_decision(s, &d[i], &e));
        MUST(store_commit(s, 4, &e));
    }
    c = traffic_of(s, STORE_MINUTE, 0, minute);
    assert_int_equal(c.all, 4);
    assert_int_equal(c.high, 2);
    assert_int_equal(c.rows, 4);
    assert_int_equal(c.first_us, start);
    assert_int_equal(c.last_us, start + 25 * hour);
    c = traffic_of(s, STORE_MINUTE, start + minute, 15 * minute);
    assert_int_equal(c.all, 3);
    assert_int_equal(c.first_us, start);
    c = traffic_of(s, STORE_HOUR, 0, hour);
    assert_int_equal(c.rows, 3); /* two bands in the first hour, one in the other */
    MUST(store_begin(s, &e));
    MUST(store_add_decision(s, &d[4], &e));
    MUST(store_commit(s, 5, &e));
    c = traffic_of(s, STORE_MINUTE, 0, minute);
    assert_int_equal(c.all, 2); /* those of the first hour are too old */
    assert_int_equal(traffic_of(s, STORE_HOUR, 0, hour).all, 5);
    store_close(s);
}

/* Beside any other filter and in any order. */
static void ids_are_found_by_their_beginning(void **state)
{
    struct store_query q = store_query_all(10);
    struct seen all = {0};
    struct store *s;

    (void)state;
    MUST(store_open(&place, STORE_WRITE, &s, &e));
    MUST(store_begin(s, &e));
    for (uint64_t i = 1; i <= 30; i++) {
        struct store_decision d;
        char id[16];

        snprintf(id, sizeof id, i % 3 == 0 ? "or%%-%02d" : "pay-%02d", (int)i);
        d = decision_at(i, id, (int64_t)(1000 - i) * 1000000, (int)i);
        MUST(store_add_decision(s, &d, &e));
    }
    MUST(store_commit(s, 30, &e));
    q.id_prefix = text_of("or%-");
    q.sort = STORE_SEQ_DOWN;
    q.limit = 4;
    see_all(s, q, &all);
    assert_int_equal(all.count, 10);
    assert_int_equal(all.seq[0], 30);
    assert_int_equal(all.seq[9], 3);
    all = (struct seen){0};
    q.id_prefix = text_of("or%-2");
    q.min_score = 25;
    q.sort = STORE_TIME_UP;
    see_all(s, q, &all);
    assert_int_equal(all.count, 1);
    assert_int_equal(all.seq[0], 27);
    all = (struct seen){0};
    q = store_query_all(7);
    q.sort = STORE_SEQ_UP;
    see_all(s, q, &all);
    assert_int_equal(all.count, 30);
    assert_int_equal(all.seq[29], 30);
    store_close(s);
}

static void a_rollback_is_forgotten(void **state)
{
    struct store *s = filled(3);
    struct store_query q = any(STORE_TIME_DOWN, 10);
    struct store_decision d = decision_at(4, "event-4", 4, 4);
    struct seen all;
    uint64_t seq;

    (void)state;
    MUST(store_begin(s, &e));
    d.outcome = text_of("first");
    MUST(store_add_decision(s, &d, &e));
    store_rollback(s);
    MUST(store_begin(s, &e));
    d = decision_at(5, "event-5", 5, 5);
    d.outcome = text_of("second"); /* takes the number that the first had */
    MUST(store_add_decision(s, &d, &e));
    d = decision_at(6, "event-6", 6, 6);
    d.outcome = text_of("first");
    MUST(store_add_decision(s, &d, &e));
    MUST(store_commit(s, 6, &e));
    q.outcome = text_of("first");
    see_all(s, q, &all);
    assert_true(all.count == 1 && all.seq[0] == 6);
    assert_string_equal(all.outcome, "first");
    assert_false(store_find(s, text_of("event-4"), &seq, &e));
    MUST(store_find(s, text_of("event-5"), &seq, &e));
    assert_int_equal(seq, 5);
    store_close(s);
}

static void what_is_not_committed_is_gone(void **state)
{
    struct store *s = filled(3), *reader;
    struct store_decision d = decision_at(4, "event-4", 4, 4);
    struct store_totals totals;
    uint64_t seq;

    (void)state;
    MUST(store_open(&place, STORE_READ, &reader, &e));
    MUST(store_begin(s, &e));
    MUST(store_add_decision(s, &d, &e));
    MUST(store_count(reader, &totals, &e));
    assert_int_equal(totals.decisions, 3);
    store_rollback(s);
    store_close(s);
    MUST(store_open(&place, STORE_WRITE, &s, &e));
    MUST(store_projected(s, &seq, &e));
    assert_int_equal(seq, 3);
    MUST(store_count(s, &totals, &e));
    assert_int_equal(totals.decisions, 3);
    store_close(reader);
    store_close(s);
}

static void another_version_is_refused_by_name(void)
{
    struct store *s;

    store_close(filled(1));
    run_sql("INSERT INTO audit.migration(version, name) VALUES (99, 'of tomorrow')");
    for (int mode = STORE_WRITE; mode <= STORE_READ; mode++) {
        assert_false(store_open(&place, (enum store_mode)mode, &s, &e));
        assert_int_equal(e.kind, ERROR_INVALID);
        assert_non_null(strstr(e.text, "99 \"of tomorrow\""));
    }
    run_sql("DELETE FROM audit.migration WHERE version >= 2");
    assert_false(store_open(&place, STORE_READ, &s, &e));
    assert_int_equal(e.kind, ERROR_INVALID);
}

static void a_writer_is_alone(void **state)
{
    struct store *s, *other;

    (void)state;
    s = filled(3);
    assert_false(store_open(&place, STORE_WRITE, &other, &e));
    assert_int_equal(e.kind, ERROR_CONFLICT);
    assert_false(store_remove(&place, &e));
    store_close(s);
    MUST(store_open(&place, STORE_WRITE, &other, &e));
    store_close(other);
}

static void a_reader_needs_a_file_and_a_version(void **state)
{
    struct store *s;
    bool is_damaged;
    FILE *f;

    (void)state;
    assert_false(store_open(&place, STORE_READ, &s, &e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
    if (is_postgres()) {
        another_version_is_refused_by_name();
        return;
    }
    f = fopen(path, "w");
    for (int i = 0; i < 500; i++)
        fputs("this is no database ", f);
    fclose(f);
    assert_false(store_open_checked(&place, STORE_WRITE, &s, &is_damaged, &e));
    assert_true(is_damaged);
    assert_non_null(strstr(e.text, "assay rebuild"));
    MUST(store_remove(&place, &e));
    MUST(store_remove(&place, &e));
    store_close(filled(1));
}

/* ---- the projector ---- */

struct waiting {
    struct submission submission;
    _Atomic bool is_done;
};

static void done(struct submission *s)
{
    ((struct waiting *)s->context)->is_done = true;
}

static void submit(struct shard *shard, struct waiting *w)
{
    w->submission.done = done;
    w->submission.context = w;
    w->is_done = false;
    while (!shard_submit(shard, &w->submission))
        clock_sleep_us(100);
    while (!w->is_done)
        clock_sleep_us(20);
    plan_unref(w->submission.plan);
}

static void decide_some(struct shard *shard, unsigned from, unsigned until)
{
    const struct schema *schema = plan_schema(shard_plan(shard));
    struct buffer event;
    struct frame f;

    buffer_init(&event, 4096);
    frame_init(&f, schema, 1, 4096);
    for (unsigned i = from; i < until; i++) {
        char id[16];
        struct waiting w = {.submission = {.received_us = i}};
        struct value v = {.type = TYPE_TIME, .integer = (int64_t)i * 1000000};

        snprintf(id, sizeof id, "e%u", i);
        frame_clear(&f);
        f.rows = 1;
        for (unsigned c = 0; c < f.columns; c++)
            column_set_null(&f.column[c], 0);
        column_set(&f.column[1], 0, &v);
        v = (struct value){.type = TYPE_DECIMAL, .integer = (int64_t)(i % 1000) * 1000000};
        column_set(&f.column[2], 0, &v);
        buffer_clear(&event);
        event_encode(&event, schema, &f, 0);
        w.submission.kind = SUBMIT_DECISION;
        w.submission.id = text_of(id);
        w.submission.event = (struct text){event.bytes, event.length};
        submit(shard, &w);
        assert_int_equal(w.submission.status, SUBMIT_DONE);
        if (i % 3 == 0) {
            w.submission = (struct submission){.kind = SUBMIT_LABEL,
                                               .id = text_of(id),
                                               .label = (uint8_t)(i % 2),
                                               .source = text_of("test")};
            submit(shard, &w);
        }
    }
    frame_fini(&f);
    buffer_fini(&event);
}

static struct project_options options_of(struct shard *shard)
{
    return (struct project_options){.store = place,
                                    .log_directory = fake_log_directory(shard),
                                    .plans = shard_plans(shard),
                                    .log = shard_log(shard)};
}

static void dump_postgres(struct buffer *out)
{
    static const char *const tables[] = {
        "SELECT d::text FROM score.decision d ORDER BY seq",
        "SELECT e::text FROM score.entity e ORDER BY seq, entity",
        "SELECT l::text FROM label.label l ORDER BY seq",
        "SELECT t::text FROM score.traffic t ORDER BY span_s, start_at, outcome, band",
        "SELECT projected_seq::text FROM audit.projection",
    };
    struct postgres *p;

    MUST(postgres_open(place.where, &p, &e));
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct postgres_rows *rows;

        MUST(postgres_ask(p, tables[i], NULL, 0, &rows, &e));
        for (uint32_t k = 0; k < postgres_rows_count(rows); k++) {
            buffer_add_slice(out, postgres_cell(rows, k, 0));
            buffer_add_char(out, '\n');
        }
        postgres_rows_free(rows);
    }
    postgres_close(p);
}

static void dump_sqlite(struct buffer *out)
{
    char command[700], bytes[4096];
    FILE *pipe;
    size_t n;

    snprintf(command, sizeof command,
             "python3 -c \"import sqlite3;d=sqlite3.connect('%s');"
             "[print(r) for t in ('decision','entity','label','name','meta','traffic') "
             "for r in d.execute('SELECT * FROM '+t+' ORDER BY 1')]\"",
             path);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    while ((n = fread(bytes, 1, sizeof bytes, pipe)) > 0)
        buffer_add(out, bytes, n);
    assert_int_equal(pclose(pipe), 0);
}

/* The tables as they lie there. */
static void dump(struct buffer *rows)
{
    buffer_init(rows, 4 << 20);
    if (is_postgres())
        dump_postgres(rows);
    else
        dump_sqlite(rows);
    assert_true(rows->length > 1000 && !rows->overflow);
}

static void a_rebuilt_store_has_equal_rows(void **state)
{
    struct shard *shard = fake_open(directory, LOG_SYNC_NEVER, 64);
    struct project_options o = options_of(shard);
    struct project *p;
    struct project_status status;
    struct rebuilt rebuilt;
    struct buffer before, after;

    (void)state;
    for (unsigned round = 0; round < 3; round++) { /* stopped and gone on with */
        MUST(project_open(&o, &p, &e));
        decide_some(shard, round * 100, round * 100 + 100);
        project_status(p, &status);
        assert_false(status.is_failed);
        project_close(p); /* projects what is durable first */
    }
    dump(&before);
    MUST(store_rebuild(&o, NULL, &rebuilt, &e));
    assert_int_equal(rebuilt.totals.decisions, 300);
    assert_int_equal(rebuilt.totals.labels, 100);
    assert_int_equal(rebuilt.skipped, 0);
    assert_int_equal(rebuilt.records, 401); /* and the plan */
    dump(&after);
    assert_string_equal(buffer_text(&before), buffer_text(&after));
    buffer_fini(&before);
    buffer_fini(&after);
    shard_close(shard);
}

static void a_store_ahead_of_its_log_is_refused(void **state)
{
    struct shard *shard = fake_open(directory, LOG_SYNC_NEVER, 64);
    struct project_options o = options_of(shard);
    struct project *p;

    (void)state;
    store_close(filled(1000));
    assert_false(project_open(&o, &p, &e));
    assert_int_equal(e.kind, ERROR_INVALID);
    assert_non_null(strstr(e.text, "assay rebuild"));
    shard_close(shard);
}

/* A file that is gone or damaged is made anew; a database, whatever is with it, is not. */
static void what_is_lost_is_told(void **state)
{
    struct store *s = filled(3), *other;
    bool is_damaged = true;

    (void)state;
    assert_true(store_is_there(s) && !store_is_damaged(s));
    if (is_postgres()) {
        const struct store_place away = {STORE_POSTGRES, "postgresql://127.0.0.1:1/assay"};
        struct store_totals totals;

        run_sql("DROP TABLE score.decision");
        assert_false(store_count(s, &totals, &e));
        assert_true(store_is_there(s) && !store_is_damaged(s));
        assert_false(store_open_checked(&away, STORE_WRITE, &other, &is_damaged, &e));
        assert_int_equal(e.kind, ERROR_WORLD);
        assert_false(is_damaged);
        store_close(s);
        return;
    }
    MUST(store_remove(&place, &e));
    assert_false(store_is_there(s));
    store_close(s);
    assert_false(store_open_checked(&place, STORE_READ, &other, &is_damaged, &e));
    assert_false(is_damaged); /* it is not there at all */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_neither_repeat_nor_hide),  TEST(filters_hold),
        TEST(queries_are_what_they_say),      TEST(rows_come_back_as_they_were),
        TEST(an_entity_has_its_decisions),    TEST(cursors_of_other_queries_are_refused),
        TEST(labels_reach_their_decisions),   TEST(ids_are_found_across_buckets),
        TEST(what_is_not_committed_is_gone),  TEST(a_reader_needs_a_file_and_a_version),
        TEST(a_rebuilt_store_has_equal_rows), TEST(a_store_ahead_of_its_log_is_refused),
        TEST(decisions_are_counted_by_time),  TEST(ids_are_found_by_their_beginning),
        TEST(a_rollback_is_forgotten),        TEST(what_is_lost_is_told),
    };

    /* An SQLite file's directory is locked by the log. */
    const struct CMUnitTest of_databases[] = {TEST(a_writer_is_alone)};

    return RUN(tests) + (getenv("ASSAY_TEST_POSTGRES") != NULL ? RUN(of_databases) : 0);
}
