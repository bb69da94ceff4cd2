/* Expressions of the settings over columns of a table: compiled once the columns are known, run
 * over all rows; mistakes get their place in the settings. */
#ifndef ASSAY_WATCH_ROLLUP_PROGRAM_H
#define ASSAY_WATCH_ROLLUP_PROGRAM_H

#include "core/lang/lang.h"
#include "shell/watch/rollup_rows.h"

enum { ROLLUP_BATCH = 4096, ROLLUP_PATH_MAX = 640 };

/* "rollups.NAME.SECTION.ITEM"; item NULL: none. */
void rollup_path(const struct rollup_setting *r, const char *section, const char *item,
                 char path[ROLLUP_PATH_MAX]);
/* *e, which begins with "NAME: ", as an error of that path; false. */
bool rollup_blame(const struct settings *s, const char *path, const char *name, struct error *e);
/* There is no field of that name: with the nearest; false. */
bool rollup_no_field(const struct settings *s, const struct schema *schema, const char *name,
                     const char *path, struct error *e);
/* A program over the schema with the settings' time zone and the machine's zones. */
bool rollup_program_new(const struct settings *s, const struct rollup_setting *r,
                        const struct schema *schema, struct program **p, struct error *e) MUST_USE;

/* One more column of the rows: what the expression is for each of them. */
struct rollup_expression {
    const char *name;           /* of the column, and what it may be called by those after it */
    const char *source;         /* the expression */
    const char *section, *item; /* where it stands below the rollup */
    bool is_condition;          /* a bool; null is false */
    bool is_kept;
    int column; /* out */
};

/* Runs them over all rows, each of which may use those before it, and adds their columns. */
bool rollup_run(const struct settings *s, const struct rollup_setting *r,
                struct rollup_expression *expression, uint32_t count, struct rollup_rows *rows,
                struct error *e) MUST_USE;

#endif
