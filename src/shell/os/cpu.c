/* How many processors this process may really use. A container often sees all processors of the
 * machine but has a quota of a few: with a thread for each it would be stopped in mid-work again
 * and again. So: the affinity mask, then the smallest cpu.max from our cgroup (v2) up to the root.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shell/os/cgroup.h"
#include "shell/os/thread.h"

enum { NAME_MAX_BYTES = 4352 };

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

/* Lowers the count to the quota of one group, rounded up. */
static void apply_quota(void *context, const char *directory)
{
    char name[NAME_MAX_BYTES];
    unsigned long long quota, period;
    unsigned *count = context;
    FILE *f;

    snprintf(name, sizeof name, "%s/cpu.max", directory);
    f = fopen(name, "re");
    if (f == NULL)
        return;
    if (fscanf(f, "%llu %llu", &quota, &period) == 2 && period > 0 && quota / period < *count)
        *count = (unsigned)((quota + period - 1) / period);
    fclose(f);
    if (*count == 0)
        *count = 1;
}

unsigned cpu_count(void)
{
    unsigned count = count_affinity();

    cgroup_each(apply_quota, &count);
    return count;
}

/* Of Linux's interface, which glibc has no header for: what is asked for and set by the thread. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

/* Since 6.12 Linux lets a thread name the piece of time that it wants at once. Before 6.12 this is
 * ignored, and so is a refusal. */
static void want_small_pieces(void)
{
    enum { PIECE_NS = 100000 }; /* the smallest there is */
    struct attributes a = {.size = sizeof a};

    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0 || a.policy != SCHED_OTHER)
        return;
    a.flags = 0;
    a.runtime_ns = PIECE_NS;
    a.deadline_ns = a.period_ns = 0;
    (void)syscall(SYS_sched_setattr, 0, &a, 0);
}

/* Who wants a smaller piece than who has the processor mostly gets it when it is woken. */
void thread_prompt(void)
{
    want_small_pieces();
}

static _Thread_local bool is_background;

/* Linux keeps niceness by thread. Where it is refused the thread is as the others. Who gives way
 * gives up the rest of its piece, so this is small here too. */
void thread_background(void)
{
    enum { NICENESS = 10 }; /* more than the others': about a tenth of a processor they want */

    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + NICENESS);
    want_small_pieces();
    is_background = true;
}

/* Niceness shares out a processor over many milliseconds, not within one: Linux lets who has it go
 * on until the next tick (of 4 ms) wherever its account says that the other one, which is woken
 * much more often, has just had a few microseconds too much. */
void thread_give_way(void)
{
    if (is_background)
        (void)sched_yield();
}

void thread_name(const char *name)
{
    (void)pthread_setname_np(pthread_self(), name);
}
