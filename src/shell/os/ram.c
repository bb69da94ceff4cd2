#include "shell/os/ram.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "shell/os/cgroup.h"

enum { NAME_MAX_BYTES = 4352 };

static void apply_limit(void *context, const char *directory)
{
    char name[NAME_MAX_BYTES];
    unsigned long long limit;
    uint64_t *bytes = context;
    FILE *f;

    snprintf(name, sizeof name, "%s/memory.max", directory);
    f = fopen(name, "re");
    if (f == NULL)
        return;
    if (fscanf(f, "%llu", &limit) == 1 && limit < *bytes) /* "max": no limit */
        *bytes = limit;
    fclose(f);
}

uint64_t ram_bytes(void)
{
    uint64_t bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

    cgroup_each(apply_limit, &bytes);
    return bytes;
}

void ram_give_back(void)
{
    malloc_trim(0);
}
