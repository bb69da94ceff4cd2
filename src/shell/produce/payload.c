#include "shell/produce/payload.h"

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/data/json_raw.h"

enum { QUOTE_MAX = 60 };

enum shape { SHAPE_ITEMS, SHAPE_ONE, SHAPE_COLUMNS, SHAPE_LINES };

struct payload {
    struct json_reader *json;
    struct buffer text, inner; /* the document, and a text that is unpacked from it */
    enum shape shape;
    struct text left; /* of SHAPE_ONE and SHAPE_LINES */
    struct json_items items;
    struct text *column; /* names as they stand, with their quotes */
    uint32_t columns;
    uint64_t count;
};

struct payload *payload_new(void)
{
    struct payload *p = mem_alloc(sizeof *p);

    p->json = json_reader_new();
    p->column = mem_array(PAYLOAD_COLUMNS_MAX, sizeof *p->column);
    buffer_init(&p->text, JSON_BYTES_MAX);
    buffer_init(&p->inner, JSON_BYTES_MAX);
    return p;
}

void payload_free(struct payload *p)
{
    if (p == NULL)
        return;
    json_reader_free(p->json);
    mem_free(p->column);
    buffer_fini(&p->text);
    buffer_fini(&p->inner);
    mem_free(p);
}

bool payload_pointer_check(const char *pointer, struct error *e)
{
    if (pointer[0] == 0 || (pointer[0] == '/' && strlen(pointer) <= PAYLOAD_POINTER_MAX))
        return true;
    return error_set(e, ERROR_USAGE,
                     "expected a JSON pointer such as /data/records, at most %d bytes, found "
                     "\"%.80s\"",
                     PAYLOAD_POINTER_MAX, pointer);
}

static bool check_json(struct payload *p, struct text t, struct error *e)
{
    struct json_document *d = json_parse(p->json, t.bytes, t.length, e);

    if (d == NULL)
        return error_prefix(e, "\"%.*s\"", (int)(t.length < QUOTE_MAX ? t.length : QUOTE_MAX),
                            t.bytes);
    json_free(d);
    return true;
}

/* While the value is text: the JSON in it. The value may lie in p->text, which is replaced. */
static bool unpack_text(struct payload *p, struct text *value, struct error *e)
{
    for (int depth = 0; json_raw_kind(*value) == JSON_TEXT; depth++) {
        struct buffer was = p->text;

        if (depth == PAYLOAD_NESTING_MAX)
            return error_set(e, ERROR_INVALID, "JSON inside text over %d times",
                             PAYLOAD_NESTING_MAX);
        buffer_clear(&p->inner);
        if (!json_raw_text(*value, &p->inner) || p->inner.overflow)
            return error_set(e, ERROR_INVALID, "a text with JSON in it that cannot be read");
        p->text = p->inner;
        p->inner = was;
        *value = (struct text){p->text.bytes != NULL ? p->text.bytes : "", p->text.length};
        if (!check_json(p, *value, e))
            return error_prefix(e, "the text is no JSON");
    }
    return true;
}

/* ~1 is a slash, ~0 a tilde. */
static void add_step(struct buffer *out, struct text step)
{
    for (size_t i = 0; i < step.length; i++) {
        char c = step.bytes[i];

        if (c == '~' && i + 1 < step.length && (step.bytes[i + 1] | 1) == '1')
            c = step.bytes[++i] == '1' ? '/' : '~';
        buffer_add_char(out, c);
    }
}

static struct text item_at(struct text array, struct text index)
{
    struct json_items items;
    struct text key, value;
    int64_t wanted;

    json_items_init(&items, array);
    if (!number_parse_int(index, &wanted))
        return (struct text){"", 0};
    for (int64_t i = 0; json_items_next(&items, &key, &value); i++) {
        if (i == wanted)
            return value;
    }
    return (struct text){"", 0};
}

static bool follow(struct payload *p, const char *pointer, struct text *value, struct error *e)
{
    struct buffer step;
    const char *at = pointer;
    bool ok = true;

    buffer_init(&step, PAYLOAD_POINTER_MAX + 1);
    while (ok && *at == '/') {
        struct text name = {at + 1, strcspn(at + 1, "/")};

        at += 1 + name.length;
        buffer_clear(&step);
        add_step(&step, name);
        name = (struct text){step.bytes != NULL ? step.bytes : "", step.length};
        *value = json_raw_kind(*value) == JSON_ARRAY ? item_at(*value, name)
                                                     : json_raw_member(*value, name);
        ok = value->length > 0 ||
             error_set(e, ERROR_INVALID, "there is nothing at %.*s", (int)(at - pointer), pointer);
        ok = ok && unpack_text(p, value, e);
    }
    buffer_fini(&step);
    return ok;
}

/* {"columns": [...], "data": [[...]]}, as pandas writes it with orient="split". */
static bool find_columns(struct payload *p, struct text object, struct error *e)
{
    struct text columns = json_raw_member(object, text_of("columns"));
    struct text data = json_raw_member(object, text_of("data"));
    struct json_items items;
    struct text key, value;

    if (json_raw_kind(columns) != JSON_ARRAY || json_raw_kind(data) != JSON_ARRAY) {
        p->shape = SHAPE_ONE;
        p->left = object;
        return true;
    }
    p->shape = SHAPE_COLUMNS;
    p->columns = 0;
    json_items_init(&items, columns);
    while (json_items_next(&items, &key, &value)) {
        if (json_raw_kind(value) != JSON_TEXT)
            return error_set(e, ERROR_INVALID, "column %u has a name that is no text",
                             p->columns + 1);
        if (p->columns == PAYLOAD_COLUMNS_MAX)
            return error_set(e, ERROR_INVALID, "over %d columns", PAYLOAD_COLUMNS_MAX);
        p->column[p->columns++] = value;
    }
    json_items_init(&p->items, data);
    return true;
}

static bool find_shape(struct payload *p, struct text value, struct error *e)
{
    switch (json_raw_kind(value)) {
    case JSON_ARRAY:
        p->shape = SHAPE_ITEMS;
        json_items_init(&p->items, value);
        return true;
    case JSON_OBJECT:
        return find_columns(p, value, e);
    default:
        return error_set(e, ERROR_INVALID, "expected an array of records or an object, found %.*s",
                         (int)(value.length < QUOTE_MAX ? value.length : QUOTE_MAX), value.bytes);
    }
}

/* Whether it is objects one a line: the first line is one by itself. */
static bool is_lines(struct payload *p, struct text t)
{
    const char *lf = memchr(t.bytes, '\n', t.length);
    struct error ignored;

    return lf != NULL && json_raw_kind(t) == JSON_OBJECT &&
           check_json(p, (struct text){t.bytes, (size_t)(lf - t.bytes)}, &ignored);
}

bool payload_begin(struct payload *p, struct text body, const char *pointer, struct error *e)
{
    struct text value;
    struct error why;

    p->count = 0;
    body = text_trim(body);
    if (body.length == 0)
        return error_set(e, ERROR_INVALID, "the body is empty: JSON was expected");
    buffer_clear(&p->text);
    buffer_add_slice(&p->text, body);
    if (p->text.overflow)
        return error_set(e, ERROR_FULL, "the body is over %d MiB", JSON_BYTES_MAX >> 20);
    value = (struct text){p->text.bytes, p->text.length};
    if (!check_json(p, value, &why)) {
        if (!is_lines(p, value)) {
            *e = why;
            return false;
        }
        p->shape = SHAPE_LINES;
        p->left = value;
        return true;
    }
    return unpack_text(p, &value, e) && (pointer == NULL || follow(p, pointer, &value, e)) &&
           find_shape(p, value, e);
}

/* ---- one record ---- */

static enum payload_item bad(const struct payload *p, struct text value, const char *words,
                             struct error *e)
{
    error_set(e, ERROR_INVALID, "record %llu is %s: %.*s", (unsigned long long)p->count, words,
              (int)(value.length < QUOTE_MAX ? value.length : QUOTE_MAX), value.bytes);
    return PAYLOAD_BAD;
}

static enum payload_item add_object(struct payload *p, struct text value, struct buffer *out,
                                    struct error *e)
{
    struct buffer plain;
    enum payload_item item;

    if (json_raw_kind(value) == JSON_OBJECT) {
        json_add_compact(out, value);
        return PAYLOAD_RECORD;
    }
    if (json_raw_kind(value) != JSON_TEXT)
        return bad(p, value, "no object", e);
    buffer_init(&plain, value.length + 1);
    item = json_raw_text(value, &plain) &&
                   json_raw_kind((struct text){plain.bytes, plain.length}) == JSON_OBJECT &&
                   check_json(p, (struct text){plain.bytes, plain.length}, e)
               ? PAYLOAD_RECORD
               : bad(p, value, "a text that is no JSON object", e);
    if (item == PAYLOAD_RECORD)
        json_add_compact(out, (struct text){plain.bytes, plain.length});
    buffer_fini(&plain);
    return item;
}

static enum payload_item add_cells(struct payload *p, struct text row, struct buffer *out,
                                   struct error *e)
{
    size_t before = out->length;
    struct json_items items;
    struct text key, value;
    uint32_t i = 0;

    json_items_init(&items, row);
    if (json_raw_kind(row) != JSON_ARRAY)
        return bad(p, row, "no array of values", e);
    while (json_items_next(&items, &key, &value)) {
        if (i < p->columns) {
            buffer_add_char(out, i == 0 ? '{' : ',');
            buffer_add_slice(out, p->column[i]);
            buffer_add_char(out, ':');
            json_add_compact(out, value);
        }
        i++;
    }
    if (i == p->columns && i > 0) {
        buffer_add_char(out, '}');
        return PAYLOAD_RECORD;
    }
    out->length = before;
    return bad(p, row, "not as long as the columns", e);
}

static enum payload_item next_line(struct payload *p, struct buffer *out, struct error *e)
{
    struct text line;

    p->left = text_trim(p->left);
    if (p->left.length == 0)
        return PAYLOAD_END;
    line = (struct text){p->left.bytes, 0};
    while (line.length < p->left.length && line.bytes[line.length] != '\n')
        line.length++;
    p->left = (struct text){p->left.bytes + line.length, p->left.length - line.length};
    p->count++;
    if (!check_json(p, line, e))
        return bad(p, line, "no JSON", e);
    return add_object(p, line, out, e);
}

enum payload_item payload_next(struct payload *p, struct buffer *out, struct error *e)
{
    struct text key, value;

    if (p->shape == SHAPE_LINES)
        return next_line(p, out, e);
    if (p->shape == SHAPE_ONE) {
        value = p->left;
        p->left = (struct text){"", 0};
        p->count++;
        return value.length > 0 ? add_object(p, value, out, e) : PAYLOAD_END;
    }
    if (!json_items_next(&p->items, &key, &value))
        return PAYLOAD_END;
    p->count++;
    return p->shape == SHAPE_COLUMNS ? add_cells(p, value, out, e) : add_object(p, value, out, e);
}
