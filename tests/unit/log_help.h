/* What the tests of the log share: a directory of its own, records whose content follows from their
 * seq, and a check that a log holds exactly such records. */
#ifndef ASSAY_TESTS_LOG_HELP_H
#define ASSAY_TESTS_LOG_HELP_H

#include "tests/unit/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shell/log/log.h"

enum { HELP_BODY_MAX = 700, HELP_PATH = 512 };

static char help_directory[HELP_PATH];

__attribute__((unused)) static void help_empty(void)
{
    DIR *d = opendir(help_directory);
    struct dirent *entry;

    if (d == NULL)
        return;
    while ((entry = readdir(d)) != NULL)
        unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
    rmdir(help_directory);
}

__attribute__((unused)) static int help_setup(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    snprintf(help_directory, sizeof help_directory, "%s/assay-log-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    return mkdtemp(help_directory) == NULL ? -1 : 0;
}

__attribute__((unused)) static int help_teardown(void **state)
{
    (void)state;
    help_empty();
    return 0;
}

/* The record that stands at `seq`, its sealed part and body in `bytes`. */
__attribute__((unused)) static struct record help_record(uint64_t seq, char bytes[HELP_BODY_MAX])
{
    size_t length = seq * 7919 % HELP_BODY_MAX, sealed = length / (2 + seq % 5);
    struct record r = {.seq = seq,
                       .received_us = (int64_t)seq * 1000 - 5,
                       .kind = (enum record_kind)(1 + seq % 4),
                       .flags = seq % 3 == 0,
                       .epoch = (uint16_t)(seq * 31),
                       .plan = (uint32_t)seq / 10};

    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(seq * 131 + i * i);
    r.sealed = (struct text){bytes, sealed};
    r.body = (struct text){bytes + sealed, length - sealed};
    return r;
}

__attribute__((unused)) static bool help_is_record(const struct record *r, uint64_t seq)
{
    char bytes[HELP_BODY_MAX];
    struct record w = help_record(seq, bytes);

    return r->seq == w.seq && r->received_us == w.received_us && r->kind == w.kind &&
           r->flags == w.flags && r->epoch == w.epoch && r->plan == w.plan &&
           text_equal(r->sealed, w.sealed) && text_equal(r->body, w.body);
}

__attribute__((unused)) static bool help_open(size_t segment_bytes, enum log_sync sync,
                                              struct log **l, struct log_found *found,
                                              struct error *e)
{
    const struct log_options o = {
        .directory = help_directory, .shard = 3, .segment_bytes = segment_bytes, .sync = sync};

    return log_open(&o, l, found, e);
}

/* Append and commit one group of `count` records. */
__attribute__((unused)) static bool help_write(struct log *l, unsigned count, struct error *e)
{
    char bytes[HELP_BODY_MAX];

    if (!log_reserve(l, count, (size_t)count * HELP_BODY_MAX, e))
        return false;
    for (unsigned i = 0; i < count; i++) {
        struct record r = help_record(log_next_seq(l), bytes);

        log_append(l, &r);
    }
    log_seal(l);
    return log_commit(l, e);
}

/* Records that a cursor gives from seq 1 on; fails the test where one is not as written. */
__attribute__((unused)) static uint64_t help_count(int expected_end, struct error *e)
{
    struct log_cursor *c;
    struct record r;
    uint64_t count = 0;
    int rc;

    assert_true(log_cursor_open(help_directory, 1, &c, e));
    while ((rc = log_cursor_next(c, &r, e)) == 1)
        assert_true(help_is_record(&r, ++count));
    assert_int_equal(rc, expected_end);
    log_cursor_close(c);
    return count;
}

/* Names of the segments, ascending; returns how many. */
__attribute__((unused)) static int help_segments(char names[][64], int max)
{
    struct dirent **entries;
    int n = scandir(help_directory, &entries, NULL, alphasort), count = 0;

    for (int i = 0; i < n; i++) {
        size_t length = strlen(entries[i]->d_name);

        if (count < max && length == 24 && strcmp(entries[i]->d_name + 20, ".log") == 0)
            memcpy(names[count++], entries[i]->d_name, length + 1);
        free(entries[i]);
    }
    free(entries);
    return count;
}

/* A file of the directory, whole; *bytes from malloc. */
__attribute__((unused)) static size_t help_load(const char *name, unsigned char **bytes)
{
    char path[HELP_PATH + 80];
    struct stat st;
    int fd;

    snprintf(path, sizeof path, "%s/%s", help_directory, name);
    fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    *bytes = malloc((size_t)st.st_size + 1);
    assert_int_equal(read(fd, *bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    return (size_t)st.st_size;
}

__attribute__((unused)) static void help_store(const char *name, const unsigned char *bytes,
                                               size_t length)
{
    char path[HELP_PATH + 80];
    int fd;

    snprintf(path, sizeof path, "%s/%s", help_directory, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
}

#endif
