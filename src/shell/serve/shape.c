#include "shell/serve/shape.h"

#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/data/cell.h"

enum node_kind { SHAPE_NULL, SHAPE_PATH, SHAPE_EXPRESSION, SHAPE_OBJECT, SHAPE_ARRAY, SHAPE_EACH };

struct shape_node {
    enum node_kind kind;
    struct text key;  /* in its object */
    struct text path; /* SHAPE_PATH, SHAPE_EACH */
    int program_node; /* SHAPE_EXPRESSION */
    uint32_t child;   /* the first one; object, array, each */
    uint32_t next;    /* sibling; 0: none */
};

struct shapes {
    struct schema *names;
    struct program *program;
    struct arena text;
    uint32_t count; /* node 0 is none */
    struct shape_node node[SHAPE_NODES_MAX];
};

struct shapes *shapes_new(struct schema *names)
{
    struct shapes *s = mem_alloc(sizeof *s);

    s->names = names;
    s->program = program_new(names);
    arena_init(&s->text, JSON_MEMORY_MAX);
    s->count = 1;
    return s;
}

void shapes_free(struct shapes *s)
{
    if (s == NULL)
        return;
    program_free(s->program);
    schema_free(s->names);
    arena_fini(&s->text);
    mem_free(s);
}

void shapes_finish(struct shapes *s)
{
    program_finish(s->program);
}

/* ---- compiling ---- */

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name_char(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9');
}

/* NAME{.NAME or .NUMBER}, and no word of the language. */
static bool is_path(struct text t)
{
    static const char *const words[] = {"true", "false", "null"};
    unsigned parts = 1;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (text_is(t, words[i]))
            return false;
    }
    if (t.length == 0 || !is_name_start(t.bytes[0]))
        return false;
    for (size_t i = 1; i < t.length; i++) {
        if (t.bytes[i] == '.' && ++parts <= SHAPE_PATH_PARTS_MAX && i + 1 < t.length &&
            is_name_char(t.bytes[i + 1]))
            continue;
        if (!is_name_char(t.bytes[i]))
            return false;
    }
    return true;
}

static struct text keep(struct shapes *s, struct text t)
{
    return (struct text){arena_text(&s->text, t.bytes, t.length), t.length};
}

static struct shape_node *new_node(struct shapes *s, const char *place, uint32_t *number,
                                   struct error *e)
{
    if (s->count == SHAPE_NODES_MAX) {
        error_set(e, ERROR_INVALID, "%s: over %d values", place, SHAPE_NODES_MAX);
        return NULL;
    }
    *number = s->count;
    return &s->node[s->count++];
}

static bool set_expression(struct shapes *s, struct shape_node *n, const char *place,
                           struct text source, bool is_condition, struct error *e)
{
    n->kind = SHAPE_EXPRESSION;
    if (is_condition
            ? !program_add_condition(s->program, text_of(place), source, &n->program_node, e)
            : !program_add_feature(s->program, text_of(place), source, &n->program_node, e))
        return false;
    if (program_aggregate_count(s->program) == 0)
        return true;
    return error_set(e, ERROR_INVALID,
                     "%s: aggregates need the events before; make it a feature of the settings",
                     place);
}

static bool set_scalar(struct shapes *s, struct shape_node *n, const char *place,
                       struct text source, struct error *e)
{
    source = text_trim(source);
    if (source.length == 0)
        return true;
    if (!is_path(source))
        return set_expression(s, n, place, source, false, e);
    n->kind = SHAPE_PATH;
    n->path = keep(s, source);
    return true;
}

int shapes_add_scalar(struct shapes *s, const char *place, struct text source, bool is_condition,
                      struct error *e)
{
    uint32_t number;
    struct shape_node *n = new_node(s, place, &number, e);

    if (n == NULL || (is_condition ? !set_expression(s, n, place, source, true, e)
                                   : !set_scalar(s, n, place, source, e)))
        return -1;
    return (int)number;
}

static bool add_value(struct shapes *s, const char *place, const struct json *v, uint32_t *number,
                      struct error *e);

static bool is_each(const struct json *v)
{
    return v->kind == JSON_OBJECT && v->count == 2 && json_get(v, "each") != NULL &&
           json_get(v, "as") != NULL;
}

static bool set_each(struct shapes *s, uint32_t self, const char *place, const struct json *v,
                     struct error *e)
{
    const struct json *path = json_get(v, "each");
    uint32_t child;

    if (path->kind != JSON_TEXT || !is_path(path->text))
        return error_set(e, ERROR_INVALID, "%s.each: expected a path of names such as decisions",
                         place);
    s->node[self].kind = SHAPE_EACH;
    s->node[self].path = keep(s, path->text);
    if (!add_value(s, place, json_get(v, "as"), &child, e))
        return false;
    s->node[self].child = child;
    return true;
}

static bool set_children(struct shapes *s, uint32_t self, const char *place, const struct json *v,
                         struct error *e)
{
    char below[LANG_TEXT_MAX];
    uint32_t last = 0, child;

    s->node[self].kind = v->kind == JSON_OBJECT ? SHAPE_OBJECT : SHAPE_ARRAY;
    for (uint32_t i = 0; i < v->count; i++) {
        if (v->kind == JSON_OBJECT)
            snprintf(below, sizeof below, "%s.%.*s", place, TEXT_ARG(v->keys[i]));
        else
            snprintf(below, sizeof below, "%s.%u", place, i);
        if (!add_value(s, below, &v->items[i], &child, e))
            return false;
        if (v->kind == JSON_OBJECT)
            s->node[child].key = keep(s, v->keys[i]);
        if (last == 0)
            s->node[self].child = child;
        else
            s->node[last].next = child;
        last = child;
    }
    return true;
}

static bool add_value(struct shapes *s, const char *place, const struct json *v, uint32_t *number,
                      struct error *e)
{
    struct shape_node *n = new_node(s, place, number, e);

    if (n == NULL)
        return false;
    if (v->kind == JSON_TEXT)
        return set_scalar(s, n, place, v->text, e);
    if (is_each(v))
        return set_each(s, *number, place, v, e);
    if (v->kind == JSON_OBJECT || v->kind == JSON_ARRAY)
        return set_children(s, *number, place, v, e);
    return true;
}

int shapes_add(struct shapes *s, const char *place, struct text json, struct error *e)
{
    struct json_reader *reader = json_reader_new();
    struct json_document *d = json_parse(reader, json.bytes, json.length, e);
    uint32_t number = 0;
    bool ok = d != NULL && add_value(s, place, &d->root, &number, e);

    json_free(d);
    json_reader_free(reader);
    return ok ? (int)number : -1;
}

/* ---- names ---- */

static const struct json *member_of(const struct json *v, struct text name)
{
    uint32_t index = 0;

    if (v->kind == JSON_ARRAY) {
        for (size_t i = 0; i < name.length; i++) {
            if (name.bytes[i] < '0' || name.bytes[i] > '9' || index > UINT32_MAX / 16)
                return NULL;
            index = index * 10 + (uint32_t)(name.bytes[i] - '0');
        }
        return index < v->count ? &v->items[index] : NULL;
    }
    for (uint32_t i = 0; v->kind == JSON_OBJECT && i < v->count; i++) {
        if (text_equal(v->keys[i], name))
            return &v->items[i];
    }
    return NULL;
}

static struct text first_part(struct text *path)
{
    const char *dot = memchr(path->bytes, '.', path->length);
    struct text part = *path;

    if (dot == NULL) {
        path->length = 0;
        return part;
    }
    part.length = (size_t)(dot - path->bytes);
    *path = (struct text){dot + 1, path->length - part.length - 1};
    return part;
}

static const struct json *first_of(const struct shape_scope *scope, struct text name)
{
    const struct json *found = NULL;

    if (scope->item != NULL)
        found = text_is(name, "item") ? scope->item : member_of(scope->item, name);
    for (uint32_t i = 0; found == NULL && i < scope->extras; i++) {
        if (text_is(name, scope->extra[i].name))
            found = &scope->extra[i].value;
    }
    return found == NULL && scope->root != NULL ? member_of(scope->root, name) : found;
}

static const struct json *look_up(const struct shape_scope *scope, struct text path)
{
    const struct json *at = first_of(scope, first_part(&path));

    while (at != NULL && path.length > 0)
        at = member_of(at, first_part(&path));
    return at;
}

/* ---- expressions ---- */

/* The member as a value of the type; what is no such thing is null. */
static void cell_of(const struct json *v, enum type type, struct value *cell)
{
    *cell = (struct value){.type = type, .is_null = true};
    if (v == NULL)
        return;
    if (type == TYPE_BOOL && v->kind == JSON_BOOL)
        cell->integer = v->boolean;
    else if (type == TYPE_INT && v->kind == JSON_INT)
        cell->integer = v->integer;
    else if (type == TYPE_REAL && (v->kind == JSON_REAL || v->kind == JSON_INT))
        cell->real = v->real;
    else if (type == TYPE_DECIMAL && (v->kind == JSON_REAL || v->kind == JSON_INT)) {
        if (!cell_decimal_from_real(v->real, &cell->integer))
            return;
    } else if (type == TYPE_TEXT && v->kind == JSON_TEXT)
        cell->text = v->text;
    else if (type == TYPE_TIME && v->kind == JSON_TEXT) {
        if (!time_parse(v->text, TIME_ISO, &cell->integer))
            return;
    } else
        return;
    cell->is_null = false;
}

/* Runs the program over the scope's names and gives the node's value, whose text is the run's. */
struct evaluation {
    struct frame frame;
    struct registers registers;
};

static struct value evaluate(const struct shapes *s, int node, const struct shape_scope *scope,
                             struct evaluation *run)
{
    frame_init(&run->frame, s->names, 1, TEXT_MAX);
    run->frame.rows = 1;
    for (uint32_t i = 0; i < s->names->count; i++) {
        const struct field *f = &s->names->fields[i];
        struct value cell;

        cell_of(look_up(scope, text_of(f->name)), f->type, &cell);
        column_set(&run->frame.column[i], 0, &cell);
    }
    registers_init(&run->registers, s->program, 1);
    registers_begin(&run->registers, &run->frame, 0, 1);
    program_run(s->program, &run->registers, 0);
    return column_get(&run->registers.column[node], 0);
}

static void evaluation_fini(struct evaluation *run)
{
    registers_fini(&run->registers);
    frame_fini(&run->frame);
}

/* ---- filling ---- */

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

static void fill_expression(const struct shapes *s, int node, const struct shape_scope *scope,
                            struct buffer *out)
{
    struct evaluation run;
    struct value v = evaluate(s, node, scope, &run);

    json_add_value(out, &v);
    evaluation_fini(&run);
}

static void fill_each(const struct shapes *s, const struct shape_node *n,
                      const struct shape_scope *scope, struct buffer *out)
{
    const struct json *array = look_up(scope, n->path);
    struct shape_scope inside = *scope;

    buffer_add_char(out, '[');
    for (uint32_t i = 0; array != NULL && array->kind == JSON_ARRAY && i < array->count; i++) {
        inside.item = &array->items[i];
        if (i > 0)
            buffer_add_char(out, ',');
        shape_fill(s, (int)n->child, &inside, out);
    }
    buffer_add_char(out, ']');
}

static void fill_children(const struct shapes *s, const struct shape_node *n,
                          const struct shape_scope *scope, struct buffer *out)
{
    bool is_object = n->kind == SHAPE_OBJECT;

    buffer_add_char(out, is_object ? '{' : '[');
    for (uint32_t child = n->child; child != 0; child = s->node[child].next) {
        if (child != n->child)
            buffer_add_char(out, ',');
        if (is_object) {
            json_add_text(out, s->node[child].key);
            buffer_add_char(out, ':');
        }
        shape_fill(s, (int)child, scope, out);
    }
    buffer_add_char(out, is_object ? '}' : ']');
}

void shape_fill(const struct shapes *s, int shape, const struct shape_scope *scope,
                struct buffer *out)
{
    const struct shape_node *n = &s->node[shape];
    const struct json *found;

    switch (n->kind) {
    case SHAPE_NULL:
        buffer_add_text(out, "null");
        break;
    case SHAPE_PATH:
        found = look_up(scope, n->path);
        if (found != NULL)
            json_add_json(out, found);
        else
            buffer_add_text(out, "null");
        break;
    case SHAPE_EXPRESSION:
        fill_expression(s, n->program_node, scope, out);
        break;
    case SHAPE_EACH:
        fill_each(s, n, scope, out);
        break;
    case SHAPE_OBJECT:
    case SHAPE_ARRAY:
        fill_children(s, n, scope, out);
        break;
    }
}

bool shape_holds(const struct shapes *s, int shape, const struct shape_scope *scope)
{
    struct evaluation run;
    struct value v = evaluate(s, s->node[shape].program_node, scope, &run);
    bool holds = !v.is_null && v.integer != 0;

    evaluation_fini(&run);
    return holds;
}

bool shape_text(const struct shapes *s, int shape, const struct shape_scope *scope,
                struct buffer *out)
{
    const struct shape_node *n = &s->node[shape];
    const struct json *found = n->kind == SHAPE_PATH ? look_up(scope, n->path) : NULL;
    struct evaluation run;
    struct value v;

    if (n->kind != SHAPE_EXPRESSION) {
        if (found != NULL && found->kind == JSON_TEXT)
            buffer_add_slice(out, found->text);
        else if (found != NULL && found->kind != JSON_NULL)
            json_add_json(out, found);
        return found != NULL && found->kind != JSON_NULL;
    }
    v = evaluate(s, n->program_node, scope, &run);
    if (!v.is_null && v.type == TYPE_TEXT)
        buffer_add_slice(out, v.text);
    else if (!v.is_null && v.type == TYPE_TIME) {
        char time[TIME_TEXT_MAX];

        buffer_add(out, time, time_format(v.integer, time));
    } else if (!v.is_null)
        json_add_value(out, &v);
    evaluation_fini(&run);
    return !v.is_null;
}
