#include "shell/run/state.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Reserved, not committed: pages cost memory when first written. */
static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

bool state_open(struct state *s, struct plan *p, const struct state_options *o, struct error *e)
{
    void *memory = reserve(o->memory_bytes);

    if (memory == NULL)
        return error_set(e, ERROR_FULL,
                         "cannot reserve %zu MiB of memory for the state (%s): lower `memory` in the "
                         "settings",
                         o->memory_bytes >> 20, strerror(errno));
    madvise(memory, o->memory_bytes, MADV_HUGEPAGE);
    *s = (struct state){.memory = memory, .capacity = o->memory_bytes};
    region_init(&s->region, memory, o->memory_bytes, engine_layout(p));
    s->engine = engine_open(p, &s->region, &o->engine);
    return true;
}

void state_wipe(struct state *s)
{
    madvise(s->memory, s->capacity, MADV_DONTNEED);
}

void state_close(struct state *s)
{
    engine_close(s->engine);
    if (s->memory != NULL)
        munmap(s->memory, s->capacity);
    *s = (struct state){0};
}
