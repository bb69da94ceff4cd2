/* The connection's life:
 *
 *   (new) -> IDLE -begin-> READING -handle-> ANSWERING -sent-> IDLE ... -> (closed)
 *                                    |            ^
 *                                    v            |
 *                                  WAITING --ready
 *
 * A connection waits in one of two ways. ASLEEP, the library knows nothing of it until it is
 * resumed; each time costs two changes of the epoll set, a write to a pipe and a vain read. HELD,
 * it stays in the library's list of those with something to do, and whenever the loop turns, the
 * library asks whether there is an answer now; the loop itself sleeps meanwhile, for it knows how
 * many are only held. That is cheap for as long as a group commit takes; who is asked for
 * LOOKS_MAX times in vain falls asleep. While a connection is held its peer may break it: the
 * library drops its side at once, ours lives until it is resumed.
 *
 * The guard thread cuts connections that stay in IDLE or READING too long: the library's own
 * timeout only sees silence, not a drip of one byte every 29 seconds. It shuts the socket down and
 * leaves closing it to the library, so it needs the list of connections under a lock and nothing
 * else.
 */
#include "shell/serve/http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/serve/tls.h"

enum {
    LISTEN_BACKLOG = 1024,
    DRAIN_STEP_US = 2000,
    GUARD_STEP_US = 100000,
    HALF_CLOSED_US = 200000, /* from the last answer until it is looked at */
    LOOP_WAIT_MS = 250,
    GATHER_US = 200,   /* between two turns of a busy loop */
    GATHER_MIN = 2,    /* requests of a turn that make it busy */
    HELD_WAIT_MS = 10, /* while connections are held, where no turn of the loop moved anything */
    LOOKS_MAX = 48,
    CONNECTIONS_SPARE = 128, /* over the limit, while those that were cut are being closed */
    FILES_SPARE = 256,       /* open files beside connections */
};

enum stage { IDLE, READING, WAITING, ANSWERING };

/* Of a connection that waits. */
enum wait {
    HELD,
    ASLEEP,
    FINISHED, /* resumed: its I/O thread's again */
    LEFT,     /* its peer has gone: who resumes it ends it */
};

struct connection {
    struct exchange exchange;
    struct http *http;
    struct loop *loop;
    struct MHD_Connection *mhd;
    enum stage stage;
    atomic_uint wait;         /* enum wait */
    char *path;               /* of the request, decoded */
    const char *target;       /* of the request: its path, where the library decodes it */
    bool is_held;             /* counted in loop.held, */
    unsigned looks;           /* and asked for so often */
    size_t body_bytes;        /* received; those over body_max were dropped, */
    size_t kept_bytes;        /* these not */
    _Atomic int64_t since_us; /* of the last answer; 0 while a request is being answered */
    int fd;
    char address[INET6_ADDRSTRLEN];
    bool is_cut; /* under the lock: it was shut down, and is closed when its loop sees that */
    struct connection *before, *after;
};

/* One I/O thread with a daemon of its own; all daemons accept from one socket. */
struct loop {
    struct http *http;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    int wake_fd;          /* eventfd, written to where the loop is asleep: */
    atomic_bool is_woken; /* connections were resumed */
    atomic_bool is_asleep;
    unsigned held;
    bool has_moved;    /* in this turn something was done for somebody */
    unsigned begun;    /* requests since the loop slept last */
    int64_t turned_us; /* monotonic: when that was over */
};

struct http {
    struct http_options o;
    struct loop *loops;
    unsigned loop_count; /* that were started */
    int listen_fd;
    uint16_t port;
    bool is_loopback;
    _Atomic uint64_t body_bytes;      /* of all connections */
    atomic_uint answering, suspended; /* requests */
    atomic_uint open;                 /* connections */
    atomic_bool is_stopping;          /* no new connections */
    atomic_bool is_over;              /* the loops end */
    pthread_mutex_t lock;             /* of the list */
    struct connection *first;
    unsigned listed, cut; /* connections of the list, and how many of them were cut */
    pthread_t guard;
};

/* ---- answers ---- */

static const struct {
    const char *name, *value;
} security_headers[] = {
    {"Server", "assay"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
};

static void add_header(struct MHD_Response *r, const char *name, const char *value)
{
    ASSERT(MHD_add_response_header(r, name, value) == MHD_YES);
}

void exchange_add_header(struct exchange *x, const char *name, const char *value)
{
    for (const char *at = value; *at != 0; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return;
    }
    if (x->headers.length + strlen(name) + strlen(value) + 2 > x->headers.max)
        return;
    buffer_add(&x->headers, name, strlen(name) + 1);
    buffer_add(&x->headers, value, strlen(value) + 1);
}

static void add_number(struct MHD_Response *r, const char *name, unsigned value)
{
    char number[16];

    snprintf(number, sizeof number, "%u", value);
    add_header(r, name, number);
}

static void add_more_headers(struct MHD_Response *r, const struct buffer *headers)
{
    for (size_t at = 0; at < headers->length;) {
        const char *name = headers->bytes + at, *value = name + strlen(name) + 1;

        add_header(r, name, value);
        at += strlen(name) + strlen(value) + 2;
    }
}

static void add_limits(struct MHD_Response *r, const struct exchange *x)
{
    if (x->retry_after_s > 0)
        add_number(r, "Retry-After", x->retry_after_s);
    if (x->asks_who)
        add_header(r, "WWW-Authenticate", "Bearer realm=\"assay\"");
    if (x->rate.limit == 0)
        return;
    add_number(r, "RateLimit-Limit", x->rate.limit);
    add_number(r, "RateLimit-Remaining", x->rate.remaining);
    add_number(r, "RateLimit-Reset", x->rate.reset_s);
}

static ssize_t read_stream(void *context, uint64_t at, char *bytes, size_t room)
{
    struct connection *c = context;
    int given = c->exchange.stream(&c->exchange, bytes, room < INT_MAX ? room : INT_MAX);

    (void)at;
    c->loop->has_moved = true;
    return given < 0 ? MHD_CONTENT_READER_END_OF_STREAM : given;
}

static enum MHD_Result respond(struct connection *c)
{
    struct exchange *x = &c->exchange;
    struct MHD_Response *r;
    enum MHD_Result result;

    ASSERT(x->status != 0);
    c->http->o.answering(c->http->o.context, x);
    c->stage = ANSWERING;
    r = x->stream != NULL ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_STREAM_BYTES,
                                                              read_stream, c, NULL)
                          : MHD_create_response_from_buffer(x->answer.length, x->answer.bytes,
                                                            MHD_RESPMEM_PERSISTENT);
    if (r == NULL)
        return MHD_NO;
    for (size_t i = 0; i < sizeof security_headers / sizeof *security_headers; i++)
        add_header(r, security_headers[i].name, security_headers[i].value);
    add_header(r, "Cache-Control",
               x->cache != NULL ? x->cache
               : x->is_kept     ? "private, no-cache"
                                : "no-store");
    add_header(r, "Content-Security-Policy",
               x->policy != NULL ? x->policy : "default-src 'none'; frame-ancestors 'none'");
    if (x->answer.length > 0 || x->stream != NULL)
        add_header(r, "Content-Type", x->content_type);
    if (x->request_id[0] != 0)
        add_header(r, "X-Request-Id", x->request_id);
    if (x->trace[0] != 0)
        add_header(r, "traceparent", x->trace);
    add_more_headers(r, &x->headers);
    if (x->allow != NULL)
        add_header(r, "Allow", x->allow);
    if (x->is_replay)
        add_header(r, "Idempotent-Replay", "true");
    add_limits(r, x);
    /* What follows a head that can be read in two ways may be no request of this peer's. */
    if (x->is_malformed || atomic_load_explicit(&c->http->is_stopping, memory_order_relaxed))
        add_header(r, "Connection", "close");
    result = MHD_queue_response(c->mhd, x->status, r);
    MHD_destroy_response(r);
    return result;
}

/* ---- requests ---- */

static enum http_method method_of(const char *word)
{
    if (strcmp(word, "POST") == 0)
        return HTTP_POST;
    if (strcmp(word, "GET") == 0)
        return HTTP_GET;
    if (strcmp(word, "DELETE") == 0)
        return HTTP_DELETE;
    if (strcmp(word, "OPTIONS") == 0)
        return HTTP_OPTIONS;
    return strcmp(word, "HEAD") == 0 ? HTTP_HEAD : HTTP_OTHER;
}

/* localhost, 127.0.0.1, [::1] and 127.x.y.z, each with or without a port. */
static bool host_is_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "[::1]"};

    if (host == NULL || strncmp(host, "127.", 4) == 0)
        return host == NULL || strspn(host, "0123456789.:") == strlen(host);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);

        if (strncasecmp(host, names[i], length) == 0 && (host[length] == 0 || host[length] == ':'))
            return true;
    }
    return false;
}

struct head_check {
    unsigned hosts, lengths, encodings;
    bool is_odd; /* a name that is none, a control character, another coding than chunked */
};

/* RFC 9110, 5.6.2. */
static bool name_is_token(const char *name, size_t length)
{
    static const bool token[256] = {
        ['!'] = true,         ['#'] = true,         ['$'] = true, ['%'] = true,
        ['&'] = true,         ['\''] = true,        ['*'] = true, ['+'] = true,
        ['-'] = true,         ['.'] = true,         ['^'] = true, ['_'] = true,
        ['`'] = true,         ['|'] = true,         ['~'] = true, ['0' ... '9'] = true,
        ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
    };

    for (size_t i = 0; i < length; i++) {
        if (!token[(unsigned char)name[i]])
            return false;
    }
    return length > 0;
}

static bool value_is_clean(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return false;
    }
    return true;
}

static enum MHD_Result check_header(void *context, enum MHD_ValueKind kind, const char *name,
                                    size_t name_length, const char *value, size_t value_length)
{
    struct head_check *h = context;

    (void)kind;
    h->is_odd |= !name_is_token(name, name_length) ||
                 !value_is_clean(value != NULL ? value : "", value != NULL ? value_length : 0);
    h->hosts += strcasecmp(name, "Host") == 0;
    h->lengths += strcasecmp(name, "Content-Length") == 0;
    h->encodings += strcasecmp(name, "Transfer-Encoding") == 0;
    return MHD_YES;
}

/* What a proxy before us may take for another request than we do: the library lets it pass. */
static bool head_is_malformed(struct connection *c)
{
    struct head_check h = {0};

    MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, check_header, &h);
    return h.is_odd || h.hosts > 1 || h.lengths + h.encodings > 1;
}

/* Bytes that no UTF-8 has. */
enum { MARK_SLASH = 0xfe, MARK_COLON = 0xfd, MARK_NONE = 0xff };

void path_mark(char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '/')
            bytes[i] = (char)MARK_SLASH;
        else if (bytes[i] == ':')
            bytes[i] = (char)MARK_COLON;
    }
}

void path_unmark(char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == (char)MARK_SLASH)
            bytes[i] = '/';
        else if (bytes[i] == (char)MARK_COLON)
            bytes[i] = ':';
    }
}

void exchange_unmark_path(struct exchange *x)
{
    if (x->connection->path != NULL)
        path_unmark(x->connection->path, x->path.length);
}

static bool hex_byte(const char *text, char *byte)
{
    static const char digits[] = "0123456789abcdef";
    const char *high = text[0] != 0 ? strchr(digits, tolower((unsigned char)text[0])) : NULL;
    const char *low =
        high != NULL && text[1] != 0 ? strchr(digits, tolower((unsigned char)text[1])) : NULL;

    if (low == NULL)
        return false;
    *byte = (char)((high - digits) << 4 | (low - digits));
    return true;
}

/* In place. What looks like a mark and is none becomes a byte that no text has, as NUL does. */
static size_t unescape_path(char *text)
{
    char *to = text;

    for (const char *from = text; *from != 0; from++) {
        bool is_escape = *from == '%' && hex_byte(from + 1, to);

        if (!is_escape)
            *to = *from;
        if (*to == 0 || *to == (char)MARK_SLASH || *to == (char)MARK_COLON)
            *to = (char)MARK_NONE;
        if (is_escape) {
            path_mark(to, 1);
            from += 2;
        }
        to++;
    }
    *to = 0;
    return (size_t)(to - text);
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Before it is cut and decoded, in the same place. */
static void *on_target(void *context, const char *target, struct MHD_Connection *mhd)
{
    struct connection *c = connection_of(mhd);

    (void)context;
    if (c == NULL)
        return NULL;
    c->target = target;
    c->path = NULL;
    return NULL;
}

/* A NUL would end the path or the query for us and not for others: it becomes a byte that no text
 * has. */
static size_t unescape(void *context, struct MHD_Connection *mhd, char *text)
{
    struct connection *c = connection_of(mhd);
    size_t length;

    (void)context;
    if (c != NULL && text == c->target) {
        c->path = text;
        return unescape_path(text);
    }
    length = MHD_http_unescape(text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == 0)
            text[i] = (char)0xff;
    }
    return length;
}

static enum MHD_Result begin(struct connection *c, const char *url, const char *method)
{
    struct exchange *x = &c->exchange;

    x->method = method_of(method);
    x->path = text_of(url);
    x->started_us = clock_monotonic_us();
    x->content_type = "application/json";
    x->is_misdirected = c->http->is_loopback && !host_is_loopback(exchange_header(x, "Host"));
    x->is_malformed = head_is_malformed(c);
    c->stage = READING;
    c->loop->begun++;
    atomic_fetch_add(&c->http->answering, 1);
    c->http->o.begin(c->http->o.context, x);
    return x->status != 0 ? respond(c) : MHD_YES;
}

/* Bytes over the limit are dropped: handle() sees a body longer than body_max and refuses it. A
 * peer that sends twice what is allowed is cut. */
static enum MHD_Result take_body(struct connection *c, const char *bytes, size_t length)
{
    struct exchange *x = &c->exchange;
    size_t room = x->body_max > c->body_bytes ? x->body_max - c->body_bytes : 0;
    size_t kept = length < room ? length : room;

    c->body_bytes += length;
    if (c->body_bytes > 2 * x->body_max + HTTP_KEPT_BYTES)
        return MHD_NO;
    if (atomic_fetch_add(&c->http->body_bytes, kept) + kept > HTTP_BODIES_BYTES_MAX) {
        atomic_fetch_sub(&c->http->body_bytes, kept);
        return MHD_NO;
    }
    c->kept_bytes += kept;
    x->body.max = x->body_max + 1; /* one more says that it was too long */
    buffer_add(&x->body, bytes, kept);
    if (kept < length && x->body.length == x->body_max)
        buffer_add_char(&x->body, 0);
    return MHD_YES;
}

static void hold_no_more(struct connection *c)
{
    c->loop->held -= c->is_held;
    c->is_held = false;
}

/* Of a connection that waits, on its I/O thread, whenever the loop turns. Who falls asleep may be
 * resumed at the same moment: then nobody but us can wake it. */
static bool is_finished(struct connection *c)
{
    unsigned held = HELD;

    if (atomic_load(&c->wait) == FINISHED) {
        hold_no_more(c);
        return true;
    }
    if (c->is_held && ++c->looks == LOOKS_MAX) {
        hold_no_more(c);
        MHD_suspend_connection(c->mhd);
        if (!atomic_compare_exchange_strong(&c->wait, &held, ASLEEP))
            MHD_resume_connection(c->mhd);
    }
    return false;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **request)
{
    struct connection *c = *request;

    (void)context;
    (void)version;
    if (c != NULL && c->stage == WAITING && !is_finished(c))
        return MHD_YES;
    if (c != NULL)
        c->loop->has_moved = true;
    if (c == NULL) {
        c = connection_of(mhd);
        if (c == NULL)
            return MHD_NO;
        *request = c;
        return begin(c, url, method);
    }
    if (*upload_bytes > 0) {
        size_t length = *upload_bytes;

        *upload_bytes = 0;
        return c->stage == READING ? take_body(c, upload, length) : MHD_YES;
    }
    if (c->stage == READING) {
        atomic_store(&c->since_us, 0);
        if (c->http->o.handle(c->http->o.context, &c->exchange) == HTTP_WAITING)
            return MHD_YES;
    } else if (c->stage == WAITING) {
        if (c->exchange.ready != NULL && c->exchange.ready(&c->exchange) == HTTP_WAITING)
            return MHD_YES;
    } else {
        return MHD_YES;
    }
    return respond(c);
}

static void keep_or_free(struct buffer *b)
{
    if (b->capacity > HTTP_KEPT_BYTES)
        buffer_fini(b);
    buffer_clear(b);
}

/* The request is over. */
static void exchange_ended(struct connection *c)
{
    struct exchange *x = &c->exchange;

    c->http->o.ended(c->http->o.context, x);
    atomic_fetch_sub(&c->http->body_bytes, c->kept_bytes);
    keep_or_free(&x->body);
    keep_or_free(&x->answer);
    keep_or_free(&x->headers);
    keep_or_free(&x->room);
    *x = (struct exchange){.body = x->body,
                           .answer = x->answer,
                           .headers = x->headers,
                           .room = x->room,
                           .address = c->address,
                           .connection = c};
    c->stage = IDLE;
    c->body_bytes = c->kept_bytes = 0;
    atomic_store(&c->since_us, clock_monotonic_us());
    atomic_fetch_sub(&c->http->answering, 1);
}

/* Of one that waits, on_connection decides whose it is. */
static void on_completed(void *context, struct MHD_Connection *mhd, void **request,
                         enum MHD_RequestTerminationCode code)
{
    struct connection *c = *request;

    (void)context;
    (void)mhd;
    (void)code;
    if (c == NULL)
        return;
    *request = NULL;
    c->loop->has_moved = true;
    if (c->stage != WAITING)
        exchange_ended(c);
}

static void connection_free(struct connection *c)
{
    buffer_fini(&c->exchange.body);
    buffer_fini(&c->exchange.answer);
    buffer_fini(&c->exchange.headers);
    buffer_fini(&c->exchange.room);
    mem_free(c);
}

static void wait_as(struct connection *c, enum wait how)
{
    ASSERT(c->stage == READING || c->stage == WAITING);
    c->stage = WAITING;
    c->looks = 0;
    atomic_store(&c->wait, how);
    atomic_fetch_add(&c->http->suspended, 1);
}

void exchange_wait(struct exchange *x)
{
    wait_as(x->connection, ASLEEP);
    MHD_suspend_connection(x->connection->mhd);
}

/* Over TLS a turn of the loop that seems to move nothing may have done so inside the library. */
void exchange_hold(struct exchange *x)
{
    struct connection *c = x->connection;

    if (c->http->o.is_tls) {
        exchange_wait(x);
        return;
    }
    wait_as(c, HELD);
    c->is_held = true;
    c->loop->held++;
}

/* One write wakes the loop for all that is resumed before it looks. */
static void loop_wake(struct loop *l)
{
    uint64_t one = 1;

    atomic_store(&l->is_woken, true);
    if (atomic_exchange(&l->is_asleep, false) && write(l->wake_fd, &one, sizeof one) < 0)
        ASSERT(errno == EAGAIN); /* the counter is at its end: it wakes */
}

/* The count goes down last: http_stop must not run while this thread is inside the library, nor a
 * connection that was left outlive it. */
void exchange_resume(struct exchange *x)
{
    struct connection *c = x->connection;
    struct loop *l = c->loop;
    struct http *h = l->http;
    struct MHD_Connection *mhd = c->mhd;

    /* From here on a connection that was held is not ours any more. */
    switch ((enum wait)atomic_exchange(&c->wait, FINISHED)) {
    case ASLEEP:
        MHD_resume_connection(mhd);
        loop_wake(l);
        break;
    case LEFT:
        exchange_ended(c);
        connection_free(c);
        break;
    case HELD:
    case FINISHED:
        loop_wake(l);
        break;
    }
    atomic_fetch_sub(&h->suspended, 1);
}

void exchange_pause(struct exchange *x)
{
    atomic_fetch_add(&x->connection->http->suspended, 1);
    MHD_suspend_connection(x->connection->mhd);
}

void exchange_go_on(struct exchange *x)
{
    struct loop *l = x->connection->loop;
    struct http *h = l->http;

    MHD_resume_connection(x->connection->mhd);
    loop_wake(l);
    atomic_fetch_sub(&h->suspended, 1);
}

struct text exchange_body(const struct exchange *x)
{
    return (struct text){x->body.length > 0 ? x->body.bytes : "", x->body.length};
}

const char *exchange_header(struct exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection->mhd, MHD_HEADER_KIND, name);
}

const char *exchange_query(struct exchange *x, const char *name)
{
    for (uint32_t i = 0; x->queries != NULL && i < x->query_count; i++) {
        if (strcmp(x->queries[i].name, name) == 0)
            return x->queries[i].value;
    }
    if (x->queries != NULL)
        return NULL;
    return MHD_lookup_connection_value(x->connection->mhd, MHD_GET_ARGUMENT_KIND, name);
}

struct visiting {
    bool (*visit)(void *context, const char *name);
    void *context;
};

static enum MHD_Result visit_query(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    const struct visiting *v = context;

    (void)kind;
    (void)value;
    return v->visit(v->context, name) ? MHD_YES : MHD_NO;
}

void exchange_queries(struct exchange *x, bool (*visit)(void *context, const char *name),
                      void *context)
{
    struct visiting v = {visit, context};

    if (x->queries != NULL) {
        for (uint32_t i = 0; i < x->query_count && visit(context, x->queries[i].name); i++)
            continue;
        return;
    }
    MHD_get_connection_values(x->connection->mhd, MHD_GET_ARGUMENT_KIND, visit_query, &v);
}

/* ---- connections ---- */

/* An IPv4 address in IPv6's clothes is itself. */
static void name_peer(struct connection *c)
{
    const struct sockaddr *a =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;

    if (a->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr, c->address,
                  sizeof c->address);
    else if (a->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], c->address, sizeof c->address);
    else if (a->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &six->sin6_addr, c->address, sizeof c->address);
    c->exchange.address = c->address;
}

/* Under the lock, where the limit is passed: the connection that has had nothing under way for
 * longest goes; where all have, the newest itself, which is the list's first. */
static void cut_longest_idle(struct http *h)
{
    struct connection *longest = h->first;
    int64_t longest_us = INT64_MAX;

    for (struct connection *c = h->first->after; c != NULL; c = c->after) {
        int64_t since_us = atomic_load(&c->since_us);

        if (since_us == 0 || c->is_cut || since_us >= longest_us)
            continue;
        longest = c;
        longest_us = since_us;
    }
    longest->is_cut = true;
    h->cut++;
    shutdown(longest->fd, SHUT_RDWR);
}

static void connection_new(struct loop *l, struct MHD_Connection *mhd, void **socket_context)
{
    struct connection *c = mem_alloc(sizeof *c);
    struct http *h = l->http;

    c->http = h;
    c->loop = l;
    c->mhd = mhd;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    c->exchange.connection = c;
    name_peer(c);
    buffer_init(&c->exchange.body, 0);
    buffer_init(&c->exchange.answer, HTTP_ANSWER_BYTES_MAX);
    buffer_init(&c->exchange.headers, HTTP_HEADERS_BYTES_MAX);
    buffer_init(&c->exchange.room, HTTP_ROOM_BYTES_MAX);
    atomic_store(&c->since_us, clock_monotonic_us());
    pthread_mutex_lock(&h->lock);
    c->after = h->first;
    if (h->first != NULL)
        h->first->before = c;
    h->first = c;
    h->listed++;
    if (h->listed - h->cut > h->o.connections)
        cut_longest_idle(h);
    pthread_mutex_unlock(&h->lock);
    atomic_fetch_add(&h->open, 1);
    *socket_context = c;
}

/* One that waits is left to who resumes it, unless it was resumed already. */
static void connection_closed(struct http *h, struct connection *c)
{
    unsigned held = HELD;

    pthread_mutex_lock(&h->lock);
    if (c->before != NULL)
        c->before->after = c->after;
    else
        h->first = c->after;
    if (c->after != NULL)
        c->after->before = c->before;
    h->listed--;
    h->cut -= c->is_cut;
    pthread_mutex_unlock(&h->lock);
    atomic_fetch_sub(&h->open, 1);
    hold_no_more(c);
    if (c->stage == WAITING) {
        if (atomic_compare_exchange_strong(&c->wait, &held, LEFT))
            return;
        exchange_ended(c);
    }
    connection_free(c);
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct loop *l = context;

    l->has_moved = true;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        connection_new(l, mhd, socket_context);
    else if (*socket_context != NULL)
        connection_closed(l->http, *socket_context);
}

/* The peer ended its side and all that it sent was read. Where it did so while its request was
 * being answered, or behind a head that is none, the library takes that word with the rest, waits
 * for more that can never come, and would keep the connection for HTTP_IDLE_MAX_S. Looking takes
 * nothing out of the socket. */
static bool is_half_closed(const struct connection *c)
{
    char byte;

    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void *guard_main(void *context)
{
    struct http *h = context;
    int64_t last_us = clock_monotonic_us();

    thread_name("assay-guard");
    while (!atomic_load(&h->is_stopping)) {
        int64_t now_us = clock_monotonic_us();

        clock_sleep_us(GUARD_STEP_US);
        if (now_us - last_us < 1000000)
            continue;
        last_us = now_us;
        pthread_mutex_lock(&h->lock);
        for (struct connection *c = h->first; c != NULL; c = c->after) {
            int64_t since_us = atomic_load(&c->since_us);

            if (since_us != 0 && (now_us - since_us > HTTP_READ_MAX_S * INT64_C(1000000) ||
                                  (now_us - since_us > HALF_CLOSED_US && is_half_closed(c))))
                shutdown(c->fd, SHUT_RDWR);
        }
        pthread_mutex_unlock(&h->lock);
    }
    return NULL;
}

/* ---- listening ---- */

static bool address_is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

static int listen_on(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    on = errno;
    close(fd);
    errno = on;
    return -1;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage a;
    socklen_t length = sizeof a;

    if (getsockname(fd, (struct sockaddr *)&a, &length) != 0)
        return 0;
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                         : ((struct sockaddr_in *)&a)->sin_port);
}

bool http_host_is_loopback(const char *host)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    bool is;

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    is = address_is_loopback(found->ai_addr);
    freeaddrinfo(found);
    return is;
}

static bool open_socket(struct http *h, struct error *e)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char port[8];
    int failed;

    snprintf(port, sizeof port, "%u", h->o.port);
    failed = getaddrinfo(h->o.host, port, &hints, &found);
    if (failed != 0)
        return error_set(e, ERROR_INVALID, "server.host: \"%s\" is no address of this machine: %s",
                         h->o.host, gai_strerror(failed));
    h->listen_fd = listen_on(found);
    if (h->listen_fd < 0)
        error_set(e, ERROR_WORLD,
                  "cannot listen on %s port %s: %s; see server.host and server.port", h->o.host,
                  port, strerror(errno));
    h->is_loopback = address_is_loopback(found->ai_addr);
    freeaddrinfo(found);
    if (h->listen_fd < 0)
        return false;
    h->port = bound_port(h->listen_fd);
    return true;
}

/* ---- I/O threads ---- */

/* For how long nothing is to be done. */
static int loop_patience_ms(struct loop *l)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    if (MHD_get_timeout(l->daemon, &timeout_ms) != MHD_YES || timeout_ms >= LOOP_WAIT_MS)
        return LOOP_WAIT_MS;
    if (timeout_ms == 0 && l->held > 0 && !l->has_moved)
        return HELD_WAIT_MS; /* the library's impatience is for those that are held */
    return (int)timeout_ms;
}

/* A turn has its price, and where requests come one by one, each would pay all of it. */
static void loop_gather(struct loop *l)
{
    int64_t passed_us = clock_monotonic_us() - l->turned_us;

    if (l->begun >= GATHER_MIN && passed_us < GATHER_US)
        clock_sleep_us(GATHER_US - passed_us);
    l->begun = 0;
}

/* Why not the library's own threads: its epoll loop asks again, with the same patience, whenever it
 * got as many events as it has room for (128), and so falls asleep on work that it has taken but
 * not done when there were exactly that many. Here poll() waits and the library never does.
 *
 * Whoever resumes says so first and then looks whether we sleep; we, the other way round. */
static void loop_wait(struct loop *l, int epoll_fd)
{
    struct pollfd p[] = {{.fd = epoll_fd, .events = POLLIN}, {.fd = l->wake_fd, .events = POLLIN}};
    int wait_ms = loop_patience_ms(l);
    uint64_t count;

    if (wait_ms > 0) {
        loop_gather(l);
        atomic_store(&l->is_asleep, true);
        if (!atomic_load(&l->is_woken) && poll(p, 2, wait_ms) > 0 && p[1].revents != 0 &&
            read(l->wake_fd, &count, sizeof count) < 0)
            ASSERT(errno == EAGAIN);
        atomic_store(&l->is_asleep, false);
        l->turned_us = clock_monotonic_us();
    }
    /* Before the library looks for what was resumed. */
    atomic_store(&l->is_woken, false);
    l->has_moved = false;
}

static void *loop_main(void *context)
{
    struct loop *l = context;
    int epoll_fd = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    bool accepts = true;

    thread_name("assay-http");
    while (!atomic_load_explicit(&l->http->is_over, memory_order_relaxed)) {
        if (accepts && atomic_load_explicit(&l->http->is_stopping, memory_order_relaxed)) {
            MHD_quiesce_daemon(l->daemon);
            accepts = false;
        }
        loop_wait(l, epoll_fd);
        MHD_run_wait(l->daemon, 0);
    }
    return NULL;
}

static void loop_fini(struct loop *l)
{
    if (l->daemon != NULL) {
        MHD_quiesce_daemon(l->daemon); /* the socket is not its to close */
        MHD_stop_daemon(l->daemon);
    }
    close(l->wake_fd);
}

static bool loop_start(struct http *h, struct loop *l, struct error *e)
{
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_callback()},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, tls_priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (h->o.is_tls ? MHD_USE_TLS : 0);
    /* The kernel does not share connections out evenly: one daemon may have them all. */
    unsigned connections = h->o.connections + CONNECTIONS_SPARE;

    l->http = h;
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (l->wake_fd < 0)
        return error_set(e, ERROR_WORLD, "cannot make an eventfd: %s", strerror(errno));
    l->daemon = MHD_start_daemon(
        flags, h->port, NULL, NULL, on_request, h, MHD_OPTION_ARRAY, h->o.is_tls ? tls : none,
        MHD_OPTION_LISTEN_SOCKET, h->listen_fd, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD_BYTES_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_MAX_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        l, MHD_OPTION_END);
    if (l->daemon != NULL && pthread_create(&l->thread, NULL, loop_main, l) == 0)
        return true;
    error_set(e, ERROR_WORLD, "cannot start an HTTP thread: %s", strerror(errno));
    loop_fini(l);
    return false;
}

/* Each connection is an open file; the usual soft limit is 1,024. */
static bool allow_files(const struct http *h, struct error *e)
{
    rlim_t wanted = h->o.connections + CONNECTIONS_SPARE + FILES_SPARE;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return true;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted)
        return error_set(e, ERROR_INVALID,
                         "server.connections: %u connections need %llu open files, and this "
                         "process may have %llu; hint: a lower number, or a higher `ulimit -n`",
                         h->o.connections, (unsigned long long)wanted,
                         (unsigned long long)limit.rlim_max);
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ||
           error_set(e, ERROR_WORLD, "cannot allow %llu open files: %s", (unsigned long long)wanted,
                     strerror(errno));
}

static bool loops_start(struct http *h, struct error *e)
{
    h->loops = mem_array(h->o.threads, sizeof *h->loops);
    for (; h->loop_count < h->o.threads; h->loop_count++) {
        if (!loop_start(h, &h->loops[h->loop_count], e))
            return false;
    }
    return true;
}

static void loops_stop(struct http *h)
{
    atomic_store(&h->is_stopping, true);
    atomic_store(&h->is_over, true);
    for (unsigned i = 0; i < h->loop_count; i++)
        pthread_join(h->loops[i].thread, NULL);
    for (unsigned i = 0; i < h->loop_count; i++)
        loop_fini(&h->loops[i]);
    mem_free(h->loops);
}

static void http_free(struct http *h)
{
    loops_stop(h);
    if (h->listen_fd >= 0)
        close(h->listen_fd);
    pthread_mutex_destroy(&h->lock);
    mem_free(h);
}

bool http_start(const struct http_options *o, struct http **http, struct error *e)
{
    struct http *h = mem_alloc(sizeof *h);

    h->o = *o;
    h->o.threads = o->threads > 0 ? o->threads : 1;
    h->listen_fd = -1;
    pthread_mutex_init(&h->lock, NULL);
    *http = h; /* before the first request can ask for it */
    if (allow_files(h, e) && open_socket(h, e) && loops_start(h, e)) {
        if (pthread_create(&h->guard, NULL, guard_main, h) == 0)
            return true;
        error_set(e, ERROR_WORLD, "cannot start a thread");
    }
    *http = NULL;
    http_free(h);
    return false;
}

uint16_t http_port(const struct http *h)
{
    return h->port;
}

bool http_is_loopback(const struct http *h)
{
    return h->is_loopback;
}

unsigned http_connections(const struct http *h)
{
    return atomic_load(&h->open);
}

const char *http_library(void)
{
    static char words[64];

    snprintf(words, sizeof words, "libmicrohttpd %s", MHD_get_version());
    return words;
}

uint64_t http_body_bytes(const struct http *h)
{
    return atomic_load(&h->body_bytes);
}

void http_drain(struct http *h)
{
    int64_t until_us = clock_monotonic_us() + HTTP_DRAIN_MAX_S * INT64_C(1000000);

    atomic_store(&h->is_stopping, true);
    while ((atomic_load(&h->answering) > 0 && clock_monotonic_us() < until_us) ||
           atomic_load(&h->suspended) > 0)
        clock_sleep_us(DRAIN_STEP_US);
}

void http_stop(struct http *h)
{
    if (h == NULL)
        return;
    atomic_store(&h->is_stopping, true);
    pthread_join(h->guard, NULL);
    http_free(h);
}
