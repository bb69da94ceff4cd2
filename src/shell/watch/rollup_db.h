/* What the two kinds of database do for tables of rollups; private to watch/rollup_store.c, which
 * has the statements. One suite of tests runs on both. */
#ifndef ASSAY_WATCH_ROLLUP_DB_H
#define ASSAY_WATCH_ROLLUP_DB_H

#include "shell/watch/rollup_rows.h"

enum { ROLLUP_SQL_MAX = 4 << 20, ROLLUP_CELLS_MAX = ROLLUP_COLUMNS_MAX };

/* Types of the tables' columns. */
enum rollup_type {
    ROLLUP_DATE, /* a day or month */
    ROLLUP_TIME,
    ROLLUP_BOOL,
    ROLLUP_INT,
    ROLLUP_DECIMAL,
    ROLLUP_REAL, /* also a duration, in seconds */
    ROLLUP_TEXT,
    ROLLUP_TYPES
};

/* A column to be written. */
struct rollup_column {
    const char *name;
    enum rollup_type type;
    const struct column *cells;
};

struct rollup_db;

struct rollup_db_ops {
    void (*close)(struct rollup_db *db);
    const char *type_name[ROLLUP_TYPES];
    const char *begin;
    bool (*name_add)(struct buffer *out, struct text table); /* raw.x as a table's name */
    /* The schema of a table, where the kind has any. */
    bool (*make_schema)(struct rollup_db *db, struct text table, struct error *e);
    bool (*exec)(struct rollup_db *db, const char *sql, struct error *e);
    /* Each row's cells as texts; bytes NULL: null. */
    bool (*ask)(struct rollup_db *db, const char *sql,
                bool (*row)(void *context, const struct text *cell, uint32_t cells), void *context,
                struct error *e);
    bool (*has_table)(struct rollup_db *db, struct text table, bool *has, struct error *e);
    /* Rows of these columns for which row_is_new says 1. */
    bool (*insert)(struct rollup_db *db, struct text table, const struct rollup_rows *rows,
                   const struct rollup_column *column, uint32_t columns, const uint8_t *is_new,
                   struct error *e);
};

/* Each kind's own struct begins with it. */
struct rollup_db {
    const struct rollup_db_ops *ops;
};

/* "sqlite:PATH" (made where there is none), else PostgreSQL. */
bool rollup_sqlite_open(const char *url, struct rollup_db **db, struct error *e) MUST_USE;
bool rollup_postgres_open(const char *url, struct rollup_db **db, struct error *e) MUST_USE;
/* The cell as both kinds take it; false: null. Text is borrowed, others are in `out`. */
bool rollup_cell_text(const struct rollup_rows *rows, const struct rollup_column *c, uint32_t row,
                      char out[64], struct text *t) MUST_USE;

#endif
