/* The log as its users meet it: writing, reading back, rolling, threads, cursors, verification. */
#include "tests/unit/log_help.h"

#include <pthread.h>
#include <stdatomic.h>

/* By tests/golden/log_record.py. */
#define GOLDEN_SEGMENT "30922c94eca30a6ffaffec47f76df6260609488c98871823e4cf72aec44b8152"

enum { SMALL_SEGMENT = 64 << 10, GROUPS = 400 };

static void records_come_back(void **state)
{
    struct error e = {0};
    struct log_found found;
    struct log *l;
    struct buffer into;
    struct record r;
    uint8_t chain[DIGEST_BYTES], again[DIGEST_BYTES];

    (void)state;
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e));
    assert_int_equal(found.first_seq + found.last_seq + found.cut_bytes, 0);
    assert_int_equal(log_next_seq(l), 1);
    for (unsigned i = 1; i <= 60; i++)
        assert_true(help_write(l, i % 17, &e));
    buffer_init(&into, 1 << 20);
    for (uint64_t seq = log_durable_seq(l); seq > 0; seq--) {
        assert_true(log_read(l, seq, &into, &r, &e));
        assert_true(help_is_record(&r, seq));
    }
    assert_false(log_read(l, 0, &into, &r, &e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
    assert_false(log_read(l, log_durable_seq(l) + 1, &into, &r, &e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
    log_chain(l, chain);
    log_close(l);

    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e));
    assert_int_equal(found.first_seq, 1);
    assert_int_equal(found.last_seq, log_durable_seq(l));
    assert_int_equal(found.cut_bytes, 0);
    assert_int_equal(help_count(0, &e), found.last_seq);
    log_chain(l, again);
    assert_memory_equal(chain, again, sizeof chain);
    for (uint64_t seq = 1; seq <= found.last_seq; seq += 3) { /* closed segments, not yet indexed */
        assert_true(log_read(l, seq, &into, &r, &e));
        assert_true(help_is_record(&r, seq));
    }
    buffer_fini(&into);
    log_close(l);
    log_close(NULL);
}

static void bytes_are_as_documented(void **state)
{
    struct error e = {0};
    struct log_found found;
    struct log *l;
    unsigned char *bytes;
    char hex[DIGEST_HEX];
    uint8_t digest[DIGEST_BYTES];
    struct record r = {.received_us = 1700000000000001,
                       .kind = RECORD_DECISION,
                       .flags = 5,
                       .epoch = 258,
                       .plan = 1,
                       .sealed = {"sealed", 6},
                       .body = {"a body", 6}};

    (void)state;
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_NEVER, &l, &found, &e));
    assert_true(log_reserve(l, 2, 24, &e));
    assert_int_equal(log_append(l, &r), 1);
    r.kind = RECORD_LABEL;
    r.sealed.length = 0;
    assert_int_equal(log_append(l, &r), 2);
    log_seal(l);
    assert_true(log_commit(l, &e));
    log_close(l);
    assert_int_equal(help_load("00000000000000000001.log", &bytes), SMALL_SEGMENT);
    digest_bytes(bytes, SMALL_SEGMENT, digest);
    digest_hex(digest, hex);
    assert_string_equal(hex, GOLDEN_SEGMENT);
    free(bytes);
}

static uint64_t write_groups(unsigned per_group, uint8_t chain[DIGEST_BYTES])
{
    struct error e = {0};
    struct log_found found;
    struct log *l;
    uint64_t last;

    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_NEVER, &l, &found, &e));
    for (unsigned done = 0; done < 420; done += per_group)
        assert_true(help_write(l, per_group, &e));
    log_chain(l, chain);
    last = log_durable_seq(l);
    log_close(l);
    help_empty();
    return last;
}

static void grouping_does_not_change_the_chain(void **state)
{
    uint8_t one[DIGEST_BYTES], many[DIGEST_BYTES];

    (void)state;
    assert_int_equal(write_groups(1, one), write_groups(42, many));
    assert_memory_equal(one, many, sizeof one);
}

static void a_large_record_gets_its_segment(void **state)
{
    struct error e = {0};
    struct log_found found;
    struct log *l;
    struct buffer into;
    struct record r = {.kind = RECORD_OBSERVE}, back;
    char *body = calloc(1, LOG_BODY_MAX), names[16][64];

    (void)state;
    memset(body, 'x', LOG_BODY_MAX);
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e));
    for (int i = 0; i < 4; i++) {
        r.body = (struct text){body, i % 2 == 0 ? LOG_BODY_MAX : 10};
        assert_true(log_reserve(l, 1, r.body.length, &e));
        log_append(l, &r);
        log_seal(l);
        assert_true(log_commit(l, &e));
    }
    assert_int_equal(help_segments(names, 16), 2); /* a short one fits behind a large one */
    buffer_init(&into, LOG_BODY_MAX);
    assert_true(log_read(l, 3, &into, &back, &e));
    assert_int_equal(back.body.length, LOG_BODY_MAX);
    assert_memory_equal(back.body.bytes, body, LOG_BODY_MAX);
    buffer_fini(&into);
    buffer_init(&into, LOG_BODY_MAX - 1);
    assert_false(log_read(l, 3, &into, &back, &e));
    assert_int_equal(e.kind, ERROR_FULL);
    buffer_fini(&into);
    log_close(l);
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e));
    assert_int_equal(found.last_seq, 4);
    log_close(l);
    free(body);
}

/* The promise of room is for the bytes to come, not all for one group: nothing, or less, may
 * follow. */
static void reserving_alone_changes_nothing(void **state)
{
    struct error e = {0};
    struct log_found found;
    struct log *l;
    char names[16][64];

    (void)state;
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e));
    for (int i = 0; i < 10; i++)
        assert_true(log_reserve(l, 100, 50000 + 5000 * i, &e));
    log_seal(l);
    assert_true(log_commit(l, &e));
    assert_int_equal(log_durable_seq(l), 0);
    assert_int_equal(help_segments(names, 16), 1);
    log_close(l);
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e));
    assert_int_equal(found.last_seq, 0);
    assert_true(help_write(l, 3, &e));
    log_close(l);
    assert_int_equal(help_count(0, &e), 3);
}

static void one_writer_at_a_time(void **state)
{
    struct error e = {0};
    struct log_found found;
    struct log *l, *second;
    char pid[32];

    (void)state;
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_NEVER, &l, &found, &e));
    assert_false(help_open(SMALL_SEGMENT, LOG_SYNC_NEVER, &second, &found, &e));
    assert_int_equal(e.kind, ERROR_WORLD);
    snprintf(pid, sizeof pid, "pid %d", (int)getpid());
    assert_non_null(strstr(e.text, pid));
    log_close(l);
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_NEVER, &l, &found, &e));
    log_close(l);
}

static void refusals_name_the_reason(void **state)
{
    struct log_options o = {
        .directory = help_directory, .shard = 4, .segment_bytes = SMALL_SEGMENT};
    struct error e = {0};
    struct log_found found;
    struct log *l;
    struct log_cursor *c;
    struct log_verdict v;

    (void)state;
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_NEVER, &l, &found, &e));
    assert_true(help_write(l, 3, &e));
    log_close(l);
    assert_false(log_open(&o, &l, &found, &e));
    assert_int_equal(e.kind, ERROR_INVALID);
    assert_non_null(strstr(e.text, "shard 3"));
    o.directory = "/nonexistent/log";
    assert_false(log_open(&o, &l, &found, &e));
    assert_int_equal(e.kind, ERROR_WORLD);
    assert_false(log_cursor_open("/nonexistent/log", 1, &c, &e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
    assert_false(log_verify("/nonexistent/log", NULL, &v, &e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
}

/* The engine's and the commit thread's dance, with a reader and a cursor beside them. */
struct dance {
    struct log *log;
    atomic_bool is_done;
    pthread_mutex_t lock;
    pthread_cond_t sealed_one;
    unsigned sealed;
};

static void *commit_main(void *argument)
{
    struct dance *d = argument;
    struct error e;

    for (unsigned i = 0; i < GROUPS; i++) {
        pthread_mutex_lock(&d->lock);
        while (d->sealed <= i)
            pthread_cond_wait(&d->sealed_one, &d->lock);
        pthread_mutex_unlock(&d->lock);
        if (!log_commit(d->log, &e))
            return (void *)"commit failed";
    }
    return NULL;
}

static void *read_main(void *argument)
{
    struct dance *d = argument;
    struct error e;
    struct buffer into;
    struct record r;
    uint64_t seed = 1;
    const char *trouble = NULL;

    buffer_init(&into, 1 << 20);
    while (!atomic_load(&d->is_done) && trouble == NULL) {
        uint64_t durable = log_durable_seq(d->log);

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        if (durable == 0)
            continue;
        if (!log_read(d->log, 1 + (seed >> 33) % durable, &into, &r, &e) ||
            !help_is_record(&r, 1 + (seed >> 33) % durable))
            trouble = "a durable record could not be read";
    }
    buffer_fini(&into);
    return (void *)trouble;
}

static void *tail_main(void *argument)
{
    struct dance *d = argument;
    struct log_cursor *c;
    struct error e;
    struct record r;
    uint64_t seq = 0;
    bool is_last = false;
    int rc = 0;

    if (!log_cursor_open(help_directory, 1, &c, &e))
        return (void *)"no cursor";
    while (rc >= 0 && !is_last) {
        is_last = atomic_load(&d->is_done);
        while ((rc = log_cursor_next(c, &r, &e)) == 1)
            if (!help_is_record(&r, ++seq))
                rc = -1;
    }
    log_cursor_close(c);
    return rc < 0 || seq != log_durable_seq(d->log) ? (void *)"the cursor lost its way" : NULL;
}

static void *verify_main(void *argument)
{
    struct dance *d = argument;
    struct log_verdict v;
    struct error e;

    while (!atomic_load(&d->is_done))
        if (!log_verify(help_directory, NULL, &v, &e) || !v.is_whole)
            return (void *)"a live log was found broken";
    return NULL;
}

static void two_groups_overlap(void **state)
{
    struct dance d = {.lock = PTHREAD_MUTEX_INITIALIZER, .sealed_one = PTHREAD_COND_INITIALIZER};
    void *(*const mains[])(void *) = {read_main, tail_main, verify_main};
    pthread_t commit, others[3];
    struct error e = {0};
    struct log_found found;
    char bytes[HELP_BODY_MAX];
    void *trouble;

    (void)state;
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_ALWAYS, &d.log, &found, &e));
    assert_int_equal(pthread_create(&commit, NULL, commit_main, &d), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&others[i], NULL, mains[i], &d), 0);
    for (unsigned g = 0; g < GROUPS; g++) {
        unsigned count = 1 + g % 40;

        assert_true(log_reserve(d.log, count, (size_t)count * HELP_BODY_MAX, &e));
        for (unsigned i = 0; i < count; i++) {
            struct record r = help_record(log_next_seq(d.log), bytes);

            log_append(d.log, &r);
        }
        log_seal(d.log);
        pthread_mutex_lock(&d.lock);
        d.sealed++;
        pthread_cond_signal(&d.sealed_one);
        pthread_mutex_unlock(&d.lock);
    }
    pthread_join(commit, &trouble);
    assert_null(trouble);
    atomic_store(&d.is_done, true);
    for (int i = 0; i < 3; i++) {
        pthread_join(others[i], &trouble);
        assert_null(trouble);
    }
    assert_int_equal(log_durable_seq(d.log), log_next_seq(d.log) - 1);
    assert_int_equal(help_count(0, &e), log_durable_seq(d.log));
    log_close(d.log);
}

static void a_cursor_begins_anywhere(void **state)
{
    static const uint64_t starts[] = {0, 1, 2, 63, 64, 65, 150, 299, 300, 301, 400};
    struct error e = {0};
    struct log_found found;
    struct log *l;

    (void)state;
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_NEVER, &l, &found, &e));
    assert_true(help_write(l, 150, &e));
    assert_true(help_write(l, 150, &e));
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct log_cursor *c;
        struct record r;
        uint64_t seq = starts[i] == 0 ? 1 : starts[i];
        uint8_t chain[DIGEST_BYTES], last[DIGEST_BYTES];

        assert_true(log_cursor_open(help_directory, starts[i], &c, &e));
        for (; seq <= 300; seq++) {
            assert_int_equal(log_cursor_next(c, &r, &e), 1);
            assert_true(help_is_record(&r, seq));
        }
        assert_int_equal(log_cursor_next(c, &r, &e), 0);
        log_cursor_chain(c, chain);
        log_chain(l, last);
        assert_memory_equal(chain, last, sizeof chain);
        log_cursor_close(c);
    }
    log_cursor_close(NULL);
    log_close(l);
}

static void a_cursor_waits_for_the_first_record(void **state)
{
    struct error e = {0};
    struct log_found found;
    struct log *l;
    struct log_cursor *c;
    struct record r;

    (void)state;
    assert_true(log_cursor_open(help_directory, 2, &c, &e));
    assert_int_equal(log_cursor_next(c, &r, &e), 0);
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e));
    assert_true(log_reserve(l, 1, 10, &e));
    assert_int_equal(log_cursor_next(c, &r, &e), 0);
    assert_true(help_write(l, 1, &e));
    assert_int_equal(log_cursor_next(c, &r, &e), 0);
    for (uint64_t seq = 2; seq < 300; seq++) { /* over several segments */
        assert_true(help_write(l, 1, &e));
        assert_int_equal(log_cursor_next(c, &r, &e), 1);
        assert_true(help_is_record(&r, seq));
        assert_int_equal(log_cursor_next(c, &r, &e), 0);
    }
    log_cursor_close(c);
    log_close(l);
}

static void an_import_is_synced_at_its_end(void **state)
{
    struct error e = {0};
    struct log_found found;
    struct log *l;

    (void)state;
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_NEVER, &l, &found, &e));
    for (int i = 0; i < 10; i++)
        assert_true(help_write(l, 50, &e));
    assert_true(log_set_sync(l, LOG_SYNC_ALWAYS, &e));
    for (int i = 0; i < 10; i++)
        assert_true(help_write(l, 50, &e));
    assert_true(log_set_sync(l, LOG_SYNC_NEVER, &e));
    assert_true(help_write(l, 50, &e));
    log_close(l);
    assert_int_equal(help_count(0, &e), 1050);
}

static bool stop_at_once(void *context, const char *stage, double done_share)
{
    (void)context, (void)stage, (void)done_share;
    return false;
}

static void verification_counts(void **state)
{
    const struct progress stop = {.report = stop_at_once};
    struct error e = {0};
    struct log_found found;
    struct log *l;
    struct log_verdict v;
    uint8_t chain[DIGEST_BYTES];
    char names[64][64];

    (void)state;
    assert_true(log_verify(help_directory, NULL, &v, &e));
    assert_true(v.is_whole);
    assert_int_equal(v.records + v.segments + v.first_seq + v.last_seq, 0);
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_NEVER, &l, &found, &e));
    for (int i = 0; i < 20; i++)
        assert_true(help_write(l, 20, &e));
    log_chain(l, chain);
    for (int live = 1; live >= 0; live--) {
        assert_true(log_verify(help_directory, NULL, &v, &e));
        assert_true(v.is_whole);
        assert_int_equal(v.records, 400);
        assert_int_equal(v.first_seq, 1);
        assert_int_equal(v.last_seq, 400);
        assert_int_equal(v.segments, help_segments(names, 64));
        assert_true(v.segments > 2);
        for (int kind = 1; kind <= 4; kind++)
            assert_int_equal(v.by_kind[kind], 100);
        assert_memory_equal(v.chain, chain, sizeof chain);
        if (live == 1) {
            assert_int_equal(v.bytes, log_bytes(l));
            log_close(l);
        }
    }
    assert_false(log_verify(help_directory, &stop, &v, &e));
    assert_int_equal(e.kind, ERROR_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, help_setup, help_teardown)
        CASE(records_come_back),
        CASE(bytes_are_as_documented),
        CASE(grouping_does_not_change_the_chain),
        CASE(a_large_record_gets_its_segment),
        CASE(reserving_alone_changes_nothing),
        CASE(one_writer_at_a_time),
        CASE(refusals_name_the_reason),
        CASE(two_groups_overlap),
        CASE(a_cursor_begins_anywhere),
        CASE(a_cursor_waits_for_the_first_record),
        CASE(an_import_is_synced_at_its_end),
        CASE(verification_counts),
    };

    return RUN(tests);
}
