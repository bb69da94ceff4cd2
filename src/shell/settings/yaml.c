#include "shell/settings/yaml.h"

#include <yaml.h>

#include "core/data/json.h"

struct yaml {
    struct arena memory;
    const char *path;
    struct yaml_node *root;
};

/* One parse in progress. An arena that is full makes pieces NULL; `is_full` is then set and the
 * parse ends with an error, so that hostile input cannot take memory without bound. */
struct yaml_run {
    struct yaml *document;
    yaml_parser_t parser;
    const char *origin; /* NULL: the file */
    struct error *error;
};

static bool yaml_refuse(struct yaml_run *r, yaml_mark_t at, const char *words)
{
    if (r->origin != NULL)
        return error_set(r->error, ERROR_INVALID, "%s: %s", r->origin, words);
    return error_set(r->error, ERROR_INVALID, "%s:%zu:%zu: %s", r->document->path, at.line + 1,
                     at.column + 1, words);
}

static bool yaml_next(struct yaml_run *r, yaml_event_t *event)
{
    char words[256];

    if (yaml_parser_parse(&r->parser, event))
        return true;
    snprintf(words, sizeof words, "not YAML: %s%s%s",
             r->parser.problem != NULL ? r->parser.problem : "it cannot be read",
             r->parser.context != NULL ? " " : "",
             r->parser.context != NULL ? r->parser.context : "");
    return yaml_refuse(r, r->parser.problem_mark, words);
}

static struct yaml_node *yaml_node(struct yaml_run *r, enum yaml_kind kind, yaml_mark_t at)
{
    struct yaml_node *n = arena_alloc(&r->document->memory, sizeof *n);

    if (n == NULL) {
        yaml_refuse(r, at, "the document takes too much memory");
        return NULL;
    }
    n->kind = kind;
    n->origin = r->origin;
    if (r->origin == NULL) {
        n->line = (uint32_t)at.line + 1;
        n->column = (uint32_t)at.column + 1;
    }
    return n;
}

/* Room for one more item (and key, in a map); arrays grow at powers of two, the old ones staying
 * behind in the arena. */
static bool node_grow(struct yaml *y, struct yaml_node *n)
{
    size_t capacity = n->count ? 2 * (size_t)n->count : 1;
    struct yaml_node ***arrays[2] = {&n->item, n->kind == YAML_MAP ? &n->key : NULL};

    if (n->count == YAML_ITEMS_MAX)
        return false;
    if ((n->count & (n->count - 1)) != 0)
        return true;
    for (int i = 0; i < 2 && arrays[i] != NULL; i++) {
        struct yaml_node **grown = arena_alloc(&y->memory, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        if (n->count > 0)
            memcpy(grown, *arrays[i], n->count * sizeof *grown);
        *arrays[i] = grown;
    }
    return true;
}

static struct yaml_node *yaml_read(struct yaml_run *r, const yaml_event_t *event, int depth);

static uint32_t text_column(const yaml_event_t *event)
{
    yaml_scalar_style_t style = event->data.scalar.style;
    uint32_t column = (uint32_t)event->start_mark.column + 1;

    if (event->start_mark.line != event->end_mark.line)
        return 0;
    if (style == YAML_PLAIN_SCALAR_STYLE)
        return column;
    return style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE ? 0 : column + 1;
}

static struct yaml_node *yaml_read_scalar(struct yaml_run *r, const yaml_event_t *event)
{
    const char *bytes = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct text t = {bytes, length};
    struct yaml_node *n;

    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL) {
        yaml_refuse(r, event->start_mark, "anchors (&) and tags (!) are not taken here");
        return NULL;
    }
    if (memchr(bytes, 0, length) != NULL) {
        yaml_refuse(r, event->start_mark, "a NUL byte in a text");
        return NULL;
    }
    n = yaml_node(r, YAML_SCALAR, event->start_mark);
    if (n == NULL)
        return NULL;
    n->is_quoted = !is_plain;
    n->text_column = text_column(event);
    n->text = (struct text){arena_text(&r->document->memory, bytes, length), length};
    if (n->text.bytes == NULL) {
        yaml_refuse(r, event->start_mark, "the document takes too much memory");
        return NULL;
    }
    if (is_plain && (length == 0 || text_is(t, "~") || text_is(t, "null")))
        n->kind = YAML_EMPTY;
    return n;
}

static struct yaml_node *yaml_read_list(struct yaml_run *r, const yaml_event_t *start, int depth)
{
    struct yaml_node *n = yaml_node(r, YAML_LIST, start->start_mark);

    while (n != NULL) {
        yaml_event_t event;
        struct yaml_node *item;

        if (!yaml_next(r, &event))
            return NULL;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        item = yaml_read(r, &event, depth + 1);
        if (item != NULL && !node_grow(r->document, n)) {
            yaml_refuse(r, event.start_mark, "the list has too many items");
            item = NULL;
        }
        yaml_event_delete(&event);
        if (item == NULL)
            return NULL;
        n->item[n->count++] = item;
    }
    return n;
}

static bool yaml_read_key(struct yaml_run *r, const struct yaml_node *map,
                          const yaml_event_t *event, struct yaml_node **key)
{
    char words[200];
    struct yaml_node *before;

    if (event->type != YAML_SCALAR_EVENT)
        return yaml_refuse(r, event->start_mark, "expected the name of a key");
    *key = yaml_read_scalar(r, event);
    if (*key == NULL)
        return false;
    (*key)->kind = YAML_SCALAR; /* a key called null is a name like any other */
    for (uint32_t i = 0; i < map->count; i++) {
        before = map->key[i];
        if (!text_equal(before->text, (*key)->text))
            continue;
        snprintf(words, sizeof words, "\"%.60s\" stands here twice: it is in line %u too",
                 before->text.bytes, before->line);
        return yaml_refuse(r, event->start_mark, words);
    }
    return true;
}

static struct yaml_node *yaml_read_map(struct yaml_run *r, const yaml_event_t *start, int depth)
{
    struct yaml_node *n = yaml_node(r, YAML_MAP, start->start_mark);

    while (n != NULL) {
        yaml_event_t event;
        struct yaml_node *key = NULL, *value;
        bool ok;

        if (!yaml_next(r, &event))
            return NULL;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        ok = yaml_read_key(r, n, &event, &key);
        yaml_event_delete(&event);
        if (!ok || !yaml_next(r, &event))
            return NULL;
        value = yaml_read(r, &event, depth + 1);
        if (value != NULL && !node_grow(r->document, n)) {
            yaml_refuse(r, event.start_mark, "the map has too many keys");
            value = NULL;
        }
        yaml_event_delete(&event);
        if (value == NULL)
            return NULL;
        n->key[n->count] = key;
        n->item[n->count++] = value;
    }
    return n;
}

static struct yaml_node *yaml_read(struct yaml_run *r, const yaml_event_t *event, int depth)
{
    const char *words = "expected a value";

    if (depth > YAML_DEPTH_MAX) {
        yaml_refuse(r, event->start_mark, "nested too deep");
        return NULL;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return yaml_read_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor == NULL && event->data.sequence_start.tag == NULL)
            return yaml_read_list(r, event, depth);
        words = "anchors (&) and tags (!) are not taken here";
        break;
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor == NULL && event->data.mapping_start.tag == NULL)
            return yaml_read_map(r, event, depth);
        words = "anchors (&) and tags (!) are not taken here";
        break;
    case YAML_ALIAS_EVENT:
        words = "aliases (*) are not taken here: write the value out";
        break;
    default:
        break;
    }
    yaml_refuse(r, event->start_mark, words);
    return NULL;
}

/* The one document of the stream; an empty stream is an empty node. */
static struct yaml_node *yaml_read_stream(struct yaml_run *r)
{
    struct yaml_node *root = NULL;
    yaml_mark_t start = {0};

    for (;;) {
        yaml_event_t event;
        yaml_event_type_t type;

        if (!yaml_next(r, &event))
            return NULL;
        type = event.type;
        if (type == YAML_STREAM_END_EVENT) {
            yaml_event_delete(&event);
            return root != NULL ? root : yaml_node(r, YAML_EMPTY, start);
        }
        if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT ||
            type == YAML_DOCUMENT_END_EVENT) {
            yaml_event_delete(&event);
            continue;
        }
        if (root != NULL) {
            yaml_refuse(r, event.start_mark, "a second document (---): one is taken");
            yaml_event_delete(&event);
            return NULL;
        }
        root = yaml_read(r, &event, 1);
        yaml_event_delete(&event);
        if (root == NULL)
            return NULL;
    }
}

static struct yaml_node *yaml_run(struct yaml *y, struct text bytes, const char *origin,
                                  struct error *e)
{
    struct yaml_run r = {.document = y, .origin = origin, .error = e};
    struct yaml_node *n;

    if (!text_is_utf8(bytes)) {
        error_set(e, ERROR_INVALID, "%s: not UTF-8: save the text in that encoding",
                  origin != NULL ? origin : y->path);
        return NULL;
    }
    if (!yaml_parser_initialize(&r.parser)) {
        error_set(e, ERROR_FULL, "no memory to read YAML");
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes.bytes, bytes.length);
    n = yaml_read_stream(&r);
    yaml_parser_delete(&r.parser);
    return n;
}

bool yaml_parse(struct text bytes, const char *path, struct yaml **y, struct error *e)
{
    struct yaml *document = mem_alloc(sizeof *document);

    arena_init(&document->memory, YAML_MEMORY_MAX);
    document->path = yaml_keep(document, text_of(path));
    document->root = yaml_run(document, bytes, NULL, e);
    if (document->root == NULL) {
        yaml_close(document);
        return false;
    }
    *y = document;
    return true;
}

void yaml_close(struct yaml *y)
{
    if (y == NULL)
        return;
    arena_fini(&y->memory);
    mem_free(y);
}

struct yaml_node *yaml_root(struct yaml *y)
{
    return y->root;
}

struct yaml_node *yaml_get(const struct yaml_node *map, struct text key)
{
    if (map == NULL || map->kind != YAML_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->count; i++) {
        if (text_equal(map->key[i]->text, key))
            return map->item[i];
    }
    return NULL;
}

char *yaml_keep(struct yaml *y, struct text text)
{
    return arena_text(&y->memory, text.bytes, text.length);
}

struct yaml_node *yaml_value(struct yaml *y, struct text text, const char *origin, struct error *e)
{
    const char *kept = yaml_keep(y, text_of(origin));

    if (kept == NULL) {
        error_set(e, ERROR_INVALID, "%s: the settings take too much memory", origin);
        return NULL;
    }
    return yaml_run(y, text, kept, e);
}

struct yaml_node *yaml_scalar(struct yaml *y, struct text text, const struct yaml_node *like)
{
    struct yaml_node *n = arena_alloc(&y->memory, sizeof *n);
    const char *kept = yaml_keep(y, text);

    if (n == NULL || kept == NULL)
        return NULL;
    *n = (struct yaml_node){.kind = YAML_SCALAR, .is_quoted = true, .text = {kept, text.length}};
    n->origin = like->origin;
    n->line = like->line;
    n->column = like->column;
    return n;
}

struct yaml_node *yaml_map(struct yaml *y, const struct yaml_node *like)
{
    struct yaml_node *n = arena_alloc(&y->memory, sizeof *n);

    if (n == NULL)
        return NULL;
    *n = (struct yaml_node){.kind = YAML_MAP, .line = like->line, .column = like->column};
    n->origin = like->origin;
    return n;
}

bool yaml_put(struct yaml *y, struct yaml_node *map, struct text key, struct yaml_node *value)
{
    if (map->kind == YAML_EMPTY)
        map->kind = YAML_MAP;
    for (uint32_t i = 0; i < map->count; i++) {
        if (text_equal(map->key[i]->text, key)) {
            map->item[i] = value;
            return true;
        }
    }
    if (!node_grow(y, map))
        return false;
    map->key[map->count] = yaml_scalar(y, key, value);
    if (map->key[map->count] == NULL)
        return false;
    map->item[map->count++] = value;
    return true;
}

/* A plain scalar must not begin like another thing, contain ": " or " #", nor be taken for null;
 * what is not plainly harmless goes into quotes. */
static bool is_plain(struct text t, bool flow)
{
    const char *first = "-?:,[]{}#&*!|>'\"%@`~= ";

    if (t.length == 0 || t.length > 100 || memchr(first, t.bytes[0], strlen(first)) != NULL)
        return false;
    if (text_is(t, "null") || t.bytes[t.length - 1] == ' ' || t.bytes[t.length - 1] == ':')
        return false;
    for (size_t i = 0; i < t.length; i++) {
        unsigned char c = (unsigned char)t.bytes[i];

        if (c < ' ' || c >= 0x7f || (c == '#' && t.bytes[i - 1] == ' '))
            return false;
        if (c == ':' && t.bytes[i + 1] == ' ')
            return false;
        if (flow && memchr(",[]{}:", c, 6) != NULL)
            return false;
    }
    return true;
}

/* What YAML would refuse or fold inside quotes: controls, NEL, LS, PS, BOM, U+FFFE and U+FFFF.
 * Returns the length of such a character at the front of t, and its code; else 0. */
static size_t hidden(struct text t, unsigned *code)
{
    const unsigned char *p = (const unsigned char *)t.bytes;

    *code = p[0];
    if (p[0] < ' ' || p[0] == 0x7f)
        return 1;
    if (t.length >= 2 && p[0] == 0xc2 && p[1] < 0xa0) {
        *code = p[1];
        return 2;
    }
    if (t.length < 3 || (p[0] & 0xf0) != 0xe0)
        return 0;
    *code = (p[0] & 15u) << 12 | (p[1] & 63u) << 6 | (p[2] & 63u);
    return *code == 0x2028 || *code == 0x2029 || *code == 0xfeff || *code >= 0xfffe ? 3 : 0;
}

void yaml_print(struct text t, bool flow, struct buffer *out)
{
    if (is_plain(t, flow)) {
        buffer_add_slice(out, t);
        return;
    }
    buffer_add_char(out, '"');
    while (t.length > 0) {
        unsigned code;
        size_t length = hidden(t, &code);

        if (length > 0) {
            buffer_format(out, code < 256 ? "\\x%02x" : "\\u%04x", code);
        } else {
            if (t.bytes[0] == '"' || t.bytes[0] == '\\')
                buffer_add_char(out, '\\');
            buffer_add_char(out, t.bytes[0]);
            length = 1;
        }
        t.bytes += length;
        t.length -= length;
    }
    buffer_add_char(out, '"');
}

void yaml_comment(struct text words, struct buffer *out)
{
    bool is_ascii_only = !text_is_utf8(words); /* cut in the middle of a character, say */

    buffer_add_text(out, "# ");
    while (words.length > 0) {
        unsigned code;
        size_t length = hidden(words, &code);

        if (length > 0 || (is_ascii_only && (unsigned char)words.bytes[0] >= 0x80))
            buffer_add_char(out, ' ');
        else
            buffer_add_char(out, words.bytes[0]);
        length = length > 0 ? length : 1;
        words.bytes += length;
        words.length -= length;
    }
}

const struct yaml_node *yaml_to_json(const struct yaml_node *n, struct buffer *out)
{
    const struct yaml_node *bad = NULL;
    bool is_map = n->kind == YAML_MAP;

    if (n->kind == YAML_EMPTY)
        buffer_add_text(out, "null");
    if (n->kind == YAML_SCALAR) {
        if (!text_is_utf8(n->text))
            return n;
        json_add_text(out, n->text);
    }
    if (n->kind != YAML_MAP && n->kind != YAML_LIST)
        return NULL;
    buffer_add_char(out, is_map ? '{' : '[');
    for (uint32_t i = 0; i < n->count && bad == NULL; i++) {
        if (i > 0)
            buffer_add_text(out, ", ");
        if (is_map) {
            bad = yaml_to_json(n->key[i], out);
            buffer_add_text(out, ": ");
        }
        if (bad == NULL)
            bad = yaml_to_json(n->item[i], out);
    }
    buffer_add_char(out, is_map ? '}' : ']');
    return bad;
}
