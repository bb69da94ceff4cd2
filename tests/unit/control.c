/* The control log: what is appended is applied, kept, verified, and applied again when opened. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/data/json_at.h"
#include "shell/control/tally.h"
#include "shell/log/fault.h"

static char data[64];

static int open_directory(void **state)
{
    (void)state;
    snprintf(data, sizeof data, "/tmp/assay-control-XXXXXX");
    return mkdtemp(data) == NULL;
}

static int remove_directory(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0) {
        execlp("rm", "rm", "-rf", data, (char *)NULL);
        _exit(1);
    }
    return waitpid(child, &status, 0) != child || status != 0;
}

/* A fold that sums what was added and refuses to go below zero. */
struct account {
    int64_t sum;
    uint64_t last_seq;
    unsigned applied;
};

static bool account_check(void *context, const struct control_record *r, struct error *e)
{
    const struct account *a = context;
    const struct json *by = json_at(r->data, "by");

    if (by == NULL || by->kind != JSON_INT)
        return error_set(e, ERROR_INVALID, "by: no number");
    return a->sum + by->integer >= 0 || error_set(e, ERROR_CONFLICT, "below zero");
}

static void account_apply(void *context, const struct control_record *r)
{
    struct account *a = context;

    assert_int_equal(r->seq > a->last_seq, true);
    a->last_seq = r->seq;
    a->sum += json_at(r->data, "by")->integer;
    a->applied++;
}

static struct control *opened(struct account *a)
{
    struct control_fold fold = {"account.", a, account_check, account_apply};
    struct control *c;
    struct error e;

    *a = (struct account){0};
    if (!control_open(data, &fold, 1, &c, &e))
        fail_msg("%s", e.text);
    return c;
}

static struct control_change adding(const char *json)
{
    return (struct control_change){
        .kind = text_of("account.added"),
        .actor = {text_of("user"), text_of("ann"), text_of("Ann \"A\" L\xc3\xa9")},
        .request = text_of("r-1"),
        .address = text_of("127.0.0.1"),
        .subject = text_of("account/1"),
        .note = text_of("why\nnot"),
        .data = text_of(json),
    };
}

static bool append(struct control *c, const char *json, struct error *e)
{
    struct control_change change = adding(json);

    return control_append(c, &change, NULL, e);
}

static void test_applied_at_once_and_again(void **state)
{
    struct account a;
    struct control *c = opened(&a);
    uint8_t chain[DIGEST_BYTES], again[DIGEST_BYTES];
    struct error e;

    (void)state;
    assert_true(append(c, "{\"by\":5}", &e));
    assert_true(append(c, "{\"by\":-2}", &e));
    assert_false(append(c, "{\"by\":-4}", &e));
    assert_int_equal(e.kind, ERROR_CONFLICT);
    assert_int_equal(a.sum, 3);
    assert_int_equal(control_head(c, chain), 2);
    control_close(c);

    c = opened(&a);
    assert_int_equal(a.sum, 3);
    assert_int_equal(a.applied, 2);
    assert_int_equal(control_head(c, again), 2);
    assert_memory_equal(chain, again, sizeof chain);
    control_close(c);
}

static bool see(void *context, const struct control_record *r)
{
    unsigned *seen = context;

    (*seen)++;
    assert_true(text_is(r->change.kind, "account.added"));
    assert_true(text_is(r->change.actor.id, "ann"));
    assert_true(text_is(r->change.actor.name, "Ann \"A\" L\xc3\xa9"));
    assert_true(text_is(r->change.note, "why\nnot"));
    assert_true(text_is(r->change.subject, "account/1"));
    assert_true(r->at_us > 0);
    assert_int_equal(json_count_at(r->data, "by"), r->seq);
    return *seen < 3;
}

static void test_visit_and_scan(void **state)
{
    struct account a;
    struct control *c = opened(&a);
    unsigned seen = 0;
    struct control_visitor v = {see, &seen};
    char json[32], path[CONTROL_PATH_MAX];
    struct log_verdict verdict;
    struct error e;

    (void)state;
    for (int i = 1; i <= 5; i++) {
        snprintf(json, sizeof json, "{\"by\":%d}", i);
        assert_true(append(c, json, &e));
    }
    assert_true(control_visit(c, 4, &v, &e));
    assert_int_equal(seen, 2);
    seen = 0;
    assert_true(control_visit(c, 0, &v, &e)); /* stops after three */
    assert_int_equal(seen, 3);
    seen = 0;
    assert_true(control_scan(data, 4, &v, &e)); /* beside the writer */
    assert_int_equal(seen, 2);
    control_close(c);
    assert_true(control_path(data, path, &e));
    assert_true(log_verify(path, NULL, &verdict, &e));
    assert_true(verdict.is_whole);
    assert_int_equal(verdict.by_kind[RECORD_CONTROL], 5);
}

static void expect_refused(struct control *c, const struct control_change *change, const char *word)
{
    struct error e;

    assert_false(control_append(c, change, NULL, &e));
    assert_int_equal(e.kind, ERROR_INVALID);
    assert_non_null(strstr(e.text, word));
}

static void test_limits(void **state)
{
    static char large[CONTROL_DATA_MAX + 16];
    struct account a;
    struct control *c = opened(&a);
    struct control_change good = adding("{\"by\":1}"), bad;
    struct error e;

    (void)state;
    memset(large, 'x', sizeof large - 1);
    bad = good, bad.kind = text_of("account");
    expect_refused(c, &bad, "kind");
    bad = good, bad.kind = text_of("Account.added");
    expect_refused(c, &bad, "kind");
    bad = good, bad.kind = (struct text){large, CONTROL_KIND_MAX + 1};
    expect_refused(c, &bad, "kind");
    bad = good, bad.subject = (struct text){large, CONTROL_SUBJECT_MAX + 1};
    expect_refused(c, &bad, "subject");
    bad = good, bad.note = (struct text){large, CONTROL_NOTE_MAX + 1};
    expect_refused(c, &bad, "note");
    bad = good, bad.actor.id = text_of("\xff");
    expect_refused(c, &bad, "actor.id");
    bad = good, bad.data = (struct text){large, CONTROL_DATA_MAX + 1};
    expect_refused(c, &bad, "data");
    bad = good, bad.data = text_of("[1]");
    expect_refused(c, &bad, "data");
    bad = good, bad.data = text_of("{\"by\":1},\"kind\":{}"); /* JSON that would break out */
    assert_false(control_append(c, &bad, NULL, &e));
    bad = good, bad.secret = text_of("7");
    expect_refused(c, &bad, "secret");
    assert_int_equal(a.applied, 0);

    /* One at its limit is kept, and read again. */
    bad = good;
    bad.kind = text_of("other.kind");
    memcpy(large, "{\"x\":\"", 6);
    memcpy(large + CONTROL_DATA_MAX - 2, "\"}", 3);
    bad.data = (struct text){large, CONTROL_DATA_MAX};
    bad.note = (struct text){large + 6, CONTROL_NOTE_MAX};
    for (int i = 0; i < 4; i++) /* over more than one segment */
        assert_true(control_append(c, &bad, NULL, &e));
    assert_true(append(c, "{\"by\":1}", &e));
    control_close(c);
    c = opened(&a);
    assert_int_equal(a.last_seq, 5);
    control_close(c);
}

static void test_disk_faults(void **state)
{
    struct account a;
    struct control *c = opened(&a);
    struct error e;

    (void)state;
    assert_true(append(c, "{\"by\":1}", &e));
    log_fault_set(1, 5 /* EIO */, false);
    assert_false(append(c, "{\"by\":1}", &e));
    log_fault_set(0, 0, false);
    assert_int_equal(e.kind, ERROR_WORLD);
    assert_int_equal(a.sum, 1);                /* what is not on the disk is not applied */
    assert_false(append(c, "{\"by\":1}", &e)); /* until it is opened again */
    control_close(c);
    c = opened(&a);
    assert_true(append(c, "{\"by\":1}", &e));
    assert_int_equal(a.sum, (int64_t)a.applied);
    control_close(c);
}

static void *append_many(void *context)
{
    struct error e;

    for (int i = 0; i < 25; i++)
        assert_true(append(context, "{\"by\":1}", &e));
    return NULL;
}

static void test_many_threads(void **state)
{
    struct account a;
    struct control *c = opened(&a);
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, c), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(a.sum, 100);
    control_close(c);
    c = opened(&a);
    assert_int_equal(a.sum, 100);
    control_close(c);
}

struct counted {
    unsigned records, others;
    uint64_t sum;
};

static bool count_one(void *context, const struct control_record *r)
{
    struct counted *n = context;

    n->records++;
    n->others += text_is(r->change.subject, "others");
    n->sum += json_count_at(r->data, "count");
    return true;
}

static void test_tally_is_bounded(void **state)
{
    enum { NOTES = 20000 };
    struct account a;
    struct control *c = opened(&a);
    struct counted n = {0};
    struct control_visitor v = {count_one, &n};
    struct tally *t;
    struct error e;

    (void)state;
    assert_true(tally_start(c, &t, &e));
    for (int i = 0; i < NOTES; i++) {
        char address[32];
        struct control_change change = {.kind = text_of("access.denied"),
                                        .actor = {text_of("nobody"), {0}, {0}},
                                        .subject = text_of("\xff not UTF-8")};

        snprintf(address, sizeof address, "10.0.%d.%d", i / 250 % 250, i % 250);
        change.address = text_of(address);
        tally_note(t, &change);
    }
    tally_stop(t);
    assert_true(control_visit(c, 1, &v, &e));
    assert_int_equal(n.sum, NOTES); /* none is lost */
    assert_true(n.records <= 2 * (TALLY_ROOM + TALLY_KINDS));
    assert_true(n.others >= 1);
    control_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_directory, remove_directory)
        TEST(test_applied_at_once_and_again),
        TEST(test_visit_and_scan),
        TEST(test_limits),
        TEST(test_disk_faults),
        TEST(test_many_threads),
        TEST(test_tally_is_bounded),
    };

    return RUN(tests);
}
