#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/data/event.h"
#include "core/velocity/velocity.h"
#include "shell/os/clock.h"
#include "shell/store/project.h"
#include "tests/unit/serve_fake.h"

static struct error e;
static char directory[256], path[300];

static int set_up(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/assay-store-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/store.sqlite", directory);
    return 0;
}

static int tear_down(void **state)
{
    char command[300];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, e.text);                                                     \
    } while (0)

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

    MUST(store_open(path, STORE_WRITE, &s, &e));
    MUST(store_begin(s, &e));
    for (unsigned i = 1; i <= rows; i++) {
        char id[32];
        struct store_decision d;

        snprintf(id, sizeof id, "event-%u", i);
        d = decision_at(i, id, (int64_t)i * 1000 / 3, (int)(i * 7 % 1001)); /* equal times occur */
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
    MUST(store_open(path, STORE_WRITE, &s, &e));
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
    MUST(store_open(path, STORE_READ, &reader, &e));
    MUST(store_begin(s, &e));
    MUST(store_add_decision(s, &d, &e));
    MUST(store_count(reader, &totals, &e));
    assert_int_equal(totals.decisions, 3);
    store_rollback(s);
    store_close(s);
    MUST(store_open(path, STORE_WRITE, &s, &e));
    MUST(store_projected(s, &seq, &e));
    assert_int_equal(seq, 3);
    MUST(store_count(s, &totals, &e));
    assert_int_equal(totals.decisions, 3);
    store_close(reader);
    store_close(s);
}

static void a_reader_needs_a_file_and_a_version(void **state)
{
    struct store *s;
    FILE *f;

    (void)state;
    assert_false(store_open(path, STORE_READ, &s, &e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
    f = fopen(path, "w");
    for (int i = 0; i < 500; i++)
        fputs("this is no database ", f);
    fclose(f);
    assert_false(store_open(path, STORE_WRITE, &s, &e));
    assert_non_null(strstr(e.text, "assay rebuild"));
    MUST(store_remove(path, &e));
    MUST(store_remove(path, &e));
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
    return (struct project_options){.store = path,
                                    .log_directory = fake_log_directory(shard),
                                    .plans = shard_plans(shard),
                                    .log = shard_log(shard)};
}

static void dump(char **rows)
{
    char command[700];
    FILE *pipe;
    size_t length;

    snprintf(command, sizeof command,
             "python3 -c \"import sqlite3;d=sqlite3.connect('%s');"
             "[print(r) for t in ('decision','label','name','meta') "
             "for r in d.execute('SELECT * FROM '+t+' ORDER BY 1')]\"",
             path);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    *rows = mem_alloc(1 << 20);
    length = fread(*rows, 1, (1 << 20) - 1, pipe);
    assert_true(length > 1000);
    assert_int_equal(pclose(pipe), 0);
}

static void a_rebuilt_store_has_equal_rows(void **state)
{
    struct shard *shard = fake_open(directory, LOG_SYNC_NEVER, 64);
    struct project_options o = options_of(shard);
    struct project *p;
    struct project_status status;
    struct rebuilt rebuilt;
    char *before, *after;

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
    assert_string_equal(before, after);
    mem_free(before);
    mem_free(after);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_neither_repeat_nor_hide),        TEST(filters_hold),
        TEST(cursors_of_other_queries_are_refused), TEST(labels_reach_their_decisions),
        TEST(ids_are_found_across_buckets),         TEST(a_rollback_is_forgotten),
        TEST(an_entity_has_its_decisions),          TEST(what_is_not_committed_is_gone),
        TEST(a_reader_needs_a_file_and_a_version),  TEST(a_rebuilt_store_has_equal_rows),
        TEST(a_store_ahead_of_its_log_is_refused),
    };

    return RUN(tests);
}
