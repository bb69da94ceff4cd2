/* How many processors this process may really use. A container often sees all processors of the
 * machine but has a quota of a few: with a thread for each it would be stopped in mid-work again
 * and again. So: the affinity mask, then the smallest cpu.max from our cgroup (v2) up to the root.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shell/os/thread.h"

enum { CGROUP_PATH_MAX = 4096 };

#define CGROUP_ROOT "/sys/fs/cgroup"

static unsigned count_affinity(void)
{
    for (int processors = 1024; processors <= 1 << 20; processors *= 4) {
        cpu_set_t *set = CPU_ALLOC(processors);
        size_t bytes = CPU_ALLOC_SIZE(processors);
        int count = 0;

        if (set == NULL)
            return 1;
        if (sched_getaffinity(0, bytes, set) == 0)
            count = CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (count > 0)
            return (unsigned)count;
    }
    return 1;
}

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

/* Processors by the quota of one group, rounded up; `most` where there is none. */
static unsigned quota_of(const char *directory, unsigned most)
{
    char name[CGROUP_PATH_MAX + 128];
    unsigned long long quota, period;
    FILE *f;

    snprintf(name, sizeof name, "%s/cpu.max", directory);
    f = fopen(name, "re");
    if (f == NULL)
        return most;
    if (fscanf(f, "%llu %llu", &quota, &period) == 2 && period > 0 && quota / period < most)
        most = (unsigned)((quota + period - 1) / period);
    fclose(f);
    return most > 0 ? most : 1;
}

unsigned cpu_count(void)
{
    unsigned count = count_affinity();
    char path[CGROUP_PATH_MAX + 64];

    if (!cgroup_path(path, sizeof path))
        return count;
    while (strlen(path) >= strlen(CGROUP_ROOT)) {
        count = quota_of(path, count);
        *strrchr(path, '/') = '\0';
    }
    return count;
}

/* Linux keeps niceness by thread. Where it is refused the thread is as the others. */
void thread_background(void)
{
    enum { NICENESS = 10 }; /* about a tenth of a processor that is wanted by another */

    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
}
