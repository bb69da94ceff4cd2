#include "shell/run/feed_reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/panic.h"
#include "core/data/json.h"
#include "shell/link/kafka.h"
#include "shell/os/digest.h"
#include "shell/os/file.h"
#include "shell/run/data_directory.h"
#include "shell/source/source.h"

enum { FIELD_OVERRIDES_MAX = SCHEMA_FIELDS_MAX, FEED_TEXT_MAX = 1 << 30, DIGEST_STEP = 8 << 20 };

static char format_auto[] = "auto";
static const struct source_setting no_source = {.format = format_auto, .reject_share = 0.01};

bool feed_path(const struct settings *s, const char *file, const char *directory,
               char out[FEED_FILE_MAX], struct error *e)
{
    const char *slash = strrchr(file, '/');
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

bool feed_source_path(const struct settings *s, const struct source_setting *source,
                      const char *directory, char out[FEED_FILE_MAX], struct error *e)
{
    if (source->file != NULL)
        return feed_path(s, source->file, directory, out, e);
    snprintf(out, FEED_FILE_MAX, "%.1000s", source_setting_words(source));
    return true;
}

bool feed_part_is_database(const struct feed_part *part)
{
    return part->setting != NULL && !part->is_whole && part->directory == NULL &&
           part->setting->file == NULL;
}

/* The settings' path is relative to the settings file; one from the command line to where one
 * stands. */
static bool only_part(const struct settings *s, const char *path, char resolved[FEED_FILE_MAX],
                      struct feed_part *part, struct error *e)
{
    const struct source_setting *source = settings_source(s, "transactions");

    *part = (struct feed_part){.setting = source, .path = path, .is_whole = path != NULL};
    if (path != NULL)
        return true;
    if (source == NULL)
        return error_set(e, ERROR_INVALID,
                         "%s: there is no source: name a file under sources.transactions.file",
                         s->path);
    part->path = resolved;
    return feed_source_path(s, source, NULL, resolved, e);
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

/* The paths of the files that are joined; a settings file has few. */
struct joins {
    char path[SETTINGS_JOINS_MAX][FEED_FILE_MAX];
    const char *paths[SETTINGS_JOINS_MAX];
    uint32_t count;
};

static bool find_joins(const struct settings *s, const struct feed_part *part, struct joins *j,
                       struct error *e)
{
    j->count = 0;
    if (part->setting == NULL || part->is_whole)
        return true;
    for (; j->count < part->setting->join_count; j->count++) {
        if (!feed_path(s, part->setting->joins[j->count], part->directory, j->path[j->count], e))
            return false;
        j->paths[j->count] = j->path[j->count];
    }
    return true;
}

static const struct kafka_options *kafka_of(const struct settings *s,
                                            struct kafka_property p[SETTINGS_PROPERTIES_MAX],
                                            struct kafka_options *o)
{
    for (uint32_t i = 0; i < s->kafka.property_count; i++)
        p[i] = (struct kafka_property){s->kafka.properties[i].name, s->kafka.properties[i].source};
    *o = (struct kafka_options){
        .brokers = s->kafka.brokers, .property = p, .properties = s->kafka.property_count};
    return o;
}

bool feed_part_open(const struct settings *s, const struct feed_part *part,
                    const struct schema *wanted, struct feed_counts *counts, struct source **source,
                    struct error *e)
{
    const struct source_setting *setting = part->setting != NULL ? part->setting : &no_source;
    struct source_field *fields = mem_array(FIELD_OVERRIDES_MAX, sizeof *fields);
    struct joins *joins = mem_alloc(sizeof *joins);
    const char *required[] = {part->kind != NULL ? part->kind->id : s->event.id,
                              part->kind != NULL ? part->kind->time : s->event.time};
    struct kafka_property properties[SETTINGS_PROPERTIES_MAX];
    struct kafka_options kafka;
    struct source_options o;
    struct source *look;
    bool ok;

    source_options_init(&o, part->path);
    ok = find_format(s, setting, &o.format, e) && find_joins(s, part, joins, e);
    if (feed_part_is_database(part) && setting->table == NULL && setting->query == NULL)
        o.topic = (struct source_topic){setting->kafka, kafka_of(s, properties, &kafka)};
    else if (feed_part_is_database(part))
        o.database = (struct source_database){settings_source_url(s, setting),
                                              part->query != NULL ? NULL : setting->table,
                                              part->query != NULL ? part->query : setting->query};
    o.pieces = part->pieces;
    o.piece_count = part->piece_count;
    o.joins = joins->paths;
    o.join_count = joins->count;
    o.join_key = required[0];
    o.delimiter = setting->delimiter;
    o.point = setting->point;
    o.reject_share = setting->reject_share;
    o.fields = fields;
    o.required = required;
    o.required_count = 2;
    o.keep_places = s->check_count > 0;
    if (counts != NULL) {
        ok = ok && rejects_file(s, part->kind, counts->rejects_path, e);
        o.rejects_path = counts->rejects_path;
    }
    if (ok && wanted != NULL) { /* first a look at which columns there are */
        ok = source_open(&o, &look, e);
        if (ok) {
            o.field_count =
                collect_fields(setting, wanted, kind_of(part, wanted), source_schema(look), fields);
            source_close(look);
        }
    } else {
        o.field_count = collect_fields(setting, NULL, KIND_NONE, NULL, fields);
    }
    ok = ok && source_open(&o, source, e);
    mem_free(fields);
    mem_free(joins);
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

static void note_undated(const struct lookups *lookups, struct feed_counts *c)
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

static void describe(const struct source *source, const struct kind_setting *kind, bool is_database,
                     struct feed_counts *c)
{
    char delimiter = source_delimiter(source);
    size_t used = strlen(c->words);
    const char *name = delimiter == '\t' ? "tab" : NULL;
    char *words;
    size_t room;

    if (kind != NULL)
        snprintf(c->words + used, sizeof c->words - used, "%s%s: ", used > 0 ? "; " : "",
                 kind->name);
    used = strlen(c->words);
    words = c->words + used;
    room = sizeof c->words - used;

    if (is_database)
        snprintf(words, room, "rows of PostgreSQL");
    else if (source_format(source) == SOURCE_CSV && name == NULL)
        snprintf(words, room, "CSV with \"%c\" between cells", delimiter);
    else if (source_format(source) == SOURCE_CSV)
        snprintf(words, room, "CSV with tabs between cells");
    else
        snprintf(words, room, "%s", source_format_name(source_format(source)));
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

static bool digest_files(struct digest *d, const char *pattern, struct error *e)
{
    struct file_list list;
    bool ok = true;

    if (!file_list(pattern, &list, e))
        return false;
    for (size_t i = 0; i < list.count && ok; i++)
        ok = digest_file(d, list.path[i], e);
    file_list_fini(&list);
    return ok;
}

/* ---- the reader */

/* Standard input, a pipe or a device gives its bytes once; a table may change meanwhile. */
static bool is_repeatable(const struct reader_part *p)
{
    const char *path = p->path;
    struct stat st;

    if (strcmp(path, "-") == 0 || feed_part_is_database(&p->is))
        return false;
    return stat(path, &st) != 0 || S_ISREG(st.st_mode); /* what is not there is a pattern */
}

/* The sources of the settings, or what a path says instead of them. */
static bool find_parts(struct feed_reader *r, const char *path, struct error *e)
{
    const struct settings *s = r->settings;
    uint32_t count = s->kind_count > 0 ? s->kind_count : 1;

    r->part = mem_array(count, sizeof *r->part);
    for (; r->parts < count; r->parts++) {
        struct reader_part *p = &r->part[r->parts];

        if (!(s->kind_count > 0 ? feed_kind_part(s, r->parts, path, p->path, &p->is, e)
                                : only_part(s, path, p->path, &p->is, e)))
            return false;
        if (p->is.path != p->path)
            snprintf(p->path, sizeof p->path, "%s", p->is.path);
    }
    return true;
}

static bool open_part(struct feed_reader *r, struct reader_part *p, const struct schema *wanted,
                      struct feed_counts *counts, struct error *e)
{
    if (!feed_part_open(r->settings, &p->is, wanted, counts, &p->source, e))
        return false;
    p->found = schema_dup(source_schema(p->source));
    r->can_repeat = r->can_repeat && is_repeatable(p);
    if (counts != NULL) {
        describe(p->source, p->is.kind, feed_part_is_database(&p->is), counts);
        memcpy(p->rejects_path, counts->rejects_path, sizeof p->rejects_path);
    }
    return true;
}

/* Where fields are not given they are the source's, and those looked up. */
static bool take_schema(struct feed_reader *r, const struct schema *wanted, struct error *e)
{
    const struct settings *s = r->settings;
    struct schema *found = schema_dup(r->part[0].found);
    bool ok;

    if (s->kind_count > 0) { /* wanted is given */
        ok = lookups_open(s, wanted, wanted, &r->lookups, e);
    } else {
        ok = name_roles(s, found, wanted == NULL, e) && extend(s, found, wanted, &r->lookups, e);
    }
    ok = ok && (wanted == NULL || lookups_match(r->lookups, wanted, e));
    if (ok)
        r->schema = schema_dup(wanted != NULL ? wanted : found);
    schema_free(found);
    return ok;
}

/* A field is absent where a kind that has it lacks the column. */
static void note_absent(struct feed_reader *r)
{
    r->absent = mem_array(r->schema->count, 1);
    for (uint32_t i = 0; i < r->parts; i++) {
        uint8_t *absent =
            absent_fields(r->part[i].found, r->schema, kind_of(&r->part[i].is, r->schema));

        for (uint32_t k = 0; k < r->schema->count; k++)
            r->absent[k] |= absent[k];
        mem_free(absent);
    }
}

static bool take_validation(struct feed_reader *r, struct error *e)
{
    if (!settings_validation(r->settings, r->schema, &r->validation, e))
        return false;
    if (r->validation == NULL)
        return true;
    r->bench = validation_bench_new(r->validation, FEED_FRAME_ROWS);
    r->failed = mem_array(FEED_FRAME_ROWS, sizeof *r->failed);
    return true;
}

static bool open_parts(struct feed_reader *r, const struct schema *wanted,
                       struct feed_counts *counts, struct error *e)
{
    for (uint32_t i = 0; i < r->parts; i++) {
        if (!open_part(r, &r->part[i], wanted, counts, e))
            return false;
    }
    return true;
}

bool feed_reader_open(struct feed_reader *r, const struct settings *s, const char *path,
                      const struct schema *wanted, struct feed_counts *counts, struct error *e)
{
    struct schema *several = NULL;
    bool ok;

    *r = (struct feed_reader){.settings = s, .can_repeat = true};
    ok = find_parts(r, path, e) &&
         (s->kind_count == 0 || wanted != NULL || feed_schema(s, path, &several, e));
    if (several != NULL)
        wanted = several;
    ok = ok && open_parts(r, wanted, counts, e) && take_schema(r, wanted, e) &&
         take_validation(r, e);
    if (ok) {
        note_absent(r);
        note_undated(r->lookups, counts);
    } else {
        feed_reader_close(r);
    }
    schema_free(several);
    return ok;
}

static void close_part(struct reader_part *p)
{
    if (p->source != NULL)
        source_close(p->source);
    schema_free(p->found);
    p->source = NULL;
    p->found = NULL;
}

void feed_reader_close(struct feed_reader *r)
{
    for (uint32_t i = 0; i < r->parts; i++)
        close_part(&r->part[i]);
    mem_free(r->part);
    schema_free(r->schema);
    mem_free(r->absent);
    lookups_free(r->lookups);
    validation_bench_free(r->bench);
    validation_free(r->validation);
    mem_free(r->failed);
    *r = (struct feed_reader){0};
}

/* Into the rejects, with the line and the rule. */
static bool refuse_row(struct feed_reader *r, const struct reader_part *p, const struct frame *f,
                       uint32_t row, struct error *e)
{
    int field = validation_field(r->validation, r->failed[row]);
    struct buffer words, value;
    const char *file, *name = "";
    uint64_t line;
    bool ok;

    buffer_init(&words, ERROR_TEXT_MAX + LANG_TEXT_MAX);
    buffer_init(&value, TEXT_MAX * 6 + 2);
    validation_words(r->validation, r->failed[row], &words);
    if (field != FIELD_NONE) {
        struct value v = column_get(&f->column[field], row);

        name = schema_name_of(r->schema, kind_of(&p->is, r->schema), field);
        if (v.type == TYPE_TEXT && !v.is_null)
            buffer_add_slice(&value, v.text);
        else if (!v.is_null)
            json_add_value(&value, &v);
    }
    source_place(p->source, row, &file, &line);
    ok = source_refuse(p->source, file, line, name, (struct text){value.bytes, value.length},
                       buffer_text(&words), e);
    buffer_fini(&words);
    buffer_fini(&value);
    return ok;
}

/* Leaves out what the checks refuse. */
static bool refuse_rows(struct feed_reader *r, const struct reader_part *p, struct frame *f,
                        struct error *e)
{
    uint32_t kept = 0;

    if (r->validation == NULL ||
        validation_run(r->validation, r->bench, f, 0, f->rows, r->failed) == 0)
        return true;
    for (uint32_t i = 0; i < f->rows; i++) {
        if (r->failed[i] != 0) {
            if (!refuse_row(r, p, f, i, e))
                return false;
            continue;
        }
        for (uint32_t k = 0; k < f->columns && kept < i; k++) {
            struct value v = column_get(&f->column[k], i);

            column_set(&f->column[k], kept, &v);
        }
        kept++;
    }
    f->rows = kept;
    return true;
}

/* A frame of the part; *is_end where it has no more. Of a frame all rows may be refused. */
static bool read_part(struct feed_reader *r, const struct reader_part *p, struct frame *f,
                      bool *is_end, struct error *e)
{
    bool ok;

    frame_init(f, p->found, FEED_FRAME_ROWS, FEED_TEXT_MAX);
    ok = source_read(p->source, f, e);
    *is_end = f->rows == 0;
    if (!ok || *is_end) {
        frame_fini(f);
        return ok;
    }
    arrange(f, p->found, r->schema, kind_of(&p->is, r->schema));
    lookups_fill(r->lookups, r->schema, INT64_MAX, f, 0, f->rows);
    ok = refuse_rows(r, p, f, e);
    if (!ok || f->rows == 0)
        frame_fini(f);
    return ok;
}

bool feed_reader_read(struct feed_reader *r, struct frame *f, struct error *e)
{
    while (r->at < r->parts) {
        bool is_end;

        f->rows = 0;
        if (!read_part(r, &r->part[r->at], f, &is_end, e))
            return false;
        if (f->rows > 0)
            return true;
        r->at += is_end;
    }
    f->rows = 0;
    return true;
}

bool feed_reader_repeat(struct feed_reader *r, struct error *e)
{
    ASSERT(r->can_repeat);
    for (uint32_t i = 0; i < r->parts; i++)
        close_part(&r->part[i]);
    r->at = 0;
    return open_parts(r, r->schema, NULL, e);
}

static bool digest_part(struct digest *d, const struct reader_part *p, struct error *e)
{
    uint8_t digest[DIGEST_BYTES];

    if (!feed_part_is_database(&p->is))
        return digest_files(d, p->path, e);
    source_database_digest(p->source, digest);
    digest_add(d, digest, sizeof digest);
    return true;
}

bool feed_reader_count(const struct feed_reader *r, struct feed_counts *counts, struct error *e)
{
    struct digest *d = digest_new();
    bool has_bytes = true, ok = true;

    digest_start(d);
    counts->rejects = 0;
    counts->unjoined = 0;
    for (uint32_t i = 0; i < r->parts && ok; i++) {
        struct joins *joins = mem_alloc(sizeof *joins);
        struct source_counts c;

        source_counts(r->part[i].source, &c);
        counts->unjoined += c.unjoined;
        if (i == 0 || (counts->rejects == 0 && c.rejects > 0))
            memcpy(counts->rejects_path, r->part[i].rejects_path, sizeof counts->rejects_path);
        counts->rejects += c.rejects;
        has_bytes = has_bytes && strcmp(r->part[i].path, "-") != 0;
        ok = find_joins(r->settings, &r->part[i].is, joins, e);
        ok = ok && (!has_bytes || digest_part(d, &r->part[i], e));
        for (uint32_t k = 0; k < joins->count && ok && has_bytes; k++)
            ok = digest_files(d, joins->paths[k], e);
        mem_free(joins);
    }
    digest_finish(d, counts->digest);
    digest_free(d);
    if (!has_bytes)
        memset(counts->digest, 0, sizeof counts->digest);
    return ok;
}

double feed_reader_share(const struct feed_reader *r)
{
    double done = 0, total = 0;

    for (uint32_t i = 0; i < r->parts; i++) {
        struct source_counts c;

        source_counts(r->part[i].source, &c);
        done += (double)c.bytes_done;
        total += (double)c.bytes_total;
    }
    return total > 0 ? done / total : 0;
}
