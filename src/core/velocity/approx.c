#include "core/velocity/approx.h"

#include <string.h>

#include "core/velocity/evict.h"
#include "core/velocity/hyperloglog.h"

struct sketch {
    struct hll hll;
    region_ref memory;
    uint32_t unused;
};

/* `settled` is there only where rows may be late. */
struct approx_state {
    uint32_t passed; /* index of the first event that is not in `whole` */
    uint32_t unused;
    struct sketch whole, settled;
};

_Static_assert(sizeof(struct sketch) == APPROX_SKETCH_BYTES, "layout.c places it");
_Static_assert(sizeof(struct approx_state) == APPROX_STATE_BYTES + 2 * APPROX_SKETCH_BYTES,
               "layout.c places it");

static struct approx_state *state_of(const struct approx *a, const struct entity *e)
{
    return (struct approx_state *)((char *)e + a->state_at);
}

static void *memory_of(const struct velocity *v, const struct sketch *s)
{
    return region_at(v->region, s->memory);
}

static bool takes_part(const struct group *g, const struct approx *a, const uint8_t *flags)
{
    return passes(flags, a->where_bit) && !flag_get(flags, g->cells[a->cell].null_bit);
}

static uint32_t token_of(const struct group *g, const struct approx *a, const struct entity *e,
                         uint32_t i)
{
    return (uint32_t)entity_word(g, e, i, g->cells[a->cell].column)->v;
}

static bool has_token(const struct velocity *v, const struct sketch *s, uint32_t token)
{
    return s->memory != 0 && hll_has(&s->hll, memory_of(v, s), token);
}

static bool grow(struct velocity *v, uint32_t group, struct sketch *s)
{
    struct hll larger = hll_larger(&s->hll);
    region_ref memory = room_alloc(v, group, hll_bytes(&larger));
    size_t bytes = hll_bytes(&s->hll);

    if (memory == 0)
        return false;
    hll_grow(&s->hll, memory_of(v, s), &larger, region_at(v->region, memory));
    if (s->memory != 0)
        room_free(v, group, s->memory, bytes);
    s->memory = memory;
    return true;
}

/* The head has been touched. Without room the entity's counts lack the value, for ever. */
static void add(struct velocity *v, uint32_t group, struct entity *e, struct sketch *s,
                uint32_t token)
{
    if (has_token(v, s, token))
        return;
    if (hll_must_grow(&s->hll) && !grow(v, group, s)) {
        v->state[group].counts.dropped++;
        e->forgotten_us = INT64_MAX;
        return;
    }
    region_touch(v->region, memory_of(v, s), hll_bytes(&s->hll));
    hll_add(&s->hll, memory_of(v, s), token);
}

static void add_event(struct velocity *v, uint32_t group, const struct approx *a, struct entity *e,
                      struct sketch *s, uint32_t i)
{
    const struct group *g = &v->layout->groups[group];

    if (takes_part(g, a, entity_flags(g, e, i)))
        add(v, group, e, s, token_of(g, a, e, i));
}

void approx_pass(struct velocity *v, uint32_t group, const struct approx *a, struct entity *e)
{
    struct approx_state *s = state_of(a, e);

    while (s->passed < entity_cursors(e)[a->hi])
        add_event(v, group, a, e, &s->whole, s->passed++);
}

void approx_insert(struct velocity *v, uint32_t group, const struct approx *a, struct entity *e,
                   uint32_t i)
{
    struct approx_state *s = state_of(a, e);

    if (i >= entity_cursors(e)[a->hi])
        return;
    add_event(v, group, a, e, &s->whole, i);
    s->passed++;
}

/* An event that goes before its delay is over, for want of room, counts from now on: the entity's
 * results are marked then. */
void approx_drop(struct velocity *v, uint32_t group, const struct approx *a, struct entity *e)
{
    struct approx_state *s = state_of(a, e);

    if (s->passed <= e->first)
        add_event(v, group, a, e, &s->whole, s->passed++);
    if (a->has_settled)
        add_event(v, group, a, e, &s->settled, e->first);
}

void approx_shift(const struct approx *a, struct entity *e, uint32_t by)
{
    state_of(a, e)->passed -= by;
}

static void sketch_free(struct velocity *v, uint32_t group, struct sketch *s)
{
    if (s->memory != 0)
        room_free(v, group, s->memory, hll_bytes(&s->hll));
}

void approx_free(struct velocity *v, uint32_t group, const struct approx *a, struct entity *e)
{
    struct approx_state *s = state_of(a, e);

    sketch_free(v, group, &s->whole);
    if (a->has_settled)
        sketch_free(v, group, &s->settled);
}

size_t approx_bytes(const struct approx *a, double values)
{
    struct hll hll = {0};

    while (hll_must_grow(&hll) && hll.used < values) {
        hll = hll_larger(&hll);
        hll.used = (3u << hll.table_log >> 2);
    }
    return region_class_bytes(hll_bytes(&hll)) * (a->has_settled ? 2 : 1);
}

/* A sketch with values that only one row sees: a copy once there is one that it lacks. */
struct view {
    struct hll hll;
    const void *memory;
    uint32_t copy[HLL_BYTES_MAX / 4];
};

static void view_copy(struct view *w)
{
    struct hll wide = w->hll;

    while (hll_bytes(&wide) < HLL_BYTES_MAX)
        wide = hll_larger(&wide);
    if (hll_bytes(&w->hll) == HLL_BYTES_MAX) {
        memcpy(w->copy, w->memory, HLL_BYTES_MAX);
    } else {
        memset(w->copy, 0, sizeof w->copy);
        hll_grow(&w->hll, w->memory, &wide, w->copy);
    }
    w->memory = w->copy;
}

static void view_add(struct view *w, uint32_t token)
{
    if (hll_has(&w->hll, w->memory, token))
        return;
    if (w->memory != w->copy)
        view_copy(w);
    hll_add(&w->hll, w->copy, token);
}

void approx_read(const struct velocity *v, const struct group *g, const struct read *r,
                 const struct entity *e, const struct entity *state, struct column *c)
{
    const struct approx *a = &g->approxes[r->approx];
    const struct approx_state *s = state_of(a, e);
    const struct current *now = v->current;
    uint32_t i = s->passed, end = entity_cursors(state)[a->hi];
    bool is_late = end < s->passed && a->has_settled;
    const struct sketch *from = is_late ? &s->settled : &s->whole;
    struct view view;

    view.hll = from->hll;
    view.memory = memory_of(v, from);
    for (i = is_late ? e->first : s->passed; i < end; i++) {
        if (takes_part(g, a, entity_flags(g, e, i)))
            view_add(&view, token_of(g, a, e, i));
    }
    if (r->sees_now && now->has_key && takes_part(g, a, now->flags))
        view_add(&view, (uint32_t)now->value[g->cells[a->cell].column]);
    c->null[now->row] = 0;
    c->integer[now->row] = (int64_t)hll_count(&view.hll);
}
