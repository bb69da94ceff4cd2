/* The log as its users meet it: writing, reading back, rolling, threads, cursors, verification. */
#include "tests/unit/log_help.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SMALL_SEGMENT = 64 << 10 };

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

    e = (struct error){0};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_back, help_setup, help_teardown),
    };

    return RUN(tests);
}
