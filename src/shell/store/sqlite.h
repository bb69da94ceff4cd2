/* SQLite behind this header, private to store/: statements that say in our words what failed. */
#ifndef ASSAY_STORE_SQLITE_H
#define ASSAY_STORE_SQLITE_H

#include <sqlite3.h>

#include "core/base/error.h"
#include "core/base/text.h"

struct store {
    sqlite3 *db;
    char *path;
    bool is_damaged; /* SQLite said so */
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *name_find, *name_add;
    sqlite3_stmt *decision_add, *entity_add, *label_add, *label_apply;
    sqlite3_stmt *projected_get, *projected_set;
};

/* ERROR_WORLD (ERROR_FULL for a full disk): "<path>: <what>: <SQLite's words>" */
bool sqlite_failed(struct store *s, const char *what, struct error *e);
bool sqlite_exec(struct store *s, const char *sql, struct error *e) MUST_USE;
bool sqlite_prepare(struct store *s, const char *sql, sqlite3_stmt **q, struct error *e) MUST_USE;
/* Runs a statement that gives no rows, and resets it. */
bool sqlite_run(struct store *s, sqlite3_stmt *q, const char *what, struct error *e) MUST_USE;
void sqlite_bind_text_of(sqlite3_stmt *q, int at,
                         struct text t);              /* not copied: bound until reset */
struct text sqlite_text(sqlite3_stmt *q, int column); /* until the next step */

#endif
