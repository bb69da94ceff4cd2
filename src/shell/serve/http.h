/* HTTP/1.1: libmicrohttpd behind one file. It knows sockets, requests and answers, and no word of
 * what they are about.
 *
 * Each of `threads` I/O threads runs its own epoll loop. For one request, on one of them:
 *
 *   begin()   the head is read: sets body_max, or answers already (a refused host, a body too long)
 *   handle()  the body is read: answers, or calls exchange_wait and lets somebody answer later
 *   ready()   after exchange_resume, from any thread: fills the answer, back on the I/O thread
 *   answering() the answer is about to be sent: a last look at it, and a last change
 *   ended()   the answer is sent or the peer has gone: frees what the handler keeps in `state`; on
 *             the I/O thread, or on that of exchange_resume
 *
 * A struct exchange belongs to its connection and is used again for the connection's next request.
 * Between exchange_wait or exchange_hold and exchange_resume it belongs to whoever will resume it;
 * at all other times to its I/O thread.
 *
 * Against peers that mean harm or are broken: limits on connections, on the memory of a head, on
 * one body and on all bodies together; a connection that takes longer than HTTP_READ_MAX_S to say
 * what it wants is cut, however steadily it drips. When all connections are taken, the one that has
 * waited longest with nothing under way gives its place to a new one, so that idle ones keep nobody
 * out. A peer that ends its side while nothing is under way is closed at once. On a loopback
 * address the Host must be a loopback name, so that a web page cannot reach the server by rebinding
 * its own name.
 */
#ifndef ASSAY_SERVE_HTTP_H
#define ASSAY_SERVE_HTTP_H

#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "shell/access/caller.h"

enum {
    HTTP_HEAD_BYTES_MAX = 16 << 10,    /* memory of a connection: head and small bodies */
    HTTP_IDLE_MAX_S = 30,              /* without a byte */
    HTTP_READ_MAX_S = 120,             /* from the last answer to a whole request */
    HTTP_DRAIN_MAX_S = 10,             /* for answers to leave when stopping */
    HTTP_BODIES_BYTES_MAX = 512 << 20, /* of all requests together */
    HTTP_ANSWER_BYTES_MAX = 256 << 20,
    HTTP_KEPT_BYTES = 64 << 10,        /* of a buffer kept for the connection's next request */
    HTTP_HEADERS_BYTES_MAX = 16 << 10, /* that exchange_add_header takes for one answer */
    HTTP_ROOM_BYTES_MAX = 4 << 20,
    HTTP_STREAM_BYTES = 4 << 10,          /* of one piece of a stream */
    HTTP_STREAM_BACKLOG_BYTES = 64 << 10, /* that the system keeps of it for a slow reader */
    HTTP_REQUEST_ID_MAX = 128,
    HTTP_ACTOR_MAX = 128,
    HTTP_TRACE_BYTES = 55, /* of a traceparent */
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER };

enum http_next { HTTP_ANSWERED, HTTP_WAITING };

/* A path's '/' and ':' that came percent-encoded belong to one part of it, such as an event's id:
 * they stand marked, as bytes that no text has, until the route is known. */
void path_mark(char *bytes, size_t length);
void path_unmark(char *bytes, size_t length);
struct exchange;
void exchange_unmark_path(struct exchange *x); /* and what was taken out of it, in place */

struct exchange_pair {
    const char *name, *value;
};

struct exchange {
    enum http_method method;
    struct text path; /* decoded; may be any bytes but NUL; see path_mark */
    size_t body_max;
    struct buffer body;
    int64_t started_us;  /* monotonic */
    bool is_misdirected; /* a Host that is none of a loopback server's */
    bool is_malformed;   /* a head that others could read otherwise than the library */

    unsigned status; /* 0: not answered yet */
    const char *content_type;
    struct buffer answer;
    const char *allow;      /* header Allow, or NULL; a constant */
    unsigned retry_after_s; /* header Retry-After, or 0 */
    bool is_replay;         /* header Idempotent-Replay: true */
    bool is_kept;           /* it has an ETag: may be kept by who asked, and asked for again */
    bool is_packed;         /* its body and Content-Encoding are as they shall be */
    const char *cache;      /* header Cache-Control; NULL: by is_kept */
    const char *policy;     /* header Content-Security-Policy; NULL: nothing is allowed */
    struct buffer headers;  /* others: exchange_add_header */
    char request_id[HTTP_REQUEST_ID_MAX + 1]; /* headers X-Request-Id */
    char trace[HTTP_TRACE_BYTES + 1];         /* and traceparent; "": none */
    bool asks_who;                            /* header WWW-Authenticate: Bearer */
    struct {
        unsigned limit, remaining, reset_s; /* headers RateLimit-*; limit 0: none */
    } rate;

    struct caller caller;           /* who asks; the dispatcher's */
    char actor[HTTP_ACTOR_MAX + 1]; /* and as a text: "key:ask_3f9a"; "": nobody was asked */
    const char *address;            /* of the peer; the connection's */

    /* Instead of the answer, a body without an end: fills at most `room` bytes and says how many;
     * 0 after exchange_pause: none now; -1: its end. On the I/O thread. */
    int (*stream)(struct exchange *x, char *bytes, size_t room);
    enum http_next (*ready)(struct exchange *x); /* HTTP_WAITING: after another exchange_wait */
    void *state;                                 /* the handler's */
    struct buffer room;                          /* memory for it, used again */
    void *translation;                           /* contract.c's, of a foreign contract */
    const struct exchange_pair *queries;         /* instead of the path's; NULL: those */
    uint32_t query_count;
    const void *route;     /* the dispatcher's */
    bool is_keyed;         /* keyed.c's: its key is under way */
    struct text parameter; /* the last part in braces, */
    struct text name;      /* and the one before it */

    struct connection *connection; /* http.c's */
};

struct http_options {
    const char *host;
    uint16_t port; /* 0: any free one */
    unsigned threads;
    bool is_tls;          /* by the certificate that tls_load put in force */
    unsigned connections; /* at most */
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
/* Whether listening on this host would be reached from this machine only; false where it is none.
 */
bool http_host_is_loopback(const char *host);
/* No new connections; returns when what is being answered has left (or its peer did not take it)
 * and nobody waits any more. Requests that arrive on open connections meanwhile still go through
 * begin(). */
void http_drain(struct http *h);
void http_stop(struct http *h); /* after http_drain; takes NULL */
const char *http_library(void); /* "libmicrohttpd 0.9.75" */
unsigned http_connections(const struct http *h);
uint64_t http_body_bytes(const struct http *h); /* of requests, held now */

/* On the I/O thread inside handle(), before anybody is told who may resume. */
void exchange_wait(struct exchange *x);
/* The same where the answer comes within a moment, and cheaper. The peer may break the connection
 * meanwhile, so until ready() nobody asks for the head (path, headers, queries). */
void exchange_hold(struct exchange *x);
void exchange_resume(struct exchange *x);

/* Inside stream(): it is asked again after exchange_go_on, from any thread. Who calls that holds a
 * lock that stream() held here. */
void exchange_pause(struct exchange *x);
void exchange_go_on(struct exchange *x);

/* The body; never a null pointer. */
struct text exchange_body(const struct exchange *x);
/* Borrowed until the request ends; NULL where there is none. */
const char *exchange_header(struct exchange *x, const char *name);
const char *exchange_query(struct exchange *x, const char *name);
/* A header of the answer beside those above; a value with a control character, which could be a
 * header of somebody else's making, is left out. */
void exchange_add_header(struct exchange *x, const char *name, const char *value);
/* Calls visit with each query parameter's name until it returns false; a name given twice comes
 * twice. */
void exchange_queries(struct exchange *x, bool (*visit)(void *context, const char *name),
                      void *context);

#endif
