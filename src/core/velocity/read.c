#include "core/velocity/read.h"

#include <math.h>
#include <string.h>

#include "core/velocity/approx.h"
#include "core/velocity/decay.h"
#include "core/velocity/frequency.h"
#include "core/velocity/image.h"
#include "core/velocity/keep.h"
#include "core/velocity/order.h"
#include "core/velocity/range.h"
#include "core/velocity/result.h"
#include "core/velocity/step.h"
#include "core/velocity/unique.h"
#include "core/velocity/window.h"

/* Whether the current row lies in the window that `a` reads. */
static bool counts_now(const struct velocity *v, const struct group *g, const struct read *a)
{
    return a->sees_now && v->current->has_key && passes(v->current->flags, a->where_bit);
}

static bool is_null_now(const struct velocity *v, const struct group *g, const struct read *a)
{
    return a->cell >= 0 && flag_get(v->current->flags, g->cells[a->cell].null_bit);
}

static int64_t value_now(const struct velocity *v, const struct group *g, const struct read *a)
{
    return a->cell >= 0 ? v->current->value[g->cells[a->cell].column] : 0;
}

static void result_terms(const struct velocity *v, const struct group *g, const struct read *a,
                         const struct entity *state, struct column *c)
{
    const struct acc *acc = &g->accs[a->acc];
    bool now = counts_now(v, g, a) && !is_null_now(v, g, a);
    int64_t x = value_now(v, g, a);
    uint32_t row = v->current->row;
    uint64_t n = acc_count(acc, state) + now;
    int128 sum = acc->parts & PART_SUM ? acc_sum(acc, state) + (now ? x : 0) : 0;
    struct wide squares;

    switch (a->aggregate->kind) {
    case AGG_COUNT:
        put_integer(c, row, (int64_t)n);
        return;
    case AGG_SUM:
        put_ratio(c, row, a->units, sum, 1);
        return;
    case AGG_STD:
        squares = acc_squares(acc, state);
        if (now)
            wide_add_square(&squares, x);
        put_std(c, row, a->units, n, sum, &squares);
        return;
    default:
        if (n == 0)
            put_null(c, row);
        else
            put_ratio(c, row, a->units, sum, n);
    }
}

/* The current row has no label yet: it counts only where the absent are legitimate at once. */
static void result_label(const struct velocity *v, const struct group *g, const struct read *a,
                         const struct entity *state, struct column *c)
{
    const struct acc *acc = &g->accs[a->acc];
    bool now = counts_now(v, g, a) && acc->counts_absent;
    uint32_t row = v->current->row;
    uint64_t n = acc_count(acc, state) + now;

    if (a->absent_acc >= 0)
        n += acc_count(&g->accs[a->absent_acc], state);
    if (a->aggregate->kind == AGG_COUNT)
        put_integer(c, row, (int64_t)n);
    else if (a->aggregate->kind == AGG_SUM)
        put_ratio(c, row, a->units, acc_sum(acc, state), 1);
    else if (n == 0)
        put_null(c, row);
    else
        put_ratio(c, row, a->units, acc_sum(acc, state), n);
}

static uint32_t tail_of(const struct read *a, const struct entity *e, const struct entity *state)
{
    return a->lo < 0 ? e->first : entity_cursors(state)[a->lo];
}

static void put_text(struct registers *r, struct column *c, uint32_t row, struct text t)
{
    char *copy = arena_text(&r->text, t.bytes, t.length);

    if (copy == NULL) {
        put_null(c, row);
        return;
    }
    c->null[row] = 0;
    c->text[row] = (struct text){copy, t.length};
}

/* min, max, prev, last: among the window's events, those dropped, and the current row. */
static void result_range(const struct velocity *v, const struct group *g, const struct read *a,
                         const struct entity *e, const struct entity *state, struct registers *r,
                         struct column *c)
{
    const struct range *range = &g->ranges[a->range];
    const struct cell *cell = &g->cells[a->cell];
    const struct current *now = v->current;
    const struct range_base *base = range->has_base ? range_base(range, e) : NULL;
    uint32_t i = range_query(g, range, e, tail_of(a, e, state), entity_cursors(state)[a->hi]);
    bool has = i != RANGE_NONE, is_null = has && flag_get(entity_flags(g, e, i), cell->null_bit);
    int64_t value = has ? entity_word(g, e, i, cell->column)->v : 0;

    if (a->lo < 0 && base != NULL && base->has &&
        (!has ||
         (range->op != RANGE_NEWEST && range_is_better(range, cell->kind, base->value, value)))) {
        value = base->value;
        is_null = base->is_null != 0;
        has = true;
    }
    if (counts_now(v, g, a) && !is_null_now(v, g, a)) {
        if (cell->kind == CELL_TEXT) { /* last */
            put_text(r, c, now->row, r->column[cell->node].text[now->row]);
            return;
        }
        if (!has || range->op == RANGE_NEWEST ||
            range_is_better(range, cell->kind, now->value[cell->column], value))
            value = now->value[cell->column];
        has = true;
        is_null = false;
    }
    if (!has || is_null)
        put_null(c, now->row);
    else if (cell->kind == CELL_TEXT)
        put_text(r, c, now->row, text_kept(v, value));
    else
        put_integer(c, now->row, value); /* a real's bits too */
}

/* Whether the current row's value occurs in the window. */
static bool is_seen(const struct velocity *v, const struct group *g, const struct read *a,
                    const struct entity *e, const struct entity *state)
{
    const struct unique *u = &g->uniques[a->unique];
    uint32_t found =
        unique_before(g, u, e, v->current->newest[a->unique], entity_cursors(state)[a->hi]);

    if (found != UNIQUE_NONE && found >= tail_of(a, e, state))
        return true;
    return a->lo < 0 && v->current->in_base[a->unique];
}

static void result_unique(const struct velocity *v, const struct group *g, const struct read *a,
                          const struct entity *e, const struct entity *state, struct column *c)
{
    uint32_t row = v->current->row;
    bool is_null = is_null_now(v, g, a);

    if (a->aggregate->kind == AGG_DISTINCT) {
        uint64_t n = acc_count(&g->accs[a->acc], state);

        if (counts_now(v, g, a) && !is_null)
            n += !is_seen(v, g, a, e, state);
        put_integer(c, row, (int64_t)n);
    } else if (is_null) {
        put_null(c, row);
    } else {
        put_integer(c, row, !is_seen(v, g, a, e, state));
    }
}

static void find_uniques(const struct velocity *v, const struct group *g, const struct entity *e)
{
    for (uint32_t i = 0; i < g->unique_count; i++) {
        const struct unique *u = &g->uniques[i];
        const int64_t *value = &v->current->value[g->cells[u->cell].column];

        v->current->newest[i] = unique_newest(v, g, u, e, value);
        v->current->in_base[i] = unique_in_base(v, g, u, e, value);
    }
}

/* ---- plain reads: kind by kind and column by column, of rows that were taken together. All that
 * the loops need is in locals: a store could be to anything else. */

struct plain {
    uint32_t count;
    const uint8_t *taken, *image, *flags, *has_key; /* of the first row */
    size_t taken_stride, image_stride;
};

static void read_events(const struct plain *p, const struct plain_read *a, int64_t *value,
                        uint8_t *null)
{
    const uint8_t *hi = p->taken + sizeof(struct entity) + sizeof(uint32_t) * a->hi;
    const uint8_t *lo = p->taken + sizeof(struct entity) + sizeof(uint32_t) * a->lo;
    const uint8_t *has_key = p->has_key;
    uint32_t count = p->count, now = a->sees_now;
    size_t stride = p->taken_stride;

    memset(null, 0, count);
    for (uint32_t k = 0; k < count; k++, hi += stride, lo += stride)
        value[k] = (int64_t)(*(const uint32_t *)hi - *(const uint32_t *)lo) + (now & has_key[k]);
}

static inline uint128 sum_at(const uint8_t *state, uint32_t at)
{
    uint128 sum;

    memcpy(&sum, state + at, sizeof sum);
    return sum;
}

/* The sum is of the result's type already, save that it may be too large. Kept short for the most
 * common: bounded, with the row itself, not filtered. */
static inline __attribute__((always_inline)) void sums_of(const struct plain *p,
                                                          const struct plain_read *a,
                                                          int64_t *value, uint8_t *null,
                                                          bool is_bounded, bool always_now)
{
    const uint8_t *state = p->taken, *image = p->image, *flags = p->flags, *has_key = p->has_key;
    size_t stride = p->taken_stride, image_stride = p->image_stride;
    uint32_t count = p->count, hi = a->sum_at, lo = a->lo_sum_at, column = a->column;
    bool sees_now = a->sees_now;
    struct test test = a->takes_now;

    for (uint32_t k = 0; k < count; k++) {
        uint128 sum = sum_at(state, hi);
        int64_t x = ((const int64_t *)image)[column]; /* 0 where null */

        if (is_bounded)
            sum -= sum_at(state, lo);
        if (!always_now)
            x = sees_now && test_passes(&test, flags) ? x : 0;
        sum += (uint128)(int128)(x & -(int64_t)has_key[k]);
        null[k] = (int128)sum != (int64_t)sum;
        value[k] = null[k] ? 0 : (int64_t)sum;
        state += stride;
        image += image_stride;
        flags += image_stride;
    }
}

static void read_sums(const struct plain *p, const struct plain_read *a, int64_t *value,
                      uint8_t *null)
{
    if (a->lo_sum_at != 0 && a->always_now)
        sums_of(p, a, value, null, true, true);
    else
        sums_of(p, a, value, null, a->lo_sum_at != 0, a->always_now);
}

static inline __attribute__((always_inline)) void means_of(const struct plain *p,
                                                           const struct plain_read *a,
                                                           double *value, uint8_t *null,
                                                           bool is_derived, bool sees_now)
{
    const uint8_t *state = p->taken, *image = p->image, *flags = p->flags, *has_key = p->has_key;
    struct plain_read r = *a;
    uint32_t count = p->count;
    uint64_t n_max = exact_max / r.units;
    size_t stride = p->taken_stride, image_stride = p->image_stride;

    for (uint32_t k = 0; k < count; k++) {
        const uint32_t *cursor = entity_cursors((const struct entity *)state);
        uint128 sum = sum_at(state, r.sum_at);
        uint64_t n, now;

        if (r.lo_sum_at != 0)
            sum -= sum_at(state, r.lo_sum_at);
        if (is_derived)
            n = cursor[r.hi] - cursor[r.lo];
        if (is_derived && r.nulls_at != 0)
            n -= *(const uint64_t *)(state + r.nulls_at) -
                 *(const uint64_t *)(state + r.lo_nulls_at);
        if (!is_derived)
            n = *(const uint64_t *)(state + r.count_at) -
                (r.lo_count_at != 0 ? *(const uint64_t *)(state + r.lo_count_at) : 0);
        if (sees_now) {
            now = has_key[k] & test_passes(&r.takes_now, flags);
            n += now;
            if (r.has_value)
                sum += (uint128)(int128)(((const int64_t *)image)[r.column] & -(int64_t)now);
        }
        null[k] = n == 0;
        value[k] = ratio((int128)sum, n, r.units, n_max);
        state += stride;
        image += image_stride;
        flags += image_stride;
    }
}

/* Kept short for the most common: an operand's mean and the label's. */
static void read_means(const struct plain *p, const struct plain_read *a, double *value,
                       uint8_t *null)
{
    bool is_derived = a->count_at == 0;

    if (is_derived && !a->sees_now)
        means_of(p, a, value, null, true, false);
    else if (is_derived)
        means_of(p, a, value, null, true, true);
    else
        means_of(p, a, value, null, false, a->sees_now);
}

void read_taken(const struct velocity *v, const struct group *g, uint32_t row, uint32_t count)
{
    struct plain p = {.count = count,
                      .taken = v->taken,
                      .image = v->image,
                      .flags = v->image + g->flags_at,
                      .has_key = v->has_key,
                      .taken_stride = taken_stride(g),
                      .image_stride = image_stride(g)};
    const struct plain_read *a = g->plain_reads;
    const struct out *o = v->out;
    uint32_t i = 0;

    for (; i < g->reads_of[READ_EVENTS + 1]; i++)
        read_events(&p, &a[i], o[i].value + row, o[i].null + row);
    for (; i < g->reads_of[READ_SUM + 1]; i++)
        read_sums(&p, &a[i], o[i].value + row, o[i].null + row);
    for (; i < g->reads_of[READ_MEAN + 1]; i++)
        read_means(&p, &a[i], o[i].real + row, o[i].null + row);
}

void read_others(const struct velocity *v, const struct group *g, const struct entity *e,
                 const struct entity *state, struct registers *r)
{
    const struct read *a = g->reads + g->reads_of[READ_TERMS];
    const struct read *end = g->reads + g->read_count;

    if (g->unique_count > 0)
        find_uniques(v, g, e);
    for (; a < end; a++) {
        struct column *c = &r->column[a->node];

        if (a->kind == READ_TERMS)
            result_terms(v, g, a, state, c);
        else if (a->kind == READ_LABEL)
            result_label(v, g, a, state, c);
        else if (a->kind == READ_RANGE)
            result_range(v, g, a, e, state, r, c);
        else if (a->kind == READ_UNIQUE)
            result_unique(v, g, a, e, state, c);
        else if (a->kind == READ_DECAYED)
            decay_read(v, g, a, state, c);
        else if (a->kind == READ_ORDER)
            order_read(v, g, a, e, state, c);
        else if (a->kind == READ_FREQUENCY)
            frequency_read(v, g, a, e, r, c);
        else if (a->kind == READ_APPROX)
            approx_read(v, g, a, e, state, c);
        else
            step_read(v, g, a, e, state, c);
    }
}

void read_bind(const struct velocity *v, const struct group *g, const struct registers *r)
{
    v->current->registers = r;
    for (uint32_t i = 0; i < g->reads_of[READ_TERMS]; i++) {
        const struct column *c = &r->column[g->reads[i].node];

        v->out[i] = (struct out){.value = c->integer, .null = c->null};
    }
}
