/* An entity: one block of the region that holds its key's token, its windows and its events.
 *
 *   struct entity | cursors | terms | bases | event, event, ... | trees | orders
 *   event: time | [seq] | cells | links | flags
 *
 * Events are packed records in (time, arrival) order, indices [first, end); those before `first`
 * were dropped and the rest moves down when the end is reached. A block is one allocation, so an
 * event costs one chain of two cache misses (table slot, entity). A ring was rejected: without
 * wrapping, binary search, late inserts and links are plain array code, and moving down costs less
 * than the events themselves. So were columns: a cursor that passes an event needs all of it, which
 * is one cache line here and three there.
 *
 * The stored cursors and terms are those of the entity's newest event's time.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_ENTITY_H
#define ASSAY_VELOCITY_ENTITY_H

#include "core/base/fixed.h"
#include "core/velocity/layout.h"

struct entity {
    struct hash128 token;
    int64_t newest_us;
    int64_t forgotten_us; /* up to which events may be lacking (forget.h); INT64_MIN: none */
    uint32_t capacity;
    uint32_t first;
    uint32_t end;
    uint32_t units; /* size of the block in REGION_UNITs */
};

/* What the dropped events left of a range for unbounded aggregates. */
struct range_base {
    int64_t value; /* CELL_TEXT: a copy of its own */
    uint32_t has;
    uint32_t is_null;
};

struct unique_state {
    region_ref index; /* value -> newest occurrence, once there are many events */
    uint32_t index_log;
    region_ref base; /* values of dropped events */
    uint32_t base_log;
    uint32_t base_used;
    uint32_t base_zero; /* whether the value that marks empty slots is in the set */
};

/* The tokens that a group evicted (forget.h). */
struct forgotten {
    region_ref filter[2]; /* 0: nothing was evicted yet */
    uint64_t added[2];
    uint32_t young;   /* the filter that is added to */
    uint32_t is_lost; /* there was no room for filters: all may have been evicted */
    int64_t since_us; /* watermark when the young one began; 0: not known yet */
};

/* State of a group across entities; in the region. */
struct group_state {
    struct velocity_counts counts;
    region_ref directory;
    uint32_t depth;
    uint32_t hand_segment; /* where the sweep goes on: directory index, slot */
    uint32_t hand_slot;
    uint32_t unswept; /* events since the last sweep */
    struct forgotten forgotten;
};

/* The row at work, as one group sees it. */
struct current {
    region_ref entity; /* 0: none yet */
    struct slot *slot;
    uint64_t moves; /* v->moves when the slot was found */
    const struct registers *registers;
    uint32_t row;
    int64_t time_us;
    uint64_t seq;
    bool has_key;     /* a row without one is in no window, its own included */
    int64_t *value;   /* by cell column */
    uint8_t *flags;   /* as an event's */
    uint32_t *newest; /* by unique: index of the newest occurrence + 1 */
    bool *in_base;    /* by unique */
};

/* A slot looked up ahead by its tag; good while v->moves is the same and the token is right. */
struct hint {
    struct slot *slot;
    uint64_t moves;
};

struct velocity {
    const struct velocity_layout *layout;
    struct region *region;
    struct group_state *state; /* by group; in the region */
    uint64_t budget_bytes;
    region_ref pinned; /* never evicted: the entity at work */
    uint64_t moves;    /* changes of tables: slots found before are void */
    struct entity *empty;
    struct entity *scratch;
    struct current *row;     /* by group */
    struct current *current; /* that of the group at work */
    struct hint *hint;       /* by row and group, the nearest rows only */
    struct hint *label_hint;
};

/* Events are packed: their words stand at any address. */
struct packed64 {
    int64_t v;
} __attribute__((packed));

struct packed32 {
    uint32_t v;
} __attribute__((packed));

static inline uint8_t *entity_event(const struct group *g, const struct entity *e, uint32_t i)
{
    return (uint8_t *)e + g->head_bytes + (size_t)g->event_bytes * i;
}

static inline struct packed64 *entity_word(const struct group *g, const struct entity *e,
                                           uint32_t i, uint32_t word)
{
    return (struct packed64 *)entity_event(g, e, i) + word;
}

static inline int64_t entity_time(const struct group *g, const struct entity *e, uint32_t i)
{
    return entity_word(g, e, i, 0)->v;
}

static inline struct packed32 *entity_link(const struct group *g, const struct entity *e,
                                           uint32_t i, uint32_t link)
{
    return (struct packed32 *)(entity_event(g, e, i) + g->links_at) + link;
}

static inline uint8_t *entity_flags(const struct group *g, const struct entity *e, uint32_t i)
{
    return entity_event(g, e, i) + g->flags_at;
}

static inline uint32_t *entity_cursors(const struct entity *state)
{
    return (uint32_t *)(state + 1);
}

static inline bool flag_get(const uint8_t *flags, int bit)
{
    return flags[bit >> 3] >> (bit & 7) & 1;
}

static inline void flag_set(uint8_t *flags, int bit, bool on)
{
    flags[bit >> 3] = (uint8_t)((flags[bit >> 3] & ~(1u << (bit & 7))) | (unsigned)on << (bit & 7));
}

static inline bool passes(const uint8_t *flags, int where_bit)
{
    return where_bit < 0 || flag_get(flags, where_bit);
}

static inline bool test_passes(const struct test *t, const uint8_t *flags)
{
    return (((flags[t->byte[0]] & t->mask[0]) ^ t->want[0]) |
            ((flags[t->byte[1]] & t->mask[1]) ^ t->want[1])) == 0;
}

size_t entity_block_bytes(const struct group *g, uint32_t capacity);
uint32_t *entity_tree(const struct group *g, const struct entity *e, uint32_t tree);
int64_t *entity_orders(const struct group *g, const struct entity *e);
/* Words of one tree over `capacity` events. */
uint32_t tree_words(uint32_t capacity);

/* What of the entity is about to change (region_touch): its head, and in a small block all else, as
 * in one with counts of values or sorted runs, which change anywhere. Who writes to events, links or
 * trees says that beside, for large blocks. */
enum { ENTITY_SMALL_BYTES = 1024 };

static inline void entity_touch(const struct velocity *v, const struct group *g,
                                const struct entity *e)
{
    size_t bytes = (size_t)e->units * REGION_UNIT;

    bool is_whole = bytes <= ENTITY_SMALL_BYTES || g->frequency_count > 0 || g->order_count > 0;

    region_touch(v->region, e, is_whole ? bytes : g->head_bytes);
}

static inline void entity_touch_whole(const struct velocity *v, const struct entity *e)
{
    region_touch(v->region, e, (size_t)e->units * REGION_UNIT);
}

static inline void entity_touch_event(const struct velocity *v, const struct group *g,
                                      const struct entity *e, uint32_t i)
{
    region_touch(v->region, entity_event(g, e, i), (size_t)g->event_bytes);
}

/* A new entity without events, or 0 where there is no room. */
region_ref entity_new(struct velocity *v, uint32_t group, struct hash128 token,
                      int64_t watermark_us) MUST_USE;
void entity_free(struct velocity *v, uint32_t group, region_ref ref);
/* Put the current row behind all events; the cursors must be at its time. The entity may move.
 * Where it may not grow any more its oldest events are dropped. */
void entity_append(struct velocity *v, uint32_t group, region_ref *ref);
/* Put the current row where its time belongs, which is before the newest event. */
void entity_insert(struct velocity *v, uint32_t group, region_ref *ref);
/* Drop events that nothing can need any more. */
void entity_trim(struct velocity *v, uint32_t group, struct entity *e, int64_t watermark_us);
/* The event of this time and seq; false if it is not retained. Groups with labels only. */
bool entity_find_event(const struct group *g, const struct entity *e, int64_t time_us, uint64_t seq,
                       uint32_t *index) MUST_USE;

/* Index of the first event newer than time_us. */
uint32_t entity_upper_bound(const struct group *g, const struct entity *e, int64_t time_us);

#endif
