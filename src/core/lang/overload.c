/* Which row of the function table fits the types of the arguments.
 *
 * A row fits where each argument has the parameter's type or is a narrower number (int < decimal <
 * real). Of the rows that fit the one with the fewest and smallest conversions is taken, the first
 * of the table where two are equal.
 */
#include "core/lang/check.h"

#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/panic.h"
#include "core/lang/pattern.h"

enum { MISFIT = 1000 };

static enum type type_of(const struct checker *c, int node)
{
    return c->program->nodes[node].type;
}

static unsigned widening(enum type from, enum type to)
{
    if (from == to)
        return 0;
    if (from == (enum type)TYPE_NONE || !type_is_number(from) || !type_is_number(to) || from > to)
        return MISFIT;
    return to - from;
}

static unsigned param_of(const struct overload *row, uint32_t argument)
{
    return row->params[argument < row->count ? argument : row->count - 1u];
}

/* The one type of all arguments for PARAM_SAME, or TYPE_NONE where there is none. */
static enum type same_type(const struct checker *c, const struct overload *row, const int *args,
                           uint32_t count)
{
    enum type same = (enum type)TYPE_NONE;

    for (uint32_t i = 0; i < count; i++) {
        enum type t = type_of(c, args[i]);

        if (param_of(row, i) != PARAM_SAME || t == (enum type)TYPE_NONE)
            continue;
        if (same == (enum type)TYPE_NONE)
            same = t;
        else if (type_is_number(same) && type_is_number(t))
            same = t > same ? t : same;
        else if (t != same)
            return (enum type)TYPE_NONE;
    }
    return same;
}

static unsigned argument_cost(const struct overload *row, enum type t, unsigned param,
                              enum type same)
{
    if (param == PARAM_ANY)
        return t == (enum type)TYPE_NONE ? MISFIT : 0;
    if (param != PARAM_SAME)
        return widening(t, (enum type)param);
    if (t == (enum type)TYPE_NONE)
        return row->takes_null ? 0 : MISFIT;
    return widening(t, same);
}

/* MISFIT or more where the row does not fit. `count` is without a literal argument. */
static unsigned row_cost(const struct checker *c, const struct overload *row, const int *args,
                         uint32_t count)
{
    enum type same;
    unsigned cost = 0;

    if (count < row->count || (count > row->count && !row->is_variadic))
        return MISFIT;
    same = same_type(c, row, args, count);
    for (uint32_t i = 0; i < count; i++) {
        if (param_of(row, i) == PARAM_SAME &&
            (same == (enum type)TYPE_NONE || !(row->same >> same & 1)))
            return MISFIT;
        cost += argument_cost(row, type_of(c, args[i]), param_of(row, i), same);
    }
    return cost;
}

static const char *function_signature(struct text name)
{
    size_t count;
    const struct function_info *info = lang_functions(&count);

    for (size_t i = 0; i < count; i++) {
        if (text_is(name, info[i].name))
            return info[i].signature;
    }
    return NULL;
}

static int fail_unknown(struct checker *c, const struct tree *t)
{
    struct text names[128];
    size_t count;
    const struct function_info *info = lang_functions(&count);
    int nearest;

    for (size_t i = 0; i < count; i++)
        names[i] = text_of(info[i].name);
    for (int i = 0; i < AGG_KINDS; i++)
        names[count++] = text_of(aggregate_name((enum aggregate_kind)i));
    for (size_t i = 0; lang_derived_name(i) != NULL; i++)
        names[count++] = text_of(lang_derived_name(i));
    nearest = text_nearest(t->text, names, count);
    lang_fail(c->source, t->at, "expected a function or an aggregate, found \"%.*s\"%s%s%s",
              (int)(t->text.length > 40 ? 40 : t->text.length), t->text.bytes,
              nearest >= 0 ? "; did you mean " : "", nearest >= 0 ? names[nearest].bytes : "",
              nearest >= 0 ? "?" : "");
    return -1;
}

static void list_types(const struct checker *c, const int *args, uint32_t count, char *out,
                       size_t size)
{
    size_t used = 0;

    out[0] = 0;
    for (uint32_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "",
                                 lang_type_word(type_of(c, args[i])));
}

static bool has_type(const struct checker *c, const int *args, uint32_t count, enum type type)
{
    for (uint32_t i = 0; i < count; i++) {
        if (type_of(c, args[i]) == type)
            return true;
    }
    return false;
}

static int fail_operator(struct checker *c, const struct tree *t, const int *args, uint32_t count)
{
    bool is_equality = text_is(t->text, "=") || text_is(t->text, "!=");
    bool is_logic = text_is(t->text, "and") || text_is(t->text, "or") || text_is(t->text, "not");
    char types[256];
    const char *hint = "";

    list_types(c, args, count, types, sizeof types);
    if (is_equality && has_type(c, args, count, TYPE_REAL))
        hint = ": equality of reals depends on rounding, use near(a, b, tolerance)";
    else if (has_type(c, args, count, (enum type)TYPE_NONE))
        hint = ": use \"is null\", \"is not null\" or coalesce(x, ...)";
    else if (has_type(c, args, count, TYPE_TEXT))
        hint = ": nothing converts text by itself, use number(x) or text(x)";
    lang_fail(c->source, t->at, "expected %s %s %.*s, found %s%s",
              is_logic ? "bool" : "types that fit", count > 1 ? "on both sides of" : "after",
              text_is(t->text, "neg") ? 1 : (int)t->text.length,
              text_is(t->text, "neg") ? "-" : t->text.bytes, types, hint);
    return -1;
}

static int fail_types(struct checker *c, const struct tree *t, const int *args, uint32_t count)
{
    const char *signature = function_signature(t->text);
    char types[256];

    if (signature == NULL)
        return function_exists(t->text) ? fail_operator(c, t, args, count) : fail_unknown(c, t);
    list_types(c, args, count, types, sizeof types);
    lang_fail(c->source, t->at, "expected %s, found %.*s(%s)", signature, TEXT_ARG(t->text), types);
    return -1;
}

static bool read_zone(struct checker *c, const struct tree *t, struct text zone, struct literal *l)
{
    struct error why;

    return program_read_zone(c->program, zone, l, &why) ||
           lang_fail(c->source, t->at, "%s", why.text);
}

static bool read_pattern(struct checker *c, const struct tree *t, struct text pattern,
                         struct literal *l)
{
    char words[PATTERN_WORDS_MAX];
    size_t at;

    l->pattern = pattern_new(pattern, words, &at);
    return l->pattern != NULL ||
           lang_fail(c->source, t->at, "expected a pattern, found a mistake at byte %zu of it: %s",
                     at + 1, words);
}

static bool read_digits(const struct node *n, struct literal *l)
{
    l->number = n->value.integer;
    return n->type == TYPE_INT && l->number >= 0 && l->number <= 6;
}

/* The literal at the end of the arguments, where the row has one. */
static bool read_literal(struct checker *c, const struct tree *t, enum literal_kind kind, int node,
                         struct literal *l)
{
    static const char *const expected[] = {
        [LITERAL_ZONE] = "a zone such as '+07:00', 'UTC' or 'Asia/Jakarta'",
        [LITERAL_DIGITS] = "a number of digits from 0 to 6",
        [LITERAL_PATTERN] = "a pattern, a text",
    };
    const struct node *n = &c->program->nodes[node];
    const struct tree *last = t->first;
    bool is_literal = n->kind == NODE_CONSTANT && !n->value.is_null;

    while (last->next != NULL)
        last = last->next;
    if (kind == LITERAL_DIGITS && is_literal && read_digits(n, l))
        return true;
    if (kind != LITERAL_DIGITS && is_literal && n->type == TYPE_TEXT)
        return kind == LITERAL_ZONE ? read_zone(c, last, n->value.text, l)
                                    : read_pattern(c, last, n->value.text, l);
    return lang_fail(c->source, last->at, "expected %s, written as a literal", expected[kind]);
}

static const struct overload *find_row(const struct checker *c, struct text name, const int *args,
                                       uint32_t count, bool with_literal)
{
    size_t rows;
    const struct overload *table = overload_table(&rows), *best = NULL;
    unsigned least = MISFIT;

    for (size_t i = 0; i < rows; i++) {
        unsigned cost;

        if (table[i].shape == SHAPE_HIDDEN || !text_is(name, table[i].name))
            continue;
        if (with_literal ? table[i].literal == LITERAL_NONE : table[i].literal == LITERAL_PATTERN)
            continue;
        cost = row_cost(c, &table[i], args, count);
        if (cost < least) {
            least = cost;
            best = &table[i];
        }
    }
    return best;
}

int check_convert(struct checker *c, const struct tree *t, int node, enum type to)
{
    struct program *p = c->program;
    enum type from = p->nodes[node].type;
    struct value null = {.type = to, .is_null = true};

    if (from == to)
        return node;
    if (from == (enum type)TYPE_NONE)
        return check_full(c, t, node_constant(p, &null));
    return check_full(c, t, node_call(p, overload_convert(from, to), &node, 1, to, NULL, NULL));
}

int check_call(struct checker *c, const struct tree *t, const int *args, uint32_t count)
{
    const struct overload *row = find_row(c, t->text, args, count, false);
    int converted[LANG_ARGS_MAX];
    struct literal literal = {0};
    enum type same;

    if (row == NULL && count > 1) {
        row = find_row(c, t->text, args, count - 1, true);
        if (row != NULL && !read_literal(c, t, row->literal, args[--count], &literal))
            return -1;
    } else if (row != NULL && row->literal == LITERAL_ZONE) {
        literal = c->program->standard_zone;
    }
    if (row == NULL)
        return fail_types(c, t, args, count);
    same = same_type(c, row, args, count);
    for (uint32_t i = 0; i < count; i++) {
        unsigned to = param_of(row, i);

        if (to == PARAM_ANY)
            to = type_of(c, args[i]);
        converted[i] = check_convert(c, t, args[i], to == PARAM_SAME ? same : (enum type)to);
        if (converted[i] < 0) {
            pattern_free(literal.pattern);
            return -1;
        }
    }
    return check_full(c, t,
                      node_call(c->program, row, converted, count,
                                row->result == PARAM_SAME ? same : (enum type)row->result, &literal,
                                NULL));
}

const struct overload *overload_of(const char *name, enum type type)
{
    size_t rows;
    const struct overload *table = overload_table(&rows);

    for (size_t i = 0; i < rows; i++) {
        if (strcmp(table[i].name, name) == 0 &&
            (table[i].params[0] == type ||
             (table[i].params[0] == PARAM_SAME && (table[i].same >> type & 1))))
            return &table[i];
    }
    ASSERT(false); /* the callers' functions are in the table */
    return NULL;
}
