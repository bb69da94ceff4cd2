/* Tables and schemas that are made where there are none, by several at once. */
#include <string.h>

#include "shell/link/postgres.h"

enum { SQL_MAX = 1 << 10 };

bool postgres_make_lock(struct postgres *p, struct error *e)
{
    return postgres_exec(p, "SELECT pg_advisory_xact_lock(" POSTGRES_MAKE_LOCK ")", e);
}

/* It reads a table of the catalogue, as a session hears of what others have made when it first
 * locks one in a transaction. */
bool postgres_has_table(struct postgres *p, struct text quoted, bool *has, struct error *e)
{
    struct postgres_rows *rows;

    if (!postgres_ask(p, "SELECT count(*) FROM pg_class WHERE oid = to_regclass($1::text)", &quoted,
                      1, &rows, e))
        return false;
    *has = postgres_int(rows, 0, 0) > 0;
    postgres_rows_free(rows);
    return true;
}

/* Looked for first: CREATE SCHEMA IF NOT EXISTS asks for the right to make one also where it is
 * there. */
bool postgres_make_schema(struct postgres *p, struct text table, struct error *e)
{
    const char *dot = table.length > 0 ? memchr(table.bytes, '.', table.length) : NULL;
    struct text schema;
    struct postgres_rows *rows;
    struct buffer sql;
    bool ok, has;

    if (dot == NULL)
        return true;
    schema = (struct text){table.bytes, (size_t)(dot - table.bytes)};
    if (!postgres_ask(p, "SELECT count(*) FROM pg_namespace WHERE nspname = $1::name", &schema, 1,
                      &rows, e))
        return false;
    has = postgres_int(rows, 0, 0) > 0;
    postgres_rows_free(rows);
    if (has)
        return true;
    buffer_init(&sql, SQL_MAX);
    buffer_add_text(&sql, "CREATE SCHEMA IF NOT EXISTS ");
    postgres_quote_add(&sql, schema);
    ok = postgres_exec(p, buffer_text(&sql), e);
    buffer_fini(&sql);
    return ok;
}
