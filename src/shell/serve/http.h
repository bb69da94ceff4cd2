/* HTTP/1.1: libmicrohttpd behind one file. It knows sockets, requests and answers, and no word of
 * what they are about.
 *
 * Each of `threads` I/O threads runs its own epoll loop. For one request, on one of them:
 *
 *   begin()   the head is read: sets body_max, or answers already (a refused host, a body too long)
 *   handle()  the body is read: answers, or calls exchange_wait and lets somebody answer later
 *   ready()   after exchange_resume, from any thread: fills the answer, back on the I/O thread
 *   answering() the answer is about to be sent: a last look at it, and a last change
 *   ended()   the answer is sent or the peer has gone: frees what the handler keeps in `state`
 *
 * A struct exchange belongs to its connection and is used again for the connection's next request.
 * Between exchange_wait and exchange_resume it belongs to whoever will resume it; at all other
 * times to its I/O thread.
 *
 * Against peers that mean harm or are broken: limits on connections, on the memory of a head, on
 * one body and on all bodies together; a connection that takes longer than HTTP_READ_MAX_S to say
 * what it wants is cut, however steadily it drips. On a loopback address the Host must be a
 * loopback name, so that a web page cannot reach the server by rebinding its own name.
 */
#ifndef ASSAY_SERVE_HTTP_H
#define ASSAY_SERVE_HTTP_H

#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/error.h"

enum {
    HTTP_CONNECTIONS_MAX = 1024,
    HTTP_HEAD_BYTES_MAX = 32 << 10,    /* memory of a connection: head and small bodies */
    HTTP_IDLE_MAX_S = 30,              /* without a byte */
    HTTP_READ_MAX_S = 120,             /* from the last answer to a whole request */
    HTTP_DRAIN_MAX_S = 10,             /* for answers to leave when stopping */
    HTTP_BODIES_BYTES_MAX = 512 << 20, /* of all requests together */
    HTTP_ANSWER_BYTES_MAX = 256 << 20,
    HTTP_KEPT_BYTES = 64 << 10, /* of a buffer kept for the connection's next request */
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_DELETE, HTTP_OTHER };

enum http_next { HTTP_ANSWERED, HTTP_WAITING };

struct exchange_pair {
    const char *name, *value;
};

struct exchange {
    enum http_method method;
    struct text path; /* decoded; may be any bytes but NUL */
    size_t body_max;
    struct buffer body;
    int64_t started_us;  /* monotonic */
    bool is_misdirected; /* a Host that is none of a loopback server's */

    unsigned status; /* 0: not answered yet */
    const char *content_type;
    struct buffer answer;
    const char *allow;      /* header Allow, or NULL; a constant */
    unsigned retry_after_s; /* header Retry-After, or 0 */
    bool is_replay;         /* header Idempotent-Replay: true */

    enum http_next (*ready)(struct exchange *x); /* HTTP_WAITING: after another exchange_wait */
    void *state;                                 /* the handler's */
    void *translation;                           /* contract.c's, of a foreign contract */
    const struct exchange_pair *queries;         /* instead of the path's; NULL: those */
    uint32_t query_count;
    const void *route;     /* the dispatcher's */
    struct text parameter; /* the last part in braces, */
    struct text name;      /* and the one before it */

    struct connection *connection; /* http.c's */
};

struct http_options {
    const char *host;
    uint16_t port; /* 0: any free one */
    unsigned threads;
    void *context;
    void (*begin)(void *context, struct exchange *x);
    enum http_next (*handle)(void *context, struct exchange *x);
    void (*answering)(void *context, struct exchange *x);
    void (*ended)(void *context, struct exchange *x);
};

struct http;

bool http_start(const struct http_options *o, struct http **h, struct error *e) MUST_USE;
uint16_t http_port(const struct http *h);
bool http_is_loopback(const struct http *h);
/* No new connections; returns when what is being answered has left (or its peer did not take it)
 * and nobody waits any more. Requests that arrive on open connections meanwhile still go through
 * begin(). */
void http_drain(struct http *h);
void http_stop(struct http *h); /* after http_drain; takes NULL */
unsigned http_connections(const struct http *h);

/* On the I/O thread inside handle(), before anybody is told who may resume. */
void exchange_wait(struct exchange *x);
void exchange_resume(struct exchange *x);

/* The body; never a null pointer. */
struct text exchange_body(const struct exchange *x);
/* Borrowed until the request ends; NULL where there is none. */
const char *exchange_header(struct exchange *x, const char *name);
const char *exchange_query(struct exchange *x, const char *name);
/* Calls visit with each query parameter's name until it returns false. */
void exchange_queries(struct exchange *x, bool (*visit)(void *context, const char *name),
                      void *context);

#endif
