#include "shell/run/feed_reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/panic.h"
#include "shell/os/digest.h"
#include "shell/os/file.h"
#include "shell/run/data_directory.h"
#include "shell/source/source.h"

enum { FIELD_OVERRIDES_MAX = SCHEMA_FIELDS_MAX, FEED_TEXT_MAX = 1 << 30, DIGEST_STEP = 8 << 20 };

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

static bool digest_file(struct digest *d, const char *path, struct error *e)
{
    struct file_map m;

    if (!file_map(path, &m, e))
        return false;
    for (size_t at = 0; at < m.length; at += DIGEST_STEP) {
        size_t left = m.length - at;

        digest_add(d, m.bytes + at, left < DIGEST_STEP ? left : DIGEST_STEP);
        file_map_forget(&m, at, DIGEST_STEP);
    }
    file_unmap(&m);
    return true;
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
    for (size_t i = 0; i < list.count && ok; i++)
        ok = digest_file(d, list.path[i], e);
    digest_finish(d, digest);
    digest_free(d);
    file_list_fini(&list);
    return ok;
}

/* ---- the reader */

/* Standard input, a pipe or a device gives its bytes once. */
static bool is_repeatable(const char *path)
{
    struct stat st;

    if (strcmp(path, "-") == 0)
        return false;
    return stat(path, &st) != 0 || S_ISREG(st.st_mode); /* what is not there is a pattern */
}

bool feed_reader_open(struct feed_reader *r, const struct settings *s, const char *path,
                      const struct schema *wanted, struct feed_counts *counts, struct error *e)
{
    struct source *source;

    *r = (struct feed_reader){.settings = s};
    if (!resolve_path(s, path, r->path, e) || !open_source(s, r->path, wanted, counts, &source, e))
        return false;
    r->source = source;
    r->can_repeat = is_repeatable(r->path);
    r->found = schema_dup(source_schema(source));
    if (!name_roles(s, r->found, wanted == NULL, e) ||
        !extend(s, r->found, wanted, &r->lookups, e) ||
        (wanted != NULL && !lookups_match(r->lookups, wanted, e))) {
        feed_reader_close(r);
        return false;
    }
    r->is_as_found = wanted == NULL;
    r->schema = schema_dup(wanted != NULL ? wanted : r->found);
    r->absent = absent_fields(r->found, r->schema);
    describe(source, counts);
    note_undated(r->lookups, counts);
    return true;
}

void feed_reader_close(struct feed_reader *r)
{
    if (r->source != NULL)
        source_close(r->source);
    schema_free(r->found);
    schema_free(r->schema);
    mem_free(r->absent);
    lookups_free(r->lookups);
    *r = (struct feed_reader){0};
}

bool feed_reader_read(struct feed_reader *r, struct frame *f, struct error *e)
{
    bool ok;

    frame_init(f, r->found, FEED_FRAME_ROWS, FEED_TEXT_MAX);
    ok = source_read(r->source, f, e);
    if (!ok || f->rows == 0) {
        frame_fini(f);
        return ok;
    }
    lookups_fill(r->lookups, r->found, INT64_MAX, f, 0, f->rows);
    if (!r->is_as_found)
        arrange(f, r->found, r->schema);
    return true;
}

bool feed_reader_repeat(struct feed_reader *r, struct error *e)
{
    struct source *source;

    ASSERT(r->can_repeat);
    if (!open_source(r->settings, r->path, r->is_as_found ? NULL : r->schema, NULL, &source, e))
        return false;
    source_close(r->source);
    r->source = source;
    return true;
}

bool feed_reader_count(const struct feed_reader *r, struct feed_counts *counts, struct error *e)
{
    struct source_counts c;

    source_counts(r->source, &c);
    counts->rejects = c.rejects;
    return digest_files(r->path, counts->digest, e);
}

double feed_reader_share(const struct feed_reader *r)
{
    struct source_counts c;

    source_counts(r->source, &c);
    return c.bytes_total > 0 ? (double)c.bytes_done / (double)c.bytes_total : 0;
}
