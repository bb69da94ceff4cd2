/* Names and literals of a tree, and the walk over it. */
#include "core/lang/check.h"

#include <stdio.h>

#include "core/base/calendar.h"
#include "core/base/number.h"
#include "core/base/panic.h"

const char *lang_type_word(enum type t)
{
    return t == (enum type)TYPE_NONE ? "null" : type_name(t);
}

int check_full(struct checker *c, const struct tree *t, int node)
{
    if (node < 0) {
        lang_fail(c->source, t->at, "expected at most %d nodes in all features together",
                  LANG_PROGRAM_NODES_MAX);
        return -1;
    }
    if (c->program->nodes[node].height > LANG_HEIGHT_MAX) {
        lang_fail(c->source, t->at, "expected nesting of at most %d with all features written out",
                  LANG_HEIGHT_MAX);
        return -1;
    }
    return node;
}

/* The label under its own word: bare `label`, where the event has one. */
bool lang_is_label(const struct program *p, const struct tree *t)
{
    return t->kind == TREE_PATH && !t->is_quoted && text_is(t->text, "label") &&
           p->schema->label != FIELD_NONE;
}

int lang_named_find(const struct named *list, uint32_t count, struct text name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (text_is(name, list[i].name))
            return (int)i;
    }
    return -1;
}

static int refuse_label(struct checker *c, const struct tree *t)
{
    lang_fail(c->source, t->at,
              "\"%.*s\" is the label, which is not known when the event is decided: reading it "
              "looks ahead; expected it only in mean(label), sum(label) or count(label)",
              TEXT_ARG(t->text));
    return -2;
}

int lang_filled(struct program *p, int field)
{
    enum type type = p->schema->fields[field].type;
    int args[2] = {node_field(p, field)};

    if (p->missing == NULL || p->missing[field] < 0 || args[0] < 0)
        return args[0];
    args[1] = p->missing[field];
    return node_call(p, overload_of("coalesce", type), args, 2, type, 0, NULL);
}

int check_name(struct checker *c, const struct tree *t)
{
    struct program *p = c->program;
    int field, feature;

    if (lang_is_label(p, t))
        return refuse_label(c, t);
    field = schema_find(p->schema, t->text);
    if (field == FIELD_NONE && !t->is_quoted && text_is(t->text, "time"))
        field = p->schema->time;
    if (field != FIELD_NONE) {
        if (field == p->schema->label)
            return refuse_label(c, t);
        return c->is_key || c->is_raw ? node_field(p, field) : lang_filled(p, field);
    }
    feature = c->is_key ? -1 : lang_named_find(p->features, p->feature_count, t->text);
    return feature >= 0 ? p->features[feature].node : -1;
}

static const char *nearest_name(const struct program *p, struct text name)
{
    struct text *names = mem_array(p->schema->count + p->feature_count + 1, sizeof *names);
    size_t count = 0;
    int nearest;

    for (uint32_t i = 0; i < p->schema->count; i++)
        names[count++] = text_of(p->schema->fields[i].name);
    for (uint32_t i = 0; i < p->feature_count; i++)
        names[count++] = text_of(p->features[i].name);
    if (p->schema->time != FIELD_NONE)
        names[count++] = text_of("time");
    nearest = text_nearest(name, names, count);
    name = nearest >= 0 ? names[nearest] : (struct text){0};
    mem_free(names);
    return name.bytes; /* of a zero-terminated name that the program keeps */
}

int check_unknown(struct checker *c, const struct tree *t, const char *expected)
{
    const char *nearest = nearest_name(c->program, t->text);

    if (function_exists(t->text) && nearest == NULL)
        lang_fail(c->source, t->at, "expected %s, found the function \"%.*s\" without \"(\"",
                  expected, TEXT_ARG(t->text));
    else if (nearest != NULL)
        lang_fail(c->source, t->at, "expected %s, found \"%.*s\"; did you mean %.80s?", expected,
                  (int)(t->text.length > 40 ? 40 : t->text.length), t->text.bytes, nearest);
    else
        lang_fail(c->source, t->at, "expected %s, found \"%.*s\"", expected,
                  (int)(t->text.length > 40 ? 40 : t->text.length), t->text.bytes);
    return -1;
}

static int check_path(struct checker *c, const struct tree *t)
{
    int node = check_name(c, t);

    if (node == -1 && c->program->count < LANG_PROGRAM_NODES_MAX)
        return check_unknown(c, t, c->is_key ? "a field" : "a field or a feature");
    return node == -2 ? -1 : check_full(c, t, node);
}

/* A whole number is an int, one with at most 6 digits after the point a decimal, others real. */
static bool check_number(struct checker *c, const struct tree *t, struct value *v)
{
    bool is_whole = memchr(t->text.bytes, '.', t->text.length) == NULL &&
                    memchr(t->text.bytes, 'e', t->text.length) == NULL &&
                    memchr(t->text.bytes, 'E', t->text.length) == NULL;

    *v = (struct value){.type = TYPE_INT};
    if (is_whole && number_parse_int(t->text, &v->integer))
        return true;
    v->type = TYPE_DECIMAL;
    if (!is_whole && number_parse_decimal(t->text, '.', &v->integer))
        return true;
    v->type = TYPE_REAL;
    if (!is_whole && number_parse_real(t->text, '.', &v->real))
        return true;
    return lang_fail(c->source, t->at, "expected a number in range, found %.*s",
                     (int)(t->text.length > 40 ? 40 : t->text.length), t->text.bytes);
}

static bool negate_literal(struct value *v)
{
    if (v->type == TYPE_REAL)
        v->real = 0 - v->real;
    else if (v->type == TYPE_INT || v->type == TYPE_DECIMAL || v->type == TYPE_DURATION)
        v->integer = -v->integer; /* a literal is never INT64_MIN */
    else
        return false;
    return true;
}

bool check_literal(struct checker *c, const struct tree *t, struct value *v)
{
    switch (t->kind) {
    case TREE_NUMBER:
        return check_number(c, t, v);
    case TREE_STRING:
        *v = (struct value){.type = TYPE_TEXT, .text = t->text};
        return true;
    case TREE_BOOL:
        *v = (struct value){.type = TYPE_BOOL, .integer = text_is(t->text, "true")};
        return true;
    case TREE_DURATION:
        *v = (struct value){.type = TYPE_DURATION};
        if (duration_parse(t->text, &v->integer))
            return true;
        return lang_fail(c->source, t->at, "expected a duration in range, found %.*s",
                         (int)(t->text.length > 40 ? 40 : t->text.length), t->text.bytes);
    case TREE_CALL: /* the sign, as parse.c makes it in a set */
        if (!text_is(t->text, "neg") || !check_literal(c, t->first, v))
            return false;
        if (negate_literal(v))
            return true;
        return lang_fail(c->source, t->at, "expected a number after -, found %s",
                         lang_type_word(v->type));
    default:
        return lang_fail(c->source, t->at, "expected a literal");
    }
}

static int check_constant(struct checker *c, const struct tree *t)
{
    struct value v;

    if (t->kind == TREE_NULL)
        v = (struct value){.type = (enum type)TYPE_NONE, .is_null = true};
    else if (!check_literal(c, t, &v))
        return -1;
    return check_full(c, t, node_constant(c->program, &v));
}

/* A sign before a number is part of it: -5 is a constant. */
static int negate_constant(struct checker *c, const struct tree *t, int node)
{
    struct value v = c->program->nodes[node].value;

    return negate_literal(&v) ? check_full(c, t, node_constant(c->program, &v)) : -1;
}

static bool is_number_constant(const struct node *n)
{
    return n->kind == NODE_CONSTANT && !n->value.is_null &&
           (type_is_number(n->type) || n->type == TYPE_DURATION);
}

static int check_arguments(struct checker *c, const struct tree *t)
{
    int args[LANG_ARGS_MAX];
    uint32_t count = 0;

    if (t->count > LANG_ARGS_MAX) {
        lang_fail(c->source, t->at, "expected at most %d arguments of %.*s, found %u",
                  LANG_ARGS_MAX, TEXT_ARG(t->text), t->count);
        return -1;
    }
    for (const struct tree *a = t->first; a != NULL; a = a->next) {
        struct checker inner = *c;

        inner.is_raw |= text_is(t->text, "is null") && a->kind == TREE_PATH;
        args[count] = check_tree(&inner, a);
        if (args[count++] < 0)
            return -1;
    }
    if (text_is(t->text, "neg") && is_number_constant(&c->program->nodes[args[0]]))
        return negate_constant(c, t, args[0]);
    return check_call(c, t, args, count);
}

int check_tree(struct checker *c, const struct tree *t)
{
    switch (t->kind) {
    case TREE_PATH:
        return check_path(c, t);
    case TREE_CALL:
        return check_arguments(c, t);
    case TREE_IN:
        return check_in(c, t);
    case TREE_IN_LIST:
        return check_in_list(c, t);
    case TREE_AGGREGATE:
        return check_aggregate(c, t);
    default:
        return check_constant(c, t);
    }
}
