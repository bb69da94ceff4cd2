/* In SQLite: rows of whole numbers that only serve to find a decision: by its event's id, by its
 * entities. Their order has nothing to do with that of the log, so each would touch a page of its
 * own. They are gathered while a transaction is filled and inserted in their order when it ends: a
 * page is then found and written once for all its rows. One statement inserts them all, from what
 * SQLite takes for a table ("virtual", in its words), so that it is begun once and not for each
 * row. Private to store/. */
#ifndef ASSAY_STORE_KEYS_H
#define ASSAY_STORE_KEYS_H

#include "shell/store/sqlite.h"

void store_keys_add(struct store_keys *k, struct store_key row);
/* From now on the writer's statements find the rows in the table of this name, with the columns
 * bucket, key, seq. Both live as long as the database is open. */
bool store_keys_show(struct sqlite_store *s, struct store_keys *k, const char *name,
                     struct error *e) MUST_USE;
/* Puts the rows in order, runs `insert` on their table, and forgets them. */
bool store_keys_flush(struct sqlite_store *s, struct store_keys *k, sqlite3_stmt *insert,
                      struct error *e) MUST_USE;
void store_keys_clear(struct store_keys *k);
void store_keys_fini(struct store_keys *k);

#endif
