/* The table that `assay load` fills, and which of its columns come from where. */
#ifndef ASSAY_CMD_LOAD_TABLE_H
#define ASSAY_CMD_LOAD_TABLE_H

#include "core/data/schema.h"
#include "shell/cmd/cmd.h"
#include "shell/link/postgres.h"

/* A column of the table: a field of the file, the load's time, or an id where there is none. */
struct load_column {
    char name[POSTGRES_NAME_MAX + 1];
    int field; /* of the file, or FIELD_NONE */
    bool is_time, is_id;
};

struct load_table {
    const char *name; /* as it was said: raw.payments */
    char *quoted;     /* as SQL has it */
    struct load_column *column;
    uint32_t columns;
    bool is_explicit; /* the time's column was asked for */
    int64_t next_id;
};

/* From the command line and the file's fields: --table, --map, --id, --at, --time-column. */
bool load_table_plan(const struct invocation *v, const struct schema *schema, struct load_table *t,
                     struct error *e) MUST_USE;
void load_table_fini(struct load_table *t);
/* Begins a transaction: makes the table where it may, empties it where it shall, finds the next id.
 */
bool load_table_prepare(const struct invocation *v, const struct schema *schema, struct postgres *p,
                        struct load_table *t, struct error *e) MUST_USE;
void load_table_copy(const struct load_table *t, struct buffer *sql); /* COPY ... FROM STDIN */

#endif
