#include "shell/cmd/export_table.h"

#include <string.h>

#include "shell/link/postgres.h"
#include "shell/link/sqlite.h"
#include "shell/run/output.h"

enum { SQLITE_LINE_MAX = 64 << 20 };

/* COPY's text form doubles backslashes; JSON has neither tabs nor line ends of its own. */
static void add_json(struct output *o, struct text row)
{
    size_t from = 0;

    for (size_t i = 0; i + 1 < row.length; i++) {
        if (row.bytes[i] != '\\')
            continue;
        output_bytes(o, (struct text){row.bytes + from, i - from});
        from = ++i;
    }
    output_bytes(o, (struct text){row.bytes + from, row.length - from});
}

static bool copy_rows(struct invocation *v, struct postgres *p, enum output_format format,
                      struct output *o, uint64_t *rows, struct error *e)
{
    struct text row;

    for (;; (*rows)++) {
        if (!postgres_copy_next(p, -1, &row, e))
            return false;
        if (row.length == 0)
            return true;
        if (format == OUTPUT_NDJSON)
            add_json(o, row);
        else
            output_bytes(o, row);
        if (!output_flush(o, e))
            return false;
        if (*rows % 65536 == 0 &&
            !progress_report(term_progress(&v->term), "rows exported", (double)*rows))
            return error_set(e, ERROR_CANCELLED, "stopped");
    }
}

/* One column with the row as JSON. */
static bool json_format(struct postgres *p, const char *what, bool is_query, struct buffer *sql,
                        struct error *e)
{
    struct text select = text_trim(text_of(what));
    struct buffer json;
    bool ok = true;

    while (select.length > 0 && select.bytes[select.length - 1] == ';')
        select = text_trim((struct text){select.bytes, select.length - 1});
    buffer_init(&json, 2 * POSTGRES_QUERY_MAX);
    buffer_add_text(&json, "SELECT row_to_json(r)::text AS json FROM ");
    if (is_query)
        buffer_format(&json, "(%.*s\n) AS r", TEXT_ARG(select));
    else
        ok = postgres_name_add(&json, text_of(what)) ||
             error_set(e, ERROR_USAGE,
                       "\"%.80s\" is no table's name; expected schema.table, or a SELECT", what);
    if (!is_query)
        buffer_add_text(&json, " AS r");
    ok = ok && postgres_copy_format(p, NULL, buffer_text(&json), sql, e);
    buffer_fini(&json);
    return ok;
}

static bool begin_copy(struct postgres *p, const char *what, enum output_format format,
                       struct error *e)
{
    bool is_query = strpbrk(what, " \t\n") != NULL;
    struct buffer sql;
    bool ok;

    buffer_init(&sql, 4 * POSTGRES_QUERY_MAX);
    ok = format == OUTPUT_NDJSON
             ? json_format(p, what, is_query, &sql, e)
             : postgres_copy_format(p, is_query ? NULL : what, is_query ? what : NULL, &sql, e);
    buffer_add_text(&sql, format == OUTPUT_CSV ? "TO STDOUT (FORMAT csv, HEADER)" : "TO STDOUT");
    ok = ok && postgres_copy_out(p, buffer_text(&sql), e);
    buffer_fini(&sql);
    return ok;
}

static bool export_to(struct invocation *v, struct postgres *p, struct error *e)
{
    const char *path = option_get(v, "output");
    enum output_format format = output_format_of(path);
    struct output *o;
    uint64_t rows = 0;

    if (option_has(v, "ndjson"))
        format = OUTPUT_NDJSON;
    if (!begin_copy(p, v->argument[0], format, e) || !output_open(path, NULL, 0, &o, e))
        return false;
    if (!copy_rows(v, p, format, o, &rows, e)) {
        output_abandon(o);
        term_clear(&v->term);
        return false;
    }
    term_clear(&v->term);
    return output_finish(o, e);
}

static bool write_lines(struct sqlite_statement *q, struct output *o, struct error *e)
{
    struct buffer line;
    bool has = true, ok = true;

    buffer_init(&line, SQLITE_LINE_MAX);
    for (sqlite_csv_names(q, &line); ok && has;) {
        output_bytes(o, (struct text){line.bytes, line.length});
        buffer_clear(&line);
        ok = output_flush(o, e) && sqlite_step(q, &has, e);
        if (ok && has)
            sqlite_csv_row(q, &line);
        if (line.overflow)
            ok = error_set(e, ERROR_INVALID, "a row of over %d bytes", SQLITE_LINE_MAX);
    }
    buffer_fini(&line);
    return ok;
}

/* Of an SQLite file, as CSV: raw.x is the table raw_x there. */
static bool export_sqlite(struct invocation *v, const char *url, struct error *e)
{
    const char *path = option_get(v, "output"), *what = v->argument[0];
    bool is_query = strpbrk(what, " \t\n") != NULL, ok;
    struct sqlite_statement *q = NULL;
    struct sqlite_link *db;
    struct output *o;

    if (option_has(v, "ndjson") || output_format_of(path) == OUTPUT_NDJSON)
        return error_set(e, ERROR_USAGE, "of an SQLite file rows are written as CSV: name a .csv");
    if (!sqlite_link_open(url, false, &db, e))
        return false;
    ok = sqlite_link_select(db, is_query ? NULL : what, is_query ? what : NULL, &q, e) &&
         output_open(path, NULL, 0, &o, e);
    if (ok && !(ok = write_lines(q, o, e)))
        output_abandon(o);
    else if (ok)
        ok = output_finish(o, e);
    sqlite_statement_free(q);
    sqlite_link_close(db);
    return ok;
}

bool export_table(struct invocation *v, struct error *e)
{
    const char *url = option_get(v, "url");
    struct postgres *p;
    bool ok;

    if (sqlite_link_is(url) && (url != NULL || !option_has(v, "config")))
        return export_sqlite(v, url, e);
    if (!invocation_postgres(v, &p, e))
        return false;
    ok = export_to(v, p, e);
    postgres_close(p);
    return ok;
}
