/* Statements of other modules in the SQLite file. */
#include <stdio.h>
#include <string.h>

#include "core/base/panic.h"
#include "shell/store/sqlite.h"

static bool prepare(struct sqlite_store *s, const char *sql, sqlite3_stmt **q, struct error *e)
{
    struct buffer text;
    bool ok;

    buffer_init(&text, STORE_SQL_MAX);
    store_sql_expand(sql, "", &text);
    ok = sqlite_prepare(s, buffer_text(&text), q, e);
    buffer_fini(&text);
    return ok;
}

/* By the text's address: it is a constant. */
static bool kept_statement(struct sqlite_store *s, const char *sql, sqlite3_stmt **q,
                           struct error *e)
{
    for (uint32_t i = 0; i < s->kept_count; i++) {
        if (s->kept[i].sql == sql) {
            *q = s->kept[i].q;
            return true;
        }
    }
    ASSERT(s->kept_count < STORE_KEPT_MAX);
    if (!prepare(s, sql, q, e))
        return false;
    s->kept[s->kept_count++] = (struct kept_statement){sql, *q};
    return true;
}

static void bind(sqlite3_stmt *q, const struct store_value *value, uint32_t values)
{
    for (uint32_t i = 0; i < values; i++) {
        char name[16];
        int at;

        snprintf(name, sizeof name, "$%u", i + 1);
        at = sqlite3_bind_parameter_index(q, name);
        if (value[i].is_null)
            sqlite3_bind_null(q, at);
        else if (value[i].is_text)
            sqlite_bind_text_of(q, at, value[i].text);
        else
            sqlite3_bind_int64(q, at, value[i].integer);
    }
}

static void give_row(sqlite3_stmt *q, const struct store_visitor *v)
{
    struct store_value cell[STORE_CELLS_MAX];
    int columns = sqlite3_column_count(q);

    ASSERT(columns <= STORE_CELLS_MAX);
    for (int i = 0; i < columns; i++) {
        int type = sqlite3_column_type(q, i);

        cell[i] = (struct store_value){.is_null = type == SQLITE_NULL,
                                       .is_text = type == SQLITE_TEXT,
                                       .integer = sqlite3_column_int64(q, i)};
        cell[i].text = type == SQLITE_TEXT ? sqlite_text(q, i) : text_of("");
    }
    v->row(v->context, cell);
}

bool sqlite_ask(struct store *is, const char *sql, bool is_kept, const struct store_value *value,
                uint32_t values, const struct store_visitor *v, struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);
    sqlite3_stmt *q = NULL;
    int code;

    if (!(is_kept ? kept_statement(s, sql, &q, e) : prepare(s, sql, &q, e)))
        return false;
    bind(q, value, values);
    if (!is_kept)
        s->steps_left = STORE_STEPS_MAX;
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        if (v != NULL)
            give_row(q, v);
    }
    if (code != SQLITE_DONE)
        sqlite_failed(s, "alerts and cases", e);
    if (is_kept) {
        sqlite3_reset(q);
        sqlite3_clear_bindings(q);
    } else {
        s->steps_left = 0;
        sqlite3_finalize(q);
    }
    return code == SQLITE_DONE;
}
