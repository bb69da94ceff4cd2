#include "shell/stream/looked_up.h"

#include <string.h>

#include "core/data/json.h"

struct search {
    const struct settings *settings;
    const struct lookups *lookups;
    const struct schema *schema;
    const char *found; /* a field of a table that is looked up as it is now; NULL: none */
};

static bool is_approximate(const struct settings *s, const char *table)
{
    for (uint32_t i = 0; i < s->stream.approximate_count; i++) {
        if (strcmp(s->stream.approximate[i], table) == 0)
            return true;
    }
    return false;
}

static bool is_of(const struct field *f, const char *table)
{
    size_t length = strlen(table);

    return strncmp(f->name, table, length) == 0 && f->name[length] == '.';
}

static void note(void *context, int field)
{
    struct search *s = context;
    const struct field *f = &s->schema->fields[field];
    const char *table;

    if (!f->is_looked_up)
        return;
    for (uint32_t i = 0; (table = lookups_undated(s->lookups, i)) != NULL; i++) {
        if (is_of(f, table) && !is_approximate(s->settings, table))
            s->found = f->name;
    }
}

static void search_aggregate(const struct program *p, const struct aggregate *a, struct search *s)
{
    if (a->operand >= 0)
        program_fields(p, a->operand, note, s);
    if (a->where >= 0)
        program_fields(p, a->where, note, s);
    for (int i = 0; i < a->key_count; i++)
        program_fields(p, a->keys[i], note, s);
}

static bool refuse(const char *what, const char *field, struct error *e)
{
    return error_set(e, ERROR_INVALID,
                     "%.300s reads %.200s of a table without valid_from: read again after a change "
                     "of the table, the topic would give another state; hint: give the table "
                     "valid_from, use the field outside of windows, or name the table in "
                     "stream.approximate",
                     what, field);
}

bool looked_up_check(const struct settings *s, const struct lookups *l, const struct plan *p,
                     struct error *e)
{
    const struct program *program = plan_program(p);
    struct search search = {s, l, plan_schema(p), NULL};

    for (uint32_t i = 0; i < program_aggregate_count(program); i++) {
        const struct aggregate *a = program_aggregate(program, i);

        search_aggregate(program, a, &search);
        if (search.found != NULL)
            return refuse(a->canonical, search.found, e);
    }
    if (plan_validation(p) != NULL)
        validation_fields(plan_validation(p), note, &search);
    return search.found == NULL || refuse("validate", search.found, e);
}

void looked_up_add(const struct schema *s, const struct frame *f, uint32_t row, struct buffer *out)
{
    bool is_first = true;

    for (uint32_t i = s->count; i > 0 && s->fields[i - 1].is_looked_up; i--) {
        struct value v = column_get(&f->column[i - 1], row);

        if (s->fields[i - 1].is_personal)
            continue;
        buffer_add_text(out, is_first ? ",\"looked_up\":{" : ",");
        json_add_text(out, text_of(s->fields[i - 1].name));
        buffer_add_char(out, ':');
        json_add_value(out, &v);
        is_first = false;
    }
    if (!is_first)
        buffer_add_char(out, '}');
}
