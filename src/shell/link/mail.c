#include "shell/link/mail.h"

#include <curl/curl.h>
#include <stdio.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/data/base64.h"
#include "shell/link/http_client.h"

enum { LINE_BYTES = 57, WORD_BYTES = 45, SECOND_US = 1000000, URL_BYTES_MAX = 4096 };

struct mailer {
    struct mail_peer peer;
    CURL *curl;
    struct buffer message;
    size_t at; /* of it was read */
    char trouble[CURL_ERROR_SIZE];
};

struct mailer *mailer_new(const struct mail_peer *p)
{
    struct mailer *m = mem_alloc(sizeof *m);

    m->peer = *p;
    m->curl = curl_easy_init();
    ASSERT(m->curl != NULL);
    buffer_init(&m->message, 4 * MAIL_BODY_MAX);
    return m;
}

void mailer_free(struct mailer *m)
{
    if (m == NULL)
        return;
    curl_easy_cleanup(m->curl);
    buffer_fini(&m->message);
    mem_free(m);
}

/* ---- the message ---- */

static bool is_ascii(struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        if ((unsigned char)t.bytes[i] >= 127 || (unsigned char)t.bytes[i] < ' ')
            return false;
    }
    return true;
}

/* Encoded words of whole characters, each on its own line. */
static void add_encoded(struct buffer *out, struct text t)
{
    for (size_t at = 0; at < t.length;) {
        size_t end = at + WORD_BYTES < t.length ? at + WORD_BYTES : t.length;

        while (end < t.length && end > at + 1 && ((unsigned char)t.bytes[end] & 0xc0) == 0x80)
            end--;
        buffer_add_text(out, at > 0 ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
        base64_encode(t.bytes + at, end - at, out);
        buffer_add_text(out, "?=");
        at = end;
    }
}

static void add_subject(struct buffer *out, struct text subject)
{
    struct buffer clean;

    buffer_init(&clean, MAIL_SUBJECT_MAX + 1);
    for (size_t i = 0; i < subject.length && clean.length < MAIL_SUBJECT_MAX; i++) {
        unsigned char c = (unsigned char)subject.bytes[i];

        buffer_add_char(&clean, c < ' ' || c == 127 ? ' ' : (char)c);
    }
    while (clean.length > 0 && !text_is_utf8((struct text){clean.bytes, clean.length}))
        clean.length--; /* it was cut within a character */
    buffer_add_text(out, "Subject: ");
    if (is_ascii((struct text){clean.bytes, clean.length}) && clean.length <= 70)
        buffer_add(out, clean.bytes, clean.length);
    else
        add_encoded(out, (struct text){clean.bytes, clean.length});
    buffer_add_text(out, "\r\n");
    buffer_fini(&clean);
}

/* "Sat, 21 Nov 2026 20:38:26 +0000" */
static void add_date(struct buffer *out, int64_t time_us)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char t[TIME_TEXT_MAX];

    time_format(time_us - time_us % SECOND_US, t); /* 2026-11-21T20:38:26Z */
    buffer_format(out, "Date: %s, %.2s %s %.4s %.8s +0000\r\n",
                  days[time_us / SECOND_US / 86400 % 7], t + 8,
                  months[((t[5] - '0') * 10 + (t[6] - '0') - 1) % 12], t, t + 11);
}

static void add_address(struct buffer *out, const char *word, const char *address)
{
    buffer_format(out, "%s<%s>", word, address);
}

void mail_compose(const struct mail *mail, struct buffer *out)
{
    add_date(out, mail->time_us);
    add_address(out, "From: ", mail->from);
    for (uint32_t i = 0; i < mail->recipients; i++)
        add_address(out, i == 0 ? "\r\nTo: " : ",\r\n ", mail->to[i]);
    buffer_add_text(out, "\r\nMessage-ID: <");
    for (size_t i = 0; i < mail->id.length; i++) {
        char c = mail->id.bytes[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        buffer_add_char(out, is_plain || c == '.' || c == '-' ? c : '_');
    }
    buffer_format(out, "%s>\r\n", strchr(mail->from, '@'));
    add_subject(out, mail->subject);
    buffer_add_text(out, "MIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n"
                         "Content-Type: text/plain; charset=UTF-8\r\n"
                         "Content-Transfer-Encoding: base64\r\n\r\n");
    for (size_t i = 0; i < mail->body.length; i += LINE_BYTES) {
        size_t left = mail->body.length - i;

        base64_encode(mail->body.bytes + i, left < LINE_BYTES ? left : LINE_BYTES, out);
        buffer_add_text(out, "\r\n");
    }
}

/* ---- sending ---- */

static size_t give(char *to, size_t size, size_t count, void *context)
{
    struct mailer *m = context;
    size_t left = m->message.length - m->at, n = size * count < left ? size * count : left;

    memcpy(to, m->message.bytes + m->at, n);
    m->at += n;
    return n;
}

static void set_up(struct mailer *m, const struct mail *mail, struct curl_slist *to)
{
    const struct mail_peer *p = &m->peer;

    curl_easy_setopt(m->curl, CURLOPT_URL, p->url);
    curl_easy_setopt(m->curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(m->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(m->curl, CURLOPT_USE_SSL,
                     p->is_plain ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
    curl_easy_setopt(m->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)p->timeout_ms);
    curl_easy_setopt(m->curl, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms);
    curl_easy_setopt(m->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(p->timeout_ms + 999) / 1000);
    curl_easy_setopt(m->curl, CURLOPT_ERRORBUFFER, m->trouble);
    if (p->ca != NULL)
        curl_easy_setopt(m->curl, CURLOPT_CAINFO, p->ca);
    if (p->user != NULL) {
        curl_easy_setopt(m->curl, CURLOPT_USERNAME, p->user);
        curl_easy_setopt(m->curl, CURLOPT_PASSWORD, p->password);
    }
    curl_easy_setopt(m->curl, CURLOPT_MAIL_FROM, mail->from);
    curl_easy_setopt(m->curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(m->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(m->curl, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(m->curl, CURLOPT_READDATA, m);
    curl_easy_setopt(m->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)m->message.length);
}

bool mailer_send(struct mailer *m, const struct mail *mail, struct error *e)
{
    struct curl_slist *to = NULL;
    struct buffer shown;
    CURLcode failed;
    long code = 0;

    buffer_clear(&m->message);
    mail_compose(mail, &m->message);
    if (m->message.overflow)
        return error_set(e, ERROR_INVALID, "the mail is over %d KiB", MAIL_BODY_MAX >> 10);
    for (uint32_t i = 0; i < mail->recipients; i++)
        to = curl_slist_append(to, mail->to[i]);
    m->at = 0;
    m->trouble[0] = 0;
    set_up(m, mail, to);
    failed = curl_easy_perform(m->curl);
    curl_easy_getinfo(m->curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_setopt(m->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(to);
    if (failed == CURLE_OK)
        return true;
    buffer_init(&shown, URL_BYTES_MAX);
    http_url_show(text_of(m->peer.url), true, &shown);
    error_set(e, code >= 500 && failed != CURLE_LOGIN_DENIED ? ERROR_INVALID : ERROR_WORLD,
              "%s: %s", buffer_text(&shown),
              m->trouble[0] != 0 ? m->trouble : curl_easy_strerror(failed));
    buffer_fini(&shown);
    return false;
}
