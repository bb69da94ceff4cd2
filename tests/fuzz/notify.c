/* A form, a zero byte, and the data of a notification: in a chat the data makes no mark of its own,
 * in a mail no header. */
#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/link/mail.h"
#include "shell/watch/notify_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static size_t count(const char *bytes, size_t length, char c)
{
    size_t found = 0;

    for (size_t i = 0; i < length; i++)
        found += bytes[i] == c;
    return found;
}

/* Every line of the head is one of ours or goes on with one; what follows is base64. */
static void check_mail(struct text mail)
{
    static const char *const heads[] = {
        "Date: ",         "From: ",         "To: ",           "Message-ID: ",      "Subject: ",
        "MIME-Version: ", "Auto-Submitted", "Content-Type: ", "Content-Transfer-", " =?UTF-8?B?"};
    const char *at = mail.bytes, *end = mail.bytes + mail.length;
    bool in_head = true;

    while (at < end) {
        const char *cr = memchr(at, '\r', (size_t)(end - at));
        bool is_known = false;

        ASSERT(cr != NULL && cr + 1 < end && cr[1] == '\n');
        ASSERT(memchr(at, '\n', (size_t)(cr - at)) == NULL && cr - at <= 998);
        for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
            is_known |= strncmp(at, heads[i], strlen(heads[i])) == 0;
        ASSERT(!in_head || cr == at || is_known);
        for (const char *c = at; !in_head && c < cr; c++)
            ASSERT(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=",
                          *c) != NULL);
        in_head = in_head && cr != at;
        at = cr + 2;
    }
    ASSERT(!in_head);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const to[] = {"risk@example.org"};
    const uint8_t *zero = length > 0 ? memchr(bytes, 0, length) : NULL;
    size_t at = zero != NULL ? (size_t)(zero - bytes) + 1 : 0;
    struct text data = {(const char *)bytes + at, length - at};
    struct text id = {data.bytes, data.length < NOTIFY_ID_MAX ? data.length : NOTIFY_ID_MAX};
    const char *form = zero != NULL ? (const char *)bytes : "{}";
    const struct notify_event ev = {.id = id, .type = "assay.row", .data = data};
    struct json_reader *json = json_reader_new();
    struct buffer chat, words, mail;

    buffer_init(&chat, 1 << 20);
    buffer_init(&words, 1 << 20);
    buffer_init(&mail, 4 << 20);
    notify_render(form, &ev, true, json, &chat);
    ASSERT(count(chat.bytes, chat.length, '<') <= count(form, strlen(form), '<'));
    ASSERT(count(chat.bytes, chat.length, '>') <= count(form, strlen(form), '>'));
    notify_render(form, &ev, false, json, &words);
    mail_compose(&(struct mail){.from = "assay@example.org",
                                .to = to,
                                .recipients = 1,
                                .subject = {words.bytes, words.length},
                                .body = {words.bytes, words.length},
                                .id = id},
                 &mail);
    if (!mail.overflow)
        check_mail((struct text){mail.bytes, mail.length});
    buffer_fini(&chat);
    buffer_fini(&words);
    buffer_fini(&mail);
    json_reader_free(json);
    return 0;
}
