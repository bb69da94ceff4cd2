/* A small event type, a few events of it, and one-line evaluation, for the tests of lang/. */
#ifndef ASSAY_TESTS_LANG_FIXTURE_H
#define ASSAY_TESTS_LANG_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/number.h"
#include "core/lang/lang.h"

enum { FIXTURE_ROWS = 4 };

struct fixture {
    struct schema *schema;
    struct frame frame;
};

static inline void fixture_field(struct schema *s, const char *name, enum type type)
{
    struct error e;

    assert_true(schema_add(s, text_of(name), type, &e));
    s->fields[s->count - 1].layout = TIME_ISO;
}

/* A cell from text; "" is null. */
static inline void fixture_cell(struct frame *f, const char *cell, uint32_t column)
{
    struct column *c = &f->column[column];
    struct value v = {.type = c->type, .is_null = cell[0] == 0};
    bool ok = true;

    if (!v.is_null) {
        switch (c->type) {
        case TYPE_BOOL:
            v.integer = strcmp(cell, "true") == 0;
            break;
        case TYPE_INT:
            ok = number_parse_int(text_of(cell), &v.integer);
            break;
        case TYPE_DECIMAL:
            ok = number_parse_decimal(text_of(cell), '.', &v.integer);
            break;
        case TYPE_REAL:
            ok = number_parse_real(text_of(cell), '.', &v.real);
            break;
        case TYPE_TIME:
            ok = time_parse(text_of(cell), TIME_ISO, &v.integer);
            break;
        case TYPE_DURATION:
            ok = duration_parse(text_of(cell), &v.integer);
            break;
        default:
            v.text = text_of(cell);
        }
    }
    assert_true(ok);
    column_set(c, f->rows, &v);
}

static inline void fixture_row(struct fixture *x, const char *const *cells)
{
    for (uint32_t i = 0; i < x->schema->count; i++)
        fixture_cell(&x->frame, cells[i], i);
    x->frame.rows++;
}

/* Row 0 ordinary, row 1 extremes, row 2 all null, row 3 small and negative. */
static inline void fixture_init(struct fixture *x)
{
    static const char *const rows[FIXTURE_ROWS][12] = {
        {"t1", "2018-04-01T23:30:15Z", "true", "7", "57.16", "0.25", "Cash Out", "90m", "c1", "m1",
         "true", "1000.00"},
        {"t2", "9999-12-31T23:59:59Z", "false", "9223372036854775807", "9000000000000", "1e308", "",
         "0s", "c1", "m2", "false", "1"},
        {"", "", "", "", "", "", "", "", "", "", "", ""},
        {"t4", "1969-12-31T23:59:59Z", "false", "-7", "-0.000001", "-1e-300", "caf\xc3\xa9", "-1d",
         "c2", "m1", "", "-5.5"},
    };

    x->schema = schema_new();
    fixture_field(x->schema, "id", TYPE_TEXT);
    fixture_field(x->schema, "at", TYPE_TIME);
    fixture_field(x->schema, "flag", TYPE_BOOL);
    fixture_field(x->schema, "n", TYPE_INT);
    fixture_field(x->schema, "amount", TYPE_DECIMAL);
    fixture_field(x->schema, "r", TYPE_REAL);
    fixture_field(x->schema, "name", TYPE_TEXT);
    fixture_field(x->schema, "wait", TYPE_DURATION);
    fixture_field(x->schema, "customer_id", TYPE_TEXT);
    fixture_field(x->schema, "merchant id", TYPE_TEXT);
    fixture_field(x->schema, "is_fraud", TYPE_BOOL);
    fixture_field(x->schema, "customers.balance", TYPE_DECIMAL);
    x->schema->id = 0;
    x->schema->time = 1;
    x->schema->label = 10;
    frame_init(&x->frame, x->schema, FIXTURE_ROWS, 1 << 16);
    for (int i = 0; i < FIXTURE_ROWS; i++)
        fixture_row(x, rows[i]);
}

static inline void fixture_fini(struct fixture *x)
{
    frame_fini(&x->frame);
    schema_free(x->schema);
}

/* Two zones as they were in 2018, whatever the machine has. */
static inline struct zone *fixture_zone(void *context, struct text name, struct error *e)
{
    const char *rules = "-10800 1541300400/-7200 1550368800/-10800";

    (void)context;
    if (text_is(name, "Asia/Jakarta"))
        rules = "25200";
    else if (!text_is(name, "America/Sao_Paulo")) {
        error_set(e, ERROR_NOT_FOUND, "no time zone '%.*s'", TEXT_ARG(name));
        return NULL;
    }
    return zone_parse_text(name, text_of(rules), e);
}

static inline struct program *fixture_program(const struct fixture *x)
{
    const struct zone_source zones = {.find = fixture_zone};
    struct program *p = program_new(x->schema);
    struct error e;

    program_lend_zones(p, &zones);
    assert_true(program_add_entity(p, text_of("customer"), text_of("customer_id"), &e));
    assert_true(program_add_entity(p, text_of("merchant"), text_of("lower(`merchant id`)"), &e));
    assert_true(program_add_list(p, text_of("blocked"), TYPE_TEXT, &e));
    assert_true(program_add_list(p, text_of("numbers"), TYPE_INT, &e));
    assert_true(program_add_list(p, text_of("amounts"), TYPE_DECIMAL, &e));
    assert_true(
        program_add_list(p, text_of("null"), TYPE_TEXT, &e)); /* as a word of the language */
    return p;
}

static inline void format_value(const struct value *v, char *out, size_t size)
{
    char t[64] = "";

    if (v->is_null)
        snprintf(t, sizeof t, "null");
    else if (v->type == TYPE_BOOL)
        snprintf(t, sizeof t, "%s", v->integer ? "true" : "false");
    else if (v->type == TYPE_INT)
        number_format_int(v->integer, t);
    else if (v->type == TYPE_DECIMAL)
        number_format_decimal(v->integer, t);
    else if (v->type == TYPE_REAL)
        number_format_real(v->real, t);
    else if (v->type == TYPE_TIME)
        time_format(v->integer, t);
    else if (v->type == TYPE_DURATION)
        duration_format(v->integer, t);
    if (v->type == TYPE_TEXT && !v->is_null)
        snprintf(out, size, "%.*s", TEXT_ARG(v->text));
    else
        snprintf(out, size, "%s", t);
}

/* The value of an expression for one row, as text; or the error's text. */
static inline void evaluate(const struct fixture *x, const char *source, uint32_t row, char *out,
                            size_t size)
{
    struct program *p = fixture_program(x);
    struct registers r;
    struct error e;
    struct value v;
    int node;

    if (!program_add_feature(p, text_of("f"), text_of(source), &node, &e)) {
        snprintf(out, size, "%s", e.text);
        program_free(p);
        return;
    }
    program_finish(p);
    registers_init(&r, p, FIXTURE_ROWS);
    registers_begin(&r, &x->frame, row, 1);
    program_run(p, &r, 0);
    v = column_get(&r.column[node], 0);
    format_value(&v, out, size);
    registers_fini(&r);
    program_free(p);
}

#endif
