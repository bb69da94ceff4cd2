#include "shell/os/clock.h"

#include <errno.h>
#include <time.h>

#include "core/base/panic.h"

enum { US_PER_SECOND = 1000000, NS_PER_US = 1000 };

static int64_t now_us(clockid_t id)
{
    struct timespec t;

    ASSERT(clock_gettime(id, &t) == 0);
    return (int64_t)t.tv_sec * US_PER_SECOND + t.tv_nsec / NS_PER_US;
}

int64_t clock_now_us(void)
{
    return now_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_ns(void)
{
    struct timespec t;

    ASSERT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void clock_sleep_us(int64_t us)
{
    struct timespec left;

    if (us <= 0)
        return;
    left.tv_sec = (time_t)(us / US_PER_SECOND);
    left.tv_nsec = (long)(us % US_PER_SECOND) * NS_PER_US;
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
}
