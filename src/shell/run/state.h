/* The state of one shard in memory: a reserved region and the engine that works in it. */
#ifndef ASSAY_RUN_STATE_H
#define ASSAY_RUN_STATE_H

#include "core/decide/engine.h"

struct state {
    struct region region;
    void *memory;
    size_t capacity; /* address space; what is used of it is bounded by the plan */
    struct engine *engine;
};

struct state_options {
    struct engine_options engine;
};

/* Fresh, empty state of the plan, as large as that plan says: replay of an old plan has the room
 * that it had, whatever the settings are now. */
bool state_open(struct state *s, struct plan *p, const struct state_options *o,
                struct error *e) MUST_USE;
/* All zeros again; the engine must be closed. */
void state_wipe(struct state *s);
/* The first `bytes` of the memory become those of the file from `offset` on, both whole pages: read
 * when used, copied when changed. False: the system refused; the state is as it was. */
bool state_map(struct state *s, int fd, size_t offset, size_t bytes) MUST_USE;
/* Make the pages of one stretch from `at` on, before `end`, the process's own ahead of their first
 * change, which then costs no page fault. Any thread, also beside the engine. */
enum { STATE_SETTLE_BYTES = 2 << 20 };
void state_settle(void *memory, size_t at, size_t end);
void state_close(struct state *s); /* also of a zeroed struct */

#endif
