#include "core/base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/panic.h"

enum { ARENA_BLOCK_BYTES = 16 << 10, ARENA_ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t capacity;
    _Alignas(ARENA_ALIGN) unsigned char bytes[];
};

void *mem_alloc(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);

    ASSERT(p != NULL);
    return p;
}

void *mem_array(size_t count, size_t item_bytes)
{
    void *p = calloc(count ? count : 1, item_bytes ? item_bytes : 1);

    ASSERT(p != NULL);
    return p;
}

void *mem_resize(void *p, size_t count, size_t item_bytes)
{
    size_t bytes;

    ASSERT(!__builtin_mul_overflow(count, item_bytes, &bytes));
    p = realloc(p, bytes ? bytes : 1);
    ASSERT(p != NULL);
    return p;
}

void *mem_aligned(size_t alignment, size_t bytes)
{
    size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void *p;

    ASSERT(rounded >= bytes);
    p = aligned_alloc(alignment, rounded ? rounded : alignment);
    ASSERT(p != NULL);
    memset(p, 0, rounded);
    return p;
}

void mem_free(void *p)
{
    free(p);
}

char *mem_text(const char *bytes, size_t length)
{
    char *copy = mem_alloc(length + 1);

    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

void arena_init(struct arena *a, size_t limit_bytes)
{
    *a = (struct arena){.limit_bytes = limit_bytes};
}

void arena_fini(struct arena *a)
{
    while (a->block != NULL) {
        struct arena_block *next = a->block->next;

        mem_free(a->block);
        a->block = next;
    }
    *a = (struct arena){.limit_bytes = a->limit_bytes};
}

/* Blocks grow, so the newest is (nearly always) the largest: it is the one worth keeping. */
void arena_clear(struct arena *a)
{
    struct arena_block *keep = a->block;

    if (keep == NULL)
        return;
    a->block = keep->next;
    arena_fini(a);
    keep->next = NULL;
    a->block = keep;
    a->used_bytes = 0;
    a->total_bytes = keep->capacity;
}

static bool arena_grow(struct arena *a, size_t bytes)
{
    size_t capacity = a->block != NULL ? a->block->capacity * 2 : ARENA_BLOCK_BYTES;
    struct arena_block *block;

    if (capacity < bytes)
        capacity = bytes;
    if (capacity > a->limit_bytes - a->total_bytes)
        capacity = a->limit_bytes - a->total_bytes;
    if (capacity < bytes)
        return false;
    block = mem_resize(NULL, 1, sizeof *block + capacity);
    block->next = a->block;
    block->capacity = capacity;
    a->block = block;
    a->used_bytes = 0;
    a->total_bytes += capacity;
    return true;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    size_t rounded = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    void *p;

    if (rounded < bytes)
        return NULL;
    if (a->block == NULL || rounded > a->block->capacity - a->used_bytes) {
        if (!arena_grow(a, rounded))
            return NULL;
    }
    p = a->block->bytes + a->used_bytes;
    a->used_bytes += rounded;
    memset(p, 0, rounded);
    return p;
}

char *arena_text(struct arena *a, const char *bytes, size_t length)
{
    char *copy = arena_alloc(a, length + 1);

    if (copy != NULL && length > 0)
        memcpy(copy, bytes, length);
    return copy;
}
