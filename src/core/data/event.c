#include "core/data/event.h"

#include <math.h>

enum { VARINT_MAX = 10 };

static char *put_varint(char *out, uint64_t v)
{
    while (v >= 0x80) {
        *out++ = (char)(v | 0x80);
        v >>= 7;
    }
    *out++ = (char)v;
    return out;
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static size_t most_bytes(const struct schema *s, const struct frame *f, uint32_t row)
{
    size_t bytes = 2 + (size_t)s->count * (1 + VARINT_MAX);

    for (uint32_t i = 0; i < s->count; i++) {
        if (s->fields[i].type == TYPE_TEXT)
            bytes += f->column[i].text[row].length;
    }
    return bytes;
}

static char *put_cell(char *at, const struct column *c, uint32_t row)
{
    if (c->null[row]) {
        *at++ = 0;
        return at;
    }
    *at++ = (char)(1 + c->type);
    if (c->type == TYPE_TEXT) {
        at = put_varint(at, c->text[row].length);
        if (c->text[row].length > 0)
            memcpy(at, c->text[row].bytes, c->text[row].length);
        return at + c->text[row].length;
    }
    if (c->type == TYPE_REAL) {
        memcpy(at, &c->real[row], 8); /* little-endian, as all machines that we build for */
        return at + 8;
    }
    return put_varint(at, zigzag(c->integer[row]));
}

void event_encode_columns(struct buffer *out, const struct column *const *column, uint32_t count,
                          uint32_t row)
{
    size_t most = 2 + (size_t)count * (1 + VARINT_MAX);
    char *at, *first;

    for (uint32_t i = 0; i < count; i++)
        most += column[i]->type == TYPE_TEXT ? column[i]->text[row].length : 0;
    first = at = buffer_reserve(out, most);
    if (at == NULL)
        return;
    *at++ = (char)count;
    *at++ = (char)(count >> 8);
    for (uint32_t i = 0; i < count; i++)
        at = put_cell(at, column[i], row);
    out->length += (size_t)(at - first);
}

void event_encode(struct buffer *out, const struct schema *s, const struct frame *f, uint32_t row)
{
    char *at = buffer_reserve(out, most_bytes(s, f, row));
    char *first = at;

    if (at == NULL)
        return;
    *at++ = (char)s->count;
    *at++ = (char)(s->count >> 8);
    for (uint32_t i = 0; i < s->count; i++)
        at = put_cell(at, &f->column[i], row);
    out->length += (size_t)(at - first);
}

/* Only the shortest form is taken, so one value has one encoding. */
static uint64_t get_varint(struct reader *in)
{
    uint64_t v = 0;

    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t byte = reader_u8(in);

        if (shift == 63 && byte > 1)
            break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            if (byte == 0 && shift > 0)
                break;
            return v;
        }
    }
    in->failed = true;
    return 0;
}

static bool get_text(struct reader *in, struct text *t)
{
    uint64_t length = get_varint(in);
    const char *bytes = length <= TEXT_MAX ? reader_get(in, (size_t)length) : NULL;

    if (bytes == NULL)
        return false;
    *t = (struct text){bytes, (size_t)length};
    return text_is_utf8(*t);
}

/* A value in its range; false where no event could have had it. */
static bool get_payload(struct reader *in, struct value *v)
{
    uint64_t raw;

    if (v->type == TYPE_TEXT)
        return get_text(in, &v->text);
    if (v->type == TYPE_REAL) {
        v->real = reader_double(in);
        return !in->failed && isfinite(v->real) && !(v->real == 0 && signbit(v->real));
    }
    raw = get_varint(in);
    v->integer = (int64_t)(raw >> 1 ^ (0 - (raw & 1)));
    if (v->type == TYPE_BOOL)
        return !in->failed && (v->integer == 0 || v->integer == 1);
    if (v->type == TYPE_TIME)
        return !in->failed && v->integer >= TIME_MIN_US && v->integer <= TIME_MAX_US;
    return !in->failed;
}

static bool field_decode(struct reader *in, const struct field *field, struct frame *f,
                         struct column *c, uint32_t row, struct error *e)
{
    uint8_t tag = reader_u8(in);
    struct value v = {.type = field->type, .is_null = tag == 0};

    if (in->failed || (tag != 0 && tag != 1 + field->type))
        return error_set(e, ERROR_INVALID,
                         "record: field \"%s\" has tag %u, not %u: damaged, or of "
                         "another schema",
                         field->name, tag, 1 + field->type);
    if (tag != 0 && !get_payload(in, &v))
        return error_set(e, ERROR_INVALID, "record: the %s of field \"%s\" is damaged",
                         type_name(field->type), field->name);
    if (tag != 0 && v.type == TYPE_TEXT) {
        v.text.bytes = arena_text(&f->text, v.text.bytes, v.text.length);
        if (v.text.bytes == NULL)
            return error_set(e, ERROR_FULL, "record: no room for the text of field \"%s\"",
                             field->name);
    }
    column_set(c, row, &v);
    return true;
}

bool event_decode(struct reader *in, const struct schema *s, struct frame *f, struct error *e)
{
    uint16_t count = reader_u16(in);

    if (in->failed || count != s->count)
        return error_set(e, ERROR_INVALID, "record: %u fields, the schema has %u", count, s->count);
    if (f->rows == f->capacity)
        return error_set(e, ERROR_FULL, "record: the frame has %u rows already", f->rows);
    for (uint32_t i = 0; i < s->count; i++) {
        if (!field_decode(in, &s->fields[i], f, &f->column[i], f->rows, e))
            return false;
    }
    f->rows++;
    return true;
}

static void skip_field(struct reader *in)
{
    uint8_t tag = reader_u8(in);

    if (tag == 1 + TYPE_TEXT)
        reader_get(in, (size_t)get_varint(in));
    else if (tag == 1 + TYPE_REAL)
        reader_double(in);
    else if (tag != 0)
        get_varint(in);
}

bool event_split(const struct schema *s, struct text event, struct buffer *open,
                 struct buffer *personal)
{
    struct reader in;
    uint16_t count;

    reader_init(&in, event.bytes, event.length);
    count = reader_u16(&in);
    if (count != s->count)
        return false;
    buffer_add_u16(open, count);
    for (uint32_t i = 0; i < s->count && !in.failed; i++) {
        const char *first = (const char *)in.at;
        struct text field;

        skip_field(&in);
        field = (struct text){first, (size_t)((const char *)in.at - first)};
        if (!s->fields[i].is_personal) {
            buffer_add_slice(open, field);
            continue;
        }
        buffer_add_u8(open, 0);
        if (field.length > 1) {
            buffer_add_u16(personal, (uint16_t)i);
            buffer_add_slice(personal, field);
        }
    }
    return !in.failed && !open->overflow && !personal->overflow;
}

bool event_add_personal(struct text personal, const struct schema *s, struct frame *f,
                        struct error *e)
{
    struct reader in;

    reader_init(&in, personal.bytes, personal.length);
    while (reader_left(&in) > 0) {
        uint16_t field = reader_u16(&in);

        if (in.failed || field >= s->count)
            return error_set(e, ERROR_INVALID, "record: its personal part has a field %u of %u",
                             field, s->count);
        if (!field_decode(&in, &s->fields[field], f, &f->column[field], f->rows - 1, e))
            return false;
    }
    return true;
}

struct text event_own_part(const struct schema *s, struct text event)
{
    struct reader in;
    const char *first;

    reader_init(&in, event.bytes, event.length);
    reader_u16(&in);
    first = (const char *)in.at;
    if (s->count == 0 || !s->fields[s->count - 1].is_looked_up)
        return (struct text){first, reader_left(&in)};
    for (uint32_t i = 0; i < s->count && !s->fields[i].is_looked_up; i++)
        skip_field(&in);
    return in.failed ? event : (struct text){first, (size_t)((const char *)in.at - first)};
}
