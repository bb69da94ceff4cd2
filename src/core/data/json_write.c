#include "core/data/json.h"

#include <math.h>

#include "core/base/number.h"

void json_free(struct json_document *d)
{
    if (d == NULL)
        return;
    arena_fini(&d->memory);
    mem_free(d);
}

const struct json *json_get(const struct json *object, const char *key)
{
    if (object == NULL || object->kind != JSON_OBJECT)
        return NULL;
    for (uint32_t i = 0; i < object->count; i++) {
        if (text_is(object->keys[i], key))
            return &object->items[i];
    }
    return NULL;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != 0x7f;
}

static void add_control(struct buffer *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    switch (c) {
    case '\n':
        buffer_add_text(b, "\\n");
        break;
    case '\r':
        buffer_add_text(b, "\\r");
        break;
    case '\t':
        buffer_add_text(b, "\\t");
        break;
    default:
        buffer_add(b, escape, sizeof escape);
    }
}

/* Bytes that are not UTF-8 become U+FFFD one by one: what is written is always valid JSON. */
static size_t add_beyond_ascii(struct buffer *b, struct text t, size_t at)
{
    for (size_t length = 2; length <= 4 && at + length <= t.length; length++) {
        if (text_is_utf8((struct text){t.bytes + at, length})) {
            buffer_add(b, t.bytes + at, length);
            return length;
        }
    }
    buffer_add_text(b, "\xef\xbf\xbd");
    return 1;
}

void json_add_text(struct buffer *b, struct text t)
{
    size_t at = 0;

    buffer_add_char(b, '"');
    while (at < t.length) {
        unsigned char c = (unsigned char)t.bytes[at];
        size_t plain = at;

        while (plain < t.length && is_plain((unsigned char)t.bytes[plain]))
            plain++;
        if (plain > at) {
            buffer_add(b, t.bytes + at, plain - at);
            at = plain;
            continue;
        }
        if (c >= 0x80) {
            at += add_beyond_ascii(b, t, at);
            continue;
        }
        if (c == '"' || c == '\\') {
            buffer_add_char(b, '\\');
            buffer_add_char(b, (char)c);
        } else {
            add_control(b, c);
        }
        at++;
    }
    buffer_add_char(b, '"');
}

void json_add_int(struct buffer *b, int64_t v)
{
    char digits[NUMBER_TEXT_MAX];

    buffer_add(b, digits, number_format_int(v, digits));
}

void json_add_real(struct buffer *b, double v)
{
    char digits[NUMBER_TEXT_MAX];

    if (!isfinite(v))
        buffer_add_text(b, "null");
    else
        buffer_add(b, digits, number_format_real(v, digits));
}

static void add_quoted(struct buffer *b, const char *bytes, size_t length)
{
    buffer_add_char(b, '"');
    buffer_add(b, bytes, length);
    buffer_add_char(b, '"');
}

void json_add_value(struct buffer *b, const struct value *v)
{
    char out[NUMBER_TEXT_MAX];

    if (v->is_null) {
        buffer_add_text(b, "null");
        return;
    }
    switch (v->type) {
    case TYPE_BOOL:
        buffer_add_text(b, v->integer ? "true" : "false");
        break;
    case TYPE_INT:
        json_add_int(b, v->integer);
        break;
    case TYPE_DECIMAL:
        buffer_add(b, out, number_format_decimal(v->integer, out));
        break;
    case TYPE_REAL:
        json_add_real(b, v->real);
        break;
    case TYPE_TEXT:
        json_add_text(b, v->text);
        break;
    case TYPE_TIME:
        add_quoted(b, out, time_format(v->integer, out));
        break;
    case TYPE_DURATION:
        add_quoted(b, out, duration_format(v->integer, out));
        break;
    case TYPES:
        break;
    }
}

void json_add_json(struct buffer *b, const struct json *v)
{
    switch (v->kind) {
    case JSON_NULL:
        buffer_add_text(b, "null");
        break;
    case JSON_BOOL:
        buffer_add_text(b, v->boolean ? "true" : "false");
        break;
    case JSON_INT:
        json_add_int(b, v->integer);
        break;
    case JSON_REAL:
        json_add_real(b, v->real);
        break;
    case JSON_TEXT:
        json_add_text(b, v->text);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        buffer_add_char(b, v->kind == JSON_ARRAY ? '[' : '{');
        for (uint32_t i = 0; i < v->count; i++) {
            if (i > 0)
                buffer_add_char(b, ',');
            if (v->kind == JSON_OBJECT) {
                json_add_text(b, v->keys[i]);
                buffer_add_char(b, ':');
            }
            json_add_json(b, &v->items[i]);
        }
        buffer_add_char(b, v->kind == JSON_ARRAY ? ']' : '}');
        break;
    }
}
