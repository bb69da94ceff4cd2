/* One writer per directory: a lock on <directory>/lock that ends with the process, however it ends.
 * An open-file-description lock, not flock: it can be asked about (F_OFD_GETLK) without being
 * taken, so that a reader never makes a writer fail. The file's text is the writer's process id,
 * for the message only. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shell/log/disk.h"
#include "shell/log/private.h"

#define LOCK_NAME "lock"

static void say_who(int fd, const char *path, struct error *e)
{
    char pid[32];
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);

    pid[n > 0 ? n : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    error_set(e, ERROR_WORLD,
              "%s: another process%s%s has this log open for writing; hint: stop it first, or use "
              "another data directory",
              path, pid[0] != '\0' ? ", pid " : "", pid);
}

int writer_lock(int directory, const char *path, struct error *e)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = openat(directory, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    char pid[32];

    if (fd < 0) {
        disk_error(e, "open", path, LOCK_NAME);
        return -1;
    }
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            say_who(fd, path, e);
        else
            disk_error(e, "lock", path, LOCK_NAME);
        close(fd);
        return -1;
    }
    snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, strlen(pid), 0) < 0) {
        /* On a full disk the lock holds without the text. */
    }
    return fd;
}

bool writer_is_live(int directory)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = openat(directory, LOCK_NAME, O_RDONLY | O_CLOEXEC);
    bool is_live;

    if (fd < 0)
        return false;
    is_live = fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    close(fd);
    return is_live;
}
