/* Tables of other modules in the store: the alerts and cases of shell/watch. One text of SQL serves
 * both kinds of store: values are $1, $2 ..., never part of the text; "@" before a table's name
 * becomes what the kind puts there; types are bigint and text; CAST(x AS bigint), not x::bigint.
 *
 * A writer's statements belong to the transaction between store_begin and store_commit, together
 * with the rows that are projected in it. */
#ifndef ASSAY_STORE_ROWS_H
#define ASSAY_STORE_ROWS_H

#include "shell/store/store.h"

enum {
    STORE_CELLS_MAX = 48,     /* columns of one answer */
    STORE_VALUES_MAX = 24,    /* of one statement */
    STORE_SQL_MAX = 16 << 10, /* bytes of a statement */
};

struct store_value {
    bool is_null, is_text;
    int64_t integer;
    struct text text; /* of a cell: until the row's function returns */
};

static inline struct store_value store_int(int64_t v)
{
    return (struct store_value){.integer = v};
}

static inline struct store_value store_text(struct text t)
{
    return (struct store_value){.is_text = true, .text = t};
}

struct store_visitor {
    void (*row)(void *context, const struct store_value *cell); /* both forms are filled */
    void *context;
};

/* `is_kept`: the text is a constant that is asked again, so its statement is kept. `v` may be NULL.
 * A reader's statement that takes over STORE_STEPS_MAX steps (PostgreSQL: some seconds) fails with
 * ERROR_FULL. */
bool store_ask(struct store *s, const char *sql, bool is_kept, const struct store_value *value,
               uint32_t values, const struct store_visitor *v, struct error *e) MUST_USE;

/* Private to store/: "@" replaced. */
void store_sql_expand(const char *sql, const char *prefix, struct buffer *out);

/* The tables of alerts and cases (watch_schema.c). */
extern const char store_watch_schema[];
extern const char store_watch_empty[]; /* empties them */

#endif
