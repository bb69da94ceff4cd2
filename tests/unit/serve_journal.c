/* The journal: lines whole and escaped, bounded in number, never in the way. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/data/json.h"
#include "shell/os/clock.h"
#include "shell/serve/journal.h"

enum { PIPE_BYTES = 1 << 20 };

static char text[PIPE_BYTES];

/* What stands in the pipe. */
static size_t take(int fd)
{
    size_t length = 0;
    ssize_t n;

    while (length < PIPE_BYTES - 1 && (n = read(fd, text + length, PIPE_BYTES - 1 - length)) > 0)
        length += (size_t)n;
    text[length] = 0;
    return length;
}

static void open_pipe(int ends[2])
{
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    (void)fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
}

static void close_pipe(int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static void a_line_is_an_object_whatever_the_words_are(void **state)
{
    struct json_reader *r = json_reader_new();
    struct json_document *d;
    struct journal *j;
    struct error e;
    int ends[2];

    (void)state;
    open_pipe(ends);
    j = journal_new(ends[1], true);
    journal_write(j, JOURNAL_ERROR, "odd", "a \"quote\",\na line \xc3\xa9 and {\"x\":1}",
                  ",\"seq\":7");
    assert_true(take(ends[0]) > 0);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    d = json_parse(r, text, strlen(text), &e);
    assert_non_null(d);
    assert_true(text_is(json_get(&d->root, "level")->text, "error"));
    assert_true(text_is(json_get(&d->root, "event")->text, "odd"));
    assert_int_equal(json_get(&d->root, "seq")->integer, 7);
    assert_null(json_get(&d->root, "x"));
    json_free(d);
    json_reader_free(r);
    journal_free(j);
    close_pipe(ends);
}

static void people_are_told_words_and_no_information(void **state)
{
    struct journal *j;
    int ends[2];

    (void)state;
    open_pipe(ends);
    j = journal_new(ends[1], false);
    journal_write(j, JOURNAL_INFO, "snapshot", "a snapshot was written", "");
    assert_int_equal(take(ends[0]), 0);
    journal_write(j, JOURNAL_WARN, "volume_full", "make room", ",\"bytes\":1");
    take(ends[0]);
    assert_string_equal(text, "assay: make room\n");
    journal_write(NULL, JOURNAL_ERROR, "nobody", "listens", "");
    journal_free(j);
    close_pipe(ends);
}

static void a_flood_is_cut_and_counted(void **state)
{
    int ends[2], lines = 0;
    struct journal *j;

    (void)state;
    open_pipe(ends);
    j = journal_new(ends[1], true);
    for (int i = 0; i < 5 * JOURNAL_LINES_AT_ONCE; i++)
        journal_write(j, JOURNAL_INFO, "request", "a request was answered", "");
    take(ends[0]);
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_in_range(lines, JOURNAL_LINES_AT_ONCE, 2 * JOURNAL_LINES_AT_ONCE);
    clock_sleep_us(3 * 1000000 / JOURNAL_LINES_A_SECOND);
    journal_write(j, JOURNAL_INFO, "request", "a request was answered", "");
    take(ends[0]);
    assert_non_null(strstr(text, "\"left_out\":"));
    journal_free(j);
    close_pipe(ends);
}

static void a_line_too_long_or_a_closed_end_harms_nobody(void **state)
{
    static char words[2 * JOURNAL_LINE_MAX];
    struct journal *j;
    int ends[2];

    (void)state;
    memset(words, 'w', sizeof words - 1);
    open_pipe(ends);
    j = journal_new(ends[1], true);
    journal_write(j, JOURNAL_WARN, "long", words, "");
    assert_int_equal(take(ends[0]), 0);
    close(ends[1]);
    journal_write(j, JOURNAL_WARN, "gone", "nobody reads", "");
    journal_free(j);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_an_object_whatever_the_words_are),
        cmocka_unit_test(people_are_told_words_and_no_information),
        cmocka_unit_test(a_flood_is_cut_and_counted),
        cmocka_unit_test(a_line_too_long_or_a_closed_end_harms_nobody),
    };

    return RUN(tests);
}
