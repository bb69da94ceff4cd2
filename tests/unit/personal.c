/* Personal fields: sealed under a key for each person, opened again, erased; what was changed does
 * not open. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "shell/os/file.h"
#include "shell/personal/sealer.h"

static char control[64];

static int open_directory(void **state)
{
    (void)state;
    snprintf(control, sizeof control, "/tmp/assay-personal-XXXXXX");
    return mkdtemp(control) == NULL;
}

static int remove_directory(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0) {
        execlp("rm", "rm", "-rf", control, (char *)NULL);
        _exit(1);
    }
    return waitpid(child, &status, 0) != child || status != 0;
}

static struct subject_keys *open_keys(enum subject_keys_mode mode)
{
    struct subject_keys *k;
    struct error e;

    if (!subject_keys_open(control, mode, NULL, &k, &e))
        fail_msg("%s", e.text);
    return k;
}

static const char *in_control(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", control, name);
    return path;
}

static void seal(struct sealer *s, const struct subject_keys *keys, const char *id, uint64_t seq,
                 const char *words, struct buffer *out)
{
    struct held_key h;
    struct error e;

    assert_true(sealer_hold(s, subject_token(keys, text_of("customer"), text_of(id)), &h, &e));
    sealer_seal(s, &h, seq, text_of(words), out);
}

static bool opens(struct sealer *s, const struct buffer *sealed, uint64_t seq, const char *words,
                  bool *is_erased)
{
    struct buffer plain;
    struct error e;
    bool ok;

    buffer_init(&plain, 1 << 16);
    ok = sealer_open(s, (struct text){sealed->bytes, sealed->length}, seq, &plain, is_erased, &e);
    if (ok && !*is_erased)
        assert_string_equal(buffer_text(&plain), words);
    if (ok && *is_erased)
        assert_int_equal(plain.length, 0);
    buffer_fini(&plain);
    return ok;
}

static void what_is_sealed_opens_again(void **state)
{
    struct subject_keys *k = open_keys(SUBJECT_KEYS_WRITE), *reader;
    struct sealer *s = sealer_new(k), *other;
    struct buffer a, b;
    struct error e;
    bool is_erased;

    (void)state;
    buffer_init(&a, 1 << 16);
    buffer_init(&b, 1 << 16);
    seal(s, k, "ann", 7, "Ann Lee", &a);
    seal(s, k, "ann", 7, "Ann Lee", &b);
    assert_int_equal(a.length, 7 + SEALED_OVERHEAD);
    assert_memory_not_equal(a.bytes, b.bytes, a.length); /* never the same twice */
    assert_null(memmem(a.bytes, a.length, "Ann", 3));
    assert_true(opens(s, &a, 7, "Ann Lee", &is_erased));
    assert_true(subject_keys_sync(k, &e));
    reader = open_keys(SUBJECT_KEYS_READ);
    other = sealer_new(reader);
    assert_true(opens(other, &a, 7, "Ann Lee", &is_erased));
    /* a person that came after the reader */
    buffer_clear(&b);
    seal(s, k, "bob", 8, "Bob", &b);
    assert_false(opens(other, &b, 8, "Bob", &is_erased)); /* not on the disk yet */
    assert_true(subject_keys_sync(k, &e));
    assert_true(opens(other, &b, 8, "Bob", &is_erased));
    sealer_free(other);
    sealer_free(s);
    subject_keys_close(reader);
    subject_keys_close(k);
    k = open_keys(SUBJECT_KEYS_WRITE);
    s = sealer_new(k);
    assert_true(opens(s, &a, 7, "Ann Lee", &is_erased));
    sealer_free(s);
    subject_keys_close(k);
    buffer_fini(&a);
    buffer_fini(&b);
}

/* Any changed byte, another record's number, another person's key. */
static void what_was_changed_does_not_open(void **state)
{
    struct subject_keys *k = open_keys(SUBJECT_KEYS_WRITE);
    struct sealer *s = sealer_new(k);
    struct buffer a, b;
    bool is_erased;

    (void)state;
    buffer_init(&a, 1 << 16);
    buffer_init(&b, 1 << 16);
    seal(s, k, "ann", 7, "Ann Lee", &a);
    seal(s, k, "bob", 7, "Bob", &b);
    for (size_t i = 0; i < a.length; i++) {
        a.bytes[i] ^= 1;
        assert_false(opens(s, &a, 7, "", &is_erased));
        a.bytes[i] ^= 1;
    }
    assert_false(opens(s, &a, 8, "", &is_erased));
    a.length--;
    assert_false(opens(s, &a, 7, "", &is_erased));
    a.length = 3;
    assert_false(opens(s, &a, 7, "", &is_erased));
    a.length = 7 + SEALED_OVERHEAD;
    memcpy(a.bytes, b.bytes, 9); /* said to be bob's */
    assert_false(opens(s, &a, 7, "", &is_erased));
    sealer_free(s);
    subject_keys_close(k);
    buffer_fini(&a);
    buffer_fini(&b);
}

static void erasing_destroys_one_key_for_good(void **state)
{
    struct subject_keys *k = open_keys(SUBJECT_KEYS_WRITE), *reader;
    struct sealer *s = sealer_new(k), *other;
    struct buffer a, b, file;
    struct hash128 ann = subject_token(k, text_of("customer"), text_of("ann"));
    struct subject_counts counts;
    struct held_key h;
    struct error e;
    bool is_erased, found;

    (void)state;
    buffer_init(&a, 1 << 16);
    buffer_init(&b, 1 << 16);
    buffer_init(&file, 1 << 20);
    seal(s, k, "ann", 7, "Ann Lee", &a);
    seal(s, k, "bob", 8, "Bob", &b);
    assert_true(subject_keys_sync(k, &e));
    reader = open_keys(SUBJECT_KEYS_READ);
    other = sealer_new(reader);
    assert_true(subject_keys_erase(k, ann, &found, &e) && found);
    assert_true(opens(s, &a, 7, "", &is_erased) && is_erased); /* though it knew the key */
    assert_true(opens(other, &a, 7, "", &is_erased) && is_erased);
    assert_true(opens(other, &b, 8, "Bob", &is_erased) && !is_erased);
    assert_true(sealer_hold_of(s, (struct text){a.bytes, a.length}, &h, &is_erased, &e));
    assert_true(is_erased);
    assert_true(subject_keys_erase(k, ann, &found, &e) && !found);
    assert_true(file_read(in_control("subject.keys"), &file, &e));
    assert_null(memmem(file.bytes, file.length, &ann, sizeof ann));
    /* The same person again has another key; what was erased stays so. */
    buffer_clear(&b);
    seal(s, k, "ann", 9, "Ann Again", &b);
    assert_true(opens(s, &b, 9, "Ann Again", &is_erased) && !is_erased);
    assert_true(opens(s, &a, 7, "", &is_erased) && is_erased);
    subject_keys_count(k, &counts);
    assert_int_equal(counts.live, 2);
    assert_int_equal(counts.erased, 1);
    assert_true(subject_keys_sync(k, &e));
    sealer_free(s);
    subject_keys_close(k);
    k = open_keys(SUBJECT_KEYS_WRITE);
    s = sealer_new(k);
    assert_true(opens(s, &a, 7, "", &is_erased) && is_erased);
    assert_true(opens(s, &b, 9, "Ann Again", &is_erased) && !is_erased);
    subject_keys_count(k, &counts);
    assert_int_equal(counts.live, 2);
    assert_int_equal(counts.erased, 1);
    sealer_free(s);
    sealer_free(other);
    subject_keys_close(k);
    subject_keys_close(reader);
    buffer_fini(&a);
    buffer_fini(&b);
    buffer_fini(&file);
}

/* An erasure before the key was ever written. */
static void a_key_that_waits_is_erased_too(void **state)
{
    struct subject_keys *k = open_keys(SUBJECT_KEYS_WRITE);
    struct sealer *s = sealer_new(k);
    struct buffer a;
    struct error e;
    bool is_erased, found;

    (void)state;
    buffer_init(&a, 1 << 16);
    seal(s, k, "cleo", 1, "Cleo", &a);
    assert_true(
        subject_keys_erase(k, subject_token(k, text_of("customer"), text_of("cleo")), &found, &e));
    assert_true(found);
    assert_true(opens(s, &a, 1, "", &is_erased) && is_erased);
    sealer_free(s);
    subject_keys_close(k);
    buffer_fini(&a);
}

static bool refused(enum subject_keys_mode mode, const char *master, const char *words)
{
    struct subject_keys *k;
    struct error e;

    if (subject_keys_open(control, mode, master, &k, &e)) {
        subject_keys_close(k);
        return false;
    }
    if (strstr(e.text, words) == NULL)
        fail_msg("expected \"%s\" in: %s", words, e.text);
    return true;
}

static void trouble_with_the_files_is_told(void **state)
{
    struct subject_keys *k;
    char other[128];
    struct buffer file;
    struct error e;

    (void)state;
    assert_true(refused(SUBJECT_KEYS_READ, NULL, "are not there"));
    k = open_keys(SUBJECT_KEYS_WRITE);
    assert_true(refused(SUBJECT_KEYS_WRITE, NULL, "another process has it open"));
    subject_keys_close(k);
    assert_int_equal(chmod(in_control("master.key"), 0644), 0);
    assert_true(refused(SUBJECT_KEYS_READ, NULL, "may be read by others"));
    assert_int_equal(chmod(in_control("master.key"), 0600), 0);
    /* Another master key; then the same one elsewhere, which the file remembers. */
    snprintf(other, sizeof other, "%s", in_control("other.key"));
    assert_true(file_write(
        other, "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n", 65, 0600, &e));
    assert_true(refused(SUBJECT_KEYS_WRITE, other, "not sealed under the master key"));
    assert_int_equal(rename(in_control("master.key"), other), 0);
    assert_true(refused(SUBJECT_KEYS_READ, NULL, "is not there"));
    assert_true(subject_keys_open(control, SUBJECT_KEYS_WRITE, other, &k, &e));
    subject_keys_close(k);
    subject_keys_close(open_keys(SUBJECT_KEYS_READ));
    assert_true(file_write(other, "no key", 6, 0600, &e));
    assert_true(refused(SUBJECT_KEYS_READ, NULL, "expected 64 hexadecimal digits"));
    /* A file cut short. */
    buffer_init(&file, 1 << 20);
    assert_true(file_read(in_control("subject.keys"), &file, &e));
    assert_true(file_write(in_control("subject.keys"), file.bytes, 100, 0600, &e));
    assert_true(refused(SUBJECT_KEYS_READ, NULL, "no key file of this version"));
    buffer_fini(&file);
}

/* What a crash left half written at the end is overwritten; keys before it are whole. */
static void a_torn_end_is_passed_over(void **state)
{
    struct subject_keys *k = open_keys(SUBJECT_KEYS_WRITE);
    struct sealer *s = sealer_new(k);
    struct buffer a, b;
    struct error e;
    bool is_erased;
    int fd;

    (void)state;
    buffer_init(&a, 1 << 16);
    buffer_init(&b, 1 << 16);
    seal(s, k, "ann", 1, "Ann", &a);
    assert_true(subject_keys_sync(k, &e));
    sealer_free(s);
    subject_keys_close(k);
    fd = open(in_control("subject.keys"), O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "\1\0\0\0torn", 8), 8);
    close(fd);
    k = open_keys(SUBJECT_KEYS_WRITE);
    s = sealer_new(k);
    seal(s, k, "bob", 2, "Bob", &b);
    assert_true(subject_keys_sync(k, &e));
    sealer_free(s);
    subject_keys_close(k);
    k = open_keys(SUBJECT_KEYS_READ);
    s = sealer_new(k);
    assert_true(opens(s, &a, 1, "Ann", &is_erased));
    assert_true(opens(s, &b, 2, "Bob", &is_erased));
    sealer_free(s);
    subject_keys_close(k);
    buffer_fini(&a);
    buffer_fini(&b);
}

/* More persons than are kept in memory with their keys, while another thread makes them durable. */
enum { MANY = 10000 };

static void *sync_until_done(void *context)
{
    struct subject_keys *k = context;
    struct error e;

    for (int i = 0; i < 50; i++) {
        if (!subject_keys_sync(k, &e))
            return k;
        usleep(1000);
    }
    return NULL;
}

static void many_persons(void **state)
{
    struct subject_keys *k = open_keys(SUBJECT_KEYS_WRITE);
    struct sealer *s = sealer_new(k);
    struct buffer *sealed = mem_array(MANY, sizeof *sealed);
    struct subject_counts counts;
    pthread_t thread;
    struct error e;
    char id[16];
    void *failed;
    bool is_erased;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, sync_until_done, k), 0);
    for (int i = 0; i < 2 * MANY; i++) {
        snprintf(id, sizeof id, "p%d", i % MANY);
        if (i < MANY)
            buffer_init(&sealed[i], 256);
        buffer_clear(&sealed[i % MANY]);
        seal(s, k, id, (uint64_t)i, id, &sealed[i % MANY]);
    }
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_true(subject_keys_sync(k, &e));
    subject_keys_count(k, &counts);
    assert_int_equal(counts.live, MANY);
    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "p%d", i);
        assert_true(opens(s, &sealed[i], (uint64_t)(MANY + i), id, &is_erased));
        buffer_fini(&sealed[i]);
    }
    sealer_free(s);
    subject_keys_close(k);
    mem_free(sealed);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, open_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(what_is_sealed_opens_again),
        EACH(what_was_changed_does_not_open),
        EACH(erasing_destroys_one_key_for_good),
        EACH(a_key_that_waits_is_erased_too),
        EACH(trouble_with_the_files_is_told),
        EACH(a_torn_end_is_passed_over),
        EACH(many_persons),
    };

    return RUN(tests);
}
