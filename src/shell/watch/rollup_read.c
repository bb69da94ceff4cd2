/* Tables of rollups as JSON, read from where they were written: whoever wrote them, `assay rollup`
 * or a service. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/data/json.h"
#include "shell/watch/rollup_db.h"
#include "shell/watch/rollup_store_inside.h"

enum { TIME_DIGITS = 10 };

/* A column of a table as its marker describes it: "date event_day". */
struct shown {
    struct text name, type;
};

struct reading {
    struct buffer *out;
    struct arena kept; /* the marker's texts */
    struct text every, table, updated_at, threshold;
    struct shown column[ROLLUP_CELLS_MAX];
    uint32_t columns;
    int64_t keys, rows;
    bool has;
    uint32_t most, found;
};

/* The marker's texts live as long as the reading. */
static struct text keep(struct reading *r, struct text t)
{
    char *copy = t.bytes != NULL ? arena_text(&r->kept, t.bytes, t.length) : NULL;

    return (struct text){copy != NULL ? copy : "", copy != NULL ? t.length : 0};
}

static void split_columns(struct reading *r, struct text described)
{
    r->columns = 0;
    while (described.length > 0 && r->columns < ROLLUP_CELLS_MAX) {
        const char *end = memchr(described.bytes, '\n', described.length);
        size_t length = end != NULL ? (size_t)(end - described.bytes) : described.length;
        const char *space = memchr(described.bytes, ' ', length);
        size_t type = space != NULL ? (size_t)(space - described.bytes) : length;
        size_t name = type < length ? type + 1 : length;

        r->column[r->columns++] = (struct shown){.name = {described.bytes + name, length - name},
                                                 .type = {described.bytes, type}};
        length += end != NULL;
        described = (struct text){described.bytes + length, described.length - length};
    }
}

static void add_time(struct buffer *out, struct text t)
{
    char text[TIME_TEXT_MAX];
    int64_t us;

    if (time_parse(t, TIME_ISO, &us)) {
        time_format(us, text);
        t = text_of(text);
    }
    json_add_text(out, t);
}

static void add_columns(struct reading *r)
{
    buffer_add_text(r->out, ",\"columns\":[");
    for (uint32_t i = 0; i < r->columns; i++) {
        buffer_add_text(r->out, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_add_text(r->out, r->column[i].name);
        buffer_add_text(r->out, ",\"type\":");
        json_add_text(r->out, r->column[i].type);
        buffer_add_char(r->out, '}');
    }
    buffer_add_char(r->out, ']');
}

static void add_marker(struct reading *r, struct text name)
{
    buffer_add_text(r->out, "\"name\":");
    json_add_text(r->out, name);
    buffer_add_text(r->out, ",\"table\":");
    json_add_text(r->out, r->table);
    buffer_add_text(r->out, ",\"every\":");
    json_add_text(r->out, r->every);
    buffer_format(r->out, ",\"total_rows\":%" PRId64 ",\"threshold\":%.*s,\"updated_at\":", r->rows,
                  r->threshold.length > 0 ? (int)r->threshold.length : 4,
                  r->threshold.length > 0 ? r->threshold.bytes : "null");
    add_time(r->out, r->updated_at);
    add_columns(r);
}

#define MARKER_CELLS "name, table_name, every, columns, key_columns, rows, threshold, updated_at"

/* The cells of MARKER_CELLS. */
static bool take_marker(void *context, const struct text *cell, uint32_t cells)
{
    struct reading *r = context;
    struct text described;

    (void)cells;
    r->has = true;
    arena_clear(&r->kept);
    r->table = keep(r, cell[1]);
    r->every = keep(r, cell[2]);
    described = keep(r, cell[3]);
    r->threshold = keep(r, cell[6]);
    r->updated_at = keep(r, cell[7]);
    split_columns(r, described);
    r->keys = r->rows = 0;
    return number_parse_int(cell[4], &r->keys) && number_parse_int(cell[5], &r->rows);
}

static bool list_marker(void *context, const struct text *cell, uint32_t cells)
{
    struct reading *r = context;

    take_marker(r, cell, cells);
    buffer_add_text(r->out, r->found++ > 0 ? ",{" : "{");
    add_marker(r, cell[0]);
    buffer_add_char(r->out, '}');
    return true;
}

static bool has_markers(struct rollup_store *s, bool *has, struct error *e)
{
    struct rollup_db *db = rollup_store_db(s);

    return db->ops->has_table(db, text_of(ROLLUP_MARKER), has, e);
}

bool rollup_store_list(struct rollup_store *s, struct buffer *out, struct error *e)
{
    struct rollup_db *db = rollup_store_db(s);
    struct reading *r = mem_alloc(sizeof *r);
    struct buffer sql;
    bool has, ok = has_markers(s, &has, e);

    r->out = out;
    arena_init(&r->kept, ROLLUP_SQL_MAX);
    buffer_init(&sql, ROLLUP_SQL_MAX);
    buffer_add_text(out, "{\"rollups\":[");
    if (ok && has) {
        buffer_add_text(&sql, "SELECT " MARKER_CELLS " FROM ");
        (void)!db->ops->name_add(&sql, text_of(ROLLUP_MARKER));
        buffer_add_text(&sql, " ORDER BY name");
        ok = db->ops->ask(db, buffer_text(&sql), list_marker, r, e);
    }
    buffer_add_text(out, "]}");
    buffer_fini(&sql);
    arena_fini(&r->kept);
    mem_free(r);
    return ok;
}

static void add_cell(struct reading *r, const struct shown *c, struct text t)
{
    if (t.bytes == NULL)
        buffer_add_text(r->out, "null");
    else if (text_is(c->type, "bool"))
        buffer_add_text(r->out, text_is(t, "t") || text_is(t, "1") || text_is(t, "true") ? "true"
                                                                                         : "false");
    else if (text_is(c->type, "time"))
        add_time(r->out, t);
    else if (text_is(c->type, "text") || text_is(c->type, "date"))
        json_add_text(r->out, t);
    else
        buffer_add_slice(r->out, t); /* a number of the database is one of JSON */
}

static bool add_row(void *context, const struct text *cell, uint32_t cells)
{
    struct reading *r = context;

    if (r->found == r->most) {
        r->found++;
        return false;
    }
    buffer_add_text(r->out, r->found++ > 0 ? ",{" : "{");
    for (uint32_t i = 0; i < cells && i < r->columns; i++) {
        buffer_add_text(r->out, i > 0 ? "," : "");
        json_add_text(r->out, r->column[i].name);
        buffer_add_char(r->out, ':');
        add_cell(r, &r->column[i], cell[i]);
    }
    buffer_add_char(r->out, '}');
    return true;
}

static void add_name(struct buffer *out, struct text name)
{
    buffer_add_char(out, '"');
    for (size_t i = 0; i < name.length; i++) {
        buffer_add_char(out, name.bytes[i]);
        if (name.bytes[i] == '"')
            buffer_add_char(out, '"');
    }
    buffer_add_char(out, '"');
}

/* A bound of the period: the calendar's day of a date. */
static void add_bound(const struct reading *r, const char *word, const char *operator_, int64_t us,
                      struct buffer *sql)
{
    char time[TIME_TEXT_MAX];
    bool is_date = text_is(r->column[0].type, "date");

    time_format(us, time);
    buffer_format(sql, " %s ", word);
    add_name(sql, r->column[0].name);
    buffer_format(sql, " %s '%.*s'", operator_, is_date ? TIME_DIGITS : TIME_TEXT_MAX, time);
}

static void add_select(struct rollup_db *db, const struct reading *r, const struct rollup_query *q,
                       struct buffer *sql)
{
    bool has_period = !text_is(r->every, "row");
    uint32_t order = has_period ? (uint32_t)r->keys + 1 : r->columns;

    buffer_add_text(sql, "SELECT ");
    for (uint32_t i = 0; i < r->columns; i++) {
        buffer_add_text(sql, i > 0 ? ", " : "");
        add_name(sql, r->column[i].name);
    }
    buffer_add_text(sql, " FROM ");
    (void)!db->ops->name_add(sql, r->table);
    if (q->has_from)
        add_bound(r, "WHERE", ">=", q->from_us, sql);
    if (q->has_until)
        add_bound(r, q->has_from ? "AND" : "WHERE", "<", q->until_us, sql);
    for (uint32_t i = 0; i < order && i < r->columns; i++)
        buffer_format(sql, "%s%u%s", i > 0 ? ", " : " ORDER BY ", i + 1,
                      i == 0 && q->newest_first ? " DESC" : "");
    buffer_format(sql, " LIMIT %u OFFSET %u", q->limit + 1, q->offset);
}

static bool read_rows(struct rollup_db *db, struct reading *r, const struct rollup_query *q,
                      bool *more, struct error *e)
{
    struct buffer sql;
    bool ok;

    if ((q->has_from || q->has_until) && text_is(r->every, "row"))
        return error_set(e, ERROR_USAGE, "%.*s has no periods: from and to do not fit it",
                         TEXT_ARG(q->name));
    buffer_init(&sql, ROLLUP_SQL_MAX);
    add_select(db, r, q, &sql);
    buffer_add_char(r->out, '{');
    add_marker(r, q->name);
    buffer_add_text(r->out, ",\"rows\":[");
    r->found = 0;
    r->most = q->limit;
    ok = db->ops->ask(db, buffer_text(&sql), add_row, r, e);
    *more = r->found > r->most;
    buffer_add_char(r->out, ']');
    buffer_fini(&sql);
    return ok;
}

bool rollup_store_read(struct rollup_store *s, const struct rollup_query *q, struct buffer *out,
                       bool *more, struct error *e)
{
    struct rollup_db *db = rollup_store_db(s);
    struct reading *r = mem_alloc(sizeof *r);
    struct buffer sql;
    bool has, ok = has_markers(s, &has, e);

    r->out = out;
    arena_init(&r->kept, ROLLUP_SQL_MAX);
    buffer_init(&sql, ROLLUP_SQL_MAX);
    if (ok && has) {
        buffer_add_text(&sql, "SELECT " MARKER_CELLS " FROM ");
        (void)!db->ops->name_add(&sql, text_of(ROLLUP_MARKER));
        buffer_add_text(&sql, " WHERE name = ");
        rollup_quoted_add(&sql, q->name);
        ok = db->ops->ask(db, buffer_text(&sql), take_marker, r, e);
    }
    if (ok && !r->has)
        ok = error_set(e, ERROR_NOT_FOUND,
                       "there is no table of a rollup \"%.*s\" yet: `assay rollup` writes it",
                       (int)(q->name.length < 80 ? q->name.length : 80), q->name.bytes);
    ok = ok && read_rows(db, r, q, more, e);
    buffer_fini(&sql);
    arena_fini(&r->kept);
    mem_free(r);
    return ok;
}
