#include "core/velocity/order.h"

#include <string.h>

#include "core/base/fixed.h"

enum {
    FAN_LOG = 5,
    FAN = 1 << FAN_LOG,
    LEVELS_MAX = 6,        /* of 2^30 events */
    SINGLES_MAX = 2 * FAN, /* and the current row */
    RUNS_MAX = 2 * FAN * LEVELS_MAX + 1,
    FEW = 32, /* values that are sorted to find one by its place */
    MILLION = 1000000,
};

/* ---- values whose order as integers is theirs */

static int64_t order_of_bits(int64_t bits)
{
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

static int64_t key_of(const struct cell *c, int64_t value)
{
    return c->kind == CELL_REAL ? order_of_bits(value) : value;
}

static double real_of(int64_t key)
{
    int64_t bits = order_of_bits(key); /* its own inverse */
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Whether event `i` has a value; which through *key. */
static bool take_key(const struct group *g, const struct order *o, const struct entity *e,
                     uint32_t i, int64_t *key)
{
    const struct cell *c = &g->cells[o->cell];
    const uint8_t *flags = entity_flags(g, e, i);

    if (!passes(flags, o->where_bit) || flag_get(flags, c->null_bit))
        return false;
    *key = key_of(c, entity_word(g, e, i, c->column)->v);
    return true;
}

/* ---- runs: of each level its sorted values, then how many there are */

struct level {
    int64_t *key;   /* a run's begin at its first event's index */
    int64_t *count; /* by run */
    unsigned shift;
};

size_t order_words(uint32_t capacity)
{
    size_t words = 0;

    for (unsigned shift = FAN_LOG; capacity >> shift != 0; shift += FAN_LOG) {
        size_t runs = capacity >> shift;

        words += (runs << shift) + runs;
    }
    return words;
}

static int find_levels(const struct group *g, const struct order *o, const struct entity *e,
                       struct level *level)
{
    int64_t *words = entity_orders(g, e) + o->number * order_words(e->capacity);
    int levels = 0;

    for (unsigned shift = FAN_LOG; e->capacity >> shift != 0; shift += FAN_LOG) {
        size_t runs = e->capacity >> shift;

        level[levels++] = (struct level){words, words + (runs << shift), shift};
        words += (runs << shift) + runs;
    }
    return levels;
}

/* Number of keys of a sorted list that are below `key`, or at most `key`. */
static uint32_t count_below(const int64_t *list, uint32_t count, int64_t key, bool or_equal)
{
    uint32_t from = 0, to = count;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (list[middle] < key || (or_equal && list[middle] == key))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void add_key(int64_t *list, uint32_t count, int64_t key)
{
    uint32_t at = count_below(list, count, key, true);

    memmove(list + at + 1, list + at, (count - at) * sizeof *list);
    list[at] = key;
}

/* The key is there. */
static void remove_key(int64_t *list, uint32_t count, int64_t key)
{
    uint32_t at = count_below(list, count, key, false);

    memmove(list + at, list + at + 1, (count - at - 1) * sizeof *list);
}

static void sort_few(int64_t *list, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        int64_t key = list[i];
        uint32_t at = i;

        for (; at > 0 && list[at - 1] > key; at--)
            list[at] = list[at - 1];
        list[at] = key;
    }
}

static void make_first(const struct group *g, const struct order *o, const struct entity *e,
                       const struct level *l, uint32_t run)
{
    int64_t *list = l->key + ((size_t)run << FAN_LOG);
    uint32_t count = 0;

    for (uint32_t i = run << FAN_LOG; i < (run + 1) << FAN_LOG; i++)
        count += take_key(g, o, e, i, &list[count]);
    sort_few(list, count);
    l->count[run] = count;
}

/* A run that is being merged into the one above it. */
struct source {
    const int64_t *at, *end;
};

static void sift(struct source *heap, int count, int i)
{
    struct source moving = heap[i];

    for (;;) {
        int child = 2 * i + 1;

        if (child >= count)
            break;
        if (child + 1 < count && *heap[child + 1].at < *heap[child].at)
            child++;
        if (*moving.at <= *heap[child].at)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moving;
}

static void make_merged(const struct level *below, const struct level *l, uint32_t run)
{
    int64_t *to = l->key + ((size_t)run << l->shift), *first = to;
    struct source heap[FAN];
    int count = 0;

    for (uint32_t child = run << FAN_LOG; child < (run + 1) << FAN_LOG; child++) {
        const int64_t *list = below->key + ((size_t)child << below->shift);

        if (below->count[child] > 0)
            heap[count++] = (struct source){list, list + below->count[child]};
    }
    for (int i = count / 2; i-- > 0;)
        sift(heap, count, i);
    while (count > 0) {
        *to++ = *heap[0].at++;
        if (heap[0].at == heap[0].end)
            heap[0] = heap[--count];
        if (count > 0)
            sift(heap, count, 0);
    }
    l->count[run] = to - first;
}

static void make_run(const struct group *g, const struct order *o, const struct entity *e,
                     const struct level *levels, int level, uint32_t run)
{
    if (level == 0)
        make_first(g, o, e, &levels[0], run);
    else
        make_merged(&levels[level - 1], &levels[level], run);
}

void order_append(const struct group *g, const struct order *o, struct entity *e, uint32_t i)
{
    struct level level[LEVELS_MAX];
    int levels;

    if (((i + 1) & (FAN - 1)) != 0)
        return;
    levels = find_levels(g, o, e, level);
    for (int k = 0; k < levels && ((i + 1) & ((1u << level[k].shift) - 1)) == 0; k++)
        make_run(g, o, e, level, k, i >> level[k].shift);
}

void order_rebuild(const struct group *g, const struct order *o, struct entity *e)
{
    struct level level[LEVELS_MAX];
    int levels = find_levels(g, o, e, level);

    for (int k = 0; k < levels; k++) {
        for (uint32_t run = 0; run < e->end >> level[k].shift; run++)
            make_run(g, o, e, level, k, run);
    }
}

/* A whole run, the first of whose events that are new to it is `gained`, and that lost the event
 * now just behind it. */
static void change_run(const struct group *g, const struct order *o, const struct entity *e,
                       const struct level *l, uint32_t run, uint32_t gained)
{
    int64_t *list = l->key + ((size_t)run << l->shift), key;

    if (take_key(g, o, e, (run + 1) << l->shift, &key))
        remove_key(list, (uint32_t)l->count[run]--, key);
    if (take_key(g, o, e, gained, &key))
        add_key(list, (uint32_t)l->count[run]++, key);
}

void order_insert(const struct group *g, const struct order *o, struct entity *e, uint32_t i)
{
    struct level level[LEVELS_MAX];
    int levels = find_levels(g, o, e, level);

    for (int k = 0; k < levels; k++) {
        uint32_t first = i >> level[k].shift, whole = (e->end - 1) >> level[k].shift;

        for (uint32_t run = first; run < whole; run++)
            change_run(g, o, e, &level[k], run, run == first ? i : run << level[k].shift);
    }
    order_append(g, o, e, e->end - 1);
}

/* ---- a window as sorted lists */

struct list {
    const int64_t *key;
    uint32_t count;
};

struct window {
    struct list list[RUNS_MAX];
    int lists;
    uint64_t count;
    int64_t single[SINGLES_MAX];
};

static void add_list(struct window *w, const int64_t *key, uint32_t count)
{
    if (count > 0)
        w->list[w->lists++] = (struct list){key, count};
    w->count += count;
}

/* The largest run that ends at `to` and does not begin before `from`; its level, or -1. */
static int run_before(const struct level *level, int levels, uint32_t from, uint32_t to)
{
    int found = -1;

    while (found + 1 < levels) {
        uint32_t size = 1u << level[found + 1].shift;

        if ((to & (size - 1)) != 0 || to - from < size)
            break;
        found++;
    }
    return found;
}

/* Events [from, to), and the current row's value where it counts. */
static void find_window(const struct group *g, const struct order *o, const struct entity *e,
                        uint32_t from, uint32_t to, const int64_t *now, struct window *w)
{
    struct level level[LEVELS_MAX];
    int levels = find_levels(g, o, e, level);
    uint32_t singles = 0;

    w->lists = 0;
    w->count = 0;
    while (to > from) {
        int k = run_before(level, levels, from, to);

        if (k < 0) {
            to--;
            singles += take_key(g, o, e, to, &w->single[singles]);
        } else {
            to -= 1u << level[k].shift;
            add_list(w, level[k].key + to, (uint32_t)level[k].count[to >> level[k].shift]);
        }
    }
    if (now != NULL)
        w->single[singles++] = *now;
    sort_few(w->single, singles);
    add_list(w, w->single, singles);
}

static uint64_t rank_of(const struct window *w, int64_t key, bool or_equal)
{
    uint64_t count = 0;

    for (int i = 0; i < w->lists; i++)
        count += count_below(w->list[i].key, w->list[i].count, key, or_equal);
    return count;
}

/* Keep the keys up to `middle`, or those above it; without lists that became empty. */
static void keep_half(struct list *list, int *lists, const uint32_t *below, bool lower)
{
    int kept = 0;

    for (int i = 0; i < *lists; i++) {
        struct list l = list[i];

        if (lower)
            l.count = below[i];
        else
            l = (struct list){l.key + below[i], l.count - below[i]};
        if (l.count > 0)
            list[kept++] = l;
    }
    *lists = kept;
}

static int64_t select_few(const struct list *list, int lists, uint64_t place)
{
    int64_t few[FEW] = {0};
    uint32_t count = 0;

    for (int i = 0; i < lists; i++) {
        memcpy(few + count, list[i].key, list[i].count * sizeof *few);
        count += list[i].count;
    }
    sort_few(few, count);
    return few[place];
}

/* The key of a place from 0 on. The range of keys is halved until few are left in it, which takes
 * at most 64 steps whatever the keys are. */
static int64_t select_key(const struct window *w, uint64_t place)
{
    struct list list[RUNS_MAX];
    int lists = w->lists;
    uint64_t count = w->count;
    int64_t least = INT64_MAX, most = INT64_MIN;

    memcpy(list, w->list, (size_t)lists * sizeof *list);
    for (int i = 0; i < lists; i++) {
        least = list[i].key[0] < least ? list[i].key[0] : least;
        most = list[i].key[list[i].count - 1] > most ? list[i].key[list[i].count - 1] : most;
    }
    while (count > FEW && least < most) {
        int64_t middle = least + (int64_t)(((uint64_t)most - (uint64_t)least) / 2);
        uint32_t below[RUNS_MAX];
        uint64_t lower = 0;

        for (int i = 0; i < lists; i++)
            lower += below[i] = count_below(list[i].key, list[i].count, middle, true);
        keep_half(list, &lists, below, place < lower);
        if (place < lower) {
            most = middle;
            count = lower;
        } else {
            least = middle + 1;
            place -= lower;
            count -= lower;
        }
    }
    return least == most ? least : select_few(list, lists, place);
}

/* The key after that of `place`, which is `key`. */
static int64_t select_next(const struct window *w, uint64_t place, int64_t key)
{
    int64_t next = INT64_MAX;
    uint64_t most = 0;

    for (int i = 0; i < w->lists; i++) {
        const struct list *l = &w->list[i];
        uint32_t at = count_below(l->key, l->count, key, true);

        most += at;
        if (at < l->count && l->key[at] < next)
            next = l->key[at];
    }
    return most > place + 1 ? key : next;
}

/* Between a and b at part / 10^6 of the way, rounded once from integers. */
static double between(const struct cell *c, int64_t a, int64_t b, uint64_t part, uint64_t units)
{
    double right = (double)part / MILLION;

    if (c->kind != CELL_REAL)
        return fixed_ratio((int128)a * (MILLION - (int64_t)part) + (int128)b * (int64_t)part,
                           (uint128)units * MILLION);
    return a == b || part == 0 ? real_of(a) : real_of(a) * (1 - right) + real_of(b) * right;
}

static void put_real(struct column *c, uint32_t row, double value)
{
    c->null[row] = 0;
    c->real[row] = value == 0 ? 0 : value;
}

static void put_null(struct column *c, uint32_t row)
{
    c->null[row] = 1;
    c->integer[row] = 0;
}

static void put_quantile(const struct read *a, const struct cell *cell, const struct window *w,
                         struct column *c, uint32_t row)
{
    uint64_t place, part;
    int64_t key, next;

    if (w->count == 0) {
        put_null(c, row);
        return;
    }
    place = (w->count - 1) * (uint64_t)a->aggregate->param;
    part = place % MILLION;
    place /= MILLION;
    key = select_key(w, place);
    next = part > 0 ? select_next(w, place, key) : key;
    put_real(c, row, between(cell, key, next, part, a->units));
}

static void put_rank(const struct window *w, int64_t key, struct column *c, uint32_t row)
{
    uint64_t twice = rank_of(w, key, false) + rank_of(w, key, true); /* less + (less + equal) */

    put_real(c, row, fixed_ratio((int128)twice, (uint128)w->count * 2));
}

void order_read(const struct velocity *v, const struct group *g, const struct read *a,
                const struct entity *e, const struct entity *state, struct column *c)
{
    const struct order *o = &g->orders[a->order];
    const struct cell *cell = &g->cells[o->cell];
    const struct current *now = v->current;
    const uint32_t *cursor = entity_cursors(state);
    bool is_null = flag_get(now->flags, cell->null_bit);
    int64_t key = key_of(cell, now->value[cell->column]);
    bool counts = a->sees_now && now->has_key && test_passes(&a->takes_now, now->flags);
    struct window w;

    find_window(g, o, e, cursor[a->lo], cursor[a->hi], counts ? &key : NULL, &w);
    if (a->aggregate->kind == AGG_QUANTILE)
        put_quantile(a, cell, &w, c, now->row);
    else if (is_null || w.count == 0)
        put_null(c, now->row);
    else
        put_rank(&w, key, c, now->row);
}
