#include "core/velocity/ahead.h"

#include "core/velocity/table.h"

enum { LINE = 64, HEAD_LINES = 4, SMALL_LINES = 8 };

void ahead_slot(const struct velocity *v, uint32_t group, struct hash128 token)
{
    table_prefetch(v, group, token);
}

void ahead_entity(struct velocity *v, uint32_t group, struct hash128 token, struct hint *hints,
                  uint32_t number)
{
    struct hint *hint = &hints[number & (HINTS - 1)];
    const char *at;

    hint->slot = table_guess(v, group, token);
    hint->moves = v->moves;
    if (hint->slot == NULL)
        return;
    at = region_at(v->region, hint->slot->ref);
    for (int i = 0; i < HEAD_LINES; i++)
        __builtin_prefetch(at + i * LINE, 1);
}

/* A small block is asked for whole, of a large one the events at its cursors. */
void ahead_events(const struct velocity *v, uint32_t group, const struct hint *hints,
                  uint32_t number)
{
    const struct group *g = &v->layout->groups[group];
    const struct hint *hint = &hints[number & (HINTS - 1)];
    const struct entity *e;
    const uint32_t *cursor;
    uint32_t bytes;

    if (hint->slot == NULL || hint->moves != v->moves)
        return;
    e = region_at(v->region, hint->slot->ref);
    bytes = e->units * REGION_UNIT;
    if (bytes <= SMALL_LINES * LINE) {
        for (uint32_t at = HEAD_LINES * LINE; at < bytes; at += LINE)
            __builtin_prefetch((const char *)e + at, 1);
        return;
    }
    cursor = entity_cursors(e);
    for (uint32_t c = 0; c < g->cursor_count; c++) {
        const uint8_t *event = entity_event(g, e, cursor[c]);

        __builtin_prefetch(event, 1);
        __builtin_prefetch(event + g->event_bytes - 1, 1);
    }
}

struct slot *ahead_find(const struct velocity *v, uint32_t group, struct hash128 token,
                        const struct hint *hints, uint32_t number)
{
    const struct hint *h = &hints[number & (HINTS - 1)];

    if (h->slot != NULL && h->moves == v->moves) {
        const struct entity *e = region_at(v->region, h->slot->ref);

        if (e->token.low == token.low && e->token.high == token.high)
            return h->slot;
    }
    return table_find(v, group, token);
}
