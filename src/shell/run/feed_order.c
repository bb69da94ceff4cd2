#include "shell/run/feed_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/panic.h"
#include "shell/os/ram.h"
#include "shell/run/event_id.h"

enum {
    SETTLE_ROW_BYTES = 56, /* that ordering and finding repeated ids take for a row */
    RELEASE_FRAMES = 4,    /* after so many, freed memory goes back to the machine */
};

static const struct frame *frame_of(const struct held *f, uint64_t row, uint32_t *at)
{
    *at = (uint32_t)(row % FEED_FRAME_ROWS);
    return &f->frames[row / FEED_FRAME_ROWS];
}

/* Rows are numbered as if all frames were full; where a reader gave fewer, or one kind of event
 * ends, there are numbers without a row. */
static bool has_row(const struct held *f, uint64_t row)
{
    return row % FEED_FRAME_ROWS < f->frames[row / FEED_FRAME_ROWS].rows;
}

static int64_t time_of(const struct held *f, uint64_t row)
{
    uint32_t at;
    const struct frame *frame = frame_of(f, row, &at);

    return frame->column[f->schema->time].integer[at];
}

/* One past the last row's number. */
static uint64_t rows_of(const struct held *f)
{
    if (f->count == 0)
        return 0;
    return (uint64_t)(f->count - 1) * FEED_FRAME_ROWS + f->frames[f->count - 1].rows;
}

static bool is_even(const struct held *f)
{
    for (uint32_t i = 0; i + 1 < f->count; i++) {
        if (f->frames[i].rows != FEED_FRAME_ROWS)
            return false;
    }
    return true;
}

/* Rows that come after a later one of their kind: those that sorting moves past others. (A frame
 * has events of one kind.) */
static uint64_t count_moved(const struct held *f, bool *is_in_order)
{
    int64_t newest_of[KINDS_MAX + 1], newest = INT64_MIN;
    uint64_t moved = 0;

    *is_in_order = true;
    if (f->schema->time == FIELD_NONE)
        return 0;
    for (int i = 0; i <= KINDS_MAX; i++)
        newest_of[i] = INT64_MIN;
    for (uint32_t i = 0; i < f->count; i++) {
        const struct frame *frame = &f->frames[i];
        int64_t *own = &newest_of[1 + frame_kind(frame, 0, f->schema)];

        for (uint32_t row = 0; row < frame->rows; row++) {
            int64_t t = frame->column[f->schema->time].integer[row];

            moved += t < *own;
            *own = t > *own ? t : *own;
            *is_in_order &= t >= newest;
            newest = t > newest ? t : newest;
        }
    }
    return moved;
}

struct placed {
    int64_t time_us;
    uint64_t row;
};

static int by_time(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    if (x->time_us != y->time_us)
        return x->time_us < y->time_us ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

static struct placed *make_order(const struct held *f, uint64_t rows, const uint8_t *drop,
                                 bool sort, uint64_t *kept)
{
    struct placed *order = mem_array(rows, sizeof *order);

    *kept = 0;
    for (uint64_t i = 0; i < rows; i++) {
        if (has_row(f, i) && (drop == NULL || !drop[i]))
            order[(*kept)++] = (struct placed){sort ? time_of(f, i) : 0, i};
    }
    if (sort)
        qsort(order, *kept, sizeof *order, by_time);
    return order;
}

static void frames_free(struct frame *frames, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        frame_fini(&frames[i]);
    mem_free(frames);
}

static void move_column(const struct held *old, struct frame *frames, uint32_t c,
                        const struct placed *order, uint64_t kept)
{
    for (uint64_t k = 0; k < kept; k++) {
        uint32_t at;
        const struct frame *from = frame_of(old, order[k].row, &at);
        struct value v = column_get(&from->column[c], at);

        column_set(&frames[k / FEED_FRAME_ROWS].column[c], (uint32_t)(k % FEED_FRAME_ROWS), &v);
    }
    for (uint32_t i = 0; i < old->count; i++)
        column_fini(&old->frames[i].column[c]);
}

/* Cells move, a column at a time, so that the events are never there twice; texts stay: the old
 * frames are kept for their arenas. */
static void rebuild(struct held *f, const struct placed *order, uint64_t kept)
{
    uint32_t count = (uint32_t)((kept + FEED_FRAME_ROWS - 1) / FEED_FRAME_ROWS);
    struct frame *frames = mem_array(count, sizeof *frames);
    struct held old = *f;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t left = kept - (uint64_t)i * FEED_FRAME_ROWS;

        frames[i].rows = left < FEED_FRAME_ROWS ? (uint32_t)left : FEED_FRAME_ROWS;
        frames[i].capacity = FEED_FRAME_ROWS;
        frames[i].columns = f->schema->count;
        frames[i].column = mem_array(f->schema->count, sizeof *frames[i].column);
        arena_init(&frames[i].text, 0);
    }
    for (uint32_t c = 0; c < f->schema->count; c++) {
        for (uint32_t i = 0; i < count; i++)
            column_init(&frames[i].column[c], f->schema->fields[c].type, FEED_FRAME_ROWS);
        move_column(&old, frames, c, order, kept);
    }
    f->frames = frames;
    f->count = count;
    f->retired = old.frames;
    f->retired_count = old.count;
}

/* Drop every row i with drop[i] = 1 (NULL: none) and bring the others into time order. Does nothing
 * where nothing is to be dropped and all are in order. */
static void order_rows(struct held *f, const uint8_t *drop, struct feed_counts *c)
{
    uint64_t rows = rows_of(f), kept = rows;
    struct placed *order;
    bool is_in_order;

    c->moved = count_moved(f, &is_in_order);
    if (drop != NULL || !is_in_order || !is_even(f)) {
        order = make_order(f, rows, drop, !is_in_order, &kept);
        rebuild(f, order, kept);
        mem_free(order);
    }
    c->rows = kept;
}

/* ---- repeated ids */

enum { AHEAD = 64 /* rows whose places in the table are asked for before they are looked at */ };

struct place {
    uint64_t hash;
    uint64_t row; /* + 1; 0: empty */
};

struct seen {
    struct place *place;
    uint64_t mask;
};

static uint64_t id_hash(const struct value *v)
{
    if (v->type == TYPE_TEXT)
        return hash_bytes(v->text.bytes, v->text.length, 0x1d);
    return hash_mix((uint64_t)v->integer + 0x1d);
}

static struct value id_of(const struct held *f, uint64_t row)
{
    uint32_t at;
    const struct frame *frame = frame_of(f, row, &at);

    return column_get(&frame->column[f->schema->id], at);
}

static bool same_rows(const struct held *f, uint64_t a, uint64_t b)
{
    uint32_t at_a, at_b;
    const struct frame *frame_a = frame_of(f, a, &at_a), *frame_b = frame_of(f, b, &at_b);

    for (uint32_t c = 0; c < frame_a->columns; c++) {
        struct value x = column_get(&frame_a->column[c], at_a);
        struct value y = column_get(&frame_b->column[c], at_b);

        if (!value_equal(&x, &y))
            return false;
    }
    return true;
}

static void note_repeated(const struct held *f, uint64_t first, uint64_t row,
                          struct feed_counts *ids)
{
    struct buffer text;
    uint32_t at;
    const struct frame *frame = frame_of(f, row, &at);

    if (same_rows(f, first, row)) {
        ids->repeated++;
        return;
    }
    if (ids->conflicting++ > 0)
        return;
    buffer_init(&text, sizeof ids->first_conflict);
    (void)!event_id_text(f->schema, frame, at, &text);
    snprintf(ids->first_conflict, sizeof ids->first_conflict, "%s", buffer_text(&text));
    buffer_fini(&text);
}

/* The place that holds the row's id, or the empty one where it belongs. */
static struct place *place_of(const struct held *f, const struct seen *seen, const struct value *id,
                              uint64_t hash)
{
    struct place *p;

    for (uint64_t slot = hash & seen->mask;; slot = (slot + 1) & seen->mask) {
        struct value other;

        p = &seen->place[slot];
        if (p->row == 0)
            return p;
        if (p->hash != hash)
            continue;
        other = id_of(f, p->row - 1);
        if (value_equal(id, &other))
            return p;
    }
}

static void look_at_rows(const struct held *f, const struct seen *seen, uint64_t first,
                         uint64_t last, uint8_t *drop, struct feed_counts *ids)
{
    uint64_t hash[AHEAD];

    for (uint64_t i = first; i < last; i++) {
        struct value id = {.is_null = true};

        if (has_row(f, i))
            id = id_of(f, i);
        hash[i - first] = id_hash(&id);
        __builtin_prefetch(&seen->place[hash[i - first] & seen->mask], 1);
    }
    for (uint64_t i = first; i < last; i++) {
        struct value id;
        struct place *p;

        if (!has_row(f, i))
            continue;
        id = id_of(f, i);
        if (id.is_null)
            continue;
        p = place_of(f, seen, &id, hash[i - first]);
        if (p->row == 0) {
            *p = (struct place){hash[i - first], i + 1};
            continue;
        }
        drop[i] = 1;
        note_repeated(f, p->row - 1, i, ids);
    }
}

static void find_repeated(const struct held *f, uint8_t *drop, struct feed_counts *ids)
{
    uint64_t rows = rows_of(f);
    struct seen seen = {.mask = 1023};

    if (f->schema->id == FIELD_NONE)
        return;
    while (seen.mask < rows * 2)
        seen.mask = seen.mask * 2 + 1;
    seen.place = mem_array(seen.mask + 1, sizeof *seen.place);
    for (uint64_t first = 0; first < rows; first += AHEAD)
        look_at_rows(f, &seen, first, rows - first < AHEAD ? rows : first + AHEAD, drop, ids);
    mem_free(seen.place);
}

static void note_span(const struct held *f, struct feed_counts *c)
{
    int time = f->schema->time;

    if (time == FIELD_NONE || c->rows == 0)
        return;
    c->from_us = time_of(f, 0);
    c->until_us = time_of(f, c->rows - 1);
}

void held_settle(struct held *f, struct feed_counts *c)
{
    uint8_t *drop = mem_array(rows_of(f), 1);

    find_repeated(f, drop, c);
    order_rows(f, c->repeated + c->conflicting > 0 ? drop : NULL, c);
    mem_free(drop);
    note_span(f, c);
}

void held_add(struct held *f, struct frame *frame)
{
    if (f->count == f->capacity) {
        f->capacity = f->capacity > 0 ? f->capacity * 2 : 16;
        f->frames = mem_resize(f->frames, f->capacity, sizeof *f->frames);
    }
    f->bytes += frame->text.total_bytes;
    for (uint32_t i = 0; i < frame->columns; i++)
        f->bytes += (uint64_t)frame->capacity *
                    (1 + (frame->column[i].type == TYPE_TEXT ? sizeof(struct text) : 8));
    f->bytes += (uint64_t)frame->rows * SETTLE_ROW_BYTES;
    f->frames[f->count++] = *frame;
}

void held_release(struct held *f, uint32_t frame)
{
    uint32_t columns = f->frames[frame].columns;

    frame_fini(&f->frames[frame]);
    if ((frame + 1) % RELEASE_FRAMES == 0 && columns > 0)
        ram_give_back();
}

void held_fini(struct held *f)
{
    frames_free(f->frames, f->count);
    frames_free(f->retired, f->retired_count);
    *f = (struct held){0};
}
