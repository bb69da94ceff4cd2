#include "shell/os/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { CGROUP_PATH_MAX = 4096 };

#define CGROUP_ROOT "/sys/fs/cgroup"

/* Path of our cgroup below CGROUP_ROOT, from the line "0::/path". */
static bool cgroup_path(char *path, size_t size)
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    bool is_found = false;
    char line[CGROUP_PATH_MAX];

    if (f == NULL)
        return false;
    while (!is_found && fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        is_found = strncmp(line, "0::/", 4) == 0;
    }
    fclose(f);
    if (is_found)
        snprintf(path, size, "%s%s", CGROUP_ROOT, line + 3);
    return is_found;
}

void cgroup_each(void (*see)(void *context, const char *directory), void *context)
{
    char path[CGROUP_PATH_MAX + 64];

    if (!cgroup_path(path, sizeof path))
        return;
    while (strlen(path) >= strlen(CGROUP_ROOT)) {
        see(context, path);
        *strrchr(path, '/') = '\0';
    }
}
