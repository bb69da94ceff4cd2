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

/* What no plain sum is, out of the hot loop. */
static __attribute__((noinline)) void pass_others(const struct group *g, const struct entity *e,
                                                  struct entity *state, const struct cursor *c,
                                                  uint32_t i, int sign)
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

static inline void plain_move(const struct plain_sum *p, struct entity *state, const uint8_t *event,
                              const uint8_t *flags, int sign)
{
    int64_t x = ((const struct packed64 *)event)[p->column].v;
    uint128 sum = state_sum(state, p->sum_at);

    sum = sign > 0 ? sum + (uint128)(int128)x : sum - (uint128)(int128)x;
    memcpy(acc_word(state, p->sum_at), &sum, sizeof sum);
    if (p->count_at != 0) {
        uint64_t one = (flags[p->null_byte] & p->null_mask) == 0;

        *acc_word(state, p->count_at) += sign > 0 ? one : -one;
    }
}

static inline void cursor_pass(const struct group *g, const struct entity *e, struct entity *state,
                               const struct cursor *c, const uint8_t *event, uint32_t i, int sign)
{
    const struct plain_sum *p = c->plain;

    for (uint32_t k = c->plain_count; k > 0; k--, p++)
        plain_move(p, state, event, event + g->flags_at, sign);
    if (c->has_others)
        pass_others(g, e, state, c, i, sign);
}

/* The loops of the shapes: pass events from `event` on, `left` of them at most, while they are not
 * newer than `bound`; how many that were. The first is known to be passed. */
static inline uint32_t pass_nothing(const struct group *g, const uint8_t *event, uint32_t left,
                                    int64_t bound)
{
    uint32_t n = 1;

    while (n < left && event_time(event += g->event_bytes) <= bound)
        n++;
    return n;
}

static inline uint32_t pass_sum(const struct group *g, struct entity *state,
                                const struct plain_sum *p, const uint8_t *event, uint32_t left,
                                int64_t bound)
{
    uint128 sum = state_sum(state, p->sum_at);
    uint32_t n = 0, column = p->column, step = g->event_bytes;

    do {
        sum += (uint128)(int128)((const struct packed64 *)event)[column].v;
        event += step;
    } while (++n < left && event_time(event) <= bound);
    memcpy(acc_word(state, p->sum_at), &sum, sizeof sum);
    return n;
}

static inline uint32_t pass_sum_count(const struct group *g, struct entity *state,
                                      const struct plain_sum *p, const uint8_t *event,
                                      uint32_t left, int64_t bound)
{
    const uint8_t *flags = event + g->flags_at + p->null_byte;
    uint32_t n = pass_sum(g, state, p, event, left, bound), nulls = 0;

    for (uint32_t i = 0; i < n; i++, flags += g->event_bytes)
        nulls += (*flags & p->null_mask) != 0;
    *acc_word(state, p->count_at) += n - nulls;
    return n;
}

static inline uint32_t pass_frauds(const struct group *g, const struct cursor *c,
                                   struct entity *state, const uint8_t *event, uint32_t left,
                                   int64_t bound)
{
    uint32_t n = 0, frauds = 0;
    uint128 sum;

    do {
        frauds += flag_get(event + g->flags_at, LABEL_FRAUD_BIT);
        event += g->event_bytes;
    } while (++n < left && event_time(event) <= bound);
    if (frauds > 0) {
        sum = state_sum(state, c->frauds_at) + frauds;
        memcpy(acc_word(state, c->frauds_at), &sum, sizeof sum);
    }
    return n;
}

/* One by one, as `distinct` looks at the cursor itself. */
static __attribute__((noinline)) void pass_many(const struct group *g, const struct entity *e,
                                                struct entity *state, uint32_t cursor,
                                                const uint8_t *event, int64_t bound)
{
    const struct cursor *c = &g->cursors[cursor];
    uint32_t *at = &entity_cursors(state)[cursor];

    do {
        uint32_t i = (*at)++;

        cursor_pass(g, e, state, c, event, i, 1);
        event += g->event_bytes;
    } while (*at < e->end && event_time(event) <= bound);
}

static void seek_forward(const struct group *g, const struct entity *e, struct entity *state,
                         int64_t t)
{
    uint32_t *at = entity_cursors(state), end = e->end;
    const uint8_t *events = entity_event(g, e, 0);

    for (uint32_t k = 0; k < g->cursor_count; k++) { /* heads before tails */
        const struct cursor *c = &g->cursors[k];
        int64_t bound = time_before(t, c->offset_us);
        const uint8_t *event = events + (size_t)g->event_bytes * at[k];

        if (at[k] >= end || event_time(event) > bound)
            continue;
        if (c->shape == SHAPE_SUM_COUNT)
            at[k] += pass_sum_count(g, state, c->plain, event, end - at[k], bound);
        else if (c->shape == SHAPE_SUM)
            at[k] += pass_sum(g, state, c->plain, event, end - at[k], bound);
        else if (c->shape == SHAPE_FRAUDS)
            at[k] += pass_frauds(g, c, state, event, end - at[k], bound);
        else if (c->shape == SHAPE_NOTHING)
            at[k] += pass_nothing(g, event, end - at[k], bound);
        else
            pass_many(g, e, state, k, event, bound);
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

            cursor_pass(g, e, state, &g->cursors[c], entity_event(g, e, i), i, -1);
        }
    }
}

void window_seek(const struct group *g, const struct entity *e, struct entity *state, int64_t t)
{
    if (t >= e->newest_us)
        seek_forward(g, e, state, t);
    else
        seek_back(g, e, state, t);
}

void window_return(const struct group *g, struct entity *e, int64_t t)
{
    if (t >= e->newest_us)
        seek_back(g, e, e, e->newest_us);
    else
        seek_forward(g, e, e, e->newest_us);
}

void window_append_others(const struct group *g, struct entity *e, uint32_t i)
{
    cursor_pass(g, e, e, &g->cursors[0], entity_event(g, e, i), i, 1);
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
    for (uint32_t c = 0; c < g->cursor_count; c++) {
        if (i < entity_cursors(e)[c])
            relabel(&g->cursors[c], e, event, flags, old, new);
    }
    flags[0] = new;
}
