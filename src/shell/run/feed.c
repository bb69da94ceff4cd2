#include "shell/run/feed.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "shell/os/digest.h"
#include "shell/os/file.h"
#include "shell/run/data_directory.h"
#include "shell/run/feed_order.h"
#include "shell/source/source.h"

enum { FEED_TEXT_MAX = 1 << 30, FIELD_OVERRIDES_MAX = SCHEMA_FIELDS_MAX };

static char format_auto[] = "auto";
static const struct source_setting no_source = {.format = format_auto, .reject_share = 0.01};

/* The settings' path is relative to the settings file; one from the command line to where one
 * stands. */
static bool resolve_path(const struct settings *s, const char *path, char out[PATH_MAX],
                         struct error *e)
{
    const struct source_setting *source = settings_source(s, "transactions");
    const char *directory = "";
    int n;

    if (path == NULL && (source == NULL || source->file == NULL))
        return error_set(e, ERROR_INVALID,
                         "%s: there is no source: name a file under sources.transactions.file",
                         s->path);
    if (path == NULL) {
        path = source->file;
        directory = path[0] == '/' || strcmp(path, "-") == 0 ? "" : s->directory;
    }
    n = snprintf(out, PATH_MAX, "%s%s%s", directory, directory[0] != 0 ? "/" : "", path);
    if (n < 0 || n >= PATH_MAX)
        return error_set(e, ERROR_INVALID, "path of the events is over %d bytes", PATH_MAX);
    return true;
}

/* Field overrides: the settings' own, and the types of the schema that the events must have. */
static uint32_t collect_fields(const struct source_setting *setting, const struct schema *wanted,
                               const struct schema *found, struct source_field *out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < setting->field_count; i++) {
        const struct field_setting *f = &setting->fields[i];

        if (f->has_type && wanted == NULL)
            out[count++] = (struct source_field){f->name, f->type, f->has_layout, f->layout};
    }
    for (uint32_t i = 0; wanted != NULL && i < wanted->count; i++) {
        const struct field *f = &wanted->fields[i];

        if (schema_find(found, text_of(f->name)) != FIELD_NONE)
            out[count++] = (struct source_field){f->name, f->type, f->type == TYPE_TIME, f->layout};
    }
    return count;
}

static bool rejects_file(const struct settings *s, char path[FEED_PATH_MAX], struct error *e)
{
    char directory[DATA_PATH_MAX];

    if (!data_directory(s, directory, e) || !file_make_directories(directory, 0700, e))
        return false;
    snprintf(path, FEED_PATH_MAX, "%s/rejects.csv", directory);
    return true;
}

static bool open_source(const struct settings *s, const char *path, const struct schema *wanted,
                        struct feed_counts *counts, struct source **source, struct error *e)
{
    const struct source_setting *setting = settings_source(s, "transactions");
    struct source_field *fields = mem_array(FIELD_OVERRIDES_MAX, sizeof *fields);
    const char *required[] = {s->event.id, s->event.time};
    struct source_options o;
    struct source *look;
    bool ok = true;

    if (setting == NULL)
        setting = &no_source;
    source_options_init(&o, path);
    ok = source_format_find(text_of(setting->format), &o.format) ||
         (error_set(e, ERROR_INVALID, "no format \"%s\"", setting->format),
          settings_blame(s, "sources.transactions.format", e));
    o.delimiter = setting->delimiter;
    o.point = setting->point;
    o.reject_share = setting->reject_share;
    o.fields = fields;
    o.required = required;
    o.required_count = 2;
    if (counts != NULL) {
        if (!rejects_file(s, counts->rejects_path, e))
            ok = false;
        o.rejects_path = counts->rejects_path;
    }
    if (ok && wanted != NULL) { /* first a look at which columns there are */
        ok = source_open(&o, &look, e);
        if (ok) {
            o.field_count = collect_fields(setting, wanted, source_schema(look), fields);
            source_close(look);
        }
    } else {
        o.field_count = collect_fields(setting, NULL, NULL, fields);
    }
    ok = ok && source_open(&o, source, e);
    mem_free(fields);
    return ok;
}

static bool find_role(const struct settings *s, const struct schema *schema, const char *path,
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
    return find_role(s, schema, "event.id", s->event.id, &schema->id, e) &&
           find_role(s, schema, "event.time", s->event.time, &schema->time, e) &&
           find_role(s, schema, "event.label.field", label, &schema->label, e);
}

/* ---- reading */

/* Give a frame read in the source's columns the columns of the events' schema. */
static void arrange(struct frame *f, const struct schema *from, const struct schema *to)
{
    struct column *column = mem_array(to->count, sizeof *column);

    for (uint32_t i = 0; i < to->count; i++) {
        int at = schema_find(from, text_of(to->fields[i].name));

        if (at != FIELD_NONE) {
            column[i] = f->column[at];
            f->column[at] = (struct column){0};
            continue;
        }
        column_init(&column[i], to->fields[i].type, f->capacity);
        for (uint32_t row = 0; row < f->rows; row++)
            column_set_null(&column[i], row);
    }
    for (uint32_t i = 0; i < f->columns; i++)
        column_fini(&f->column[i]);
    mem_free(f->column);
    f->column = column;
    f->columns = to->count;
}

static bool read_frames(struct source *source, const struct schema *schema,
                        const struct lookups *lookups, const struct progress *progress,
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
        frame_init(frame, schema, FEED_FRAME_ROWS, FEED_TEXT_MAX);
        f->count++;
        if (!source_read(source, frame, e))
            return false;
        if (frame->rows == 0) {
            frame_fini(frame);
            f->count--;
            return true;
        }
        lookups_fill(lookups, schema, INT64_MAX, frame, 0, frame->rows);
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

static void put_in_order(struct feed *f)
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

static void note_span(struct feed *f)
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

bool feed_source(const struct settings *s, const char *path, struct source **source,
                 struct error *e)
{
    char resolved[PATH_MAX];

    return resolve_path(s, path, resolved, e) && open_source(s, resolved, NULL, NULL, source, e);
}

bool feed_schema(const struct settings *s, const char *path, struct schema **schema,
                 struct error *e)
{
    struct lookups *lookups = NULL;
    char full[PATH_MAX];
    struct source *source;
    struct schema *found;

    if (!resolve_path(s, path, full, e) || !open_source(s, full, NULL, NULL, &source, e))
        return false;
    found = schema_dup(source_schema(source));
    source_close(source);
    if (!name_roles(s, found, true, e) || !extend(s, found, NULL, &lookups, e)) {
        schema_free(found);
        return false;
    }
    lookups_free(lookups);
    *schema = found;
    return true;
}

static void note_undated(const struct lookups *lookups, struct feed_counts *c)
{
    const char *name;

    for (uint32_t i = 0; (name = lookups_undated(lookups, i)) != NULL; i++) {
        size_t used = strlen(c->undated);

        snprintf(c->undated + used, sizeof c->undated - used, "%s%s", i > 0 ? ", " : "", name);
    }
}

static uint8_t *absent_fields(const struct schema *found, const struct schema *wanted)
{
    uint8_t *absent = mem_array(wanted->count, 1);

    for (uint32_t i = 0; i < wanted->count; i++)
        absent[i] = schema_find(found, text_of(wanted->fields[i].name)) == FIELD_NONE;
    return absent;
}

static bool read_source(const struct settings *s, struct source *source,
                        const struct schema *schema, const struct progress *progress,
                        struct feed *f, struct error *e)
{
    struct schema *found = schema_dup(source_schema(source));
    struct lookups *lookups = NULL;
    bool ok = name_roles(s, found, schema == NULL, e) && extend(s, found, schema, &lookups, e) &&
              (schema == NULL || lookups_match(lookups, schema, e)) &&
              read_frames(source, found, lookups, progress, f, e);

    for (uint32_t i = 0; ok && i < f->count; i++) {
        if (schema != NULL)
            arrange(&f->frames[i], found, schema);
    }
    if (ok && schema != NULL)
        f->absent = absent_fields(found, schema);
    if (ok)
        note_undated(lookups, &f->counts);
    f->lookups = lookups; /* texts of the frames are the tables' */
    f->schema = schema != NULL ? schema_dup(schema) : found;
    if (schema != NULL)
        schema_free(found);
    return ok;
}

static bool load(const struct settings *s, const char *path, const struct schema *schema,
                 const struct progress *progress, struct feed *f, struct error *e)
{
    struct source *source;
    struct source_counts c;
    bool ok;

    if (!open_source(s, path, schema, &f->counts, &source, e))
        return false;
    ok = read_source(s, source, schema, progress, f, e);
    describe(source, &f->counts);
    source_counts(source, &c);
    f->counts.rejects = c.rejects;
    source_close(source);
    if (ok && !is_even(f))
        ok = error_set(e, ERROR_FULL,
                       "%s: the texts of %d events are over %d MiB: leave out what is not needed",
                       path, FEED_FRAME_ROWS, FEED_TEXT_MAX >> 20);
    if (ok && f->count == 0)
        ok = error_set(e, ERROR_INVALID, "%s: there is no event in it, only a header", path);
    return ok && digest_files(path, f->counts.digest, e);
}

bool feed_load(const struct settings *s, const char *path, const struct schema *schema,
               const struct progress *progress, struct feed *f, struct error *e)
{
    char full[PATH_MAX];

    *f = (struct feed){0};
    if (!resolve_path(s, path, full, e))
        return false;
    if (!load(s, full, schema, progress, f, e)) {
        feed_free(f);
        return false;
    }
    put_in_order(f);
    note_span(f);
    return true;
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
