/* Several kinds of event, each from its own source: one list of fields, one order.
 *
 * The events of each kind are read and brought into order as if they were alone; then they are
 * merged by (time, order of the kinds in the settings, place in their own order). So the order does
 * not depend on how the sources were read, and equal times are told apart the same way each time.
 *
 * A field that several kinds have is one field and has one type. Types that were only guessed may
 * be widened (5 and 5.50 are both decimals); what does not fit is refused by name.
 */
#include <stdio.h>
#include <string.h>

#include "shell/os/digest.h"
#include "shell/run/feed_order.h"
#include "shell/run/feed_part.h"
#include "shell/source/source.h"

/* ---- the fields */

static bool part_of(const struct settings *s, uint32_t kind, const char *directory,
                    char path[FEED_FILE_MAX], struct feed_part *part, struct error *e)
{
    const struct kind_setting *k = &s->kinds[kind];

    *part = (struct feed_part){.kind = k, .path = path};
    if (k->source != NULL)
        part->setting = settings_source(s, k->source);
    if (part->setting == NULL)
        return error_set(e, ERROR_INVALID,
                         "%s: there is no source of %s: name one under events.%s.source", s->path,
                         k->name, k->name);
    return feed_path(s, part->setting, directory, path, e);
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
                  "another: rename it, or say so under events.%s", part->kind->name);
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

    if (!part_of(s, kind, directory, path, &part, e) ||
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
    ok = ok &&
         feed_find_role(s, made, "event.label.field", s->event.label, &made->label, e);
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
    return part_of(s, i, NULL, path, &part, e) && feed_part_open(s, &part, NULL, NULL, source, e);
}

/* ---- merging */

/* Where one kind's feed stands. */
struct cursor {
    const struct feed *feed;
    uint32_t frame, row;
};

static bool cursor_ended(const struct cursor *c)
{
    return c->frame == c->feed->count;
}

static int64_t cursor_time(const struct cursor *c)
{
    return c->feed->frames[c->frame].column[c->feed->schema->time].integer[c->row];
}

static void cursor_step(struct cursor *c)
{
    if (++c->row == c->feed->frames[c->frame].rows) {
        c->frame++;
        c->row = 0;
    }
}

/* The kind whose next event comes first; of equal times the first of the kinds. */
static uint32_t earliest(const struct cursor *c, uint32_t count)
{
    uint32_t first = count;

    for (uint32_t i = 0; i < count; i++) {
        if (!cursor_ended(&c[i]) && (first == count || cursor_time(&c[i]) < cursor_time(&c[first])))
            first = i;
    }
    return first;
}

static void copy_row(const struct cursor *c, const struct schema *schema, uint32_t kind,
                     struct frame *to)
{
    const struct frame *from = &c->feed->frames[c->frame];

    for (uint32_t i = 0; i < to->columns; i++) {
        struct value v = column_get(&from->column[i], c->row);

        if ((int)i == schema->kind)
            v.text = text_of(schema->kinds[kind].name); /* the part's schema goes */
        column_set(&to->column[i], to->rows, &v);
    }
    to->rows++;
}

static void merge(const struct feed *part, uint32_t count, uint64_t rows, struct feed *f)
{
    struct cursor cursor[KINDS_MAX];
    uint32_t next;

    f->count = (uint32_t)((rows + FEED_FRAME_ROWS - 1) / FEED_FRAME_ROWS);
    f->frames = mem_array(f->count, sizeof *f->frames);
    for (uint32_t i = 0; i < f->count; i++)
        frame_init(&f->frames[i], f->schema, FEED_FRAME_ROWS, 0);
    for (uint32_t i = 0; i < count; i++)
        cursor[i] = (struct cursor){.feed = &part[i]};
    for (uint64_t at = 0; (next = earliest(cursor, count)) < count; at++) {
        copy_row(&cursor[next], f->schema, next, &f->frames[at / FEED_FRAME_ROWS]);
        cursor_step(&cursor[next]);
    }
}

static void add_words(struct feed_counts *to, const struct feed_counts *from, const char *kind)
{
    size_t used = strlen(to->words);

    snprintf(to->words + used, sizeof to->words - used, "%s%s: %s", used > 0 ? "; " : "", kind,
             from->words);
    if (to->rejects_path[0] == 0 || (from->rejects > 0 && to->rejects == 0))
        memcpy(to->rejects_path, from->rejects_path, sizeof to->rejects_path);
    if (to->first_conflict[0] == 0)
        memcpy(to->first_conflict, from->first_conflict, sizeof to->first_conflict);
}

/* What the parts counted, in all. The digest is of theirs. */
static void add_counts(const struct settings *s, const struct feed *part, uint32_t count,
                       struct feed_counts *to)
{
    struct digest *d = digest_new();

    digest_start(d);
    for (uint32_t i = 0; i < count; i++) {
        const struct feed_counts *from = &part[i].counts;

        add_words(to, from, s->kinds[i].name);
        to->rows += from->rows;
        to->rejects += from->rejects;
        to->repeated += from->repeated;
        to->conflicting += from->conflicting;
        to->moved += from->moved;
        digest_add(d, from->digest, sizeof from->digest);
    }
    digest_finish(d, to->digest);
    digest_free(d);
}

/* Of the events of one id in several kinds the first in time is taken. */
static void take_ids_once(struct feed *f, const struct feed_counts *parts)
{
    uint64_t repeated = f->counts.repeated, conflicting = f->counts.conflicting;
    char first[sizeof f->counts.first_conflict];

    memcpy(first, parts->first_conflict, sizeof first);
    feed_put_in_order(f);
    f->counts.repeated += repeated;
    f->counts.conflicting += conflicting;
    f->counts.moved = parts->moved;
    if (first[0] != 0)
        memcpy(f->counts.first_conflict, first, sizeof first);
}

/* A field is absent where a kind that has it lacks the column. */
static void add_absent(struct feed *f, const struct feed *part, uint32_t count)
{
    f->absent = mem_array(f->schema->count, 1);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < f->schema->count; k++)
            f->absent[k] |= part[i].absent[k];
    }
}

static void join(const struct settings *s, struct feed *part, uint32_t count, struct feed *f)
{
    struct feed_counts counts = {0};

    add_counts(s, part, count, &counts);
    feed_note_undated(f->lookups, &counts);
    f->counts = counts;
    merge(part, count, counts.rows, f);
    for (uint32_t i = 0; i < count; i++) { /* texts stay where they are */
        struct feed retired = {.frames = part[i].retired, .count = part[i].retired_count};

        feed_retire(f, &part[i]);
        feed_retire(f, &retired);
        part[i].frames = part[i].retired = NULL;
        part[i].count = part[i].retired_count = 0;
    }
    add_absent(f, part, count);
    take_ids_once(f, &counts);
    feed_note_span(f);
}

static bool load_part(const struct settings *s, const char *directory, uint32_t kind,
                      const struct feed *whole, const struct progress *progress, struct feed *f,
                      struct error *e)
{
    char path[FEED_FILE_MAX];
    struct feed_part part;

    if (!part_of(s, kind, directory, path, &part, e))
        return false;
    part.lookups = whole->lookups;
    return feed_part_load(s, &part, whole->schema, progress, f, e);
}

bool feed_kinds_load(const struct settings *s, const char *directory, const struct schema *schema,
                     const struct progress *progress, struct feed *f, struct error *e)
{
    struct feed *part = mem_array(s->kind_count, sizeof *part);
    bool ok;

    if (schema != NULL)
        f->schema = schema_dup(schema);
    else if (!feed_schema(s, directory, &f->schema, e))
        f->schema = NULL;
    ok = f->schema != NULL && lookups_open(s, f->schema, f->schema, &f->lookups, e) &&
         lookups_match(f->lookups, f->schema, e);
    for (uint32_t i = 0; i < s->kind_count && ok; i++)
        ok = load_part(s, directory, i, f, progress, &part[i], e);
    if (ok)
        join(s, part, s->kind_count, f);
    for (uint32_t i = 0; i < s->kind_count; i++)
        feed_free(&part[i]);
    mem_free(part);
    return ok;
}
