#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/data/base64.h"
#include "shell/link/mail.h"
#include "shell/os/signature.h"
#include "shell/watch/notify_sender.h"
#include "shell/watch/notify_state.h"

static void base64_is_that_of_rfc_4648(void **state)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    struct buffer out;

    (void)state;
    buffer_init(&out, 64);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        buffer_clear(&out);
        base64_encode(pairs[i][0], strlen(pairs[i][0]), &out);
        assert_string_equal(buffer_text(&out), pairs[i][1]);
        buffer_clear(&out);
        assert_true(base64_decode(text_of(pairs[i][1]), &out));
        assert_string_equal(buffer_text(&out), pairs[i][0]);
    }
    assert_false(base64_decode(text_of("Zm9v!"), &out));
    assert_false(base64_decode(text_of("Z"), &out));
    buffer_fini(&out);
}

/* RFC 4231, case 2. */
static void hmac_is_that_of_rfc_4231(void **state)
{
    static const uint8_t good[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e};
    struct signature_key *k = signature_key_secret(text_of("Jefe"));
    uint8_t mac[SIGNATURE_HMAC_BYTES];

    (void)state;
    signature_hmac(k, text_of("what do ya want for nothing?"), mac);
    assert_memory_equal(mac, good, sizeof good);
    signature_key_free(k);
}

static void a_mail_has_the_headers_that_it_should_and_no_others(void **state)
{
    static const char *const to[] = {"a@example.org", "b@example.org"};
    struct mail m = {.from = "assay@example.org",
                     .to = to,
                     .recipients = 2,
                     .subject = text_of("x\r\nBcc: evil@example.org\r\n\r\nbody"),
                     .body = text_of("one\n.\ntwo"),
                     .id = text_of("a>\r\nX: y"),
                     .time_us = INT64_C(1772366400000000)}; /* 2026-03-01T12:00:00Z */
    struct buffer out;

    (void)state;
    buffer_init(&out, 8192);
    mail_compose(&m, &out);
    assert_string_equal(buffer_text(&out), "Date: Sun, 01 Mar 2026 12:00:00 +0000\r\n"
                                           "From: <assay@example.org>\r\n"
                                           "To: <a@example.org>,\r\n <b@example.org>\r\n"
                                           "Message-ID: <a___X__y@example.org>\r\n"
                                           "Subject: x  Bcc: evil@example.org    body\r\n"
                                           "MIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n"
                                           "Content-Type: text/plain; charset=UTF-8\r\n"
                                           "Content-Transfer-Encoding: base64\r\n\r\n"
                                           "b25lCi4KdHdv\r\n");
    buffer_fini(&out);
}

static void templates_take_members_and_lack_what_is_not_there(void **state)
{
    static const char data[] =
        "{\"a\":{\"b\":[\"x\",{\"c\":1.5}]},\"t\":\"{a}\",\"n\":null,\"l\":[\"p\",\"q\"]}";
    const char *const pairs[][2] = {
        {"{a.b.0} {a.b.1.c}", "x 1.5"},
        {"{t}", "{a}"},
        {"{n}{no}{a.b.9}{a.b.x}", ""},
        {"{l}", "p, q"},
        {"{{t} {", "{t} {"},
        {"{unclosed", "{unclosed"},
        {"", ""},
        {"{}", data},
    };
    const struct notify_event ev = {.data = text_of(data)};
    struct json_reader *json = json_reader_new();
    struct buffer out;

    (void)state;
    buffer_init(&out, 256);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        buffer_clear(&out);
        notify_render(pairs[i][0], &ev, false, json, &out);
        assert_string_equal(buffer_text(&out), pairs[i][1]);
    }
    buffer_fini(&out);
    json_reader_free(json);
}

static void values_call_nobody_in_a_chat(void **state)
{
    const struct notify_event ev = {
        .data = text_of("{\"id\":\"<!channel> & <https://evil.example|the bank>\"}")};
    struct json_reader *json = json_reader_new();
    struct buffer out;

    (void)state;
    buffer_init(&out, 256);
    notify_render("<!here> {id}", &ev, true, json, &out);
    assert_string_equal(buffer_text(&out),
                        "<!here> &lt;!channel&gt; &amp; &lt;https://evil.example|the bank&gt;");
    buffer_fini(&out);
    json_reader_free(json);
}

static void waits_grow_and_have_an_end(void **state)
{
    struct notify_result r = {0};

    (void)state;
    for (uint32_t tries = 1; tries < 100; tries++) {
        int64_t wait_us = notify_wait_us(tries, &r);

        assert_true(wait_us >= NOTIFY_WAIT_LEAST_US / 2 && wait_us <= NOTIFY_WAIT_MOST_US);
        assert_true(tries < 12 || wait_us >= NOTIFY_WAIT_MOST_US / 2);
    }
    r.wait_us = 90000000;
    assert_int_equal(notify_wait_us(1, &r), 90000000);
}

static bool keep_b(void *context, const struct notify_dead *d)
{
    (*(int *)context)++;
    assert_true(d->tries == 3 && text_is(d->reason, "it answers \"400\"") && d->time_us == 5000000);
    return text_is(d->id, "b");
}

static void what_is_kept_is_there_again(void **state)
{
    char folder[] = "/tmp/assay-notify-XXXXXX", path[64];
    struct notify_state s;
    struct notify_told *told;
    struct error e;
    uint64_t position, left;
    bool is_there;
    int seen = 0;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_true(notify_state_init(&s, folder, "hook", &e));
    assert_true(notify_cursor_read(&s, NOTIFY_ON_DECISION, &position, &is_there, &e) && !is_there);
    assert_true(notify_cursor_write(&s, NOTIFY_ON_DECISION, 77, &e));
    assert_true(notify_cursor_read(&s, NOTIFY_ON_DECISION, &position, &is_there, &e));
    assert_true(is_there && position == 77);
    assert_true(notify_cursor_read(&s, NOTIFY_ON_ALERT, &position, &is_there, &e) && !is_there);

    for (const char *id = "abc"; *id != 0; id++) {
        const struct notify_event ev = {.id = {id, 1},
                                        .type = "assay.decision",
                                        .subject = text_of("s"),
                                        .time_us = 5000000,
                                        .data = text_of("{\"a\":1}")};
        assert_true(notify_dead_add(&s, &ev, 3, "it answers \"400\"", 6000000, &e));
    }
    assert_true(
        notify_dead_visit(&s, &(struct notify_dead_visitor){keep_b, &seen, false}, &left, &e));
    assert_true(seen == 3 && left == 3);
    assert_true(
        notify_dead_visit(&s, &(struct notify_dead_visitor){keep_b, &seen, true}, &left, &e));
    assert_true(seen == 6 && left == 1);

    assert_true(notify_told_open(&s, &told, &e));
    notify_told_add(told, text_of("row-1"));
    assert_true(notify_told_close(told, &e) && notify_told_open(&s, &told, &e));
    assert_true(notify_told_has(told, text_of("row-1")) &&
                !notify_told_has(told, text_of("row-2")));
    for (int i = 0; i < NOTIFY_TOLD_MAX; i++)
        notify_told_add(told, (struct text){(const char *)&i, sizeof i});
    assert_false(notify_told_has(told, text_of("row-1"))); /* the oldest half is forgotten */
    assert_true(notify_told_close(told, &e));
    snprintf(path, sizeof path, "rm -r %s", folder);
    assert_int_equal(system(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_that_of_rfc_4648),
        cmocka_unit_test(hmac_is_that_of_rfc_4231),
        cmocka_unit_test(a_mail_has_the_headers_that_it_should_and_no_others),
        cmocka_unit_test(templates_take_members_and_lack_what_is_not_there),
        cmocka_unit_test(values_call_nobody_in_a_chat),
        cmocka_unit_test(waits_grow_and_have_an_end),
        cmocka_unit_test(what_is_kept_is_there_again),
    };

    (void)cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
