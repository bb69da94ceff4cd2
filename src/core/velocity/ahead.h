/* Memory asked for before it is needed. Where a row's entity lies is known from its token alone, so
 * each of the three misses that a row would wait for (table slot, entity, events at its cursors) is
 * asked for while rows before it are worked on.
 *
 * AHEAD_ROWS rows are asked for at once, in loops that do nothing else: where the state is large
 * the translation of addresses misses too, a processor waits for that even when it only asks, and
 * only misses that stand close together overlap. (Measured: asking row by row, four fifths of the
 * time of uniform keys went into these waits.)
 *
 * Functions that do nothing but ask are inlined by force: compilers take them for pure ones and
 * drop calls of them.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_AHEAD_H
#define ASSAY_VELOCITY_AHEAD_H

#include "core/velocity/table.h"

enum {
    AHEAD_ROWS = 2,
    AHEAD_SLOT = 3 * AHEAD_ROWS, /* rows ahead of which each is asked for */
    AHEAD_ENTITY = 2 * AHEAD_ROWS,
    AHEAD_EVENTS = AHEAD_ROWS,
    LABEL_SLOT = 20, /* the same for labels */
    LABEL_ENTITY = 14,
    LABEL_EVENT = 6,
    HINTS = 32, /* a power of two, more than are on their way */
    AHEAD_LINE = 64,
    HEAD_LINES = 2,
    SMALL_LINES = 8,
};

/* Step 1 for one token. */
static inline __attribute__((always_inline)) void ahead_slot(const struct velocity *v,
                                                             uint32_t group, struct hash128 token)
{
    table_prefetch(v, group, token);
}

/* Step 2: where the entity is; `number` counts rows, or labels, and picks the hint. */
static inline __attribute__((always_inline)) void ahead_find(struct velocity *v, uint32_t group,
                                                             struct hash128 token,
                                                             struct hint *hints, uint32_t number)
{
    hints[number & (HINTS - 1)] = (struct hint){table_guess(v, group, token), v->moves};
}

static inline const struct entity *hinted_entity(const struct velocity *v, const struct hint *hints,
                                                 uint32_t number)
{
    const struct hint *hint = &hints[number & (HINTS - 1)];

    return hint->slot != NULL && hint->moves == v->moves ? region_at(v->region, hint->slot->ref)
                                                         : NULL;
}

/* Its first line; then the next ones. */
static inline __attribute__((always_inline)) void
ahead_entity(const struct velocity *v, const struct hint *hints, uint32_t number)
{
    const struct entity *e = hinted_entity(v, hints, number);

    if (e != NULL)
        __builtin_prefetch(e, 1);
}

static inline __attribute__((always_inline)) void
ahead_head(const struct velocity *v, const struct hint *hints, uint32_t number)
{
    const struct entity *e = hinted_entity(v, hints, number);

    for (int i = 1; i < HEAD_LINES && e != NULL; i++)
        __builtin_prefetch((const char *)e + i * AHEAD_LINE, 1);
}

/* An event and those that come next: a cursor mostly looks at two of them or three. */
static inline __attribute__((always_inline)) void ahead_line_pair(const uint8_t *event)
{
    __builtin_prefetch(event, 1);
    __builtin_prefetch(event + AHEAD_LINE, 1);
}

/* Step 3: of a small block all from its last cursor on is asked for, of a large one the events at
 * its cursors, and what stands before them. A full one will mostly be left, and what is beside it
 * looked at. */
static inline __attribute__((always_inline)) void
ahead_events(const struct velocity *v, uint32_t group, const struct hint *hints, uint32_t number)
{
    const struct group *g = &v->layout->groups[group];
    const struct entity *e = hinted_entity(v, hints, number);
    const uint32_t *cursor;
    uint32_t bytes, running = g->event_bytes - g->running_at;

    if (e == NULL)
        return;
    bytes = (uint32_t)e->units * REGION_UNIT;
    if (e->end == e->capacity)
        region_ask_free(v->region, e, bytes);
    cursor = entity_cursors(e);
    if (bytes <= SMALL_LINES * AHEAD_LINE) {
        const uint8_t *at = entity_event(g, e, cursor[g->cursor_count - 1]) - running;
        const uint8_t *end = entity_event(g, e, e->end + 1) + 7;

        at = (const uint8_t *)((uintptr_t)at & ~(uintptr_t)(AHEAD_LINE - 1));
        if (at < (const uint8_t *)e + HEAD_LINES * AHEAD_LINE)
            at = (const uint8_t *)e + HEAD_LINES * AHEAD_LINE;
        for (; at <= end; at += AHEAD_LINE)
            __builtin_prefetch(at, 1);
        return;
    }
    for (uint32_t c = 0; c < g->cursor_count; c++)
        ahead_line_pair(entity_event(g, e, cursor[c]) - running);
}

/* Step 3 for a label: its event is most likely at one cursor, or one of those after it. */
static inline __attribute__((always_inline)) void
ahead_label(const struct velocity *v, uint32_t group, const struct hint *hints, uint32_t number)
{
    const struct group *g = &v->layout->groups[group];
    const struct entity *e = hinted_entity(v, hints, number);

    if (e != NULL)
        ahead_line_pair(entity_event(g, e, entity_cursors(e)[g->label_cursor]));
}

/* The token's slot, by what was found ahead if that still holds; or NULL. */
static inline struct slot *ahead_found(const struct velocity *v, uint32_t group,
                                       struct hash128 token, const struct hint *hints,
                                       uint32_t number)
{
    const struct hint *h = &hints[number & (HINTS - 1)];

    if (h->slot != NULL && h->moves == v->moves) {
        const struct entity *e = region_at(v->region, h->slot->ref);

        if (e->token.low == token.low && e->token.high == token.high)
            return h->slot;
    }
    return table_find(v, group, token);
}

#endif
