/* An SQLite file as a database of tables that people load, read and aggregate: the small brother of
 * link/postgres.h, for where there is no server. (The store of decisions has its own, of another
 * form: store/sqlite.h.)
 *
 * Its URL is "sqlite:PATH". SQLite has no schemas: a table raw.finance is called raw_finance there.
 * Values are kept so that they read back: times as RFC 3339 texts, booleans as 0 and 1 in columns
 * declared BOOLEAN. One thread.
 */
#ifndef ASSAY_LINK_SQLITE_H
#define ASSAY_LINK_SQLITE_H

#include <stdint.h>

#include "core/base/buffer.h"

enum { SQLITE_WAIT_MS = 10000 }; /* for another writer */

struct sqlite_link;
struct sqlite_statement;

/* Whether tables are there: by the URL, or where it is NULL by DATABASE_URL. */
bool sqlite_link_is(const char *url);
/* `writes`: the file is made where there is none; otherwise ERROR_NOT_FOUND. */
bool sqlite_link_open(const char *url, bool writes, struct sqlite_link **l,
                      struct error *e) MUST_USE;
void sqlite_link_close(struct sqlite_link *l); /* takes NULL; what is not committed is gone */
const char *sqlite_link_path(const struct sqlite_link *l);
bool sqlite_link_exec(struct sqlite_link *l, const char *sql, struct error *e) MUST_USE;

/* A table's name as SQL has it there: raw.finance is "raw_finance". False: a part is empty, or it
 * is over POSTGRES_NAME_MAX bytes a part. */
bool sqlite_link_name_add(struct buffer *out, struct text name) MUST_USE;

bool sqlite_link_prepare(struct sqlite_link *l, const char *sql, struct sqlite_statement **s,
                         struct error *e) MUST_USE;
void sqlite_statement_free(struct sqlite_statement *s); /* takes NULL */
/* Parameters from 1; texts must live until the step is done. */
void sqlite_bind_int_at(struct sqlite_statement *s, int at, int64_t v);
void sqlite_bind_real_at(struct sqlite_statement *s, int at, double v);
void sqlite_bind_text_at(struct sqlite_statement *s, int at, struct text t);
void sqlite_bind_null_at(struct sqlite_statement *s, int at);
/* The next row; *has false at the end, after which the statement may be asked anew. */
bool sqlite_step(struct sqlite_statement *s, bool *has, struct error *e) MUST_USE;
uint32_t sqlite_columns(const struct sqlite_statement *s);
const char *sqlite_column_name_of(const struct sqlite_statement *s, uint32_t column);
bool sqlite_is_null(const struct sqlite_statement *s, uint32_t column);
bool sqlite_is_bool(const struct sqlite_statement *s, uint32_t column); /* as it was declared */
int64_t sqlite_int(const struct sqlite_statement *s, uint32_t column);
struct text sqlite_cell(const struct sqlite_statement *s, uint32_t column); /* until the step */

/* The row as a line of CSV, or its columns' names: what a source reads. Reals in digits that read
 * back as the same bits, booleans as true and false. */
void sqlite_csv_names(const struct sqlite_statement *s, struct buffer *out);
void sqlite_csv_row(const struct sqlite_statement *s, struct buffer *out);
/* The SELECT of a table's rows, or of a query (only reading: anything else is refused). */
bool sqlite_link_select(struct sqlite_link *l, const char *table, const char *query,
                        struct sqlite_statement **s, struct error *e) MUST_USE;

#endif
