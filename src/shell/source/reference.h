/* Reference tables: rows looked up by a key, as of the event's time.
 *
 * A table is a source read whole into memory. Without `valid_from` a key has one row (two are an
 * error that names both lines). With it, a key's row is the newest of which valid_from <= the
 * event's time; of equal times the later one in the file; rows without a time hold since ever. Rows
 * without a key are left out and counted.
 *
 * Built once, then immutable: any number of threads may look up.
 */
#ifndef ASSAY_SOURCE_REFERENCE_H
#define ASSAY_SOURCE_REFERENCE_H

#include "shell/source/source.h"

enum { REFERENCE_ROWS_MAX = 1 << 28 };

struct reference;

struct reference_options {
    const char *name; /* of the table: its columns become "name.column"; NULL: they keep their
                       * names, and are the event's own */
    struct source_options source;
    const char *key;        /* column */
    enum type key_type;     /* of the event's field that is looked up by; the column is read so */
    const char *valid_from; /* column, or NULL */
    size_t memory_bytes;    /* limit */
};

/* The words of an error begin with the option that they are about where it is one: "key: " or
 * "valid_from: ". */
bool reference_load(const struct reference_options *o, struct reference **table,
                    struct error *e) MUST_USE;
void reference_free(struct reference *r);

const char *reference_name(const struct reference *r);
const struct schema *reference_schema(const struct reference *r);
uint64_t reference_rows(const struct reference *r);
uint64_t reference_rows_without_key(const struct reference *r);
size_t reference_bytes(const struct reference *r);
bool reference_has_valid_from(const struct reference *r);

/* The row for a key at a time, or -1. A null key has none. */
int64_t reference_find(const struct reference *r, const struct value *key, int64_t time_us);
/* A cell of a row that reference_find gave; text lives as long as the table. */
struct value reference_get(const struct reference *r, int64_t row, uint32_t column);

/* Appends the table's columns, without the key and valid_from, to an event's schema. */
bool reference_extend(const struct reference *r, struct schema *s, struct error *e) MUST_USE;
/* Fills them in rows [first, first + rows) of the frame: `columns` is the index of the first of
 * them. A NULL time column means that the events have the time `otherwise_us`. Missing rows give
 * nulls; text is borrowed from the table. */
void reference_join(const struct reference *r, const struct column *key, const struct column *time,
                    int64_t otherwise_us, struct frame *f, uint32_t columns, uint32_t first,
                    uint32_t rows);

#endif
