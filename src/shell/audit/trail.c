/* Two sides, each with a block of entries ahead; the earlier (or, descending, the later) of their
 * two next ones is given. A side's block must have an entry, or the side be at its end, before one
 * of the other may be given: so the work of a page is bounded by blocks, not by entries. */
#include "shell/audit/trail.h"

#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/audit/entry.h"
#include "shell/os/file.h"

enum {
    BLOCK_UP = 1024, /* records read at once */
    BLOCK_DOWN = 4096,
    BLOCK_BYTES_MAX = 1 << 30,
};

struct row {
    uint64_t seq;
    int64_t at_us;
    size_t from, length; /* in the side's text */
};

typedef bool entry_function(struct entry_writer *w, const struct record *r,
                            const uint8_t chain[DIGEST_BYTES], const struct trail_filter *f,
                            struct buffer *out, bool *taken, struct error *e);

struct side {
    char path[CONTROL_PATH_MAX];
    entry_function *entry;
    uint64_t last;             /* records after it are not looked at */
    struct log_cursor *cursor; /* ascending: stays open */
    uint64_t next;             /* ascending: first not looked at; descending: one past it */
    struct row *rows;
    uint32_t count, given;
    struct buffer text;
    bool is_over; /* nothing but the rows is left */
};

struct reading {
    const struct trail_options *o;
    struct entry_writer *writer;
    struct side decisions, control;
    struct trail_counts *c;
};

bool trail_filter_check(const struct trail_filter *f, struct error *e)
{
    const struct {
        const char *name;
        struct text text;
    } texts[] = {{"kind", f->kind},
                 {"actor", f->actor},
                 {"subject", f->subject},
                 {"event", f->event},
                 {"request", f->request}};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].text.length > TRAIL_TEXT_MAX || !text_is_utf8(texts[i].text))
            return error_set(e, ERROR_INVALID, "%s: expected text of at most %d bytes",
                             texts[i].name, TRAIL_TEXT_MAX);
    }
    return f->from_us <= f->to_us ||
           error_set(e, ERROR_INVALID, "from: it is after `to`, so nothing is between");
}

/* ---- one side */

static bool side_open(struct side *s, uint64_t last, uint64_t place, bool is_descending,
                      struct error *e)
{
    uint64_t end;

    buffer_init(&s->text, BLOCK_BYTES_MAX);
    s->rows = mem_array(BLOCK_DOWN, sizeof *s->rows);
    s->last = last;
    s->next = place;
    s->is_over = !file_exists(s->path);
    if (s->is_over)
        return true;
    if (!is_descending)
        return log_cursor_open(s->path, place > 0 ? place : 1, &s->cursor, e);
    if (last == UINT64_MAX) {
        if (!log_last_seq(s->path, &end, e))
            return false;
        s->last = end;
    }
    if (s->next > s->last)
        s->next = s->last + 1;
    s->is_over = s->next <= 1;
    return true;
}

static void side_close(struct side *s)
{
    log_cursor_close(s->cursor);
    mem_free(s->rows);
    buffer_fini(&s->text);
}

static bool take_record(struct reading *g, struct side *s, const struct log_cursor *cursor,
                        const struct record *r, struct error *e)
{
    struct row row = {.seq = r->seq, .at_us = r->received_us, .from = s->text.length};
    uint8_t chain[DIGEST_BYTES];
    bool taken;

    g->c->looked_at++;
    log_cursor_chain(cursor, chain);
    if (!s->entry(g->writer, r, chain, &g->o->filter, &s->text, &taken, e))
        return false;
    if (!taken)
        return true;
    if (s->text.overflow)
        return error_set(e, ERROR_FULL, "the entries of a block are over %d bytes",
                         BLOCK_BYTES_MAX);
    row.length = s->text.length - row.from;
    s->rows[s->count++] = row;
    return true;
}

static bool fill_up(struct reading *g, struct side *s, struct error *e)
{
    struct record r;
    int found = 1;

    for (int i = 0; i < BLOCK_UP; i++) {
        found = log_cursor_next(s->cursor, &r, e);
        if (found != 1 || r.seq > s->last)
            break;
        s->next = r.seq + 1;
        if (!take_record(g, s, s->cursor, &r, e))
            return false;
    }
    s->is_over = found == 0 || (found == 1 && r.seq > s->last);
    return found >= 0;
}

static bool fill_down(struct reading *g, struct side *s, struct error *e)
{
    uint64_t end = s->next, from = end > BLOCK_DOWN ? end - BLOCK_DOWN : 1, first = 0;
    struct log_cursor *cursor;
    struct record r;
    bool ok = true;
    int found = 0;

    if (!log_cursor_open(s->path, from, &cursor, e))
        return false;
    while (ok && (found = log_cursor_next(cursor, &r, e)) == 1 && r.seq < end) {
        if (first == 0)
            first = r.seq;
        ok = take_record(g, s, cursor, &r, e);
    }
    log_cursor_close(cursor);
    s->next = from;
    s->is_over = from == 1 || first > from || first == 0; /* what is before was cut */
    return ok && found >= 0;
}

/* Until the side has a row, or nothing is left, or the work is done. */
static bool fill(struct reading *g, struct side *s, struct error *e)
{
    while (s->given == s->count && !s->is_over &&
           (g->o->work == 0 || g->c->looked_at < g->o->work)) {
        s->count = s->given = 0;
        buffer_clear(&s->text);
        if (!(g->o->is_descending ? fill_down(g, s, e) : fill_up(g, s, e)))
            return false;
    }
    return true;
}

static const struct row *side_row(const struct side *s, bool is_descending)
{
    if (s->given == s->count)
        return NULL;
    return &s->rows[is_descending ? s->count - 1 - s->given : s->given];
}

static uint64_t side_place(const struct side *s, bool is_descending)
{
    const struct row *r = side_row(s, is_descending);

    if (r == NULL)
        return s->next;
    return is_descending ? r->seq + 1 : r->seq;
}

/* ---- both */

static void count(struct reading *g, const struct side *s, const struct row *r)
{
    struct trail_counts *c = g->c;
    bool is_control = s == &g->control;
    uint64_t *n = is_control ? &c->control : &c->decisions;
    uint64_t *first = is_control ? &c->first_control : &c->first_decisions;
    uint64_t *last = is_control ? &c->last_control : &c->last_decisions;

    if (c->decisions + c->control == 0)
        c->first_us = c->last_us = r->at_us;
    if (*n == 0)
        *first = *last = r->seq;
    *first = r->seq < *first ? r->seq : *first;
    *last = r->seq > *last ? r->seq : *last;
    c->first_us = r->at_us < c->first_us ? r->at_us : c->first_us;
    c->last_us = r->at_us > c->last_us ? r->at_us : c->last_us;
    ++*n;
}

/* The side whose row comes first; NULL: none may be given now. */
static struct side *choose(struct reading *g)
{
    bool down = g->o->is_descending;
    const struct row *d = side_row(&g->decisions, down), *c = side_row(&g->control, down);

    if ((d == NULL && !g->decisions.is_over) || (c == NULL && !g->control.is_over))
        return NULL; /* the work is done before it was known */
    if (d == NULL || c == NULL)
        return d != NULL ? &g->decisions : c != NULL ? &g->control : NULL;
    if (down)
        return d->at_us > c->at_us ? &g->decisions : &g->control;
    return d->at_us <= c->at_us ? &g->decisions : &g->control;
}

static bool read_all(struct reading *g, const struct trail_taker *t, struct error *e)
{
    bool down = g->o->is_descending;

    for (uint32_t given = 0; given < g->o->limit; given++) {
        struct side *s;
        const struct row *r;

        if (!fill(g, &g->decisions, e) || !fill(g, &g->control, e))
            return false;
        s = choose(g);
        if (s == NULL)
            break;
        r = side_row(s, down);
        if (!t->take(t->context, (struct text){s->text.bytes + r->from, r->length}, e))
            return false;
        count(g, s, r);
        s->given++;
        if ((given & 0xfff) == 0xfff && !progress_report(g->o->progress, "reading the audit", 0))
            return error_set(e, ERROR_CANCELLED, "stopped");
    }
    g->c->next =
        (struct trail_place){side_place(&g->decisions, down), side_place(&g->control, down)};
    g->c->is_over = g->decisions.is_over && side_row(&g->decisions, down) == NULL &&
                    g->control.is_over && side_row(&g->control, down) == NULL;
    return true;
}

bool trail_read(const struct trail_options *o, const struct trail_taker *t, struct trail_counts *c,
                struct error *e)
{
    struct reading g = {.o = o, .c = c};
    bool ok;

    *c = (struct trail_counts){0};
    if (!trail_filter_check(&o->filter, e) || !control_path(o->data_directory, g.control.path, e))
        return false;
    snprintf(g.decisions.path, sizeof g.decisions.path, "%s/log", o->shard_directory);
    g.decisions.entry = entry_of_decision;
    g.control.entry = entry_of_control;
    g.writer = entry_writer_new(o->shard_directory);
    ok = side_open(&g.decisions, o->last_decisions, o->place.decisions, o->is_descending, e) &&
         side_open(&g.control, o->last_control, o->place.control, o->is_descending, e) &&
         read_all(&g, t, e);
    side_close(&g.decisions);
    side_close(&g.control);
    entry_writer_free(g.writer);
    return ok;
}
