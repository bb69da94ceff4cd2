/* An entity: one block of the region that holds its key's token, its windows and its events.
 *
 *   struct entity | cursors | terms | bases | running | event, event, ... | trees | orders
 *   event: time | [seq] | cells | links | flags | running
 *
 * Events are packed records in (time, arrival) order, indices [first, end); those before `first`
 * were dropped and the rest moves down when the end is reached. A block is one allocation, so an
 * event costs one chain of two cache misses (table slot, entity). A ring was rejected: without
 * wrapping, binary search, late inserts and links are plain array code, and moving down costs less
 * than the events themselves. So were columns: a cursor that passes an event needs all of it, which
 * is one cache line here and three there.
 *
 * Behind the last event stands a time that no cursor passes, so that none has to look where the
 * events end.
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
    uint32_t units : 31;    /* size of the block in REGION_UNITs */
    uint32_t has_nulls : 1; /* among the cells whose nulls are counted, ever */
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
    uint64_t share_bytes;    /* what the group may take until shares are dealt again */
    uint64_t rows;           /* of the level, ever: kept by its first group */
    uint64_t evicted_before; /* when shares were last dealt */
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
    uint32_t at;      /* of the rows that are taken together: v->image, v->taken, v->has_key */
    bool has_key;     /* a row without one is in no window, its own included */
    int64_t *value;   /* the row as the event that it becomes: by word */
    uint8_t *flags;   /* its flags */
    uint32_t *newest; /* by unique: index of the newest occurrence + 1 */
    bool *in_base;    /* by unique */
};

/* A slot looked up ahead by its tag; good while v->moves is the same and the token is right. */
struct hint {
    struct slot *slot;
    uint64_t moves;
};

/* Where the results of one read go: the columns of its node. */
struct out {
    union {
        int64_t *value;
        double *real;
    };
    uint8_t *null;
};

/* A velocity is an array with one of these for each group; its callers hold the first. What a group
 * changes is its own, so the groups of a level may run at once: only the region is shared, and
 * evict.c holds `lock` while it takes from or gives to it. */
struct velocity {
    const struct velocity_layout *layout;
    struct region *region;
    struct group_state *state; /* by group; in the region */
    uint64_t budget_bytes;
    int *lock;         /* NULL: nobody else runs */
    region_ref pinned; /* never evicted: the entity at work */
    uint64_t moves;    /* changes of the table: slots found before are void */
    struct entity *empty;
    struct entity *scratch;
    struct current *current;
    uint32_t together; /* rows that are taken together, at most */
    uint8_t *image;    /* these rows as events: image.h */
    uint8_t *taken;    /* their entities' heads as each row saw them */
    uint8_t *has_key;
    struct out *out;   /* by read */
    struct hint *hint; /* of the nearest rows */
    struct hint *label_hint;
    const struct workers *workers; /* the first one's */
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

/* What a running sum is before the event that stands at `at`; 96 bits. */
static inline int128 running_before(const uint8_t *at, uint32_t back)
{
    const uint8_t *sum = at - back;

    return (int128)((uint128)(int128)(int32_t)((const struct packed32 *)(sum + 8))->v << 64 |
                    (uint64_t)((const struct packed64 *)sum)->v);
}

static inline void running_set(uint8_t *at, uint32_t back, int128 sum)
{
    uint8_t *to = at - back;

    ((struct packed64 *)to)->v = (int64_t)sum;
    ((struct packed32 *)(to + 8))->v = (uint32_t)(sum >> 64);
}

static inline uint32_t *entity_cursors(const struct entity *state)
{
    return (uint32_t *)(state + 1);
}

/* Nothing is behind the events before the `end`-th. */
static inline void entity_end(const struct group *g, struct entity *e, uint32_t end)
{
    entity_word(g, e, end, 0)->v = INT64_MAX;
}

static inline bool flag_get(const uint8_t *flags, int bit)
{
    return flags[bit >> 3] >> (bit & 7) & 1;
}

/* Bytes from one taken head to the next. */
static inline size_t taken_stride(const struct group *g)
{
    return ((size_t)g->state_bytes + 63) & ~(size_t)63;
}

static inline struct entity *taken_at(const struct velocity *v, const struct group *g, uint32_t at)
{
    return (struct entity *)(v->taken + taken_stride(g) * at);
}

static inline int64_t event_time(const uint8_t *event)
{
    return ((const struct packed64 *)event)->v;
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

enum { ENTITY_EVENTS_MAX = 1 << 30 };

/* Events that a new block is to have room for, where there are so many. */
static inline uint64_t entity_wanted(uint64_t live)
{
    return live + live / 4 + 2;
}

size_t entity_block_bytes(const struct group *g, uint32_t capacity);
uint32_t *entity_tree(const struct group *g, const struct entity *e, uint32_t tree);
int64_t *entity_orders(const struct group *g, const struct entity *e);
/* Words of one tree over `capacity` events. */
uint32_t tree_words(uint32_t capacity);

/* What of the entity is about to change (region_touch): its head; where events keep more than their
 * values (ranges, links, counts, runs) all else too, if the block is small or such things change
 * anywhere in it. Who writes to events, links or trees says that beside. */
enum { ENTITY_SMALL_BYTES = 1024 };

static inline void entity_touch(const struct velocity *v, const struct group *g,
                                const struct entity *e)
{
    size_t bytes;
    bool is_whole;

    if (!region_is_watched(v->region))
        return;
    bytes = (size_t)e->units * REGION_UNIT;
    is_whole = !g->appends_plainly &&
               (bytes <= ENTITY_SMALL_BYTES || g->frequency_count > 0 || g->order_count > 0);
    region_touch(v->region, e, is_whole ? bytes : g->head_bytes);
}

static inline void entity_touch_whole(const struct velocity *v, const struct entity *e)
{
    region_touch(v->region, e, (size_t)e->units * REGION_UNIT);
}

static inline void entity_touch_event(const struct velocity *v, const struct group *g,
                                      const struct entity *e, uint32_t i)
{
    region_touch(v->region, entity_event(g, e, i), (size_t)g->event_bytes + sizeof(int64_t));
}

/* A new entity without events, or 0 where there is no room. */
region_ref entity_new(struct velocity *v, uint32_t group, struct hash128 token,
                      int64_t watermark_us) MUST_USE;
void entity_free(struct velocity *v, uint32_t group, region_ref ref);
/* Put the current row behind all events; the cursors must be at its time. The entity may move.
 * Where it may not grow any more its oldest events are dropped. */
struct entity *entity_append(struct velocity *v, uint32_t group, region_ref *ref);
/* Put the current row where its time belongs, which is before the newest event. */
struct entity *entity_insert(struct velocity *v, uint32_t group, region_ref *ref);
/* Drop events before index `last` that are not newer than bound_us. */
void entity_drop(struct velocity *v, uint32_t group, struct entity *e, uint32_t last,
                 int64_t bound_us);
/* The event of this time and seq; false if it is not retained. Groups with labels only. */
bool entity_find_event(const struct group *g, const struct entity *e, int64_t time_us, uint64_t seq,
                       uint32_t *index) MUST_USE;

/* Index of the first event newer than time_us. */
uint32_t entity_upper_bound(const struct group *g, const struct entity *e, int64_t time_us);

/* Drop events that nothing can need any more: before all windows, and older than any label or late
 * event may still be. Mostly there is none. */
static inline void entity_trim(struct velocity *v, uint32_t group, struct entity *e,
                               int64_t watermark_us)
{
    const struct group *g = &v->layout->groups[group];
    uint32_t last = entity_cursors(e)[g->cursor_count - 1];
    int64_t bound_us;

    if (e->first >= last || g->horizon_us == INT64_MAX)
        return;
    bound_us = time_before(watermark_us, g->horizon_us);
    if (entity_time(g, e, e->first) <= bound_us)
        entity_drop(v, group, e, last, bound_us);
}

#endif
