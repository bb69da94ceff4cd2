#include "shell/cmd/load_sqlite.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "shell/link/sqlite.h"

enum { SQL_MAX = 1 << 20, CELL_TEXT = 64 };

struct filling {
    struct sqlite_link *db;
    const struct schema *schema;
    struct load_table *table;
    const char *at;
    struct buffer sql;
    struct sqlite_statement *insert;
    char (*made)[CELL_TEXT]; /* texts of a row's cells */
};

static bool run(struct filling *f, struct error *e)
{
    bool ok = sqlite_link_exec(f->db, buffer_text(&f->sql), e);

    buffer_clear(&f->sql);
    return ok;
}

static void add_name(struct filling *f)
{
    (void)!sqlite_link_name_add(&f->sql, text_of(f->table->name)); /* load_table_plan saw it */
}

/* One number of a statement, such as a count. */
static bool ask(struct filling *f, int64_t *value, struct error *e)
{
    struct sqlite_statement *q;
    bool has, ok = sqlite_link_prepare(f->db, buffer_text(&f->sql), &q, e);

    buffer_clear(&f->sql);
    *value = 0;
    if (!ok)
        return false;
    ok = sqlite_step(q, &has, e);
    if (ok && has)
        *value = sqlite_int(q, 0);
    sqlite_statement_free(q);
    return ok;
}

static const char *type_of(const struct filling *f, const struct load_column *c)
{
    static const char *const types[] = {
        [TYPE_BOOL] = "BOOLEAN",  [TYPE_INT] = "INTEGER", [TYPE_DECIMAL] = "NUMERIC",
        [TYPE_REAL] = "REAL",     [TYPE_TEXT] = "TEXT",   [TYPE_TIME] = "TEXT",
        [TYPE_DURATION] = "TEXT",
    };

    return c->field != FIELD_NONE ? types[f->schema->fields[c->field].type] : "TEXT";
}

static bool create(struct filling *f, struct error *e)
{
    buffer_add_text(&f->sql, "CREATE TABLE ");
    add_name(f);
    for (uint32_t i = 0; i < f->table->columns; i++) {
        buffer_add_text(&f->sql, i > 0 ? ", " : " (");
        postgres_quote_add(&f->sql, text_of(f->table->column[i].name));
        buffer_format(&f->sql, " %s", type_of(f, &f->table->column[i]));
    }
    buffer_add_char(&f->sql, ')');
    return run(f, e);
}

static bool look(struct filling *f, int64_t *exists, int64_t *has_time, struct error *e)
{
    const char *time = f->table->column[f->table->columns - 1].name;

    buffer_add_text(&f->sql, "SELECT count(*) FROM pragma_table_info(");
    add_name(f); /* a name in quotes is also a text, where a text is wanted */
    buffer_add_char(&f->sql, ')');
    if (!ask(f, exists, e))
        return false;
    buffer_add_text(&f->sql, "SELECT count(*) FROM pragma_table_info(");
    add_name(f);
    buffer_add_text(&f->sql, ") WHERE name = '");
    for (const char *c = time; *c != 0; c++)
        buffer_format(&f->sql, *c == '\'' ? "''" : "%c", *c);
    buffer_add_char(&f->sql, '\'');
    return ask(f, has_time, e);
}

static bool find_next_id(struct filling *f, struct error *e)
{
    const char *id = NULL;

    for (uint32_t i = 0; i < f->table->columns; i++) {
        if (f->table->column[i].is_id)
            id = f->table->column[i].name;
    }
    if (id == NULL)
        return true;
    buffer_add_text(&f->sql, "SELECT coalesce(max(CAST(substr(");
    postgres_quote_add(&f->sql, text_of(id));
    buffer_add_text(&f->sql, ", 3) AS INTEGER)), 0) + 1 FROM ");
    add_name(f);
    buffer_add_text(&f->sql, " WHERE ");
    postgres_quote_add(&f->sql, text_of(id));
    buffer_add_text(&f->sql, " GLOB 'AA[0-9][0-9][0-9]*' AND ");
    postgres_quote_add(&f->sql, text_of(id));
    buffer_add_text(&f->sql, " NOT GLOB 'AA*[^0-9]*'");
    return ask(f, &f->table->next_id, e);
}

static bool prepare(struct filling *f, struct invocation *v, struct error *e)
{
    struct load_table *t = f->table;
    struct load_column *last = &t->column[t->columns - 1];
    int64_t exists, has_time;

    if (!look(f, &exists, &has_time, e))
        return false;
    if (exists == 0 && !option_has(v, "create"))
        return error_set(e, ERROR_NOT_FOUND,
                         "%s: there is no table %s: make it, or let --create make it",
                         sqlite_link_path(f->db), t->name);
    if (exists > 0 && last->is_time && !t->is_explicit && has_time == 0)
        t->columns--;
    if (exists == 0 && !create(f, e))
        return false;
    if (exists > 0 && option_has(v, "replace")) {
        buffer_add_text(&f->sql, "DELETE FROM ");
        add_name(f);
        if (!run(f, e))
            return false;
    }
    if (option_has(v, "id") && !find_next_id(f, e))
        return false;
    buffer_add_text(&f->sql, "INSERT INTO ");
    add_name(f);
    for (uint32_t i = 0; i < t->columns; i++) {
        buffer_add_text(&f->sql, i > 0 ? ", " : " (");
        postgres_quote_add(&f->sql, text_of(t->column[i].name));
    }
    buffer_add_text(&f->sql, ") VALUES (");
    for (uint32_t i = 0; i < t->columns; i++)
        buffer_add_text(&f->sql, i > 0 ? ",?" : "?");
    buffer_add_char(&f->sql, ')');
    return sqlite_link_prepare(f->db, buffer_text(&f->sql), &f->insert, e);
}

static void bind(struct filling *f, uint32_t i, const struct value *v)
{
    char *made = f->made[i];

    switch (v->type) {
    case TYPE_BOOL:
    case TYPE_INT:
        sqlite_bind_int_at(f->insert, (int)i + 1, v->integer);
        return;
    case TYPE_REAL:
        sqlite_bind_real_at(f->insert, (int)i + 1, v->real);
        return;
    case TYPE_TEXT:
        sqlite_bind_text_at(f->insert, (int)i + 1, v->text);
        return;
    case TYPE_DECIMAL: /* by its column's type it is a number */
        number_format_decimal(v->integer, made);
        break;
    case TYPE_TIME:
        time_format(v->integer, made);
        break;
    default:
        duration_format(v->integer, made);
    }
    sqlite_bind_text_at(f->insert, (int)i + 1, text_of(made));
}

static bool put_row(struct filling *f, const struct frame *from, uint32_t row, struct error *e)
{
    bool has;

    for (uint32_t i = 0; i < f->table->columns; i++) {
        const struct load_column *c = &f->table->column[i];
        struct value v = {.is_null = true};

        if (c->field != FIELD_NONE)
            v = column_get(&from->column[c->field], row);
        if (!v.is_null) {
            bind(f, i, &v);
        } else if (c->is_id) { /* AA001, AA002, ... AA999, AA1000 */
            snprintf(f->made[i], CELL_TEXT, "AA%03" PRId64, f->table->next_id++);
            sqlite_bind_text_at(f->insert, (int)i + 1, text_of(f->made[i]));
        } else if (c->is_time) {
            sqlite_bind_text_at(f->insert, (int)i + 1, text_of(f->at));
        } else {
            sqlite_bind_null_at(f->insert, (int)i + 1);
        }
    }
    return sqlite_step(f->insert, &has, e);
}

static bool put_rows(struct filling *f, struct source *source, struct frame *from, uint64_t *loaded,
                     struct error *e)
{
    do {
        if (!source_read(source, from, e))
            return false;
        for (uint32_t i = 0; i < from->rows; i++, (*loaded)++) {
            if (!put_row(f, from, i, e))
                return false;
        }
    } while (from->rows > 0);
    return sqlite_link_exec(f->db, "COMMIT", e);
}

bool load_sqlite(struct invocation *v, const char *url, struct source *source,
                 struct load_table *table, const char *at, uint64_t *loaded, struct error *e)
{
    struct filling f = {.schema = source_schema(source), .table = table, .at = at};
    struct frame from;
    bool ok;

    if (!sqlite_link_open(url, true, &f.db, e))
        return false;
    buffer_init(&f.sql, SQL_MAX);
    f.made = mem_array(table->columns + 1, sizeof *f.made);
    frame_init(&from, f.schema, SOURCE_FRAME_ROWS, SOURCE_TEXT_BYTES);
    ok = sqlite_link_exec(f.db, "BEGIN IMMEDIATE", e) && prepare(&f, v, e) &&
         put_rows(&f, source, &from, loaded, e);
    frame_fini(&from);
    sqlite_statement_free(f.insert);
    mem_free(f.made);
    buffer_fini(&f.sql);
    sqlite_link_close(f.db); /* what is not committed is gone */
    return ok;
}
