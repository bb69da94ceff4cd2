/* Mail: subject and body by templates over the notification's data. */
#include <stdio.h>

#include "core/base/memory.h"
#include "shell/link/mail.h"
#include "shell/os/clock.h"
#include "shell/watch/notify_sender.h"

enum { PATH_BYTES = 1024 };

struct notify_mail {
    struct notify_sender sender;
    struct mailer *mailer;
    char ca[PATH_BYTES];
    struct buffer subject, body;
};

static bool mail_open(const struct settings *s, const struct notify_setting *n,
                      struct notify_sender **out, struct error *e)
{
    struct notify_mail *m = mem_alloc(sizeof *m);

    (void)e;
    buffer_init(&m->subject, NOTIFY_TEXT_MAX);
    buffer_init(&m->body, NOTIFY_TEXT_MAX);
    m->mailer = mailer_new(&(struct mail_peer){.url = n->url,
                                               .user = n->user,
                                               .password = n->password,
                                               .ca = notify_ca(s, n, m->ca, sizeof m->ca),
                                               .is_plain = !n->tls && strncmp(n->url, "smtps://", 8) != 0,
                                               .timeout_ms = (uint32_t)(n->timeout_us / 1000)});
    *out = &m->sender;
    return true;
}

static void mail_close(struct notify_sender *t)
{
    struct notify_mail *m = (struct notify_mail *)t;

    mailer_free(m->mailer);
    buffer_fini(&m->subject);
    buffer_fini(&m->body);
    mem_free(m);
}

static uint32_t mail_send(struct notify_sender *t, const struct notify_event *const *ev,
                          uint32_t count, struct notify_result *r)
{
    struct notify_mail *m = (struct notify_mail *)t;
    const struct notify_setting *n = t->setting;
    struct error e;

    (void)count;
    buffer_clear(&m->subject);
    buffer_clear(&m->body);
    notify_subject(n, ev[0], t->json, &m->subject);
    notify_body(n, ev[0], t->json, &m->body);
    if (mailer_send(m->mailer,
                    &(struct mail){.from = n->from,
                                   .to = (const char *const *)n->recipients,
                                   .recipients = n->recipient_count,
                                   .subject = {m->subject.bytes, m->subject.length},
                                   .body = {m->body.bytes, m->body.length},
                                   .id = ev[0]->id,
                                   .time_us = clock_now_us()},
                    &e))
        return 1;
    r->end = e.kind == ERROR_WORLD ? NOTIFY_AWAY : NOTIFY_REFUSED;
    snprintf(r->words, sizeof r->words, "%.*s", NOTIFY_WORDS_MAX - 1, e.text);
    return 0;
}

const struct notify_sender_ops notify_mail_ops = {
    .name = "email", .batch = 1, .open = mail_open, .close = mail_close, .send = mail_send};
