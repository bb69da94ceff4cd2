#include "shell/run/state.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/panic.h"

/* Reserved, not committed: pages cost memory when first written. */
static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

enum { REGION_REACH_GIB = 64 };

/* Windows take 3/4 of `memory` (settings/plan.c), ids and waiting labels the rest. Twice that is
 * reserved, so that what one of them leaves in pieces never makes another one fail. */
static size_t region_bytes(const struct plan *p)
{
    size_t bytes = (plan_velocity_options(p)->memory_bytes / 3 * 8 + 0xffff) & ~(size_t)0xffff;
    size_t reach = (size_t)REGION_REACH_GIB << 30;

    return bytes < reach ? bytes : reach;
}

bool state_open(struct state *s, struct plan *p, const struct state_options *o, struct error *e)
{
    size_t bytes = region_bytes(p);
    void *memory = reserve(bytes);

    if (memory == NULL)
        return error_set(
            e, ERROR_FULL,
            "cannot reserve %zu MiB of memory for the state (%s): lower `memory` in the "
            "settings",
            bytes >> 20, strerror(errno));
    madvise(memory, bytes, MADV_HUGEPAGE);
    *s = (struct state){.memory = memory, .capacity = bytes};
    region_init(&s->region, memory, bytes, engine_layout(p));
    s->engine = engine_open(p, &s->region, &o->engine);
    return true;
}

void state_wipe(struct state *s)
{
    /* a new mapping: the old one may be of a file */
    void *p = mmap(s->memory, s->capacity, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

    ASSERT(p == s->memory);
    madvise(s->memory, s->capacity, MADV_HUGEPAGE);
}

bool state_map(struct state *s, int fd, size_t offset, size_t bytes)
{
    return bytes <= s->capacity && mmap(s->memory, bytes, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_FIXED, fd, (off_t)offset) != MAP_FAILED;
}

void state_settle(void *memory, size_t at, size_t end)
{
#ifdef MADV_POPULATE_WRITE
    size_t bytes = end - at < STATE_SETTLE_BYTES ? end - at : STATE_SETTLE_BYTES;

    (void)madvise((char *)memory + at, bytes, MADV_POPULATE_WRITE);
#endif
}

void state_close(struct state *s)
{
    engine_close(s->engine);
    if (s->memory != NULL)
        munmap(s->memory, s->capacity);
    *s = (struct state){0};
}
