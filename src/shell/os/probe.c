#include "shell/os/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "shell/os/clock.h"
#include "shell/os/file.h"

enum { SYNCS = 9, SYNC_BYTES = 4096 };

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static bool time_syncs(int fd, int64_t us[SYNCS])
{
    char block[SYNC_BYTES] = {0};

    for (int i = 0; i < SYNCS; i++) {
        int64_t begun_us = clock_monotonic_us();

        if (write(fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(fd) != 0)
            return false;
        us[i] = clock_monotonic_us() - begun_us;
    }
    qsort(us, SYNCS, sizeof us[0], by_value);
    return true;
}

bool probe_sync(const char *directory, int64_t *us, struct error *e)
{
    char path[FILE_PATH_MAX];
    int64_t each[SYNCS];
    bool ok;
    int fd;

    snprintf(path, sizeof path, "%s/.probe-XXXXXX", directory);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return error_set(e, ERROR_WORLD, "%s: cannot make a file: %s", directory, strerror(errno));
    unlink(path);
    ok = time_syncs(fd, each) ||
         error_set(e, ERROR_WORLD, "%s: cannot write and sync: %s", directory, strerror(errno));
    close(fd);
    if (ok)
        *us = each[SYNCS / 2];
    return ok;
}

bool probe_clock(bool *is_held, int64_t *wrong_us)
{
    struct timex t = {0};
    int state = adjtimex(&t);

    if (state < 0)
        return false;
    *is_held = state != TIME_ERROR && (t.status & STA_UNSYNC) == 0;
    *wrong_us = t.esterror;
    return true;
}

bool probe_port(const char *host, uint16_t port)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char service[8];
    bool listens = false;
    int on = 1, fd;

    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return false;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        listens = bind(fd, found->ai_addr, found->ai_addrlen) != 0 && errno == EADDRINUSE;
        close(fd);
    }
    freeaddrinfo(found);
    return listens;
}

bool probe_directory(const char *path, unsigned *mode, bool *is_writable, struct error *e)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return error_set(e, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_WORLD, "%s: %s", path,
                         strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return error_set(e, ERROR_INVALID, "%s is no directory", path);
    *mode = st.st_mode & 07777;
    *is_writable = access(path, W_OK | X_OK) == 0;
    return true;
}
