#include "shell/run/feed.h"

#include <stdio.h>
#include <string.h>

#include "shell/os/digest.h"
#include "shell/os/file.h"
#include "shell/run/data_directory.h"
#include "shell/run/feed_order.h"
#include "shell/run/feed_part.h"
#include "shell/source/source.h"

enum { FEED_TEXT_MAX = 1 << 30, FIELD_OVERRIDES_MAX = SCHEMA_FIELDS_MAX };

static char format_auto[] = "auto";
static const struct source_setting no_source = {.format = format_auto, .reject_share = 0.01};

bool feed_path(const struct settings *s, const struct source_setting *source, const char *directory,
               char out[FEED_FILE_MAX], struct error *e)
{
    const char *file = source->file, *slash = strrchr(file, '/');
    int n;

    if (directory != NULL) {
        n = snprintf(out, FEED_FILE_MAX, "%s/%s", directory, slash != NULL ? slash + 1 : file);
    } else {
        bool is_whole = file[0] == '/' || strcmp(file, "-") == 0;

        n = snprintf(out, FEED_FILE_MAX, "%s%s%s", is_whole ? "" : s->directory,
                     is_whole ? "" : "/", file);
    }
    return (n >= 0 && n < FEED_FILE_MAX) ||
           error_set(e, ERROR_INVALID, "path of the events is over %d bytes", FEED_FILE_MAX);
}

/* The settings' path is relative to the settings file; one from the command line to where one
 * stands. */
static bool only_part(const struct settings *s, const char *path, char resolved[FEED_FILE_MAX],
                      struct feed_part *part, struct error *e)
{
    const struct source_setting *source = settings_source(s, "transactions");

    *part = (struct feed_part){.setting = source, .path = path};
    if (path != NULL)
        return true;
    if (source == NULL || source->file == NULL)
        return error_set(e, ERROR_INVALID,
                         "%s: there is no source: name a file under sources.transactions.file",
                         s->path);
    part->path = resolved;
    return feed_path(s, source, NULL, resolved, e);
}

/* Field overrides: the settings' own, and the types of the schema that the events must have. */
static uint32_t collect_fields(const struct source_setting *setting, const struct schema *wanted,
                               int kind, const struct schema *found, struct source_field *out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < setting->field_count; i++) {
        const struct field_setting *f = &setting->fields[i];

        if (f->has_type && wanted == NULL)
            out[count++] = (struct source_field){f->name, f->type, f->has_layout, f->layout};
    }
    for (uint32_t i = 0; wanted != NULL && i < wanted->count; i++) {
        const struct field *f = &wanted->fields[i];
        const char *name = schema_name_of(wanted, kind, (int)i);
        enum time_layout layout = f->layout;

        if (kind != KIND_NONE && (int)i == wanted->time)
            layout = wanted->kinds[kind].layout;
        if (schema_has(wanted, kind, (int)i) && schema_find(found, text_of(name)) != FIELD_NONE)
            out[count++] = (struct source_field){name, f->type, f->type == TYPE_TIME, layout};
    }
    return count;
}

static bool rejects_file(const struct settings *s, const struct kind_setting *kind,
                         char path[FEED_PATH_MAX], struct error *e)
{
    char directory[DATA_PATH_MAX];

    if (!data_directory(s, directory, e) || !file_make_directories(directory, 0700, e))
        return false;
    if (kind != NULL)
        snprintf(path, FEED_PATH_MAX, "%s/rejects-%s.csv", directory, kind->name);
    else
        snprintf(path, FEED_PATH_MAX, "%s/rejects.csv", directory);
    return true;
}

static bool find_format(const struct settings *s, const struct source_setting *setting,
                        enum source_format *format, struct error *e)
{
    char path[PLAN_NAME_MAX + 32];

    if (source_format_find(text_of(setting->format), format))
        return true;
    snprintf(path, sizeof path, "sources.%s.format", setting->name);
    error_set(e, ERROR_INVALID, "no format \"%s\"", setting->format);
    return settings_blame(s, path, e);
}

static int kind_of(const struct feed_part *part, const struct schema *schema)
{
    return part->kind != NULL ? schema_find_kind(schema, text_of(part->kind->name)) : KIND_NONE;
}

bool feed_part_open(const struct settings *s, const struct feed_part *part,
                    const struct schema *wanted, struct feed_counts *counts, struct source **source,
                    struct error *e)
{
    const struct source_setting *setting = part->setting != NULL ? part->setting : &no_source;
    struct source_field *fields = mem_array(FIELD_OVERRIDES_MAX, sizeof *fields);
    const char *required[] = {part->kind != NULL ? part->kind->id : s->event.id,
                              part->kind != NULL ? part->kind->time : s->event.time};
    struct source_options o;
    struct source *look;
    bool ok;

    source_options_init(&o, part->path);
    ok = find_format(s, setting, &o.format, e);
    o.delimiter = setting->delimiter;
    o.point = setting->point;
    o.reject_share = setting->reject_share;
    o.fields = fields;
    o.required = required;
    o.required_count = 2;
    if (counts != NULL) {
        ok = ok && rejects_file(s, part->kind, counts->rejects_path, e);
        o.rejects_path = counts->rejects_path;
    }
    if (ok && wanted != NULL) { /* first a look at which columns there are */
        ok = source_open(&o, &look, e);
        if (ok) {
            o.field_count = collect_fields(setting, wanted, kind_of(part, wanted), source_schema(look), fields);
            source_close(look);
        }
    } else {
        o.field_count = collect_fields(setting, NULL, KIND_NONE, NULL, fields);
    }
    ok = ok && source_open(&o, source, e);
    mem_free(fields);
    return ok;
}

bool feed_find_role(const struct settings *s, const struct schema *schema, const char *path,
                    const char *name, int *field, struct error *e)
{
    const char *nearest;

    *field = FIELD_NONE;
    if (name == NULL)
        return true;
    *field = schema_find(schema, text_of(name));
    if (*field != FIELD_NONE)
        return true;
    nearest = schema_nearest(schema, text_of(name));
    error_set(e, ERROR_INVALID, "the events have no field \"%s\"%s%s%s", name,
              nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
              nearest != NULL ? "\"?" : "");
    return settings_blame(s, path, e);
}

static bool name_roles(const struct settings *s, struct schema *schema, bool needs_label,
                       struct error *e)
{
    const char *label = s->event.label;

    if (!needs_label && label != NULL && schema_find(schema, text_of(label)) == FIELD_NONE)
        label = NULL; /* events to be scored need not carry their outcome */
    return feed_find_role(s, schema, "event.id", s->event.id, &schema->id, e) &&
           feed_find_role(s, schema, "event.time", s->event.time, &schema->time, e) &&
           feed_find_role(s, schema, "event.label.field", label, &schema->label, e);
}

/* ---- reading */

/* The source's field that is this one of the events, or FIELD_NONE. */
static int source_field_of(const struct schema *from, const struct schema *to, int kind, uint32_t i)
{
    bool is_own = schema_has(to, kind, (int)i) && (kind == KIND_NONE || (int)i != to->kind);

    return is_own ? schema_find(from, text_of(schema_name_of(to, kind, (int)i))) : FIELD_NONE;
}

/* A column that the source does not have: null, but for the kind of the events. */
static void fill_column(struct column *c, uint32_t rows, const char *word)
{
    struct value v = {.type = c->type, .is_null = word == NULL};

    if (word != NULL)
        v.text = text_of(word); /* of the settings' schema, which outlives the feed's frames */
    for (uint32_t row = 0; row < rows; row++)
        column_set(c, row, &v);
}

/* Give a frame read in the source's columns the columns of the events' schema. */
static void arrange(struct frame *f, const struct schema *from, const struct schema *to, int kind)
{
    struct column *column = mem_array(to->count, sizeof *column);

    for (uint32_t i = 0; i < to->count; i++) {
        int at = source_field_of(from, to, kind, i);
        bool is_kind = kind != KIND_NONE && (int)i == to->kind;

        if (at != FIELD_NONE) {
            column[i] = f->column[at];
            f->column[at] = (struct column){0};
            continue;
        }
        column_init(&column[i], to->fields[i].type, f->capacity);
        fill_column(&column[i], f->rows, is_kind ? to->kinds[kind].name : NULL);
    }
    for (uint32_t i = 0; i < f->columns; i++)
        column_fini(&f->column[i]);
    mem_free(f->column);
    f->column = column;
    f->columns = to->count;
}

/* `from` are the source's fields, `to` the events'. */
static bool read_frames(struct source *source, const struct schema *from, const struct schema *to,
                        int kind, const struct lookups *lookups, const struct progress *progress,
                        struct feed *f, struct error *e)
{
    uint32_t capacity = 0;
    struct source_counts c;

    for (;;) {
        struct frame *frame;

        if (f->count == capacity) {
            capacity = capacity > 0 ? capacity * 2 : 16;
            f->frames = mem_resize(f->frames, capacity, sizeof *f->frames);
        }
        frame = &f->frames[f->count];
        frame_init(frame, from, FEED_FRAME_ROWS, FEED_TEXT_MAX);
        f->count++;
        if (!source_read(source, frame, e))
            return false;
        if (frame->rows == 0) {
            frame_fini(frame);
            f->count--;
            return true;
        }
        if (from != to)
            arrange(frame, from, to, kind);
        lookups_fill(lookups, to, INT64_MAX, frame, 0, frame->rows);
        source_counts(source, &c);
        if (!progress_report(progress, "reading events",
                             c.bytes_total > 0 ? (double)c.bytes_done / (double)c.bytes_total : 0))
            return error_set(e, ERROR_CANCELLED, "stopped while reading");
    }
}

/* A reader may give frames that are not full; the feed's are, so that a row's place is its number.
 */
static bool is_even(const struct feed *f)
{
    for (uint32_t i = 0; i + 1 < f->count; i++) {
        if (f->frames[i].rows != FEED_FRAME_ROWS)
            return false;
    }
    return true;
}

static void describe(const struct source *source, struct feed_counts *c)
{
    char delimiter = source_delimiter(source);
    const char *name = delimiter == '\t' ? "tab" : NULL;

    if (source_format(source) == SOURCE_CSV && name == NULL)
        snprintf(c->words, sizeof c->words, "CSV with \"%c\" between cells", delimiter);
    else if (source_format(source) == SOURCE_CSV)
        snprintf(c->words, sizeof c->words, "CSV with tabs between cells");
    else
        snprintf(c->words, sizeof c->words, "%s", source_format_name(source_format(source)));
}

static bool digest_files(const char *pattern, uint8_t digest[DIGEST_BYTES], struct error *e)
{
    struct digest *d;
    struct file_list list;
    bool ok = true;

    memset(digest, 0, DIGEST_BYTES);
    if (strcmp(pattern, "-") == 0)
        return true;
    if (!file_list(pattern, &list, e))
        return false;
    d = digest_new();
    digest_start(d);
    for (size_t i = 0; i < list.count && ok; i++) {
        struct file_map m;

        ok = file_map(list.path[i], &m, e);
        if (ok) {
            digest_add(d, m.bytes, m.length);
            file_unmap(&m);
        }
    }
    digest_finish(d, digest);
    digest_free(d);
    file_list_fini(&list);
    return ok;
}

void feed_put_in_order(struct feed *f)
{
    uint64_t rows = 0;
    struct feed_ids ids;
    uint8_t *drop;

    for (uint32_t i = 0; i < f->count; i++)
        rows += f->frames[i].rows;
    drop = mem_array(rows, 1);
    feed_find_repeated(f, drop, &ids);
    feed_order(f, ids.repeated + ids.conflicting > 0 ? drop : NULL);
    f->counts.repeated = ids.repeated;
    f->counts.conflicting = ids.conflicting;
    memcpy(f->counts.first_conflict, ids.first_conflict, sizeof ids.first_conflict);
    mem_free(drop);
}

void feed_note_span(struct feed *f)
{
    int time = f->schema->time;

    if (time == FIELD_NONE || f->counts.rows == 0)
        return;
    f->counts.from_us = f->frames[0].column[time].integer[0];
    f->counts.until_us =
        f->frames[f->count - 1].column[time].integer[f->frames[f->count - 1].rows - 1];
}

/* The tables that are looked up in, and their fields behind the events' own. */
static bool extend(const struct settings *s, struct schema *schema, const struct schema *plan,
                   struct lookups **lookups, struct error *e)
{
    struct lookups *l;

    if (!lookups_open(s, schema, plan, &l, e))
        return false;
    if (!lookups_extend(l, s, schema, e)) {
        lookups_free(l);
        return false;
    }
    *lookups = l;
    return true;
}

static bool open_only(const struct settings *s, const char *path, struct source **source,
                      struct error *e)
{
    char resolved[FEED_FILE_MAX];
    struct feed_part part;

    return only_part(s, path, resolved, &part, e) &&
           feed_part_open(s, &part, NULL, NULL, source, e);
}

bool feed_source(const struct settings *s, const char *kind, struct source **source,
                 struct error *e)
{
    if (s->kind_count > 0)
        return feed_kinds_source(s, kind, source, e);
    if (kind != NULL)
        return error_set(e, ERROR_USAGE, "--kind %s: the settings have no `events`", kind);
    return open_only(s, NULL, source, e);
}

bool feed_schema(const struct settings *s, const char *path, struct schema **schema,
                 struct error *e)
{
    struct lookups *lookups = NULL;
    struct schema *found;

    if (s->kind_count > 0) {
        if (!feed_kinds_schema(s, path, &found, e))
            return false;
    } else {
        struct source *source;

        if (!open_only(s, path, &source, e))
            return false;
        found = schema_dup(source_schema(source));
        source_close(source);
    }
    if ((s->kind_count == 0 && !name_roles(s, found, true, e)) ||
        !extend(s, found, NULL, &lookups, e)) {
        schema_free(found);
        return false;
    }
    lookups_free(lookups);
    *schema = found;
    return true;
}

void feed_note_undated(const struct lookups *lookups, struct feed_counts *c)
{
    const char *name;

    for (uint32_t i = 0; (name = lookups_undated(lookups, i)) != NULL; i++) {
        size_t used = strlen(c->undated);

        snprintf(c->undated + used, sizeof c->undated - used, "%s%s", i > 0 ? ", " : "", name);
    }
}

static uint8_t *absent_fields(const struct schema *found, const struct schema *wanted, int kind)
{
    uint8_t *absent = mem_array(wanted->count, 1);

    for (uint32_t i = 0; i < wanted->count; i++)
        absent[i] = schema_has(wanted, kind, (int)i) &&
                    (kind == KIND_NONE || (int)i != wanted->kind) &&
                    !wanted->fields[i].is_looked_up &&
                    source_field_of(found, wanted, kind, i) == FIELD_NONE;
    return absent;
}

/* Without a schema the events' fields are the source's, and those looked up. */
static bool read_as_found(const struct settings *s, struct source *source,
                          const struct progress *progress, struct feed *f, struct error *e)
{
    f->schema = schema_dup(source_schema(source));
    return name_roles(s, f->schema, true, e) && extend(s, f->schema, NULL, &f->lookups, e) &&
           read_frames(source, f->schema, f->schema, KIND_NONE, f->lookups, progress, f, e);
}

static bool read_as(const struct settings *s, struct source *source, const struct feed_part *part,
                    const struct schema *schema, const struct progress *progress, struct feed *f,
                    struct error *e)
{
    const struct schema *from = source_schema(source);
    struct schema *found = schema_dup(from);
    int kind = kind_of(part, schema);
    bool ok = true;

    f->schema = schema_dup(schema);
    if (part->lookups == NULL)
        ok = name_roles(s, found, false, e) && extend(s, found, schema, &f->lookups, e) &&
             lookups_match(f->lookups, schema, e);
    ok = ok && read_frames(source, from, f->schema, kind,
                           part->lookups != NULL ? part->lookups : f->lookups, progress, f, e);
    if (ok)
        f->absent = absent_fields(from, schema, kind);
    schema_free(found);
    return ok;
}

static bool load(const struct settings *s, const struct feed_part *part,
                 const struct schema *schema, const struct progress *progress, struct feed *f,
                 struct error *e)
{
    struct source *source;
    struct source_counts c;
    bool ok;

    if (!feed_part_open(s, part, schema, &f->counts, &source, e))
        return false;
    ok = schema != NULL ? read_as(s, source, part, schema, progress, f, e)
                        : read_as_found(s, source, progress, f, e);
    if (ok && f->lookups != NULL)
        feed_note_undated(f->lookups, &f->counts);
    describe(source, &f->counts);
    source_counts(source, &c);
    f->counts.rejects = c.rejects;
    source_close(source);
    if (ok && !is_even(f))
        ok = error_set(e, ERROR_FULL,
                       "%s: the texts of %d events are over %d MiB: leave out what is not needed",
                       part->path, FEED_FRAME_ROWS, FEED_TEXT_MAX >> 20);
    if (ok && f->count == 0)
        ok = error_set(e, ERROR_INVALID, "%s: there is no event in it, only a header", part->path);
    return ok && digest_files(part->path, f->counts.digest, e);
}

bool feed_part_load(const struct settings *s, const struct feed_part *part,
                    const struct schema *schema, const struct progress *progress, struct feed *f,
                    struct error *e)
{
    *f = (struct feed){0};
    if (!load(s, part, schema, progress, f, e))
        return false;
    feed_put_in_order(f);
    feed_note_span(f);
    return true;
}

bool feed_load(const struct settings *s, const char *path, const struct schema *schema,
               const struct progress *progress, struct feed *f, struct error *e)
{
    char resolved[FEED_FILE_MAX];
    struct feed_part part;
    bool ok;

    *f = (struct feed){0};
    if (s->kind_count > 0)
        ok = feed_kinds_load(s, path, schema, progress, f, e);
    else
        ok = only_part(s, path, resolved, &part, e) &&
             feed_part_load(s, &part, schema, progress, f, e);
    if (!ok)
        feed_free(f);
    return ok;
}

static void free_frames(struct frame *frames, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        frame_fini(&frames[i]);
    mem_free(frames);
}

void feed_free(struct feed *f)
{
    free_frames(f->frames, f->count);
    free_frames(f->retired, f->retired_count);
    schema_free(f->schema);
    mem_free(f->absent);
    lookups_free(f->lookups);
    *f = (struct feed){0};
}
