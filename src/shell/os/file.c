#include "shell/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/memory.h"

enum { READ_BYTES = 64 << 10 };

static bool fail(struct error *e, const char *what, const char *path)
{
    enum error_kind kind = errno == ENOENT                      ? ERROR_NOT_FOUND
                           : errno == ENOSPC || errno == EDQUOT ? ERROR_FULL
                                                                : ERROR_WORLD;

    return error_set(e, kind, "cannot %s %s: %m", what, path);
}

static bool open_for_reading(const char *path, int *fd, struct error *e)
{
    struct stat st;

    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return fail(e, "open", path);
    if (fstat(*fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(*fd);
        return error_set(e, ERROR_INVALID, "%s is a directory: name a file in it", path);
    }
    return true;
}

bool file_read(const char *path, struct buffer *out, struct error *e)
{
    size_t before = out->length;
    ssize_t n;
    int fd;

    if (!open_for_reading(path, &fd, e))
        return false;
    do {
        size_t room = out->max - out->length;
        char *at = buffer_reserve(out, room < READ_BYTES ? room + (room == 0) : READ_BYTES);

        if (at == NULL) { /* exactly full is well, if nothing follows */
            char one;

            out->overflow = false;
            n = read(fd, &one, 1);
            if (n > 0) {
                close(fd);
                out->length = before;
                return error_set(e, ERROR_FULL, "%s is over %zu bytes", path, out->max - before);
            }
        } else {
            n = read(fd, at, room < READ_BYTES ? room : READ_BYTES);
        }
        if (n > 0)
            out->length += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0) {
        out->length = before;
        (void)fail(e, "read", path);
    }
    close(fd);
    return n == 0;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

static void directory_of(const char *path, char out[FILE_PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);

    if (slash == NULL)
        snprintf(out, FILE_PATH_MAX, ".");
    else if (slash == path)
        snprintf(out, FILE_PATH_MAX, "/");
    else
        snprintf(out, FILE_PATH_MAX, "%.*s", (int)length, path);
}

bool file_sync_directory(const char *path, struct error *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good;

    if (fd < 0)
        return fail(e, "open", path);
    good = fsync(fd) == 0 || errno == EINVAL; /* some file systems have no such thing */
    if (!good)
        (void)fail(e, "sync", path);
    close(fd);
    return good;
}

/* Renaming over a device or a pipe would put a file in its place: for everyone on the machine. */
static bool may_replace(const char *path, struct error *e)
{
    struct stat st;

    if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
        return true;
    return error_set(e, ERROR_INVALID, "%s is no regular file: it is not replaced by one", path);
}

bool file_write(const char *path, const void *bytes, size_t length, mode_t mode, struct error *e)
{
    char beside[FILE_PATH_MAX], directory[FILE_PATH_MAX];
    bool good;
    int fd;

    if (snprintf(beside, sizeof beside, "%s.XXXXXX", path) >= (int)sizeof beside)
        return error_set(e, ERROR_INVALID, "path is over %d bytes: %.60s...", FILE_PATH_MAX, path);
    if (!may_replace(path, e))
        return false;
    fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return fail(e, "write", path);
    good = fchmod(fd, mode) == 0 && write_all(fd, bytes, length) && fsync(fd) == 0;
    if (!good)
        (void)fail(e, "write", path);
    if (close(fd) != 0 && good)
        good = fail(e, "write", path);
    if (good && rename(beside, path) != 0)
        good = fail(e, "replace", path);
    if (!good) {
        unlink(beside);
        return false;
    }
    directory_of(path, directory);
    return file_sync_directory(directory, e);
}

bool file_map(const char *path, struct file_map *m, struct error *e)
{
    struct file_map map = {0};
    struct stat st;
    void *at;
    int fd;

    if (!open_for_reading(path, &fd, e))
        return false;
    if (fstat(fd, &st) != 0) {
        (void)fail(e, "read", path);
        close(fd);
        return false;
    }
    map.length = (size_t)st.st_size;
    if (map.length > 0) {
        at = mmap(NULL, map.length, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at == MAP_FAILED) {
            (void)fail(e, "map", path);
            close(fd);
            return false;
        }
        map.bytes = at;
    }
    close(fd);
    *m = map;
    return true;
}

void file_map_forget(const struct file_map *m, size_t at, size_t length)
{
    if (at < m->length)
        madvise((void *)(uintptr_t)(m->bytes + at),
                length < m->length - at ? length : m->length - at, MADV_DONTNEED);
}

void file_unmap(struct file_map *m)
{
    if (m->bytes != NULL)
        munmap((void *)(uintptr_t)m->bytes, m->length);
    *m = (struct file_map){0};
}

static bool make_one(const char *path, mode_t mode, struct error *e)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return true;
    if (errno != EEXIST)
        return fail(e, "make directory", path);
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return error_set(e, ERROR_INVALID, "%s exists and is not a directory", path);
    return true;
}

bool file_make_directories(const char *path, mode_t mode, struct error *e)
{
    char part[FILE_PATH_MAX];
    size_t length = strlen(path);

    if (length == 0 || length >= sizeof part)
        return error_set(e, ERROR_INVALID, "a path of %zu bytes cannot be made", length);
    memcpy(part, path, length + 1);
    for (size_t i = 1; i < length; i++) {
        if (part[i] != '/' || part[i - 1] == '/')
            continue;
        part[i] = 0;
        if (!make_one(part, mode, e))
            return false;
        part[i] = '/';
    }
    return make_one(part, mode, e);
}

bool file_volume(const char *path, struct volume *v, struct error *e)
{
    struct statvfs fs;

    if (statvfs(path, &fs) != 0)
        return fail(e, "look at the file system of", path);
    v->free = (uint64_t)fs.f_bavail * fs.f_frsize;
    v->bytes = v->free + (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
    return true;
}

double volume_used(const struct volume *v)
{
    return v->bytes > 0 ? 1 - (double)v->free / (double)v->bytes : 0;
}

bool file_free_space(const char *path, uint64_t *bytes, struct error *e)
{
    struct volume v;

    if (!file_volume(path, &v, e))
        return false;
    *bytes = v.free;
    return true;
}

bool file_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

static int path_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_add(struct file_list *list, const char *path)
{
    list->path = mem_resize(list->path, list->count + 1, sizeof *list->path);
    list->path[list->count++] = mem_text(path, strlen(path));
}

bool file_list(const char *pattern, struct file_list *list, struct error *e)
{
    struct file_list found = {0};
    glob_t matches;
    int result;

    if (file_exists(pattern)) {
        list_add(&found, pattern);
        *list = found;
        return true;
    }
    result = glob(pattern, GLOB_NOSORT, NULL, &matches);
    if (result != 0 && result != GLOB_NOMATCH)
        return error_set(e, ERROR_WORLD, "cannot list %s", pattern);
    if (result == 0 && matches.gl_pathc > FILE_LIST_MAX) {
        globfree(&matches);
        return error_set(e, ERROR_FULL, "%s matches over %d files", pattern, FILE_LIST_MAX);
    }
    for (size_t i = 0; result == 0 && i < matches.gl_pathc; i++) {
        struct stat st;

        if (stat(matches.gl_pathv[i], &st) == 0 && !S_ISDIR(st.st_mode))
            list_add(&found, matches.gl_pathv[i]);
    }
    if (result == 0)
        globfree(&matches);
    if (found.count == 0)
        return error_set(e, ERROR_NOT_FOUND, "no file matches \"%s\"", pattern);
    qsort(found.path, found.count, sizeof *found.path, path_order);
    *list = found;
    return true;
}

void file_list_fini(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->path[i]);
    mem_free(list->path);
    *list = (struct file_list){0};
}

ssize_t file_read_at(int fd, void *bytes, size_t length, uint64_t at)
{
    size_t done = 0;

    while (done < length) {
        ssize_t n = pread(fd, (char *)bytes + done, length - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}
