#include "shell/source/join.h"

#include <stdio.h>

#include "core/base/panic.h"
#include "shell/source/reference.h"

struct joined {
    struct reference *table;
    uint32_t first; /* of its columns in the whole schema */
    uint32_t count;
};

static bool find_key(const struct source *s, int *key, struct error *e)
{
    const char *name = s->options.join_key;
    const char *nearest;

    if (name == NULL)
        return error_set(e, ERROR_INVALID,
                         "join: files are joined by the events' id: name its field (event.id)");
    *key = schema_find(s->schema, text_of(name));
    if (*key != FIELD_NONE)
        return true;
    nearest = schema_nearest(s->schema, text_of(name));
    return error_set(e, ERROR_INVALID, "%s has no field \"%s\" to join by%s%s%s", s->first_file,
                     name, nearest != NULL ? "; did you mean \"" : "",
                     nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
}

/* What the user says of the fields that this file has: a look at its head tells which. */
static bool choose_fields(const struct source *s, const char *path, struct source_field *fields,
                          uint32_t *count, struct error *e)
{
    struct source_options o;
    struct source *look;

    source_options_init(&o, path);
    o.delimiter = s->options.delimiter;
    o.point = s->options.point;
    if (!source_open(&o, &look, e))
        return false;
    *count = 0;
    for (uint32_t i = 0; i < s->options.field_count; i++) {
        if (schema_find(source_schema(look), text_of(s->fields[i].name)) != FIELD_NONE)
            fields[(*count)++] = s->fields[i];
    }
    source_close(look);
    return true;
}

static bool load(const struct source *s, const char *path, enum type key_type,
                 struct reference **table, struct error *e)
{
    struct source_field *fields = mem_array(s->options.field_count, sizeof *fields);
    struct reference_options o = {
        .key = s->options.join_key, .key_type = key_type, .memory_bytes = SOURCE_JOIN_BYTES_MAX};
    bool ok;

    source_options_init(&o.source, path);
    o.source.delimiter = s->options.delimiter;
    o.source.point = s->options.point;
    o.source.reject_share = s->options.reject_share;
    o.source.fields = fields;
    ok = choose_fields(s, path, fields, &o.source.field_count, e) && reference_load(&o, table, e);
    mem_free(fields);
    return ok;
}

/* A row without its time is a reject, which only the first file's reader can say. */
static bool check_required(const struct source *s, const struct joined *j, const char *path,
                           struct error *e)
{
    for (uint32_t i = 0; i < s->required_count; i++) {
        int field = schema_find(s->whole, text_of(s->required[i]));

        if (field >= (int)j->first && field < (int)(j->first + j->count))
            return error_set(e, ERROR_INVALID,
                             "the field \"%s\" must be in the first file: name %s as the file, and "
                             "join %s to it",
                             s->required[i], path, s->path);
    }
    return true;
}

static void note_fields(struct source *s, const struct joined *j, const char *path)
{
    const char *slash = strrchr(path, '/');

    s->notes = mem_resize(s->notes, j->first + j->count, sizeof *s->notes);
    for (uint32_t i = j->first; i < j->first + j->count; i++)
        snprintf(s->notes[i], GUESS_NOTE_MAX, "from %.*s", GUESS_NOTE_MAX - 6,
                 slash != NULL ? slash + 1 : path);
}

static bool add(struct source *s, uint32_t i, enum type key_type, struct error *e)
{
    const char *path = s->joins[i];
    struct joined *j = &s->joined[i];

    if (strcmp(path, "-") == 0)
        return error_set(e, ERROR_INVALID, "join: a file is expected, not \"-\"");
    if (!load(s, path, key_type, &j->table, e))
        return error_prefix(e, "join: %s", path);
    j->first = s->whole->count;
    if (!reference_extend(j->table, s->whole, e))
        return error_prefix(e, "join: %s", path);
    j->count = s->whole->count - j->first;
    note_fields(s, j, path);
    return check_required(s, j, path, e);
}

bool join_open(struct source *s, struct error *e)
{
    int key;

    if (s->options.join_count == 0)
        return true;
    if (!find_key(s, &key, e))
        return false;
    s->whole = schema_dup(s->schema);
    s->joined = mem_array(s->options.join_count, sizeof *s->joined);
    for (uint32_t i = 0; i < s->options.join_count; i++) {
        if (!add(s, i, s->schema->fields[key].type, e))
            return false;
    }
    s->join_key = key;
    return true;
}

void join_close(struct source *s)
{
    for (uint32_t i = 0; s->joined != NULL && i < s->options.join_count; i++)
        reference_free(s->joined[i].table);
    mem_free(s->joined);
    schema_free(s->whole);
}

/* The frame outlives the tables, so it gets texts of its own. */
static bool own_texts(struct frame *f, const struct joined *j, struct error *e)
{
    for (uint32_t c = j->first; c < j->first + j->count; c++) {
        struct column *column = &f->column[c];

        for (uint32_t i = 0; column->type == TYPE_TEXT && i < f->rows; i++) {
            struct text *t = &column->text[i];

            if (column->null[i])
                continue;
            t->bytes = arena_text(&f->text, t->bytes, t->length);
            if (t->bytes == NULL)
                return error_set(e, ERROR_FULL, "no room for the texts of the joined files");
        }
    }
    return true;
}

static uint64_t count_alone(const struct joined *j, const struct column *key, uint32_t rows)
{
    uint64_t alone = 0;

    for (uint32_t i = 0; i < rows; i++) {
        struct value v = column_get(key, i);

        alone += reference_find(j->table, &v, INT64_MAX) < 0;
    }
    return alone;
}

bool join_fill(struct source *s, struct frame *f, struct error *e)
{
    for (uint32_t i = 0; s->whole != NULL && i < s->options.join_count; i++) {
        const struct joined *j = &s->joined[i];
        const struct column *key = &f->column[s->join_key];

        reference_join(j->table, key, NULL, INT64_MAX, f, j->first, 0, f->rows);
        s->counts.unjoined += count_alone(j, key, f->rows);
        if (!own_texts(f, j, e))
            return false;
    }
    return true;
}
