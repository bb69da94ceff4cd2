#include "shell/os/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/memory.h"

struct temporary {
    int fd;
    uint64_t length;
    char *directory;
};

/* Without a name from the start where the file system can; else made and unlinked at once. */
static int open_nameless(const char *directory)
{
    char path[4096];
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return fd;
    if (snprintf(path, sizeof path, "%s/assay-XXXXXX", directory) >= (int)sizeof path)
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

bool temporary_open(const char *directory, struct temporary **t, struct error *e)
{
    int fd = open_nameless(directory);

    if (fd < 0)
        return error_set(e, ERROR_WORLD,
                         "cannot make a temporary file in %s: %s; hint: name a directory that can "
                         "be written to in TMPDIR",
                         directory, strerror(errno));
    *t = mem_alloc(sizeof **t);
    (*t)->fd = fd;
    (*t)->directory = mem_text(directory, strlen(directory));
    return true;
}

void temporary_close(struct temporary *t)
{
    if (t == NULL)
        return;
    close(t->fd);
    mem_free(t->directory);
    mem_free(t);
}

static bool is_full(int number)
{
    return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

bool temporary_append(struct temporary *t, const void *bytes, size_t length, struct error *e)
{
    size_t done = 0;

    while (done < length) {
        ssize_t n =
            pwrite(t->fd, (const char *)bytes + done, length - done, (off_t)(t->length + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(e, is_full(errno) ? ERROR_FULL : ERROR_WORLD,
                             "cannot write a temporary file in %s after %lu MiB: %s; hint: free "
                             "room there, name another directory in TMPDIR, or allow more memory",
                             t->directory, (unsigned long)(t->length >> 20), strerror(errno));
        done += (size_t)n;
    }
    t->length += length;
    return true;
}

uint64_t temporary_length(const struct temporary *t)
{
    return t->length;
}

bool temporary_read(const struct temporary *t, uint64_t at, void *out, size_t length,
                    struct error *e)
{
    size_t done = 0;

    while (done < length) {
        ssize_t n = pread(t->fd, (char *)out + done, length - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(e, ERROR_WORLD, "cannot read a temporary file in %s: %s", t->directory,
                             n < 0 ? strerror(errno) : "it is shorter than it was");
        done += (size_t)n;
    }
    return true;
}
