#include "core/velocity/step.h"

#include <string.h>

#include "core/velocity/evict.h"
#include "core/velocity/range.h"
#include "core/velocity/window.h"

enum { RECORDS_MORE = 4 };

/* The records of one entity, [first, end) of a block. */
struct step_state {
    region_ref block;
    uint32_t capacity;
    uint32_t first, end;
};

/* Before its sums and extremes; see struct step. */
struct record {
    int64_t bucket;
};

struct extreme {
    int64_t value;
    int64_t has;
};

_Static_assert(sizeof(struct step_state) == STEP_STATE_BYTES, "layout.c places it");
_Static_assert(sizeof(struct record) == STEP_RECORD_HEAD, "layout.c places it");
_Static_assert(sizeof(struct extreme) == STEP_EXTREME_BYTES, "layout.c places it");

static struct step_state *state_of(const struct step *s, const struct entity *e)
{
    return (struct step_state *)((char *)e + s->state_at);
}

static struct record *record_at(const struct velocity *v, const struct step *s,
                                const struct step_state *state, uint32_t i)
{
    return (struct record *)((char *)region_at(v->region, state->block) +
                             (size_t)i * s->record_bytes);
}

static uint32_t *index_of(const struct step_cursor *c, const struct entity *state)
{
    return (uint32_t *)((char *)state + c->index_at);
}

static int64_t bucket_of(const struct step *s, int64_t t)
{
    int64_t bucket = t / s->step_us;

    return bucket - (t % s->step_us < 0);
}

/* The first bucket that a cursor has not passed at time t. */
static int64_t bucket_at(const struct step *s, const struct step_cursor *c, int64_t t)
{
    return bucket_of(s, time_before(t, c->offset_us));
}

/* ---- sums */

static void add_words(uint64_t *to, const uint64_t *from, int words, int sign)
{
    uint64_t carry = 0;

    for (int i = 0; i < words; i++) {
        uint128 r = sign > 0 ? (uint128)to[i] + from[i] + carry : (uint128)to[i] - from[i] - carry;

        to[i] = (uint64_t)r;
        carry = (uint64_t)(r >> 64) & 1;
    }
}

/* A cursor keeps its sums as a record does. */
static void add_record(const struct step *s, const struct step_cursor *c, struct entity *state,
                       const struct record *r, int sign)
{
    char *to = (char *)state + c->sums_at;
    const char *from = (const char *)r + sizeof *r;

    for (uint32_t k = 0; k < s->term_count; k++) {
        const struct term *t = &s->terms[k];

        if (t->parts & PART_COUNT)
            add_words((uint64_t *)(to + t->count_at), (uint64_t *)(from + t->count_at), 1, sign);
        if (t->parts & PART_SUM)
            add_words((uint64_t *)(to + t->sum_at), (uint64_t *)(from + t->sum_at), 2, sign);
        if (t->parts & PART_SQUARES)
            add_words((uint64_t *)(to + t->squares_at), (uint64_t *)(from + t->squares_at), 3,
                      sign);
    }
}

static void add_event(const struct group *g, const struct step *s, void *sums, const uint8_t *event)
{
    for (uint32_t k = 0; k < s->term_count; k++)
        window_term(&s->terms[k], sums, event, event + g->flags_at, 1);
}

/* ---- cursors */

void step_seek(const struct velocity *v, const struct group *g, const struct entity *e,
               struct entity *state, int64_t t)
{
    for (uint32_t i = 0; i < g->step_count; i++) {
        const struct step *s = &g->steps[i];
        const struct step_state *records = state_of(s, e);

        for (uint32_t k = 0; k < s->cursor_count; k++) {
            const struct step_cursor *c = &s->cursors[k];
            uint32_t *at = index_of(c, state);
            int64_t bucket = bucket_at(s, c, t);

            while (*at < records->end && record_at(v, s, records, *at)->bucket < bucket)
                add_record(s, c, state, record_at(v, s, records, (*at)++), 1);
            while (*at > records->first && record_at(v, s, records, *at - 1)->bucket >= bucket)
                add_record(s, c, state, record_at(v, s, records, --*at), -1);
        }
    }
}

/* ---- records */

static size_t block_bytes(const struct step *s, uint32_t capacity)
{
    return (size_t)s->record_bytes * capacity;
}

static void move_down(const struct velocity *v, const struct step *s, struct entity *e)
{
    struct step_state *records = state_of(s, e);

    region_touch(v->region, record_at(v, s, records, 0), block_bytes(s, records->end));
    memmove(record_at(v, s, records, 0), record_at(v, s, records, records->first),
            block_bytes(s, records->end - records->first));
    for (uint32_t k = 0; k < s->cursor_count; k++)
        *index_of(&s->cursors[k], e) -= records->first;
    records->end -= records->first;
    records->first = 0;
}

static bool grow(struct velocity *v, uint32_t group, const struct step *s, struct entity *e)
{
    struct step_state *records = state_of(s, e), old = *records;
    uint32_t capacity = old.capacity + old.capacity / 4 + RECORDS_MORE;
    size_t bytes = region_class_bytes(block_bytes(s, capacity));
    region_ref block = bytes > room_entity_bytes(v, group) ? 0 : room_alloc(v, group, bytes);

    if (block == 0)
        return false;
    records->block = block;
    records->capacity = (uint32_t)(bytes / s->record_bytes);
    if (old.block != 0) {
        memcpy(record_at(v, s, records, 0), record_at(v, s, &old, 0), block_bytes(s, old.end));
        room_free(v, group, old.block, block_bytes(s, old.capacity));
    }
    return true;
}

/* Windows that reach back to the bucket lack events. */
static void note_forgotten(const struct step *s, struct entity *e, int64_t bucket)
{
    int64_t until_us = (bucket + 1) * s->step_us;

    if (until_us > e->forgotten_us)
        e->forgotten_us = until_us;
}

/* The oldest record leaves all windows, though they may hold it. */
static void forget_first(struct velocity *v, uint32_t group, const struct step *s, struct entity *e)
{
    struct step_state *records = state_of(s, e);

    for (uint32_t k = 0; k < s->cursor_count; k++) {
        uint32_t *at = index_of(&s->cursors[k], e);

        if (*at > records->first)
            continue;
        add_record(s, &s->cursors[k], e, record_at(v, s, records, records->first), 1);
        *at = records->first + 1;
    }
    note_forgotten(s, e, record_at(v, s, records, records->first)->bucket);
    records->first++;
    v->state[group].counts.dropped++;
}

/* Room for one more record; false where there is none at all. */
static bool make_room(struct velocity *v, uint32_t group, const struct step *s, struct entity *e)
{
    struct step_state *records = state_of(s, e);

    if (records->end < records->capacity)
        return true;
    if (records->first <= records->capacity / 4) {
        if (grow(v, group, s, e))
            return true;
        if (records->capacity == 0)
            return false;
        if (records->first == 0)
            forget_first(v, group, s, e);
    }
    move_down(v, s, e);
    return true;
}

/* Where the bucket's record is or goes. */
static uint32_t find(const struct velocity *v, const struct step *s, const struct entity *e,
                     int64_t bucket)
{
    const struct step_state *records = state_of(s, e);
    uint32_t from = records->first, to = records->end;

    if (to > from && record_at(v, s, records, to - 1)->bucket <= bucket)
        return record_at(v, s, records, to - 1)->bucket == bucket ? to - 1 : to;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (record_at(v, s, records, middle)->bucket < bucket)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* The record of a bucket, made where there is none; NULL without room. */
static struct record *record_of(struct velocity *v, uint32_t group, const struct step *s,
                                struct entity *e, int64_t bucket)
{
    struct step_state *records = state_of(s, e);
    uint32_t i = find(v, s, e, bucket);
    struct record *r;

    if (i < records->end && record_at(v, s, records, i)->bucket == bucket) {
        r = record_at(v, s, records, i);
        region_touch(v->region, r, s->record_bytes);
        return r;
    }
    if (!make_room(v, group, s, e))
        return NULL;
    i = find(v, s, e, bucket);
    r = record_at(v, s, records, i);
    region_touch(v->region, r, block_bytes(s, records->end + 1 - i));
    memmove((char *)r + s->record_bytes, r, block_bytes(s, records->end - i));
    memset(r, 0, s->record_bytes);
    r->bucket = bucket;
    records->end++;
    for (uint32_t k = 0; k < s->cursor_count; k++) {
        uint32_t *at = index_of(&s->cursors[k], e);

        if (*at > i || (*at == i && bucket < bucket_at(s, &s->cursors[k], e->newest_us)))
            ++*at;
    }
    return r;
}

static void add_extremes(const struct group *g, const struct step *s, struct record *r,
                         const uint8_t *event)
{
    for (uint32_t k = 0; k < s->extreme_count; k++) {
        const struct range *x = &s->extremes[k];
        const struct cell *c = &g->cells[x->cell];
        struct extreme *kept = (struct extreme *)((char *)r + x->base_at);
        int64_t value = ((const struct packed64 *)event)[c->column].v;
        const uint8_t *flags = event + g->flags_at;

        if (!passes(flags, x->where_bit) || flag_get(flags, c->null_bit))
            continue;
        if (!kept->has || range_is_better(x, c->kind, value, kept->value))
            *kept = (struct extreme){value, 1};
    }
}

/* Without room for a record the event counts in no window: at both ends of each. */
void step_add(struct velocity *v, uint32_t group, const struct step *s, struct entity *e,
              uint32_t i)
{
    const struct group *g = &v->layout->groups[group];
    const uint8_t *event = entity_event(g, e, i);
    int64_t bucket = bucket_of(s, entity_time(g, e, i));
    struct record *r = record_of(v, group, s, e, bucket);

    for (uint32_t k = 0; k < s->cursor_count; k++) {
        const struct step_cursor *c = &s->cursors[k];

        if (r == NULL || bucket < bucket_at(s, c, e->newest_us))
            add_event(g, s, (char *)e + c->sums_at, event);
    }
    if (r == NULL) {
        note_forgotten(s, e, bucket);
        v->state[group].counts.dropped++;
        return;
    }
    add_event(g, s, (char *)r + sizeof *r, event);
    add_extremes(g, s, r, event);
}

static bool all_passed(const struct step *s, const struct entity *e, uint32_t i)
{
    for (uint32_t k = 0; k < s->cursor_count; k++) {
        if (*index_of(&s->cursors[k], e) <= i)
            return false;
    }
    return true;
}

void step_trim(struct velocity *v, const struct group *g, struct entity *e, int64_t oldest_us)
{
    for (uint32_t i = 0; i < g->step_count; i++) {
        const struct step *s = &g->steps[i];
        struct step_state *records = state_of(s, e);
        int64_t bucket = bucket_of(s, time_before(oldest_us, s->longest_us));

        while (records->first < records->end &&
               record_at(v, s, records, records->first)->bucket < bucket &&
               all_passed(s, e, records->first))
            records->first++;
    }
}

void step_free(struct velocity *v, uint32_t group, const struct step *s, struct entity *e)
{
    struct step_state *records = state_of(s, e);

    if (records->block != 0)
        room_free(v, group, records->block, block_bytes(s, records->capacity));
}

/* ---- smallest and largest */

struct best {
    int64_t value;
    bool has;
};

static void take(const struct range *x, enum cell_kind kind, int64_t value, struct best *best)
{
    if (!best->has || range_is_better(x, kind, value, best->value))
        *best = (struct best){value, true};
}

/* Events of the row's own bucket, of an entity that has later ones: see layout.c on how long they
 * are retained. */
static void take_events(const struct group *g, const struct range *x, const struct entity *e,
                        uint32_t from, uint32_t to, struct best *best)
{
    const struct cell *c = &g->cells[x->cell];

    for (uint32_t i = from; i < to; i++) {
        const uint8_t *flags = entity_flags(g, e, i);

        if (passes(flags, x->where_bit) && !flag_get(flags, c->null_bit))
            take(x, c->kind, entity_word(g, e, i, c->column)->v, best);
    }
}

void step_read(const struct velocity *v, const struct group *g, const struct read *a,
               const struct entity *e, const struct entity *state, struct column *c)
{
    const struct step *s = &g->steps[a->step];
    const struct range *x = &s->extremes[a->range];
    const struct cell *cell = &g->cells[x->cell];
    const struct step_state *records = state_of(s, e);
    const struct current *now = v->current;
    int64_t bucket = bucket_of(s, now->time_us);
    bool has_end = a->hi >= 0, is_late = now->time_us < e->newest_us;
    uint32_t i = *index_of(&s->cursors[a->lo], state);
    uint32_t end = has_end ? *index_of(&s->cursors[a->hi], state) : records->end;
    struct best best = {0};

    for (; i < end; i++) {
        const struct record *r = record_at(v, s, records, i);
        const struct extreme *kept = (const struct extreme *)((const char *)r + x->base_at);

        if (!has_end && (r->bucket > bucket || (r->bucket == bucket && is_late)))
            break;
        if (kept->has)
            take(x, cell->kind, kept->value, &best);
    }
    if (!has_end && is_late)
        take_events(g, x, e, entity_upper_bound(g, e, time_before(bucket * s->step_us, 1)),
                    entity_cursors(state)[0], &best);
    if (a->sees_now && now->has_key && test_passes(&a->takes_now, now->flags))
        take(x, cell->kind, now->value[cell->column], &best);
    c->null[now->row] = !best.has;
    c->integer[now->row] = best.has ? best.value : 0; /* a real's bits too */
}
