/* In SQLite: rows of whole numbers that only serve to find a decision: by its event's id, by its
 * entities. Their order has nothing to do with that of the log, so each would touch a page of its
 * own. They are gathered while a transaction is filled and inserted in their order when it ends: a
 * page is then found and written once for all its rows. Private to store/. */
#ifndef ASSAY_STORE_KEYS_H
#define ASSAY_STORE_KEYS_H

#include "shell/store/sqlite.h"

void store_keys_add(struct store_keys *k, struct store_key row);
/* Runs `insert` for each row, its columns bound in their order, and forgets them. */
bool store_keys_flush(struct sqlite_store *s, struct store_keys *k, sqlite3_stmt *insert,
                      struct error *e) MUST_USE;
void store_keys_clear(struct store_keys *k);
void store_keys_fini(struct store_keys *k);

#endif
