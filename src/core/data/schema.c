#include "core/data/schema.h"

#include "core/base/hash.h"
#include "core/base/memory.h"

struct schema *schema_new(void)
{
    struct schema *s = mem_alloc(sizeof *s);

    s->id = s->time = s->label = s->kind = FIELD_NONE;
    return s;
}

void schema_free(struct schema *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        mem_free(s->fields[i].name);
    for (uint32_t i = 0; i < s->kind_count; i++) {
        mem_free(s->kinds[i].name);
        mem_free(s->kinds[i].id);
        mem_free(s->kinds[i].time);
    }
    mem_free(s->kinds);
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

static char *name_dup(const char *name)
{
    return name != NULL ? mem_text(name, strlen(name)) : NULL;
}

static void kind_append(struct schema *s, const struct event_kind *k)
{
    struct event_kind copy = *k;

    copy.name = name_dup(k->name);
    copy.id = name_dup(k->id);
    copy.time = name_dup(k->time);
    s->kinds = mem_resize(s->kinds, s->kind_count + 1, sizeof *s->kinds);
    s->kinds[s->kind_count++] = copy;
}

struct schema *schema_dup(const struct schema *s)
{
    struct schema *copy = schema_new();

    for (uint32_t i = 0; i < s->count; i++)
        schema_append(copy, &s->fields[i]);
    copy->id = s->id;
    copy->time = s->time;
    copy->label = s->label;
    copy->kind = s->kind;
    for (uint32_t i = 0; i < s->kind_count; i++)
        kind_append(copy, &s->kinds[i]);
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

bool schema_add_kind(struct schema *s, const struct event_kind *kind, struct error *e)
{
    size_t length = strlen(kind->name);

    if (length == 0 || length > FIELD_NAME_MAX)
        return error_set(e, ERROR_INVALID, "a kind of event needs a name of 1 to %d bytes",
                         FIELD_NAME_MAX);
    if (schema_find_kind(s, text_of(kind->name)) != KIND_NONE)
        return error_set(e, ERROR_INVALID, "kind \"%s\" appears twice: rename one", kind->name);
    if (s->kind_count == KINDS_MAX)
        return error_set(e, ERROR_INVALID, "more than %d kinds of event", KINDS_MAX);
    kind_append(s, kind);
    return true;
}

int schema_find_kind(const struct schema *s, struct text name)
{
    for (uint32_t i = 0; i < s->kind_count; i++) {
        if (text_is(name, s->kinds[i].name))
            return (int)i;
    }
    return KIND_NONE;
}

bool schema_has(const struct schema *s, int kind, int field)
{
    uint32_t kinds = s->fields[field].kinds;

    if (kind != KIND_NONE && field == s->id && s->kinds[kind].id == NULL)
        return false;
    return kind == KIND_NONE || kinds == 0 || (kinds >> kind & 1) != 0;
}

/* What the kind calls one of the shared fields; NULL: the field is none of them. */
static const char *role_name(const struct schema *s, int kind, int field)
{
    if (kind == KIND_NONE || field == FIELD_NONE)
        return NULL;
    if (field == s->id)
        return s->kinds[kind].id;
    return field == s->time ? s->kinds[kind].time : NULL;
}

const char *schema_name_of(const struct schema *s, int kind, int field)
{
    const char *name = role_name(s, kind, field);

    return name != NULL ? name : s->fields[field].name;
}

int schema_find_of(const struct schema *s, int kind, struct text name)
{
    int field;

    if (kind != KIND_NONE) {
        const char *id = role_name(s, kind, s->id), *time = role_name(s, kind, s->time);

        if (id != NULL && text_is(name, id))
            return s->id;
        if (time != NULL && text_is(name, time))
            return s->time;
    }
    field = schema_find(s, name);
    if (field == FIELD_NONE || !schema_has(s, kind, field))
        return FIELD_NONE;
    /* the shared fields go by the kind's own names for them */
    return kind != KIND_NONE && (field == s->id || field == s->time) ? FIELD_NONE : field;
}

bool schema_has_personal(const struct schema *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->fields[i].is_personal)
            return true;
    }
    return false;
}

uint64_t schema_fingerprint(const struct schema *s)
{
    int32_t roles[] = {s->id, s->time, s->label};
    uint64_t h = hash_bytes(roles, sizeof roles, s->count);

    for (uint32_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];

        h = hash_bytes(f->name, strlen(f->name),
                       hash_mix(h + (uint64_t)f->type * 2 + f->is_looked_up));
        h = hash_mix(h + f->kinds);
    }
    return h;
}

const char *schema_nearest_of(const struct schema *s, int kind, struct text name)
{
    struct text *names = mem_array(s->count, sizeof *names);
    size_t count = 0;
    int nearest;

    for (uint32_t i = 0; i < s->count; i++) {
        if (schema_has(s, kind, (int)i))
            names[count++] = text_of(schema_name_of(s, kind, (int)i));
    }
    nearest = text_nearest(name, names, count);
    name = nearest >= 0 ? names[nearest] : (struct text){0};
    mem_free(names);
    return name.bytes; /* of a zero-terminated name that the schema keeps */
}

const char *schema_nearest(const struct schema *s, struct text name)
{
    return schema_nearest_of(s, KIND_NONE, name);
}
