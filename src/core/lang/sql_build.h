/* The query while it is made, private to lang/sql*.c.
 *
 * A query is a chain of common table expressions, s0, s1, ...: each takes all columns of the one
 * before and adds its own, since a column cannot use another of the same SELECT. A value is either
 * written into the expression that uses it or a column: a column where it is used more than once,
 * or where the user is an aggregate.
 */
#ifndef ASSAY_LANG_SQL_BUILD_H
#define ASSAY_LANG_SQL_BUILD_H

#include "core/lang/node.h"
#include "core/lang/sql.h"

/* A column that a stage adds. */
struct sql_column {
    char *name; /* quoted where it must be */
    char *text; /* the expression */
    int stage;
};

/* A node of the program in the query. */
struct sql_value {
    char *text;     /* a column's name or an expression */
    int stage;      /* the first whose columns are all that the text needs */
    uint32_t uses;  /* how often its text would be written; two force a column */
    uint32_t owner; /* the first feature that needs it; UINT32_MAX: none */
};

struct sql_query {
    const struct program *program;
    const struct sql_feature *features;
    uint32_t feature_count;
    const struct sql_options *options;
    struct registers constants; /* the values of nodes that are the same in every row */
    struct sql_value *values;   /* by node */
    struct sql_column *columns; /* of s1 and later */
    uint32_t column_count;
    uint32_t column_capacity;
    uint32_t names;       /* given to columns that have none of their own */
    struct buffer prefix; /* of such names: no field or feature begins with it */
    bool needs_label;
};

/* A new column of `stage`, or the one with this text and stage that is there. A NULL name makes
 * one. The name is borrowed until the query is freed. */
const char *sql_column(struct sql_query *q, const char *name, struct buffer *text, int stage);

void sql_add_name(struct buffer *out, struct text name); /* in double quotes */
void sql_add_value(struct buffer *out, const struct value *v);
/* `text` null where it leaves the range of the type; text is numeric, the result is the type's. */
void sql_add_in_range(struct buffer *out, enum type type, const char *text);
/* A numeric column rounded half to even to `digits` after the point. */
void sql_add_half_even(struct buffer *out, const char *text, int digits);

/* How often the form of a call mentions its argument; 0 where there is no form. */
uint32_t sql_call_mentions(const struct program *p, const struct node *n, uint32_t argument);
/* The call's expression; why there is none in words, or NULL. */
const char *sql_call_refusal(const struct program *p, const struct node *n);
void sql_add_call(const struct sql_query *q, const struct node *n, struct buffer *out);

/* Why the aggregate has no expression in words, or NULL. */
const char *sql_aggregate_refusal(const struct aggregate *a);
/* The aggregate's expression over columns that it adds; its stage through *stage. */
void sql_add_aggregate(struct sql_query *q, const struct aggregate *a, struct buffer *out,
                       int *stage);

#endif
