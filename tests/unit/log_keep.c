/* Packed segments and a log whose beginning is cut: every reader finds the same records, a fault at
 * any step leaves a log that opens whole, and a changed byte of a packed file is found. */
#include "tests/unit/log_help.h"

#include <errno.h>

#include "shell/audit/keeping.h"
#include "shell/log/fault.h"
#include "shell/log/packed.h"

enum { SEGMENT = 64 << 10, GROUPS = 16, GROUP = 50 };

static struct log *fill(enum log_sync sync)
{
    struct log_found found;
    struct error e;
    struct log *l;

    assert_true(help_open(SEGMENT, sync, &l, &found, &e));
    for (int i = 0; i < GROUPS; i++)
        assert_true(help_write(l, GROUP, &e));
    return l;
}

static unsigned pack_all(struct log *l)
{
    unsigned packed = 0;
    struct error e;
    bool did = true;

    while (did) {
        assert_true(log_pack(l, &did, &e));
        packed += did;
    }
    return packed;
}

static void holds_all(const struct log *l, uint64_t from)
{
    struct buffer bytes;
    struct record r;
    struct error e;

    buffer_init(&bytes, LOG_BODY_MAX);
    for (uint64_t seq = 1; seq <= GROUPS * GROUP; seq++) {
        bool is_there = log_read(l, seq, &bytes, &r, &e);

        assert_int_equal(is_there, seq >= from);
        assert_true(is_there ? help_is_record(&r, seq) : e.kind == ERROR_NOT_FOUND);
    }
    buffer_fini(&bytes);
}

static void test_packed_segments_read_the_same(void **state)
{
    struct log_segment segment[64];
    struct log_verdict before, after;
    struct log_found found;
    struct error e;
    struct log *l = fill(LOG_SYNC_NEVER);
    size_t bytes = log_bytes(l), count;

    (void)state;
    assert_true(log_verify(help_directory, NULL, &before, &e));
    count = log_segments(l, segment, 64);
    assert_true(count > 3);
    assert_int_equal(pack_all(l), count);
    assert_true(log_bytes(l) < bytes);
    count = log_segments(l, segment, 64);
    for (size_t i = 0; i < count; i++)
        assert_true(segment[i].is_packed);
    holds_all(l, 1);
    assert_int_equal(help_count(0, &e), GROUPS * GROUP);
    assert_true(log_verify(help_directory, NULL, &after, &e));
    assert_true(after.is_whole);
    assert_int_equal(after.packed, count);
    assert_int_equal(after.records, before.records);
    assert_memory_equal(after.chain, before.chain, DIGEST_BYTES);
    log_close(l);
    assert_true(help_open(SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e));
    assert_int_equal(found.last_seq, GROUPS * GROUP);
    holds_all(l, 1);
    log_close(l);
}

static void test_cursor_from_any_record(void **state)
{
    struct log *l = fill(LOG_SYNC_NEVER);
    struct log_cursor *c;
    struct record r;
    struct error e;

    (void)state;
    pack_all(l);
    for (uint64_t from = 1; from <= GROUPS * GROUP; from += 37) {
        uint8_t chain[DIGEST_BYTES], other[DIGEST_BYTES];

        assert_true(log_cursor_open(help_directory, from, &c, &e));
        for (uint64_t seq = from; seq < from + 3 && seq <= GROUPS * GROUP; seq++) {
            assert_int_equal(log_cursor_next(c, &r, &e), 1);
            assert_true(help_is_record(&r, seq));
        }
        log_cursor_chain(c, chain);
        assert_true(log_chain_at(help_directory, r.seq, other, &e));
        assert_memory_equal(chain, other, DIGEST_BYTES);
        log_cursor_close(c);
    }
    log_close(l);
}

static void test_cut(void **state)
{
    struct log_segment segment[64];
    uint8_t chain[DIGEST_BYTES];
    struct log_mark mark[3];
    struct log_verdict v;
    struct log_found found;
    struct error e;
    struct log *l = fill(LOG_SYNC_NEVER);
    size_t count = log_segments(l, segment, 64);
    uint64_t first = segment[1].next_seq;

    (void)state;
    pack_all(l);
    assert_true(log_chain_at(help_directory, first - 1, chain, &e));
    assert_true(log_cut(l, first, &e));
    assert_int_equal(log_first_seq(l), first);
    assert_int_equal(log_segments(l, segment, 64), count - 2);
    holds_all(l, first);
    memset(mark, 0, sizeof mark);
    mark[0].seq = first - 2;
    mark[1].seq = first - 1;
    memcpy(mark[1].chain, chain, DIGEST_BYTES);
    mark[2].seq = GROUPS * GROUP + 1;
    assert_true(log_verify_marks(help_directory, mark, 3, NULL, &v, &e));
    assert_true(v.is_whole);
    assert_int_equal(v.first_seq, first);
    assert_memory_equal(v.before, chain, DIGEST_BYTES);
    assert_int_equal(mark[0].state, LOG_MARK_CUT);
    assert_int_equal(mark[1].state, LOG_MARK_HELD);
    assert_int_equal(mark[2].state, LOG_MARK_MISSING);
    assert_true(log_chain_at(help_directory, first - 1, chain, &e));
    assert_false(log_chain_at(help_directory, first - 2, chain, &e));
    /* all of it: the newest segment stays */
    assert_true(log_cut(l, UINT64_MAX, &e));
    assert_true(log_first_seq(l) <= GROUPS * GROUP);
    assert_true(help_write(l, 5, &e));
    log_close(l);
    assert_true(help_open(SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e));
    assert_int_equal(found.last_seq, GROUPS * GROUP + 5);
    log_close(l);
}

/* Every write, sync, rename and removal of packing and cutting fails once, and for good: what a
 * kill leaves there. */
/* The segment that is read, and those behind it, are cut: that is no damage, and it is said. */
static void test_cut_under_a_reader(void **state)
{
    struct log_segment segment[64];
    struct log *l = fill(LOG_SYNC_NEVER);
    size_t count = log_segments(l, segment, 64);
    struct log_cursor *c;
    struct record r;
    struct error e;
    int got;

    (void)state;
    assert_true(count > 3);
    assert_true(log_cursor_open(help_directory, 1, &c, &e));
    assert_int_equal(log_cursor_next(c, &r, &e), 1);
    assert_true(log_cut(l, segment[2].next_seq, &e));
    while ((got = log_cursor_next(c, &r, &e)) == 1)
        assert_true(r.seq < segment[0].next_seq);
    assert_int_equal(got, -1);
    assert_int_equal(e.kind, ERROR_CONFLICT);
    assert_non_null(strstr(e.text, "log.keep"));
    log_cursor_close(c);
    log_close(l);
}

static void sweep(bool cuts)
{
    bool was_struck = true;

    for (long n = 1; was_struck; n++) {
        struct log *l = fill(LOG_SYNC_NEVER);
        struct log_found found;
        struct log_verdict v;
        struct error e;
        bool did = true;
        uint64_t first = 1;

        if (cuts)
            pack_all(l);
        log_fault_set(n, EIO, true);
        if (cuts)
            (void)!log_cut(l, 300, &e);
        else
            while (did && log_pack(l, &did, &e))
                continue;
        was_struck = log_fault_struck();
        log_fault_set(0, 0, false);
        log_close(l);
        assert_true(help_open(SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e));
        assert_int_equal(found.last_seq, GROUPS * GROUP);
        first = log_first_seq(l);
        assert_true(cuts ? first <= 300 : first == 1);
        holds_all(l, first);
        assert_true(log_verify(help_directory, NULL, &v, &e));
        assert_true(v.is_whole);
        pack_all(l); /* and it goes on */
        assert_true(log_cut(l, 300, &e));
        holds_all(l, log_first_seq(l));
        log_close(l);
        help_empty();
        assert_int_equal(mkdir(help_directory, 0700), 0);
        assert_true(n < 400);
    }
}

static void test_faults_while_packing(void **state)
{
    (void)state;
    sweep(false);
}

static void test_faults_while_cutting(void **state)
{
    (void)state;
    sweep(true);
}

static void test_changed_bytes_of_a_packed_segment(void **state)
{
    static const char name[] = "00000000000000000001.log.zst";
    struct log *l = fill(LOG_SYNC_NEVER);
    struct log_verdict v;
    unsigned char *bytes;
    struct error e;
    size_t length;

    (void)state;
    pack_all(l);
    log_close(l);
    length = help_load(name, &bytes);
    for (size_t at = 0; at < length; at += at < length - 200 ? 499 : 1) {
        bytes[at] ^= 0x10;
        help_store(name, bytes, length);
        assert_true(log_verify(help_directory, NULL, &v, &e));
        assert_false(v.is_whole);
        bytes[at] ^= 0x10;
    }
    for (size_t cut = 1; cut < length; cut += length / 7) {
        help_store(name, bytes, length - cut);
        assert_true(log_verify(help_directory, NULL, &v, &e));
        assert_false(v.is_whole);
    }
    help_store(name, bytes, length);
    assert_true(log_verify(help_directory, NULL, &v, &e));
    assert_true(v.is_whole);
    free(bytes);
}

/* ---- what is kept */

static bool newest(void *context, const struct log_segment *s, int64_t *us)
{
    (void)context;
    *us = (int64_t)s->next_seq * 1000;
    return true;
}

static uint64_t choose(struct log_keep keep, uint64_t bytes, int64_t now_us, uint64_t safe)
{
    const struct log_segment s[] = {{1, 10, 100, true}, {10, 20, 100, true}, {20, 30, 100, true}};

    return keeping_cut(&(struct keeping){&keep, bytes, now_us, safe}, s, 3, newest, NULL);
}

static void test_what_is_kept(void **state)
{
    const struct log_keep none = {0}, bytes = {.has_bytes = true, .bytes = 250},
                          age = {.has_for = true, .for_us = 5000};

    (void)state;
    assert_int_equal(choose(none, 400, INT64_MAX, UINT64_MAX), 0);
    assert_int_equal(choose(bytes, 250, 0, UINT64_MAX), 0);
    assert_int_equal(choose(bytes, 251, 0, UINT64_MAX), 10);
    assert_int_equal(choose(bytes, 400, 0, UINT64_MAX), 20);
    assert_int_equal(choose(bytes, 900, 0, UINT64_MAX), 30);
    assert_int_equal(choose(bytes, 900, 0, 19), 10);
    assert_int_equal(choose(bytes, 900, 0, 9), 0);
    assert_int_equal(choose(age, 900, 15000, UINT64_MAX), 0);
    assert_int_equal(choose(age, 900, 15001, UINT64_MAX), 10);
    assert_int_equal(choose(age, 900, 90000, UINT64_MAX), 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_packed_segments_read_the_same, help_setup,
                                        help_teardown),
        cmocka_unit_test_setup_teardown(test_cursor_from_any_record, help_setup, help_teardown),
        cmocka_unit_test_setup_teardown(test_cut, help_setup, help_teardown),
        cmocka_unit_test_setup_teardown(test_cut_under_a_reader, help_setup, help_teardown),
        cmocka_unit_test_setup_teardown(test_faults_while_packing, help_setup, help_teardown),
        cmocka_unit_test_setup_teardown(test_faults_while_cutting, help_setup, help_teardown),
        cmocka_unit_test_setup_teardown(test_changed_bytes_of_a_packed_segment, help_setup,
                                        help_teardown),
        cmocka_unit_test(test_what_is_kept),
    };

    return RUN(tests);
}
