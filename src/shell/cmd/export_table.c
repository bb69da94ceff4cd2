#include "shell/cmd/export_table.h"

#include <string.h>

#include "shell/link/postgres.h"
#include "shell/run/output.h"

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

bool export_table(struct invocation *v, struct error *e)
{
    struct postgres *p;
    bool ok;

    if (!invocation_postgres(v, &p, e))
        return false;
    ok = export_to(v, p, e);
    postgres_close(p);
    return ok;
}
