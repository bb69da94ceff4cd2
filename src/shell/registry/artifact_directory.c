/* Artifacts in a directory, which several machines may have mounted. A tag is the content's
 * SHA-256. Who puts with a condition holds the directory's lock; a file is replaced whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "shell/os/digest.h"
#include "shell/os/file.h"
#include "shell/registry/artifact.h"

enum {
    DIRECTORY_MODE = 0700,
    FILE_MODE = 0600,
    PATH_BYTES = ARTIFACT_WHERE_MAX + ARTIFACT_KEY_MAX + 8,
    DEPTH_MAX = 8,
};

struct folder {
    char path[ARTIFACT_WHERE_MAX];
};

static const char *full(const struct folder *f, const char *key, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s", f->path, key);
    return path;
}

static void close_folder(void *self)
{
    mem_free(self);
}

static void tag_of(const void *bytes, size_t length, char *tag)
{
    uint8_t digest[DIGEST_BYTES];

    digest_bytes(length > 0 ? bytes : "", length, digest);
    digest_hex(digest, tag);
}

static bool get(void *self, const char *key, struct buffer *out, char *tag, struct error *e)
{
    char path[PATH_BYTES];

    buffer_clear(out);
    if (!file_read(full(self, key, path), out, e))
        return false;
    tag_of(out->bytes, out->length, tag);
    return true;
}

static bool head(void *self, const char *key, uint64_t *bytes, char *tag, struct error *e)
{
    char path[PATH_BYTES];
    struct file_map map;

    if (!file_exists(full(self, key, path)))
        return error_set(e, ERROR_NOT_FOUND, "%s is not there", path);
    if (!file_map(path, &map, e))
        return false;
    tag_of(map.bytes, map.length, tag);
    *bytes = map.length;
    file_unmap(&map);
    return true;
}

static int lock(const struct folder *f, struct error *e)
{
    char path[PATH_BYTES];
    int fd = open(full(f, ".lock", path), O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);

    while (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        if (errno != EINTR) {
            close(fd);
            fd = -1;
        }
    }
    if (fd < 0)
        error_set(e, ERROR_WORLD, "cannot lock %s: %m", path);
    return fd;
}

static bool holds(struct folder *f, const struct artifact_put *p, bool *is_so, struct error *e)
{
    char tag[ARTIFACT_TAG_MAX];
    uint64_t bytes;
    bool is_there;

    *is_so = true;
    if (p->condition == ARTIFACT_ALWAYS)
        return true;
    is_there = head(f, p->key, &bytes, tag, e);
    if (!is_there && e->kind != ERROR_NOT_FOUND)
        return false;
    *is_so = p->condition == ARTIFACT_IF_NEW ? !is_there : is_there && strcmp(tag, p->tag) == 0;
    return true;
}

static bool write_below(struct folder *f, const struct artifact_put *p, struct error *e)
{
    char path[PATH_BYTES], above[PATH_BYTES];
    char *slash;

    full(f, p->key, path);
    snprintf(above, sizeof above, "%s", path);
    slash = strrchr(above, '/');
    *slash = 0;
    return file_make_directories(above, DIRECTORY_MODE, e) &&
           file_write(path, p->body.bytes != NULL ? p->body.bytes : "", p->body.length, FILE_MODE,
                      e);
}

static bool put(void *self, const struct artifact_put *p, bool *is_put, char *tag, struct error *e)
{
    struct folder *f = self;
    bool ok;
    int fd;

    if (!file_make_directories(f->path, DIRECTORY_MODE, e))
        return false;
    fd = lock(f, e);
    if (fd < 0)
        return false;
    ok = holds(f, p, is_put, e) && (!*is_put || write_below(f, p, e));
    close(fd);
    if (ok && *is_put)
        tag_of(p->body.bytes, p->body.length, tag);
    return ok;
}

static bool remove_file(void *self, const char *key, struct error *e)
{
    char path[PATH_BYTES];

    return unlink(full(self, key, path)) == 0 || errno == ENOENT ||
           error_set(e, ERROR_WORLD, "cannot remove %s: %m", path);
}

/* ---- lists ---- */

struct listing {
    const struct folder *folder;
    const char *prefix;
    artifact_each *each;
    void *context;
};

static int is_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static bool walk(const struct listing *l, const char *below, int depth, struct error *e);

static bool visit(const struct listing *l, const char *below, const char *name, int depth,
                  struct error *e)
{
    char key[ARTIFACT_KEY_MAX], path[PATH_BYTES];
    struct stat st;

    if (snprintf(key, sizeof key, "%s%s", below, name) >= ARTIFACT_KEY_MAX - 1 ||
        !artifact_key_is(key) || stat(full(l->folder, key, path), &st) != 0)
        return true;
    if (S_ISREG(st.st_mode))
        return strncmp(key, l->prefix, strlen(l->prefix)) != 0 ||
               l->each(l->context, key, (uint64_t)st.st_size, e);
    snprintf(key + strlen(key), 2, "/");
    return !S_ISDIR(st.st_mode) || depth == DEPTH_MAX || walk(l, key, depth + 1, e);
}

static bool walk(const struct listing *l, const char *below, int depth, struct error *e)
{
    struct dirent **entry;
    char path[PATH_BYTES];
    bool ok = true;
    int count = scandir(full(l->folder, below, path), &entry, is_visible, alphasort);

    if (count < 0)
        return errno == ENOENT || error_set(e, ERROR_WORLD, "cannot list %s: %m", path);
    for (int i = 0; i < count; i++) {
        ok = ok && visit(l, below, entry[i]->d_name, depth, e);
        free(entry[i]); /* scandir's */
    }
    free(entry);
    return ok;
}

static bool list(void *self, const char *prefix, artifact_each *each, void *context,
                 struct error *e)
{
    struct listing l = {self, prefix, each, context};

    return walk(&l, prefix, 0, e);
}

static const struct artifact_ops ops_directory = {.close = close_folder,
                                                  .get = get,
                                                  .head = head,
                                                  .put = put,
                                                  .remove = remove_file,
                                                  .list = list};

bool artifact_directory_open(const char *path, void **self, const struct artifact_ops **ops,
                             struct error *e)
{
    struct folder *f = mem_alloc(sizeof *f);

    snprintf(f->path, sizeof f->path, "%s", path);
    if (f->path[0] == 0) {
        mem_free(f);
        return error_set(e, ERROR_INVALID, "registry.artifacts is empty: expected a directory");
    }
    *self = f;
    *ops = &ops_directory;
    return true;
}
