/* Files: the few operations that the rest of the shell needs, with errors that name the path. */
#ifndef ASSAY_OS_FILE_H
#define ASSAY_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/buffer.h"
#include "core/base/error.h"

enum {
    FILE_PATH_MAX = 4096,
    FILE_LIST_MAX = 100000, /* names that a pattern may match */
};

/* Appends the whole file to the buffer; ERROR_FULL where it would pass the buffer's maximum,
 * ERROR_NOT_FOUND where there is none. */
bool file_read(const char *path, struct buffer *out, struct error *e) MUST_USE;

/* How many bytes there are from `at` on, at most `length`; -1: the disk failed (errno). */
ssize_t file_read_at(int fd, void *bytes, size_t length, uint64_t at);

/* All or nothing, and on the disk when it returns: written beside, synced, renamed over, the
 * directory synced. `mode` is that of open(2). What is there and no regular file (a device, a
 * pipe, a directory) is refused: ERROR_INVALID. */
bool file_write(const char *path, const void *bytes, size_t length, mode_t mode,
                struct error *e) MUST_USE;

/* A whole file in memory, read only. An empty file has bytes == NULL. */
struct file_map {
    const char *bytes;
    size_t length;
};

bool file_map(const char *path, struct file_map *m, struct error *e) MUST_USE;
/* What was read of it need not stay in this process's memory. */
void file_map_forget(const struct file_map *m, size_t at, size_t length);
void file_unmap(struct file_map *m);

/* The directory and those above it, where they do not exist. */
bool file_make_directories(const char *path, mode_t mode, struct error *e) MUST_USE;
/* fsync of a directory: a rename or a new file in it is then durable. */
bool file_sync_directory(const char *path, struct error *e) MUST_USE;
/* The volume that a path is on: what we could have of it with what is taken, and what is free. */
struct volume {
    uint64_t bytes, free;
};

#define VOLUME_USED_MUCH 0.8 /* from this share on somebody should be told */

bool file_volume(const char *path, struct volume *v, struct error *e) MUST_USE;
double volume_used(const struct volume *v); /* 0 to 1 */
bool file_free_space(const char *path, uint64_t *bytes, struct error *e) MUST_USE;
bool file_exists(const char *path);

/* Regular files that a pattern (glob(7)) matches, in byte order of their names. A path that exists
 * is itself, whatever characters it has. ERROR_NOT_FOUND where nothing matches. */
struct file_list {
    char **path;
    size_t count;
};

bool file_list(const char *pattern, struct file_list *list, struct error *e) MUST_USE;
void file_list_fini(struct file_list *list);

#endif
