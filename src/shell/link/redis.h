/* A connection to Redis: no domain words, only commands and replies.
 *
 * Commands are pipelined: redis_run sends all calls of a script, then reads their replies. Every
 * wait has an end (timeout_ms for the whole of one redis_run), and so has what a server may answer
 * (REDIS_REPLY_BYTES_MAX). A connection that failed is opened again by the next call, but not
 * before a time that doubles with each failure; until then calls fail at once with the words of the
 * last failure. No TLS in this version of the client library: over a network that is not yours, put
 * a tunnel (stunnel, spiped) in front.
 *
 * One thread at a time. Errors are ERROR_WORLD (away; try again later) or ERROR_INVALID (the server
 * refuses: wrong password, no such user, no right). A password is never part of words. */
#ifndef ASSAY_LINK_REDIS_H
#define ASSAY_LINK_REDIS_H

#include "core/base/buffer.h"
#include "core/base/error.h"

enum {
    REDIS_ARGUMENTS_MAX = 16384,        /* of one call */
    REDIS_REPLY_BYTES_MAX = 16 << 20,   /* that are not read out yet */
    REDIS_REPLY_ELEMENTS_MAX = 1 << 16, /* of one array */
    REDIS_PORT = 6379,
};

struct redis_options {
    const char *server;   /* host, host:port, [v6]:port or redis://host:port */
    const char *user;     /* NULL: the server's default one */
    const char *password; /* NULL: none */
    uint32_t database;    /* 0 is the server's first */
    uint32_t timeout_ms;
};

struct redis;

/* ERROR_INVALID: the server's name cannot be read. Connects when it is first used. */
bool redis_open(const struct redis_options *o, struct redis **r, struct error *e) MUST_USE;
void redis_close(struct redis *r); /* takes NULL */
/* "redis://host:port/0", without password. */
const char *redis_place(const struct redis *r);
/* Connects where it is not. */
bool redis_connect(struct redis *r, struct error *e) MUST_USE;
/* Whether a call now would try at all. */
bool redis_may_try(const struct redis *r);
/* Connections made so far. */
uint64_t redis_session(const struct redis *r);

/* What the server said; of redis_run's caller until redis_reply_free. */
struct redis_reply;
enum redis_kind { REDIS_NOTHING, REDIS_INTEGER, REDIS_TEXT, REDIS_ARRAY, REDIS_ERROR };
enum redis_kind redis_kind(const struct redis_reply *r); /* NULL: REDIS_NOTHING */
int64_t redis_integer(const struct redis_reply *r);      /* of another kind: 0 */
struct text redis_text(const struct redis_reply *r);     /* of a text or an error; else empty */
uint32_t redis_count(const struct redis_reply *r);       /* elements of an array; else 0 */
const struct redis_reply *redis_at(const struct redis_reply *r, uint32_t i); /* NULL past the end */
void redis_reply_free(struct redis_reply *r);                                /* takes NULL */

struct redis_call {
    const struct text *argument;
    uint32_t arguments;
    uint32_t keys; /* of a script: how many of the first arguments are keys */
    struct redis_reply *reply;
};

/* One command by its words, such as {"PING"}. A server's refusal is ERROR_INVALID, the reply then
 * NULL. */
bool redis_command(struct redis *r, const struct text *argument, uint32_t arguments,
                   struct redis_reply **reply, struct error *e) MUST_USE;

/* A script on the server: known there by its digest, sent whole where the server has forgotten it.
 * Belongs to one connection. */
struct redis_script {
    const char *text;
    char digest[41];
    uint64_t session; /* in which the digest was asked for */
};

/* All calls of the script, in order. False: some have no reply (it is NULL), and it is not known
 * whether the server has done them. A call that the script or the server refused has a reply of
 * kind REDIS_ERROR. The caller frees all replies. */
bool redis_run(struct redis *r, struct redis_script *script, struct redis_call *call,
               uint32_t calls, struct error *e) MUST_USE;

#endif
