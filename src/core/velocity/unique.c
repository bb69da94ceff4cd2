#include "core/velocity/unique.h"

#include "core/base/panic.h"
#include "core/velocity/evict.h"

enum { LINK_BASE = UINT32_MAX, INDEX_FIRST_LOG = 7, BASE_FIRST_LOG = 3, BASE_LAST_LOG = 30 };

static struct unique_state *state_of(const struct unique *u, const struct entity *e)
{
    return (struct unique_state *)((char *)e + u->state_at);
}

static bool is_token(const struct group *g, const struct unique *u)
{
    return g->cells[u->cell].kind == CELL_TOKEN;
}

/* Keyed, so that values that meet in one slot cannot be made up. */
static uint64_t hash_of(const struct velocity *v, const int64_t *value, bool token)
{
    const struct hash_key *k = &v->layout->options.key;

    if (token)
        return (uint64_t)value[0];
    return hash_mix(hash_mix((uint64_t)value[0] ^ k->k0) + k->k1);
}

/* The value of event `i` as a row has it. */
static void value_of(const struct group *g, const struct unique *u, const struct entity *e,
                     uint32_t i, int64_t value[2])
{
    uint32_t column = g->cells[u->cell].column;

    value[0] = entity_word(g, e, i, column)->v;
    value[1] = is_token(g, u) ? entity_word(g, e, i, column + 1)->v : 0;
}

static bool takes_part(const struct group *g, const struct unique *u, const struct entity *e,
                       uint32_t i)
{
    const uint8_t *flags = entity_flags(g, e, i);

    return passes(flags, u->where_bit) && !flag_get(flags, g->cells[u->cell].null_bit);
}

static bool has_value(const struct group *g, const struct unique *u, const struct entity *e,
                      uint32_t i, const int64_t *value)
{
    uint32_t column = g->cells[u->cell].column;

    return entity_word(g, e, i, column)->v == value[0] && takes_part(g, u, e, i) &&
           (!is_token(g, u) || entity_word(g, e, i, column + 1)->v == value[1]);
}

static uint32_t *index_slots(const struct velocity *v, const struct unique_state *s)
{
    return region_at(v->region, s->index);
}

/* The slot of the index that holds `value`'s newest occurrence, or the empty one where it goes. */
static uint32_t index_slot(const struct velocity *v, const struct group *g, const struct unique *u,
                           const struct entity *e, const int64_t *value)
{
    const struct unique_state *s = state_of(u, e);
    const uint32_t *slots = index_slots(v, s);
    uint32_t mask = (1u << s->index_log) - 1;
    uint32_t i = (uint32_t)hash_of(v, value, is_token(g, u)) & mask;

    while (slots[i] != 0 && !has_value(g, u, e, slots[i] - 1, value))
        i = (i + 1) & mask;
    return i;
}

uint32_t unique_newest(const struct velocity *v, const struct group *g, const struct unique *u,
                       const struct entity *e, const int64_t *value)
{
    const struct unique_state *s = state_of(u, e);

    if (e->end == e->first)
        return UNIQUE_NONE;
    if (s->index != 0) {
        uint32_t found = index_slots(v, s)[index_slot(v, g, u, e, value)];

        return found == 0 ? UNIQUE_NONE : found - 1;
    }
    for (uint32_t i = e->end; i-- > e->first;) {
        if (has_value(g, u, e, i, value))
            return i;
    }
    return UNIQUE_NONE;
}

uint32_t unique_before(const struct group *g, const struct unique *u, const struct entity *e,
                       uint32_t occurrence, uint32_t head)
{

    while (occurrence != UNIQUE_NONE && occurrence >= head) {
        uint32_t by = unique_back(g, u, e, occurrence)->v;

        occurrence = by == 0 || by > occurrence - e->first ? UNIQUE_NONE : occurrence - by;
    }
    return occurrence;
}

/* The set of dropped values: open addressing over words of 8 or 16 bytes; zero words mark empty
 * slots, so the value zero is kept beside. */
static size_t base_bytes(uint32_t log, bool token)
{
    return (size_t)(token ? 16 : 8) << log;
}

/* Values beside the value zero. */
static uint32_t base_room(uint32_t log)
{
    return (3u << log) / 4;
}

uint64_t unique_values_max(const struct group *g, const struct unique *u, size_t bytes)
{
    uint32_t log = BASE_FIRST_LOG;

    if (base_bytes(log, is_token(g, u)) > bytes)
        return 0;
    while (log < BASE_LAST_LOG && base_bytes(log + 1, is_token(g, u)) <= bytes)
        log++;
    return base_room(log);
}

static bool base_find(const struct velocity *v, const struct unique_state *s, bool token,
                      const int64_t *value, uint64_t *at)
{
    const int64_t *words = region_at(v->region, s->base);
    uint64_t mask = (1ull << s->base_log) - 1, step = token ? 2 : 1;
    uint64_t i = hash_of(v, value, token) & mask;

    for (;; i = (i + 1) & mask) {
        const int64_t *slot = &words[i * step];

        *at = i * step;
        if (slot[0] == value[0] && (!token || slot[1] == value[1]))
            return true;
        if (slot[0] == 0 && (!token || slot[1] == 0))
            return false;
    }
}

static bool is_zero(const int64_t *value, bool token)
{
    return value[0] == 0 && (!token || value[1] == 0);
}

bool unique_in_base(const struct velocity *v, const struct group *g, const struct unique *u,
                    const struct entity *e, const int64_t *value)
{
    const struct unique_state *s = state_of(u, e);
    bool token = is_token(g, u);
    uint64_t at;

    if (!u->has_base)
        return false;
    if (is_zero(value, token))
        return s->base_zero != 0;
    return s->base != 0 && base_find(v, s, token, value, &at);
}

static bool base_grow(struct velocity *v, uint32_t group, struct unique_state *s, bool token)
{
    struct unique_state larger = *s;
    size_t bytes;

    larger.base_log = s->base == 0 ? BASE_FIRST_LOG : s->base_log + 1;
    if (larger.base_log > BASE_LAST_LOG)
        return false;
    bytes = base_bytes(larger.base_log, token);
    if (bytes > room_entity_bytes(v, group))
        return false;
    larger.base = room_alloc(v, group, bytes);
    if (larger.base == 0)
        return false;
    for (uint64_t i = 0; s->base != 0 && i < 1ull << s->base_log; i++) {
        const int64_t *from = (int64_t *)region_at(v->region, s->base) + i * (token ? 2 : 1);
        uint64_t at;

        if (is_zero(from, token))
            continue;
        (void)base_find(v, &larger, token, from, &at);
        ((int64_t *)region_at(v->region, larger.base))[at] = from[0];
        if (token)
            ((int64_t *)region_at(v->region, larger.base))[at + 1] = from[1];
    }
    if (s->base != 0)
        room_free(v, group, s->base, base_bytes(s->base_log, token));
    *s = larger;
    return true;
}

static void base_add(struct velocity *v, uint32_t group, struct unique_state *s, bool token,
                     const int64_t *value)
{
    int64_t *words;
    uint64_t at;

    if (is_zero(value, token)) {
        s->base_zero = 1;
        return;
    }
    if (s->base != 0 && base_find(v, s, token, value, &at))
        return;
    if (s->base == 0 || s->base_used + 1 > base_room(s->base_log)) {
        if (!base_grow(v, group, s, token)) { /* forgotten: it will look new again */
            v->state[group].counts.dropped++;
            return;
        }
    }
    (void)base_find(v, s, token, value, &at);
    words = region_at(v->region, s->base);
    region_touch(v->region, &words[at], token ? 16 : 8);
    words[at] = value[0];
    if (token)
        words[at + 1] = value[1];
    s->base_used++;
}

static void index_free(struct velocity *v, uint32_t group, struct unique_state *s)
{
    if (s->index != 0)
        room_free(v, group, s->index, (size_t)4 << s->index_log);
    s->index = 0;
    s->index_log = 0;
}

/* Without room there is no index and lookups scan: slow, but right. */
void unique_rebuild(struct velocity *v, uint32_t group, const struct unique *u, struct entity *e)
{
    const struct group *g = &v->layout->groups[group];
    struct unique_state *s = state_of(u, e);
    uint32_t log = INDEX_FIRST_LOG;

    while ((1ull << log) < (uint64_t)e->capacity * 3 / 2)
        log++;
    index_free(v, group, s);
    if (e->end - e->first <= UNIQUE_SCAN)
        return;
    s->index = room_try(v, group, (size_t)4 << log);
    if (s->index == 0)
        return;
    s->index_log = log;
    for (uint32_t i = e->first; i < e->end; i++) {
        int64_t value[2];

        if (!takes_part(g, u, e, i) || unique_ahead(g, u, e, i)->v != 0)
            continue;
        value_of(g, u, e, i, value);
        index_slots(v, s)[index_slot(v, g, u, e, value)] = i + 1;
    }
}

static void index_set(const struct velocity *v, uint32_t *slot, uint32_t value)
{
    region_touch(v->region, slot, sizeof *slot);
    *slot = value;
}

/* Link `i` behind `previous` (or UNIQUE_NONE) and before `next`. */
static void link_between(const struct velocity *v, const struct group *g, const struct unique *u,
                         struct entity *e, uint32_t previous, uint32_t i, uint32_t next,
                         bool in_base)
{
    if (previous != UNIQUE_NONE)
        entity_touch_event(v, g, e, previous);
    if (next != UNIQUE_NONE)
        entity_touch_event(v, g, e, next);
    unique_back(g, u, e, i)->v = previous != UNIQUE_NONE ? i - previous : in_base ? LINK_BASE : 0;
    unique_ahead(g, u, e, i)->v = next != UNIQUE_NONE ? next - i : 0;
    if (previous != UNIQUE_NONE)
        unique_ahead(g, u, e, previous)->v = i - previous;
    if (next != UNIQUE_NONE)
        unique_back(g, u, e, next)->v = next - i;
}

void unique_append(struct velocity *v, uint32_t group, const struct unique *u, struct entity *e,
                   uint32_t i)
{
    const struct group *g = &v->layout->groups[group];
    struct unique_state *s = state_of(u, e);
    uint32_t previous;
    int64_t value[2];

    unique_back(g, u, e, i)->v = unique_ahead(g, u, e, i)->v = 0;
    if (!takes_part(g, u, e, i))
        return;
    value_of(g, u, e, i, value);
    e->end--; /* look among the others */
    previous = unique_newest(v, g, u, e, value);
    e->end++;
    link_between(v, g, u, e, previous, i, UNIQUE_NONE,
                 previous == UNIQUE_NONE && unique_in_base(v, g, u, e, value));
    if (s->index != 0)
        index_set(v, &index_slots(v, s)[index_slot(v, g, u, e, value)], i + 1);
}

/* Distances across the new index grew by one; occurrences behind it moved by one. */
static void shift_links(struct velocity *v, const struct group *g, const struct unique *u,
                        struct entity *e, uint32_t i)
{

    for (uint32_t k = i + 1; k < e->end; k++) {
        uint32_t by = unique_back(g, u, e, k)->v;

        if (by == 0 || by == LINK_BASE || by <= k - i - 1)
            continue;
        unique_back(g, u, e, k)->v++;
        if (by <= k - 1 - e->first) /* else the other one is dropped */
            unique_ahead(g, u, e, k - by - 1)->v++;
    }
}

/* Moved events are in the index under the index before; from the last on, so that no two agree. */
static void shift_index(struct velocity *v, const struct group *g, const struct unique *u,
                        struct entity *e, uint32_t i)
{
    struct unique_state *s = state_of(u, e);
    uint32_t *slots = index_slots(v, s), mask = (1u << s->index_log) - 1;

    for (uint32_t k = e->end; k-- > i + 1;) {
        int64_t value[2];
        uint32_t at;

        if (!takes_part(g, u, e, k) || unique_ahead(g, u, e, k)->v != 0)
            continue;
        value_of(g, u, e, k, value);
        at = (uint32_t)hash_of(v, value, is_token(g, u)) & mask;
        while (slots[at] != k)
            at = (at + 1) & mask;
        index_set(v, &slots[at], k + 1);
    }
}

void unique_insert(struct velocity *v, uint32_t group, const struct unique *u, struct entity *e,
                   uint32_t i)
{
    const struct group *g = &v->layout->groups[group];
    struct unique_state *s = state_of(u, e);
    uint32_t newest, previous, next;
    int64_t value[2];
    uint8_t *flags = entity_flags(g, e, i);
    int null_bit = g->cells[u->cell].null_bit;
    bool part = takes_part(g, u, e, i);

    shift_links(v, g, u, e, i);
    if (s->index != 0)
        shift_index(v, g, u, e, i);
    unique_back(g, u, e, i)->v = unique_ahead(g, u, e, i)->v = 0;
    if (!part)
        return;
    value_of(g, u, e, i, value);
    flag_set(flags, null_bit, true); /* hidden from the search for the others */
    newest = unique_newest(v, g, u, e, value);
    flag_set(flags, null_bit, false);
    previous = unique_before(g, u, e, newest, i);
    next = newest;
    if (newest == UNIQUE_NONE || newest < i) {
        next = UNIQUE_NONE;
    } else {
        uint32_t earlier;

        while ((earlier = unique_before(g, u, e, next, next)) != UNIQUE_NONE && earlier > i)
            next = earlier;
    }
    link_between(v, g, u, e, previous, i, next,
                 previous == UNIQUE_NONE && unique_in_base(v, g, u, e, value));
    if (s->index != 0 && next == UNIQUE_NONE)
        index_set(v, &index_slots(v, s)[index_slot(v, g, u, e, value)], i + 1);
}

/* Take the value of `i`, whose newest occurrence that is, out of the index (backward shift). */
static void index_remove(struct velocity *v, const struct group *g, const struct unique *u,
                         struct entity *e, const int64_t *of)
{
    struct unique_state *s = state_of(u, e);
    uint32_t *slots = index_slots(v, s), mask = (1u << s->index_log) - 1;
    uint32_t hole = index_slot(v, g, u, e, of);

    for (uint32_t i = (hole + 1) & mask; slots[i] != 0; i = (i + 1) & mask) {
        int64_t value[2];
        uint32_t home;

        value_of(g, u, e, slots[i] - 1, value);
        home = (uint32_t)hash_of(v, value, is_token(g, u)) & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        index_set(v, &slots[hole], slots[i]);
        hole = i;
    }
    index_set(v, &slots[hole], 0);
}

void unique_drop(struct velocity *v, uint32_t group, const struct unique *u, struct entity *e)
{
    const struct group *g = &v->layout->groups[group];
    struct unique_state *s = state_of(u, e);
    uint32_t i = e->first;
    int64_t value[2];

    if (!takes_part(g, u, e, i))
        return;
    value_of(g, u, e, i, value);
    if (s->index != 0 && unique_ahead(g, u, e, i)->v == 0)
        index_remove(v, g, u, e, value);
    if (u->has_base)
        base_add(v, group, s, is_token(g, u), value);
}

void unique_free(struct velocity *v, uint32_t group, const struct unique *u, struct entity *e)
{
    struct unique_state *s = state_of(u, e);
    bool token = is_token(&v->layout->groups[group], u);

    index_free(v, group, s);
    if (s->base != 0)
        room_free(v, group, s->base, base_bytes(s->base_log, token));
}
