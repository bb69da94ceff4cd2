#include "core/data/ubjson.h"

#include <string.h>

#include "core/base/memory.h"

/* One pass over the bytes. The first fault ends it. */
struct parse {
    const uint8_t *start;
    struct reader in;
    struct arena *memory;
    struct error *e;
};

/* A container's optional "$ type" and "# count". */
struct shape {
    uint8_t type; /* 0: each item says its own */
    bool is_counted;
    uint32_t count;
};

static bool wrong(struct parse *p, const char *what)
{
    return error_set(p->e, ERROR_INVALID, "not valid UBJSON: %s, at byte %zu", what,
                     (size_t)(p->in.at - p->start));
}

static bool no_memory(struct parse *p)
{
    return error_set(p->e, ERROR_FULL, "the UBJSON document needs more than %d MiB of memory",
                     JSON_MEMORY_MAX >> 20);
}

static uint64_t big_endian(struct parse *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | reader_u8(&p->in);
    return v;
}

static bool read_whole(struct parse *p, uint8_t type, int64_t *v)
{
    switch (type) {
    case 'i':
        *v = (int64_t)(big_endian(p, 1) ^ 0x80) - 0x80; /* sign of eight bits */
        break;
    case 'U':
        *v = (int64_t)big_endian(p, 1);
        break;
    case 'I':
        *v = (int16_t)big_endian(p, 2);
        break;
    case 'l':
        *v = (int32_t)big_endian(p, 4);
        break;
    case 'L':
        *v = (int64_t)big_endian(p, 8);
        break;
    default:
        return wrong(p, "expected a whole number");
    }
    return !p->in.failed || wrong(p, "it ends inside a number");
}

static bool read_length(struct parse *p, uint32_t *length)
{
    int64_t v = 0;

    *length = 0;
    if (!read_whole(p, reader_u8(&p->in), &v))
        return false;
    /* Every item has at least one byte, so no honest count is greater than what is left. */
    if (v < 0 || (uint64_t)v > reader_left(&p->in))
        return wrong(p, "a length is negative or greater than the file");
    *length = (uint32_t)v;
    return true;
}

static bool read_text(struct parse *p, struct text *t)
{
    uint32_t length;
    const char *bytes;

    if (!read_length(p, &length))
        return false;
    bytes = reader_get(&p->in, length);
    *t = (struct text){bytes, length};
    if (!text_is_utf8(*t))
        return wrong(p, "a text is not UTF-8");
    t->bytes = arena_text(p->memory, bytes, length);
    return t->bytes != NULL || no_memory(p);
}

static bool read_real(struct parse *p, uint8_t type, struct json *out)
{
    uint64_t bits = big_endian(p, type == 'd' ? 4 : 8);
    uint32_t bits32 = (uint32_t)bits;
    float single;

    if (type == 'd') {
        memcpy(&single, &bits32, sizeof single);
        out->real = (double)single;
    } else {
        memcpy(&out->real, &bits, sizeof out->real);
    }
    out->kind = JSON_REAL;
    return !p->in.failed || wrong(p, "it ends inside a number");
}

static bool read_value(struct parse *p, uint8_t type, unsigned depth, struct json *out);

static bool read_shape(struct parse *p, struct shape *s)
{
    *s = (struct shape){0};
    if (reader_left(&p->in) > 0 && *p->in.at == '$') {
        reader_u8(&p->in);
        s->type = reader_u8(&p->in);
        if (s->type == 0 || strchr("iUIlLdDCS[{", s->type) == NULL)
            return wrong(p, "a container's items are of no type that takes bytes");
        if (reader_left(&p->in) == 0 || *p->in.at != '#')
            return wrong(p, "a typed container has no count");
    }
    if (reader_left(&p->in) > 0 && *p->in.at == '#') {
        reader_u8(&p->in);
        s->is_counted = true;
        return read_length(p, &s->count);
    }
    return true;
}

/* More items than room: an array twice as long in the arena. */
static void *wider(struct parse *p, void *old, uint32_t count, uint32_t *room, size_t item)
{
    uint32_t twice = *room == 0 ? 8 : 2 * *room;
    void *array;

    if (count < *room)
        return old;
    array = arena_alloc(p->memory, twice * item);
    if (array != NULL && count > 0)
        memcpy(array, old, count * item);
    *room = twice;
    return array;
}

static bool at_end(struct parse *p, const struct shape *s, uint32_t count, uint8_t bracket)
{
    if (s->is_counted)
        return count == s->count;
    while (reader_left(&p->in) > 0 && *p->in.at == 'N')
        reader_u8(&p->in);
    if (reader_left(&p->in) > 0 && *p->in.at == bracket) {
        reader_u8(&p->in);
        return true;
    }
    return false;
}

static bool is_repeated(const struct json *object, struct text key)
{
    for (uint32_t i = 0; i < object->count; i++) {
        if (text_equal(object->keys[i], key))
            return true;
    }
    return false;
}

static bool read_key(struct parse *p, struct json *out, uint32_t *room)
{
    enum { MEMBERS_MAX = 256 };
    struct text key;

    if (out->count == MEMBERS_MAX)
        return wrong(p, "an object has over 256 members");
    out->keys = wider(p, out->keys, out->count, room, sizeof *out->keys);
    if (out->keys == NULL)
        return no_memory(p);
    if (!read_text(p, &key))
        return false;
    if (is_repeated(out, key))
        return wrong(p, "a key appears twice in one object");
    out->keys[out->count] = key;
    return true;
}

static bool read_container(struct parse *p, bool is_object, unsigned depth, struct json *out)
{
    uint32_t room = 0, key_room = 0;
    struct shape s;

    out->kind = is_object ? JSON_OBJECT : JSON_ARRAY;
    if (depth == JSON_DEPTH_MAX)
        return wrong(p, "it is nested too deep");
    if (!read_shape(p, &s))
        return false;
    if (s.is_counted && s.count > 0) {
        room = s.count;
        out->items = arena_alloc(p->memory, room * sizeof *out->items);
        if (out->items == NULL)
            return no_memory(p);
    }
    while (!at_end(p, &s, out->count, is_object ? '}' : ']')) {
        struct json item = {0};

        if (is_object && !read_key(p, out, &key_room))
            return false;
        if (!read_value(p, s.type != 0 ? s.type : reader_u8(&p->in), depth + 1, &item))
            return false;
        out->items = wider(p, out->items, out->count, &room, sizeof *out->items);
        if (out->items == NULL)
            return no_memory(p);
        out->items[out->count++] = item;
    }
    return true;
}

static bool read_value(struct parse *p, uint8_t type, unsigned depth, struct json *out)
{
    *out = (struct json){0};
    if (p->in.failed)
        return wrong(p, "it ends inside a value");
    switch (type) {
    case 'Z':
        out->kind = JSON_NULL;
        return true;
    case 'T':
    case 'F':
        out->kind = JSON_BOOL;
        out->boolean = type == 'T';
        return true;
    case 'd':
    case 'D':
        return read_real(p, type, out);
    case 'S':
        out->kind = JSON_TEXT;
        return read_text(p, &out->text);
    case '[':
    case '{':
        return read_container(p, type == '{', depth, out);
    default:
        out->kind = JSON_INT;
        if (!read_whole(p, type, &out->integer))
            return false;
        out->real = (double)out->integer;
        return true;
    }
}

struct json_document *ubjson_parse(const void *bytes, size_t length, struct error *e)
{
    struct json_document *d = mem_alloc(sizeof *d);
    struct parse p = {.start = bytes, .memory = &d->memory, .e = e};
    bool good;

    arena_init(&d->memory, JSON_MEMORY_MAX);
    reader_init(&p.in, bytes, length);
    if (length > JSON_BYTES_MAX)
        good = error_set(e, ERROR_INVALID, "%zu bytes of UBJSON, at most %d MiB are read", length,
                         JSON_BYTES_MAX >> 20);
    else
        good = read_value(&p, reader_u8(&p.in), 0, &d->root);
    if (good && reader_left(&p.in) > 0)
        good = wrong(&p, "bytes follow its end");
    if (good)
        return d;
    json_free(d);
    return NULL;
}
