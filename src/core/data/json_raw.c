#include "core/data/json_raw.h"

#include "core/data/json_split.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip(struct text *t, const char *also)
{
    while (t->length > 0 &&
           (is_space(t->bytes[0]) || memchr(also, t->bytes[0], strlen(also)) != NULL)) {
        t->bytes++;
        t->length--;
    }
}

static struct text take(struct text *t)
{
    struct text value = {t->bytes, json_value_length(t->bytes, t->length, true)};

    t->bytes += value.length;
    t->length -= value.length;
    return value;
}

enum json_kind json_raw_kind(struct text value)
{
    skip(&value, "");
    switch (value.length > 0 ? value.bytes[0] : 'n') {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_TEXT;
    case 't':
    case 'f':
        return JSON_BOOL;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_REAL;
    }
}

void json_items_init(struct json_items *i, struct text value)
{
    enum json_kind kind = json_raw_kind(value);

    *i = (struct json_items){.is_object = kind == JSON_OBJECT};
    if (kind != JSON_OBJECT && kind != JSON_ARRAY)
        return;
    skip(&value, "");
    i->left = (struct text){value.bytes + 1, value.length - 1};
}

bool json_items_next(struct json_items *i, struct text *key, struct text *value)
{
    *key = (struct text){"", 0};
    skip(&i->left, ",");
    if (i->left.length == 0 || i->left.bytes[0] == ']' || i->left.bytes[0] == '}')
        return false;
    if (i->is_object) {
        struct text quoted = take(&i->left);

        if (quoted.length < 2)
            return false;
        *key = (struct text){quoted.bytes + 1, quoted.length - 2};
        skip(&i->left, ":");
    }
    *value = take(&i->left);
    return value->length > 0;
}

/* ---- text ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool take_unit(struct text *t, uint32_t *unit)
{
    *unit = 0;
    if (t->length < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(t->bytes[i]);

        if (digit < 0)
            return false;
        *unit = *unit << 4 | (uint32_t)digit;
    }
    t->bytes += 4;
    t->length -= 4;
    return true;
}

static void add_code_point(struct buffer *out, uint32_t c)
{
    if (c < 0x80) {
        buffer_add_char(out, (char)c);
        return;
    }
    if (c < 0x800) {
        buffer_add_char(out, (char)(0xc0 | c >> 6));
    } else {
        if (c < 0x10000) {
            buffer_add_char(out, (char)(0xe0 | c >> 12));
        } else {
            buffer_add_char(out, (char)(0xf0 | c >> 18));
            buffer_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
        }
        buffer_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
    }
    buffer_add_char(out, (char)(0x80 | (c & 0x3f)));
}

/* What follows a backslash and `u`. */
static bool add_unit(struct buffer *out, struct text *t)
{
    uint32_t high, low;

    if (!take_unit(t, &high))
        return false;
    if (high >= 0xd800 && high < 0xdc00) {
        if (t->length < 2 || t->bytes[0] != '\\' || t->bytes[1] != 'u')
            return false;
        *t = (struct text){t->bytes + 2, t->length - 2};
        if (!take_unit(t, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    add_code_point(out, high);
    return true;
}

static bool add_unescaped(struct buffer *out, struct text t)
{
    static const char escapes[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";

    while (t.length > 0) {
        const char *back = memchr(t.bytes, '\\', t.length), *found;
        size_t plain = back != NULL ? (size_t)(back - t.bytes) : t.length;
        char c;

        buffer_add(out, t.bytes, plain);
        t = (struct text){t.bytes + plain, t.length - plain};
        if (back == NULL)
            return true;
        if (t.length < 2)
            return false;
        c = t.bytes[1];
        t = (struct text){t.bytes + 2, t.length - 2};
        found = memchr(escapes, c, sizeof escapes - 1);
        if (found != NULL)
            buffer_add_char(out, bytes[found - escapes]);
        else if (c != 'u' || !add_unit(out, &t))
            return false;
    }
    return true;
}

bool json_raw_text(struct text value, struct buffer *out)
{
    value = text_trim(value);
    if (value.length < 2 || value.bytes[0] != '"' || value.bytes[value.length - 1] != '"')
        return false;
    return add_unescaped(out, (struct text){value.bytes + 1, value.length - 2});
}

/* Whether a key as it stands, escapes and all, is this one. */
static bool is_key(struct text stands, struct text key)
{
    struct buffer plain;
    bool is;

    if (stands.length == 0 || memchr(stands.bytes, '\\', stands.length) == NULL)
        return text_equal(stands, key);
    buffer_init(&plain, stands.length + 1);
    is = add_unescaped(&plain, stands) && text_equal((struct text){plain.bytes, plain.length}, key);
    buffer_fini(&plain);
    return is;
}

struct text json_raw_member(struct text object, struct text key)
{
    struct json_items items;
    struct text k, value;

    json_items_init(&items, object);
    while (items.is_object && json_items_next(&items, &k, &value)) {
        if (is_key(k, key))
            return value;
    }
    return (struct text){"", 0};
}

void json_add_compact(struct buffer *b, struct text value)
{
    size_t begin = 0;
    bool in_text = false;

    for (size_t i = 0; i < value.length; i++) {
        if (in_text && value.bytes[i] == '\\') {
            i++;
        } else if (value.bytes[i] == '"') {
            in_text = !in_text;
        } else if (!in_text && is_space(value.bytes[i])) {
            buffer_add(b, value.bytes + begin, i - begin);
            begin = i + 1;
        }
    }
    buffer_add(b, value.bytes + begin, value.length - begin);
}
