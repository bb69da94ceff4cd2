/* One block of memory for everything that grows with traffic, addressed by offsets.
 *
 * The engine's state (entities, their events, windows, waiting labels, ids) lives here, so a
 * snapshot is these bytes, a restore is these bytes mapped again, and its size has one limit that
 * is known before. The memory is the caller's: `capacity` bytes, reserved and zeroed (an anonymous
 * mapping costs nothing until used).
 *
 * Offsets are in units of REGION_UNIT bytes from the base; 0 is "none". Allocation is by size
 * classes with free lists inside the region, so the same calls in the same order give the same
 * bytes. One thread.
 *
 * Who writes into the region says so first: region_touch(r, what, bytes) before bytes change that
 * were allocated earlier. That is how a snapshot keeps the bytes of its moment while the engine
 * goes on (shell/run/freeze.h). Nobody watching, it is one test of a pointer.
 *   - region_alloc, region_free and region_set_root have said it: fresh memory is written freely
 *     until the caller's own caller returns (a snapshot begins between two batches, never inside).
 *   - Once said holds until the batch ends. Saying too much costs a copy, too little a wrong
 *     snapshot: tests/unit/velocity.c and freeze.c hold every changed byte to what was said.
 */
#ifndef ASSAY_VELOCITY_REGION_H
#define ASSAY_VELOCITY_REGION_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

enum {
    REGION_UNIT = 16,
    REGION_LINE = 64,
    REGION_CLASSES = 128,
    REGION_ROOTS = 16,
    REGION_EXTENTS = 4096, /* of 16 MiB each: what tells free neighbours */
    REGION_EXTENT_LINES = 1 << 18,
};

typedef uint32_t region_ref; /* offset / REGION_UNIT; 64 GiB reachable */

/* At the start of the bytes. */
struct region_header {
    uint64_t magic;
    uint64_t layout; /* what the caller keeps here; checked at restore */
    uint64_t capacity;
    uint64_t used;    /* bytes ever handed out: the part that a snapshot holds */
    uint64_t live;    /* bytes in use now */
    uint64_t extents; /* that have their tags */
    uint64_t filled[REGION_CLASSES / 64]; /* a bit for each list that is not empty */
    region_ref free_list[REGION_CLASSES];
    uint64_t root[REGION_ROOTS]; /* the caller's own anchors */
};

/* Told before bytes change: [at, at + bytes) from the base. */
struct region_watch {
    void (*before_change)(struct region_watch *w, size_t at, size_t bytes);
};

struct region {
    uint8_t *base;
    struct region_watch *watch; /* NULL: nobody */
};

/* What the region itself takes, at least: its header and the tags of the first extent. */
size_t region_own_bytes(void);
/* `capacity` is more than that. */
void region_init(struct region *r, void *memory, size_t capacity, uint64_t layout);
/* Take over bytes that a snapshot brought back; capacity may have changed. */
bool region_open(struct region *r, void *memory, size_t capacity, size_t used, uint64_t layout,
                 struct error *e) MUST_USE;
/* Read only: roots are set by region_set_root. */
struct region_header *region_header(const struct region *r);
void region_set_root(struct region *r, unsigned root, uint64_t value);

/* Zeroed, 64-byte aligned from 64 bytes on; 0 where the region is full. `bytes` is rounded up to
 * its class. */
region_ref region_alloc(struct region *r, size_t bytes) MUST_USE;
void region_free(struct region *r, region_ref ref, size_t bytes);
/* Allocations that take no more than this in all find their room, in whatever order. */
size_t region_room(const struct region *r);
/* What an allocation of this size takes: its class's size. */
size_t region_class_bytes(size_t bytes);

static inline void *region_at(const struct region *r, region_ref ref)
{
    return r->base + (size_t)ref * REGION_UNIT;
}

static inline bool region_is_watched(const struct region *r)
{
    return __builtin_expect(r->watch != NULL, 0);
}

/* These bytes of the region are about to change. */
static inline void region_touch(const struct region *r, const void *what, size_t bytes)
{
    if (region_is_watched(r))
        r->watch->before_change(r->watch, (size_t)((const uint8_t *)what - r->base), bytes);
}

/* What region_free of these bytes would wait for is asked for: the tags and the ends of the blocks
 * on both sides. */
static inline __attribute__((always_inline)) void region_ask_free(const struct region *r,
                                                                  const void *what, size_t bytes)
{
    const uint8_t *at = what;
    uint64_t line = (uint64_t)(at - r->base) / REGION_LINE;
    const region_ref *tags = (const region_ref *)(r->base + sizeof(struct region_header));
    const uint8_t *tag = region_at(r, tags[line / REGION_EXTENT_LINES]);

    __builtin_prefetch(tag + line % REGION_EXTENT_LINES / 8, 1);
    __builtin_prefetch(at - REGION_LINE, 1);
    __builtin_prefetch(at + bytes, 1);
}

#endif
