#include "shell/run/list_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/os/digest.h"
#include "shell/os/file.h"
#include "shell/run/list_value.h"
#include "shell/source/source.h"

enum column_part { PART_VALUE, PART_AT, PART_EXPIRES, PART_NOTE, PART_OP, PARTS };

static const char *const part_names[PARTS][5] = {
    {"value"}, {"at", "added", "added_at"}, {"expires", "expires_at"}, {"note", "reason"}, {"op"}};

struct reading {
    const struct list_setting *setting;
    const char *path;
    int64_t now_us;
    struct source *source;
    int column[PARTS];
    struct list_file *file;
    uint32_t capacity;
};

static bool find_columns(struct reading *r, const struct schema *s, struct error *e)
{
    for (int part = 0; part < PARTS; part++) {
        r->column[part] = FIELD_NONE;
        for (int k = 0; k < 5 && part_names[part][k] != NULL; k++) {
            if (r->column[part] == FIELD_NONE)
                r->column[part] = schema_find(s, text_of(part_names[part][k]));
        }
    }
    if (r->column[PART_VALUE] == FIELD_NONE)
        r->column[PART_VALUE] = schema_find(s, text_of(r->setting->name));
    return r->column[PART_VALUE] != FIELD_NONE ||
           error_set(e, ERROR_INVALID,
                     "\"%s\" has no column \"value\" or \"%s\" (its first is \"%.40s\"): give it a "
                     "header",
                     r->path, r->setting->name, s->count > 0 ? s->fields[0].name : "");
}

/* A first look finds the columns; then all are text, so that values keep their zeros. */
static bool open_rows(struct reading *r, struct error *e)
{
    static const struct text no_words[1];
    struct source_options o;
    struct source_field *fields;
    struct source *look;
    const char *required[1];
    bool ok;

    source_options_init(&o, r->path);
    o.header = SOURCE_HEADER_YES;
    o.null_words = no_words; /* "none" is a value here */
    o.reject_share = 0;
    if (!source_open(&o, &look, e))
        return false;
    ok = find_columns(r, source_schema(look), e);
    fields = mem_array(source_schema(look)->count, sizeof *fields);
    for (uint32_t i = 0; i < source_schema(look)->count; i++)
        fields[i] =
            (struct source_field){source_schema(look)->fields[i].name, TYPE_TEXT, false, TIME_ISO};
    o.fields = fields;
    o.field_count = source_schema(look)->count;
    if (ok) {
        required[0] = source_schema(look)->fields[r->column[PART_VALUE]].name;
        o.required = required;
        o.required_count = 1;
        ok = source_open(&o, &r->source, e);
    }
    mem_free(fields);
    source_close(look);
    return ok;
}

static bool blame(const struct reading *r, enum column_part part, struct error *e)
{
    const struct schema *s = source_schema(r->source);
    const char *file;
    uint64_t line;

    source_position(r->source, &file, &line);
    return error_prefix(e, "%s:%llu: %s", file, (unsigned long long)line,
                        s->fields[r->column[part]].name);
}

/* The cell; length 0 where there is no such column or nothing in it. */
static struct text cell(const struct reading *r, const struct frame *f, enum column_part part)
{
    if (r->column[part] == FIELD_NONE || f->column[r->column[part]].null[0])
        return (struct text){"", 0};
    return f->column[r->column[part]].text[0];
}

static bool read_at(const struct reading *r, struct text t, struct list_row *row, struct error *e)
{
    row->has_at = t.length > 0;
    if (row->has_at && !time_parse(t, TIME_ISO, &row->at_us))
        error_set(e, ERROR_INVALID, "expected a time like 2026-05-01T00:00:00Z, found \"%.40s\"",
                  t.bytes);
    else if (row->at_us > r->now_us)
        error_set(e, ERROR_INVALID, "\"%.40s\" is in the future: a change is made when it is made",
                  t.bytes);
    else
        return true;
    return blame(r, PART_AT, e);
}

static bool read_expires(const struct reading *r, struct text t, struct list_row *row,
                         struct error *e)
{
    int64_t us;

    row->item.expires_us = LIST_NEVER;
    if (t.length == 0 && (!r->setting->has_expires || row->item.is_removal))
        return true;
    if (!row->has_at && (t.length == 0 || duration_parse(t, &us)))
        error_set(e, ERROR_INVALID,
                  "the entry expires some time after it was made, and there is no `at` to say when "
                  "that was: give a time");
    else if (t.length == 0) {
        row->item.expires_us = row->at_us + r->setting->expires_us;
        return true;
    } else if (list_expiry_read(t, row->at_us, &row->item.expires_us, e))
        return true;
    return blame(r, r->column[PART_EXPIRES] != FIELD_NONE ? PART_EXPIRES : PART_VALUE, e);
}

static bool read_op(const struct reading *r, struct text t, struct list_row *row, struct error *e)
{
    row->item.is_removal = text_is(t, "remove");
    if (t.length == 0 || row->item.is_removal || text_is(t, "add"))
        return true;
    error_set(e, ERROR_INVALID, "expected add or remove, found \"%.40s\"", t.bytes);
    return blame(r, PART_OP, e);
}

static bool read_note(const struct reading *r, struct text t, struct list_row *row, struct error *e)
{
    if (t.length > LIST_NOTE_MAX) {
        error_set(e, ERROR_INVALID, "over %d bytes", LIST_NOTE_MAX);
        return blame(r, PART_NOTE, e);
    }
    row->item.note = (struct text){mem_text(t.bytes, t.length), t.length};
    return true;
}

static bool read_value(const struct reading *r, struct text t, struct list_row *row,
                       struct error *e)
{
    char canonical[LIST_VALUE_MAX + 1];
    struct text value;

    if (!list_value_read(list_setting_type(r->setting), t, canonical, &value, e))
        return blame(r, PART_VALUE, e);
    row->item.value = (struct text){mem_text(value.bytes, value.length), value.length};
    return true;
}

static bool add_row(struct reading *r, const struct frame *f, struct error *e)
{
    struct list_file *file = r->file;
    struct list_row *row;

    if (file->count == LIST_FILE_ROWS_MAX)
        return error_set(e, ERROR_FULL, "\"%s\" has over %d rows", r->path, LIST_FILE_ROWS_MAX);
    if (file->count == r->capacity) {
        r->capacity = r->capacity > 0 ? 2 * r->capacity : 64;
        file->row = mem_resize(file->row, r->capacity, sizeof *file->row);
    }
    row = &file->row[file->count++];
    *row = (struct list_row){0};
    return read_op(r, cell(r, f, PART_OP), row, e) && read_at(r, cell(r, f, PART_AT), row, e) &&
           read_expires(r, cell(r, f, PART_EXPIRES), row, e) &&
           read_value(r, cell(r, f, PART_VALUE), row, e) &&
           read_note(r, cell(r, f, PART_NOTE), row, e);
}

/* Stable: rows of one time stay in the file's order. */
static void merge_sort(struct list_row *row, struct list_row *spare, uint32_t count)
{
    uint32_t half = count / 2, a = 0, b = half;

    if (count < 2)
        return;
    merge_sort(row, spare, half);
    merge_sort(row + half, spare, count - half);
    memcpy(spare, row, count * sizeof *row);
    for (uint32_t i = 0; i < count; i++) {
        if (b == count || (a < half && spare[a].at_us <= spare[b].at_us))
            row[i] = spare[a++];
        else
            row[i] = spare[b++];
    }
}

static void sort_rows(struct list_file *f)
{
    struct list_row *spare = mem_array(f->count, sizeof *spare);

    for (uint32_t i = 0; i < f->count; i++) {
        if (!f->row[i].has_at)
            f->row[i].at_us = INT64_MIN;
    }
    merge_sort(f->row, spare, f->count);
    for (uint32_t i = 0; i < f->count; i++) {
        if (!f->row[i].has_at)
            f->row[i].at_us = 0;
    }
    mem_free(spare);
}

static bool digest_of(const char *path, uint64_t *digest, struct error *e)
{
    uint8_t bytes[DIGEST_BYTES];
    struct file_map m;

    if (!file_map(path, &m, e))
        return false;
    digest_bytes(m.bytes, m.length, bytes);
    file_unmap(&m);
    memcpy(digest, bytes, sizeof *digest);
    if (*digest == 0)
        *digest = 1;
    return true;
}

bool list_file_read(const struct list_setting *setting, const char *path, int64_t now_us,
                    struct list_file *f, struct error *e)
{
    struct reading r = {.setting = setting, .path = path, .now_us = now_us, .file = f};
    struct frame frame;
    bool ok;

    *f = (struct list_file){0};
    if (!digest_of(path, &f->digest, e) || !open_rows(&r, e))
        return false;
    frame_init(&frame, source_schema(r.source), 1, SOURCE_TEXT_BYTES);
    while ((ok = source_read(r.source, &frame, e)) && frame.rows > 0) {
        ok = add_row(&r, &frame, e);
        if (!ok)
            break;
    }
    frame_fini(&frame);
    source_close(r.source);
    if (ok)
        sort_rows(f);
    else
        list_file_fini(f);
    return ok;
}

bool list_file_of_settings(const struct settings *s, uint32_t list, int64_t now_us,
                           struct list_file *f, struct error *e)
{
    const struct list_setting *l = &s->lists[list];
    char path[PATH_MAX], key[PLAN_NAME_MAX + 16];
    int n;

    *f = (struct list_file){0};
    if (l->file == NULL)
        return true;
    n = snprintf(path, sizeof path, "%s%s%s", l->file[0] == '/' ? "" : s->directory,
                 l->file[0] == '/' ? "" : "/", l->file);
    if (n < 0 || n >= (int)sizeof path)
        error_set(e, ERROR_INVALID, "the path is over %d bytes", PATH_MAX);
    else if (list_file_read(l, path, now_us, f, e))
        return true;
    snprintf(key, sizeof key, "lists.%s.file", l->name);
    return settings_blame(s, key, e);
}

void list_file_fini(struct list_file *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        mem_free((char *)f->row[i].item.value.bytes);
        mem_free((char *)f->row[i].item.note.bytes);
    }
    mem_free(f->row);
    *f = (struct list_file){0};
}
