/* bench_load: load for an HTTP service from one thread, over connections that are kept.
 *
 * Open loop (--rate): the moments of sending are drawn ahead, with exponential gaps, and do not
 * wait for answers. A request that finds no free connection waits in line, and its latency counts
 * from the moment it should have been sent: a server that stands still for a second is charged with
 * all who would have asked during that second (no coordinated omission).
 *
 * Closed loop (without --rate): each connection asks again as soon as it was answered. It finds the
 * greatest rate, and says nothing about latency at any other.
 *
 * No pipelining: one request under way on each connection. Prints one JSON object. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/load/histogram.h"
#include "bench/load/requests.h"
#include "core/base/number.h"
#include "core/base/random.h"

enum {
    CONNECTIONS_MAX = 4096,
    ANSWER_BYTES_MAX = 1 << 16,
    EVENTS = 256,
    STATUSES = 600,
    DRAIN_S = 10, /* for answers under way at the end */
    SECOND = 1000000000,
};

struct options {
    const char *host, *path, *file, *header, *run;
    unsigned port, connections;
    double seconds, warm, rate;
    uint64_t seed;
};

struct connection {
    int fd;
    bool is_busy, wants_out;
    uint64_t due; /* when its request should have been sent */
    size_t out_at, out_length, in_length;
    size_t answer_length; /* head and body; 0: not known yet */
    unsigned status;
    char out[REQUEST_BYTES_MAX], in[ANSWER_BYTES_MAX];
};

struct load {
    struct options o;
    struct requests requests;
    struct connection *connection;
    struct connection **idle; /* a ring, so that each is used in its turn */
    unsigned idle_first, idle_count;
    int epoll;
    struct sockaddr_in address;
    struct random random;
    uint64_t begin, counted, end;  /* answers to what was due in [counted, end) are counted */
    uint64_t next_due, free_since; /* since then a connection is idle, or was last */
    struct histogram latency;
    uint64_t statuses[STATUSES];
    uint64_t under_way, done_in_time, broken, late_max;
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- connections ---- */

static void watch(struct load *l, struct connection *c, int how, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    if (epoll_ctl(l->epoll, how, c->fd, &e) != 0)
        fail("epoll_ctl");
}

/* Connects and waits for it: connections are made before the load, or after a server closed one. */
static void open_connection(struct load *l, struct connection *c)
{
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&l->address, sizeof l->address) != 0)
        fail("cannot connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->wants_out = false;
    watch(l, c, EPOLL_CTL_ADD, EPOLLIN);
}

static struct connection *take_idle(struct load *l)
{
    struct connection *c = l->idle[l->idle_first];

    l->idle_first = (l->idle_first + 1) % l->o.connections;
    l->idle_count--;
    return c;
}

static void put_out(struct load *l, struct connection *c);

static void begin_request(struct load *l, struct connection *c, uint64_t due)
{
    c->due = due;
    c->is_busy = true;
    c->in_length = c->answer_length = c->out_at = 0;
    c->out_length = requests_next(&l->requests, c->out);
    l->under_way++;
    put_out(l, c);
}

static void make_idle(struct load *l, struct connection *c)
{
    c->is_busy = false;
    if (l->idle_count == 0)
        l->free_since = now_ns();
    l->idle[(l->idle_first + l->idle_count++) % l->o.connections] = c;
}

/* The peer closed it. A request that was under way is lost, and counted. */
static void reopen(struct load *l, struct connection *c)
{
    bool was_busy = c->is_busy;

    close(c->fd);
    open_connection(l, c);
    if (!was_busy)
        return;
    l->broken++;
    l->under_way--;
    make_idle(l, c);
}

static void put_out(struct load *l, struct connection *c)
{
    ssize_t n =
        send(c->fd, c->out + c->out_at, c->out_length - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        reopen(l, c);
        return;
    }
    c->out_at += n > 0 ? (size_t)n : 0;
    if ((c->out_at < c->out_length) != c->wants_out) {
        c->wants_out = !c->wants_out;
        watch(l, c, EPOLL_CTL_MOD, c->wants_out ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
}

/* ---- answers ---- */

static bool head_is_whole(struct connection *c)
{
    char *end = memmem(c->in, c->in_length, "\r\n\r\n", 4);
    const char *length;

    if (end == NULL)
        return false;
    *end = 0; /* of the text that is searched */
    c->status = (unsigned)strtoul(c->in + strlen("HTTP/1.1 "), NULL, 10);
    length = strcasestr(c->in, "\r\nContent-Length:");
    if (c->status < 100 || c->status >= STATUSES || length == NULL) {
        fprintf(stderr, "bench_load: an answer without status or length:\n%s\n", c->in);
        exit(1);
    }
    c->answer_length = (size_t)(end - c->in) + 4 + strtoul(length + 17, NULL, 10);
    if (c->answer_length > ANSWER_BYTES_MAX) {
        fprintf(stderr, "bench_load: an answer of %zu bytes\n", c->answer_length);
        exit(1);
    }
    return true;
}

static void answered(struct load *l, struct connection *c, uint64_t now)
{
    l->under_way--;
    if (c->due >= l->counted && c->due < l->end) {
        histogram_add(&l->latency, now - c->due);
        l->statuses[c->status]++;
    }
    l->done_in_time += now >= l->counted && now < l->end;
    make_idle(l, c);
}

static void take_in(struct load *l, struct connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_length, ANSWER_BYTES_MAX - c->in_length, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        reopen(l, c);
        return;
    }
    c->in_length += (size_t)n;
    if (c->answer_length == 0 && !head_is_whole(c))
        return;
    if (c->in_length >= c->answer_length)
        answered(l, c, now_ns());
}

/* ---- the loop ---- */

static uint64_t draw_gap(struct load *l)
{
    return (uint64_t)(-log(1 - random_real(&l->random)) / l->o.rate * SECOND);
}

/* Of ours alone: while all connections waited for answers, nobody could have sent. */
static void note_lateness(struct load *l, uint64_t due, uint64_t now)
{
    uint64_t could = due > l->free_since ? due : l->free_since;

    if (now > could && now - could > l->late_max)
        l->late_max = now - could;
}

static void send_due(struct load *l, uint64_t now)
{
    if (now >= l->end && l->o.rate == 0)
        return;
    while (l->idle_count > 0) {
        uint64_t due = l->o.rate == 0 ? now : l->next_due;

        if (due > now || due >= l->end)
            break;
        begin_request(l, take_idle(l), due);
        if (l->o.rate > 0) {
            note_lateness(l, due, now);
            l->next_due += draw_gap(l);
        }
    }
}

/* Until the next sending, where a connection is free for it. */
static struct timespec patience(const struct load *l, uint64_t now)
{
    uint64_t wait = SECOND / 100;

    if (l->o.rate > 0 && l->idle_count > 0 && l->next_due < now + wait)
        wait = l->next_due > now ? l->next_due - now : 0;
    return (struct timespec){.tv_nsec = (long)wait};
}

static bool has_more(const struct load *l, uint64_t now)
{
    bool all_sent = l->o.rate > 0 ? l->next_due >= l->end : now >= l->end;

    return now < l->end + (uint64_t)DRAIN_S * SECOND && (!all_sent || l->under_way > 0);
}

static void run(struct load *l)
{
    struct epoll_event events[EVENTS];
    uint64_t now = now_ns();

    l->begin = l->next_due = now;
    l->counted = l->begin + (uint64_t)(l->o.warm * SECOND);
    l->end = l->counted + (uint64_t)(l->o.seconds * SECOND);
    while (has_more(l, now)) {
        struct timespec wait;
        int n;

        send_due(l, now);
        wait = patience(l, now_ns());
        n = epoll_pwait2(l->epoll, events, EVENTS, &wait, NULL);
        for (int i = 0; i < n; i++) {
            if (events[i].events & EPOLLOUT)
                put_out(l, events[i].data.ptr);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                take_in(l, events[i].data.ptr);
        }
        now = now_ns();
    }
}

static double processor_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static void print(const struct load *l)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    const char *comma = "";

    printf("{\"rate_per_s\": %.1f, \"answers\": %llu, \"unanswered\": %llu, \"broken\": %llu, "
           "\"processor_s\": %.3f, \"late_max_us\": %.1f, \"statuses\": {",
           (double)l->done_in_time / l->o.seconds, (unsigned long long)l->latency.total,
           (unsigned long long)l->under_way, (unsigned long long)l->broken, processor_s(),
           (double)l->late_max / 1e3);
    for (unsigned i = 0; i < STATUSES; i++) {
        if (l->statuses[i] == 0)
            continue;
        printf("%s\"%u\": %llu", comma, i, (unsigned long long)l->statuses[i]);
        comma = ", ";
    }
    printf("}");
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        printf(", \"%s_us\": %.1f", quantiles[i].name,
               (double)histogram_quantile(&l->latency, quantiles[i].share) / 1e3);
    printf(", \"max_us\": %.1f, \"mean_us\": %.1f}\n", (double)l->latency.max / 1e3,
           l->latency.total > 0 ? l->latency.sum / (double)l->latency.total / 1e3 : 0);
}

static void prepare(struct load *l)
{
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)l->o.port)};
    if (inet_pton(AF_INET, l->o.host, &l->address.sin_addr) != 1) {
        errno = EINVAL;
        fail("--host takes an IPv4 address");
    }
    l->connection = calloc(l->o.connections, sizeof *l->connection);
    l->idle = calloc(l->o.connections, sizeof *l->idle);
    if (l->connection == NULL || l->idle == NULL)
        fail("memory");
    for (unsigned i = 0; i < l->o.connections; i++) {
        open_connection(l, &l->connection[i]);
        make_idle(l, &l->connection[i]);
    }
    random_init(&l->random, l->o.seed);
}

static const char usage[] =
    "usage: bench_load --port N --requests FILE [--host 127.0.0.1] [--path /v1/decisions]\n"
    "                  [--connections 256] [--seconds 10] [--warm 1] [--rate R]\n"
    "                  [--header 'Name: value'] [--seed 1] [--run EIGHTCHR]\n"
    "Without --rate: each connection asks again as soon as it is answered.\n";

static bool option_take(struct options *o, const char *name, const char *value)
{
    struct {
        const char *name;
        const char **text;
        unsigned *whole;
        double *real;
    } table[] = {{.name = "--host", .text = &o->host},
                 {.name = "--path", .text = &o->path},
                 {.name = "--requests", .text = &o->file},
                 {.name = "--header", .text = &o->header},
                 {.name = "--run", .text = &o->run},
                 {.name = "--port", .whole = &o->port},
                 {.name = "--connections", .whole = &o->connections},
                 {.name = "--seconds", .real = &o->seconds},
                 {.name = "--warm", .real = &o->warm},
                 {.name = "--rate", .real = &o->rate}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(name, table[i].name) != 0)
            continue;
        if (table[i].text != NULL)
            *table[i].text = value;
        else if (table[i].whole != NULL)
            *table[i].whole = (unsigned)strtoul(value, NULL, 10);
        else if (!number_parse_real(text_of(value), '.', table[i].real))
            return false;
        return true;
    }
    if (strcmp(name, "--seed") == 0)
        o->seed = strtoull(value, NULL, 10);
    return strcmp(name, "--seed") == 0;
}

static bool options_read(struct options *o, int argc, char **argv)
{
    *o = (struct options){.host = "127.0.0.1",
                          .path = "/v1/decisions",
                          .connections = 256,
                          .seconds = 10,
                          .warm = 1,
                          .seed = 1,
                          .run = "loadload"};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 >= argc || !option_take(o, argv[i], argv[i + 1]))
            return false;
    }
    return o->port > 0 && o->port < 65536 && o->file != NULL && o->connections > 0 &&
           o->connections <= CONNECTIONS_MAX && o->seconds > 0 && o->warm >= 0 && o->rate >= 0 &&
           strlen(o->run) == 8;
}

int main(int argc, char **argv)
{
    static struct load l;
    struct request_head head;
    struct error e = {0};

    if (!options_read(&l.o, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    head = (struct request_head){l.o.host, l.o.path, l.o.port, l.o.header, l.o.run};
    if (!requests_read(&l.requests, l.o.file, &head, &e))
        bench_fail(&e);
    prepare(&l);
    run(&l);
    print(&l);
    for (unsigned i = 0; i < l.o.connections; i++)
        close(l.connection[i].fd);
    requests_fini(&l.requests);
    free(l.connection);
    free(l.idle);
    return 0;
}
