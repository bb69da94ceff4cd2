#include "shell/serve/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shell/serve/http.h"

enum { LISTEN_BACKLOG = 1024 };

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

bool listen_open(const char *host, uint16_t port, struct listening *l, struct error *e)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char number[8];
    int failed;

    snprintf(number, sizeof number, "%u", port);
    failed = getaddrinfo(host, number, &hints, &found);
    if (failed != 0)
        return error_set(e, ERROR_INVALID, "server.host: \"%s\" is no address of this machine: %s",
                         host, gai_strerror(failed));
    l->fd = listen_on(found);
    if (l->fd < 0)
        error_set(e, ERROR_WORLD,
                  "cannot listen on %s port %s: %s; see server.host and server.port", host, number,
                  strerror(errno));
    l->is_loopback = address_is_loopback(found->ai_addr);
    freeaddrinfo(found);
    if (l->fd < 0)
        return false;
    l->port = bound_port(l->fd);
    return true;
}
