// Reading JSON. simdjson's DOM checks the whole document (grammar, UTF-8, depth) before any of it
// is used; its on-demand mode would not. What it leaves to us: keys that appear twice, and types.
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <simdjson.h>

extern "C" {
#include "core/base/number.h"
#include "core/data/cell.h"
#include "core/data/json.h"
}

namespace dom = simdjson::dom;

namespace
{
enum { ROOM_FOR_WORDS = 220 };
enum { KEYS_PAIRWISE_MAX = 24 }; // up to here keys are compared each with each, then sorted
} // namespace

struct json_reader {
    dom::parser parser;
    uint32_t *guess = nullptr; // the field that the n-th key was last time: most events are alike
    uint64_t *seen = nullptr;  // by field: the event that last had it
    uint32_t capacity = 0;
    uint64_t event = 0;

    json_reader() : parser(JSON_BYTES_MAX)
    {
    }
};

extern "C" struct json_reader *json_reader_new(void)
{
    return new json_reader();
}

extern "C" void json_reader_free(struct json_reader *r)
{
    if (r == NULL)
        return;
    mem_free(r->guess);
    mem_free(r->seen);
    delete r;
}

extern "C" void problems_add(struct problems *p, const char *pointer, const char *format, ...)
{
    va_list args;

    if (p->count == JSON_PROBLEMS_MAX) {
        p->more++;
        return;
    }
    struct problem *item = &p->items[p->count++];
    snprintf(item->pointer, sizeof item->pointer, "%s", pointer);
    va_start(args, format);
    vsnprintf(item->detail, sizeof item->detail, format, args);
    va_end(args);
}

namespace
{
struct text text_from(std::string_view s)
{
    return {s.data(), s.size()};
}

int key_order(const void *a, const void *b)
{
    return text_compare(*static_cast<const struct text *>(a), *static_cast<const struct text *>(b));
}

// A key that the object has twice; false where there is none.
bool find_repeated(dom::object object, struct text *repeated)
{
    struct text few[KEYS_PAIRWISE_MAX];
    size_t count = 0;
    bool found = false;

    for (dom::key_value_pair member : object) {
        struct text key = text_from(member.key);

        if (count == KEYS_PAIRWISE_MAX) {
            count = SIZE_MAX;
            break;
        }
        for (size_t i = 0; i < count; i++) {
            if (text_equal(few[i], key)) {
                *repeated = key;
                return true;
            }
        }
        few[count++] = key;
    }
    if (count != SIZE_MAX)
        return false;
    count = 0;
    for (dom::key_value_pair member : object) {
        (void)member;
        count++;
    }
    struct text *all = static_cast<struct text *>(mem_array(count, sizeof *all));
    size_t i = 0;
    for (dom::key_value_pair member : object)
        all[i++] = text_from(member.key);
    qsort(all, count, sizeof *all, key_order);
    for (i = 1; i < count && !found; i++) {
        found = text_equal(all[i - 1], all[i]);
        *repeated = all[i];
    }
    mem_free(all);
    return found;
}

// The same in the element and all below it. Depth is bounded by the parser.
bool find_repeated_below(dom::element e, struct text *repeated)
{
    if (e.is_array()) {
        for (dom::element item : dom::array(e)) {
            if (find_repeated_below(item, repeated))
                return true;
        }
        return false;
    }
    if (!e.is_object())
        return false;
    if (find_repeated(dom::object(e), repeated))
        return true;
    for (dom::key_value_pair member : dom::object(e)) {
        if (find_repeated_below(member.value, repeated))
            return true;
    }
    return false;
}

const char *kind_word(dom::element e)
{
    switch (e.type()) {
    case dom::element_type::ARRAY:
        return "an array";
    case dom::element_type::OBJECT:
        return "an object";
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
        return "a number";
    case dom::element_type::STRING:
        return "text";
    case dom::element_type::BOOL:
        return "true or false";
    case dom::element_type::NULL_VALUE:
        return "null";
    }
    return "something else";
}

const char *wanted_word(enum type type)
{
    static const char *const words[TYPES] = {
        "true or false",          "a whole number",      "a number", "a number", "text",
        "a time (RFC 3339 text)", "a duration (\"90m\")"};

    return words[type];
}

// One event being read.
struct event {
    struct json_reader *r;
    const struct schema *schema;
    struct frame *frame;
    enum json_unknown unknown;
    struct problems *problems;
    int kind; // of the schema's, KIND_NONE: it has one only
};

void pointer_of(const struct event *ev, const struct field *f, char out[FIELD_NAME_MAX + 2])
{
    snprintf(out, FIELD_NAME_MAX + 2, "/%s",
             schema_name_of(ev->schema, ev->kind, (int)(f - ev->schema->fields)));
}

// A kind may write its time in a way of its own.
enum time_layout layout_of(const struct event *ev, const struct field *f)
{
    bool is_shared = ev->kind != KIND_NONE && f - ev->schema->fields == ev->schema->time;

    return is_shared ? ev->schema->kinds[ev->kind].layout : f->layout;
}

void bad_value(struct event *ev, const struct field *f, dom::element e, enum fault fault)
{
    char pointer[FIELD_NAME_MAX + 2];

    pointer_of(ev, f, pointer);
    if (!e.is_string() || fault == FAULT_NONE) {
        problems_add(ev->problems, pointer, "expected %s, found %s", wanted_word(f->type),
                     kind_word(e));
        return;
    }
    struct text t = text_from(std::string_view(e));
    problems_add(ev->problems, pointer, "expected %s, found \"%.*s\"%s: %s", wanted_word(f->type),
                 (int)(t.length < 60 ? t.length : 60), t.bytes, t.length > 60 ? "..." : "",
                 fault_text(fault));
}

bool whole_number(dom::element e, int64_t *v)
{
    double real;

    if (e.get(*v) == simdjson::SUCCESS)
        return true;
    if (!e.is_double() || e.get(real) != simdjson::SUCCESS)
        return false;
    if (!(std::fabs(real) <= 0x1p53) || real != std::floor(real))
        return false;
    *v = (int64_t)real;
    return true;
}

bool decimal_number(dom::element e, int64_t *v)
{
    int64_t whole;
    double real;

    if (e.get(whole) == simdjson::SUCCESS)
        return !__builtin_mul_overflow(whole, DECIMAL_ONE, v);
    return e.get(real) == simdjson::SUCCESS && cell_decimal_from_real(real, v);
}

// A number as a time: its digits by the field's layout.
bool time_number(dom::element e, enum time_layout layout, int64_t *us)
{
    char digits[NUMBER_TEXT_MAX];
    int64_t whole;
    double real;

    if (layout < TIME_UNIX_S)
        return false;
    if (e.get(whole) == simdjson::SUCCESS)
        number_format_int(whole, digits);
    else if (e.is_double() && e.get(real) == simdjson::SUCCESS)
        number_format_real(real, digits);
    else
        return false;
    return time_parse(text_of(digits), layout, us);
}

// What stands without quotes in a text field: ids are often written so. Numbers by their shortest
// digits.
bool bare_text(dom::element e, char digits[NUMBER_TEXT_MAX], struct text *t)
{
    int64_t whole;
    uint64_t large;
    double real;
    unsigned length;

    if (e.is_bool()) {
        *t = text_of(bool(e) ? "true" : "false");
        return true;
    }
    if (e.get(whole) == simdjson::SUCCESS)
        length = number_format_int(whole, digits);
    else if (e.is_uint64() && e.get(large) == simdjson::SUCCESS)
        length = (unsigned)snprintf(digits, NUMBER_TEXT_MAX, "%llu", (unsigned long long)large);
    else if (e.get(real) == simdjson::SUCCESS)
        length = number_format_real(real, digits);
    else
        return false;
    *t = (struct text){digits, length};
    return true;
}

bool typed_number(const struct event *ev, const struct field *f, dom::element e, struct value *v)
{
    switch (f->type) {
    case TYPE_INT:
        return whole_number(e, &v->integer);
    case TYPE_DECIMAL:
        return decimal_number(e, &v->integer);
    case TYPE_REAL:
        return e.get(v->real) == simdjson::SUCCESS;
    case TYPE_TIME:
        return time_number(e, layout_of(ev, f), &v->integer);
    case TYPE_BOOL:
        return whole_number(e, &v->integer) && (v->integer == 0 || v->integer == 1);
    default:
        return false;
    }
}

bool store_text(struct event *ev, const struct field *f, dom::element e, struct text t,
                struct value *v)
{
    enum fault fault = cell_check_text(t);

    if (fault != FAULT_NONE) {
        bad_value(ev, f, e, fault);
        return false;
    }
    v->text = (struct text){arena_text(&ev->frame->text, t.bytes, t.length), t.length};
    if (v->text.bytes == NULL)
        problems_add(ev->problems, "", "the event's texts are too long together");
    return v->text.bytes != NULL;
}

// Lists and objects in a text field are kept as their JSON.
bool store_nested(struct event *ev, const struct field *f, dom::element e, struct value *v)
{
    std::string minified = simdjson::minify(e);

    return store_text(ev, f, e, (struct text){minified.data(), minified.size()}, v);
}

// An event's id is a text or a whole number: true, 1.5, [] and {} are somebody's mistake, and would
// be the same id for all their events.
bool is_id(const struct event *ev, const struct field *f, dom::element e)
{
    int64_t whole;

    return f - ev->schema->fields != ev->schema->id || e.is_string() || e.is_uint64() ||
           whole_number(e, &whole);
}

bool typed_value(struct event *ev, const struct field *f, dom::element e, struct value *v)
{
    char digits[NUMBER_TEXT_MAX];
    struct text t;

    if (!is_id(ev, f, e)) {
        char pointer[FIELD_NAME_MAX + 2];

        pointer_of(ev, f, pointer);
        problems_add(ev->problems, pointer, "an id is text or a whole number, found %s",
                     kind_word(e));
        return false;
    }
    if (f->type == TYPE_TEXT) {
        if (e.is_string())
            return store_text(ev, f, e, text_from(std::string_view(e)), v);
        if (e.is_array() || e.is_object())
            return store_nested(ev, f, e, v);
        if (bare_text(e, digits, &t))
            return store_text(ev, f, e, t, v);
    } else if (e.is_string()) {
        t = text_from(std::string_view(e));
        v->is_null = text_trim(t).length == 0;
        struct field as = *f;

        as.layout = layout_of(ev, f);
        enum fault fault = v->is_null ? FAULT_NONE : cell_parse(t, &as, v);

        if (fault == FAULT_NONE)
            return true;
        bad_value(ev, f, e, fault);
        return false;
    } else if (f->type == TYPE_BOOL && e.is_bool()) {
        v->integer = bool(e);
        return true;
    } else if (typed_number(ev, f, e, v)) {
        return true;
    }
    bad_value(ev, f, e, FAULT_NONE);
    return false;
}

void read_member(struct event *ev, int index, dom::element e)
{
    const struct field *f = &ev->schema->fields[index];
    struct value v = {};
    char pointer[FIELD_NAME_MAX + 2];

    if (ev->r->seen[index] == ev->r->event) {
        pointer_of(ev, f, pointer);
        problems_add(ev->problems, pointer, "the key appears twice");
        return;
    }
    if (f->is_looked_up) {
        pointer_of(ev, f, pointer);
        problems_add(ev->problems, pointer, "is looked up in a table: leave it out");
        return;
    }
    ev->r->seen[index] = ev->r->event;
    v.type = f->type;
    v.is_null = e.is_null();
    if (!v.is_null && !typed_value(ev, f, e, &v))
        v.is_null = true;
    column_set(&ev->frame->column[index], ev->frame->rows, &v);
}

// "a login has no such field (payment has)"
const char *foreign_words(const struct event *ev, struct text name, char out[ROOM_FOR_WORDS])
{
    const struct schema *s = ev->schema;
    const char *other = NULL;

    for (uint32_t k = 0; k < s->kind_count && other == NULL; k++) {
        if (schema_find_of(s, (int)k, name) != FIELD_NONE)
            other = s->kinds[k].name;
    }
    snprintf(out, ROOM_FOR_WORDS, "an event of the kind \"%.60s\" has no such field%s%.60s%s",
             s->kinds[ev->kind].name, other != NULL ? ", \"" : "", other != NULL ? other : "",
             other != NULL ? "\" has it" : "");
    return out;
}

void unknown_key(struct event *ev, struct text name)
{
    char pointer[FIELD_NAME_MAX + 2], words[ROOM_FOR_WORDS];
    const char *nearest;

    if (ev->unknown == JSON_UNKNOWN_SKIP)
        return;
    snprintf(pointer, sizeof pointer, "/%.*s", TEXT_ARG(name));
    nearest = schema_nearest_of(ev->schema, ev->kind, name);
    if (ev->kind != KIND_NONE && nearest != NULL)
        problems_add(ev->problems, pointer, "%s; did you mean \"%s\"?",
                     foreign_words(ev, name, words), nearest);
    else if (ev->kind != KIND_NONE)
        problems_add(ev->problems, pointer, "%s", foreign_words(ev, name, words));
    else if (nearest != NULL)
        problems_add(ev->problems, pointer, "no such field; did you mean \"%s\"?", nearest);
    else
        problems_add(ev->problems, pointer, "no such field");
}

int find_field(struct event *ev, struct text name, uint32_t position)
{
    int index;

    if (position < ev->schema->count) {
        uint32_t guess = ev->r->guess[position];

        if (guess < ev->schema->count && schema_has(ev->schema, ev->kind, (int)guess) &&
            text_is(name, schema_name_of(ev->schema, ev->kind, (int)guess)))
            return (int)guess;
    }
    index = schema_find_of(ev->schema, ev->kind, name);
    if (index != FIELD_NONE && position < ev->schema->count)
        ev->r->guess[position] = (uint32_t)index;
    return index;
}

// Whether the schema has fields "name.x", made from objects one level down.
bool has_fields_below(const struct schema *s, struct text name)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const char *field = s->fields[i].name;

        if (strncmp(field, name.bytes, name.length) == 0 && field[name.length] == '.')
            return true;
    }
    return false;
}

void read_nested(struct event *ev, struct text outer, dom::object object, uint32_t position)
{
    char name[FIELD_NAME_MAX + 1];

    for (dom::key_value_pair member : object) {
        struct text key = text_from(member.key), full;
        int index;

        if (outer.length + 1 + key.length > FIELD_NAME_MAX) {
            unknown_key(ev, key);
            continue;
        }
        memcpy(name, outer.bytes, outer.length);
        name[outer.length] = '.';
        memcpy(name + outer.length + 1, key.bytes, key.length);
        full = (struct text){name, outer.length + 1 + key.length};
        index = find_field(ev, full, position++);
        if (index == FIELD_NONE)
            unknown_key(ev, full);
        else
            read_member(ev, index, member.value);
    }
}

void read_root(struct event *ev, dom::element root)
{
    uint32_t position = 0;
    bool any_unknown = false, any_nested = false;
    struct text repeated;

    for (dom::key_value_pair member : dom::object(root)) {
        struct text key = text_from(member.key);
        int index = find_field(ev, key, position++);

        any_nested |= member.value.is_object() || member.value.is_array();
        if (index != FIELD_NONE) {
            read_member(ev, index, member.value);
        } else if (member.value.is_object() && has_fields_below(ev->schema, key)) {
            read_nested(ev, key, dom::object(member.value), position);
            any_unknown = true;
        } else {
            unknown_key(ev, key);
            any_unknown = true;
        }
    }
    // Known keys were checked on the way.
    if ((any_unknown || any_nested) && ev->problems->count == 0 &&
        find_repeated_below(root, &repeated))
        problems_add(ev->problems, "", "the key \"%.*s\" appears twice",
                     (int)(repeated.length < 100 ? repeated.length : 100), repeated.bytes);
}

// An event of several kinds says of which it is before its other fields mean anything.
bool find_kind(struct event *ev, dom::element root)
{
    const struct schema *s = ev->schema;
    std::string_view name;

    ev->kind = KIND_NONE;
    if (s->kind == FIELD_NONE)
        return true;
    if (dom::object(root)[KIND_FIELD].get(name) == simdjson::SUCCESS)
        ev->kind = schema_find_kind(s, text_from(name));
    if (ev->kind != KIND_NONE)
        return true;
    char known[ROOM_FOR_WORDS] = "";
    for (uint32_t k = 0; k < s->kind_count; k++) {
        size_t used = strlen(known);

        snprintf(known + used, sizeof known - used, "%s%s", k > 0 ? ", " : "", s->kinds[k].name);
    }
    problems_add(ev->problems, "/" KIND_FIELD, "expected the event's kind, one of: %s", known);
    return false;
}

void begin_event(struct json_reader *r, uint32_t fields)
{
    if (fields > r->capacity) {
        r->guess = static_cast<uint32_t *>(mem_resize(r->guess, fields, sizeof *r->guess));
        r->seen = static_cast<uint64_t *>(mem_resize(r->seen, fields, sizeof *r->seen));
        for (uint32_t i = r->capacity; i < fields; i++) {
            r->guess[i] = i;
            r->seen[i] = 0;
        }
        r->capacity = fields;
    }
    r->event++;
}

simdjson::error_code parse(struct json_reader *r, const char *bytes, size_t length,
                           dom::element *root)
{
    if (length > JSON_BYTES_MAX)
        return simdjson::CAPACITY;
    if (r->parser.max_depth() != JSON_DEPTH_MAX + 1) {
        // It refuses depth >= its limit (and does not count an empty innermost list).
        simdjson::error_code code = r->parser.allocate(4096, JSON_DEPTH_MAX + 1);

        if (code != simdjson::SUCCESS)
            return code;
    }
    // Nothing at all comes without an address; simdjson wants one.
    return r->parser.parse(length > 0 ? bytes : "", length).get(*root);
}
} // namespace

extern "C" bool json_read_event(struct json_reader *r, const char *bytes, size_t length,
                                const struct schema *s, enum json_unknown unknown, struct frame *f,
                                struct problems *problems)
{
    struct event ev = {r, s, f, unknown, problems, KIND_NONE};
    uint32_t before = problems->count + problems->more;
    dom::element root;
    simdjson::error_code code = parse(r, bytes, length, &root);

    if (code != simdjson::SUCCESS) {
        problems_add(problems, "", "not valid JSON: %s", simdjson::error_message(code));
        return false;
    }
    if (!root.is_object()) {
        problems_add(problems, "", "expected an object, found %s", kind_word(root));
        return false;
    }
    if (f->rows == f->capacity) {
        problems_add(problems, "", "no room for another event");
        return false;
    }
    if (!find_kind(&ev, root))
        return false;
    begin_event(r, s->count);
    read_root(&ev, root);
    if (problems->count + problems->more != before)
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        if (r->seen[i] != r->event)
            column_set_null(&f->column[i], f->rows);
    }
    f->rows++;
    return true;
}

namespace
{
bool copy_element(struct arena *a, dom::element e, struct json *out);

bool copy_text(struct arena *a, std::string_view s, struct text *out)
{
    *out = (struct text){arena_text(a, s.data(), s.size()), s.size()};
    return out->bytes != NULL;
}

bool copy_object(struct arena *a, dom::object object, struct json *out)
{
    uint32_t i = 0;

    for (dom::key_value_pair member : object) {
        (void)member;
        out->count++;
    }
    out->keys = static_cast<struct text *>(arena_alloc(a, out->count * sizeof *out->keys));
    out->items = static_cast<struct json *>(arena_alloc(a, out->count * sizeof *out->items));
    if (out->keys == NULL || out->items == NULL)
        return false;
    for (dom::key_value_pair member : object) {
        if (!copy_text(a, member.key, &out->keys[i]) ||
            !copy_element(a, member.value, &out->items[i++]))
            return false;
    }
    return true;
}

bool copy_array(struct arena *a, dom::array array, struct json *out)
{
    uint32_t i = 0;

    for (dom::element item : array) {
        (void)item;
        out->count++;
    }
    out->items = static_cast<struct json *>(arena_alloc(a, out->count * sizeof *out->items));
    if (out->items == NULL)
        return false;
    for (dom::element item : array) {
        if (!copy_element(a, item, &out->items[i++]))
            return false;
    }
    return true;
}

bool copy_element(struct arena *a, dom::element e, struct json *out)
{
    switch (e.type()) {
    case dom::element_type::OBJECT:
        out->kind = JSON_OBJECT;
        return copy_object(a, dom::object(e), out);
    case dom::element_type::ARRAY:
        out->kind = JSON_ARRAY;
        return copy_array(a, dom::array(e), out);
    case dom::element_type::STRING:
        out->kind = JSON_TEXT;
        return copy_text(a, std::string_view(e), &out->text);
    case dom::element_type::BOOL:
        out->kind = JSON_BOOL;
        out->boolean = bool(e);
        return true;
    case dom::element_type::INT64:
        out->kind = JSON_INT;
        out->integer = int64_t(e);
        out->real = (double)out->integer;
        return true;
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
        out->kind = JSON_REAL;
        out->real = double(e) + 0.0;
        return true;
    case dom::element_type::NULL_VALUE:
        out->kind = JSON_NULL;
        return true;
    }
    return false;
}
} // namespace

extern "C" struct json_document *json_parse(struct json_reader *r, const char *bytes, size_t length,
                                            struct error *e)
{
    dom::element root;
    struct text repeated;
    simdjson::error_code code = parse(r, bytes, length, &root);

    if (code != simdjson::SUCCESS) {
        error_set(e, ERROR_INVALID, "not valid JSON: %s", simdjson::error_message(code));
        return NULL;
    }
    if (find_repeated_below(root, &repeated)) {
        error_set(e, ERROR_INVALID, "not usable JSON: the key \"%.*s\" appears twice in one object",
                  (int)(repeated.length < 100 ? repeated.length : 100), repeated.bytes);
        return NULL;
    }
    struct json_document *d = static_cast<struct json_document *>(mem_alloc(sizeof *d));
    arena_init(&d->memory, JSON_MEMORY_MAX);
    if (!copy_element(&d->memory, root, &d->root)) {
        error_set(e, ERROR_FULL, "the JSON document needs more than %d MiB of memory",
                  JSON_MEMORY_MAX >> 20);
        json_free(d);
        return NULL;
    }
    return d;
}
