/* Tables of rollups in an SQLite file: raw.x is the table raw_x there. */
#include "core/base/memory.h"
#include "shell/link/sqlite.h"
#include "shell/watch/rollup_db.h"

struct sqlite_db {
    struct rollup_db is;
    struct sqlite_link *link;
};

static struct sqlite_link *link_of(struct rollup_db *db)
{
    return ((struct sqlite_db *)db)->link; /* its first member */
}

static void close_db(struct rollup_db *db)
{
    sqlite_link_close(link_of(db));
    mem_free(db);
}

static bool make_schema(struct rollup_db *db, struct text table, struct error *e)
{
    (void)db;
    (void)table;
    (void)e;
    return true; /* it has none */
}

static bool exec(struct rollup_db *db, const char *sql, struct error *e)
{
    return sqlite_link_exec(link_of(db), sql, e);
}

static bool ask(struct rollup_db *db, const char *sql,
                bool (*row)(void *context, const struct text *cell, uint32_t cells), void *context,
                struct error *e)
{
    struct text cell[ROLLUP_CELLS_MAX];
    struct sqlite_statement *q;
    bool has = true, ok;

    if (!sqlite_link_prepare(link_of(db), sql, &q, e))
        return false;
    for (;;) {
        uint32_t columns = sqlite_columns(q);

        ok = sqlite_step(q, &has, e);
        if (!ok || !has)
            break;
        for (uint32_t k = 0; k < columns && k < ROLLUP_CELLS_MAX; k++)
            cell[k] = sqlite_is_null(q, k) ? (struct text){NULL, 0} : sqlite_cell(q, k);
        if (!row(context, cell, columns))
            break;
    }
    sqlite_statement_free(q);
    return ok;
}

static bool found(void *context, const struct text *cell, uint32_t cells)
{
    (void)cell;
    (void)cells;
    *(bool *)context = true;
    return true;
}

static bool has_table(struct rollup_db *db, struct text table, bool *has, struct error *e)
{
    struct buffer name, sql;
    bool ok;

    *has = false;
    buffer_init(&name, ROLLUP_SQL_MAX);
    buffer_init(&sql, ROLLUP_SQL_MAX);
    (void)!sqlite_link_name_add(&name, table); /* it was looked at when the table was named */
    buffer_add_text(&sql,
                    "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = '");
    for (size_t i = 1; i + 1 < name.length; i++)
        buffer_format(&sql, name.bytes[i] == '\'' ? "''" : "%c", name.bytes[i]);
    buffer_add_text(&sql, "'");
    ok = ask(db, buffer_text(&sql), found, has, e);
    buffer_fini(&name);
    buffer_fini(&sql);
    return ok;
}

static void bind(struct sqlite_statement *q, int at, const struct rollup_rows *rows,
                 const struct rollup_column *c, uint32_t row, char digits[64])
{
    struct text t;

    if (!rollup_cell_text(rows, c, row, digits, &t))
        sqlite_bind_null_at(q, at);
    else if (c->type == ROLLUP_INT || c->type == ROLLUP_BOOL)
        sqlite_bind_int_at(q, at, c->cells->integer[row]);
    else if (c->type == ROLLUP_REAL && c->cells->type == TYPE_REAL)
        sqlite_bind_real_at(q, at, c->cells->real[row]);
    else
        sqlite_bind_text_at(q, at, t); /* a decimal too: by its column's type it is a number */
}

static bool insert(struct rollup_db *db, struct text table, const struct rollup_rows *rows,
                   const struct rollup_column *column, uint32_t columns, const uint8_t *is_new,
                   struct error *e)
{
    char(*digits)[64] = mem_array(columns + 1, sizeof *digits);
    struct sqlite_statement *q = NULL;
    struct buffer sql;
    bool ok, has;

    buffer_init(&sql, ROLLUP_SQL_MAX);
    buffer_add_text(&sql, "INSERT INTO ");
    (void)!sqlite_link_name_add(&sql, table);
    buffer_add_text(&sql, " VALUES (");
    for (uint32_t i = 0; i < columns; i++)
        buffer_add_text(&sql, i > 0 ? ",?" : "?");
    buffer_add_char(&sql, ')');
    ok = sqlite_link_prepare(link_of(db), buffer_text(&sql), &q, e);
    buffer_fini(&sql);
    for (uint32_t row = 0; ok && row < rows->frame.rows; row++) {
        if (!is_new[row])
            continue;
        for (uint32_t i = 0; i < columns; i++)
            bind(q, (int)i + 1, rows, &column[i], row, digits[i]);
        ok = sqlite_step(q, &has, e);
    }
    sqlite_statement_free(q);
    mem_free(digits);
    return ok;
}

static const struct rollup_db_ops sqlite_db_ops = {
    .close = close_db,
    .type_name = {[ROLLUP_DATE] = "TEXT",
                  [ROLLUP_TIME] = "TEXT",
                  [ROLLUP_BOOL] = "BOOLEAN",
                  [ROLLUP_INT] = "INTEGER",
                  [ROLLUP_DECIMAL] = "NUMERIC",
                  [ROLLUP_REAL] = "REAL",
                  [ROLLUP_TEXT] = "TEXT"},
    .begin = "BEGIN IMMEDIATE",
    .name_add = sqlite_link_name_add,
    .make_schema = make_schema,
    .exec = exec,
    .ask = ask,
    .has_table = has_table,
    .insert = insert,
};

bool rollup_sqlite_open(const char *url, struct rollup_db **db, struct error *e)
{
    struct sqlite_db *p = mem_alloc(sizeof *p);

    p->is.ops = &sqlite_db_ops;
    if (!sqlite_link_open(url, true, &p->link, e)) {
        mem_free(p);
        return false;
    }
    *db = &p->is;
    return true;
}
