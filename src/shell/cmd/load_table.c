#include "shell/cmd/load_table.h"

#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"

#define TIME_COLUMN "created_at"

enum { SQL_MAX = 1 << 20 };

/* What a field is in PostgreSQL, by its type. */
static const char *sql_type(enum type type)
{
    static const char *const types[] = {
        [TYPE_BOOL] = "boolean",      [TYPE_INT] = "bigint", [TYPE_DECIMAL] = "numeric",
        [TYPE_REAL] = "float8",       [TYPE_TEXT] = "text",  [TYPE_TIME] = "timestamptz",
        [TYPE_DURATION] = "interval",
    };

    return types[type];
}

static struct load_column *column_find(const struct load_table *t, struct text name)
{
    for (uint32_t i = 0; i < t->columns; i++) {
        if (text_is(name, t->column[i].name))
            return &t->column[i];
    }
    return NULL;
}

static bool column_add(struct load_table *t, struct text name, int field, struct error *e)
{
    struct load_column *c = &t->column[t->columns];

    if (name.length == 0 || name.length > POSTGRES_NAME_MAX ||
        memchr(name.bytes, 0, name.length) != NULL)
        return error_set(
            e, ERROR_USAGE,
            "a column of PostgreSQL has a name of 1 to %d bytes, not \"%.*s\": give it "
            "one by --map NAME=COLUMN",
            POSTGRES_NAME_MAX, (int)(name.length < 80 ? name.length : 80), name.bytes);
    if (column_find(t, name) != NULL)
        return error_set(e, ERROR_USAGE, "the table's column \"%.*s\" is filled twice: leave one",
                         TEXT_ARG(name));
    *c = (struct load_column){.field = field};
    memcpy(c->name, name.bytes, name.length);
    t->columns++;
    return true;
}

/* --map transaction_amount="Total Loan" */
static bool add_mapped(struct load_table *t, const char *said, const struct schema *schema,
                       struct error *e)
{
    const char *equals = strchr(said, '=');
    const char *nearest;
    int field;

    if (equals == NULL)
        return error_set(e, ERROR_USAGE,
                         "--map: expected NAME=COLUMN, such as amount=\"Total Loan\", found "
                         "\"%.80s\"",
                         said);
    field = schema_find(schema, text_of(equals + 1));
    if (field != FIELD_NONE)
        return column_add(t, (struct text){said, (size_t)(equals - said)}, field, e);
    nearest = schema_nearest(schema, text_of(equals + 1));
    return error_set(e, ERROR_USAGE, "--map: the file has no column \"%.80s\"%s%s%s", equals + 1,
                     nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                     nearest != NULL ? "\"?" : "");
}

static bool add_fields(const struct invocation *v, const struct schema *schema,
                       struct load_table *t, struct error *e)
{
    bool has_map = false;

    for (uint32_t i = 0; i < v->given_count; i++) {
        if (strcmp(v->given[i].option->name, "map") != 0)
            continue;
        if (t->columns >= SCHEMA_FIELDS_MAX)
            return error_set(e, ERROR_USAGE, "--map: over %d columns", SCHEMA_FIELDS_MAX);
        if (!add_mapped(t, v->given[i].value, schema, e))
            return false;
        has_map = true;
    }
    for (uint32_t i = 0; i < schema->count && !has_map; i++) {
        if (!column_add(t, text_of(schema->fields[i].name), (int)i, e))
            return false;
    }
    return true;
}

/* A column that the file may have, and where it has none we fill. */
static bool add_made(struct load_table *t, const char *name, struct load_column **column,
                     struct error *e)
{
    *column = column_find(t, text_of(name));
    if (*column != NULL)
        return true;
    if (!column_add(t, text_of(name), FIELD_NONE, e))
        return false;
    *column = &t->column[t->columns - 1];
    return true;
}

bool load_table_plan(const struct invocation *v, const struct schema *schema, struct load_table *t,
                     struct error *e)
{
    const char *id = option_get(v, "id"), *time = option_get(v, "time-column");
    struct load_column *column;
    struct buffer quoted;

    *t = (struct load_table){.name = option_get(v, "table"), .next_id = 1};
    if (t->name == NULL)
        return error_set(e, ERROR_USAGE, "--table NAME is needed, such as --table raw.payments");
    t->column = mem_array(SCHEMA_FIELDS_MAX + 2, sizeof *t->column);
    buffer_init(&quoted, SQL_MAX);
    if (postgres_name_add(&quoted, text_of(t->name)))
        t->quoted = mem_text(quoted.bytes, quoted.length);
    buffer_fini(&quoted);
    if (t->quoted == NULL)
        return error_set(e, ERROR_USAGE, "--table: expected schema.table, found \"%.80s\"",
                         t->name);
    t->is_explicit = time != NULL || option_has(v, "at");
    if (!add_fields(v, schema, t, e))
        return false;
    if (id != NULL) {
        if (!add_made(t, id, &column, e))
            return false;
        if (column->field != FIELD_NONE && schema->fields[column->field].type != TYPE_TEXT)
            return error_set(e, ERROR_USAGE,
                             "--id %s: the file's column is %s; ids AA001 ... are text", id,
                             type_name(schema->fields[column->field].type));
        column->is_id = true;
    }
    if (!add_made(t, time != NULL ? time : TIME_COLUMN, &column, e))
        return false;
    column->is_time = column->field == FIELD_NONE;
    return true;
}

void load_table_fini(struct load_table *t)
{
    mem_free(t->quoted);
    mem_free(t->column);
}

static bool run(struct postgres *p, struct buffer *sql, struct error *e)
{
    bool ok = !sql->overflow ? postgres_exec(p, buffer_text(sql), e)
                             : error_set(e, ERROR_INVALID, "a statement over %d bytes", SQL_MAX);

    buffer_clear(sql);
    return ok;
}

static bool create(struct postgres *p, const struct schema *schema, const struct load_table *t,
                   struct buffer *sql, struct error *e)
{
    if (!postgres_make_schema(p, text_of(t->name), e))
        return false;
    buffer_format(sql, "CREATE TABLE %s (", t->quoted);
    for (uint32_t i = 0; i < t->columns; i++) {
        const struct load_column *c = &t->column[i];

        buffer_add_text(sql, i > 0 ? ", " : "");
        postgres_quote_add(sql, text_of(c->name));
        buffer_format(sql, " %s",
                      c->field != FIELD_NONE ? sql_type(schema->fields[c->field].type)
                      : c->is_time           ? "timestamptz"
                                             : "text");
    }
    buffer_add_char(sql, ')');
    return run(p, sql, e);
}

/* The time's column is only filled where the table has it, unless it was asked for. */
static bool look(struct postgres *p, struct load_table *t, bool *exists, struct error *e)
{
    struct load_column *last = &t->column[t->columns - 1];
    struct postgres_rows *rows;
    const struct text values[] = {text_of(t->quoted), text_of(last->name)};

    if (!postgres_ask(p,
                      "SELECT to_regclass($1::text) IS NOT NULL, EXISTS (SELECT 1 FROM "
                      "pg_attribute WHERE attrelid = to_regclass($1::text) AND attname = $2::name "
                      "AND NOT attisdropped)",
                      values, 2, &rows, e))
        return false;
    *exists = text_is(postgres_cell(rows, 0, 0), "t");
    if (*exists && last->is_time && !t->is_explicit && text_is(postgres_cell(rows, 0, 1), "f"))
        t->columns--;
    postgres_rows_free(rows);
    return true;
}

static bool find_next_id(struct postgres *p, struct load_table *t, struct buffer *sql,
                         struct error *e)
{
    struct postgres_rows *rows;
    struct text id = {NULL, 0};
    bool ok;

    for (uint32_t i = 0; i < t->columns; i++) {
        if (t->column[i].is_id)
            id = text_of(t->column[i].name);
    }
    if (id.bytes == NULL)
        return true;
    buffer_add_text(sql, "SELECT coalesce(max(substr(");
    postgres_quote_add(sql, id);
    buffer_add_text(sql, "::text, 3)::bigint), 0) + 1 FROM ");
    buffer_add_text(sql, t->quoted);
    buffer_add_text(sql, " WHERE ");
    postgres_quote_add(sql, id);
    buffer_add_text(sql, "::text ~ '^AA[0-9]{3,15}$'");
    ok = postgres_ask(p, buffer_text(sql), NULL, 0, &rows, e);
    buffer_clear(sql);
    if (!ok)
        return false;
    t->next_id = postgres_int(rows, 0, 0);
    postgres_rows_free(rows);
    return true;
}

bool load_table_prepare(const struct invocation *v, const struct schema *schema, struct postgres *p,
                        struct load_table *t, struct error *e)
{
    struct buffer sql;
    bool exists, ok;

    buffer_init(&sql, SQL_MAX);
    ok = look(p, t, &exists, e);
    if (ok && !exists && !option_has(v, "create"))
        ok = error_set(e, ERROR_NOT_FOUND,
                       "%s: there is no table %s: make it, or let --create make it",
                       postgres_place(p), t->name);
    ok = ok && postgres_exec(p, "BEGIN", e);
    if (ok && !exists) /* another load may be making it */
        ok = postgres_make_lock(p, e) && look(p, t, &exists, e) &&
             (exists || create(p, schema, t, &sql, e));
    if (ok && exists && option_has(v, "replace")) {
        buffer_format(&sql, "TRUNCATE %s", t->quoted);
        ok = run(p, &sql, e);
    }
    if (ok && option_has(v, "id")) { /* two loads at once would take the same ids */
        buffer_format(&sql, "LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE", t->quoted);
        ok = run(p, &sql, e) && find_next_id(p, t, &sql, e);
    }
    buffer_fini(&sql);
    return ok;
}

void load_table_copy(const struct load_table *t, struct buffer *sql)
{
    buffer_format(sql, "COPY %s (", t->quoted);
    for (uint32_t i = 0; i < t->columns; i++) {
        buffer_add_text(sql, i > 0 ? ", " : "");
        postgres_quote_add(sql, text_of(t->column[i].name));
    }
    buffer_add_text(sql, ") FROM STDIN");
}
