/* The tables of rollups in a database: SQLite or PostgreSQL.
 *
 * A run makes its tables anew in memory and compares each period's digest with the one that stands
 * beside the table; only the periods that differ are deleted and written, all in one transaction.
 * So a run over the same rows changes nothing, one over more rows changes the periods that they are
 * in, a late row its old period; and what is there afterwards is what a first run would have
 * written. A table without a period is one piece.
 *
 * audit.rollup has a row for each table (columns, when it last changed), audit.rollup_period one
 * for each period of it. In SQLite, which has no schemas, raw.x is called raw_x. A table that
 * stands there and is not in audit.rollup is not touched.
 *
 * One thread; PostgreSQL's transactions exclude each other by a lock, SQLite's by its file.
 */
#ifndef ASSAY_WATCH_ROLLUP_STORE_H
#define ASSAY_WATCH_ROLLUP_STORE_H

#include "shell/watch/rollup.h"

enum { ROLLUP_VERSION = 1, ROLLUP_URL_MAX = 4096, ROLLUP_LIMIT_MAX = 1000 };

struct rollup_store;

/* Where the settings have it: `url`, else `store.url` where the store is in PostgreSQL, else
 * DATABASE_URL, else rollups.sqlite in the data directory. */
bool rollup_store_place(const struct settings *s, const char *url, char place[ROLLUP_URL_MAX],
                        struct error *e) MUST_USE;
bool rollup_store_open(const char *place, struct rollup_store **s, struct error *e) MUST_USE;
void rollup_store_close(struct rollup_store *s); /* takes NULL */

struct rollup_write {
    int64_t from_us, until_us; /* only periods that begin in [from, until) */
    bool rebuild;              /* drop the tables first */
    bool keeps_state;          /* and what was counted, with where it stands: rollup_state.h */
    int64_t now_us;
};

/* What one table's writing came to. */
struct rollup_written {
    uint32_t rows;             /* of the table */
    uint32_t periods, changed; /* pieces that it has; of them written anew, or taken away */
    bool is_overtaken;         /* why writing failed: another run was faster */
};

/* All wanted rollups, finished, in one transaction; `written` by their number. */
bool rollup_store_write(struct rollup_store *s, const struct rollups *r,
                        const struct rollup_write *w, struct rollup_written *written,
                        struct error *e) MUST_USE;

/* {"rollups": [...]}: the tables that there are, without its braces' end. */
bool rollup_store_list(struct rollup_store *s, struct buffer *out, struct error *e) MUST_USE;

struct rollup_query {
    struct text name;
    bool has_from, has_until;
    int64_t from_us, until_us; /* periods in [from, until) */
    uint32_t limit, offset;
    bool newest_first;
};

/* One table's rows as JSON: name, columns, rows; `*more`: there are further ones. ERROR_NOT_FOUND:
 * it was never written. */
bool rollup_store_read(struct rollup_store *s, const struct rollup_query *q, struct buffer *out,
                       bool *more, struct error *e) MUST_USE;

#endif
