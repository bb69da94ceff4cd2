#include "core/velocity/entity.h"

#include <string.h>

#include "core/base/panic.h"
#include "core/velocity/approx.h"
#include "core/velocity/evict.h"
#include "core/velocity/forget.h"
#include "core/velocity/frequency.h"
#include "core/velocity/keep.h"
#include "core/velocity/order.h"
#include "core/velocity/range.h"
#include "core/velocity/step.h"
#include "core/velocity/table.h"
#include "core/velocity/unique.h"
#include "core/velocity/window.h"

enum { CAPACITY_FIRST = 4, LABEL_NEAR = 4 };

static size_t events_bytes(const struct group *g, uint32_t capacity)
{
    return g->head_bytes + (size_t)g->event_bytes * capacity + g->end_bytes;
}

static size_t tree_at(const struct group *g, uint32_t capacity)
{
    return (events_bytes(g, capacity) + 3) & ~(size_t)3;
}

/* Orders are of words. */
static size_t order_at(const struct group *g, uint32_t capacity)
{
    return (tree_at(g, capacity) + (size_t)4 * g->trees * tree_words(capacity) + 7) & ~(size_t)7;
}

size_t entity_block_bytes(const struct group *g, uint32_t capacity)
{
    if (g->order_count > 0)
        return order_at(g, capacity) + 8 * g->order_count * order_words(capacity);
    if (g->trees == 0)
        return events_bytes(g, capacity);
    return tree_at(g, capacity) + (size_t)4 * g->trees * tree_words(capacity);
}

int64_t *entity_orders(const struct group *g, const struct entity *e)
{
    return (int64_t *)((char *)e + order_at(g, e->capacity));
}

uint32_t *entity_tree(const struct group *g, const struct entity *e, uint32_t tree)
{
    return (uint32_t *)((char *)e + tree_at(g, e->capacity)) +
           (size_t)tree * tree_words(e->capacity);
}

/* The most events that fit a block of so many bytes. */
static uint32_t capacity_of(const struct group *g, size_t bytes)
{
    size_t capacity = (bytes - g->head_bytes - g->end_bytes) / (size_t)g->event_bytes;

    if (capacity > ENTITY_EVENTS_MAX)
        capacity = ENTITY_EVENTS_MAX;
    while (entity_block_bytes(g, (uint32_t)capacity) > bytes)
        capacity--;
    return (uint32_t)capacity;
}

static size_t block_bytes(const struct entity *e)
{
    return (size_t)e->units * REGION_UNIT;
}

/* A zeroed block for `capacity` events or more, as its size class allows. */
static region_ref block_new(struct velocity *v, uint32_t group, uint32_t capacity)
{
    const struct group *g = &v->layout->groups[group];
    size_t bytes = region_class_bytes(entity_block_bytes(g, capacity));
    struct entity *e;
    region_ref ref;

    if (bytes > room_entity_bytes(v, group))
        return 0;
    ref = room_alloc(v, group, bytes);
    if (ref == 0)
        return 0;
    e = region_at(v->region, ref);
    e->units = (uint32_t)(bytes / REGION_UNIT);
    e->capacity = capacity_of(g, bytes);
    return ref;
}

region_ref entity_new(struct velocity *v, uint32_t group, struct hash128 token,
                      int64_t watermark_us)
{
    region_ref ref = block_new(v, group, CAPACITY_FIRST);
    int64_t until_us = forget_until(v, group, token, watermark_us);
    struct entity *e;

    if (ref == 0)
        return 0;
    e = region_at(v->region, ref);
    e->token = token;
    e->newest_us = INT64_MIN;
    e->forgotten_us = until_us;
    entity_end(&v->layout->groups[group], e, 0);
    v->pinned = ref;
    if (!table_add(v, group, ref, INT64_MIN)) {
        room_free(v, group, ref, block_bytes(e));
        return 0;
    }
    return ref;
}

static void free_texts(struct velocity *v, uint32_t group, struct entity *e, uint32_t i)
{
    const struct group *g = &v->layout->groups[group];

    for (uint32_t c = 0; c < g->cell_count; c++) {
        if (g->cells[c].kind == CELL_TEXT)
            text_free(v, group, entity_word(g, e, i, g->cells[c].column)->v);
    }
}

void entity_free(struct velocity *v, uint32_t group, region_ref ref)
{
    const struct group *g = &v->layout->groups[group];
    struct velocity_counts *counts = &v->state[group].counts;
    struct entity *e = region_at(v->region, ref);

    entity_touch(v, g, e);
    for (uint32_t i = e->first; i < e->end; i++)
        free_texts(v, group, e, i);
    for (uint32_t i = 0; i < g->range_count; i++)
        range_free(v, group, &g->ranges[i], e);
    for (uint32_t i = 0; i < g->unique_count; i++)
        unique_free(v, group, &g->uniques[i], e);
    for (uint32_t i = 0; i < g->approx_count; i++)
        approx_free(v, group, &g->approxes[i], e);
    for (uint32_t i = 0; i < g->step_count; i++)
        step_free(v, group, &g->steps[i], e);
    counts->events -= e->end - e->first;
    counts->entities--;
    room_free(v, group, ref, block_bytes(e));
}

/* Copy or move events [first, end) of `from` to the front of `to`, which may be the same block, the
 * running sums before them and the end behind them. */
static void move_events(const struct group *g, struct entity *to, const struct entity *from)
{
    size_t running = (size_t)g->running_count * RUNNING_BYTES;

    memmove(entity_event(g, to, 0) - running, entity_event(g, from, from->first) - running,
            (size_t)g->event_bytes * (from->end - from->first) + running + sizeof(int64_t));
}

/* Events are at new indices. */
static void settle(struct velocity *v, uint32_t group, struct entity *e)
{
    const struct group *g = &v->layout->groups[group];

    for (uint32_t c = 0; c < g->cursor_count; c++)
        entity_cursors(e)[c] -= e->first;
    for (uint32_t i = 0; i < g->approx_count; i++)
        approx_shift(&g->approxes[i], e, e->first);
    e->end -= e->first;
    e->first = 0;
    for (uint32_t i = 0; i < g->range_count; i++)
        range_rebuild(g, &g->ranges[i], e, 0);
    for (uint32_t i = 0; i < g->unique_count; i++)
        unique_rebuild(v, group, &g->uniques[i], e);
    for (uint32_t i = 0; i < g->frequency_count; i++)
        frequency_rebuild(g, &g->frequencies[i], e, 0);
    for (uint32_t i = 0; i < g->order_count; i++)
        order_rebuild(g, &g->orders[i], e);
}

static void compact(struct velocity *v, uint32_t group, struct entity *e)
{
    entity_touch_whole(v, e);
    move_events(&v->layout->groups[group], e, e);
    settle(v, group, e);
}

/* Into a block for `capacity` events. */
static bool relocate(struct velocity *v, uint32_t group, region_ref *ref, uint32_t capacity)
{
    const struct group *g = &v->layout->groups[group];
    struct entity *old = region_at(v->region, *ref), *e;
    region_ref new = block_new(v, group, capacity);
    struct slot *slot;
    uint32_t units;

    if (new == 0)
        return false;
    e = region_at(v->region, new);
    capacity = e->capacity;
    units = e->units;
    memcpy(e, old, g->head_bytes);
    e->capacity = capacity;
    e->units = units;
    move_events(g, e, old);
    slot = table_find(v, group, e->token);
    region_touch(v->region, slot, sizeof *slot);
    slot->ref = new;
    v->pinned = new;
    room_free(v, group, *ref, block_bytes(old));
    *ref = new;
    settle(v, group, e);
    return true;
}

static void drop_first(struct velocity *v, uint32_t group, struct entity *e)
{
    const struct group *g = &v->layout->groups[group];
    uint64_t dropped = v->state[group].counts.dropped;

    for (uint32_t i = 0; i < g->range_count; i++)
        range_drop(v, group, &g->ranges[i], e);
    for (uint32_t i = 0; i < g->unique_count; i++)
        unique_drop(v, group, &g->uniques[i], e);
    for (uint32_t i = 0; i < g->approx_count; i++)
        approx_drop(v, group, &g->approxes[i], e);
    if (v->state[group].counts.dropped > dropped) /* what unbounded aggregates keep had no room */
        e->forgotten_us = INT64_MAX;
    free_texts(v, group, e, e->first);
    e->first++;
}

/* Until when the windows lack events, if those up to `last` are dropped now: for ever where an
 * unbounded aggregate has not passed them yet. */
static int64_t dropped_until(const struct group *g, const struct entity *e, uint32_t last)
{
    int64_t t = entity_time(g, e, last);

    if (g->horizon_us == INT64_MAX || t > time_before(e->newest_us, g->endless_delay_us))
        return INT64_MAX;
    return t > e->forgotten_us ? t : e->forgotten_us;
}

/* No room to grow: the oldest sixteenth goes, though windows may hold it. */
static void forget_oldest(struct velocity *v, uint32_t group, struct entity *e)
{
    const struct group *g = &v->layout->groups[group];
    uint32_t count = (e->end - e->first) / 16 + 1;

    e->forgotten_us = dropped_until(g, e, e->first + count - 1);
    for (uint32_t i = 0; i < count; i++) {
        window_forget_first(g, e);
        drop_first(v, group, e);
        v->state[group].counts.events--;
        v->state[group].counts.dropped++;
    }
}

/* See to it that one more event fits. */
static void make_room(struct velocity *v, uint32_t group, region_ref *ref)
{
    struct entity *e = region_at(v->region, *ref);
    uint32_t live = e->end - e->first, wanted = (uint32_t)entity_wanted(live);

    if (e->end < e->capacity)
        return;
    entity_touch(v, &v->layout->groups[group], e);
    if (e->first > 0 && live <= e->capacity - e->capacity / 8) {
        if (e->capacity > 32 && live < e->capacity / 8 && relocate(v, group, ref, wanted))
            return;
        compact(v, group, e);
        return;
    }
    if (wanted <= ENTITY_EVENTS_MAX && relocate(v, group, ref, wanted))
        return;
    if (e->first == 0)
        forget_oldest(v, group, e);
    compact(v, group, e);
}

static bool has_null(const struct group *g, const uint8_t *flags)
{
    uint8_t any = 0;

    for (uint32_t i = 0; i < g->flag_bytes; i++)
        any |= flags[i] & g->null_mask[i];
    return any != 0;
}

/* The texts of the current row, kept as copies of their own. */
static void write_texts(struct velocity *v, uint32_t group, struct entity *e, uint32_t i)
{
    const struct group *g = &v->layout->groups[group];
    const struct current *now = v->current;
    uint8_t *flags = entity_flags(g, e, i);

    for (uint32_t k = 0; k < g->cell_count; k++) {
        const struct cell *c = &g->cells[k];
        int64_t value = 0;

        if (c->kind != CELL_TEXT)
            continue;
        if (!flag_get(now->flags, c->null_bit))
            value = text_keep(v, group, now->registers->column[c->node].text[now->row]);
        if (value == 0 && !flag_get(now->flags, c->null_bit) && now->time_us > e->forgotten_us)
            e->forgotten_us = now->time_us; /* no room for it */
        flag_set(flags, c->null_bit, value == 0);
        entity_word(g, e, i, c->column)->v = value;
    }
}

/* The current row's image as an event: words, the last one over the one before where it is no whole
 * one. */
static inline void write_event(const struct group *g, const struct current *now, uint8_t *event)
{
    const uint8_t *from = (const uint8_t *)now->value;
    uint32_t last = g->running_at - 8, at = 0;

    do {
        memcpy(event + at, from + at, 8);
        at += 8;
    } while (at < last);
    memcpy(event + last, from + last, 8);
}

/* Its running sums, from those of the event before it. */
static inline void write_running(const struct group *g, const struct current *now, uint8_t *event)
{
    uint8_t *next = event + g->event_bytes;
    const uint32_t *column = g->running_of, *end = column + g->running_count;
    const int64_t *value = now->value;

    for (uint32_t back = g->event_bytes - g->running_at; column < end;
         back -= RUNNING_BYTES, column++)
        running_set(next, back, running_before(event, back) + value[*column]);
}

/* And those of the events after it. */
static void add_to_later(const struct group *g, const struct current *now, struct entity *e,
                         uint32_t i)
{
    for (uint32_t k = 0; k < g->running_count; k++) {
        uint32_t back = (g->running_count - k) * RUNNING_BYTES;

        for (uint32_t later = i + 2; later <= e->end; later++) {
            uint8_t *next = entity_event(g, e, later);

            running_set(next, back, running_before(next, back) + now->value[g->running_of[k]]);
        }
    }
}

/* What few events have. */
static __attribute__((noinline)) void write_others(struct velocity *v, uint32_t group,
                                                   struct entity *e, uint32_t i)
{
    const struct group *g = &v->layout->groups[group];

    if (g->has_text)
        write_texts(v, group, e, i);
    if (g->counts_nulls && !e->has_nulls)
        e->has_nulls = has_null(g, v->current->flags);
}

/* What follows an event beside windows. */
static __attribute__((noinline)) void append_others(struct velocity *v, uint32_t group,
                                                    struct entity *e, uint32_t i)
{
    const struct group *g = &v->layout->groups[group];

    for (uint32_t k = 0; k < g->range_count; k++)
        range_append(v, g, &g->ranges[k], e, i);
    for (uint32_t k = 0; k < g->unique_count; k++)
        unique_append(v, group, &g->uniques[k], e, i);
    for (uint32_t k = 0; k < g->frequency_count; k++)
        frequency_init(g, &g->frequencies[k], e, i);
    for (uint32_t k = 0; k < g->order_count; k++)
        order_append(g, &g->orders[k], e, i);
}

/* What follows an event whose group has more than windows. */
static __attribute__((noinline)) void append_to_others(struct velocity *v, uint32_t group,
                                                       struct entity *e, uint32_t i)
{
    const struct group *g = &v->layout->groups[group];

    for (uint32_t k = 0; k < g->approx_count; k++)
        approx_pass(v, group, &g->approxes[k], e);
    for (uint32_t k = 0; k < g->step_count; k++)
        step_add(v, group, &g->steps[k], e, i);
}

struct entity *entity_append(struct velocity *v, uint32_t group, region_ref *ref)
{
    const struct group *g = &v->layout->groups[group];
    const struct current *now = v->current;
    struct entity *e = region_at(v->region, *ref);
    uint8_t *event;
    uint32_t i;

    v->pinned = *ref;
    if (e->end == e->capacity) {
        make_room(v, group, ref);
        e = region_at(v->region, *ref);
    }
    i = e->end;
    entity_touch(v, g, e);
    entity_touch_event(v, g, e, i);
    event = entity_event(g, e, i);
    write_event(g, now, event);
    write_running(g, now, event);
    e->end = i + 1;
    e->newest_us = now->time_us;
    entity_end(g, e, i + 1);
    if (g->has_text || g->counts_nulls)
        write_others(v, group, e, i);
    if (!g->appends_plainly)
        append_others(v, group, e, i);
    window_append(g, e, i);
    if (g->approx_count + g->step_count > 0)
        append_to_others(v, group, e, i);
    v->state[group].counts.events++;
    return e;
}

/* Make a gap at `i`. */
static void shift_events(const struct group *g, struct entity *e, uint32_t i)
{
    memmove(entity_event(g, e, i + 1), entity_event(g, e, i),
            (size_t)g->event_bytes * (e->end - i) + sizeof(int64_t));
}

struct entity *entity_insert(struct velocity *v, uint32_t group, region_ref *ref)
{
    const struct group *g = &v->layout->groups[group];
    int64_t t = v->current->time_us;
    struct entity *e;
    uint32_t i;

    v->pinned = *ref;
    make_room(v, group, ref);
    e = region_at(v->region, *ref);
    i = entity_upper_bound(g, e, t);
    entity_touch_whole(v, e);
    shift_events(g, e, i);
    write_event(g, v->current, entity_event(g, e, i));
    write_running(g, v->current, entity_event(g, e, i));
    e->end++;
    add_to_later(g, v->current, e, i);
    write_others(v, group, e, i);
    for (uint32_t k = 0; k < g->range_count; k++)
        range_rebuild(g, &g->ranges[k], e, i);
    for (uint32_t k = 0; k < g->unique_count; k++)
        unique_insert(v, group, &g->uniques[k], e, i);
    for (uint32_t k = 0; k < g->order_count; k++)
        order_insert(g, &g->orders[k], e, i);
    window_insert(g, e, i, t);
    for (uint32_t k = 0; k < g->approx_count; k++)
        approx_insert(v, group, &g->approxes[k], e, i);
    for (uint32_t k = 0; k < g->frequency_count; k++) {
        frequency_init(g, &g->frequencies[k], e, i);
        frequency_shift(g, &g->frequencies[k], e, i);
        frequency_insert(g, &g->frequencies[k], e, i);
    }
    for (uint32_t k = 0; k < g->step_count; k++)
        step_add(v, group, &g->steps[k], e, i);
    v->state[group].counts.events++;
    return e;
}

void entity_drop(struct velocity *v, uint32_t group, struct entity *e, uint32_t last,
                 int64_t bound_us)
{
    const struct group *g = &v->layout->groups[group];
    uint32_t before = e->first;

    while (e->first < last && entity_time(g, e, e->first) <= bound_us) {
        if (g->drops_plainly)
            e->first++;
        else
            drop_first(v, group, e);
    }
    v->state[group].counts.events -= e->first - before;
}

uint32_t entity_upper_bound(const struct group *g, const struct entity *e, int64_t time_us)
{
    uint32_t from = e->first, to = e->end;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (entity_time(g, e, middle) <= time_us)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Whether event `i` is before that of this time and seq. Among equal times events are in order of
 * arrival, and so of seq. */
static inline bool is_before(const struct group *g, const struct entity *e, uint32_t i,
                             int64_t time_us, uint64_t seq)
{
    int64_t t = entity_time(g, e, i);

    return t < time_us || (t == time_us && (uint64_t)entity_word(g, e, i, 1)->v < seq);
}

/* Labels mostly come when their event is as old as the label delay: at the cursor there, or a few
 * events behind it where the cursor has not moved since. */
static bool find_at_cursor(const struct group *g, const struct entity *e, int64_t time_us,
                           uint64_t seq, uint32_t *index)
{
    uint32_t at = entity_cursors(e)[g->label_cursor], to = e->end;

    for (int i = 0; i < LABEL_NEAR && at < to; i++, at++) {
        int64_t t = entity_time(g, e, at);

        if (t == time_us && (uint64_t)entity_word(g, e, at, 1)->v == seq) {
            *index = at;
            return at >= e->first;
        }
        if (t > time_us)
            break;
    }
    return false;
}

/* Otherwise steps from there, each twice as far, and then by halves. */
bool entity_find_event(const struct group *g, const struct entity *e, int64_t time_us, uint64_t seq,
                       uint32_t *index)
{
    uint32_t from = e->first, to = e->end, at = entity_cursors(e)[g->label_cursor], step = 1;

    if (find_at_cursor(g, e, time_us, seq, index))
        return true;
    while (at >= from && at < to) {
        if (is_before(g, e, at, time_us, seq)) {
            from = at + 1;
            at = to - at > step ? at + step : to;
        } else {
            to = at;
            at = at - from >= step ? at - step : from;
            if (from == to)
                break;
        }
        step *= 2;
    }
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (is_before(g, e, middle, time_us, seq))
            from = middle + 1;
        else
            to = middle;
    }
    if (from == e->end || entity_time(g, e, from) != time_us ||
        (uint64_t)entity_word(g, e, from, 1)->v != seq)
        return false;
    *index = from;
    return true;
}
