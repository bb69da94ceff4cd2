/* Size classes: 16, 32, 48, 64, 128, 192, 256, then four steps to each doubling. From 64 bytes on
 * all sizes are multiples of a line of 64 bytes, and so are all addresses.
 *
 * A free block of lines is any number of them, and no two are neighbours: what is freed joins the
 * free blocks on both sides of it at once. So entities that grew together leave room for larger
 * ones. A block is in the list of the largest class that fits into it; an allocation takes the
 * first block of the first list that is not empty, from its own class up, and what is over goes
 * back; fresh bytes at the end come last. Small blocks are cut from a line, and never joined: they
 * are few.
 *
 * Whoever gets a block owns all its bytes, so what tells free neighbours stands beside: a tag of
 * one bit a line, set for the first and the last line of a free block, in pages of 32 KiB that are
 * taken from the region as it grows, one for each extent of 16 MiB. A free block has its length at
 * both ends. */
#include "core/velocity/region.h"

#include <string.h>

#include "core/base/panic.h"

enum {
    LINE = REGION_LINE,
    UNITS = LINE / REGION_UNIT, /* of a line */
    SMALL_CLASSES = 3,
    LINEAR_CLASSES = 7,
    EXTENT_LINES = REGION_EXTENT_LINES,
    TAG_BYTES = EXTENT_LINES / 8,
};

static const uint64_t region_magic = 0x326e6f6967655241u; /* "ARegion2" */

/* The beginning of a free block; of a small one only `next`. References are 0 for none. */
struct free_block {
    region_ref next, before;
    uint32_t lines; /* and once more in the last 4 bytes of the block */
};

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

/* The header, and the extents' tags: REGION_EXTENTS references. */
static size_t header_bytes(void)
{
    return (sizeof(struct region_header) + REGION_EXTENTS * sizeof(region_ref) + LINE - 1) / LINE *
           LINE;
}

static region_ref *extent_tags(const struct region *r)
{
    return (region_ref *)(r->base + sizeof(struct region_header));
}

/* Tags for one more extent, at the end. */
static bool add_extent(struct region *r)
{
    struct region_header *h = region_header(r);
    region_ref *tags = &extent_tags(r)[h->extents];

    if (h->extents == REGION_EXTENTS || h->capacity - h->used < TAG_BYTES)
        return false;
    region_touch(r, tags, sizeof *tags);
    *tags = (region_ref)(h->used / REGION_UNIT);
    h->used += TAG_BYTES;
    h->live += TAG_BYTES;
    h->extents++;
    return true;
}

size_t region_own_bytes(void)
{
    return header_bytes() + TAG_BYTES;
}

void region_init(struct region *r, void *memory, size_t capacity, uint64_t layout)
{
    struct region_header *h = memory;

    ASSERT(capacity >= region_own_bytes() && (uintptr_t)memory % LINE == 0);
    *h = (struct region_header){.magic = region_magic, .layout = layout, .capacity = capacity};
    h->used = h->live = header_bytes();
    *r = (struct region){.base = memory};
    add_extent(r);
}

static bool header_is_sound(const struct region *r)
{
    const struct region_header *h = region_header(r);

    if (h->used < header_bytes() || h->live < header_bytes() || h->live > h->used ||
        h->used % LINE != 0 || h->extents > REGION_EXTENTS)
        return false;
    for (int i = 0; i < REGION_CLASSES; i++) {
        if ((uint64_t)h->free_list[i] * REGION_UNIT >= h->used)
            return false;
    }
    for (uint64_t i = 0; i < h->extents; i++) {
        if ((uint64_t)extent_tags(r)[i] * REGION_UNIT + TAG_BYTES > h->used)
            return false;
    }
    return true;
}

bool region_open(struct region *r, void *memory, size_t capacity, size_t used, uint64_t layout,
                 struct error *e)
{
    struct region_header *h = memory;

    ASSERT((uintptr_t)memory % LINE == 0);
    *r = (struct region){.base = memory};
    if (used < header_bytes() || h->magic != region_magic || h->used != used || !header_is_sound(r))
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
    return true;
}

/* ---- tags ---- */

static uint8_t *tag_byte(const struct region *r, uint64_t line)
{
    return (uint8_t *)region_at(r, extent_tags(r)[line / EXTENT_LINES]) + line % EXTENT_LINES / 8;
}

static bool is_tagged(const struct region *r, uint64_t line)
{
    return (*tag_byte(r, line) >> line % 8 & 1) != 0;
}

static void flip_tag(struct region *r, uint64_t line)
{
    uint8_t *byte = tag_byte(r, line);

    region_touch(r, byte, 1);
    *byte ^= (uint8_t)(1u << line % 8);
}

static void flip_tags(struct region *r, uint64_t line, uint64_t lines)
{
    flip_tag(r, line);
    if (lines > 1)
        flip_tag(r, line + lines - 1);
}

/* ---- lists of free blocks ---- */

static struct free_block *block_at(const struct region *r, uint64_t line)
{
    return (struct free_block *)(r->base + line * LINE);
}

static uint32_t *length_at_end(const struct region *r, uint64_t last_line)
{
    return (uint32_t *)(r->base + (last_line + 1) * LINE - sizeof(uint32_t));
}

/* The largest class that fits. */
static uint32_t list_of(uint64_t lines)
{
    uint32_t class = class_of(lines * LINE);

    return class_bytes(class) > lines * LINE ? class - 1 : class;
}

static void set_list(struct region_header *h, uint32_t class, region_ref first)
{
    uint64_t bit = (uint64_t)1 << class % 64;

    h->free_list[class] = first;
    h->filled[class / 64] = first != 0 ? h->filled[class / 64] | bit : h->filled[class / 64] & ~bit;
}

/* These lines belong to nobody; their neighbours are in use. */
static void put(struct region *r, uint64_t line, uint64_t lines)
{
    struct region_header *h = region_header(r);
    struct free_block *b = block_at(r, line);
    uint32_t class = list_of(lines), *end = length_at_end(r, line + lines - 1);
    region_ref next = h->free_list[class];

    region_touch(r, b, sizeof *b);
    region_touch(r, end, sizeof *end);
    *b = (struct free_block){.next = next, .lines = (uint32_t)lines};
    *end = (uint32_t)lines;
    if (next != 0) {
        struct free_block *after = region_at(r, next);

        region_touch(r, after, sizeof *after);
        after->before = (region_ref)(line * UNITS);
    }
    set_list(h, class, (region_ref)(line * UNITS));
    flip_tags(r, line, lines);
}

/* Takes this free block out of its list; returns its lines. */
static uint64_t take(struct region *r, uint64_t line)
{
    struct region_header *h = region_header(r);
    struct free_block b = *block_at(r, line);

    if (b.before != 0) {
        struct free_block *before = region_at(r, b.before);

        region_touch(r, before, sizeof *before);
        before->next = b.next;
    } else {
        set_list(h, list_of(b.lines), b.next);
    }
    if (b.next != 0) {
        struct free_block *after = region_at(r, b.next);

        region_touch(r, after, sizeof *after);
        after->before = b.before;
    }
    flip_tags(r, line, b.lines);
    return b.lines;
}

/* The first list from `class` on that is not empty; REGION_CLASSES: none. */
static uint32_t filled_from(const struct region_header *h, uint32_t class)
{
    for (uint32_t word = class / 64; word < REGION_CLASSES / 64; word++) {
        uint64_t filled = h->filled[word];

        if (word == class / 64)
            filled &= ~(uint64_t)0 << class % 64;
        if (filled != 0)
            return word * 64 + (uint32_t)__builtin_ctzll(filled);
    }
    return REGION_CLASSES;
}

/* ---- lines ---- */

/* Fresh lines, zeroed; 0: the region is used up. */
static uint64_t extend(struct region *r, uint64_t bytes)
{
    struct region_header *h = region_header(r);
    uint64_t at;

    /* The line behind the block is looked at when it is freed: it has a tag too. */
    while (h->used + bytes >= h->extents * EXTENT_LINES * LINE) {
        if (bytes > h->capacity - h->used || !add_extent(r))
            return 0;
    }
    if (bytes > h->capacity - h->used)
        return 0;
    at = h->used;
    h->used += bytes;
    return at / LINE;
}

/* Lines of a class, zeroed; 0: there is no room. */
static uint64_t alloc_lines(struct region *r, uint32_t class)
{
    struct region_header *h = region_header(r);
    uint64_t wanted = class_bytes(class) / LINE, line, lines;
    uint32_t list = filled_from(h, class);

    if (list == REGION_CLASSES)
        return extend(r, wanted * LINE);
    line = h->free_list[list] / UNITS;
    lines = take(r, line);
    if (lines > wanted)
        put(r, line + wanted, lines - wanted);
    region_touch(r, block_at(r, line), wanted * LINE);
    memset(block_at(r, line), 0, wanted * LINE);
    return line;
}

static void free_lines(struct region *r, uint64_t line, uint64_t lines)
{
    struct region_header *h = region_header(r);

    if ((line + lines) * LINE < h->used && is_tagged(r, line + lines))
        lines += take(r, line + lines);
    if (is_tagged(r, line - 1)) {
        uint64_t before = *length_at_end(r, line - 1);

        line -= before;
        lines += take(r, line);
    }
    put(r, line, lines);
}

/* ---- small blocks ---- */

static void put_small(struct region *r, region_ref ref, uint32_t class)
{
    region_ref *at = region_at(r, ref);

    region_touch(r, at, sizeof *at);
    *at = region_header(r)->free_list[class];
    set_list(region_header(r), class, ref);
}

/* What is over of a larger small block, or of a line, is a small block. */
static region_ref alloc_small(struct region *r, uint32_t class)
{
    struct region_header *h = region_header(r);
    uint32_t list = filled_from(h, class), units;
    region_ref ref;

    if (list < SMALL_CLASSES) {
        ref = h->free_list[list];
        units = list + 1;
        set_list(h, list, *(region_ref *)region_at(r, ref));
    } else {
        ref = (region_ref)(alloc_lines(r, SMALL_CLASSES) * UNITS);
        units = UNITS;
    }
    if (ref == 0)
        return 0;
    if (units > class + 1)
        put_small(r, ref + class + 1, units - class - 2);
    region_touch(r, region_at(r, ref), class_bytes(class));
    memset(region_at(r, ref), 0, class_bytes(class));
    return ref;
}

region_ref region_alloc(struct region *r, size_t bytes)
{
    struct region_header *h = region_header(r);
    uint32_t class = class_of(bytes);
    region_ref ref;

    if (bytes > h->capacity)
        return 0;
    region_touch(r, h, sizeof *h);
    ref =
        class < SMALL_CLASSES ? alloc_small(r, class) : (region_ref)(alloc_lines(r, class) * UNITS);
    if (ref != 0)
        h->live += class_bytes(class);
    return ref;
}

void region_free(struct region *r, region_ref ref, size_t bytes)
{
    uint32_t class = class_of(bytes);

    ASSERT(ref != 0);
    region_touch(r, r->base, sizeof(struct region_header));
    region_header(r)->live -= class_bytes(class);
    if (class < SMALL_CLASSES)
        put_small(r, ref, class);
    else
        free_lines(r, ref / UNITS, class_bytes(class) / LINE);
}

size_t region_room(const struct region *r)
{
    const struct region_header *h = region_header(r);
    size_t end = h->capacity - h->used, widest = 0;

    for (uint32_t word = 0; word < REGION_CLASSES / 64; word++) {
        if (h->filled[word] != 0)
            widest = class_bytes(word * 64 + 63 - (uint32_t)__builtin_clzll(h->filled[word]));
    }
    end -= end / (LINE * 8); /* the tags of its lines */
    end = end > TAG_BYTES ? end - TAG_BYTES : 0;
    return end > widest ? end : widest;
}
