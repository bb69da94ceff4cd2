#include "shell/watch/rollup_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/base/panic.h"
#include "shell/link/sqlite.h"
#include "shell/os/digest.h"
#include "shell/os/file.h"
#include "shell/run/data_directory.h"
#include "shell/watch/rollup_db.h"
#include "shell/watch/rollup_state.h"
#include "shell/watch/rollup_store_inside.h"

#define MARKER ROLLUP_MARKER
#define PIECES "audit.rollup_period"

enum { DIGEST_SHOWN = 32, PIECES_AT_ONCE = 500, COLUMNS_TEXT_MAX = 1 << 20 };

struct rollup_store {
    struct rollup_db *db;
};

bool rollup_store_place(const struct settings *s, const char *url, char place[ROLLUP_URL_MAX],
                        struct error *e)
{
    const char *environment = getenv("DATABASE_URL");
    char data[DATA_PATH_MAX];

    if (url == NULL && s->store.kind == STORE_IN_POSTGRES)
        url = s->store.url;
    if (url == NULL && environment != NULL && *environment != 0)
        url = environment;
    if (url != NULL) {
        if (snprintf(place, ROLLUP_URL_MAX, "%s", url) >= ROLLUP_URL_MAX)
            return error_set(e, ERROR_USAGE, "a URL of over %d bytes", ROLLUP_URL_MAX);
        return true;
    }
    if (s->store.kind == STORE_IN_POSTGRES) {
        *place = 0; /* the link says that there is no URL */
        return true;
    }
    if (!data_directory(s, data, e) || !file_make_directories(data, 0755, e))
        return false;
    snprintf(place, ROLLUP_URL_MAX, "sqlite:%s/rollups.sqlite", data);
    return true;
}

static bool run(struct rollup_store *s, struct buffer *sql, struct error *e)
{
    bool ok = !sql->overflow
                  ? s->db->ops->exec(s->db, buffer_text(sql), e)
                  : error_set(e, ERROR_FULL, "a statement over %d bytes", ROLLUP_SQL_MAX);

    buffer_clear(sql);
    return ok;
}

struct rollup_db *rollup_store_db(struct rollup_store *s)
{
    return s->db;
}

static void add_table(struct rollup_store *s, const char *name, struct buffer *out)
{
    (void)!s->db->ops->name_add(out, text_of(name)); /* looked at by table_of */
}

/* 'text' of SQL. */
void rollup_quoted_add(struct buffer *out, struct text t)
{
    buffer_add_char(out, '\'');
    for (size_t i = 0; i < t.length; i++) {
        buffer_add_char(out, t.bytes[i]);
        if (t.bytes[i] == '\'')
            buffer_add_char(out, '\'');
    }
    buffer_add_char(out, '\'');
}

static void add_name(struct buffer *out, const char *name)
{
    buffer_add_char(out, '"');
    for (const char *c = name; *c != 0; c++) {
        buffer_add_char(out, *c);
        if (*c == '"')
            buffer_add_char(out, '"');
    }
    buffer_add_char(out, '"');
}

/* Where two make them at once, one of them may lose: it is then asked for again by its user. */
static bool make_markers(struct rollup_store *s, struct error *e)
{
    const struct rollup_db_ops *ops = s->db->ops;
    struct buffer sql;
    bool ok, has;

    if (!ops->has_table(s->db, text_of(PIECES), &has, e))
        return false;
    if (has)
        return true;
    buffer_init(&sql, ROLLUP_SQL_MAX);
    ok = ops->make_schema(s->db, text_of(MARKER), e);
    buffer_add_text(&sql, "CREATE TABLE IF NOT EXISTS ");
    add_table(s, MARKER, &sql);
    buffer_format(
        &sql,
        " (name %s PRIMARY KEY, version %s NOT NULL, table_name %s NOT NULL, every %s NOT "
        "NULL, columns %s NOT NULL, key_columns %s NOT NULL, rows %s NOT NULL, "
        "source_rows %s NOT NULL, threshold %s, updated_at %s NOT NULL);",
        ops->type_name[ROLLUP_TEXT], ops->type_name[ROLLUP_INT], ops->type_name[ROLLUP_TEXT],
        ops->type_name[ROLLUP_TEXT], ops->type_name[ROLLUP_TEXT], ops->type_name[ROLLUP_INT],
        ops->type_name[ROLLUP_INT], ops->type_name[ROLLUP_INT], ops->type_name[ROLLUP_REAL],
        ops->type_name[ROLLUP_TIME]);
    buffer_add_text(&sql, "CREATE TABLE IF NOT EXISTS ");
    add_table(s, PIECES, &sql);
    buffer_format(
        &sql,
        " (name %s NOT NULL, start_us %s NOT NULL, period %s, digest %s NOT NULL, rows %s "
        "NOT NULL, PRIMARY KEY (name, start_us))",
        ops->type_name[ROLLUP_TEXT], ops->type_name[ROLLUP_INT], ops->type_name[ROLLUP_TEXT],
        ops->type_name[ROLLUP_TEXT], ops->type_name[ROLLUP_INT]);
    ok = ok && run(s, &sql, e);
    buffer_fini(&sql);
    return ok;
}

bool rollup_store_open(const char *place, struct rollup_store **store, struct error *e)
{
    struct rollup_store *s = mem_alloc(sizeof *s);

    if (!(sqlite_link_is(place) ? rollup_sqlite_open(place, &s->db, e)
                                : rollup_postgres_open(place, &s->db, e))) {
        mem_free(s);
        return false;
    }
    *store = s;
    return true;
}

void rollup_store_close(struct rollup_store *s)
{
    if (s == NULL)
        return;
    s->db->ops->close(s->db);
    mem_free(s);
}

/* ---- one table ---- */

static const char *table_of(const struct rollup_setting *r)
{
    return r->table != NULL ? r->table : r->name;
}

static enum rollup_type type_of(const struct rollup_rows *rows, uint32_t column)
{
    static const enum rollup_type types[TYPES] = {
        [TYPE_BOOL] = ROLLUP_BOOL,     [TYPE_INT] = ROLLUP_INT,   [TYPE_DECIMAL] = ROLLUP_DECIMAL,
        [TYPE_REAL] = ROLLUP_REAL,     [TYPE_TEXT] = ROLLUP_TEXT, [TYPE_TIME] = ROLLUP_TIME,
        [TYPE_DURATION] = ROLLUP_REAL,
    };

    if ((int)column == rows->period && rows->every != EVERY_HOUR)
        return ROLLUP_DATE;
    return types[rows->frame.column[column].type];
}

bool rollup_cell_text(const struct rollup_rows *rows, const struct rollup_column *c, uint32_t row,
                      char out[64], struct text *t)
{
    const struct column *cells = c->cells;

    if (cells->null[row])
        return false;
    *t = (struct text){out, 0};
    if (cells->type == TYPE_TEXT)
        *t = cells->text[row];
    else if (c->type == ROLLUP_DATE)
        period_format(rows->zone, rows->every, cells->integer[row], out);
    else if (cells->type == TYPE_TIME)
        time_format(cells->integer[row], out);
    else if (cells->type == TYPE_BOOL)
        snprintf(out, 64, "%s", cells->integer[row] != 0 ? "true" : "false");
    else if (cells->type == TYPE_DECIMAL)
        number_format_decimal(cells->integer[row], out);
    else if (cells->type == TYPE_REAL)
        number_format_real(cells->real[row], out);
    else if (cells->type == TYPE_DURATION)
        number_format_decimal(cells->integer[row], out); /* microseconds are millionths */
    else
        number_format_int(cells->integer[row], out);
    if (cells->type != TYPE_TEXT)
        t->length = strlen(out);
    return true;
}

static const char *const type_words[ROLLUP_TYPES] = {
    [ROLLUP_DATE] = "date", [ROLLUP_TIME] = "time",       [ROLLUP_BOOL] = "bool",
    [ROLLUP_INT] = "int",   [ROLLUP_DECIMAL] = "decimal", [ROLLUP_REAL] = "real",
    [ROLLUP_TEXT] = "text"};

/* A table that is being written. */
struct writing {
    struct rollup_store *store;
    const struct rollup *rollup;
    const struct rollup_write *options;
    const char *table;
    struct rollup_column *column;
    uint32_t columns;
    struct buffer sql, described; /* its columns: "name type, name type" with JSON's quotes */
};

/* A period of it: as it is there, or as it shall be. */
struct piece {
    int64_t start_us;
    char period[TIME_TEXT_MAX]; /* as the table has it; "" without a period */
    char digest[DIGEST_SHOWN + 1];
    uint32_t first, rows;
    bool is_changed;
};

struct pieces {
    struct piece *piece;
    uint32_t count, room;
};

static struct piece *piece_add(struct pieces *p)
{
    if (p->count == p->room) {
        p->room = p->room > 0 ? p->room * 2 : 64;
        p->piece = mem_resize(p->piece, p->room, sizeof *p->piece);
    }
    p->piece[p->count] = (struct piece){0};
    return &p->piece[p->count++];
}

static void describe(struct writing *w)
{
    const struct rollup_rows *rows = &w->rollup->rows;

    w->column = mem_array(rows->frame.columns + 1, sizeof *w->column);
    for (uint32_t i = 0; i < rows->frame.columns; i++) {
        const char *name = rows->schema->fields[i].name;

        if (!rows->is_kept[i])
            continue;
        w->column[w->columns] =
            (struct rollup_column){name, type_of(rows, i), &rows->frame.column[i]};
        buffer_format(&w->described, "%s%s ", w->columns > 0 ? "\n" : "",
                      type_words[w->column[w->columns].type]);
        buffer_add_text(&w->described, name);
        w->columns++;
    }
}

static bool create(struct writing *w, struct error *e)
{
    const struct rollup_rows *rows = &w->rollup->rows;
    const struct rollup_db_ops *ops = w->store->db->ops;

    if (!ops->make_schema(w->store->db, text_of(w->table), e))
        return false;
    buffer_add_text(&w->sql, "CREATE TABLE ");
    add_table(w->store, w->table, &w->sql);
    for (uint32_t i = 0; i < w->columns; i++) {
        buffer_add_text(&w->sql, i > 0 ? ", " : " (");
        add_name(&w->sql, w->column[i].name);
        buffer_format(&w->sql, " %s", ops->type_name[w->column[i].type]);
    }
    buffer_add_char(&w->sql, ')');
    if (!run(w->store, &w->sql, e))
        return false;
    if (rows->period == FIELD_NONE)
        return true;
    buffer_add_text(&w->sql, "CREATE INDEX ");
    if (sqlite_link_name_add(&w->sql, text_of(w->table)))
        w->sql.length--; /* inside the quotes */
    buffer_add_text(&w->sql, "_period\" ON ");
    add_table(w->store, w->table, &w->sql);
    for (uint32_t i = 0; i <= rows->keys; i++) {
        buffer_add_text(&w->sql, i > 0 ? ", " : " (");
        add_name(&w->sql, w->column[i].name);
    }
    buffer_add_char(&w->sql, ')');
    return run(w->store, &w->sql, e);
}

struct marker {
    bool has, is_same;
    bool is_here; /* of this table, not of one that it had before it was named otherwise */
    struct writing *writing;
    int64_t version;
};

static bool read_marker(void *context, const struct text *cell, uint32_t cells)
{
    struct marker *m = context;
    struct buffer *d = &m->writing->described;

    m->has = cells == 3;
    m->is_same = text_equal(cell[0], (struct text){d->bytes, d->length});
    m->is_here = text_is(cell[2], m->writing->table);
    m->version = 0;
    (void)!number_parse_int(cell[1], &m->version);
    return true;
}

/* What is known of the table, and where it is ours the table itself. */
static bool drop(struct writing *w, bool with_table, struct error *e)
{
    const char *name = w->rollup->setting->name;

    if (with_table) {
        buffer_add_text(&w->sql, "DROP TABLE IF EXISTS ");
        add_table(w->store, w->table, &w->sql);
        buffer_add_text(&w->sql, "; ");
    }
    buffer_add_text(&w->sql, "DELETE FROM ");
    add_table(w->store, MARKER, &w->sql);
    buffer_add_text(&w->sql, " WHERE name = ");
    rollup_quoted_add(&w->sql, text_of(name));
    buffer_add_text(&w->sql, "; DELETE FROM ");
    add_table(w->store, PIECES, &w->sql);
    buffer_add_text(&w->sql, " WHERE name = ");
    rollup_quoted_add(&w->sql, text_of(name));
    return run(w->store, &w->sql, e);
}

/* The table is there, with the columns that it shall have, and it is ours. */
static bool prepare(struct writing *w, struct error *e)
{
    const struct rollup_db_ops *ops = w->store->db->ops;
    struct marker m = {.writing = w};
    bool exists;

    buffer_add_text(&w->sql, "SELECT columns, version, table_name FROM ");
    add_table(w->store, MARKER, &w->sql);
    buffer_add_text(&w->sql, " WHERE name = ");
    rollup_quoted_add(&w->sql, text_of(w->rollup->setting->name));
    if (!ops->ask(w->store->db, buffer_text(&w->sql), read_marker, &m, e))
        return false;
    buffer_clear(&w->sql);
    if (m.version > ROLLUP_VERSION)
        return error_set(e, ERROR_INVALID,
                         "%s was written by a newer Assay (version %" PRId64
                         " of such tables; this one knows %d): use that one",
                         w->table, m.version, ROLLUP_VERSION);
    if (!ops->has_table(w->store->db, text_of(w->table), &exists, e))
        return false;
    if (exists && !(m.has && m.is_here))
        return error_set(e, ERROR_CONFLICT,
                         "there is a table %s that no rollup has written: it is left as it is; "
                         "name another one under rollups.%s.table",
                         w->table, w->rollup->setting->name);
    if (m.has && (w->options->rebuild || !exists)) {
        if (!drop(w, m.is_here, e))
            return false;
        exists = false;
    } else if (m.has && !m.is_same) {
        return error_set(e, ERROR_CONFLICT,
                         "%s has other columns than the settings ask for now: `assay rollup "
                         "--rebuild` makes it anew",
                         w->table);
    }
    return exists || create(w, e);
}

/* ---- its pieces ---- */

static void digest_rows(const struct writing *w, struct digest *d, struct buffer *bytes,
                        struct piece *p)
{
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];

    digest_start(d);
    for (uint32_t row = p->first; row < p->first + p->rows; row++) {
        buffer_clear(bytes);
        for (uint32_t i = 0; i < w->columns; i++)
            rollup_cell_bytes(w->column[i].cells, row, bytes);
        digest_add(d, bytes->bytes, bytes->length);
    }
    digest_finish(d, digest);
    digest_hex(digest, hex);
    memcpy(p->digest, hex, DIGEST_SHOWN);
}

/* The pieces of the table as it shall be; rows of one period stand together. */
static void cut(const struct writing *w, struct pieces *pieces)
{
    const struct rollup_rows *rows = &w->rollup->rows;
    const struct column *period =
        rows->period != FIELD_NONE ? &rows->frame.column[rows->period] : NULL;
    struct digest *d = digest_new();
    struct buffer bytes;

    buffer_init(&bytes, (size_t)ROLLUP_COLUMNS_MAX * (TEXT_MAX + 16));
    for (uint32_t row = 0; row < rows->frame.rows;) {
        struct piece *p = piece_add(pieces);

        p->first = row;
        p->start_us = period != NULL ? period->integer[row] : 0;
        if (period != NULL)
            period_format(rows->zone, rows->every, p->start_us, p->period);
        while (row < rows->frame.rows && (period == NULL || period->integer[row] == p->start_us))
            row++;
        p->rows = row - p->first;
        digest_rows(w, d, &bytes, p);
    }
    buffer_fini(&bytes);
    digest_free(d);
}

static bool read_piece(void *context, const struct text *cell, uint32_t cells)
{
    struct piece *p = piece_add(context);

    (void)cells;
    if (number_parse_int(cell[0], &p->start_us) && cell[1].bytes != NULL)
        snprintf(p->period, sizeof p->period, "%.*s", TEXT_ARG(cell[1]));
    if (cell[2].length == DIGEST_SHOWN)
        memcpy(p->digest, cell[2].bytes, DIGEST_SHOWN);
    return true;
}

static bool read_pieces(struct writing *w, struct pieces *pieces, struct error *e)
{
    bool ok;

    buffer_add_text(&w->sql, "SELECT start_us, period, digest FROM ");
    add_table(w->store, PIECES, &w->sql);
    buffer_add_text(&w->sql, " WHERE name = ");
    rollup_quoted_add(&w->sql, text_of(w->rollup->setting->name));
    buffer_add_text(&w->sql, " ORDER BY start_us");
    ok = w->store->db->ops->ask(w->store->db, buffer_text(&w->sql), read_piece, pieces, e);
    buffer_clear(&w->sql);
    return ok;
}

static bool is_asked(const struct writing *w, const struct piece *p)
{
    return w->rollup->rows.period == FIELD_NONE ||
           (p->start_us >= w->options->from_us && p->start_us < w->options->until_us);
}

/* Both are in the order of time: what differs, on either side, is marked. */
static void compare(const struct writing *w, struct pieces *old, struct pieces *fresh)
{
    uint32_t i = 0, k = 0;

    while (i < old->count || k < fresh->count) {
        struct piece *o = i < old->count ? &old->piece[i] : NULL;
        struct piece *f = k < fresh->count ? &fresh->piece[k] : NULL;
        int64_t order = o == NULL   ? 1
                        : f == NULL ? -1
                                    : (o->start_us > f->start_us) - (o->start_us < f->start_us);
        bool differs =
            order != 0 || strcmp(o->digest, f->digest) != 0 || strcmp(o->period, f->period) != 0;

        if (order <= 0) {
            o->is_changed = differs && is_asked(w, o);
            i++;
        }
        if (order >= 0) {
            f->is_changed = differs && is_asked(w, f);
            k++;
        }
    }
}

static bool delete_pieces(struct writing *w, const struct pieces *old, struct error *e)
{
    for (uint32_t i = 0; i < old->count; i++) {
        const struct piece *p = &old->piece[i];

        if (!p->is_changed)
            continue;
        buffer_add_text(&w->sql, "DELETE FROM ");
        add_table(w->store, w->table, &w->sql);
        if (p->period[0] != 0) {
            buffer_add_text(&w->sql, " WHERE ");
            add_name(&w->sql, w->column[0].name);
            buffer_add_text(&w->sql, " = ");
            rollup_quoted_add(&w->sql, text_of(p->period));
        }
        buffer_add_text(&w->sql, "; DELETE FROM ");
        add_table(w->store, PIECES, &w->sql);
        buffer_add_text(&w->sql, " WHERE name = ");
        rollup_quoted_add(&w->sql, text_of(w->rollup->setting->name));
        buffer_format(&w->sql, " AND start_us = %" PRId64 ";", p->start_us);
        if (w->sql.length > ROLLUP_SQL_MAX / 2 && !run(w->store, &w->sql, e))
            return false;
    }
    return w->sql.length == 0 || run(w->store, &w->sql, e);
}

static bool add_pieces(struct writing *w, const struct pieces *fresh, struct error *e)
{
    uint32_t held = 0;

    for (uint32_t i = 0; i < fresh->count; i++) {
        const struct piece *p = &fresh->piece[i];

        if (!p->is_changed)
            continue;
        if (held == 0) {
            buffer_add_text(&w->sql, "INSERT INTO ");
            add_table(w->store, PIECES, &w->sql);
            buffer_add_text(&w->sql, " (name, start_us, period, digest, rows) VALUES ");
        }
        buffer_add_text(&w->sql, held > 0 ? ", (" : "(");
        rollup_quoted_add(&w->sql, text_of(w->rollup->setting->name));
        buffer_format(&w->sql, ", %" PRId64 ", '%s', '%s', %u)", p->start_us, p->period, p->digest,
                      p->rows);
        if (++held == PIECES_AT_ONCE) {
            if (!run(w->store, &w->sql, e))
                return false;
            held = 0;
        }
    }
    return held == 0 || run(w->store, &w->sql, e);
}

static bool insert_rows(struct writing *w, const struct pieces *fresh, struct error *e)
{
    const struct rollup_rows *rows = &w->rollup->rows;
    uint8_t *is_new = mem_alloc(rows->frame.rows + 1);
    bool has = false, ok;

    for (uint32_t i = 0; i < fresh->count; i++) {
        const struct piece *p = &fresh->piece[i];

        has |= p->is_changed;
        memset(is_new + p->first, p->is_changed, p->rows);
    }
    ok = !has || w->store->db->ops->insert(w->store->db, text_of(w->table), rows, w->column,
                                           w->columns, is_new, e);
    mem_free(is_new);
    return ok;
}

static bool put_marker(struct writing *w, struct error *e)
{
    static const char *const every[EVERY_KINDS] = {"row", "hour", "day", "month"};
    const struct rollup *r = w->rollup;
    char now[TIME_TEXT_MAX], threshold[NUMBER_TEXT_MAX] = "NULL";

    time_format(w->options->now_us, now);
    if (r->label.has_threshold)
        number_format_real(r->label.threshold, threshold);
    buffer_add_text(&w->sql, "DELETE FROM ");
    add_table(w->store, MARKER, &w->sql);
    buffer_add_text(&w->sql, " WHERE name = ");
    rollup_quoted_add(&w->sql, text_of(r->setting->name));
    buffer_add_text(&w->sql, "; INSERT INTO ");
    add_table(w->store, MARKER, &w->sql);
    buffer_add_text(&w->sql, " (name, version, table_name, every, columns, key_columns, rows, "
                             "source_rows, threshold, updated_at) VALUES (");
    rollup_quoted_add(&w->sql, text_of(r->setting->name));
    buffer_format(&w->sql, ", %d, ", ROLLUP_VERSION);
    rollup_quoted_add(&w->sql, text_of(w->table));
    buffer_format(&w->sql, ", '%s', ",
                  every[r->rows.period != FIELD_NONE ? r->rows.every : EVERY_ROW]);
    rollup_quoted_add(&w->sql, (struct text){w->described.bytes, w->described.length});
    buffer_format(&w->sql, ", %u, %u, %" PRIu64 ", %s, '%s')", r->rows.keys, r->rows.frame.rows,
                  r->counts.rows, threshold, now);
    return run(w->store, &w->sql, e);
}

static bool write_pieces(struct writing *w, struct rollup_written *out, struct error *e)
{
    struct pieces old = {0}, fresh = {0};
    bool ok = read_pieces(w, &old, e);

    if (ok) {
        cut(w, &fresh);
        compare(w, &old, &fresh);
        *out = (struct rollup_written){.rows = w->rollup->rows.frame.rows, .periods = fresh.count};
        for (uint32_t i = 0; i < fresh.count; i++)
            out->changed += fresh.piece[i].is_changed;
        for (uint32_t i = 0, k = 0; i < old.count; i++) { /* those that are gone */
            while (k < fresh.count && fresh.piece[k].start_us < old.piece[i].start_us)
                k++;
            out->changed += old.piece[i].is_changed &&
                            (k == fresh.count || fresh.piece[k].start_us != old.piece[i].start_us);
        }
        ok = delete_pieces(w, &old, e) && insert_rows(w, &fresh, e) && add_pieces(w, &fresh, e);
    }
    mem_free(old.piece);
    mem_free(fresh.piece);
    return ok;
}

static bool write_one(struct rollup_store *s, const struct rollup *r, const struct rollup_write *o,
                      struct rollup_written *out, struct error *e)
{
    struct writing w = {.store = s, .rollup = r, .options = o, .table = table_of(r->setting)};
    struct buffer name;
    bool ok;

    buffer_init(&w.sql, ROLLUP_SQL_MAX);
    buffer_init(&w.described, COLUMNS_TEXT_MAX);
    buffer_init(&name, ROLLUP_SQL_MAX);
    ok =
        s->db->ops->name_add(&name, text_of(w.table)) ||
        error_set(e, ERROR_INVALID, "\"%.80s\" is no table's name: expected schema.table", w.table);
    describe(&w);
    ok = ok && prepare(&w, e) && write_pieces(&w, out, e) && put_marker(&w, e);
    if (ok && o->keeps_state && r->groups != NULL)
        ok = rollup_state_write(s, r, &out->is_overtaken, e);
    if (!ok)
        error_prefix(e, "rollup %s", r->setting->name);
    mem_free(w.column);
    buffer_fini(&w.sql);
    buffer_fini(&w.described);
    buffer_fini(&name);
    return ok;
}

bool rollup_store_write(struct rollup_store *s, const struct rollups *r,
                        const struct rollup_write *o, struct rollup_written *written,
                        struct error *e)
{
    const struct rollup_db_ops *ops = s->db->ops;
    struct error ignored;
    bool ok;

    if (!ops->exec(s->db, ops->begin, e))
        return false;
    ok = make_markers(s, e);
    for (uint32_t i = 0; i < r->count && ok; i++) {
        if (r->rollup[i].is_wanted)
            ok = write_one(s, &r->rollup[i], o, &written[i], e);
    }
    ok = ok && ops->exec(s->db, "COMMIT", e);
    if (!ok)
        (void)!ops->exec(s->db, "ROLLBACK", &ignored);
    return ok;
}
