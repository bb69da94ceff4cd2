#include "core/velocity/window.h"

#include <string.h>

#include "core/velocity/decay.h"
#include "core/velocity/frequency.h"
#include "core/velocity/unique.h"

/* Whether no event of the window other than `i` has its value. */
static bool is_only_one(const struct group *g, const struct entity *e, const struct entity *state,
                        const struct acc *a, uint32_t i)
{
    const struct unique *u = &g->uniques[a->unique];
    const uint32_t *cursor = entity_cursors(state);
    uint32_t next = unique_next(g, u, e, i);

    if (next != UNIQUE_NONE && next < cursor[a->hi])
        return false;
    return a->lo < 0 ? !unique_has_earlier(g, u, e, i)
                     : !unique_occurs_from(g, u, e, i, cursor[a->lo]);
}

/* A value enters or leaves `distinct` by whether an equal one is in the window. */
static void distinct_move(const struct group *g, const struct entity *e, struct entity *state,
                          const struct acc *a, const struct test *t, uint32_t i, int sign)
{
    if (test_passes(t, entity_flags(g, e, i)) && is_only_one(g, e, state, a, i))
        *acc_word(state, a->count_at) += (uint64_t)(int64_t)sign;
}

static inline int64_t term_value(const struct term *t, const uint8_t *event, const uint8_t *flags)
{
    if (t->from == VALUE_FRAUD)
        return flag_get(flags, LABEL_FRAUD_BIT);
    return ((const struct packed64 *)event)[t->column].v;
}

/* Add (sign 1) or take back (sign -1) what an event is to a term other than distinct. */
static inline void term_move(const struct term *t, struct entity *state, const uint8_t *event,
                             const uint8_t *flags, int sign)
{
    int64_t x;

    if (!test_passes(&t->test, flags))
        return;
    if (t->parts & PART_RING) {
        decay_move(t, state, event, sign);
        return;
    }
    if (t->parts & PART_COUNT)
        *acc_word(state, t->count_at) += (uint64_t)(int64_t)sign;
    if (!(t->parts & (PART_SUM | PART_SQUARES)))
        return;
    x = term_value(t, event, flags);
    if (t->parts & PART_SUM) {
        uint128 sum = state_sum(state, t->sum_at);

        sum = sign > 0 ? sum + (uint128)(int128)x : sum - (uint128)(int128)x;
        memcpy(acc_word(state, t->sum_at), &sum, sizeof sum);
    }
    if (t->parts & PART_SQUARES) {
        struct wide *w = (struct wide *)acc_word(state, t->squares_at);

        if (sign > 0)
            wide_add_square(w, x);
        else
            wide_sub_square(w, x);
    }
}

void window_term(const struct term *t, void *state, const uint8_t *event, const uint8_t *flags,
                 int sign)
{
    term_move(t, state, event, flags, sign);
}

/* One event, by the terms of a cursor. */
static void cursor_pass(const struct group *g, const struct entity *e, struct entity *state,
                        const struct cursor *c, uint32_t i, int sign)
{
    const uint8_t *event = entity_event(g, e, i), *flags = event + g->flags_at;
    const struct term *end = c->terms + c->term_count;

    for (const struct term *t = c->terms; t < end; t++) {
        if (t->way == WAY_TESTED || t->way == WAY_FRAUDS)
            term_move(t, state, event, flags, sign);
        else if (t->way == WAY_DISTINCT)
            distinct_move(g, e, state, &g->accs[t->acc], &t->test, i, t->sign * sign);
        else if (t->way == WAY_FREQUENCY) /* then `state` is the entity itself */
            frequency_pass(g, &g->frequencies[t->acc], state, i, t->sign > 0, sign);
    }
}

/* The events that a cursor passes are those from it on that are not newer than `bound`. How many
 * that are is chance, so two are looked at without a jump that depends on it, and only what comes
 * behind these is. Behind the last event stands one that no cursor passes (entity_end). */
struct ahead_of {
    const uint8_t *events, *end;
    size_t event_bytes;
    int64_t bound;
};

static inline const uint8_t *second_of(const struct ahead_of *a, const uint8_t *first)
{
    const uint8_t *second = first + a->event_bytes;

    return second <= a->end ? second : a->end;
}

/* The loops of the shapes: the index behind what was passed. */
static inline __attribute__((always_inline)) uint32_t pass_nothing(const struct ahead_of *a,
                                                                   uint32_t at)
{
    const uint8_t *event = a->events + a->event_bytes * at;
    uint32_t more;

    do {
        more = event_time(second_of(a, event)) <= a->bound;
        at += event_time(event) <= a->bound;
        at += more;
        event += 2 * a->event_bytes;
    } while (more);
    return at;
}

static inline uint32_t pass_frauds(const struct group *g, const struct ahead_of *a,
                                   struct entity *state, uint32_t frauds_at, uint32_t at)
{
    const uint8_t *event = a->events + a->event_bytes * at;
    uint64_t frauds = 0;
    uint32_t one, more, flags = g->flags_at;

    do {
        const uint8_t *second = second_of(a, event);

        one = event_time(event) <= a->bound;
        more = event_time(second) <= a->bound;
        frauds += one & flag_get(event + flags, LABEL_FRAUD_BIT);
        frauds += more & flag_get(second + flags, LABEL_FRAUD_BIT);
        at += one + more;
        event += 2 * a->event_bytes;
    } while (more);
    if (frauds > 0) {
        uint128 sum = state_sum(state, frauds_at) + frauds;

        memcpy(acc_word(state, frauds_at), &sum, sizeof sum);
    }
    return at;
}

/* One by one, as `distinct` looks at the cursor itself. */
static __attribute__((noinline)) void pass_many(const struct group *g, const struct entity *e,
                                                struct entity *state, uint32_t cursor,
                                                int64_t bound)
{
    const struct cursor *c = &g->cursors[cursor];
    uint32_t *at = &entity_cursors(state)[cursor];
    const uint8_t *event = entity_event(g, e, *at);

    while (*at < e->end && event_time(event) <= bound) {
        uint32_t i = (*at)++;

        cursor_pass(g, e, state, c, i, 1);
        event += g->event_bytes;
    }
}

/* The cursors from the `first` on; heads before tails. */
static void seek_forward(const struct group *g, const struct entity *e, struct entity *state,
                         uint32_t first, int64_t t)
{
    uint32_t *at = entity_cursors(state), count = g->cursor_count;
    const struct cursor *c = g->cursors + first;
    struct ahead_of a = {.events = entity_event(g, e, 0),
                         .end = entity_event(g, e, e->end),
                         .event_bytes = g->event_bytes};

    if (g->seeks_plainly && !e->has_nulls) {
        for (uint32_t k = first; k < count; k++, c++) {
            a.bound = time_before(t, c->offset_us);
            at[k] = pass_nothing(&a, at[k]);
        }
        return;
    }
    for (uint32_t k = first; k < count; k++, c++) {
        enum cursor_shape shape = e->has_nulls ? c->shape_of_nulls : c->shape;

        a.bound = time_before(t, c->offset_us);
        if (shape == SHAPE_NOTHING)
            at[k] = pass_nothing(&a, at[k]);
        else if (shape == SHAPE_FRAUDS)
            at[k] = pass_frauds(g, &a, state, c->frauds_at, at[k]);
        else
            pass_many(g, e, state, k, a.bound);
    }
}

static void seek_back(const struct group *g, const struct entity *e, struct entity *state,
                      int64_t t)
{
    uint32_t *cursor = entity_cursors(state);

    for (uint32_t c = g->cursor_count; c-- > 0;) { /* tails before heads */
        int64_t bound = time_before(t, g->cursors[c].offset_us);

        while (cursor[c] > e->first && entity_time(g, e, cursor[c] - 1) > bound) {
            uint32_t i = --cursor[c];

            cursor_pass(g, e, state, &g->cursors[c], i, -1);
        }
    }
}

void window_seek(const struct group *g, const struct entity *e, struct entity *state, int64_t t)
{
    if (t >= e->newest_us) /* the cursor of offset 0 has passed all events already */
        seek_forward(g, e, state, 1, t);
    else
        seek_back(g, e, state, t);
}

void window_return(const struct group *g, struct entity *e, int64_t t)
{
    if (t >= e->newest_us)
        seek_back(g, e, e, e->newest_us);
    else
        seek_forward(g, e, e, 0, e->newest_us);
}

void window_append_others(const struct group *g, struct entity *e, uint32_t i)
{
    cursor_pass(g, e, e, &g->cursors[0], i, 1);
}

static bool holds(const struct acc *a, const struct entity *state, uint32_t i)
{
    const uint32_t *cursor = entity_cursors(state);

    return i < cursor[a->hi] && (a->lo < 0 || i >= cursor[a->lo]);
}

/* An event that is not at a cursor enters or leaves a window in which its value is counted once. */
static void distinct_moves(const struct group *g, struct entity *e, uint32_t i, int sign)
{
    for (uint32_t c = 0; c < g->cursor_count; c++) {
        for (uint32_t k = 0; k < g->cursors[c].term_count; k++) {
            const struct term *t = &g->cursors[c].terms[k];
            const struct acc *a = &g->accs[t->acc];

            if (t->kind != ACC_DISTINCT || t->sign < 0 || !holds(a, e, i))
                continue;
            if (sign > 0 || a->lo >= 0)
                distinct_move(g, e, e, a, &t->test, i, sign);
        }
    }
}

void window_insert(const struct group *g, struct entity *e, uint32_t i, int64_t t)
{
    const uint8_t *event = entity_event(g, e, i);

    for (uint32_t c = 0; c < g->cursor_count; c++) {
        const struct cursor *cursor = &g->cursors[c];

        if (t > time_before(e->newest_us, cursor->offset_us))
            continue;
        entity_cursors(e)[c]++;
        for (uint32_t k = 0; k < cursor->term_count; k++) {
            if (cursor->terms[k].kind < ACC_DISTINCT)
                term_move(&cursor->terms[k], e, event, event + g->flags_at, 1);
        }
    }
    distinct_moves(g, e, i, 1);
}

/* Cursors that passed the event forget it, and the others never count it. */
void window_forget_first(const struct group *g, struct entity *e)
{
    uint32_t i = e->first, *at = entity_cursors(e);
    const uint8_t *event = entity_event(g, e, i);

    distinct_moves(g, e, i, -1);
    for (uint32_t k = 0; k < g->frequency_count; k++)
        frequency_forget(g, &g->frequencies[k], e);
    for (uint32_t c = 0; c < g->cursor_count; c++) {
        const struct cursor *cursor = &g->cursors[c];

        for (uint32_t k = 0; k < cursor->term_count && at[c] > i; k++) {
            if (cursor->terms[k].kind < ACC_DISTINCT && !cursor->terms[k].unbounded)
                term_move(&cursor->terms[k], e, event, event + g->flags_at, -1);
        }
        if (at[c] <= i)
            at[c] = i + 1;
    }
}

/* The label terms of one cursor, from the old flags to the new ones. */
static void relabel(const struct cursor *c, struct entity *e, const uint8_t *event, uint8_t *flags,
                    uint8_t old, uint8_t new)
{
    if (c->shape == SHAPE_FRAUDS &&
        flag_get(&old, LABEL_FRAUD_BIT) == flag_get(&new, LABEL_FRAUD_BIT))
        return;
    for (uint32_t k = 0; k < c->term_count; k++) {
        const struct term *t = &c->terms[k];

        if (t->kind != ACC_LABEL && t->kind != ACC_UNLABELLED)
            continue;
        flags[0] = old;
        term_move(t, e, event, flags, -1);
        flags[0] = new;
        term_move(t, e, event, flags, 1);
    }
}

void window_label(const struct group *g, struct entity *e, uint32_t i, uint8_t label)
{
    const uint8_t *event = entity_event(g, e, i);
    uint8_t *flags = entity_flags(g, e, i), old = flags[0], new;

    flag_set(flags, LABEL_KNOWN_BIT, label != LABEL_UNKNOWN); /* both bits are in byte 0 */
    flag_set(flags, LABEL_FRAUD_BIT, label == 1);
    new = flags[0];
    for (uint32_t c = 0; c < g->cursor_count && i < entity_cursors(e)[c]; c++)
        relabel(&g->cursors[c], e, event, flags, old, new);
    flags[0] = new;
}
