/* The parts of access that need no server: rates, guesses, sessions, keys under threads. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shell/access/access.h"
#include "shell/access/base64.h"
#include "shell/os/clock.h"
#include "shell/settings/access.h"

#define SECOND INT64_C(1000000)

static char data[64];
static struct error e;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, e.text);                                                     \
    } while (0)

static int open_directory(void **state)
{
    (void)state;
    snprintf(data, sizeof data, "/tmp/assay-access-XXXXXX");
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

/* ---- rates ---- */

static void a_bucket_fills_steadily(void **state)
{
    struct rate_setting setting = {120, 60 * SECOND};
    struct rate *r = rate_new(&setting);
    int64_t now = 1000 * SECOND;
    unsigned taken = 0;

    (void)state;
    for (int i = 0; i < 200; i++)
        taken += rate_take(r, text_of("a"), now).wait_s == 0;
    assert_int_equal(taken, 120);
    assert_int_equal(rate_take(r, text_of("a"), now).wait_s, 1);
    assert_int_equal(rate_take(r, text_of("b"), now).remaining, 119); /* not shared */
    now += SECOND / 2;
    assert_int_equal(rate_take(r, text_of("a"), now).wait_s, 0); /* one each half second */
    assert_int_not_equal(rate_take(r, text_of("a"), now).wait_s, 0);
    /* Over an hour: the bucket, and what flowed in. */
    taken = 0;
    for (int i = 0; i < 36000; i++, now += SECOND / 10)
        taken += rate_take(r, text_of("a"), now).wait_s == 0;
    assert_in_range(taken, 7199, 7201);
    assert_int_equal(rate_take(r, text_of("a"), now + 61 * SECOND).remaining, 119);
    rate_free(r);
}

static void a_rate_is_read(void **state)
{
    struct rate_setting r;

    (void)state;
    MUST(rate_parse(text_of("120/min"), &r, &e));
    assert_int_equal(r.limit, 120);
    assert_int_equal(r.period_us, 60 * SECOND);
    assert_false(rate_parse(text_of("1/"), &r, &e));
    assert_false(rate_parse(text_of("/s"), &r, &e));
    assert_false(rate_parse(text_of("1000001/s"), &r, &e));
    MUST(rate_parse(text_of("1000000/s"), &r, &e));
}

static void more_callers_than_room_share(void **state)
{
    struct rate_setting setting = {2, 60 * SECOND};
    struct rate *r = rate_new(&setting);
    unsigned passed = 0;
    char who[32];

    (void)state;
    for (int i = 0; i < 4 * RATE_ROOM; i++) {
        snprintf(who, sizeof who, "10.%d", i);
        passed += rate_take(r, text_of(who), 1000 * SECOND).wait_s == 0;
    }
    assert_true(passed <= 2 * RATE_ROOM); /* bounded, whoever asks */
    assert_true(passed > RATE_ROOM / 2);
    rate_free(r);
}

/* ---- guesses ---- */

static void each_guess_waits_longer(void **state)
{
    struct guesses *g = guesses_new();
    int64_t now = 1000 * SECOND, began = now;
    unsigned tries = 0, longest = 0;

    (void)state;
    while (now - began < 3600 * SECOND) {
        unsigned wait = guesses_try(g, text_of("ann"), text_of("10.0.0.1"), now);

        tries += wait == 0;
        longest = wait > longest ? wait : longest;
        now += wait > 0 ? wait * SECOND : 1000;
    }
    assert_in_range(longest, GUESSES_NAME_MAX_S, GUESSES_ADDRESS_MAX_S);
    assert_true(tries < 40); /* an hour of guessing from one address */
    /* From elsewhere the name itself is closed for seconds, no longer. */
    assert_true(guesses_try(g, text_of("ann"), text_of("10.0.0.2"), now) <= GUESSES_NAME_MAX_S);
    assert_int_equal(guesses_try(g, text_of("ben"), text_of("10.0.0.2"), now), 0);
    guesses_free(g);
}

static void own_sign_ins_do_not_open_guessing(void **state)
{
    struct guesses *g = guesses_new();
    int64_t now = 1000 * SECOND;
    unsigned guessed = 0;

    (void)state;
    /* One's own account between each guess at others': the address still closes. */
    for (int i = 0; i < 600; i++, now += SECOND) {
        char name[32];

        snprintf(name, sizeof name, "victim-%d", i);
        guessed += guesses_try(g, text_of(name), text_of("10.0.0.1"), now) == 0;
        if (guesses_try(g, text_of("mallory"), text_of("10.0.0.1"), now) == 0)
            guesses_right(g, text_of("mallory"), text_of("10.0.0.1"));
    }
    assert_true(guessed < 60);
    guesses_free(g);
}

/* ---- sessions ---- */

static void sessions_end(void **state)
{
    struct sessions *s = sessions_new(600 * SECOND, 3600 * SECOND);
    struct vouched of = {.caller = {.kind = CALLER_USER, .roles = ROLE_VIEWER, .id = "ann"}}, found;
    char token[SESSION_TEXT_BYTES + 1], csrf[SESSION_TEXT_BYTES + 1], seen[SESSION_TEXT_BYTES + 1];
    char many[SESSIONS_OF_ONE_MAX][SESSION_TEXT_BYTES + 1];
    int64_t now = 1000 * SECOND;

    (void)state;
    sessions_open(s, &of, now, token, csrf);
    assert_true(sessions_find(s, text_of(token), now + 599 * SECOND, &found, seen));
    assert_string_equal(seen, csrf);
    assert_true(sessions_csrf_matches(csrf, text_of(seen)));
    assert_false(sessions_csrf_matches(csrf, text_of("")));
    assert_false(sessions_find(s, text_of(token), now + 1200 * SECOND, &found, NULL)); /* idle */
    assert_false(sessions_find(s, text_of(token), now, &found, NULL)); /* and stays ended */

    sessions_open(s, &of, now, token, csrf);
    for (int i = 1; i <= 10; i++) /* longest: an hour, however busy */
        assert_true(sessions_find(s, text_of(token), now + i * 400 * SECOND, &found, NULL) ==
                    (i < 10));
    sessions_open(s, &of, now, token, csrf);
    sessions_close(s, text_of(token));
    assert_false(sessions_find(s, text_of(token), now, &found, NULL));

    sessions_open(s, &of, now, token, csrf);
    for (int i = 0; i < SESSIONS_OF_ONE_MAX; i++)
        sessions_open(s, &of, now + 1 + i, many[i], csrf);
    assert_false(sessions_find(s, text_of(token), now + 50, &found, NULL)); /* the oldest went */
    for (int i = 0; i < SESSIONS_OF_ONE_MAX; i++)
        assert_true(sessions_find(s, text_of(many[i]), now + 50, &found, NULL));
    sessions_free(s);
}

/* A session that another one vouched for is as old as that, however often it is handed on. */
static void sessions_keep_their_age(void **state)
{
    char token[SESSION_TEXT_BYTES + 1], csrf[SESSION_TEXT_BYTES + 1];
    struct vouched of = {.caller = {.kind = CALLER_KEY, .id = "k"}}, found;
    struct sessions *s = sessions_new(600 * SECOND, 3600 * SECOND);
    const int64_t begin = 5000 * SECOND;

    (void)state;
    sessions_open(s, &of, begin, token, csrf);
    for (int i = 1; i <= 7; i++) {
        assert_true(sessions_find(s, text_of(token), begin + i * 500 * SECOND, &found, NULL));
        assert_int_equal(found.since_us, begin);
        sessions_open(s, &found, begin + i * 500 * SECOND, token, csrf);
    }
    assert_false(sessions_find(s, text_of(token), begin + 3601 * SECOND, &found, NULL));
    sessions_free(s);
}

static void links_of_one_leave_room(void **state)
{
    struct vouched a = {.caller = {.kind = CALLER_KEY, .id = "a"}}, b = a, found;
    char mine[LINK_TEXT_BYTES + 1], other[100][LINK_TEXT_BYTES + 1];
    struct links *l = links_new();
    const int64_t now = 5000 * SECOND;

    (void)state;
    b.caller.id[0] = 'b';
    links_make(l, &a, now, mine);
    for (int i = 0; i < 100; i++)
        links_make(l, &b, now + 1 + i, other[i]);
    for (int i = 0; i < 100; i++)
        assert_true(links_take(l, text_of(other[i]), now + 200, &found) ==
                    (i >= 100 - LINKS_OF_ONE_MAX));
    assert_true(links_take(l, text_of(mine), now + 200, &found));
    assert_string_equal(found.caller.id, "a");
    assert_false(links_take(l, text_of(mine), now + 200, &found)); /* once */
    links_make(l, &a, now, mine);
    assert_false(links_take(l, text_of(mine), now + (LINK_MINUTES * 60 + 1) * SECOND, &found));
    links_free(l);
}

/* ---- keys ---- */

struct asking {
    struct keys *keys;
    const char *text;
    _Atomic bool is_over;
    _Atomic unsigned long asked;
};

/* A key in force stays in force while the table grows under the reader. */
static void *ask_on(void *context)
{
    struct asking *a = context;
    const struct key *key;
    bool is_first;

    while (!a->is_over) {
        assert_int_equal(keys_check(a->keys, text_of(a->text), 1, &key, &is_first), KEY_GOOD);
        assert_string_equal(key->name, "first");
        a->asked++;
    }
    return NULL;
}

static void keys_are_read_while_they_change(void **state)
{
    struct keys *keys = keys_new();
    struct control_fold fold = keys_fold(keys);
    struct control_change by = {.actor = {text_of("console"), text_of("t"), text_of("")}};
    struct key_request r = {text_of("first"), ROLE_SCORER, KEY_NEVER_EXPIRES};
    char text[KEY_TEXT_BYTES + 1], other[KEY_TEXT_BYTES + 1], bad[KEY_TEXT_BYTES + 1];
    struct asking a = {.keys = keys, .text = text};
    const struct key *key;
    struct control *c;
    pthread_t threads[2];
    bool is_first;

    (void)state;
    MUST(control_open(data, &fold, 1, &c, &e));
    MUST(keys_create(c, &r, &by, text, &e));
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_on, &a), 0);
    r.name = text_of("other");
    for (int i = 0; i < 150; i++) {
        MUST(keys_create(c, &r, &by, other, &e));
        if (i % 3 == 0)
            MUST(keys_revoke(c, (struct text){other + 4, KEY_ID_BYTES}, &by, &e));
    }
    a.is_over = true;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(keys_count(keys), 151);
    assert_int_equal(keys_check(keys, text_of(other), 1, &key, &is_first), KEY_GOOD);
    assert_true(is_first);
    /* Each digit counts. */
    for (int i = 0; i < KEY_TEXT_BYTES; i++) {
        memcpy(bad, text, sizeof bad);
        bad[i] = bad[i] == '1' ? '2' : '1';
        assert_int_equal(keys_check(keys, text_of(bad), 1, &key, &is_first),
                         i < 4 ? KEY_GOOD : KEY_UNKNOWN); /* key_is_form looks at the first four */
    }
    assert_int_equal(keys_check(keys, (struct text){text, KEY_TEXT_BYTES - 1}, 1, &key, &is_first),
                     KEY_UNKNOWN);
    control_close(c);
    keys_free(keys);
}

/* ---- texts ---- */

static void cookies_are_found(void **state)
{
    (void)state;
    assert_true(text_is(cookie_find("a=1; assay_session=xyz; b=2", SESSION_COOKIE), "xyz"));
    assert_true(text_is(cookie_find("assay_session=xyz", SESSION_COOKIE), "xyz"));
    assert_int_equal(cookie_find("xassay_session=xyz", SESSION_COOKIE).length, 0);
    assert_int_equal(cookie_find("assay_session2=xyz; b", SESSION_COOKIE).length, 0);
    assert_int_equal(cookie_find("", SESSION_COOKIE).length, 0);
    assert_int_equal(cookie_find(NULL, SESSION_COOKIE).length, 0);
}

static void base64url_is_strict(void **state)
{
    static const struct {
        const char *text, *bytes;
        size_t length;
    } good[] = {
        {"", "", 0}, {"Zg", "f", 1}, {"Zm8", "fo", 2}, {"Zm9v", "foo", 3}, {"-_8", "\xfb\xff", 2}};
    static const char *const bad[] = {"Z", "Zg==", "Zh", "Zm9", "Z+", "Zg\n", "Zm9vY"};
    struct buffer b, back;

    (void)state;
    buffer_init(&b, 100);
    buffer_init(&back, 100);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        buffer_clear(&b);
        buffer_clear(&back);
        assert_true(base64url_decode(text_of(good[i].text), &b));
        assert_int_equal(b.length, good[i].length);
        assert_memory_equal(b.length > 0 ? b.bytes : "", good[i].bytes, good[i].length);
        base64url_encode(good[i].bytes, good[i].length, &back);
        assert_string_equal(buffer_text(&back), good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        buffer_clear(&b);
        assert_false(base64url_decode(text_of(bad[i]), &b));
    }
    buffer_fini(&b);
    buffer_fini(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_fills_steadily),
        cmocka_unit_test(a_rate_is_read),
        cmocka_unit_test(more_callers_than_room_share),
        cmocka_unit_test(each_guess_waits_longer),
        cmocka_unit_test(own_sign_ins_do_not_open_guessing),
        cmocka_unit_test(sessions_end),
        cmocka_unit_test(sessions_keep_their_age),
        cmocka_unit_test(links_of_one_leave_room),
        cmocka_unit_test_setup_teardown(keys_are_read_while_they_change, open_directory,
                                        remove_directory),
        cmocka_unit_test(cookies_are_found),
        cmocka_unit_test(base64url_is_strict),
    };

    return RUN(tests);
}
