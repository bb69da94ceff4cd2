/* A machine that misbehaves, for tests: LD_PRELOAD=libfaults.so FAULTS=FILE. FILE is a struct
 * faults, mapped, so that a test changes it while the program runs. Disk faults strike only files
 * whose path contains `path`; "" strikes none. Built with _FILE_OFFSET_BITS=64, as the program:
 * pwrite is pwrite64. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct faults {
    _Atomic int64_t clock_us;      /* added to the wall clock */
    _Atomic int64_t sync_delay_us; /* each fsync and fdatasync takes so much longer */
    _Atomic int64_t sync_nth;      /* this sync from now on fails; 0: none */
    _Atomic int64_t sync_lasts;    /* and all after it */
    _Atomic int64_t write_delay_us;
    _Atomic int64_t write_fails; /* every write and allocation fails */
    _Atomic int64_t error;       /* errno of what fails */
    _Atomic int64_t struck;      /* counts what failed; the program's */
    char path[192];
};

static struct faults *faults;

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("FAULTS");
    int fd = name != NULL ? open(name, O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    faults = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (faults == MAP_FAILED)
        faults = NULL;
    close(fd);
}

static bool is_meant(int fd)
{
    char link[64], path[4096];
    ssize_t length;

    if (faults == NULL || faults->path[0] == 0)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return false;
    path[length] = 0;
    return strstr(path, faults->path) != NULL;
}

static void wait_us(int64_t us)
{
    struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

    if (us > 0)
        nanosleep(&t, NULL);
}

static bool fail(void)
{
    atomic_fetch_add(&faults->struck, 1);
    errno = (int)faults->error;
    return true;
}

static bool sync_fails(int fd)
{
    int64_t left;

    if (!is_meant(fd))
        return false;
    wait_us(faults->sync_delay_us);
    left = atomic_load(&faults->sync_nth);
    while (left > 0) {
        int64_t next = left > 1 ? left - 1 : faults->sync_lasts ? 1 : 0;

        if (atomic_compare_exchange_weak(&faults->sync_nth, &left, next))
            return left == 1 && fail();
    }
    return false;
}

static bool write_fails(int fd)
{
    if (!is_meant(fd))
        return false;
    wait_us(faults->write_delay_us);
    return faults->write_fails && fail();
}

int fsync(int fd)
{
    return sync_fails(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_fails(fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    return write_fails(fd) ? -1 : syscall(SYS_write, fd, bytes, length);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at)
{
    return write_fails(fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, length, at);
}

int fallocate(int fd, int mode, off_t at, off_t length)
{
    return write_fails(fd) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, length);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, id, t);
    int64_t us;

    if (rc != 0 || faults == NULL || id != CLOCK_REALTIME)
        return rc;
    us = (int64_t)t->tv_sec * 1000000 + t->tv_nsec / 1000 + faults->clock_us;
    t->tv_sec = us / 1000000;
    t->tv_nsec = us % 1000000 * 1000;
    return 0;
}
