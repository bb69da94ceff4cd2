/* I/O threads, each with a loop of its own over the connections that it accepted; what happens to
 * one connection is in http_request.c. */
#include "shell/serve/http.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/serve/http_inside.h"
#include "shell/serve/tls.h"

enum {
    DRAIN_STEP_US = 2000,
    LOOP_WAIT_MS = 250,
    GATHER_US = 200,   /* between two turns of a busy loop */
    GATHER_MIN = 2,    /* requests of a turn that make it busy */
    HELD_WAIT_MS = 10, /* while connections are held, where no turn of the loop moved anything */
    FILES_SPARE = 256, /* open files beside connections */
};

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
    thread_prompt();
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
        flags, h->listening.port, NULL, NULL, on_request, h, MHD_OPTION_ARRAY,
        h->o.is_tls ? tls : none, MHD_OPTION_LISTEN_SOCKET, h->listening.fd,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_HEAD_BYTES_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_MAX_S,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_END);
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
    if (h->listening.fd >= 0)
        close(h->listening.fd);
    pthread_mutex_destroy(&h->lock);
    mem_free(h);
}

bool http_start(const struct http_options *o, struct http **http, struct error *e)
{
    struct http *h = mem_alloc(sizeof *h);

    h->o = *o;
    h->o.threads = o->threads > 0 ? o->threads : 1;
    h->listening.fd = -1;
    pthread_mutex_init(&h->lock, NULL);
    *http = h; /* before the first request can ask for it */
    if (allow_files(h, e) && listen_open(h->o.host, h->o.port, &h->listening, e) &&
        loops_start(h, e)) {
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
    return h->listening.port;
}

bool http_is_loopback(const struct http *h)
{
    return h->listening.is_loopback;
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
