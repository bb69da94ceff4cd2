#include "shell/run/feed_spill.h"

#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/panic.h"
#include "core/data/event.h"
#include "shell/run/event_id.h"
#include "shell/run/sorter.h"

enum {
    SPILL_TEXT_MAX = 1 << 30,
    SPILL_TEXT_FULL = 64 << 20, /* a frame with so many bytes of text is given out as it is */
    SPILL_EVENT_MAX = 64 << 20, /* bytes of one event */
};

static const struct hash_key id_key = {0x1d, 0x2d};

/* What is known of a row by its id. */
struct id_note {
    uint64_t place;
    int64_t time_us;
    uint64_t content;
};

struct feed_spill {
    struct feed_reader *reader;
    struct schema *schema; /* the reader's, with every field written: this file is nobody else's */
    int time;
    struct sorter *ids; /* id_note by id; NULL once they are settled */
    uint64_t ids_bytes; /* that they took on the disk */
    struct sorter *events;
    struct buffer bytes; /* of one event */

    /* of adding */
    uint64_t rows;
    uint64_t prefix; /* rows that are in order from the first on */
    bool is_broken;  /* a row came that is not */
    int64_t newest_us;
    int64_t newest_of[KINDS_MAX + 1]; /* by kind of event, from KIND_NONE on */
    uint64_t moved;                   /* behind a newer one of their kind */

    int64_t from_us, until_us; /* of the rows that are not dropped */

    uint8_t *dropped; /* a bit per row */
    uint64_t dropped_rows;
    uint64_t conflict; /* place of the first row that conflicts */
    bool has_conflict;

    /* of reading */
    struct frame part;   /* of the prefix */
    uint32_t part_row;   /* its next row */
    uint64_t part_left;  /* rows of the prefix behind it */
    uint64_t place;      /* of the part's next row */
    struct sort_key key; /* of the next spilled event */
    struct text event;   /* NULL bytes: no more */
};

struct feed_spill *feed_spill_new(struct feed_reader *r, uint64_t memory_bytes,
                                  const char *directory)
{
    struct feed_spill *s = mem_alloc(sizeof *s);

    s->reader = r;
    s->schema = schema_dup(r->schema);
    s->time = r->schema->time;
    s->newest_us = s->until_us = INT64_MIN;
    s->from_us = INT64_MAX;
    for (int i = 0; i <= KINDS_MAX; i++)
        s->newest_of[i] = INT64_MIN;
    s->ids = sorter_new(memory_bytes / 2, directory);
    s->events = sorter_new(memory_bytes / 2, directory);
    s->is_broken = !r->can_repeat;
    buffer_init(&s->bytes, SPILL_EVENT_MAX);
    return s;
}

void feed_spill_free(struct feed_spill *s)
{
    if (s == NULL)
        return;
    frame_fini(&s->part);
    sorter_free(s->ids);
    sorter_free(s->events);
    buffer_fini(&s->bytes);
    schema_free(s->schema);
    mem_free(s->dropped);
    mem_free(s);
}

/* ---- adding */

static int64_t time_of(const struct feed_spill *s, const struct frame *f, uint32_t row)
{
    return s->time != FIELD_NONE ? f->column[s->time].integer[row] : 0;
}

static struct sort_key event_key(int64_t time_us, uint64_t place)
{
    return (struct sort_key){(uint64_t)time_us ^ (uint64_t)1 << 63, place};
}

static void note_time(struct feed_spill *s, int64_t time_us)
{
    s->from_us = time_us < s->from_us ? time_us : s->from_us;
    s->until_us = time_us > s->until_us ? time_us : s->until_us;
}

static bool add_id(struct feed_spill *s, const struct frame *f, uint32_t row, struct error *e)
{
    struct id_note note = {.place = s->rows, .time_us = time_of(s, f, row)};
    struct hash128 id;
    struct value v = {.is_null = true};

    if (s->schema->id != FIELD_NONE)
        v = column_get(&f->column[s->schema->id], row);
    if (v.is_null) {
        note_time(s, note.time_us);
        return true;
    }
    if (v.type == TYPE_TEXT)
        id = hash_token(v.text.bytes, v.text.length, &id_key);
    else
        id = hash_token(&v.integer, sizeof v.integer, &id_key);
    note.content = hash_bytes(s->bytes.bytes, s->bytes.length, 0x1d);
    return sorter_add(s->ids, (struct sort_key){id.high, id.low},
                      (struct text){(const char *)&note, sizeof note}, e);
}

static bool add_row(struct feed_spill *s, const struct frame *f, uint32_t row, struct error *e)
{
    int64_t t = time_of(s, f, row);
    int64_t *own = &s->newest_of[1 + frame_kind(f, row, s->schema)];

    s->moved += t < *own;
    *own = t > *own ? t : *own;
    if (t < s->newest_us)
        s->is_broken = true;
    else
        s->newest_us = t;
    buffer_clear(&s->bytes);
    event_encode(&s->bytes, s->schema, f, row);
    if (s->bytes.overflow)
        return error_set(e, ERROR_FULL, "an event is over %d MiB", SPILL_EVENT_MAX >> 20);
    if (!add_id(s, f, row, e))
        return false;
    if (s->is_broken && !sorter_add(s->events, event_key(t, s->rows),
                                    (struct text){s->bytes.bytes, s->bytes.length}, e))
        return false;
    s->prefix += !s->is_broken;
    s->rows++;
    return true;
}

bool feed_spill_add(struct feed_spill *s, const struct frame *f, struct error *e)
{
    for (uint32_t i = 0; i < f->rows; i++) {
        if (!add_row(s, f, i, e))
            return false;
    }
    return true;
}

/* ---- ids */

static bool is_dropped(const struct feed_spill *s, uint64_t place)
{
    return (s->dropped[place / 8] >> (place % 8) & 1) != 0;
}

static void drop(struct feed_spill *s, const struct id_note *first, const struct id_note *n,
                 struct feed_counts *c)
{
    s->dropped[n->place / 8] |= (uint8_t)(1 << (n->place % 8));
    s->dropped_rows++;
    if (n->content == first->content) {
        c->repeated++;
        return;
    }
    c->conflicting++;
    if (!s->has_conflict || n->place < s->conflict)
        s->conflict = n->place;
    s->has_conflict = true;
}

/* Notes come by id, of one id in the order of the file. */
static bool find_repeated(struct feed_spill *s, struct feed_counts *c, struct error *e)
{
    struct sort_key id, last = {0};
    struct id_note first = {0}, note;
    bool has_last = false;
    struct text record;

    if (!sorter_rewind(s->ids, e))
        return false;
    for (;;) {
        if (!sorter_next(s->ids, &id, &record, e))
            return false;
        if (record.bytes == NULL)
            return true;
        memcpy(&note, record.bytes, sizeof note);
        if (has_last && id.high == last.high && id.low == last.low) {
            drop(s, &first, &note, c);
            continue;
        }
        note_time(s, note.time_us);
        first = note;
        last = id;
        has_last = true;
    }
}

bool feed_spill_settle(struct feed_spill *s, struct feed_counts *c, struct error *e)
{
    s->dropped = mem_array(s->rows / 8 + 1, 1);
    if (!find_repeated(s, c, e))
        return false;
    s->ids_bytes = sorter_spilled_bytes(s->ids);
    sorter_free(s->ids);
    s->ids = NULL;
    c->moved = s->moved;
    c->rows = s->rows - s->dropped_rows;
    if (s->time != FIELD_NONE && c->rows > 0) {
        c->from_us = s->from_us;
        c->until_us = s->until_us;
    }
    return true;
}

uint64_t feed_spill_bytes(const struct feed_spill *s)
{
    return s->ids_bytes + sorter_spilled_bytes(s->events);
}

/* ---- reading */

static bool part_read(struct feed_spill *s, struct error *e)
{
    struct frame part;

    frame_fini(&s->part);
    s->part = (struct frame){0};
    s->part_row = 0;
    if (s->part_left == 0)
        return true;
    if (!feed_reader_read(s->reader, &part, e))
        return false;
    if (part.rows == 0)
        return error_set(e, ERROR_INVALID, "%s: it changed while it was read",
                         s->reader->part[0].path);
    s->part = part;
    if (part.rows > s->part_left)
        s->part.rows = (uint32_t)s->part_left;
    s->part_left -= s->part.rows;
    return true;
}

static bool spilled_read(struct feed_spill *s, struct error *e)
{
    return sorter_next(s->events, &s->key, &s->event, e);
}

bool feed_spill_begin(struct feed_spill *s, struct error *e)
{
    s->part_left = s->prefix;
    s->place = 0;
    return (s->prefix == 0 || feed_reader_repeat(s->reader, e)) && part_read(s, e) &&
           sorter_rewind(s->events, e) && spilled_read(s, e);
}

static void note_conflict(struct feed_spill *s, const struct frame *f, uint32_t row, uint64_t place,
                          struct feed_counts *c)
{
    struct buffer id;

    if (!s->has_conflict || place != s->conflict)
        return;
    buffer_init(&id, sizeof c->first_conflict);
    (void)!event_id_text(s->schema, f, row, &id);
    snprintf(c->first_conflict, sizeof c->first_conflict, "%s", buffer_text(&id));
    buffer_fini(&id);
}

/* The rows of a frame whose places begin at `place`, without those that are dropped. */
static void keep_rows(struct feed_spill *s, struct frame *f, uint64_t place, struct feed_counts *c)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < f->rows; i++) {
        if (is_dropped(s, place + i)) {
            note_conflict(s, f, i, place + i, c);
            continue;
        }
        for (uint32_t k = 0; k < f->columns && kept < i; k++) {
            struct value v = column_get(&f->column[k], i);

            column_set(&f->column[k], kept, &v);
        }
        kept++;
    }
    f->rows = kept;
}

/* While nothing is spilled the file's own frames are given out. */
static bool next_in_order(struct feed_spill *s, struct frame *f, struct feed_counts *c,
                          struct error *e)
{
    *f = (struct frame){0};
    while (f->rows == 0 && s->part.rows > 0) {
        uint32_t rows = s->part.rows;

        frame_fini(f);
        *f = s->part;
        s->part = (struct frame){0};
        keep_rows(s, f, s->place, c);
        s->place += rows;
        if (!part_read(s, e))
            return false;
    }
    return true;
}

/* Appends the next row of the prefix, unless it is dropped. */
static bool take_part(struct feed_spill *s, struct frame *f, struct feed_counts *c, struct error *e)
{
    uint64_t place = s->place++;
    uint32_t row = s->part_row++;

    if (is_dropped(s, place))
        note_conflict(s, &s->part, row, place, c);
    else if (!frame_append(f, &s->part, row))
        return error_set(e, ERROR_FULL, "the texts of an event are over %d MiB",
                         SPILL_TEXT_MAX >> 20);
    return s->part_row < s->part.rows || part_read(s, e);
}

static bool take_spilled(struct feed_spill *s, struct frame *f, struct feed_counts *c,
                         struct error *e)
{
    struct reader in;

    reader_init(&in, s->event.bytes, s->event.length);
    if (!event_decode(&in, s->schema, f, e))
        return false;
    if (is_dropped(s, s->key.low)) {
        f->rows--;
        note_conflict(s, f, f->rows, s->key.low, c);
    }
    return spilled_read(s, e);
}

/* A spilled event of the same time stands behind the prefix in the file. */
static bool part_is_next(const struct feed_spill *s)
{
    struct sort_key key;

    if (s->part.rows == 0 || s->event.bytes == NULL)
        return s->part.rows > 0;
    key = event_key(time_of(s, &s->part, s->part_row), 0);
    return key.high <= s->key.high;
}

static bool next_merged(struct feed_spill *s, struct frame *f, struct feed_counts *c,
                        struct error *e)
{
    bool ok = true;

    frame_init(f, s->schema, FEED_FRAME_ROWS, SPILL_TEXT_MAX);
    while (ok && f->rows < FEED_FRAME_ROWS && f->text.total_bytes < SPILL_TEXT_FULL &&
           (s->part.rows > 0 || s->event.bytes != NULL))
        ok = part_is_next(s) ? take_part(s, f, c, e) : take_spilled(s, f, c, e);
    return ok;
}

bool feed_spill_next(struct feed_spill *s, struct frame *f, struct feed_counts *c, struct error *e)
{
    bool ok = s->prefix == s->rows ? next_in_order(s, f, c, e) : next_merged(s, f, c, e);

    if (!ok || f->rows == 0)
        frame_fini(f);
    return ok;
}
