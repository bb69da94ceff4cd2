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
 */
#ifndef ASSAY_VELOCITY_REGION_H
#define ASSAY_VELOCITY_REGION_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

enum { REGION_UNIT = 16, REGION_CLASSES = 128, REGION_ROOTS = 16 };

typedef uint32_t region_ref; /* offset / REGION_UNIT; 64 GiB reachable */

/* At the start of the bytes. */
struct region_header {
    uint64_t magic;
    uint64_t layout; /* what the caller keeps here; checked at restore */
    uint64_t capacity;
    uint64_t used; /* bytes ever handed out: the part that a snapshot holds */
    uint64_t live; /* bytes in use now */
    region_ref free_list[REGION_CLASSES];
    uint64_t root[REGION_ROOTS]; /* the caller's own anchors */
};

struct region {
    uint8_t *base;
};

void region_init(struct region *r, void *memory, size_t capacity, uint64_t layout);
/* Take over bytes that a snapshot brought back; capacity may have changed. */
bool region_open(struct region *r, void *memory, size_t capacity, size_t used, uint64_t layout,
                 struct error *e) MUST_USE;
struct region_header *region_header(const struct region *r);

/* Zeroed, 64-byte aligned from 64 bytes on; 0 where the region is full. `bytes` is rounded up to
 * its class. */
region_ref region_alloc(struct region *r, size_t bytes) MUST_USE;
void region_free(struct region *r, region_ref ref, size_t bytes);
/* What an allocation of this size takes: its class's size. */
size_t region_class_bytes(size_t bytes);

static inline void *region_at(const struct region *r, region_ref ref)
{
    return r->base + (size_t)ref * REGION_UNIT;
}

#endif
