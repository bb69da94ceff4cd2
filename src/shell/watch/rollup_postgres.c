/* Tables of rollups in PostgreSQL: rows come by COPY. */
#include "core/base/memory.h"
#include "shell/link/postgres.h"
#include "shell/watch/rollup_db.h"

enum { COPY_BYTES = 1 << 20, COPY_BYTES_MAX = 64 << 20 };

struct postgres_db {
    struct rollup_db is;
    struct postgres *link;
};

static struct postgres *link_of(struct rollup_db *db)
{
    return ((struct postgres_db *)db)->link; /* its first member */
}

static void close_db(struct rollup_db *db)
{
    postgres_close(link_of(db));
    mem_free(db);
}

static bool make_schema(struct rollup_db *db, struct text table, struct error *e)
{
    return postgres_make_schema(link_of(db), table, e);
}

static bool exec(struct rollup_db *db, const char *sql, struct error *e)
{
    return postgres_exec(link_of(db), sql, e);
}

static bool ask(struct rollup_db *db, const char *sql,
                bool (*row)(void *context, const struct text *cell, uint32_t cells), void *context,
                struct error *e)
{
    struct text cell[ROLLUP_CELLS_MAX];
    struct postgres_rows *rows;
    bool go_on = true;

    if (!postgres_ask(link_of(db), sql, NULL, 0, &rows, e))
        return false;
    for (uint32_t i = 0; i < postgres_rows_count(rows) && go_on; i++) {
        uint32_t columns = postgres_columns(rows);

        for (uint32_t k = 0; k < columns && k < ROLLUP_CELLS_MAX; k++)
            cell[k] =
                postgres_is_null(rows, i, k) ? (struct text){NULL, 0} : postgres_cell(rows, i, k);
        go_on = row(context, cell, columns);
    }
    postgres_rows_free(rows);
    return true;
}

static bool has_table(struct rollup_db *db, struct text table, bool *has, struct error *e)
{
    struct buffer quoted;
    bool ok;

    buffer_init(&quoted, ROLLUP_SQL_MAX);
    (void)!postgres_name_add(&quoted, table); /* it was looked at when the table was named */
    ok = postgres_has_table(link_of(db), (struct text){quoted.bytes, quoted.length}, has, e);
    buffer_fini(&quoted);
    return ok;
}

static void add_row(const struct rollup_rows *rows, const struct rollup_column *column,
                    uint32_t columns, uint32_t row, struct buffer *out)
{
    for (uint32_t i = 0; i < columns; i++) {
        char digits[64];
        struct text t;

        if (!rollup_cell_text(rows, &column[i], row, digits, &t))
            buffer_add_text(out, "\\N");
        else
            postgres_copy_cell(out, t);
        buffer_add_char(out, i + 1 < columns ? '\t' : '\n');
    }
}

static bool put(struct postgres *link, struct buffer *out, struct error *e)
{
    bool ok = !out->overflow && postgres_copy_put(link, (struct text){out->bytes, out->length}, e);

    if (out->overflow)
        error_set(e, ERROR_FULL, "rows of over %d bytes", COPY_BYTES_MAX);
    buffer_clear(out);
    return ok;
}

static bool insert(struct rollup_db *db, struct text table, const struct rollup_rows *rows,
                   const struct rollup_column *column, uint32_t columns, const uint8_t *is_new,
                   struct error *e)
{
    struct postgres *link = link_of(db);
    struct buffer out;
    uint64_t copied;
    bool ok = true;

    buffer_init(&out, COPY_BYTES_MAX);
    buffer_add_text(&out, "COPY ");
    (void)!postgres_name_add(&out, table);
    for (uint32_t i = 0; i < columns; i++) {
        buffer_add_text(&out, i > 0 ? ", " : " (");
        postgres_quote_add(&out, text_of(column[i].name));
    }
    buffer_add_text(&out, ") FROM STDIN");
    if (!postgres_copy_in(link, buffer_text(&out), e)) {
        buffer_fini(&out);
        return false;
    }
    buffer_clear(&out);
    for (uint32_t row = 0; row < rows->frame.rows && ok; row++) {
        if (!is_new[row])
            continue;
        add_row(rows, column, columns, row, &out);
        if (out.length >= COPY_BYTES || out.overflow)
            ok = put(link, &out, e);
    }
    ok = ok && put(link, &out, e) && postgres_copy_end(link, &copied, e);
    buffer_fini(&out);
    return ok;
}

static const struct rollup_db_ops postgres_db_ops = {
    .close = close_db,
    .type_name = {[ROLLUP_DATE] = "date",
                  [ROLLUP_TIME] = "timestamptz",
                  [ROLLUP_BOOL] = "boolean",
                  [ROLLUP_INT] = "bigint",
                  [ROLLUP_DECIMAL] = "numeric",
                  [ROLLUP_REAL] = "double precision",
                  [ROLLUP_TEXT] = "text"},
    .begin = "BEGIN; SELECT pg_advisory_xact_lock(" POSTGRES_MAKE_LOCK ")",
    .name_add = postgres_name_add,
    .make_schema = make_schema,
    .exec = exec,
    .ask = ask,
    .has_table = has_table,
    .insert = insert,
};

bool rollup_postgres_open(const char *url, struct rollup_db **db, struct error *e)
{
    struct postgres_db *p = mem_alloc(sizeof *p);

    p->is.ops = &postgres_db_ops;
    if (!postgres_open(url, &p->link, e)) {
        mem_free(p);
        return false;
    }
    *db = &p->is;
    return true;
}
