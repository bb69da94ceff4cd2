#include "shell/os/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long long all, resident = 0;

    if (f == NULL)
        return 0;
    if (fscanf(f, "%llu %llu", &all, &resident) != 2)
        resident = 0;
    fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (d == NULL)
        return 0;
    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the directory itself */
}

void process_usage(struct process_usage *u)
{
    struct rusage r;
    struct rlimit files;

    *u = (struct process_usage){.resident_bytes = resident_bytes(), .files = open_files()};
    if (getrusage(RUSAGE_SELF, &r) == 0)
        u->cpu_s = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
                   (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        u->files_max = files.rlim_cur;
}
