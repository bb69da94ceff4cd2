/* SQLite behind this header, private to store/: statements that say in our words what failed. */
#ifndef ASSAY_STORE_SQLITE_H
#define ASSAY_STORE_SQLITE_H

#include <sqlite3.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/text.h"

enum { STORE_KEY_COLUMNS = 3 };

struct store_key {
    int64_t column[STORE_KEY_COLUMNS]; /* bucket, key, seq */
};

struct store_keys {
    struct store_key *row;
    size_t count, room;
};

enum { STORE_NAMES = 64, STORE_NAME_BYTES = 64 };

struct store_name {
    char word[STORE_NAME_BYTES];
    int64_t id;
};

struct store {
    sqlite3 *db;
    char *path;
    bool is_damaged; /* SQLite said so */
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *name_find, *name_add;
    sqlite3_stmt *decision_add, *event_add, *entity_add, *label_add, *label_apply;
    sqlite3_stmt *projected_get, *projected_set;
    struct store_keys events, entities;  /* of the transaction, not inserted yet */
    struct store_name name[STORE_NAMES]; /* as the transaction sees them */
    uint32_t name_count;
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
