/* The log after the worst: torn ends, lost sectors, edits, faults at every operation, kill -9. */
#include "tests/unit/log_help.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "shell/log/fault.h"
#include "shell/log/image.h"
#include "shell/log/segment.h"

enum { SMALL_SEGMENT = 32 << 10, KILLS = 30, FAULTS_MAX = 2000 };

#define FIRST_SEGMENT "00000000000000000001.log"

static bool open_small(struct log **l, struct log_found *found, struct error *e)
{
    return help_open(SMALL_SEGMENT, LOG_SYNC_NEVER, l, found, e);
}

/* Groups of the given sizes; ends[i]: offset in the first segment where group i ends. */
static void write_groups(const unsigned *sizes, int count, size_t *ends)
{
    struct error e = {0};
    struct log_found found;
    struct log *l;

    assert_true(open_small(&l, &found, &e));
    for (int i = 0; i < count; i++) {
        assert_true(help_write(l, sizes[i], &e));
        ends[i] = log_bytes(l);
    }
    log_close(l);
}

/* Opens what help_directory has; the records must be 1..last and writing must go on from there. */
static uint64_t reopen_and_go_on(uint64_t *cut)
{
    struct error e = {0};
    struct log_found found;
    struct log_verdict v;
    struct log *l;

    if (!open_small(&l, &found, &e))
        fail_msg("%s", e.text);
    assert_int_equal(help_count(0, &e), found.last_seq);
    assert_int_equal(log_durable_seq(l), found.last_seq);
    assert_true(help_write(l, 2, &e));
    log_close(l);
    assert_int_equal(help_count(0, &e), found.last_seq + 2);
    assert_true(log_verify(help_directory, NULL, &v, &e));
    if (!v.is_whole)
        fail_msg("%s", v.finding);
    assert_int_equal(v.last_seq, found.last_seq + 2);
    *cut = found.cut_bytes;
    return found.last_seq;
}

/* Both ends of a write that did not finish: the file cut there, or zeros from there on. */
static void a_torn_end_is_cut_at_any_byte(void **state)
{
    static const unsigned sizes[] = {2, 1, 2};
    size_t ends[3], length;
    unsigned char *whole, *torn;

    (void)state;
    write_groups(sizes, 3, ends);
    length = help_load(FIRST_SEGMENT, &whole);
    torn = malloc(length);
    for (size_t at = ends[0]; at <= ends[2]; at++) {
        for (int zeros = 0; zeros < 2; zeros++) {
            uint64_t last, cut;

            memcpy(torn, whole, at);
            memset(torn + at, 0, length - at);
            help_store(FIRST_SEGMENT, torn, zeros ? length : at);
            last = reopen_and_go_on(&cut);
            assert_true(last >= 2 + (at >= ends[1]) && last <= 5);
            assert_int_equal(last == 5,
                             at == ends[2] || (zeros && memcmp(torn, whole, length) == 0));
            help_empty();
            assert_int_equal(mkdir(help_directory, 0700), 0);
        }
    }
    free(torn);
    free(whole);
}

/* Power failure: any sectors of the last group may be missing, even the first ones. */
static void lost_sectors_of_the_last_group_are_cut(void **state)
{
    static const unsigned sizes[] = {3, 12};
    size_t ends[2], length;
    unsigned char *whole, *torn;

    (void)state;
    write_groups(sizes, 2, ends);
    length = help_load(FIRST_SEGMENT, &whole);
    torn = malloc(length);
    for (size_t sector = ends[0] / 512; sector <= (ends[1] - 1) / 512; sector++) {
        size_t from = sector * 512 > ends[0] ? sector * 512 : ends[0];
        uint64_t last, cut;

        memcpy(torn, whole, length);
        memset(torn + from, 0, (sector + 1) * 512 - from);
        help_store(FIRST_SEGMENT, torn, length);
        last = reopen_and_go_on(&cut);
        assert_in_range(last, 3, 14);
        assert_int_equal(cut > 0, sector != (ends[1] - 1) / 512 || cut > 0);
        help_empty();
        assert_int_equal(mkdir(help_directory, 0700), 0);
    }
    free(torn);
    free(whole);
}

/* The same in a group that was safe, since another one follows: nothing may be cut. */
static void damage_in_the_middle_is_refused(void **state)
{
    static const unsigned sizes[] = {3, 12, 1};
    size_t ends[3], length;
    unsigned char *whole, *broken, *after;

    (void)state;
    write_groups(sizes, 3, ends);
    length = help_load(FIRST_SEGMENT, &whole);
    broken = malloc(length);
    for (size_t at = SEGMENT_HEADER; at < ends[1]; at += 37) {
        size_t lost = at % 3 == 0 ? 512 : 1;
        struct error e = {0};
        struct log_found found;
        struct log_verdict v;
        struct log *l;

        memcpy(broken, whole, length);
        if (lost == 1)
            broken[at] ^= 0x10;
        else
            memset(broken + at, 0, at + lost <= ends[1] ? lost : ends[1] - at);
        if (memcmp(broken, whole, length) == 0)
            continue;
        help_store(FIRST_SEGMENT, broken, length);
        assert_false(open_small(&l, &found, &e));
        assert_int_equal(e.kind, ERROR_INVALID);
        assert_non_null(strstr(e.text, FIRST_SEGMENT));
        assert_non_null(strstr(e.text, "assay log verify"));
        assert_int_equal(help_load(FIRST_SEGMENT, &after), length);
        assert_memory_equal(after, broken, length); /* refusing changes nothing */
        free(after);
        help_count(-1, &e);
        assert_true(log_verify(help_directory, NULL, &v, &e));
        assert_false(v.is_whole);
    }
    free(broken);
    free(whole);
}

/* A changed bit within the last group shows that it was written whole: it is not cut either. */
static void a_changed_bit_is_no_torn_end(void **state)
{
    static const unsigned sizes[] = {1, 8};
    size_t ends[2], length;
    unsigned char *whole;
    struct error e = {0};
    struct log_found found;
    struct log *l;

    (void)state;
    write_groups(sizes, 2, ends);
    length = help_load(FIRST_SEGMENT, &whole);
    whole[ends[0] + 50] ^= 1;
    help_store(FIRST_SEGMENT, whole, length);
    assert_false(open_small(&l, &found, &e));
    assert_int_equal(e.kind, ERROR_INVALID);
    free(whole);
}

static bool is_found_broken(void)
{
    struct log_verdict v;
    struct error e = {0};

    assert_true(log_verify(help_directory, NULL, &v, &e));
    return !v.is_whole && v.finding[0] != '\0';
}

static void verify_finds_every_changed_bit(void **state)
{
    static const unsigned sizes[] = {2, 1};
    size_t ends[2], length;
    unsigned char *bytes;

    (void)state;
    write_groups(sizes, 2, ends);
    length = help_load(FIRST_SEGMENT, &bytes);
    for (size_t at = 0; at < length; at += at < ends[1] + 64 ? 1 : 509) {
        bytes[at] ^= (unsigned char)(1 << at % 8);
        help_store(FIRST_SEGMENT, bytes, length);
        if (!is_found_broken())
            fail_msg("a changed bit at offset %zu was not found", at);
        bytes[at] ^= (unsigned char)(1 << at % 8);
    }
    help_store(FIRST_SEGMENT, bytes, length);
    assert_false(is_found_broken());
    free(bytes);
}

/* Edits by someone who mends the checksums: records of another log, reordered ones, missing ones.
 */
static void verify_finds_forgeries(void **state)
{
    static const unsigned sizes[] = {1, 1, 1, 1};
    size_t ends[4], length, second, third;
    unsigned char *bytes, *forged;
    struct record_frame f;
    struct digest *d = digest_new();
    uint8_t chain[DIGEST_BYTES] = {0};

    (void)state;
    write_groups(sizes, 4, ends);
    length = help_load(FIRST_SEGMENT, &bytes);
    forged = malloc(length);
    second = ends[1] - ends[0];
    third = ends[2] - ends[1];

    memcpy(forged, bytes, length); /* two records in the other order */
    memcpy(forged + ends[0], bytes + ends[1], third);
    memcpy(forged + ends[0] + third, bytes + ends[0], second);
    help_store(FIRST_SEGMENT, forged, length);
    assert_true(is_found_broken());

    memcpy(forged, bytes, length); /* one taken out */
    memmove(forged + ends[0], bytes + ends[1], length - ends[1]);
    help_store(FIRST_SEGMENT, forged, length - second);
    assert_true(is_found_broken());

    memcpy(forged, bytes, length); /* one changed, its crc and chain value made anew */
    assert_int_equal(record_decode(bytes + ends[0], second, &f), RECORD_WHOLE);
    assert_int_equal(record_decode(bytes + SEGMENT_HEADER, length, &f), RECORD_WHOLE);
    memcpy(chain, f.chain, DIGEST_BYTES);
    assert_int_equal(record_decode(bytes + ends[0], second, &f), RECORD_WHOLE);
    f.record.received_us++;
    record_encode(forged + ends[0], &f.record, true, d, chain);
    help_store(FIRST_SEGMENT, forged, length);
    assert_true(is_found_broken());

    digest_free(d);
    free(forged);
    free(bytes);
}

static void verify_finds_missing_segments(void **state)
{
    struct error e = {0};
    struct log_found found;
    struct log *l;
    char names[32][64], path[HELP_PATH + 80], other[HELP_PATH + 80];
    unsigned char *bytes;
    size_t length;
    int count;

    (void)state;
    assert_true(open_small(&l, &found, &e));
    for (int i = 0; i < 12; i++)
        assert_true(help_write(l, 20, &e));
    log_close(l);
    count = help_segments(names, 32);
    assert_true(count >= 4);

    length = help_load(names[1], &bytes); /* emptied to its header, then gone */
    memset(bytes + SEGMENT_HEADER, 0, length - SEGMENT_HEADER);
    snprintf(path, sizeof path, "%s/%s", help_directory, names[1]);
    snprintf(other, sizeof other, "%s/kept", help_directory);
    assert_int_equal(rename(path, other), 0);
    assert_true(is_found_broken());
    help_count(-1, &e);
    help_store(names[1], bytes, length);
    assert_true(is_found_broken());
    help_count(-1, &e);
    assert_int_equal(rename(other, path), 0);
    assert_false(is_found_broken());
    free(bytes);

    snprintf(other, sizeof other, "%s/00000000000000000007.log", help_directory);
    assert_int_equal(rename(path, other), 0); /* under another name */
    assert_true(is_found_broken());
}

/* A segment that was begun, and nothing of it came to disk but its name, or its header. */
static void an_unused_segment_is_dropped(void **state)
{
    struct error e = {0};
    struct log_found found;
    struct log *l;
    char names[32][64];
    unsigned char *bytes;
    size_t length;
    int count;

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        uint64_t cut, last;

        assert_true(open_small(&l, &found, &e));
        do
            assert_true(help_write(l, 5, &e));
        while (help_segments(names, 32) < 3);
        last = log_durable_seq(l);
        log_close(l);
        count = help_segments(names, 32);
        length = help_load(names[count - 1], &bytes);
        if (kind == 0) {
            length = 0;
        } else if (kind == 1) {
            memset(bytes, 0, length);
        } else if (kind == 2) {
            memset(bytes + SEGMENT_HEADER, 0, length - SEGMENT_HEADER);
        } else {
            memset(bytes, 0, SEGMENT_HEADER); /* the header's page was lost, the records' not */
        }
        help_store(names[count - 1], bytes, length);
        assert_int_equal(reopen_and_go_on(&cut), last - 5);
        assert_int_equal(cut > 0, kind == 3);
        free(bytes);
        help_empty();
    }
}

/* One scenario: open, write groups over several segments, reopen in the middle. Returns the last
 * seq that was acknowledged; stops at the first failure. */
static uint64_t scenario(enum log_sync sync, struct error *e)
{
    uint64_t acknowledged = 0;

    for (int round = 0; round < 2; round++) {
        struct log_found found;
        struct log *l;

        if (!help_open(SMALL_SEGMENT, sync, &l, &found, e))
            return acknowledged;
        assert_true(found.last_seq >= acknowledged);
        for (unsigned i = 0; i < 9; i++) {
            if (!help_write(l, 4 + i, e)) {
                uint64_t durable = log_durable_seq(l);

                assert_int_equal(durable, acknowledged);
                log_close(l);
                return acknowledged;
            }
            acknowledged = log_durable_seq(l);
        }
        log_close(l);
    }
    return acknowledged;
}

static void sweep(int error_number, bool is_lasting, enum log_sync sync)
{
    bool is_struck = true;

    for (long nth = 1; is_struck && nth < FAULTS_MAX; nth++) {
        struct error e = {0};
        uint64_t acknowledged, cut, last;

        log_fault_set(nth, error_number, is_lasting);
        acknowledged = scenario(sync, &e);
        is_struck = log_fault_struck();
        log_fault_set(0, 0, false);
        assert_true(is_struck || e.kind == ERROR_NONE);
        last = reopen_and_go_on(&cut);
        assert_true(last >= acknowledged);
        help_empty();
    }
    assert_false(is_struck); /* the sweep came to its end */
}

static void every_fault_leaves_a_good_prefix(void **state)
{
    (void)state;
    sweep(EIO, false, LOG_SYNC_NEVER);
    sweep(EIO, true, LOG_SYNC_NEVER);
    sweep(ENOSPC, false, LOG_SYNC_NEVER);
    sweep(EIO, false, LOG_SYNC_ALWAYS);
    sweep(ENOSPC, true, LOG_SYNC_ALWAYS);
}

static void a_full_disk_is_no_catastrophe(void **state)
{
    struct error e = {0};
    struct log_found found;
    struct log *l;
    uint64_t full = 0;

    (void)state;
    assert_true(open_small(&l, &found, &e));
    for (int i = 0; i < 40; i++) {
        uint64_t next = log_next_seq(l);

        log_fault_set(1, i % 2 ? ENOSPC : EDQUOT, true);
        if (!log_reserve(l, 10, 10 * HELP_BODY_MAX, &e)) {
            assert_int_equal(e.kind, ERROR_FULL);
            assert_non_null(strstr(e.text, help_directory));
            assert_non_null(strstr(e.text, "bytes free"));
            assert_int_equal(log_next_seq(l), next);
            full++;
        }
        log_fault_set(0, 0, false);
        assert_true(help_write(l, 10, &e)); /* there is room again */
    }
    assert_true(full > 5);
    log_close(l);
    assert_int_equal(help_count(0, &e), 400);
}

static void a_failed_commit_breaks_the_log(void **state)
{
    struct error e = {0};
    struct log_found found;
    struct log *l;
    struct record r;
    char bytes[HELP_BODY_MAX];

    (void)state;
    assert_true(help_open(SMALL_SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e));
    assert_true(help_write(l, 3, &e));
    assert_true(log_reserve(l, 2, 2 * HELP_BODY_MAX, &e));
    r = help_record(4, bytes);
    log_append(l, &r);
    log_seal(l);
    log_append(l, &r); /* the next group is being filled meanwhile */
    log_fault_set(2, EIO, false);
    assert_false(log_commit(l, &e));
    assert_int_equal(e.kind, ERROR_WORLD);
    log_fault_set(0, 0, false);
    log_append(l, &r);
    log_seal(l);
    assert_false(log_commit(l, &e));
    assert_int_equal(e.kind, ERROR_WORLD);
    assert_false(log_reserve(l, 1, 1, &e));
    assert_int_equal(e.kind, ERROR_WORLD);
    assert_int_equal(log_durable_seq(l), 3);
    log_close(l);
}

/* A writer that says through a pipe what is safe, until it is killed. */
static void write_until_killed(int acknowledgements)
{
    struct error e;
    struct log_found found;
    struct log *l;

    if (!help_open(SMALL_SEGMENT, LOG_SYNC_ALWAYS, &l, &found, &e))
        _exit(1);
    for (unsigned i = 0;; i++) {
        uint64_t durable;

        if (!help_write(l, 1 + i % 30, &e))
            _exit(1);
        durable = log_durable_seq(l);
        if (write(acknowledgements, &durable, sizeof durable) != sizeof durable)
            _exit(1);
    }
}

static void killed_writers_lose_nothing(void **state)
{
    uint64_t acknowledged = 0;

    (void)state;
    srandom(7);
    for (int i = 0; i < KILLS; i++) {
        int ends[2], status;
        uint64_t seq, cut;
        pid_t child;

        assert_int_equal(pipe(ends), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_until_killed(ends[1]);
        close(ends[1]);
        for (long reads = random() % 40; reads >= 0; reads--)
            if (read(ends[0], &seq, sizeof seq) == sizeof seq)
                acknowledged = seq;
        usleep((useconds_t)(random() % 3000));
        kill(child, SIGKILL);
        while (read(ends[0], &seq, sizeof seq) == sizeof seq)
            acknowledged = seq;
        close(ends[0]);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        assert_true(reopen_and_go_on(&cut) >= acknowledged);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, help_setup, help_teardown)
        CASE(a_torn_end_is_cut_at_any_byte),    CASE(lost_sectors_of_the_last_group_are_cut),
        CASE(damage_in_the_middle_is_refused),  CASE(a_changed_bit_is_no_torn_end),
        CASE(verify_finds_every_changed_bit),   CASE(verify_finds_forgeries),
        CASE(verify_finds_missing_segments),    CASE(an_unused_segment_is_dropped),
        CASE(every_fault_leaves_a_good_prefix), CASE(a_full_disk_is_no_catastrophe),
        CASE(a_failed_commit_breaks_the_log),   CASE(killed_writers_lose_nothing),
    };

    return RUN(tests);
}
