/* Who asks, and may they: the one place where a request's key, session or token is looked at.
 *
 *   address's rate -> who (key, token, session, nobody) -> caller's rate -> role -> CSRF
 *
 * access_check runs on the I/O thread before the body is read: it takes no lock for a key, and
 * waits for nothing, save for Redis where rates are shared there (rate_shared.h). Everything
 * refused is noted (control/tally.h).
 *
 * Access is required where the settings say so; where they say nothing, once there is a key or a
 * user or a way to sign in, and beyond loopback. Where it is not required, a request that gives
 * nothing may all (CALLER_LOCAL), as before there were keys; one that gives a wrong key is refused.
 *
 * A server where access is required and nobody is admin makes a starter token: one use, one hour,
 * good only for making a user or a key. It is printed by the command, and is nowhere else. */
#ifndef ASSAY_ACCESS_ACCESS_H
#define ASSAY_ACCESS_ACCESS_H

#include "shell/access/caller.h"
#include "shell/access/guesses.h"
#include "shell/access/keys.h"
#include "shell/access/links.h"
#include "shell/access/rate_shared.h"
#include "shell/access/users.h"
#include "shell/control/tally.h"

enum {
    STARTER_TEXT_BYTES = 4 + 64,
    STARTER_MINUTES = 60,
    ACCESS_WORDS_MAX = 200,
};

#define SESSION_COOKIE "assay_session"
#define CSRF_HEADER    "X-CSRF-Token"

struct access_options {
    const struct access_setting *setting;
    const char *data_directory;      /* of the control log */
    const struct settings *settings; /* of Redis; NULL: rates are this node's own */
    const char *directory;           /* relative paths of the settings start here; or NULL */
    bool is_loopback;                /* the address that is served */
    bool is_secure;                  /* by TLS: cookies say so */
};

struct access;

/* Opens the control log of the data directory, with these folds and `more` ones of other modules.
 */
bool access_open(const struct access_options *o, const struct control_fold *more, size_t more_count,
                 struct access **a, struct error *e) MUST_USE;
void access_close(struct access *a); /* takes NULL */

struct control *access_control(struct access *a);
struct tally *access_tally(struct access *a);
struct keys *access_keys(struct access *a);
struct users *access_users(struct access *a);

struct rate_shared *access_rates(struct access *a); /* or NULL; takes NULL */

bool access_is_required(struct access *a);
/* ERROR_INVALID: this would let everybody in. To be asked before the address is served. */
bool access_may_serve(struct access *a, struct error *e) MUST_USE;
/* Where it is required and there is no admin: true, and the text to print. */
bool access_starter(struct access *a, char text[STARTER_TEXT_BYTES + 1]);

struct access_request {
    const char *authorization, *key, *cookie, *csrf; /* headers, or NULL */
    const char *address;
    const char *route; /* the pattern, for the audit */
    const char *request;
    unsigned roles;           /* that may; ROLE_ANYONE: no question is asked */
    bool is_change;           /* no GET or HEAD */
    bool is_for_starter;      /* makes a user or key */
    bool is_again;            /* was let in by its head: rates do not count it twice */
    struct json_reader *json; /* the thread's */
};

struct access_verdict {
    unsigned status; /* 0: may; 401, 403, 429 */
    char words[ACCESS_WORDS_MAX];
    struct rate_answer rate; /* the narrower one */
    struct caller caller;
};

void access_check(struct access *a, const struct access_request *r, struct access_verdict *v);
/* After the answer to what a starter token did. */
void access_starter_done(struct access *a, bool has_made);

/* Sign-in with a password, for desks. status 200: the cookie's value and the CSRF text; else as a
 * verdict, with rate.wait_s. */
struct access_session {
    unsigned status;
    char words[ACCESS_WORDS_MAX];
    unsigned wait_s;
    struct caller caller;
    char token[SESSION_TEXT_BYTES + 1], csrf[SESSION_TEXT_BYTES + 1];
};

/* With an API key, or with a one-time token of access_link. */
void access_sign_in_key(struct access *a, struct text key, const char *address,
                        struct access_session *s);
void access_sign_in_link(struct access *a, struct text token, const char *address,
                         struct access_session *s);
void access_sign_in(struct access *a, struct text name, struct text password, const char *address,
                    struct access_session *s);
/* For whom somebody else vouches. */
void access_admit(struct access *a, const struct caller *c, const char *address,
                  struct access_session *s);
/* A one-time token to sign in with, for whoever asks. False with ERROR_INVALID: for a caller whom
 * another issuer vouches for, there is none. */
bool access_link(struct access *a, const struct caller *c, const char *cookie, const char *address,
                 char text[LINK_TEXT_BYTES + 1], struct error *e) MUST_USE;
/* False: there is no session of this cookie. */
bool access_session_of(struct access *a, const char *cookie, struct access_session *s);
void access_sign_out(struct access *a, const char *cookie, const char *address);
/* The header Set-Cookie; an empty token takes the cookie away. */
void access_cookie(const struct access *a, const char *token, struct buffer *out);
/* The value of one cookie of a Cookie header; length 0: it is not there. */
struct text cookie_find(const char *header, const char *name);

/* By OpenID Connect; NULL: the settings have no access.sign_in. */
struct sign_in *access_provider(struct access *a);
/* A sign-in that did not come to its end, for the audit. */
void access_sign_in_failed(struct access *a, const char *address, const char *words);

/* What claims of a role give, by access.roles. */
unsigned access_roles_of(const struct access *a, const struct json *claim);

#endif
