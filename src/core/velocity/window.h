/* Cursors and accumulators.
 *
 * `state` is an entity's own head or a copy of it (a read that must not change anything); `e` is
 * the entity with the events. Moving cursors is exact in both directions: sums are integers, and a
 * value enters or leaves `distinct` by whether an equal one is in the window, whatever the order of
 * moves.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_WINDOW_H
#define ASSAY_VELOCITY_WINDOW_H

#include <string.h>

#include "core/velocity/entity.h"

/* Move all cursors to time t. */
void window_seek(const struct group *g, const struct entity *e, struct entity *state, int64_t t);
/* Back from time t to where an entity's own windows stand: its newest event. */
void window_return(const struct group *g, struct entity *e, int64_t t);
/* What window_append does where there is more than running sums. */
void window_append_others(const struct group *g, struct entity *e, uint32_t i);
/* Account for event `i` that was put in among the others: cursors, then sums. */
void window_insert(const struct group *g, struct entity *e, uint32_t i, int64_t t);
/* Take event `first` out of all windows that still hold it: it is dropped for want of room. */
void window_forget_first(const struct group *g, struct entity *e);
/* Give event `i` another label (LABEL_UNKNOWN: none). */
void window_label(const struct group *g, struct entity *e, uint32_t i, uint8_t label);

/* Add (sign 1) or take back (sign -1) what an event is to a term that is a sum; offsets of the term
 * are in `state`, which may be other memory. */
void window_term(const struct term *t, void *state, const uint8_t *event, const uint8_t *flags,
                 int sign);

static inline uint64_t *acc_word(const struct entity *state, uint32_t at)
{
    return (uint64_t *)((char *)state + at);
}

static inline uint64_t acc_count(const struct acc *a, const struct entity *state)
{
    const uint32_t *cursor = entity_cursors(state);
    uint64_t count;

    if (a->derived) {
        count = cursor[a->hi] - cursor[a->lo];
        if (a->nulls_at != 0)
            count -= *acc_word(state, a->nulls_at) - *acc_word(state, a->lo_nulls_at);
        return count;
    }
    if (!(a->parts & PART_COUNT))
        return 0;
    count = *acc_word(state, a->count_at);
    if (a->lo >= 0 && a->kind < ACC_DISTINCT)
        count -= *acc_word(state, a->lo_count_at);
    return count;
}

/* memcpy: a 16-byte integer at an address that need only be a multiple of 8 */
static inline uint128 state_sum(const struct entity *state, uint32_t at)
{
    uint128 sum;

    memcpy(&sum, acc_word(state, at), sizeof sum);
    return sum;
}

static inline int128 acc_sum(const struct acc *a, const struct entity *state)
{
    uint128 sum = state_sum(state, a->sum_at);

    return (int128)(a->lo < 0 ? sum : sum - state_sum(state, a->lo_sum_at));
}

static inline struct wide acc_squares(const struct acc *a, const struct entity *state)
{
    struct wide w;
    const uint64_t *lo = acc_word(state, a->lo_squares_at);
    uint64_t borrow = 0;

    memcpy(&w, acc_word(state, a->squares_at), sizeof w);
    for (int i = 0; i < 3 && a->lo >= 0; i++) {
        uint128 left = (uint128)w.word[i] - lo[i] - borrow;

        w.word[i] = (uint64_t)left;
        borrow = (uint64_t)(left >> 64) & 1;
    }
    return w;
}

/* Account for event `i`, just appended, newest of all: the cursor of offset 0, which is always the
 * first, passes it. */
static inline void window_append(const struct group *g, struct entity *e, uint32_t i)
{
    const struct cursor *c = &g->cursors[0];

    entity_cursors(e)[0] = i + 1;
    if ((e->has_nulls ? c->shape_of_nulls : c->shape) != SHAPE_NOTHING)
        window_append_others(g, e, i);
}

/* What the state's cursors have passed of running sums, for the results that are read of it. */
static inline void window_passed(const struct group *g, const struct entity *e,
                                 struct entity *state)
{
    const uint32_t *cursor = entity_cursors(state);
    const uint8_t *events = entity_event(g, e, 0);
    const struct passed *p = g->passed, *end = p + g->passed_count;
    size_t event_bytes = g->event_bytes;

    for (; p < end; p++) {
        int128 sum = running_before(events + event_bytes * cursor[p->cursor], p->back);

        memcpy((char *)state + p->at, &sum, sizeof sum);
    }
}

#endif
