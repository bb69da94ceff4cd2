/* The store in an SQLite file. This header is private to store/: SQLite behind it, with statements
 * that say in our words what failed.
 *
 * One file, <data directory>/store.sqlite, in WAL mode: one writer (the projector), any number of
 * readers.
 *
 * How writes stay fast at 10 M rows: integer keys; names of outcomes, levels and plans once each in
 * a table of names; two indexes whose new entries lie together: (time, seq) at its end and (score,
 * seq) at one of 1,001 ends; two of few rows, those with a rule or a label. What a decision is
 * found by, the hash of its event's id and the tokens of its entities, stands inside a bucket of
 * 2^16 seqs, so an insert touches pages of the newest bucket only and a look-up asks each bucket,
 * newest first; a transaction inserts them in order (keys.h).
 */
#ifndef ASSAY_STORE_SQLITE_H
#define ASSAY_STORE_SQLITE_H

#include <sqlite3.h>
#include <stdint.h>

#include "shell/store/backend.h"

enum { STORE_KEY_COLUMNS = 3 };

struct store_key {
    int64_t column[STORE_KEY_COLUMNS]; /* bucket, key, seq */
};

struct store_keys {
    struct store_key *row;
    size_t count, room;
};

enum { STORE_NAMES = 64, STORE_NAME_BYTES = 64, STORE_KEPT_MAX = 128 };

struct kept_statement {
    const char *sql; /* its address */
    sqlite3_stmt *q;
};

struct store_name {
    char word[STORE_NAME_BYTES];
    int64_t id;
};

struct sqlite_store {
    struct store is;
    sqlite3 *db;
    char *path;
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *name_find, *name_add;
    sqlite3_stmt *decision_add, *event_add, *entity_add, *label_add, *label_apply;
    sqlite3_stmt *projected_get, *projected_set;
    sqlite3_stmt *traffic_add, *traffic_drop;
    struct store_keys events, entities;  /* of the transaction, not inserted yet */
    struct store_name name[STORE_NAMES]; /* as the transaction sees them */
    uint32_t name_count;
    int64_t steps_left;                         /* of one query of a reader; 0: no limit */
    struct kept_statement kept[STORE_KEPT_MAX]; /* of store_ask */
    uint32_t kept_count;
};

/* ERROR_WORLD (ERROR_FULL for a full disk): "<path>: <what>: <SQLite's words>" */
bool sqlite_failed(struct sqlite_store *s, const char *what, struct error *e);
bool sqlite_exec(struct sqlite_store *s, const char *sql, struct error *e) MUST_USE;
bool sqlite_prepare(struct sqlite_store *s, const char *sql, sqlite3_stmt **q,
                    struct error *e) MUST_USE;
/* Runs a statement that gives no rows, and resets it. */
bool sqlite_run(struct sqlite_store *s, sqlite3_stmt *q, const char *what,
                struct error *e) MUST_USE;
/* What runs on it gives way (os/thread.h), and stops when `steps_left` are used up. */
void sqlite_watch_steps(struct sqlite_store *s);
void sqlite_bind_text_of(sqlite3_stmt *q, int at,
                         struct text t);              /* not copied: bound until reset */
struct text sqlite_text(sqlite3_stmt *q, int column); /* until the next step */
const char *sqlite_paced(void);                       /* the writer's VFS (sqlite_paced.c) */

/* What sqlite_read.c has of the backend. */
bool sqlite_query(struct store *is, const struct store_query *q,
                  void (*row)(void *context, const struct store_decision *d), void *context,
                  char next[STORE_CURSOR_MAX], struct error *e) MUST_USE;
bool sqlite_find(struct store *is, struct text event_id, uint64_t *seq, struct error *e) MUST_USE;
bool sqlite_entity_decisions(struct store *is, int64_t entity, uint64_t before_seq, uint64_t *seq,
                             uint32_t most, uint32_t *found, struct error *e) MUST_USE;
bool sqlite_label_of(struct store *is, uint64_t seq, uint8_t *label, struct error *e) MUST_USE;
bool sqlite_traffic(struct store *is, const struct store_traffic_query *q,
                    void (*row)(void *context, const struct store_traffic *t), void *context,
                    struct error *e) MUST_USE;
bool sqlite_ask(struct store *is, const char *sql, bool is_kept, const struct store_value *value,
                uint32_t values, const struct store_visitor *v, struct error *e) MUST_USE;
bool sqlite_count(struct store *is, struct store_totals *t, struct error *e) MUST_USE;

static inline struct sqlite_store *sqlite_of(struct store *is)
{
    return (struct sqlite_store *)is; /* its first member */
}

#endif
