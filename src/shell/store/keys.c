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

bool store_keys_flush(struct sqlite_store *s, struct store_keys *k, sqlite3_stmt *insert,
                      struct error *e)
{
    bool ok = true;

    if (k->count > 1)
        qsort(k->row, k->count, sizeof *k->row, by_columns);
    for (size_t i = 0; i < k->count && ok; i++) {
        for (int at = 0; at < STORE_KEY_COLUMNS; at++)
            sqlite3_bind_int64(insert, at + 1, k->row[i].column[at]);
        ok = sqlite_run(s, insert, "cannot add what a decision is found by", e);
    }
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
