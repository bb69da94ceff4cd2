/* Several kinds of event, each from its own source: one list of fields.
 *
 * A field that several kinds have is one field and has one type. Types that were only guessed may
 * be widened (5 and 5.50 are both decimals); what does not fit is refused by name.
 */
#include <stdio.h>
#include <string.h>

#include "shell/run/feed_part.h"
#include "shell/source/source.h"

bool feed_kind_part(const struct settings *s, uint32_t kind, const char *directory,
                    char path[FEED_FILE_MAX], struct feed_part *part, struct error *e)
{
    const struct kind_setting *k = &s->kinds[kind];

    *part = (struct feed_part){.kind = k, .path = path, .directory = directory};
    if (k->source != NULL)
        part->setting = settings_source(s, k->source);
    if (part->setting == NULL)
        return error_set(e, ERROR_INVALID,
                         "%s: there is no source of %s: name one under events.%s.source", s->path,
                         k->name, k->name);
    if (directory != NULL && part->setting->file == NULL)
        return error_set(e, ERROR_INVALID,
                         "%s: %s come from a database: a folder of files cannot stand for them",
                         s->path, k->name);
    return feed_source_path(s, part->setting, directory, path, e);
}

static bool refuse_field(const struct settings *s, const struct feed_part *part, const char *field,
                         struct error *e)
{
    char path[2 * PLAN_NAME_MAX + 32];

    error_prefix(e, "the field \"%.80s\" of %s", field, part->path);
    snprintf(path, sizeof path, "events.%s", part->kind->name);
    return settings_blame(s, path, e);
}

static bool widen(enum type *type, enum type other, bool is_id)
{
    if (*type == other)
        return true;
    if (is_id) {
        *type = TYPE_TEXT;
        return true;
    }
    if (*type == TYPE_BOOL || other == TYPE_BOOL || !type_is_number(*type) ||
        !type_is_number(other))
        return false;
    if (other > *type) /* int, decimal, real: each holds the one before */
        *type = other;
    return true;
}

/* The field of the events that this one of a kind's source is; appended where it is new. */
static bool add_field(const struct settings *s, const struct feed_part *part, uint32_t kind,
                      const struct field *from, struct schema *to, struct error *e)
{
    bool is_time = strcmp(from->name, part->kind->time) == 0;
    bool is_id = part->kind->id != NULL && strcmp(from->name, part->kind->id) == 0;
    const char *name = is_time ? s->event.time : is_id ? s->event.id : from->name;
    int at = schema_find(to, text_of(name));
    struct field *f;

    if (!is_time && !is_id &&
        (strcmp(name, KIND_FIELD) == 0 || strcmp(name, s->event.time) == 0 ||
         (s->event.id != NULL && strcmp(name, s->event.id) == 0))) {
        error_set(e, ERROR_INVALID,
                  "has the name that all kinds share for the event's kind, id or time, and is "
                  "another: rename it, or say so under events.%s",
                  part->kind->name);
        return refuse_field(s, part, from->name, e);
    }
    if (at == FIELD_NONE) {
        if (!schema_add(to, text_of(name), from->type, e))
            return refuse_field(s, part, from->name, e);
        at = (int)to->count - 1;
        to->fields[at].layout = from->layout;
        to->fields[at].point = from->point;
        to->fields[at].group = from->group;
    }
    f = &to->fields[at];
    if (!is_time && !is_id)
        f->kinds |= UINT32_C(1) << kind;
    if (!widen(&f->type, from->type, is_id)) {
        error_set(e, ERROR_INVALID,
                  "is of type %s, and of type %s in another kind of event: a field of one name has "
                  "one type; rename it, or name its type under sources.%s.fields",
                  type_name(from->type), type_name(f->type), part->setting->name);
        return refuse_field(s, part, from->name, e);
    }
    if (!is_time && f->type == TYPE_TIME && f->layout != from->layout) {
        error_set(e, ERROR_INVALID,
                  "is a time written in another way than in another kind of event: rename it");
        return refuse_field(s, part, from->name, e);
    }
    return true;
}

/* What the settings say a kind's fields are called must be there, and the time must be one. */
static bool check_roles(const struct settings *s, const struct feed_part *part,
                        const struct schema *found, enum time_layout *layout, struct error *e)
{
    char path[PLAN_NAME_MAX + 32];
    int id, time;

    snprintf(path, sizeof path, "events.%s.id", part->kind->name);
    if (!feed_find_role(s, found, path, part->kind->id, &id, e))
        return false;
    snprintf(path, sizeof path, "events.%s.time", part->kind->name);
    if (!feed_find_role(s, found, path, part->kind->time, &time, e))
        return false;
    *layout = part->kind->has_layout ? part->kind->layout : found->fields[time].layout;
    if (found->fields[time].type == TYPE_TIME || part->kind->has_layout)
        return true;
    error_set(e, ERROR_INVALID,
              "expected a time, but \"%s\" is of type %s; hint: say how it is written under "
              "events.%s.layout",
              part->kind->time, type_name(found->fields[time].type), part->kind->name);
    return settings_blame(s, path, e);
}

static bool add_kind(const struct settings *s, const char *directory, uint32_t kind,
                     struct schema *to, struct error *e)
{
    char path[FEED_FILE_MAX];
    struct feed_part part;
    struct source *source;
    struct schema *found;
    bool ok;

    if (!feed_kind_part(s, kind, directory, path, &part, e) ||
        !feed_part_open(s, &part, NULL, NULL, &source, e))
        return false;
    found = schema_dup(source_schema(source));
    source_close(source);
    ok = check_roles(s, &part, found, &to->kinds[kind].layout, e);
    for (uint32_t i = 0; i < found->count && ok; i++) {
        struct field from = found->fields[i];

        if (strcmp(from.name, part.kind->time) == 0)
            from.type = TYPE_TIME;
        ok = add_field(s, &part, kind, &from, to, e);
    }
    schema_free(found);
    return ok;
}

bool feed_kinds_schema(const struct settings *s, const char *directory, struct schema **schema,
                       struct error *e)
{
    struct schema *made = schema_new();
    bool ok = settings_add_kinds(s, made, e) &&
              schema_add(made, text_of(KIND_FIELD), TYPE_TEXT, e) &&
              (s->event.id == NULL || schema_add(made, text_of(s->event.id), TYPE_INT, e)) &&
              schema_add(made, text_of(s->event.time), TYPE_TIME, e);

    made->kind = 0;
    made->id = s->event.id != NULL ? 1 : FIELD_NONE;
    made->time = s->event.id != NULL ? 2 : 1;
    for (uint32_t i = 0; i < s->kind_count && ok; i++)
        ok = add_kind(s, directory, i, made, e);
    ok = ok && feed_find_role(s, made, "event.label.field", s->event.label, &made->label, e);
    if (!ok) {
        schema_free(made);
        return false;
    }
    *schema = made;
    return true;
}

bool feed_kinds_source(const struct settings *s, const char *kind, struct source **source,
                       struct error *e)
{
    char path[FEED_FILE_MAX];
    struct feed_part part;
    uint32_t i = 0;

    while (kind != NULL && i < s->kind_count && strcmp(s->kinds[i].name, kind) != 0)
        i++;
    if (i == s->kind_count)
        return error_set(e, ERROR_USAGE, "there is no kind of event \"%.80s\"", kind);
    return feed_kind_part(s, i, NULL, path, &part, e) &&
           feed_part_open(s, &part, NULL, NULL, source, e);
}
