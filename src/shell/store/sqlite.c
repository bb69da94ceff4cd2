#include "shell/store/sqlite.h"

#include "shell/os/thread.h"

enum {
    STEPS = 500,    /* between two looks: some tens of microseconds */
    PRIMARY = 0xff, /* of an extended result code */
};

bool sqlite_failed(struct sqlite_store *s, const char *what, struct error *e)
{
    int code = sqlite3_errcode(s->db) & PRIMARY;
    bool is_damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

    s->is.is_damaged |= is_damaged;
    if (code == SQLITE_INTERRUPT)
        return error_set(e, ERROR_FULL,
                         "%s: %s: more work than one query may do; ask for a shorter "
                         "time range",
                         s->path, what);
    return error_set(e, code == SQLITE_FULL ? ERROR_FULL : ERROR_WORLD, "%s: %s: %s%s", s->path,
                     what, sqlite3_errmsg(s->db),
                     is_damaged ? "; the log has everything: make it anew by `assay rebuild`" : "");
}

bool sqlite_exec(struct sqlite_store *s, const char *sql, struct error *e)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           sqlite_failed(s, "cannot set up", e);
}

bool sqlite_prepare(struct sqlite_store *s, const char *sql, sqlite3_stmt **q, struct error *e)
{
    return sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, q, NULL) == SQLITE_OK ||
           sqlite_failed(s, "cannot prepare a statement", e);
}

bool sqlite_run(struct sqlite_store *s, sqlite3_stmt *q, const char *what, struct error *e)
{
    int code;

    do
        code = sqlite3_step(q);
    while (code == SQLITE_ROW);
    if (code != SQLITE_DONE)
        sqlite_failed(s, what, e);
    sqlite3_reset(q);
    return code == SQLITE_DONE;
}

static int after_steps(void *context)
{
    struct sqlite_store *s = context;

    thread_give_way();
    if (s->steps_left == 0)
        return 0;
    s->steps_left -= STEPS;
    return s->steps_left <= 0;
}

void sqlite_watch_steps(struct sqlite_store *s)
{
    sqlite3_progress_handler(s->db, STEPS, after_steps, s);
}

void sqlite_bind_text_of(sqlite3_stmt *q, int at, struct text t)
{
    sqlite3_bind_text(q, at, t.length > 0 ? t.bytes : "", (int)t.length, SQLITE_STATIC);
}

struct text sqlite_text(sqlite3_stmt *q, int column)
{
    const char *bytes = (const char *)sqlite3_column_text(q, column);

    return (struct text){bytes != NULL ? bytes : "", (size_t)sqlite3_column_bytes(q, column)};
}

const char *store_library(void)
{
    return sqlite3_libversion();
}
