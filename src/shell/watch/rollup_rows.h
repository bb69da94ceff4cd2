/* The rows of one table while it is made: columns that grow, in memory, within ROLLUP_BYTES_MAX.
 *
 * First the period (where there is one) and the fields of `by`, then what was counted; joined and
 * computed columns are added at the end. Owned by one thread. */
#ifndef ASSAY_WATCH_ROLLUP_ROWS_H
#define ASSAY_WATCH_ROLLUP_ROWS_H

#include "core/data/frame.h"
#include "shell/watch/rollup_period.h"

enum {
    ROLLUP_ROWS_MAX = 5000000,  /* of one table */
    ROLLUP_COLUMNS_MAX = 1024,  /* of one table */
    ROLLUP_BYTES_MAX = 1 << 30, /* of one table in memory, and of what counts it */
};

struct rollup_rows {
    char *name; /* of the rollup, for messages */
    struct schema *schema;
    struct frame frame;
    uint8_t *is_kept; /* by column: in the table that is written, and seen by other rollups */
    int period;       /* column, or FIELD_NONE */
    uint32_t keys;    /* columns behind the period */
    enum rollup_every every;
    const struct period_zone *zone; /* of the rollup that made the period; borrowed */
};

void rollup_rows_init(struct rollup_rows *r, const char *name);
void rollup_rows_fini(struct rollup_rows *r); /* also of a zeroed struct */
/* A column of nulls (its cells zero) for the rows that there are; its number, or -1 with the error:
 * the name is there already, or too many. */
int rollup_rows_add(struct rollup_rows *r, struct text name, enum type type, bool is_kept,
                    struct error *e) MUST_USE;
/* One more row, all of it null. ERROR_FULL: what to do. */
bool rollup_rows_grow(struct rollup_rows *r, struct error *e) MUST_USE;
/* Sets a cell, its text copied. */
bool rollup_rows_set(struct rollup_rows *r, int column, uint32_t row, const struct value *v,
                     struct error *e) MUST_USE;
/* All rows of a column of another frame behind each other: [first, first + rows) from row `at` on.
 */
bool rollup_rows_copy(struct rollup_rows *r, int column, uint32_t at, const struct column *from,
                      uint32_t first, uint32_t rows, struct error *e) MUST_USE;
/* Rows in the order of period and keys, nulls first. */
void rollup_rows_sort(struct rollup_rows *r);
/* <0, 0, >0: of two cells of one type, null before all others. */
int rollup_cell_compare(const struct column *a, uint32_t i, const struct column *b, uint32_t j);
/* The cell's exact bytes, for keys and digests. */
void rollup_cell_bytes(const struct column *c, uint32_t row, struct buffer *out);

#endif
