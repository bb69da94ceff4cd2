/* Rows in, results out. For each row and group: find the entity, move its windows to the row's
 * time, read, then apply. Rows go one after the other through all groups (so that what is evicted
 * does not depend on the batch); since their tokens are known, the memory of later rows is asked
 * for ahead in three steps: table slot, entity, events at its cursors. */
#include "core/velocity/velocity.h"

#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/velocity/evict.h"
#include "core/velocity/forget.h"
#include "core/velocity/read.h"
#include "core/velocity/step.h"
#include "core/velocity/table.h"
#include "core/velocity/window.h"

enum {
    ROOT_STATE = 0, /* region root that holds the group states' reference */
    LINE = 64,
    AHEAD_SLOT = 12, /* rows ahead of which memory is asked for */
    AHEAD_ENTITY = 8,
    AHEAD_EVENTS = 4,
    HINTS = 16, /* a power of two above AHEAD_ENTITY */
    HEAD_LINES = 4,
    SMALL_LINES = 8,
};

static void open_state(struct velocity *v)
{
    const uint64_t *root = region_header(v->region)->root;
    size_t bytes = sizeof(struct group_state) * v->layout->group_count;
    bool is_fresh = root[ROOT_STATE] == 0;

    if (is_fresh) {
        region_ref ref = region_alloc(v->region, bytes);

        ASSERT(ref != 0);
        region_set_root(v->region, ROOT_STATE, ref);
    }
    v->state = region_at(v->region, (region_ref)root[ROOT_STATE]);
    for (uint32_t i = 0; is_fresh && i < v->layout->group_count; i++)
        ASSERT(table_init(v, i)); /* a caller's mistake: see velocity_open */
}

static void row_init(struct current *row, const struct group *g)
{
    row->value = mem_array(g->words, sizeof *row->value);
    row->flags = mem_array(g->flag_bytes, 1);
    row->newest = mem_array(g->unique_count, sizeof *row->newest);
    row->in_base = mem_array(g->unique_count, sizeof *row->in_base);
}

static void row_fini(struct current *row)
{
    mem_free(row->value);
    mem_free(row->flags);
    mem_free(row->newest);
    mem_free(row->in_base);
}

struct velocity *velocity_open(const struct velocity_layout *l, struct region *r)
{
    struct velocity *v = mem_alloc(sizeof *v);
    uint64_t capacity = region_header(r)->capacity;

    v->layout = l;
    v->region = r;
    v->budget_bytes = l->options.memory_bytes;
    if (v->budget_bytes == 0 || v->budget_bytes > capacity)
        v->budget_bytes = capacity / 4 * 3;
    v->empty = mem_aligned(LINE, l->head_bytes_max + 8);
    v->empty->newest_us = v->empty->forgotten_us = INT64_MIN;
    v->scratch = mem_aligned(LINE, l->head_bytes_max + 8);
    v->row = mem_array(l->group_count, sizeof *v->row);
    for (uint32_t i = 0; i < l->group_count; i++)
        row_init(&v->row[i], &l->groups[i]);
    v->hint = mem_array((size_t)HINTS * l->group_count, sizeof *v->hint);
    v->label_hint = mem_array((size_t)HINTS * l->group_count, sizeof *v->label_hint);
    if (l->group_count > 0)
        open_state(v);
    return v;
}

void velocity_close(struct velocity *v)
{
    if (v == NULL)
        return;
    mem_free(v->empty);
    mem_free(v->scratch);
    for (uint32_t i = 0; i < v->layout->group_count; i++)
        row_fini(&v->row[i]);
    mem_free(v->row);
    mem_free(v->hint);
    mem_free(v->label_hint);
    mem_free(v);
}

void velocity_count(const struct velocity *v, uint32_t group, struct velocity_counts *c)
{
    ASSERT(group < v->layout->group_count);
    *c = v->state[group].counts;
    if (v->state[group].forgotten.filter[0] != 0)
        c->bytes += forget_bytes(v);
}

static bool is_null_token(struct hash128 token)
{
    return token.low == 0 && token.high == 0;
}

/* Frequencies are in the events, so the windows of the entity itself are moved, and then back,
 * which leaves it as it was: moves are exact, and its head is kept. */
static void read_moved(const struct velocity *v, const struct group *g, struct entity *e,
                       struct registers *r)
{
    int64_t t = v->current->time_us;

    entity_touch(v, g, e);
    memcpy(v->scratch, e, g->head_bytes);
    window_seek(g, e, e, t);
    step_seek(v, g, e, e, t);
    read_results(v, g, e, e, r);
    window_return(g, e, t);
    memcpy(e, v->scratch, g->head_bytes);
}

/* Read the current row of one group from an entity that must not change. */
static void read_const(const struct velocity *v, const struct group *g, const struct entity *e,
                       struct registers *r)
{
    if (g->frequency_count > 0 && e != v->empty) {
        read_moved(v, g, (struct entity *)e, r);
        return;
    }
    memcpy(v->scratch, e, g->head_bytes);
    window_seek(g, e, v->scratch, v->current->time_us);
    step_seek(v, g, e, v->scratch, v->current->time_us);
    read_results(v, g, e, v->scratch, r);
}

/* The token's slot, by what was looked up ahead if that still holds. */
static struct slot *find_hinted(const struct velocity *v, uint32_t group, struct hash128 token,
                                const struct hint *hints, uint32_t number)
{
    const struct hint *h = &hints[(size_t)(number & (HINTS - 1)) * v->layout->group_count + group];

    if (h->slot != NULL && h->moves == v->moves) {
        const struct entity *e = region_at(v->region, h->slot->ref);

        if (e->token.low == token.low && e->token.high == token.high)
            return h->slot;
    }
    return table_find(v, group, token);
}

/* The row as the group sees it: values, and the entity where there is one. */
static struct entity *look_up(const struct velocity *v, uint32_t group, const struct registers *r,
                              const struct velocity_rows *rows, uint32_t row)
{
    struct hash128 token = rows->token[(size_t)row * v->layout->group_count + group];
    struct current *now = &v->row[group];

    ((struct velocity *)v)->current = now; /* scratch, not state */
    now->has_key = !is_null_token(token);
    now->slot = !now->has_key ? NULL : find_hinted(v, group, token, v->hint, row);
    now->entity = now->slot != NULL ? now->slot->ref : 0;
    now->moves = v->moves;
    read_row(v, &v->layout->groups[group], r, rows, row);
    return now->slot != NULL ? region_at(v->region, now->entity) : v->empty;
}

/* Whether the row's results may lack events that were forgotten. */
static void note_forgotten(const struct velocity *v, uint32_t group, const struct entity *e,
                           const struct velocity_rows *rows, uint32_t row)
{
    const struct group *g = &v->layout->groups[group];
    const struct current *now = &v->row[group];
    size_t at = (size_t)row * v->layout->group_count + group;

    if (rows->forgotten == NULL)
        return;
    if (e == v->empty)
        rows->forgotten[at] = now->has_key && forget_has(v, group, rows->token[at]);
    else
        rows->forgotten[at] = e->forgotten_us > time_before(now->time_us, g->reach_us);
}

/* Read; the windows of an entity to which the row will be appended are moved in place. */
static void read_one(struct velocity *v, uint32_t group, struct registers *r,
                     const struct velocity_rows *rows, uint32_t row)
{
    const struct group *g = &v->layout->groups[group];
    struct entity *e = look_up(v, group, r, rows, row);

    note_forgotten(v, group, e, rows, row);
    if (rows->insert[row] && e != v->empty && v->current->time_us >= e->newest_us) {
        entity_touch(v, g, e);
        window_seek(g, e, e, v->current->time_us);
        step_seek(v, g, e, e, v->current->time_us);
        read_results(v, g, e, e, r);
    } else {
        read_const(v, g, e, r);
    }
}

/* The row becomes an event of its entity. */
static void apply_one(struct velocity *v, uint32_t group, struct hash128 token,
                      int64_t watermark_us)
{
    struct current *now = &v->row[group];
    struct entity *e;

    v->current = now;
    if (v->moves != now->moves) {
        now->slot = table_find(v, group, token);
        now->entity = now->slot != NULL ? now->slot->ref : 0;
    }
    if (now->entity == 0)
        now->entity = entity_new(v, group, token, watermark_us);
    if (now->entity == 0) {
        forget_add(v, group, token);
        v->state[group].counts.dropped++;
        return;
    }
    e = region_at(v->region, now->entity);
    if (now->time_us >= e->newest_us)
        entity_append(v, group, &now->entity);
    else
        entity_insert(v, group, &now->entity);
    e = region_at(v->region, now->entity);
    entity_trim(v, group, e, watermark_us);
    if (now->slot == NULL || v->moves != now->moves)
        now->slot = table_find(v, group, token);
    region_touch(v->region, now->slot, sizeof *now->slot);
    now->slot->newest_us = e->newest_us;
}

/* All groups read before any is applied: applying may evict. */
static void run_row(struct velocity *v, int level, struct registers *r,
                    const struct velocity_rows *rows, uint32_t row)
{
    const struct velocity_layout *l = v->layout;
    const struct hash128 *token = &rows->token[(size_t)row * l->group_count];

    for (uint32_t i = 0; i < l->group_count; i++) {
        if (l->groups[i].level == level)
            read_one(v, i, r, rows, row);
    }
    for (uint32_t i = 0; i < l->group_count; i++) {
        if (l->groups[i].level != level)
            continue;
        if (rows->insert[row] && !is_null_token(token[i]))
            apply_one(v, i, token[i], rows->watermark_us[row]);
        v->pinned = 0;
        if (l->groups[i].expires && ++v->state[i].unswept >= EXPIRE_EVERY)
            room_expire(v, i, rows->watermark_us[row]);
    }
}

static void apply_step(struct velocity *v, int level, const struct label_step *step,
                       uint32_t number)
{
    for (uint32_t i = 0; i < v->layout->group_count; i++) {
        const struct group *g = &v->layout->groups[i];
        struct slot *slot;
        struct entity *e;
        uint32_t at;

        if (g->level != level || !g->has_label || is_null_token(step->token[i]))
            continue;
        slot = find_hinted(v, i, step->token[i], v->label_hint, number);
        if (slot == NULL)
            continue;
        e = region_at(v->region, slot->ref);
        if (!entity_find_event(g, e, step->time_us, step->seq, &at))
            continue;
        entity_touch(v, g, e);
        entity_touch_event(v, g, e, at);
        window_label(g, e, at, step->label);
    }
}

static void prefetch_entity(struct velocity *v, uint32_t group, struct hash128 token,
                            struct hint *hint)
{
    const char *at;

    hint->slot = table_guess(v, group, token);
    hint->moves = v->moves;
    if (hint->slot == NULL)
        return;
    at = region_at(v->region, hint->slot->ref);
    for (int i = 0; i < HEAD_LINES; i++)
        __builtin_prefetch(at + i * LINE, 1);
}

/* A small block is asked for whole, of a large one the events at its cursors. */
static void prefetch_events(const struct velocity *v, const struct group *g,
                            const struct hint *hint)
{
    const struct entity *e;
    const uint32_t *cursor;
    uint32_t bytes;

    if (hint->slot == NULL || hint->moves != v->moves)
        return;
    e = region_at(v->region, hint->slot->ref);
    bytes = e->units * REGION_UNIT;
    if (bytes <= SMALL_LINES * LINE) {
        for (uint32_t at = HEAD_LINES * LINE; at < bytes; at += LINE)
            __builtin_prefetch((const char *)e + at, 1);
        return;
    }
    cursor = entity_cursors(e);
    for (uint32_t c = 0; c < g->cursor_count; c++) {
        const uint8_t *event = entity_event(g, e, cursor[c]);

        __builtin_prefetch(event, 1);
        __builtin_prefetch(event + g->event_bytes - 1, 1);
    }
}

/* One of the three steps for what has these tokens; `number` counts rows or labels. */
static void ask_for(struct velocity *v, int level, const struct hash128 *token, struct hint *hints,
                    uint32_t number, int ahead, bool labels)
{
    uint32_t groups = v->layout->group_count;

    for (uint32_t i = 0; i < groups; i++) {
        const struct group *g = &v->layout->groups[i];
        struct hint *hint = &hints[(size_t)(number & (HINTS - 1)) * groups + i];

        if (g->level != level || (labels && !g->has_label))
            continue;
        if (ahead == AHEAD_SLOT)
            table_prefetch(v, i, token[i]);
        else if (ahead == AHEAD_ENTITY)
            prefetch_entity(v, i, token[i], hint);
        else
            prefetch_events(v, g, hint);
    }
}

static const int steps_ahead[] = {AHEAD_SLOT, AHEAD_ENTITY, AHEAD_EVENTS};

static void ask_for_rows(struct velocity *v, int level, const struct velocity_rows *rows,
                         int64_t row)
{
    for (int k = 0; k < 3; k++) {
        int64_t at = row + steps_ahead[k];

        if (at >= 0 && at < rows->rows)
            ask_for(v, level, &rows->token[(size_t)at * v->layout->group_count], v->hint,
                    (uint32_t)at, steps_ahead[k], false);
    }
}

/* The labels that come next, as their events' entities. */
static void ask_for_labels(struct velocity *v, int level, const struct velocity_rows *rows,
                           int64_t step)
{
    for (int k = 0; k < 3; k++) {
        int64_t at = step + steps_ahead[k];

        if (at >= 0 && at < rows->steps)
            ask_for(v, level, rows->step[at].token, v->label_hint, (uint32_t)at, steps_ahead[k],
                    true);
    }
}

void velocity_run(struct velocity *v, int level, struct registers *r,
                  const struct velocity_rows *rows)
{
    int64_t step = -AHEAD_SLOT;

    region_touch(v->region, v->state, sizeof *v->state * v->layout->group_count);
    for (; step < 0; step++)
        ask_for_labels(v, level, rows, step);
    for (int64_t row = -AHEAD_SLOT; row < rows->rows; row++) {
        ask_for_rows(v, level, rows, row);
        if (row < 0)
            continue;
        for (; step < rows->steps && rows->step[step].row <= row; step++) {
            ask_for_labels(v, level, rows, step);
            apply_step(v, level, &rows->step[step], (uint32_t)step);
        }
        run_row(v, level, r, rows, (uint32_t)row);
    }
    for (; step < rows->steps; step++) /* just after the last row */
        apply_step(v, level, &rows->step[step], (uint32_t)step);
}

void velocity_read(const struct velocity *v, int level, struct registers *r,
                   const struct velocity_rows *rows)
{
    for (uint32_t row = 0; row < rows->rows; row++) {
        for (uint32_t i = 0; i < v->layout->group_count; i++) {
            const struct entity *e;

            if (v->layout->groups[i].level != level)
                continue;
            e = look_up(v, i, r, rows, row);
            note_forgotten(v, i, e, rows, row);
            read_const(v, &v->layout->groups[i], e, r);
        }
    }
}
