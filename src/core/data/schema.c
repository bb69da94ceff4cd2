#include "core/data/schema.h"

#include "core/base/hash.h"
#include "core/base/memory.h"

struct schema *schema_new(void)
{
    struct schema *s = mem_alloc(sizeof *s);

    s->id = s->time = s->label = FIELD_NONE;
    return s;
}

void schema_free(struct schema *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        mem_free(s->fields[i].name);
    mem_free(s->fields);
    mem_free(s);
}

static void schema_append(struct schema *s, const struct field *f)
{
    if ((s->count & (s->count - 1)) == 0) /* grows at powers of two */
        s->fields = mem_resize(s->fields, s->count ? s->count * 2 : 1, sizeof *s->fields);
    s->fields[s->count] = *f;
    s->fields[s->count++].name = mem_text(f->name, strlen(f->name));
}

struct schema *schema_dup(const struct schema *s)
{
    struct schema *copy = schema_new();

    for (uint32_t i = 0; i < s->count; i++)
        schema_append(copy, &s->fields[i]);
    copy->id = s->id;
    copy->time = s->time;
    copy->label = s->label;
    return copy;
}

bool schema_add(struct schema *s, struct text name, enum type type, struct error *e)
{
    struct field f = {.type = type, .point = '.'};
    char copy[FIELD_NAME_MAX + 1];

    if (name.length == 0)
        return error_set(e, ERROR_INVALID, "field %u has no name: give it one", s->count + 1);
    if (name.length > FIELD_NAME_MAX)
        return error_set(e, ERROR_INVALID, "field name \"%.40s...\" is over %d bytes", name.bytes,
                         FIELD_NAME_MAX);
    if (memchr(name.bytes, 0, name.length) != NULL)
        return error_set(e, ERROR_INVALID, "field %u has a NUL byte in its name", s->count + 1);
    if (s->count == SCHEMA_FIELDS_MAX)
        return error_set(e, ERROR_INVALID, "more than %d fields", SCHEMA_FIELDS_MAX);
    if (schema_find(s, name) != FIELD_NONE)
        return error_set(e, ERROR_INVALID, "field \"%.*s\" appears twice: rename one",
                         TEXT_ARG(name));
    memcpy(copy, name.bytes, name.length);
    copy[name.length] = 0;
    f.name = copy;
    schema_append(s, &f);
    return true;
}

int schema_find(const struct schema *s, struct text name)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (text_is(name, s->fields[i].name))
            return (int)i;
    }
    return FIELD_NONE;
}

uint64_t schema_fingerprint(const struct schema *s)
{
    int32_t roles[] = {s->id, s->time, s->label};
    uint64_t h = hash_bytes(roles, sizeof roles, s->count);

    for (uint32_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];

        h = hash_bytes(f->name, strlen(f->name),
                       hash_mix(h + (uint64_t)f->type * 2 + f->is_looked_up));
    }
    return h;
}

const char *schema_nearest(const struct schema *s, struct text name)
{
    struct text *names = mem_array(s->count, sizeof *names);
    int nearest;

    for (uint32_t i = 0; i < s->count; i++)
        names[i] = text_of(s->fields[i].name);
    nearest = text_nearest(name, names, s->count);
    mem_free(names);
    return nearest >= 0 ? s->fields[nearest].name : NULL;
}
