#include "core/velocity/window.h"

#include <string.h>

#include "core/velocity/unique.h"

/* memcpy: a 16-byte integer at an address that need only be a multiple of 8 */
static inline void sum_add(struct entity *state, uint32_t at, int128 x)
{
    int128 sum;

    memcpy(&sum, acc_word(state, at), sizeof sum);
    sum += x;
    memcpy(acc_word(state, at), &sum, sizeof sum);
}

static inline void acc_term(const struct acc *a, struct entity *state, int64_t x, int sign)
{
    if (a->parts & PART_COUNT)
        *acc_word(state, a->count_at) += (uint64_t)(int64_t)sign;
    if (a->parts & PART_SUM)
        sum_add(state, a->sum_at, sign > 0 ? (int128)x : -(int128)x);
    if (a->parts & PART_SQUARES) {
        struct wide *w = (struct wide *)acc_word(state, a->squares_at);

        if (sign > 0)
            wide_add_square(w, x);
        else
            wide_sub_square(w, x);
    }
}

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

/* Event `i` enters (sign 1) or leaves (sign -1) the window of an accumulator. */
static inline void acc_move(const struct group *g, const struct entity *e, struct entity *state,
                            const struct acc *a, uint32_t i, int sign)
{
    const uint8_t *flags = entity_flags(g, e, i);
    int64_t x = 0;

    if (!passes(flags, a->where_bit))
        return;
    if (a->null_bit >= 0 && flag_get(flags, a->null_bit))
        return;
    switch (a->kind) {
    case ACC_CELL:
        if (a->cell >= 0)
            x = entity_word(g, e, i, a->column)->v;
        break;
    case ACC_LABEL:
        if (!flag_get(flags, LABEL_KNOWN_BIT) && !a->counts_absent)
            return;
        x = flag_get(flags, LABEL_FRAUD_BIT);
        break;
    case ACC_UNLABELLED:
        if (flag_get(flags, LABEL_KNOWN_BIT))
            return;
        break;
    case ACC_DISTINCT:
        if (!is_only_one(g, e, state, a, i))
            return;
        break;
    }
    acc_term(a, state, x, sign);
}

/* acc_move where the effect is_sum. */
static inline void sum_move(const struct group *g, const struct entity *e, struct entity *state,
                            const struct acc *a, uint32_t i, int sign)
{
    const uint8_t *event = entity_event(g, e, i);
    int64_t x;

    if (flag_get(event + g->flags_at, a->null_bit))
        return;
    x = ((const struct packed64 *)event)[a->column].v;
    sum_add(state, a->sum_at, (int128)x * sign);
    if (a->parts & PART_COUNT)
        *acc_word(state, a->count_at) += (uint64_t)(int64_t)sign;
}

static inline void cursor_pass(const struct group *g, const struct entity *e, struct entity *state,
                               const struct cursor *c, uint32_t i, int sign)
{
    for (uint32_t k = 0; k < c->effect_count; k++) {
        struct effect f = c->effects[k];

        if (f.is_sum)
            sum_move(g, e, state, &g->accs[f.acc], i, f.sign * sign);
        else
            acc_move(g, e, state, &g->accs[f.acc], i, f.sign * sign);
    }
}

static void seek_forward(const struct group *g, const struct entity *e, struct entity *state,
                         int64_t t)
{
    uint32_t *cursor = entity_cursors(state);

    for (uint32_t c = 0; c < g->cursor_count; c++) { /* heads before tails */
        int64_t bound = time_before(t, g->cursors[c].offset_us);

        while (cursor[c] < e->end && entity_time(g, e, cursor[c]) <= bound) {
            uint32_t i = cursor[c]++;

            cursor_pass(g, e, state, &g->cursors[c], i, 1);
        }
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
    if (t >= e->newest_us)
        seek_forward(g, e, state, t);
    else
        seek_back(g, e, state, t);
}

void window_append(const struct group *g, struct entity *e, uint32_t i)
{
    entity_cursors(e)[0] = i + 1; /* offset 0 is always there and the smallest */
    cursor_pass(g, e, e, &g->cursors[0], i, 1);
}

static bool holds(const struct acc *a, const struct entity *state, uint32_t i)
{
    const uint32_t *cursor = entity_cursors(state);

    return i < cursor[a->hi] && (a->lo < 0 || i >= cursor[a->lo]);
}

void window_insert(const struct group *g, struct entity *e, uint32_t i, int64_t t)
{
    for (uint32_t c = 0; c < g->cursor_count; c++) {
        if (t <= time_before(e->newest_us, g->cursors[c].offset_us))
            entity_cursors(e)[c]++;
    }
    for (uint32_t k = 0; k < g->acc_count; k++) {
        if (holds(&g->accs[k], e, i))
            acc_move(g, e, e, &g->accs[k], i, 1);
    }
}

void window_forget_first(const struct group *g, struct entity *e)
{
    uint32_t i = e->first;

    for (uint32_t k = 0; k < g->acc_count; k++) {
        if (g->accs[k].lo >= 0 && holds(&g->accs[k], e, i))
            acc_move(g, e, e, &g->accs[k], i, -1);
    }
    for (uint32_t c = 0; c < g->cursor_count; c++) {
        if (entity_cursors(e)[c] <= i)
            entity_cursors(e)[c] = i + 1;
    }
}

static void label_terms(const struct group *g, struct entity *e, uint32_t i, int sign)
{
    for (uint32_t k = 0; k < g->acc_count; k++) {
        const struct acc *a = &g->accs[k];

        if ((a->kind == ACC_LABEL || a->kind == ACC_UNLABELLED) && holds(a, e, i))
            acc_move(g, e, e, a, i, sign);
    }
}

void window_label(const struct group *g, struct entity *e, uint32_t i, uint8_t label)
{
    uint8_t *flags = entity_flags(g, e, i);

    label_terms(g, e, i, -1);
    flag_set(flags, LABEL_KNOWN_BIT, label != LABEL_UNKNOWN);
    flag_set(flags, LABEL_FRAUD_BIT, label == 1);
    label_terms(g, e, i, 1);
}
