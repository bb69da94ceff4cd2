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
#include "shell/serve/http_inside.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"

enum {
    GUARD_STEP_US = 100000,
    HALF_CLOSED_US = 200000, /* from the last answer until it is looked at */
    LOOKS_MAX = 48,
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

/* Left to itself the system keeps megabytes of a stream for one who does not read, and it is long
 * until that shows. */
static void bound_backlog(struct connection *c)
{
    int bytes = HTTP_STREAM_BACKLOG_BYTES;

    setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static enum MHD_Result respond(struct connection *c)
{
    struct exchange *x = &c->exchange;
    struct MHD_Response *r;
    enum MHD_Result result;

    ASSERT(x->status != 0);
    c->http->o.answering(c->http->o.context, x);
    c->stage = ANSWERING;
    if (x->stream != NULL)
        bound_backlog(c);
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
void *on_target(void *context, const char *target, struct MHD_Connection *mhd)
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
size_t unescape(void *context, struct MHD_Connection *mhd, char *text)
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
    x->is_misdirected =
        c->http->listening.is_loopback && !host_is_loopback(exchange_header(x, "Host"));
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

enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url,
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
void on_completed(void *context, struct MHD_Connection *mhd, void **request,
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

void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
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

void *guard_main(void *context)
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
