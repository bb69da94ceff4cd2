/* Mail by SMTP (libcurl behind this header): plain text, one message at a time over a kept
 * connection. One thread. */
#ifndef ASSAY_LINK_MAIL_H
#define ASSAY_LINK_MAIL_H

#include "core/base/buffer.h"

enum {
    MAIL_RECIPIENTS_MAX = 32,
    MAIL_SUBJECT_MAX = 500,
    MAIL_BODY_MAX = 256 << 10,
};

struct mail_peer {
    const char *url;             /* smtp://host:587, smtps://host:465 */
    const char *user, *password; /* NULL: nobody signs in */
    const char *ca;              /* PEM file of the certificates that are trusted; NULL: the system's */
    bool is_plain;               /* of smtp://: without STARTTLS, which is a must otherwise */
    uint32_t timeout_ms;
};

struct mail {
    const char *from;
    const char *const *to;
    uint32_t recipients;
    struct text subject, body; /* UTF-8 */
    struct text id;            /* of the Message-ID, before its "@" */
    int64_t time_us;
};

struct mailer;

/* The texts of the peer outlive it. */
struct mailer *mailer_new(const struct mail_peer *p);
void mailer_free(struct mailer *m); /* takes NULL */
/* ERROR_WORLD: it may go later; ERROR_INVALID: the server will not have it (5xx). */
bool mailer_send(struct mailer *m, const struct mail *mail, struct error *e) MUST_USE;
/* The message as it goes over the wire. No text of it can end a header: control characters become
 * spaces, what is not ASCII is encoded (RFC 2047), the body is base64. */
void mail_compose(const struct mail *mail, struct buffer *out);

#endif
