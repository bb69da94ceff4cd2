#include "core/velocity/range.h"

#include <string.h>

#include "core/velocity/keep.h"

enum { FAN = 1 << RANGE_FAN_LOG };

uint32_t tree_words(uint32_t capacity)
{
    uint32_t words = 0;

    while (capacity > FAN) {
        capacity = (uint32_t)(((uint64_t)capacity + FAN - 1) >> RANGE_FAN_LOG);
        words += capacity;
    }
    return words;
}

bool range_is_better(const struct range *r, enum cell_kind kind, int64_t a, int64_t b)
{
    double x, y;

    if (kind != CELL_REAL)
        return r->op == RANGE_MIN ? a < b : a > b;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return r->op == RANGE_MIN ? x < y : x > y;
}

static bool takes_part(const struct group *g, const struct range *r, const struct entity *e,
                       uint32_t i)
{
    const uint8_t *flags = entity_flags(g, e, i);

    return passes(flags, r->where_bit) &&
           !(r->skip_null && flag_get(flags, g->cells[r->cell].null_bit));
}

/* The better of two events; RANGE_NONE is the worst. */
static uint32_t better(const struct group *g, const struct range *r, const struct entity *e,
                       uint32_t a, uint32_t b)
{
    const struct cell *c = &g->cells[r->cell];

    if (a == RANGE_NONE || b == RANGE_NONE)
        return a == RANGE_NONE ? b : a;
    if (r->op == RANGE_NEWEST)
        return a > b ? a : b;
    return range_is_better(r, c->kind, entity_word(g, e, a, c->column)->v,
                           entity_word(g, e, b, c->column)->v)
               ? a
               : b;
}

/* The largest aligned block that ends at `to` and does not begin before `from`: its level (0: one
 * event) and the word that stands for it. */
static unsigned block_at(uint32_t *tree, uint32_t capacity, uint32_t from, uint32_t to,
                         uint32_t **word)
{
    unsigned level = 0;
    uint32_t *words = tree;

    for (;;) {
        unsigned shift = (level + 1) * RANGE_FAN_LOG;

        if (capacity <= FAN || (to & (uint32_t)((1ull << shift) - 1)) != 0 ||
            to - from < 1ull << shift)
            return level;
        *word = &words[(to >> shift) - 1];
        capacity = (uint32_t)(((uint64_t)capacity + FAN - 1) >> RANGE_FAN_LOG);
        words += capacity;
        level++;
    }
}

uint32_t range_query(const struct group *g, const struct range *r, const struct entity *e,
                     uint32_t from, uint32_t to)
{
    uint32_t *tree, best = RANGE_NONE;

    if (!r->has_tree)
        return to > from ? to - 1 : RANGE_NONE;
    tree = entity_tree(g, e, r->tree);
    while (to > from) {
        uint32_t *word = NULL, found = RANGE_NONE;
        unsigned level = block_at(tree, e->capacity, from, to, &word);

        if (level > 0)
            found = *word - 1;
        else if (takes_part(g, r, e, to - 1))
            found = to - 1;
        best = better(g, r, e, best, found);
        if (r->op == RANGE_NEWEST && best != RANGE_NONE)
            return best;
        to -= (uint32_t)1 << (level * RANGE_FAN_LOG);
    }
    return best;
}

void range_append(const struct velocity *v, const struct group *g, const struct range *r,
                  struct entity *e, uint32_t i)
{
    uint32_t *words, capacity = e->capacity, at = i;

    if (!r->has_tree || !takes_part(g, r, e, i))
        return;
    words = entity_tree(g, e, r->tree);
    while (capacity > FAN) {
        at >>= RANGE_FAN_LOG;
        capacity = (uint32_t)(((uint64_t)capacity + FAN - 1) >> RANGE_FAN_LOG);
        region_touch(v->region, &words[at], sizeof *words);
        words[at] = better(g, r, e, words[at] - 1, i) + 1;
        words += capacity;
    }
}

static uint32_t best_of_events(const struct group *g, const struct range *r, const struct entity *e,
                               uint32_t block)
{
    uint32_t best = RANGE_NONE, from = block << RANGE_FAN_LOG, to = from + FAN;

    if (from < e->first)
        from = e->first;
    for (uint32_t i = from; i < to && i < e->end; i++) {
        if (takes_part(g, r, e, i))
            best = better(g, r, e, best, i);
    }
    return best;
}

void range_rebuild(const struct group *g, const struct range *r, struct entity *e, uint32_t from)
{
    uint32_t *below = NULL, *words, count_below = 0, capacity = e->capacity;

    if (!r->has_tree)
        return;
    words = entity_tree(g, e, r->tree);
    while (capacity > FAN) {
        uint32_t count = (uint32_t)(((uint64_t)capacity + FAN - 1) >> RANGE_FAN_LOG);

        from >>= RANGE_FAN_LOG;
        for (uint32_t at = from; at < count; at++) {
            uint32_t best = RANGE_NONE;

            if (below == NULL)
                best = best_of_events(g, r, e, at);
            for (uint32_t k = at * FAN; below != NULL && k < count_below && k < at * FAN + FAN; k++)
                best = better(g, r, e, best, below[k] - 1);
            words[at] = best + 1;
        }
        below = words;
        count_below = count;
        words += count;
        capacity = count;
    }
}

void range_drop(struct velocity *v, uint32_t group, const struct range *r, struct entity *e)
{
    const struct group *g = &v->layout->groups[group];
    const struct cell *c = &g->cells[r->cell];
    struct range_base *base;
    int64_t value = entity_word(g, e, e->first, c->column)->v;
    bool is_null = flag_get(entity_flags(g, e, e->first), c->null_bit);

    if (!r->has_base || !takes_part(g, r, e, e->first))
        return;
    base = range_base(r, e);
    if (base->has && r->op != RANGE_NEWEST && !range_is_better(r, c->kind, value, base->value))
        return;
    if (c->kind == CELL_TEXT) {
        text_free(v, group, base->value);
        value = is_null ? 0 : text_copy(v, group, value);
        is_null = value == 0;
    }
    *base = (struct range_base){.value = value, .has = 1, .is_null = is_null};
}

void range_free(struct velocity *v, uint32_t group, const struct range *r, struct entity *e)
{
    const struct group *g = &v->layout->groups[group];

    if (r->has_base && g->cells[r->cell].kind == CELL_TEXT)
        text_free(v, group, range_base(r, e)->value);
}
