/* JSON files: one object a line (NDJSON), or one array of objects, or objects one after another
 * over several lines. The first is the only one in which a broken record cannot spoil the rest, so
 * there a bad line is a reject; in the others broken brackets end the reading. */
#include <stdio.h>

#include "core/base/number.h"
#include "core/data/json_raw.h"
#include "core/data/json_split.h"
#include "shell/source/format.h"

/* The columns that the sample has. */
struct look {
    struct schema *names; /* types not used */
    struct guess_column *columns;
    uint32_t *order; /* which column the n-th member was last time */
    uint32_t capacity;
    uint64_t rows;
};

static struct guess_column *look_column(struct look *l, struct text name, uint32_t position,
                                        struct error *e)
{
    int index = FIELD_NONE;

    if (position < l->names->count && l->order[position] < l->names->count &&
        text_is(name, l->names->fields[l->order[position]].name))
        return &l->columns[l->order[position]];
    index = schema_find(l->names, name);
    if (index == FIELD_NONE) {
        if (!schema_add(l->names, name, TYPE_TEXT, e))
            return NULL;
        index = (int)l->names->count - 1;
        if (l->names->count > l->capacity) {
            l->capacity = 2 * l->names->count;
            l->columns = mem_resize(l->columns, l->capacity, sizeof *l->columns);
            l->order = mem_resize(l->order, l->capacity, sizeof *l->order);
        }
        l->columns[index] = (struct guess_column){0};
        l->order[index] = (uint32_t)index;
    }
    if (position < l->names->count)
        l->order[position] = (uint32_t)index;
    return &l->columns[index];
}

static void look_value(struct guess_column *c, const struct json *v)
{
    char digits[NUMBER_TEXT_MAX];

    switch (v->kind) {
    case JSON_NULL:
        guess_add_null(c);
        break;
    case JSON_BOOL:
        guess_add(c, text_of(v->boolean ? "true" : "false"));
        break;
    case JSON_INT:
        number_format_int(v->integer, digits);
        guess_add(c, text_of(digits));
        break;
    case JSON_REAL:
        number_format_real(v->real, digits);
        guess_add(c, text_of(digits));
        break;
    case JSON_TEXT:
        if (text_trim(v->text).length == 0) {
            guess_add_null(c);
            break;
        }
        guess_add(c, v->text);
        c->quoted++;
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        guess_add(c, text_of("[]"));
        c->quoted++;
        break;
    }
}

static bool look_members(struct look *l, const struct json *object, struct text prefix,
                         uint32_t position, struct error *e)
{
    char name[2 * FIELD_NAME_MAX];

    for (uint32_t i = 0; i < object->count; i++) {
        const struct json *v = &object->items[i];
        struct text full = object->keys[i];
        struct guess_column *c;

        if (prefix.length > 0 && prefix.length + 1 + full.length < sizeof name) {
            int length = snprintf(name, sizeof name, "%.*s.%.*s", TEXT_ARG(prefix), TEXT_ARG(full));

            full = (struct text){name, (size_t)length};
        }
        if (v->kind == JSON_OBJECT && prefix.length == 0 && v->count > 0) {
            if (!look_members(l, v, full, position, e))
                return false;
            position += v->count;
            continue;
        }
        c = look_column(l, full, position++, e);
        if (c == NULL)
            return false;
        look_value(c, v);
    }
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* White space, and in an array the comma; false where something else stands than may. */
static bool skip_between(struct source *s, struct text window, size_t *at)
{
    for (; *at < window.length; ++*at) {
        char c = window.bytes[*at];

        if (c == ',' && s->shape == JSON_IN_ARRAY && s->expect == EXPECT_COMMA)
            s->expect = EXPECT_VALUE;
        else if (!is_space(c))
            return s->shape == JSON_VALUES ||
                   (s->shape == JSON_IN_ARRAY && c == ']' && s->expect != EXPECT_VALUE) ||
                   (s->shape == JSON_IN_ARRAY && c != ']' && s->expect != EXPECT_COMMA);
        s->line += c == '\n';
    }
    return true;
}

/* The next value of a sample; false at its end. */
static bool look_next(struct source *s, struct text head, size_t *at, struct text *value)
{
    size_t length;

    if (s->shape == JSON_LINES) {
        const char *lf;

        while (*at < head.length && is_space(head.bytes[*at]))
            ++*at;
        lf = memchr(head.bytes + *at, '\n', head.length - *at);
        length = lf != NULL ? (size_t)(lf - head.bytes) - *at : head.length - *at;
        if (lf == NULL && !stream_at_end(s->stream))
            return false;
    } else {
        if (!skip_between(s, head, at))
            return false;
        length = json_value_length(head.bytes + *at, head.length - *at, stream_at_end(s->stream));
        s->expect = EXPECT_COMMA;
    }
    *value = (struct text){head.bytes + *at, length};
    *at += length;
    return length > 0;
}

static bool make_schema(struct source *s, struct look *l, struct error *e)
{
    bool good = true;

    s->schema = schema_new();
    for (uint32_t i = 0; i < l->names->count && good; i++) {
        struct text name = text_of(l->names->fields[i].name);
        struct guess g = guess_type(&l->columns[i], name, '.', false);

        good = source_add_field(s, name, &g, e);
    }
    return good;
}

static bool look_at_rows(struct source *s, struct look *l, struct error *e)
{
    struct text head = stream_window(s->stream), value;
    size_t at = s->shape == JSON_IN_ARRAY;
    uint64_t line = s->line;
    struct error ignored;
    bool good = true;

    while (good && l->rows < s->options.sample_rows && look_next(s, head, &at, &value)) {
        struct json_document *d = json_parse(s->json, value.bytes, value.length, &ignored);

        l->rows++;
        if (d != NULL && d->root.kind == JSON_OBJECT)
            good = look_members(l, &d->root, (struct text){"", 0}, 0, e);
        json_free(d);
    }
    s->line = line;
    s->expect = EXPECT_FIRST;
    return good || error_prefix(e, "%s", s->file);
}

/* NDJSON if the first line is a value by itself. */
static void find_shape(struct source *s)
{
    struct text head = stream_window(s->stream);
    struct json_document *d;
    struct error ignored;
    const char *lf;
    size_t at = 0;

    while (at < head.length && is_space(head.bytes[at]))
        s->line += head.bytes[at++] == '\n';
    stream_take(s->stream, at);
    head = stream_window(s->stream);
    s->skipping = false;
    s->expect = EXPECT_FIRST;
    s->shape = JSON_LINES;
    if (s->format == SOURCE_JSON)
        s->shape = head.length > 0 && head.bytes[0] == '[' ? JSON_IN_ARRAY : JSON_VALUES;
    if (s->shape == JSON_IN_ARRAY || s->options.format == SOURCE_NDJSON)
        return;
    lf = memchr(head.bytes, '\n', head.length);
    d = json_parse(s->json, head.bytes, lf != NULL ? (size_t)(lf - head.bytes) : head.length,
                   &ignored);
    s->shape = d != NULL || lf == NULL ? JSON_LINES : JSON_VALUES;
    json_free(d);
}

static bool json_begin(struct source *s, struct error *e)
{
    struct look l = {0};
    bool good = true;

    if (s->json == NULL)
        s->json = json_reader_new();
    find_shape(s);
    if (s->schema == NULL && s->options.as_text)
        s->schema = schema_new();
    if (s->schema == NULL) {
        l.names = schema_new();
        good = look_at_rows(s, &l, e);
        if (good && l.rows > 0 && l.names->count == 0)
            good = error_set(e, ERROR_INVALID,
                             "%s: none of the first %llu values is a JSON object with members",
                             s->file, (unsigned long long)l.rows);
        if (good && l.rows > 0)
            good = make_schema(s, &l, e);
        schema_free(l.names);
        mem_free(l.columns);
        mem_free(l.order);
    }
    if (good && s->shape == JSON_IN_ARRAY)
        stream_take(s->stream, 1);
    return good;
}

/* The first required field that is null in the row, or FIELD_NONE. */
static int absent_field(const struct source *s, const struct frame *f, uint32_t row)
{
    for (uint32_t i = 0; s->required_count > 0 && i < s->schema->count; i++) {
        if (s->is_required[i] && f->column[i].null[row])
            return (int)i;
    }
    return FIELD_NONE;
}

/* An object, as it stands but for white space. */
static bool take_text(struct source *s, struct text value, struct error *e)
{
    struct error why;
    struct json_document *d = json_parse(s->json, value.bytes, value.length, &why);
    bool is_object = d != NULL && d->root.kind == JSON_OBJECT;

    if (d != NULL && !is_object)
        error_set(&why, ERROR_INVALID, "is no JSON object");
    json_free(d);
    if (!is_object)
        return source_reject(s, NULL, s->line, "", value, why.text, e);
    json_add_compact(s->row_text, value);
    s->json_line = s->line;
    return true;
}

static bool read_value(struct source *s, struct frame *f, struct text value, struct error *e)
{
    const struct problem *first = &s->problems.items[0];

    if (s->row_text != NULL)
        return take_text(s, value, e);

    s->problems.count = s->problems.more = 0;
    if (json_read_event(s->json, value.bytes, value.length, s->schema, JSON_UNKNOWN_SKIP, f,
                        &s->problems)) {
        int absent = absent_field(s, f, f->rows - 1);

        s->json_line = s->line;
        if (s->places.line != NULL)
            s->places.line[f->rows - 1] = s->line;
        if (absent == FIELD_NONE)
            return true;
        f->rows--;
        return source_reject(s, f, s->line, s->schema->fields[absent].name, value,
                             fault_text(FAULT_NULL), e);
    }
    return source_reject(s, f, s->line, first->pointer[0] == '/' ? first->pointer + 1 : "", value,
                         first->detail, e);
}

/* One line of NDJSON from the window; *more where its end is not there yet. */
static bool read_line(struct source *s, struct frame *f, bool *more, struct error *e)
{
    struct text window = stream_window(s->stream), line;
    const char *lf = memchr(window.bytes, '\n', window.length);
    bool last = stream_at_end(s->stream), skipped = s->skipping;
    bool too_long;

    *more = lf == NULL && !last;
    line = (struct text){window.bytes, lf != NULL ? (size_t)(lf - window.bytes) : window.length};
    too_long = line.length > CSV_RECORD_MAX;
    if (*more && !too_long && !skipped)
        return true;
    if (too_long && !skipped &&
        !source_reject(s, f, s->line, "", line, fault_text(FAULT_RECORD_LONG), e))
        return false;
    s->skipping = *more;
    if (!too_long && !skipped && text_trim(line).length > 0 && !read_value(s, f, line, e))
        return false;
    stream_take(s->stream, line.length + (lf != NULL));
    s->line += lf != NULL;
    return true;
}

static bool misplaced(const struct source *s, struct error *e)
{
    const char *what = s->shape == JSON_AFTER_ARRAY ? "something follows the end of the JSON array"
                       : s->expect == EXPECT_COMMA  ? "a comma was expected between two values"
                                                    : "a value was expected after the comma";

    return error_set(e, ERROR_INVALID, "%s:%llu: %s", s->file, (unsigned long long)s->line, what);
}

static bool cut_short(const struct source *s, bool in_value, struct error *e)
{
    return error_set(e, ERROR_INVALID, "%s:%llu: the file ends inside a JSON %s: cut short?",
                     s->file, (unsigned long long)s->line, in_value ? "value" : "array");
}

static bool use_value(struct source *s, struct frame *f, struct text value, struct error *e)
{
    bool good;

    if (value.length > CSV_RECORD_MAX)
        good = source_reject(s, f, s->line, "", value, fault_text(FAULT_RECORD_LONG), e);
    else
        good = read_value(s, f, value, e);
    for (size_t i = 0; i < value.length; i++)
        s->line += value.bytes[i] == '\n';
    stream_take(s->stream, value.length);
    s->expect = EXPECT_COMMA;
    return good;
}

/* One value of an array or of a row of values; *more as above. */
static bool read_element(struct source *s, struct frame *f, bool *more, struct error *e)
{
    struct text window = stream_window(s->stream);
    bool last = stream_at_end(s->stream);
    size_t at = 0;

    *more = false;
    if (!skip_between(s, window, &at))
        return misplaced(s, e);
    if (at < window.length && window.bytes[at] == ']' && s->shape == JSON_IN_ARRAY) {
        s->shape = JSON_AFTER_ARRAY;
        stream_take(s->stream, at + 1);
        return true;
    }
    stream_take(s->stream, at);
    window = stream_window(s->stream);
    at = json_value_length(window.bytes, window.length, last);
    if (at > 0)
        return use_value(s, f, (struct text){window.bytes, at}, e);
    if (last && (window.length > 0 || s->shape == JSON_IN_ARRAY))
        return cut_short(s, window.length > 0, e);
    if (window.length > CSV_RECORD_MAX)
        return error_set(e, ERROR_INVALID, "%s:%llu: a JSON value of over 1 MiB", s->file,
                         (unsigned long long)s->line);
    *more = !last;
    return true;
}

/* What comes next, be it a row, a reject or only more bytes. */
static bool read_on(struct source *s, struct frame *f, bool *end, struct error *e)
{
    bool last = stream_at_end(s->stream), more;

    *end = last && stream_window(s->stream).length == 0 && s->shape != JSON_IN_ARRAY;
    if (*end)
        return true;
    if (!(s->shape == JSON_LINES ? read_line : read_element)(s, f, &more, e))
        return false;
    return !more || stream_more(s->stream, e);
}

static bool json_file_read(struct source *s, struct frame *f, bool *end, struct error *e)
{
    *end = false;
    while (f->rows < f->capacity && !*end) {
        if (!read_on(s, f, end, e))
            return false;
    }
    return true;
}

static bool json_file_next(struct source *s, bool *end, struct error *e)
{
    size_t before = s->row_text->length;

    *end = false;
    while (s->row_text->length == before && !*end) {
        if (!read_on(s, NULL, end, e))
            return false;
    }
    return true;
}

const struct format_ops json_format = {json_begin, json_file_read, json_file_next};
