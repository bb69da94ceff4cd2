#include "shell/run/lookup.h"

#include <stdio.h>
#include <string.h>

#include "shell/source/reference.h"

struct table {
    struct reference *reference;
    char *key; /* the events' field */
};

struct lookups {
    struct table table[SETTINGS_SOURCES_MAX];
    uint32_t count;
};

static bool open_table(const struct settings *s, const struct source_setting *source,
                       const struct schema *schema, struct table *t, struct error *e)
{
    struct reference_options o = {.name = source->name,
                                  .key = source->key,
                                  .valid_from = source->valid_from,
                                  .memory_bytes = LOOKUP_BYTES_MAX};
    int field = schema_find(schema, text_of(source->key));
    char path[4096];
    bool ok;

    if (field == FIELD_NONE)
        return error_set(e, ERROR_INVALID,
                         "%s: sources.%s.key: the events have no field \"%s\" to look up by", s->path,
                         source->name, source->key);
    o.key_type = schema->fields[field].type;
    if (source->file == NULL || snprintf(path, sizeof path, "%s%s%s",
                                         source->file[0] == '/' ? "" : s->directory,
                                         source->file[0] == '/' ? "" : "/",
                                         source->file) >= (int)sizeof path)
        return error_set(e, ERROR_INVALID, "%s: sources.%s.file: expected a path", s->path,
                         source->name);
    source_options_init(&o.source, path);
    ok = source_format_find(text_of(source->format), &o.source.format);
    o.source.delimiter = source->delimiter;
    o.source.point = source->point;
    o.source.reject_share = source->reject_share;
    if (!ok || !reference_load(&o, &t->reference, e))
        return error_prefix(e, "sources.%s", source->name);
    t->key = mem_text(source->key, strlen(source->key));
    return true;
}

bool lookups_open(const struct settings *s, const struct schema *schema, struct lookups **l,
                  struct error *e)
{
    struct lookups *made = mem_alloc(sizeof *made);

    for (uint32_t i = 0; i < s->source_count; i++) {
        if (s->sources[i].key == NULL)
            continue;
        if (!open_table(s, &s->sources[i], schema, &made->table[made->count], e)) {
            lookups_free(made);
            return false;
        }
        made->count++;
    }
    *l = made;
    return true;
}

void lookups_free(struct lookups *l)
{
    if (l == NULL)
        return;
    for (uint32_t i = 0; i < l->count; i++) {
        reference_free(l->table[i].reference);
        mem_free(l->table[i].key);
    }
    mem_free(l);
}

bool lookups_extend(const struct lookups *l, struct schema *schema, struct error *e)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (!reference_extend(l->table[i].reference, schema, e))
            return false;
    }
    return true;
}

/* The fields of one table, as reference_extend makes them, in a schema of their own. */
static struct schema *fields_of(const struct table *t)
{
    struct schema *fields = schema_new();
    struct error e;

    if (!reference_extend(t->reference, fields, &e)) {
        schema_free(fields);
        return NULL;
    }
    return fields;
}

static bool table_matches(const struct table *t, const struct schema *schema, int *at,
                          struct error *e)
{
    struct schema *fields = fields_of(t);
    bool ok = fields != NULL;

    *at = ok && fields->count > 0 ? schema_find(schema, text_of(fields->fields[0].name)) : 0;
    for (uint32_t i = 0; ok && i < fields->count; i++) {
        uint32_t here = (uint32_t)*at + i;

        ok = *at != FIELD_NONE && here < schema->count &&
             strcmp(schema->fields[here].name, fields->fields[i].name) == 0 &&
             schema->fields[here].type == fields->fields[i].type;
        if (!ok)
            error_set(e, ERROR_INVALID,
                      "table %s: its column %s is not among the fields that the model was trained on, "
                      "or has another type there; hint: run `assay train` again",
                      reference_name(t->reference), fields->fields[i].name);
    }
    schema_free(fields);
    return ok;
}

bool lookups_match(const struct lookups *l, const struct schema *schema, struct error *e)
{
    int at;

    for (uint32_t i = 0; i < l->count; i++) {
        if (!table_matches(&l->table[i], schema, &at, e))
            return false;
    }
    return true;
}

/* Where the table's fields begin: its first column that is neither key nor valid_from. */
static int first_field(const struct table *t, const struct schema *schema)
{
    size_t length = strlen(reference_name(t->reference));

    for (uint32_t i = 0; i < schema->count; i++) {
        const char *name = schema->fields[i].name;

        if (strncmp(name, reference_name(t->reference), length) == 0 && name[length] == '.')
            return (int)i;
    }
    return FIELD_NONE;
}

void lookups_fill(const struct lookups *l, const struct schema *schema, struct frame *f,
                  uint32_t first, uint32_t rows)
{
    const struct column *time =
        schema->time != FIELD_NONE ? &f->column[schema->time] : NULL;

    for (uint32_t i = 0; l != NULL && i < l->count; i++) {
        const struct table *t = &l->table[i];
        int key = schema_find(schema, text_of(t->key));
        int columns = first_field(t, schema);

        if (columns != FIELD_NONE)
            reference_join(t->reference, &f->column[key], time, f, (uint32_t)columns, first, rows);
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
