#include "shell/link/sqlite.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "shell/link/postgres.h"

#define SCHEME "sqlite:"

enum { PRIMARY = 0xff, SQL_MAX = 2 * POSTGRES_QUERY_MAX };

struct sqlite_link {
    sqlite3 *db;
    char *path;
};

struct sqlite_statement {
    struct sqlite_link *link;
    sqlite3_stmt *q;
};

static const char *url_of(const char *url)
{
    const char *said = url != NULL && *url != 0 ? url : getenv("DATABASE_URL");

    return said != NULL ? said : "";
}

bool sqlite_link_is(const char *url)
{
    return strncmp(url_of(url), SCHEME, strlen(SCHEME)) == 0;
}

static bool failed(struct sqlite_link *l, const char *what, struct error *e)
{
    int code = sqlite3_errcode(l->db) & PRIMARY;
    enum error_kind kind = code == SQLITE_FULL                              ? ERROR_FULL
                           : code == SQLITE_CANTOPEN                        ? ERROR_NOT_FOUND
                           : code == SQLITE_BUSY || code == SQLITE_IOERR    ? ERROR_WORLD
                           : strstr(sqlite3_errmsg(l->db), "no such table") ? ERROR_NOT_FOUND
                                                                            : ERROR_INVALID;

    return error_set(e, kind, "%s: %s: %s", l->path, what, sqlite3_errmsg(l->db));
}

bool sqlite_link_open(const char *url, bool writes, struct sqlite_link **link, struct error *e)
{
    const char *path = url_of(url) + strlen(SCHEME);
    struct sqlite_link *l;
    int flags = writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;

    if (!sqlite_link_is(url) || *path == 0)
        return error_set(e, ERROR_USAGE, "expected sqlite:PATH, found \"%.80s\"", url_of(url));
    l = mem_alloc(sizeof *l);
    l->path = mem_text(path, strlen(path));
    if (sqlite3_open_v2(path, &l->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        failed(l, writes ? "cannot make it" : "cannot open it", e);
        sqlite_link_close(l);
        return false;
    }
    sqlite3_busy_timeout(l->db, SQLITE_WAIT_MS);
    if (writes && !sqlite_link_exec(l, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", e)) {
        sqlite_link_close(l);
        return false;
    }
    *link = l;
    return true;
}

void sqlite_link_close(struct sqlite_link *l)
{
    if (l == NULL)
        return;
    sqlite3_close_v2(l->db);
    mem_free(l->path);
    mem_free(l);
}

const char *sqlite_link_path(const struct sqlite_link *l)
{
    return l->path;
}

bool sqlite_link_exec(struct sqlite_link *l, const char *sql, struct error *e)
{
    return sqlite3_exec(l->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           failed(l, "a statement failed", e);
}

bool sqlite_link_name_add(struct buffer *out, struct text name)
{
    struct buffer checked;
    bool ok;

    buffer_init(&checked, 4 * POSTGRES_NAME_MAX + 16);
    ok = postgres_name_add(&checked, name); /* the same names are names in both */
    buffer_fini(&checked);
    buffer_add_char(out, '"');
    for (size_t i = 0; i < name.length && ok; i++) {
        buffer_add_char(out, name.bytes[i] == '.' ? '_' : name.bytes[i]);
        if (name.bytes[i] == '"')
            buffer_add_char(out, '"');
    }
    buffer_add_char(out, '"');
    return ok;
}

bool sqlite_link_prepare(struct sqlite_link *l, const char *sql, struct sqlite_statement **s,
                         struct error *e)
{
    sqlite3_stmt *q;

    if (sqlite3_prepare_v2(l->db, sql, -1, &q, NULL) != SQLITE_OK)
        return failed(l, "a statement is refused", e);
    if (q == NULL)
        return error_set(e, ERROR_INVALID, "%s: an empty statement", l->path);
    *s = mem_alloc(sizeof **s);
    **s = (struct sqlite_statement){l, q};
    return true;
}

void sqlite_statement_free(struct sqlite_statement *s)
{
    if (s == NULL)
        return;
    sqlite3_finalize(s->q);
    mem_free(s);
}

void sqlite_bind_int_at(struct sqlite_statement *s, int at, int64_t v)
{
    sqlite3_bind_int64(s->q, at, v);
}

void sqlite_bind_real_at(struct sqlite_statement *s, int at, double v)
{
    sqlite3_bind_double(s->q, at, v);
}

void sqlite_bind_text_at(struct sqlite_statement *s, int at, struct text t)
{
    sqlite3_bind_text(s->q, at, t.length > 0 ? t.bytes : "", (int)t.length, SQLITE_STATIC);
}

void sqlite_bind_null_at(struct sqlite_statement *s, int at)
{
    sqlite3_bind_null(s->q, at);
}

bool sqlite_step(struct sqlite_statement *s, bool *has, struct error *e)
{
    int code = sqlite3_step(s->q);

    *has = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        return true;
    if (code == SQLITE_DONE) {
        sqlite3_reset(s->q);
        return true;
    }
    failed(s->link, "a statement failed", e);
    sqlite3_reset(s->q);
    return false;
}

uint32_t sqlite_columns(const struct sqlite_statement *s)
{
    return (uint32_t)sqlite3_column_count(s->q);
}

const char *sqlite_column_name_of(const struct sqlite_statement *s, uint32_t column)
{
    const char *name = sqlite3_column_name(s->q, (int)column);

    return name != NULL ? name : "";
}

bool sqlite_is_null(const struct sqlite_statement *s, uint32_t column)
{
    return sqlite3_column_type(s->q, (int)column) == SQLITE_NULL;
}

bool sqlite_is_bool(const struct sqlite_statement *s, uint32_t column)
{
    const char *type = sqlite3_column_decltype(s->q, (int)column);

    return type != NULL && strcmp(type, "BOOLEAN") == 0;
}

int64_t sqlite_int(const struct sqlite_statement *s, uint32_t column)
{
    return sqlite3_column_int64(s->q, (int)column);
}

struct text sqlite_cell(const struct sqlite_statement *s, uint32_t column)
{
    const char *bytes = (const char *)sqlite3_column_text(s->q, (int)column);

    return (struct text){bytes != NULL ? bytes : "",
                         (size_t)sqlite3_column_bytes(s->q, (int)column)};
}

static void add_quoted(struct buffer *out, struct text t)
{
    buffer_add_char(out, '"');
    for (size_t i = 0; i < t.length; i++) {
        buffer_add_char(out, t.bytes[i]);
        if (t.bytes[i] == '"')
            buffer_add_char(out, '"');
    }
    buffer_add_char(out, '"');
}

void sqlite_csv_names(const struct sqlite_statement *s, struct buffer *out)
{
    for (uint32_t i = 0; i < sqlite_columns(s); i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        add_quoted(out, text_of(sqlite_column_name_of(s, i)));
    }
    buffer_add_char(out, '\n');
}

void sqlite_csv_row(const struct sqlite_statement *s, struct buffer *out)
{
    char digits[NUMBER_TEXT_MAX];

    for (uint32_t i = 0; i < sqlite_columns(s); i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        switch (sqlite3_column_type(s->q, (int)i)) {
        case SQLITE_NULL:
            break;
        case SQLITE_INTEGER:
            if (sqlite_is_bool(s, i))
                buffer_add_text(out, sqlite_int(s, i) != 0 ? "true" : "false");
            else
                buffer_add(out, digits, number_format_int(sqlite_int(s, i), digits));
            break;
        case SQLITE_FLOAT:
            buffer_add(out, digits,
                       number_format_real(sqlite3_column_double(s->q, (int)i), digits));
            break;
        default:
            add_quoted(out, sqlite_cell(s, i));
        }
    }
    buffer_add_char(out, '\n');
}

bool sqlite_link_select(struct sqlite_link *l, const char *table, const char *query,
                        struct sqlite_statement **s, struct error *e)
{
    struct buffer sql;
    bool ok = true;

    buffer_init(&sql, SQL_MAX);
    buffer_add_text(&sql, table != NULL ? "SELECT * FROM " : query);
    if (table != NULL && !sqlite_link_name_add(&sql, text_of(table)))
        ok = error_set(e, ERROR_INVALID, "\"%.80s\" is no table's name: expected schema.table",
                       table);
    ok = ok && sqlite_link_prepare(l, buffer_text(&sql), s, e);
    buffer_fini(&sql);
    if (!ok || sqlite3_stmt_readonly((*s)->q))
        return ok;
    sqlite_statement_free(*s);
    *s = NULL;
    return error_set(e, ERROR_INVALID, "%s: the query would write: only a SELECT is read", l->path);
}
