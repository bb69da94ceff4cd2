#include "shell/store/keys.h"

#include <stdlib.h>

#include "core/base/memory.h"

enum { ROOM_FIRST = 1024 };

void store_keys_add(struct store_keys *k, struct store_key row)
{
    if (k->count == k->room) {
        k->room = k->room > 0 ? 2 * k->room : ROOM_FIRST;
        k->row = mem_resize(k->row, k->room, sizeof *k->row);
    }
    k->row[k->count++] = row;
}

static int by_columns(const void *a, const void *b)
{
    const struct store_key *x = a, *y = b;

    for (int i = 0; i < STORE_KEY_COLUMNS; i++) {
        if (x->column[i] != y->column[i])
            return x->column[i] < y->column[i] ? -1 : 1;
    }
    return 0;
}

/* ---- as a table that a statement can read ---- */

struct keys_table {
    sqlite3_vtab base;
    const struct store_keys *keys;
};

struct keys_cursor {
    sqlite3_vtab_cursor base;
    size_t at;
};

static const struct store_keys *keys_of(sqlite3_vtab_cursor *c)
{
    return ((const struct keys_table *)c->pVtab)->keys;
}

static int keys_connect(sqlite3 *db, void *keys, int argc, const char *const *argv,
                        sqlite3_vtab **table, char **words)
{
    struct keys_table *made;
    int rc = sqlite3_declare_vtab(db, "CREATE TABLE t(bucket, key, seq)");

    (void)argc;
    (void)argv;
    (void)words;
    if (rc != SQLITE_OK)
        return rc;
    made = mem_alloc(sizeof *made);
    made->keys = keys;
    *table = &made->base;
    return SQLITE_OK;
}

static int keys_disconnect(sqlite3_vtab *table)
{
    mem_free(table);
    return SQLITE_OK;
}

static int keys_plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    (void)info; /* all rows, in their order */
    return SQLITE_OK;
}

static int keys_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    struct keys_cursor *made = mem_alloc(sizeof *made);

    (void)table;
    *cursor = &made->base;
    return SQLITE_OK;
}

static int keys_close(sqlite3_vtab_cursor *cursor)
{
    mem_free(cursor);
    return SQLITE_OK;
}

static int keys_first(sqlite3_vtab_cursor *cursor, int number, const char *text, int argc,
                      sqlite3_value **argv)
{
    (void)number;
    (void)text;
    (void)argc;
    (void)argv;
    ((struct keys_cursor *)cursor)->at = 0;
    return SQLITE_OK;
}

static int keys_next(sqlite3_vtab_cursor *cursor)
{
    ((struct keys_cursor *)cursor)->at++;
    return SQLITE_OK;
}

static int keys_is_over(sqlite3_vtab_cursor *cursor)
{
    return ((struct keys_cursor *)cursor)->at >= keys_of(cursor)->count;
}

static int keys_column(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int column)
{
    size_t at = ((struct keys_cursor *)cursor)->at;

    sqlite3_result_int64(out, keys_of(cursor)->row[at].column[column]);
    return SQLITE_OK;
}

static int keys_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
    *rowid = (sqlite3_int64)((struct keys_cursor *)cursor)->at;
    return SQLITE_OK;
}

bool store_keys_show(struct sqlite_store *s, struct store_keys *k, const char *name,
                     struct error *e)
{
    static const sqlite3_module module = {.xConnect = keys_connect,
                                          .xBestIndex = keys_plan,
                                          .xDisconnect = keys_disconnect,
                                          .xDestroy = keys_disconnect,
                                          .xOpen = keys_open,
                                          .xClose = keys_close,
                                          .xFilter = keys_first,
                                          .xNext = keys_next,
                                          .xEof = keys_is_over,
                                          .xColumn = keys_column,
                                          .xRowid = keys_rowid};

    return sqlite3_create_module_v2(s->db, name, &module, k, NULL) == SQLITE_OK ||
           sqlite_failed(s, "cannot set up", e);
}

bool store_keys_flush(struct sqlite_store *s, struct store_keys *k, sqlite3_stmt *insert,
                      struct error *e)
{
    bool ok;

    if (k->count > 1)
        qsort(k->row, k->count, sizeof *k->row, by_columns);
    ok = k->count == 0 || sqlite_run(s, insert, "cannot add what a decision is found by", e);
    store_keys_clear(k);
    return ok;
}

void store_keys_clear(struct store_keys *k)
{
    k->count = 0;
}

void store_keys_fini(struct store_keys *k)
{
    mem_free(k->row);
    *k = (struct store_keys){0};
}
