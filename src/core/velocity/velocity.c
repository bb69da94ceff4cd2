/* Rows in, results out. For each row and group: find the entity, move its windows to the row's
 * time, read, then apply.
 *
 * Groups do not see each other, so a batch is taken group by group: one group's code and tables
 * stay in the caches, and the groups may run at once on threads that are lent. A few rows, or a
 * region that is nearly full, are taken row by row through all groups instead; the results are the
 * same. */
#include "core/velocity/velocity.h"

#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/velocity/ahead.h"
#include "core/velocity/evict.h"
#include "core/velocity/forget.h"
#include "core/velocity/image.h"
#include "core/velocity/read.h"
#include "core/velocity/step.h"
#include "core/velocity/table.h"
#include "core/velocity/window.h"

enum {
    ROOT_STATE = 0, /* region root that holds the group states' reference */
    LINE = 64,
    GROUP_ROWS = 16, /* rows from which on they are taken group by group */
    TOGETHER_MAX = 64,
    TAKEN_BYTES = 16384, /* half of the first cache */
};

static void open_state(struct velocity *v)
{
    const uint64_t *root = region_header(v->region)->root;
    uint32_t groups = v->layout->group_count;
    bool is_fresh = root[ROOT_STATE] == 0;

    if (is_fresh) {
        region_ref ref = region_alloc(v->region, sizeof(struct group_state) * groups);

        ASSERT(ref != 0);
        region_set_root(v->region, ROOT_STATE, ref);
    }
    for (uint32_t i = 0; i < groups; i++)
        v[i].state = region_at(v->region, (region_ref)root[ROOT_STATE]);
    for (uint32_t i = 0; is_fresh && i < groups; i++) {
        v->state[i].share_bytes = v->budget_bytes / groups;
        ASSERT(table_init(&v[i], i)); /* a caller's mistake: see velocity_open */
    }
}

static struct current *current_new(const struct group *g)
{
    struct current *now = mem_alloc(sizeof *now);

    now->newest = mem_array(g->unique_count, sizeof *now->newest);
    now->in_base = mem_array(g->unique_count, sizeof *now->in_base);
    return now;
}

static void open_group(struct velocity *v, const struct velocity_layout *l, const struct group *g,
                       struct region *r)
{
    uint64_t capacity = region_header(r)->capacity;

    v->layout = l;
    v->region = r;
    v->budget_bytes = l->options.memory_bytes;
    if (v->budget_bytes == 0 || v->budget_bytes > capacity)
        v->budget_bytes = capacity / 4 * 3;
    v->empty = mem_aligned(LINE, g->head_bytes + g->end_bytes);
    v->empty->newest_us = v->empty->forgotten_us = INT64_MIN;
    entity_end(g, v->empty, 0);
    v->scratch = mem_aligned(LINE, g->head_bytes + 8);
    v->current = current_new(g);
    v->together = (uint32_t)(TAKEN_BYTES / taken_stride(g));
    if (v->together > TOGETHER_MAX)
        v->together = TOGETHER_MAX;
    if (v->together == 0)
        v->together = 1;
    v->image = mem_aligned(LINE, image_stride(g) * v->together);
    v->taken = mem_aligned(LINE, taken_stride(g) * v->together);
    v->has_key = mem_array(v->together, 1);
    v->out = mem_array(g->reads_of[READ_TERMS] + 1, sizeof *v->out);
    v->hint = mem_array(HINTS, sizeof *v->hint);
    v->label_hint = mem_array(HINTS, sizeof *v->label_hint);
}

struct velocity *velocity_open(const struct velocity_layout *l, struct region *r)
{
    struct velocity *v = mem_array(l->group_count + 1, sizeof *v);

    v->layout = l;
    for (uint32_t i = 0; i < l->group_count; i++)
        open_group(&v[i], l, &l->groups[i], r);
    if (l->group_count > 0)
        open_state(v);
    return v;
}

void velocity_close(struct velocity *v)
{
    if (v == NULL)
        return;
    for (uint32_t i = 0; i < v->layout->group_count; i++) {
        mem_free(v[i].empty);
        mem_free(v[i].scratch);
        mem_free(v[i].taken);
        mem_free(v[i].has_key);
        mem_free(v[i].current->newest);
        mem_free(v[i].current->in_base);
        mem_free(v[i].current);
        mem_free(v[i].image);
        mem_free(v[i].out);
        mem_free(v[i].hint);
        mem_free(v[i].label_hint);
    }
    mem_free(v);
}

void velocity_lend(struct velocity *v, const struct workers *workers)
{
    v->workers = workers;
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

static struct hash128 token_at(const struct velocity *v, const struct velocity_rows *rows,
                               uint32_t group, uint32_t row)
{
    return rows->token[(size_t)row * v->layout->group_count + group];
}

/* A copy of an entity's windows, cursors by one and the rest by words: as they were just written,
 * since a processor waits where it reads at once what was written in parts. */
static inline void take_state(const struct velocity *v, const struct group *g,
                              const struct entity *e)
{
    struct entity *to = taken_at(v, g, v->current->at);
    const uint32_t *from = entity_cursors(e);
    uint32_t *cursor = entity_cursors(to), count = g->cursor_count, end = g->terms_end;

    for (uint32_t i = 0; i < count; i++)
        cursor[i] = from[i];
    for (uint32_t at = g->terms_at; at < end; at += 8)
        memcpy((char *)to + at, (const char *)e + at, 8);
    window_passed(g, e, to);
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
    take_state(v, g, e);
    if (has_others(g))
        read_others(v, g, e, taken_at(v, g, v->current->at), r);
    window_return(g, e, t);
    memcpy(e, v->scratch, g->head_bytes);
}

/* Read the current row of one group from an entity that must not change. */
static void read_const(const struct velocity *v, const struct group *g, const struct entity *e,
                       struct registers *r)
{
    struct entity *state = taken_at(v, g, v->current->at);

    if (g->frequency_count > 0 && e != v->empty) {
        read_moved(v, g, (struct entity *)e, r);
        return;
    }
    memcpy(state, e, g->head_bytes);
    window_seek(g, e, state, v->current->time_us);
    step_seek(v, g, e, state, v->current->time_us);
    window_passed(g, e, state);
    if (has_others(g))
        read_others(v, g, e, state, r);
}

/* The row as the group sees it, the `at`-th of those taken together, and its entity where there is
 * one. */
static inline struct entity *look_up(const struct velocity *v, uint32_t group,
                                     const struct velocity_rows *rows, uint32_t row, uint32_t at)
{
    const struct group *g = &v->layout->groups[group];
    struct hash128 token = token_at(v, rows, group, row);
    struct current *now = v->current;

    now->row = row;
    now->at = at;
    now->time_us = rows->time_us[row];
    now->value = (int64_t *)(v->image + image_stride(g) * at);
    now->flags = (uint8_t *)now->value + g->flags_at;
    v->has_key[at] = now->has_key = !is_null_token(token);
    now->slot = !now->has_key ? NULL : ahead_found(v, group, token, v->hint, row);
    now->entity = now->slot != NULL ? now->slot->ref : 0;
    now->moves = v->moves;
    return now->slot != NULL ? region_at(v->region, now->entity) : v->empty;
}

/* Whether the row's results may lack events that were forgotten. */
static void note_forgotten(const struct velocity *v, uint32_t group, const struct entity *e,
                           const struct velocity_rows *rows, uint32_t row)
{
    const struct group *g = &v->layout->groups[group];
    const struct current *now = v->current;
    size_t at = (size_t)row * v->layout->group_count + group;

    if (rows->forgotten == NULL)
        return;
    if (e == v->empty)
        rows->forgotten[at] = now->has_key && forget_has(v, group, rows->token[at]);
    else
        rows->forgotten[at] = e->forgotten_us > time_before(now->time_us, g->reach_us);
}

/* Read; the windows of an entity to which the row will be appended are moved in place. */
static inline void read_one(struct velocity *v, uint32_t group, struct registers *r,
                            const struct velocity_rows *rows, uint32_t row, uint32_t at)
{
    const struct group *g = &v->layout->groups[group];
    struct entity *e = look_up(v, group, rows, row, at);

    note_forgotten(v, group, e, rows, row);
    if (!rows->insert[row] || e == v->empty || v->current->time_us < e->newest_us) {
        read_const(v, g, e, r);
        return;
    }
    entity_touch(v, g, e);
    window_seek(g, e, e, v->current->time_us);
    if (g->step_count > 0)
        step_seek(v, g, e, e, v->current->time_us);
    take_state(v, g, e);
    if (has_others(g))
        read_others(v, g, e, taken_at(v, g, at), r);
}

/* The row becomes an event of its entity. */
static void apply_one(struct velocity *v, uint32_t group, struct hash128 token,
                      int64_t watermark_us)
{
    const struct group *g = &v->layout->groups[group];
    struct current *now = v->current;
    struct entity *e;

    if (now->entity == 0)
        now->entity = entity_new(v, group, token, watermark_us);
    if (now->entity == 0) {
        forget_add(v, group, token);
        v->state[group].counts.dropped++;
        return;
    }
    e = region_at(v->region, now->entity);
    if (now->time_us >= e->newest_us)
        e = entity_append(v, group, &now->entity);
    else
        e = entity_insert(v, group, &now->entity);
    if (g->step_count > 0)
        step_trim(v, g, e, time_before(watermark_us, lateness_of(v->layout)));
    entity_trim(v, group, e, watermark_us);
    if (now->slot == NULL || v->moves != now->moves)
        now->slot = table_find(v, group, token);
    region_touch(v->region, now->slot, sizeof *now->slot);
    now->slot->newest_us = e->newest_us;
}

static void finish_row(struct velocity *v, uint32_t group, const struct velocity_rows *rows,
                       uint32_t row)
{
    if (rows->insert[row] && v->current->has_key)
        apply_one(v, group, token_at(v, rows, group, row), rows->watermark_us[row]);
    v->pinned = 0;
    if (v->layout->groups[group].expires && ++v->state[group].unswept >= EXPIRE_EVERY)
        room_expire(v, group, rows->watermark_us[row]);
}

static void apply_step(struct velocity *v, uint32_t group, const struct label_step *step,
                       uint32_t number)
{
    const struct group *g = &v->layout->groups[group];
    struct slot *slot;
    struct entity *e;
    uint32_t at;

    if (is_null_token(step->token[group]))
        return;
    slot = ahead_found(v, group, step->token[group], v->label_hint, number);
    if (slot == NULL)
        return;
    e = region_at(v->region, slot->ref);
    if (!entity_find_event(g, e, step->time_us, step->seq, &at))
        return;
    entity_touch(v, g, e);
    entity_touch_event(v, g, e, at);
    window_label(g, e, at, step->label);
}

/* A stretch of the rows of a batch, and of its label steps: before which of the rows they are. */
struct stretch {
    struct velocity *v;
    int level;
    struct registers *r;
    const struct velocity_rows *rows;
    uint32_t first, last;
    uint32_t first_step, last_step;
};

/* The three steps for rows [from, to), as far as the stretch goes. */
static inline __attribute__((always_inline)) void
ask_slots(struct velocity *v, uint32_t group, const struct stretch *s, uint32_t from, uint32_t to)
{
    for (uint32_t row = from; row < to && row < s->last; row++)
        ahead_slot(v, group, token_at(v, s->rows, group, row));
}

static void ask_entities(struct velocity *v, uint32_t group, const struct stretch *s, uint32_t from,
                         uint32_t to)
{
    for (uint32_t row = from; row < to && row < s->last; row++)
        ahead_find(v, group, token_at(v, s->rows, group, row), v->hint, row);
    for (uint32_t row = from; row < to && row < s->last; row++)
        ahead_entity(v, v->hint, row);
    for (uint32_t row = from; row < to && row < s->last; row++)
        ahead_head(v, v->hint, row);
}

static inline __attribute__((always_inline)) void
ask_events(struct velocity *v, uint32_t group, const struct stretch *s, uint32_t from, uint32_t to)
{
    for (uint32_t row = from; row < to && row < s->last; row++)
        ahead_events(v, group, v->hint, row);
}

/* For the first rows, which nobody has asked for. */
static inline __attribute__((always_inline)) void
ask_for_first_rows(struct velocity *v, uint32_t group, const struct stretch *s)
{
    ask_slots(v, group, s, s->first, s->first + AHEAD_SLOT);
    ask_entities(v, group, s, s->first, s->first + AHEAD_ENTITY);
    ask_events(v, group, s, s->first, s->first + AHEAD_EVENTS);
}

/* Every AHEAD_ROWS rows. */
static inline __attribute__((always_inline)) void
ask_for_rows(struct velocity *v, uint32_t group, const struct stretch *s, uint32_t row)
{
    if ((row - s->first) % AHEAD_ROWS != 0)
        return;
    ask_slots(v, group, s, row + AHEAD_SLOT, row + AHEAD_SLOT + AHEAD_ROWS);
    ask_entities(v, group, s, row + AHEAD_ENTITY, row + AHEAD_ENTITY + AHEAD_ROWS);
    ask_events(v, group, s, row + AHEAD_EVENTS, row + AHEAD_EVENTS + AHEAD_ROWS);
}

/* The labels that come next, as their events' entities: one by one, since they come in their own
 * rhythm, and mostly several to a row or none. */
static inline __attribute__((always_inline)) void
ask_for_step(struct velocity *v, uint32_t group, const struct stretch *s, uint32_t step)
{
    const struct label_step *at = s->rows->step + step;
    uint32_t left = s->last_step - step;

    if (LABEL_SLOT < left)
        ahead_slot(v, group, at[LABEL_SLOT].token[group]);
    if (LABEL_ENTITY < left) {
        ahead_find(v, group, at[LABEL_ENTITY].token[group], v->label_hint, step + LABEL_ENTITY);
        ahead_entity(v, v->label_hint, step + LABEL_ENTITY);
        ahead_head(v, v->label_hint, step + LABEL_ENTITY);
    }
    if (LABEL_EVENT < left)
        ahead_label(v, group, v->label_hint, step + LABEL_EVENT);
}

/* One group through the stretch. */
static void run_group(const struct stretch *s, uint32_t group)
{
    struct velocity *v = &s->v[group];
    const struct group *g = &v->layout->groups[group];
    const struct velocity_rows *rows = s->rows;
    uint32_t labels = g->has_label ? s->last_step : s->first_step;
    uint32_t step = s->first_step, first = s->first, count = 0;

    read_bind(v, g, s->r);
    ask_for_first_rows(v, group, s);
    for (; first < s->last; first += count) {
        count = s->last - first < v->together ? s->last - first : v->together;
        image_make(v, g, s->r, rows, first, count);
        for (uint32_t row = first; row < first + count; row++) {
            ask_for_rows(v, group, s, row);
            for (; step < labels && rows->step[step].row <= row; step++) {
                ask_for_step(v, group, s, step);
                apply_step(v, group, &rows->step[step], step);
            }
            read_one(v, group, s->r, rows, row, row - first);
            finish_row(v, group, rows, row);
        }
        read_taken(v, g, first, count);
    }
}

/* Groups that make texts take turns: these go into one arena. */
static void run_task(void *context, unsigned number)
{
    const struct stretch *s = context;
    const struct velocity_layout *l = s->v->layout;
    unsigned task = 0;

    for (uint32_t i = 0; i < l->group_count; i++) {
        const struct group *g = &l->groups[i];

        if (g->level == s->level && (g->writes_text ? 0 : ++task) == number)
            run_group(s, i);
    }
}

/* Who watches the region is one thread's. */
static void run_groups(struct stretch *s)
{
    const struct velocity_layout *l = s->v->layout;
    const struct workers *workers = s->v->region->watch == NULL ? s->v->workers : NULL;
    unsigned tasks = 1;
    int lock = 0;

    for (uint32_t i = 0; i < l->group_count; i++)
        tasks += l->groups[i].level == s->level && !l->groups[i].writes_text;
    for (uint32_t i = 0; i < l->group_count; i++)
        s->v[i].lock = workers_count(workers) > 1 ? &lock : NULL;
    workers_run(workers, tasks, run_task, s);
    for (uint32_t i = 0; i < l->group_count; i++)
        s->v[i].lock = NULL;
}

static void run_step(const struct stretch *s, uint32_t step)
{
    for (uint32_t i = 0; i < s->v->layout->group_count; i++) {
        const struct group *g = &s->v->layout->groups[i];

        if (g->level == s->level && g->has_label)
            apply_step(&s->v[i], i, &s->rows->step[step], step);
    }
}

/* What the groups need for the first rows: the same step for all groups, so that a single row's
 * misses overlap too. */
static void ask_for_groups(const struct stretch *s)
{
    const struct velocity_layout *l = s->v->layout;

    for (int kind = 0; kind < 3; kind++) {
        for (uint32_t i = 0; i < l->group_count; i++) {
            if (l->groups[i].level != s->level)
                continue;
            if (kind == 0)
                ask_slots(&s->v[i], i, s, s->first, s->first + AHEAD_SLOT);
            else if (kind == 1)
                ask_entities(&s->v[i], i, s, s->first, s->first + AHEAD_ENTITY);
            else
                ask_events(&s->v[i], i, s, s->first, s->first + AHEAD_EVENTS);
        }
    }
}

/* All groups through one row after the other. */
static void run_rows(const struct stretch *s)
{
    const struct velocity_layout *l = s->v->layout;
    uint32_t step = s->first_step;

    for (uint32_t i = 0; i < l->group_count; i++) {
        if (l->groups[i].level == s->level)
            read_bind(&s->v[i], &l->groups[i], s->r);
    }
    ask_for_groups(s);
    for (uint32_t row = s->first; row < s->last; row++) {
        for (; step < s->last_step && s->rows->step[step].row <= row; step++)
            run_step(s, step);
        for (uint32_t i = 0; i < l->group_count; i++) {
            if (l->groups[i].level != s->level)
                continue;
            ask_for_rows(&s->v[i], i, s, row);
            image_make(&s->v[i], &l->groups[i], s->r, s->rows, row, 1);
            read_one(&s->v[i], i, s->r, s->rows, row, 0);
            finish_row(&s->v[i], i, s->rows, row);
            read_taken(&s->v[i], &l->groups[i], row, 1);
        }
    }
}

static struct group_state *level_state(const struct velocity *v, int level)
{
    for (uint32_t i = 0; i < v->layout->group_count; i++) {
        if (v->layout->groups[i].level == level)
            return &v->state[i];
    }
    return NULL;
}

/* The next rows, up to where shares are dealt again. */
static void run_stretch(struct stretch *s, struct group_state *counted)
{
    const struct velocity_rows *rows = s->rows;
    uint32_t left = SHARE_EVERY - (uint32_t)(counted->rows % SHARE_EVERY);

    if (left == SHARE_EVERY)
        room_share(s->v, s->level);
    s->last = rows->rows - s->first > left ? s->first + left : rows->rows;
    while (s->last_step < rows->steps && rows->step[s->last_step].row < s->last)
        s->last_step++;
    if (s->last - s->first >= GROUP_ROWS && room_is_ample(s->v, s->level, s->last - s->first))
        run_groups(s);
    else
        run_rows(s);
    counted->rows += s->last - s->first;
    s->first = s->last;
    s->first_step = s->last_step;
}

void velocity_run(struct velocity *v, int level, struct registers *r,
                  const struct velocity_rows *rows)
{
    struct stretch s = {.v = v, .level = level, .r = r, .rows = rows};
    struct group_state *counted = level_state(v, level);

    if (counted == NULL)
        return;
    region_touch(v->region, v->state, sizeof *v->state * v->layout->group_count);
    while (s.first < rows->rows)
        run_stretch(&s, counted);
    for (uint32_t step = s.first_step; step < rows->steps; step++) /* just after the last row */
        run_step(&s, step);
}

void velocity_read(const struct velocity *v, int level, struct registers *r,
                   const struct velocity_rows *rows)
{
    for (uint32_t i = 0; i < v->layout->group_count; i++) {
        const struct group *g = &v->layout->groups[i];

        if (g->level != level)
            continue;
        read_bind(&v[i], g, r);
        for (uint32_t row = 0; row < rows->rows; row++) {
            const struct entity *e;

            image_make(&v[i], g, r, rows, row, 1);
            e = look_up(&v[i], i, rows, row, 0);
            note_forgotten(&v[i], i, e, rows, row);
            read_const(&v[i], g, e, r);
            read_taken(&v[i], g, row, 1);
        }
    }
}
