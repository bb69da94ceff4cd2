#include "shell/run/lookup.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/decide/shared.h"
#include "shell/source/reference.h"

enum { LOOKUP_PATH_MAX = 4096 };

struct table {
    struct reference *reference;
    char *key;             /* the events' field */
    struct schema *fields; /* as they are called in an event: "customers.balance" */
};

struct lookups {
    struct table table[SETTINGS_SOURCES_MAX];
    uint32_t count;
    atomic_uint references;
};

/* ---- opening */

/* The words begin with the option that they are about, or are about the file. */
static bool blame(const struct settings *s, const struct source_setting *source, struct error *e)
{
    static const char *const options[] = {"key", "valid_from"};
    const char *option = source->file != NULL ? "file" : source->table != NULL ? "table" : "query";
    char path[PLAN_NAME_MAX + 32];

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        size_t length = strlen(options[i]);

        if (strncmp(e->text, options[i], length) != 0 || strncmp(e->text + length, ": ", 2) != 0)
            continue;
        option = options[i];
        memmove(e->text, e->text + length + 2, strlen(e->text + length + 2) + 1);
        break;
    }
    snprintf(path, sizeof path, "sources.%s.%s", source->name, option);
    return settings_blame(s, path, e);
}

/* The column of this table that an event's field is filled from, or NULL. */
static const char *column_of(const char *table, const char *field)
{
    size_t length = strlen(table);

    return strncmp(field, table, length) == 0 && field[length] == '.' ? field + length + 1 : NULL;
}

/* Types: those of the settings, and over them those of the plan. */
static uint32_t collect_fields(const struct source_setting *source, const struct schema *plan,
                               struct source_field *out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; plan != NULL && i < plan->count; i++) {
        const struct field *f = &plan->fields[i];
        const char *column = column_of(source->name, f->name);

        if (f->is_looked_up && column != NULL)
            out[count++] = (struct source_field){column, f->type, f->type == TYPE_TIME, f->layout};
    }
    for (uint32_t i = 0, fixed = count; i < source->field_count; i++) {
        const struct field_setting *f = &source->fields[i];
        bool is_fixed = !f->has_type;

        for (uint32_t j = 0; j < fixed; j++)
            is_fixed = is_fixed || strcmp(out[j].name, f->name) == 0;
        if (!is_fixed)
            out[count++] = (struct source_field){f->name, f->type, f->has_layout, f->layout};
    }
    return count;
}

static bool find_key(const struct source_setting *source, const struct schema *schema,
                     enum type *type, struct error *e)
{
    int field = schema_find(schema, text_of(source->key));
    const char *nearest = schema_nearest(schema, text_of(source->key));

    if (field == FIELD_NONE)
        return error_set(e, ERROR_INVALID,
                         "key: the events have no field \"%s\" to look up by%s%s%s", source->key,
                         nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                         nearest != NULL ? "\"?" : "");
    *type = schema->fields[field].type;
    return true;
}

static bool find_file(const struct settings *s, const struct source_setting *source,
                      char path[LOOKUP_PATH_MAX], struct error *e)
{
    bool is_whole = source->file != NULL && source->file[0] == '/';
    int n;

    if (source->file == NULL) {
        snprintf(path, LOOKUP_PATH_MAX, "%.1000s", source_setting_words(source));
        return true;
    }
    if (strcmp(source->file, "-") == 0)
        return error_set(e, ERROR_INVALID, "a table is read from a file, not from \"-\"");
    n = snprintf(path, LOOKUP_PATH_MAX, "%s%s%s", is_whole ? "" : s->directory, is_whole ? "" : "/",
                 source->file);
    return (n >= 0 && n < LOOKUP_PATH_MAX) ||
           error_set(e, ERROR_INVALID, "the path is over %d bytes", LOOKUP_PATH_MAX);
}

static bool read_table(const struct settings *s, const struct source_setting *source,
                       const struct schema *schema, const struct schema *plan, struct reference **r,
                       struct error *e)
{
    struct source_field *fields = mem_array(2 * (size_t)SCHEMA_FIELDS_MAX, sizeof *fields);
    struct reference_options o = {.name = source->name,
                                  .key = source->key,
                                  .valid_from = source->valid_from,
                                  .memory_bytes = LOOKUP_BYTES_MAX};
    char path[LOOKUP_PATH_MAX];
    bool ok = find_key(source, schema, &o.key_type, e) && find_file(s, source, path, e);

    if (ok) {
        source_options_init(&o.source, path);
        o.source.database =
            (struct source_database){settings_source_url(s, source), source->table, source->query};
        o.source.delimiter = source->delimiter;
        o.source.point = source->point;
        o.source.reject_share = source->reject_share;
        o.source.fields = fields;
        o.source.field_count = collect_fields(source, plan, fields);
        ok = source_format_find(text_of(source->format), &o.source.format) ||
             error_set(e, ERROR_INVALID, "no format \"%s\"", source->format);
    }
    ok = ok && reference_load(&o, r, e);
    mem_free(fields);
    return ok;
}

static bool open_table(const struct settings *s, const struct source_setting *source,
                       const struct schema *schema, const struct schema *plan, struct table *t,
                       struct error *e)
{
    if (!read_table(s, source, schema, plan, &t->reference, e))
        return blame(s, source, e);
    t->key = mem_text(source->key, strlen(source->key));
    t->fields = schema_new();
    return reference_extend(t->reference, t->fields, e) || blame(s, source, e);
}

bool lookups_open(const struct settings *s, const struct schema *schema, const struct schema *plan,
                  struct lookups **l, struct error *e)
{
    struct lookups *made = mem_alloc(sizeof *made);

    atomic_store(&made->references, 1);
    for (uint32_t i = 0; i < s->source_count; i++) {
        if (s->sources[i].key == NULL)
            continue;
        if (!open_table(s, &s->sources[i], schema, plan, &made->table[made->count++], e)) {
            lookups_free(made);
            return false;
        }
    }
    *l = made;
    return true;
}

struct lookups *lookups_ref(struct lookups *l)
{
    if (l != NULL)
        atomic_fetch_add(&l->references, 1);
    return l;
}

void lookups_free(struct lookups *l)
{
    if (l == NULL || atomic_fetch_sub(&l->references, 1) > 1)
        return;
    for (uint32_t i = 0; i < l->count; i++) {
        reference_free(l->table[i].reference);
        mem_free(l->table[i].key);
        schema_free(l->table[i].fields);
    }
    mem_free(l);
}

/* ---- fields */

bool lookups_extend(const struct lookups *l, const struct settings *s, struct schema *schema,
                    struct error *e)
{
    for (uint32_t i = 0; i < l->count; i++) {
        const struct reference *r = l->table[i].reference;

        if (!reference_extend(r, schema, e))
            return blame(s, settings_source(s, reference_name(r)), e);
    }
    return true;
}

/* Where the table's fields begin: they stand together. */
static int first_field(const struct table *t, const struct schema *schema)
{
    if (t->fields->count == 0)
        return FIELD_NONE;
    return schema_find(schema, text_of(t->fields->fields[0].name));
}

static bool table_matches(const struct table *t, const struct schema *schema, struct error *e)
{
    int first = first_field(t, schema);

    for (uint32_t i = 0; i < t->fields->count; i++) {
        const struct field *field = &t->fields->fields[i];
        uint32_t at = (uint32_t)first + i;

        if (first == FIELD_NONE || at >= schema->count || !schema->fields[at].is_looked_up ||
            schema->fields[at].type != field->type ||
            strcmp(schema->fields[at].name, field->name) != 0)
            return error_set(e, ERROR_INVALID,
                             "%s is not among the fields that the model was trained on, or not in "
                             "this order; hint: run `assay train` again",
                             field->name);
    }
    return true;
}

static bool has_table_of(const struct lookups *l, const struct field *field)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (schema_find(l->table[i].fields, text_of(field->name)) != FIELD_NONE)
            return true;
    }
    return false;
}

bool lookups_match(const struct lookups *l, const struct schema *schema, struct error *e)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (!table_matches(&l->table[i], schema, e))
            return false;
    }
    for (uint32_t i = 0; i < schema->count; i++) {
        if (schema->fields[i].is_looked_up && !shared_is_field(schema->fields[i].name) &&
            !has_table_of(l, &schema->fields[i]))
            return error_set(
                e, ERROR_INVALID,
                "the model was trained with %s from a table, which the settings' sources "
                "do not have; hint: name it there, or run `assay train` again",
                schema->fields[i].name);
    }
    return true;
}

/* ---- looking up */

void lookups_fill(const struct lookups *l, const struct schema *schema, int64_t otherwise_us,
                  struct frame *f, uint32_t first, uint32_t rows)
{
    const struct column *time = schema->time != FIELD_NONE ? &f->column[schema->time] : NULL;

    for (uint32_t i = 0; l != NULL && i < l->count; i++) {
        const struct table *t = &l->table[i];
        int key = schema_find(schema, text_of(t->key));
        int at = first_field(t, schema);

        if (at != FIELD_NONE)
            reference_join(t->reference, &f->column[key], time, otherwise_us, f, (uint32_t)at,
                           first, rows);
    }
}

const char *lookups_undated(const struct lookups *l, uint32_t i)
{
    for (uint32_t k = 0; k < l->count; k++) {
        if (!reference_has_valid_from(l->table[k].reference) && i-- == 0)
            return reference_name(l->table[k].reference);
    }
    return NULL;
}
