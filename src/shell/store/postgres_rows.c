/* Statements of other modules in the PostgreSQL database. */
#include "core/base/number.h"
#include "core/base/panic.h"
#include "shell/store/postgres_store.h"

struct values {
    struct text text[POSTGRES_PARAMETERS_MAX];
    char digits[POSTGRES_PARAMETERS_MAX][NUMBER_TEXT_MAX];
};

static void fill(struct values *v, const struct store_value *value, uint32_t values)
{
    ASSERT(values <= POSTGRES_PARAMETERS_MAX);
    for (uint32_t i = 0; i < values; i++) {
        if (value[i].is_null)
            v->text[i] = (struct text){NULL, 0};
        else if (value[i].is_text)
            v->text[i] = value[i].text.bytes != NULL ? value[i].text : text_of("");
        else
            v->text[i] =
                (struct text){v->digits[i], number_format_int(value[i].integer, v->digits[i])};
    }
}

static void give_rows(const struct postgres_rows *rows, const struct store_visitor *v)
{
    struct store_value cell[STORE_CELLS_MAX];
    uint32_t columns = postgres_columns(rows);

    ASSERT(columns <= STORE_CELLS_MAX);
    for (uint32_t i = 0; i < postgres_rows_count(rows); i++) {
        for (uint32_t c = 0; c < columns; c++)
            cell[c] = (struct store_value){.is_null = postgres_is_null(rows, i, c),
                                           .is_text = true,
                                           .integer = postgres_int(rows, i, c),
                                           .text = postgres_cell(rows, i, c)};
        v->row(v->context, cell);
    }
}

static bool begin(struct postgres_store *s, struct error *e)
{
    if (s->mode == STORE_READ || s->is_open)
        return true;
    if (!postgres_exec(s->db, "BEGIN", e))
        return false;
    s->is_open = true;
    return true;
}

bool postgres_store_ask(struct store *is, const char *sql, bool is_kept,
                        const struct store_value *value, uint32_t values,
                        const struct store_visitor *v, struct error *e)
{
    struct postgres_store *s = postgres_of(is);
    struct postgres_rows *rows = NULL;
    struct values given;
    struct buffer text;
    bool ok;

    (void)is_kept; /* link/postgres.h keeps them by their text */
    fill(&given, value, values);
    buffer_init(&text, STORE_SQL_MAX);
    store_sql_expand(sql, POSTGRES_WATCH, &text);
    ok = (s->is_open || postgres_store_ready(s, e)) && begin(s, e) &&
         postgres_ask(s->db, buffer_text(&text), given.text, values, &rows, e);
    if (!ok && s->mode == STORE_READ && postgres_is_lost(s->db))
        ok = postgres_store_ready(s, e) &&
             postgres_ask(s->db, buffer_text(&text), given.text, values, &rows, e);
    buffer_fini(&text);
    if (ok && v != NULL)
        give_rows(rows, v);
    if (ok)
        postgres_rows_free(rows);
    return ok;
}
