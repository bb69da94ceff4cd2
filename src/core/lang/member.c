/* `x in (...)`: the set is sorted at compile time, so that the same members in another order are
 * the same node. */
#include "core/lang/check.h"

#include <stdlib.h>

#include "core/base/number.h"

static int compare_members(const void *left, const void *right)
{
    const struct value *a = left, *b = right;

    if (a->type == TYPE_TEXT)
        return text_compare(a->text, b->text);
    return a->integer < b->integer ? -1 : a->integer > b->integer;
}

/* Sorted, each once; the texts become the set's own. */
static struct set *set_new(enum type type, struct value *members, uint32_t count)
{
    struct set *s = mem_alloc(sizeof *s);

    qsort(members, count, sizeof *members, compare_members);
    s->type = type;
    s->members = mem_array(count, sizeof *s->members);
    for (uint32_t i = 0; i < count; i++) {
        struct value v = members[i];

        if (i > 0 && compare_members(&members[i - 1], &v) == 0)
            continue;
        if (type == TYPE_TEXT)
            v.text.bytes = mem_text(v.text.bytes, v.text.length);
        s->members[s->count++] = v;
    }
    return s;
}

static bool refuse_real(struct checker *c, const struct tree *t)
{
    return lang_fail(c->source, t->at,
                     "expected a set of exact values, found reals: equality of reals depends on "
                     "rounding, use near(a, b, tolerance)");
}

/* All members, of one type (int and decimal together are decimal). */
static bool read_members(struct checker *c, const struct tree *t, struct value *members,
                         enum type *type)
{
    uint32_t i = 0;

    for (const struct tree *m = t->first->next; m != NULL; m = m->next, i++) {
        if (!check_literal(c, m, &members[i]))
            return false;
        if (members[i].type == TYPE_REAL)
            return refuse_real(c, m);
        if (i == 0)
            *type = members[0].type;
        else if (type_is_number(*type) && type_is_number(members[i].type))
            *type = members[i].type > *type ? members[i].type : *type;
        else if (members[i].type != *type)
            return lang_fail(c->source, m->at, "expected a set of one type, found %s after %s",
                             type_name(members[i].type), type_name(*type));
    }
    return true;
}

static bool widen_members(struct checker *c, const struct tree *t, struct value *members,
                          uint32_t count, enum type type)
{
    for (uint32_t i = 0; i < count; i++) {
        if (members[i].type == TYPE_INT && type == TYPE_DECIMAL &&
            __builtin_mul_overflow(members[i].integer, DECIMAL_ONE, &members[i].integer))
            return lang_fail(c->source, t->at, "expected members that a decimal can hold");
        members[i].type = type;
    }
    return true;
}

static int check_members(struct checker *c, const struct tree *t, int operand,
                         struct value *members, uint32_t count)
{
    struct program *p = c->program;
    enum type type = TYPE_INT, left = p->nodes[operand].type;

    if (!read_members(c, t, members, &type))
        return -1;
    if (left == TYPE_REAL) {
        refuse_real(c, t);
        return -1;
    }
    if (type_is_number(left) && type_is_number(type)) {
        type = left > type ? left : type;
    } else if (left != type) {
        lang_fail(c->source, t->at, "expected a set of %s, found %s", lang_type_word(left),
                  type_name(type));
        return -1;
    }
    if (!widen_members(c, t, members, count, type))
        return -1;
    operand = check_convert(c, t, operand, type);
    if (operand < 0)
        return -1;
    return check_full(c, t,
                      node_call(p, overload_in(type), &operand, 1, TYPE_BOOL, NULL,
                                set_new(type, members, count)));
}

int check_in(struct checker *c, const struct tree *t)
{
    uint32_t count = t->count - 1;
    struct value *members;
    int node = check_tree(c, t->first);

    if (node < 0)
        return -1;
    if (count > LANG_SET_MAX) {
        lang_fail(c->source, t->at, "expected at most %d members of a set, found %u", LANG_SET_MAX,
                  count);
        return -1;
    }
    members = mem_array(count, sizeof *members);
    node = check_members(c, t, node, members, count);
    mem_free(members);
    return node;
}

/* ---- x in list(NAME) */

static int refuse_list_name(struct checker *c, const struct tree *t)
{
    const struct program *p = c->program;
    struct text names[LANG_LISTS_MAX];
    struct buffer known;
    int nearest;

    buffer_init(&known, ERROR_TEXT_MAX / 2);
    for (uint32_t i = 0; i < p->list_count; i++) {
        names[i] = text_of(p->lists[i].name);
        buffer_format(&known, "%s%s", i > 0 ? ", " : "", p->lists[i].name);
    }
    nearest = text_nearest(t->text, names, p->list_count);
    lang_fail(c->source, t->at, "expected the name of a list%s%s, found \"%.*s\"%s%s%s",
              known.length > 0 ? ": " : " (there is none: declare it under lists)",
              known.length > 0 ? buffer_text(&known) : "",
              (int)(t->text.length > 40 ? 40 : t->text.length), t->text.bytes,
              nearest >= 0 ? "; did you mean " : "", nearest >= 0 ? names[nearest].bytes : "",
              nearest >= 0 ? "?" : "");
    buffer_fini(&known);
    return -1;
}

/* A key must be the same whenever it is asked for, and a list changes. */
static bool is_list_fit(struct checker *c, const struct tree *t)
{
    return !c->is_key ||
           lang_fail(c->source, t->at, "expected a key of fields and constants, found a list");
}

int check_in_list(struct checker *c, const struct tree *t)
{
    struct program *p = c->program;
    struct literal literal = {0};
    uint32_t list = 0;
    enum type found;
    int operand;

    while (list < p->list_count && !text_is(t->text, p->lists[list].name))
        list++;
    if (list == p->list_count)
        return refuse_list_name(c, t);
    if (!is_list_fit(c, t))
        return -1;
    operand = check_tree(c, t->first);
    if (operand < 0)
        return -1;
    found = p->nodes[operand].type;
    if (found != p->lists[list].type && found != (enum type)TYPE_NONE &&
        (found != TYPE_INT || p->lists[list].type != TYPE_DECIMAL)) {
        lang_fail(c->source, t->at, "expected %s, as list(%s) holds, found %s",
                  type_name(p->lists[list].type), p->lists[list].name, lang_type_word(found));
        return -1;
    }
    operand = check_convert(c, t, operand, p->lists[list].type);
    if (operand < 0)
        return -1;
    literal.number = list;
    return check_full(c, t,
                      node_call(p, overload_in_list(), &operand, 1, TYPE_BOOL, &literal, NULL));
}
