/* The connection's life:
 *
 *   (new) -> IDLE -begin-> READING -handle-> ANSWERING -sent-> IDLE ... -> (closed)
 *                                    |            ^
 *                                    v            |
 *                                  WAITING --ready
 *
 * The guard thread cuts connections that stay in IDLE or READING too long: the library's own
 * timeout only sees silence, not a drip of one byte every 29 seconds. It shuts the socket down and
 * leaves closing it to the library, so it needs the list of connections under a lock and nothing
 * else.
 */
#include "shell/serve/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"

enum { LISTEN_BACKLOG = 1024, DRAIN_STEP_US = 2000, GUARD_STEP_US = 100000, LOOP_WAIT_MS = 250 };

enum stage { IDLE, READING, WAITING, ANSWERING };

struct connection {
    struct exchange exchange;
    struct http *http;
    struct loop *loop;
    struct MHD_Connection *mhd;
    enum stage stage;
    size_t body_bytes;        /* received; those over body_max were dropped, */
    size_t kept_bytes;        /* these not */
    _Atomic int64_t since_us; /* of the last answer; 0 while a request is being answered */
    int fd;
    struct connection *before, *after;
};

/* One I/O thread with a daemon of its own; all daemons accept from one socket. */
struct loop {
    struct http *http;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    int wake_fd; /* eventfd: connections were resumed */
    atomic_bool is_woken;
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
    pthread_t guard;
};

/* ---- answers ---- */

static const struct {
    const char *name, *value;
} security_headers[] = {
    {"Server", "assay"},
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Referrer-Policy", "no-referrer"},
};

static void add_header(struct MHD_Response *r, const char *name, const char *value)
{
    ASSERT(MHD_add_response_header(r, name, value) == MHD_YES);
}

static enum MHD_Result respond(struct connection *c)
{
    struct exchange *x = &c->exchange;
    struct MHD_Response *r;
    enum MHD_Result result;
    char number[16];

    ASSERT(x->status != 0);
    c->http->o.answering(c->http->o.context, x);
    c->stage = ANSWERING;
    r = MHD_create_response_from_buffer(x->answer.length, x->answer.bytes, MHD_RESPMEM_PERSISTENT);
    if (r == NULL)
        return MHD_NO;
    for (size_t i = 0; i < sizeof security_headers / sizeof *security_headers; i++)
        add_header(r, security_headers[i].name, security_headers[i].value);
    add_header(r, "Content-Type", x->content_type);
    if (x->allow != NULL)
        add_header(r, "Allow", x->allow);
    if (x->is_replay)
        add_header(r, "Idempotent-Replay", "true");
    if (x->retry_after_s > 0) {
        snprintf(number, sizeof number, "%u", x->retry_after_s);
        add_header(r, "Retry-After", number);
    }
    if (atomic_load_explicit(&c->http->is_stopping, memory_order_relaxed))
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

static enum MHD_Result begin(struct connection *c, const char *url, const char *method)
{
    struct exchange *x = &c->exchange;

    x->method = method_of(method);
    x->path = text_of(url);
    x->started_us = clock_monotonic_us();
    x->content_type = "application/json";
    x->is_misdirected = c->http->is_loopback && !host_is_loopback(exchange_header(x, "Host"));
    c->stage = READING;
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

static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **request)
{
    struct connection *c = *request;

    (void)context;
    (void)version;
    if (c == NULL) {
        c = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
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

void exchange_wait(struct exchange *x)
{
    struct connection *c = x->connection;

    ASSERT(c->stage == READING || c->stage == WAITING);
    c->stage = WAITING;
    atomic_fetch_add(&c->http->suspended, 1);
    MHD_suspend_connection(c->mhd);
}

/* One write wakes the loop for all that is resumed before it looks. */
static void loop_wake(struct loop *l)
{
    uint64_t one = 1;

    if (!atomic_exchange(&l->is_woken, true) && write(l->wake_fd, &one, sizeof one) < 0)
        ASSERT(errno == EAGAIN); /* the counter is at its end: it wakes */
}

/* The count goes down last: http_stop must not run while this thread is inside the library. */
void exchange_resume(struct exchange *x)
{
    struct loop *l = x->connection->loop;
    struct http *h = l->http;

    MHD_resume_connection(x->connection->mhd);
    loop_wake(l);
    atomic_fetch_sub(&h->suspended, 1);
}

static void keep_or_free(struct buffer *b)
{
    if (b->capacity > HTTP_KEPT_BYTES)
        buffer_fini(b);
    buffer_clear(b);
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **request,
                         enum MHD_RequestTerminationCode code)
{
    struct connection *c = *request;
    struct exchange *x;

    (void)context;
    (void)mhd;
    (void)code;
    if (c == NULL)
        return;
    x = &c->exchange;
    c->http->o.ended(c->http->o.context, x);
    atomic_fetch_sub(&c->http->body_bytes, c->kept_bytes);
    keep_or_free(&x->body);
    keep_or_free(&x->answer);
    *x = (struct exchange){.body = x->body, .answer = x->answer, .connection = c};
    c->stage = IDLE;
    c->body_bytes = c->kept_bytes = 0;
    atomic_store(&c->since_us, clock_monotonic_us());
    atomic_fetch_sub(&c->http->answering, 1);
    *request = NULL;
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

static void connection_new(struct loop *l, struct MHD_Connection *mhd, void **socket_context)
{
    struct connection *c = mem_alloc(sizeof *c);
    struct http *h = l->http;

    c->http = h;
    c->loop = l;
    c->mhd = mhd;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    c->exchange.connection = c;
    buffer_init(&c->exchange.body, 0);
    buffer_init(&c->exchange.answer, HTTP_ANSWER_BYTES_MAX);
    atomic_store(&c->since_us, clock_monotonic_us());
    pthread_mutex_lock(&h->lock);
    c->after = h->first;
    if (h->first != NULL)
        h->first->before = c;
    h->first = c;
    pthread_mutex_unlock(&h->lock);
    atomic_fetch_add(&h->open, 1);
    *socket_context = c;
}

static void connection_free(struct http *h, struct connection *c)
{
    pthread_mutex_lock(&h->lock);
    if (c->before != NULL)
        c->before->after = c->after;
    else
        h->first = c->after;
    if (c->after != NULL)
        c->after->before = c->before;
    pthread_mutex_unlock(&h->lock);
    atomic_fetch_sub(&h->open, 1);
    buffer_fini(&c->exchange.body);
    buffer_fini(&c->exchange.answer);
    mem_free(c);
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        connection_new(context, mhd, socket_context);
    else if (*socket_context != NULL)
        connection_free(((struct loop *)context)->http, *socket_context);
}

static void *guard_main(void *context)
{
    struct http *h = context;
    int64_t last_us = clock_monotonic_us();

    while (!atomic_load(&h->is_stopping)) {
        int64_t now_us = clock_monotonic_us();

        clock_sleep_us(GUARD_STEP_US);
        if (now_us - last_us < 1000000)
            continue;
        last_us = now_us;
        pthread_mutex_lock(&h->lock);
        for (struct connection *c = h->first; c != NULL; c = c->after) {
            int64_t since_us = atomic_load(&c->since_us);

            if (since_us != 0 && now_us - since_us > HTTP_READ_MAX_S * INT64_C(1000000))
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

/* Why not the library's own threads: its epoll loop asks again, with the same patience, whenever it
 * got as many events as it has room for (128), and so falls asleep on work that it has taken but
 * not done when there were exactly that many. Here poll() waits and the library never does. */
static void loop_wait(struct loop *l, int epoll_fd)
{
    struct pollfd p[] = {{.fd = epoll_fd, .events = POLLIN}, {.fd = l->wake_fd, .events = POLLIN}};
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    int wait_ms = LOOP_WAIT_MS;
    uint64_t count;

    if (MHD_get_timeout(l->daemon, &timeout_ms) == MHD_YES && timeout_ms < LOOP_WAIT_MS)
        wait_ms = (int)timeout_ms;
    if (wait_ms > 0 && poll(p, 2, wait_ms) > 0 && p[1].revents != 0 &&
        read(l->wake_fd, &count, sizeof count) < 0)
        ASSERT(errno == EAGAIN);
    /* Before the library looks for what was resumed: whoever resumes from here on writes again. */
    atomic_store(&l->is_woken, false);
}

static void *loop_main(void *context)
{
    struct loop *l = context;
    int epoll_fd = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    bool accepts = true;

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
    unsigned connections = (HTTP_CONNECTIONS_MAX + h->o.threads - 1) / h->o.threads;

    l->http = h;
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (l->wake_fd < 0)
        return error_set(e, ERROR_WORLD, "cannot make an eventfd: %s", strerror(errno));
    l->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, h->port, NULL, NULL, on_request, h,
        MHD_OPTION_LISTEN_SOCKET, h->listen_fd, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD_BYTES_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_MAX_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        l, MHD_OPTION_END);
    if (l->daemon != NULL && pthread_create(&l->thread, NULL, loop_main, l) == 0)
        return true;
    error_set(e, ERROR_WORLD, "cannot start an HTTP thread: %s", strerror(errno));
    loop_fini(l);
    return false;
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
    if (open_socket(h, e) && loops_start(h, e)) {
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
