/* Size classes: 16, 32, 48, 64, 128, 192, 256, then four steps to each doubling. From 64 bytes on
 * all sizes are multiples of 64, and so are all addresses.
 *
 * An allocation takes the head of its class's free list, else fresh bytes at the end, else (the
 * region being used up) the front of a larger free block whose rest goes back to the lists. Free
 * blocks are not joined again: the caller frees and allocates the same few sizes all the time, and
 * evicts when an allocation fails. A free block's first word is the next one's reference. */
#include "core/velocity/region.h"

#include <string.h>

#include "core/base/panic.h"

enum { LINE = 64, SMALL_CLASSES = 3, LINEAR_CLASSES = 7 };

static const uint64_t region_magic = 0x316e6f6967655241u; /* "ARegion1" */

static uint32_t class_of(size_t bytes)
{
    uint64_t lines = (bytes + LINE - 1) / LINE;
    uint32_t k;

    if (bytes <= SMALL_CLASSES * REGION_UNIT)
        return bytes == 0 ? 0 : (uint32_t)((bytes - 1) / REGION_UNIT);
    if (lines <= LINEAR_CLASSES - SMALL_CLASSES)
        return SMALL_CLASSES + (uint32_t)lines - 1;
    k = 63 - (uint32_t)__builtin_clzll(lines - 1);
    return LINEAR_CLASSES + (k - 2) * 4 + (uint32_t)(((lines - 1) >> (k - 2)) & 3);
}

static size_t class_bytes(uint32_t class)
{
    uint32_t k, quarters;

    if (class < SMALL_CLASSES)
        return (size_t)(class + 1) * REGION_UNIT;
    if (class < LINEAR_CLASSES)
        return (size_t)(class - SMALL_CLASSES + 1) * LINE;
    k = (class - LINEAR_CLASSES) / 4;
    quarters = 5 + (class - LINEAR_CLASSES) % 4;
    return ((size_t)quarters << k) * LINE;
}

size_t region_class_bytes(size_t bytes)
{
    return class_bytes(class_of(bytes));
}

struct region_header *region_header(const struct region *r)
{
    return (struct region_header *)r->base;
}

void region_set_root(struct region *r, unsigned root, uint64_t value)
{
    region_touch(r, r->base, sizeof(struct region_header));
    region_header(r)->root[root] = value;
}

static size_t header_bytes(void)
{
    return (sizeof(struct region_header) + LINE - 1) / LINE * LINE;
}

void region_init(struct region *r, void *memory, size_t capacity, uint64_t layout)
{
    struct region_header *h = memory;

    ASSERT(capacity >= header_bytes() && (uintptr_t)memory % LINE == 0);
    *h = (struct region_header){.magic = region_magic, .layout = layout, .capacity = capacity};
    h->used = h->live = header_bytes();
    *r = (struct region){.base = memory};
}

static bool header_is_sound(const struct region_header *h)
{
    if (h->used < header_bytes() || h->live < header_bytes() || h->live > h->used)
        return false;
    for (int i = 0; i < REGION_CLASSES; i++) {
        if ((uint64_t)h->free_list[i] * REGION_UNIT >= h->used)
            return false;
    }
    return h->used % REGION_UNIT == 0;
}

bool region_open(struct region *r, void *memory, size_t capacity, size_t used, uint64_t layout,
                 struct error *e)
{
    struct region_header *h = memory;

    ASSERT((uintptr_t)memory % LINE == 0);
    if (used < header_bytes() || h->magic != region_magic || h->used != used || !header_is_sound(h))
        return error_set(e, ERROR_INVALID,
                         "snapshot of %zu bytes: this is not a whole state; restore an older one",
                         used);
    if (h->layout != layout)
        return error_set(e, ERROR_INVALID,
                         "snapshot holds state of layout %016llx, the features need %016llx; "
                         "rebuild the state from the log",
                         (unsigned long long)h->layout, (unsigned long long)layout);
    if (capacity < used)
        return error_set(e, ERROR_FULL,
                         "snapshot needs %zu bytes of memory, the limit is %zu; raise `memory`",
                         used, capacity);
    h->capacity = capacity;
    *r = (struct region){.base = memory};
    return true;
}

static void push(struct region *r, uint64_t at, uint32_t class)
{
    struct region_header *h = region_header(r);

    region_touch(r, r->base + at, sizeof(region_ref));
    *(region_ref *)(r->base + at) = h->free_list[class];
    h->free_list[class] = (region_ref)(at / REGION_UNIT);
}

static uint64_t pop(struct region *r, uint32_t class)
{
    struct region_header *h = region_header(r);
    uint64_t at = (uint64_t)h->free_list[class] * REGION_UNIT;

    h->free_list[class] = *(region_ref *)(r->base + at);
    return at;
}

/* Bytes at `at` that belong to nobody, cut into as large blocks as alignment and classes allow. */
static void give_back(struct region *r, uint64_t at, uint64_t bytes)
{
    while (bytes >= REGION_UNIT) {
        uint64_t to_line = -at & (LINE - 1);
        uint64_t piece = to_line > 0 && to_line < bytes ? to_line : bytes;
        uint32_t class = class_of(piece);

        if (class_bytes(class) > piece)
            class --;
        push(r, at, class);
        at += class_bytes(class);
        bytes -= class_bytes(class);
    }
}

/* Fresh bytes; the gap before an aligned block becomes a small free one. */
static uint64_t extend(struct region *r, size_t bytes)
{
    struct region_header *h = region_header(r);
    uint64_t gap = bytes >= LINE ? -h->used & (LINE - 1) : 0;
    uint64_t at = h->used + gap;

    if (at > h->capacity || bytes > h->capacity - at || (at + bytes) / REGION_UNIT > UINT32_MAX)
        return 0;
    if (gap > 0)
        give_back(r, h->used, gap);
    h->used = at + bytes;
    return at;
}

static uint64_t split_larger(struct region *r, uint32_t class)
{
    struct region_header *h = region_header(r);

    for (uint32_t larger = class + 1; larger < REGION_CLASSES; larger++) {
        uint64_t at, bytes = class_bytes(class);

        if (h->free_list[larger] == 0)
            continue;
        at = pop(r, larger);
        give_back(r, at + bytes, class_bytes(larger) - bytes);
        return at;
    }
    return 0;
}

region_ref region_alloc(struct region *r, size_t bytes)
{
    struct region_header *h = region_header(r);
    uint32_t class = class_of(bytes);
    uint64_t at;

    if (bytes > h->capacity)
        return 0;
    region_touch(r, h, sizeof *h);
    bytes = class_bytes(class);
    if (h->free_list[class] != 0) {
        at = pop(r, class);
        region_touch(r, r->base + at, bytes);
        memset(r->base + at, 0, bytes);
    } else {
        at = extend(r, bytes);
        if (at == 0) {
            at = split_larger(r, class);
            if (at == 0)
                return 0;
            region_touch(r, r->base + at, bytes);
            memset(r->base + at, 0, bytes);
        }
    }
    h->live += bytes;
    return (region_ref)(at / REGION_UNIT);
}

void region_free(struct region *r, region_ref ref, size_t bytes)
{
    uint32_t class = class_of(bytes);

    ASSERT(ref != 0);
    region_touch(r, r->base, sizeof(struct region_header));
    region_header(r)->live -= class_bytes(class);
    push(r, (uint64_t)ref * REGION_UNIT, class);
}
