/* A connection to PostgreSQL (libpq behind this header): statements, COPY in and out.
 *
 * A thin pipe without words of the domain. Statements are prepared by themselves the first time
 * they are asked, once a session. A lost connection is made anew by postgres_ready, at most every
 * so often: the wait doubles from POSTGRES_WAIT_LEAST_MS to POSTGRES_WAIT_MOST_MS while the server
 * stays away, and meanwhile it says at once that it is. The password stands in no text: errors name
 * host, port and database.
 *
 * Of a session: times are in UTC and ISO, reals in digits that read back as the same bits.
 *
 * Errors: ERROR_WORLD where the server cannot be reached or a retry may help, ERROR_FULL for a full
 * disk or a statement over its time, ERROR_NOT_FOUND for tables that do not exist, else
 * ERROR_INVALID; the text begins with the place and ends with what to do. One thread.
 */
#ifndef ASSAY_LINK_POSTGRES_H
#define ASSAY_LINK_POSTGRES_H

#include <stdint.h>

#include "core/base/buffer.h"

enum {
    POSTGRES_PARAMETERS_MAX = 24,
    POSTGRES_STATEMENTS_MAX = 64, /* prepared in a session; then the oldest goes */
    POSTGRES_URL_MAX = 4096,
    POSTGRES_QUERY_MAX = 256 << 10, /* bytes of a SELECT */
    POSTGRES_NAME_MAX = 63,         /* bytes of a table's or column's name */
    POSTGRES_CONNECT_SECONDS = 5,
    POSTGRES_WAIT_LEAST_MS = 100,
    POSTGRES_WAIT_MOST_MS = 5000,
};

struct postgres;
struct postgres_rows;

/* `url`: postgresql://user:password@host:port/database, or libpq's "host=... dbname=..."; NULL or
 * "": DATABASE_URL of the environment. */
bool postgres_open(const char *url, struct postgres **p, struct error *e) MUST_USE;
void postgres_close(struct postgres *p); /* takes NULL; what is not committed is gone */
/* "postgresql://host:port/database" of a URL, without user and password; "PostgreSQL" where it is
 * none. */
void postgres_place_of(const char *url, struct buffer *out);
const char *postgres_place(const struct postgres *p);

/* Connected, or connected again. */
bool postgres_ready(struct postgres *p, struct error *e) MUST_USE;
bool postgres_is_lost(const struct postgres *p);
uint64_t postgres_session(const struct postgres *p); /* another number: another session */
/* The longest that a statement of this session may take; 0: as long as it wants. */
bool postgres_limit(struct postgres *p, uint32_t ms, struct error *e) MUST_USE;

/* Statements without parameters and rows, parted by ';'. */
bool postgres_exec(struct postgres *p, const char *sql, struct error *e) MUST_USE;
/* One statement with $1, $2 ... as texts; bytes NULL: null. A text with a zero byte is refused. */
bool postgres_ask(struct postgres *p, const char *sql, const struct text *parameter, uint32_t count,
                  struct postgres_rows **rows, struct error *e) MUST_USE;
uint32_t postgres_rows_count(const struct postgres_rows *r);
uint32_t postgres_columns(const struct postgres_rows *r);
uint64_t postgres_changed(const struct postgres_rows *r); /* rows that the statement changed */
bool postgres_is_null(const struct postgres_rows *r, uint32_t row, uint32_t column);
struct text postgres_cell(const struct postgres_rows *r, uint32_t row, uint32_t column);
int64_t postgres_int(const struct postgres_rows *r, uint32_t row, uint32_t column); /* 0 for null */
bool postgres_is_bool(const struct postgres_rows *r, uint32_t column); /* by its type */
const char *postgres_column_name(const struct postgres_rows *r, uint32_t column);
void postgres_rows_free(struct postgres_rows *r); /* takes NULL */

/* COPY ... FROM STDIN: begin, put any number of times, end. A failure of put or end ends the COPY;
 * with `cancel` nothing is copied. */
bool postgres_copy_in(struct postgres *p, const char *sql, struct error *e) MUST_USE;
bool postgres_copy_put(struct postgres *p, struct text bytes, struct error *e) MUST_USE;
bool postgres_copy_end(struct postgres *p, uint64_t *rows, struct error *e) MUST_USE;
void postgres_copy_cancel(struct postgres *p, const char *why);
/* One cell of COPY's text form, escaped; the caller puts tabs and line ends between. */
void postgres_copy_cell(struct buffer *out, struct text t);

/* COPY ... TO STDOUT: row after row with its line end; length 0 is the end. The row lives until the
 * next call. `wake`: a descriptor that ends the waiting when it can be read (also length 0); -1:
 * none. */
bool postgres_copy_out(struct postgres *p, const char *sql, struct error *e) MUST_USE;
bool postgres_copy_next(struct postgres *p, int wake, struct text *row, struct error *e) MUST_USE;

/* A name as SQL has it, each part between dots in quotes: raw.x is "raw"."x". False: a part is
 * empty or over POSTGRES_NAME_MAX bytes. */
bool postgres_name_add(struct buffer *out, struct text name) MUST_USE;

/* Of PostgreSQL two that make the same at once fail, also with IF NOT EXISTS. So whoever makes a
 * table looks for it, then begins a transaction with this lock, which waits for the others, and
 * looks again. A look before the lock in the same transaction would be remembered. */
#define POSTGRES_MAKE_LOCK "4270772"
bool postgres_make_lock(struct postgres *p, struct error *e) MUST_USE;
/* Under that lock: the schema of a table "schema.table" as it was said, where there is none. */
bool postgres_make_schema(struct postgres *p, struct text table, struct error *e) MUST_USE;
/* A name of postgres_name_add. */
bool postgres_has_table(struct postgres *p, struct text quoted, bool *has,
                        struct error *e) MUST_USE;
void postgres_quote_add(struct buffer *out, struct text part); /* one name, dots and all */
/* COPY of the rows of a table or, where that is NULL, of a SELECT: to be followed by "TO STDOUT"
 * and its options. Booleans are true and false, where COPY alone has t and f. Nothing is written:
 * from here on the session is in a transaction that only reads. */
bool postgres_copy_format(struct postgres *p, const char *table, const char *query,
                          struct buffer *sql, struct error *e) MUST_USE;

#endif
