/* Heap memory and event arenas.
 *
 * mem_* never return NULL: running out of memory is a panic. What the outside can make large has
 * a named limit before it reaches an allocation, so a panic here is our mistake or a machine
 * without memory; state that grows with traffic lives in a region of fixed size instead
 * (velocity/region.h).
 *
 * An arena hands out pieces that are all released together. It has a hard limit: past it
 * arena_alloc returns NULL and the arena stays usable. One thread at a time.
 */
#ifndef ASSAY_BASE_MEMORY_H
#define ASSAY_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

void *mem_alloc(size_t bytes) MUST_USE;                    /* zeroed */
void *mem_array(size_t count, size_t item_bytes) MUST_USE; /* zeroed; overflow is a panic */
void *mem_resize(void *p, size_t count, size_t item_bytes) MUST_USE; /* tail not zeroed */
void *mem_aligned(size_t alignment, size_t bytes) MUST_USE; /* zeroed; released by mem_free */
void mem_free(void *p);                                     /* takes NULL */
char *mem_text(const char *bytes, size_t length) MUST_USE;  /* copy, zero-terminated */

struct arena_block;

struct arena {
    struct arena_block *block; /* newest first */
    size_t used_bytes;         /* of the newest block */
    size_t total_bytes;        /* of all blocks */
    size_t limit_bytes;
};

void arena_init(struct arena *a, size_t limit_bytes);
void arena_fini(struct arena *a);
void arena_clear(struct arena *a); /* keeps the largest block for reuse */
void *arena_alloc(struct arena *a,
                  size_t bytes) MUST_USE; /* zeroed, 16-byte aligned, may be NULL */
char *arena_text(struct arena *a, const char *bytes, size_t length) MUST_USE; /* copy or NULL */

#endif
