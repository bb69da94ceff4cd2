#include "shell/log/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "shell/log/fault.h"

enum { ZEROS_BYTES = 1 << 18, FILE_MODE = 0640 };

static atomic_long fault_left; /* operations until the fault; 0: none */
static int fault_errno;
static bool fault_is_lasting;
static atomic_bool fault_struck;

void log_fault_set(long nth, int error_number, bool is_lasting)
{
    fault_errno = error_number;
    fault_is_lasting = is_lasting;
    atomic_store(&fault_struck, false);
    atomic_store(&fault_left, nth);
}

bool log_fault_struck(void)
{
    return atomic_load(&fault_struck);
}

static bool strikes(void)
{
    long left = atomic_load_explicit(&fault_left, memory_order_relaxed);

    if (left == 0)
        return false;
    if (!(atomic_load(&fault_struck) && fault_is_lasting) && atomic_fetch_sub(&fault_left, 1) != 1)
        return false;
    if (fault_is_lasting)
        atomic_store(&fault_left, 1);
    atomic_store(&fault_struck, true);
    errno = fault_errno;
    return true;
}

int disk_create(int directory, const char *name)
{
    if (strikes())
        return -1;
    return openat(directory, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
}

static int write_all(int fd, const void *bytes, size_t length, size_t at)
{
    const char *from = bytes;

    while (length > 0) {
        ssize_t done = pwrite(fd, from, length, (off_t)at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        from += done;
        at += (size_t)done;
        length -= (size_t)done;
    }
    return 0;
}

int disk_write(int fd, const void *bytes, size_t length, size_t at)
{
    if (strikes()) {
        int saved = errno;

        if (write_all(fd, bytes, length / 2, at) == 0)
            errno = saved;
        return -1;
    }
    return write_all(fd, bytes, length, at);
}

int disk_zero(int fd, size_t from, size_t to)
{
    static const char zeros[ZEROS_BYTES];

    while (from < to) {
        size_t length = to - from < sizeof zeros ? to - from : sizeof zeros;

        if (disk_write(fd, zeros, length, from) != 0)
            return -1;
        from += length;
    }
    return 0;
}

/* Whether a failed fallocate only means that this file system has none. */
static bool lacks_allocation(int error_number)
{
    return error_number == EOPNOTSUPP || error_number == ENOSYS || error_number == EINVAL;
}

static int allocate(int fd, size_t from, size_t to)
{
    int rc;

    if (strikes())
        return -1;
    do
        rc = fallocate(fd, 0, (off_t)from, (off_t)(to - from));
    while (rc != 0 && errno == EINTR);
    return rc;
}

int disk_extend(int fd, size_t from, size_t to, bool write_zeros)
{
    int saved;

    if (allocate(fd, from, to) != 0) {
        if (!lacks_allocation(errno))
            goto fail;
        write_zeros = true;
    }
    if (!write_zeros || disk_zero(fd, from, to) == 0)
        return 0;
fail:
    saved = errno;
    if (ftruncate(fd, (off_t)from) != 0) {
        /* The space stays taken; the bytes are zeros that the next try writes again. */
    }
    errno = saved;
    return -1;
}

int disk_sync(int fd)
{
    int rc;

    if (strikes())
        return -1;
    do
        rc = fdatasync(fd);
    while (rc != 0 && errno == EINTR);
    return rc;
}

int disk_sync_directory(int fd)
{
    return strikes() ? -1 : fsync(fd);
}

int disk_rename(int directory, const char *from, const char *to)
{
    return strikes() ? -1 : renameat(directory, from, directory, to);
}

int disk_remove(int directory, const char *name)
{
    return strikes() ? -1 : unlinkat(directory, name, 0);
}

bool disk_error(struct error *e, const char *doing, const char *directory, const char *name)
{
    int number = errno;
    struct statvfs v;
    unsigned long long left = 0;

    if (number == EBADMSG)
        return error_set(e, ERROR_INVALID,
                         "%s %s/%s: its packed bytes are damaged; hint: run `assay log verify`, "
                         "restore the file from a backup",
                         doing, directory, name);
    if (number != ENOSPC && number != EDQUOT)
        return error_set(e, ERROR_WORLD, "%s %s/%s: %s", doing, directory, name, strerror(number));
    if (statvfs(directory, &v) == 0)
        left = (unsigned long long)v.f_bavail * v.f_frsize;
    return error_set(e, ERROR_FULL,
                     "%s %s/%s: %s (%llu bytes free there); hint: free space on that disk%s", doing,
                     directory, name, strerror(number), left,
                     number == EDQUOT ? " or raise the quota" : "");
}
