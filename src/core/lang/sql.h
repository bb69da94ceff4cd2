/* A program's features as one SQL query, for history that lies in a database.
 *
 * The query reads one table of events and gives the id and one column per feature, in the order
 * (time, arrival), equal to what the engine computes over the same rows in that order. What the
 * dialect cannot express exactly is refused by name: nothing is approximated. docs/sql.md says what
 * the table must look like and what is refused.
 */
#ifndef ASSAY_LANG_SQL_H
#define ASSAY_LANG_SQL_H

#include "core/lang/lang.h"

enum {
    SQL_TEXT_MAX = 16 << 20, /* bytes of a query */
    SQL_NAME_MAX = 63,       /* bytes of a name; PostgreSQL cuts longer ones */
    SQL_COLUMNS_MAX = 1600,  /* of a row, helpers included; PostgreSQL's limit is 1,664 */
};

enum sql_dialect { SQL_POSTGRES };

bool sql_dialect_find(struct text name, enum sql_dialect *dialect, struct error *e) MUST_USE;

struct sql_feature {
    const char *name;
    int node;
};

struct sql_options {
    enum sql_dialect dialect;
    struct text table;      /* "events" or "schema.events" */
    struct text arrival;    /* column that orders events of one time; unique among them */
    int64_t label_delay_us; /* as the settings have them */
    bool absent_is_legit;
};

/* The program must be finished. On refusal *at is the feature that is to blame, or `count` where
 * none is, and `out` is as it was. */
bool sql_print(const struct program *p, const struct sql_feature *features, uint32_t count,
               const struct sql_options *o, struct buffer *out, uint32_t *at,
               struct error *e) MUST_USE;

#endif
