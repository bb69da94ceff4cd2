#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shell/audit/upkeep.h"

enum { DEPTH_MAX = 8, NAME_DEPTH = 3 };

/* NULL: of none of the parts. */
static uint64_t *part_of(struct data_bytes *b, const char *const *names, int depth)
{
    if (depth == 1 && strncmp(names[0], "store.", 6) == 0)
        return &b->store;
    if (depth > 1 && strcmp(names[0], "control") == 0)
        return &b->control;
    if (depth > 2 && strcmp(names[1], "log") == 0)
        return &b->log;
    if (depth > 2 && strcmp(names[1], "snapshots") == 0)
        return &b->snapshots;
    return NULL;
}

/* Files that go away meanwhile are no trouble. */
static void add_directory(int fd, const char **names, int depth, struct data_bytes *b)
{
    DIR *d = fdopendir(fd);
    struct dirent *entry;

    if (d == NULL) {
        close(fd);
        return;
    }
    while ((entry = readdir(d)) != NULL) {
        struct stat st;
        int below;

        if (entry->d_name[0] == '.' ||
            fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (depth < NAME_DEPTH)
            names[depth] = entry->d_name;
        if (S_ISREG(st.st_mode)) {
            uint64_t bytes = (uint64_t)st.st_blocks * 512 / (uint64_t)st.st_nlink;
            uint64_t *part = part_of(b, names, depth + 1);

            b->all += bytes;
            if (part != NULL)
                *part += bytes;
        } else if (S_ISDIR(st.st_mode) && depth + 1 < DEPTH_MAX) {
            below = openat(dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (below >= 0)
                add_directory(below, names, depth + 1, b);
        }
    }
    closedir(d);
}

bool data_bytes_used(const char *data_directory, struct data_bytes *b, struct error *e)
{
    const char *names[NAME_DEPTH] = {"", "", ""};
    int fd = open(data_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *b = (struct data_bytes){0};
    if (fd < 0)
        return error_set(e, ERROR_WORLD, "cannot open %s: %s", data_directory, strerror(errno));
    add_directory(fd, names, 0, b);
    return true;
}
