#include "core/velocity/frequency.h"

#include <math.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/fixed.h"
#include "core/velocity/keep.h"
#include "core/velocity/unique.h"

enum { FAN_LOG = 5, FAN = 1 << FAN_LOG, UNIT_LOG = 46 };

/* ---- what an event holds */

static struct packed32 *mate_of(const struct group *g, const struct frequency *t,
                                const struct entity *e, uint32_t i)
{
    return entity_link(g, e, i, t->links);
}

static struct packed32 *count_of(const struct group *g, const struct frequency *t,
                                 const struct entity *e, uint32_t i)
{
    return entity_link(g, e, i, t->links + 1);
}

static uint32_t head_of(const struct entity *e, const struct frequency *t)
{
    return entity_cursors(e)[t->hi];
}

static uint32_t tail_of(const struct entity *e, const struct frequency *t)
{
    return entity_cursors(e)[t->lo];
}

static bool takes_part(const struct group *g, const struct frequency *t, const struct entity *e,
                       uint32_t i)
{
    const struct unique *u = &g->uniques[t->unique];
    const uint8_t *flags = entity_flags(g, e, i);

    return passes(flags, u->where_bit) && !flag_get(flags, g->cells[u->cell].null_bit);
}

/* ---- the largest count */

static uint32_t level_words(uint32_t capacity)
{
    return (uint32_t)(((uint64_t)capacity + FAN - 1) >> FAN_LOG);
}

/* The better of two events by number + 1; 0 is none. */
static uint32_t better(const struct group *g, const struct frequency *t, const struct entity *e,
                       uint32_t a, uint32_t b)
{
    uint32_t x, y;

    if (a == 0 || b == 0)
        return a | b;
    x = count_of(g, t, e, a - 1)->v;
    y = count_of(g, t, e, b - 1)->v;
    if (x == y)
        return a > b ? a : b;
    return x > y ? a : b;
}

static uint32_t best_of_events(const struct group *g, const struct frequency *t,
                               const struct entity *e, uint32_t from, uint32_t to)
{
    uint32_t best = 0, most = 1;

    from = from < e->first ? e->first : from;
    to = to > e->end ? e->end : to;
    for (uint32_t i = from; i < to; i++) {
        uint32_t count = count_of(g, t, e, i)->v;

        if (count >= most) {
            most = count;
            best = i + 1;
        }
    }
    return best;
}

/* Word `at` of the level above `below` (NULL: above the events). */
static uint32_t best_of_block(const struct group *g, const struct frequency *t,
                              const struct entity *e, const uint32_t *below, uint32_t count_below,
                              uint32_t at)
{
    uint32_t best = 0, end = (at + 1) << FAN_LOG;

    if (below == NULL)
        return best_of_events(g, t, e, at << FAN_LOG, end);
    for (uint32_t k = at << FAN_LOG; k < end && k < count_below; k++)
        best = better(g, t, e, best, below[k]);
    return best;
}

/* The count of event `i` changed. Where it grew, or was not the best, there is little to do. */
static void tree_update(const struct group *g, const struct frequency *t, struct entity *e,
                        uint32_t i, bool grew)
{
    uint32_t *words, *below = NULL, capacity = e->capacity, below_count = 0;

    if (!t->has_tree)
        return;
    words = entity_tree(g, e, t->tree);
    for (uint32_t at = i >> FAN_LOG; capacity > FAN; at >>= FAN_LOG) {
        uint32_t count = level_words(capacity);

        if (grew)
            words[at] = better(g, t, e, words[at], i + 1);
        else if (words[at] == i + 1)
            words[at] = best_of_block(g, t, e, below, below_count, at);
        else
            return; /* it is the best of nothing above either */
        below = words;
        below_count = count;
        words += count;
        capacity = count;
    }
}

void frequency_rebuild(const struct group *g, const struct frequency *t, struct entity *e,
                       uint32_t from)
{
    uint32_t *words, *below = NULL, capacity = e->capacity, below_count = 0;

    if (!t->has_tree)
        return;
    words = entity_tree(g, e, t->tree);
    while (capacity > FAN) {
        uint32_t count = level_words(capacity);

        from >>= FAN_LOG;
        for (uint32_t at = from; at < count; at++)
            words[at] = best_of_block(g, t, e, below, below_count, at);
        below = words;
        below_count = count;
        words += count;
        capacity = count;
    }
}

/* The event that holds the largest count, or UNIQUE_NONE. */
static uint32_t find_best(const struct group *g, const struct frequency *t, const struct entity *e)
{
    const uint32_t *words = entity_tree(g, e, t->tree), *below = NULL;
    uint32_t capacity = e->capacity, below_count = 0;

    while (capacity > FAN) {
        uint32_t count = level_words(capacity);

        below = words;
        below_count = count;
        words += count;
        capacity = count;
    }
    if (below == NULL)
        return best_of_events(g, t, e, e->first, e->end) - 1;
    return best_of_block(g, t, e, below, below_count, 0) - 1;
}

/* ---- c log2 c */

/* log2 in units of 2^-46; twice the count is exactly one more. */
static int64_t log_of(uint64_t count)
{
    int exponent = 63 - __builtin_clzll(count);
    double mantissa = ldexp((double)count, -exponent);

    return ((int64_t)exponent << UNIT_LOG) +
           (int64_t)rint(em_log(mantissa) * (1.4426950408889634 * (double)(1ll << UNIT_LOG)));
}

static int128 weight_of(uint64_t count)
{
    return count == 0 ? 0 : (int128)log_of(count) * (int64_t)count;
}

/* A value's count goes from `old` to `new`. */
static void account(const struct frequency *t, struct entity *e, uint32_t old, uint32_t new)
{
    char *at = (char *)e + t->sums_at;
    uint64_t events;
    int128 sum;

    if (!t->has_sums)
        return;
    memcpy(&events, at, sizeof events);
    memcpy(&sum, at + sizeof events, sizeof sum);
    events += (uint64_t) new - old;
    sum += weight_of(new) - weight_of(old);
    memcpy(at, &events, sizeof events);
    memcpy(at + sizeof events, &sum, sizeof sum);
}

/* ---- moves */

static void set_count(const struct group *g, const struct frequency *t, struct entity *e,
                      uint32_t i, uint32_t count)
{
    struct packed32 *at = count_of(g, t, e, i);
    bool grew = count > at->v;

    if (count == at->v)
        return;
    at->v = count;
    tree_update(g, t, e, i, grew);
}

/* `newest` and `oldest` are the ends of a value's occurrences in the window. */
static void join(const struct group *g, const struct frequency *t, struct entity *e,
                 uint32_t oldest, uint32_t newest)
{
    mate_of(g, t, e, newest)->v = mate_of(g, t, e, oldest)->v = newest - oldest;
}

static void enter_alone(const struct group *g, const struct frequency *t, struct entity *e,
                        uint32_t i)
{
    join(g, t, e, i, i);
    set_count(g, t, e, i, 1);
    account(t, e, 0, 1);
}

/* The occurrence in the window before `i`, or UNIQUE_NONE. */
static uint32_t previous_of(const struct group *g, const struct frequency *t,
                            const struct entity *e, uint32_t i)
{
    const struct unique *u = &g->uniques[t->unique];

    return unique_occurs_from(g, u, e, i, tail_of(e, t)) ? i - unique_back(g, u, e, i)->v
                                                         : UNIQUE_NONE;
}

static uint32_t next_of(const struct group *g, const struct frequency *t, const struct entity *e,
                        uint32_t i)
{
    uint32_t next = unique_next(g, &g->uniques[t->unique], e, i);

    return next != UNIQUE_NONE && next < head_of(e, t) ? next : UNIQUE_NONE;
}

static void enter_head(const struct group *g, const struct frequency *t, struct entity *e,
                       uint32_t i)
{
    uint32_t previous = previous_of(g, t, e, i), count;

    if (previous == UNIQUE_NONE) {
        enter_alone(g, t, e, i);
        return;
    }
    count = count_of(g, t, e, previous)->v;
    join(g, t, e, previous - mate_of(g, t, e, previous)->v, i);
    set_count(g, t, e, i, count + 1);
    set_count(g, t, e, previous, 0);
    account(t, e, count, count + 1);
}

static void leave_head(const struct group *g, const struct frequency *t, struct entity *e,
                       uint32_t i)
{
    uint32_t previous = previous_of(g, t, e, i), count = count_of(g, t, e, i)->v;

    if (previous != UNIQUE_NONE) {
        join(g, t, e, i - mate_of(g, t, e, i)->v, previous);
        set_count(g, t, e, previous, count - 1);
    }
    set_count(g, t, e, i, 0);
    account(t, e, count, count - 1);
}

static void enter_tail(const struct group *g, const struct frequency *t, struct entity *e,
                       uint32_t i)
{
    uint32_t next = next_of(g, t, e, i), newest, count;

    if (next == UNIQUE_NONE) {
        enter_alone(g, t, e, i);
        return;
    }
    newest = next + mate_of(g, t, e, next)->v;
    count = count_of(g, t, e, newest)->v;
    join(g, t, e, i, newest);
    set_count(g, t, e, newest, count + 1);
    account(t, e, count, count + 1);
}

static void leave_tail(const struct group *g, const struct frequency *t, struct entity *e,
                       uint32_t i)
{
    uint32_t next = next_of(g, t, e, i), newest = i + mate_of(g, t, e, i)->v;
    uint32_t count = count_of(g, t, e, newest)->v;

    if (next != UNIQUE_NONE)
        join(g, t, e, next, newest);
    set_count(g, t, e, newest, count - 1);
    account(t, e, count, count - 1);
}

void frequency_pass(const struct group *g, const struct frequency *t, struct entity *e, uint32_t i,
                    bool is_head, int sign)
{
    if (!takes_part(g, t, e, i))
        return;
    if (is_head)
        (sign > 0 ? enter_head : leave_head)(g, t, e, i);
    else
        (sign > 0 ? leave_tail : enter_tail)(g, t, e, i);
}

void frequency_init(const struct group *g, const struct frequency *t, struct entity *e, uint32_t i)
{
    mate_of(g, t, e, i)->v = count_of(g, t, e, i)->v = 0;
}

/* Pairs of ends across the new event are one further apart. */
void frequency_shift(const struct group *g, const struct frequency *t, struct entity *e, uint32_t i)
{
    for (uint32_t k = i + 1; k < e->end; k++) {
        uint32_t by = mate_of(g, t, e, k)->v;

        if (count_of(g, t, e, k)->v > 0 && by > k - i - 1)
            join(g, t, e, k - by - 1, k);
    }
    frequency_rebuild(g, t, e, i);
}

/* An event in the middle of a chain is not at a cursor: only the newest of them changes. */
void frequency_insert(const struct group *g, const struct frequency *t, struct entity *e,
                      uint32_t i)
{
    uint32_t previous, next, newest, count;

    if (!takes_part(g, t, e, i) || i >= head_of(e, t) || i < tail_of(e, t))
        return;
    previous = previous_of(g, t, e, i);
    next = next_of(g, t, e, i);
    if (next == UNIQUE_NONE) {
        enter_head(g, t, e, i);
        return;
    }
    if (previous == UNIQUE_NONE) {
        enter_tail(g, t, e, i);
        return;
    }
    for (newest = next; count_of(g, t, e, newest)->v == 0;)
        newest = next_of(g, t, e, newest);
    count = count_of(g, t, e, newest)->v;
    set_count(g, t, e, newest, count + 1);
    account(t, e, count, count + 1);
}

void frequency_forget(const struct group *g, const struct frequency *t, struct entity *e)
{
    uint32_t i = e->first;

    if (takes_part(g, t, e, i) && i < head_of(e, t) && i >= tail_of(e, t))
        leave_tail(g, t, e, i);
}

/* ---- results */

/* Whether the current row counts, and how often its value occurs in the window without it. */
static bool find_now(const struct velocity *v, const struct group *g, const struct read *a,
                     const struct entity *e, uint32_t *count)
{
    const struct frequency *t = &g->frequencies[a->frequency];
    const struct unique *u = &g->uniques[t->unique];
    const struct current *now = v->current;
    uint32_t newest;

    *count = 0;
    if (!a->sees_now || !now->has_key || !test_passes(&a->takes_now, now->flags))
        return false;
    newest = unique_before(g, u, e, now->newest[t->unique], head_of(e, t));
    if (newest != UNIQUE_NONE && newest >= tail_of(e, t))
        *count = count_of(g, t, e, newest)->v;
    return true;
}

static void put_null(struct column *c, uint32_t row)
{
    c->null[row] = 1;
    if (c->type == TYPE_TEXT)
        c->text[row] = (struct text){"", 0};
    else
        c->integer[row] = 0;
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

/* log2 n - (sum of c log2 c) / n, from n log2 n of the same unit: exactly 0 for one value, and the
 * whole number of bits for 2, 4, 8, ... equally frequent ones. */
static void read_entropy(const struct frequency *t, const struct entity *e, bool now,
                         uint32_t count, struct column *c, uint32_t row)
{
    const char *at = (const char *)e + t->sums_at;
    uint64_t events;
    int128 sum;

    memcpy(&events, at, sizeof events);
    memcpy(&sum, at + sizeof events, sizeof sum);
    if (now) {
        events++;
        sum += weight_of((uint64_t)count + 1) - weight_of(count);
    }
    if (events == 0) {
        put_null(c, row);
        return;
    }
    c->null[row] = 0;
    c->real[row] = fixed_ratio(weight_of(events) - sum, (uint128)events << UNIT_LOG);
}

/* Where the current row makes its value as frequent as any, it is the one seen last. */
static void read_mode(const struct velocity *v, const struct group *g, const struct read *a,
                      const struct entity *e, bool now, uint32_t count, struct registers *r,
                      struct column *c)
{
    const struct frequency *t = &g->frequencies[a->frequency];
    const struct cell *cell = &g->cells[a->cell];
    uint32_t best = find_best(g, t, e), row = v->current->row;
    bool is_now = now && (best == UNIQUE_NONE || count + 1 >= count_of(g, t, e, best)->v);

    if (!is_now && best == UNIQUE_NONE) {
        put_null(c, row);
    } else if (cell->kind == CELL_TEXT) {
        if (!is_now && flag_get(entity_flags(g, e, best), cell->null_bit))
            put_null(c, row); /* there was no room for its text */
        else
            put_text(r, c, row,
                     is_now ? r->column[cell->node].text[row]
                            : text_kept(v, entity_word(g, e, best, cell->column)->v));
    } else {
        c->null[row] = 0;
        c->integer[row] =
            is_now ? v->current->value[cell->column] : entity_word(g, e, best, cell->column)->v;
    }
}

void frequency_read(const struct velocity *v, const struct group *g, const struct read *a,
                    const struct entity *e, struct registers *r, struct column *c)
{
    uint32_t count;
    bool now = find_now(v, g, a, e, &count);

    if (a->aggregate->kind == AGG_ENTROPY)
        read_entropy(&g->frequencies[a->frequency], e, now, count, c, v->current->row);
    else
        read_mode(v, g, a, e, now, count, r, c);
}
