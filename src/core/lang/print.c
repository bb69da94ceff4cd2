/* Nodes to canonical text: one form for one meaning, that parses back to the same node.
 *
 * Numbers keep their type in print (5, 5.0, 5e0), hidden conversions are not printed because the
 * context asks for them again, set members are sorted, and a field in a key stands in backticks,
 * where no entity's name can capture it. Printing stops when the buffer is full, so features that
 * repeat each other cannot make it run for ever.
 */
#include "core/base/calendar.h"
#include "core/base/number.h"
#include "core/lang/lex.h"
#include "core/lang/node.h"
#include "core/lang/pattern.h"

static void print_node(const struct program *p, int node, enum binding least, struct buffer *out);

static void print_quoted(struct text t, char quote, struct buffer *out)
{
    buffer_add_char(out, quote);
    for (size_t i = 0; i < t.length; i++) {
        if (t.bytes[i] == quote)
            buffer_add_char(out, quote);
        buffer_add_char(out, t.bytes[i]);
    }
    buffer_add_char(out, quote);
}

/* Words of the grammar, and `label`, which bare is not a field. */
static bool is_word(struct text name)
{
    static const char *const words[] = {"or",   "and",  "not",   "in",   "is",
                                        "null", "true", "false", "label"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (text_is(name, words[i]))
            return true;
    }
    return false;
}

static void print_field(struct text name, struct buffer *out)
{
    const char *point = memchr(name.bytes, '.', name.length);
    struct text first = name, second;

    if (point != NULL) {
        first.length = (size_t)(point - name.bytes);
        second = (struct text){point + 1, name.length - first.length - 1};
        if (!lex_is_name(second) || is_word(second))
            first.length = 0;
    }
    if (lex_is_name(first) && !is_word(first))
        buffer_add_slice(out, name);
    else
        print_quoted(name, '`', out);
}

/* `suffix` where nothing in the digits shows the type yet. */
static void print_number(const char *digits, const char *marks, const char *suffix,
                         struct buffer *out)
{
    buffer_add_text(out, digits);
    if (strpbrk(digits, marks) == NULL)
        buffer_add_text(out, suffix);
}

static void print_value(const struct value *v, struct buffer *out)
{
    char number[NUMBER_TEXT_MAX];

    if (v->is_null) {
        buffer_add_text(out, "null");
        return;
    }
    switch (v->type) {
    case TYPE_BOOL:
        buffer_add_text(out, v->integer ? "true" : "false");
        break;
    case TYPE_INT:
        number_format_int(v->integer, number);
        buffer_add_text(out, number);
        break;
    case TYPE_DECIMAL:
        number_format_decimal(v->integer, number);
        print_number(number, ".", ".0", out);
        break;
    case TYPE_REAL:
        number_format_real(v->real, number);
        print_number(number, "e", "e0", out);
        break;
    case TYPE_TEXT:
        print_quoted(v->text, '\'', out);
        break;
    case TYPE_DURATION:
        duration_format(v->integer, number);
        buffer_add_text(out, number);
        break;
    case TYPE_TIME: /* no literal makes one */
    case TYPES:
        break;
    }
}

static bool is_negative(const struct value *v)
{
    if (v->is_null || v->type == TYPE_TEXT)
        return false;
    return v->type == TYPE_REAL ? v->real < 0 : v->integer < 0;
}

/* Without one it is UTC, unless the program has another that is taken then. */
static void print_zone(const struct program *p, const struct literal *l, struct buffer *out)
{
    int64_t offset_us = l->number;
    int64_t minutes = (offset_us < 0 ? -offset_us : offset_us) / (60 * US_PER_SECOND);
    bool has_standard = p->standard_zone.zone != NULL || p->standard_zone.number != 0;

    if (l->zone != NULL)
        buffer_format(out, ", '%s'", l->zone->name);
    else if (offset_us == 0 && has_standard)
        buffer_add_text(out, ", 'UTC'");
    else if (offset_us != 0)
        buffer_format(out, ", '%c%02d:%02d'", offset_us < 0 ? '-' : '+', (int)(minutes / 60),
                      (int)(minutes % 60));
}

static void print_literal(const struct program *p, const struct node *n, struct buffer *out)
{
    const struct literal *l = &n->literal;

    if (n->row->literal == LITERAL_ZONE) {
        print_zone(p, l, out);
    } else if (n->row->literal == LITERAL_DIGITS && l->number != 0) {
        buffer_format(out, ", %d", (int)l->number);
    } else if (l->pattern != NULL) {
        buffer_add_text(out, ", ");
        print_quoted(pattern_text(l->pattern), '\'', out);
    }
}

static void print_call(const struct program *p, const struct node *n, struct buffer *out)
{
    buffer_add_text(out, n->row->name);
    buffer_add_char(out, '(');
    for (uint32_t i = 0; i < n->count; i++) {
        if (i > 0)
            buffer_add_text(out, ", ");
        print_node(p, n->args[i], BIND_OR, out);
    }
    print_literal(p, n, out);
    buffer_add_char(out, ')');
}

/* Comparisons do not chain: both sides must bind tighter. The others lean to the left. */
static void print_infix(const struct program *p, const struct node *n, struct buffer *out)
{
    enum binding b = n->row->binding;

    print_node(p, n->args[0], b == BIND_COMPARE ? b + 1 : b, out);
    buffer_format(out, " %s ", n->row->name);
    print_node(p, n->args[1], b + 1, out);
}

static void print_in(const struct program *p, const struct node *n, bool is_not, struct buffer *out)
{
    print_node(p, n->args[0], BIND_SUM, out);
    buffer_add_text(out, is_not ? " not in " : " in ");
    if (lang_is_in_list(n)) {
        buffer_add_text(out, "list(");
        print_field(text_of(p->lists[n->literal.number].name), out);
        buffer_add_char(out, ')');
        return;
    }
    buffer_add_char(out, '(');
    for (uint32_t i = 0; i < n->set->count; i++) {
        if (i > 0)
            buffer_add_text(out, ", ");
        print_value(&n->set->members[i], out);
    }
    buffer_add_char(out, ')');
}

static void print_prefix(const struct program *p, const struct node *n, struct buffer *out)
{
    const struct node *a = &p->nodes[n->args[0]];

    if (n->row->binding == BIND_NEGATION) {
        buffer_add_char(out, '-');
        print_node(p, n->args[0], BIND_PRIMARY, out);
    } else if (a->kind == NODE_CALL && a->row->shape == SHAPE_IN) {
        print_in(p, a, true, out);
    } else if (a->kind == NODE_CALL && a->row->shape == SHAPE_IS_NULL) {
        print_node(p, a->args[0], BIND_SUM, out);
        buffer_add_text(out, " is not null");
    } else {
        buffer_add_text(out, "not ");
        print_node(p, n->args[0], BIND_COMPARE, out);
    }
}

static enum binding binding_of(const struct program *p, const struct node *n)
{
    if (n->kind == NODE_CONSTANT)
        return is_negative(&n->value) ? BIND_NEGATION : BIND_PRIMARY;
    if (n->kind != NODE_CALL)
        return BIND_PRIMARY;
    if (n->row->shape == SHAPE_PREFIX && n->row->binding == BIND_NOT) {
        const struct node *a = &p->nodes[n->args[0]];

        if (a->kind == NODE_CALL && (a->row->shape == SHAPE_IN || a->row->shape == SHAPE_IS_NULL))
            return BIND_COMPARE;
    }
    return n->row->binding;
}

static void print_shape(const struct program *p, const struct node *n, struct buffer *out)
{
    switch (n->row->shape) {
    case SHAPE_CALL:
        print_call(p, n, out);
        break;
    case SHAPE_INFIX:
        print_infix(p, n, out);
        break;
    case SHAPE_PREFIX:
        print_prefix(p, n, out);
        break;
    case SHAPE_IN:
        print_in(p, n, false, out);
        break;
    case SHAPE_IS_NULL:
        print_node(p, n->args[0], BIND_SUM, out);
        buffer_add_text(out, " is null");
        break;
    case SHAPE_HIDDEN:
        break;
    }
}

static void print_node(const struct program *p, int node, enum binding least, struct buffer *out)
{
    const struct node *n = &p->nodes[node];
    bool wrap;

    while (n->kind == NODE_CALL && n->row->shape == SHAPE_HIDDEN)
        n = &p->nodes[n->args[0]];
    if (out->overflow)
        return;
    wrap = binding_of(p, n) < least;
    if (wrap)
        buffer_add_char(out, '(');
    if (n->kind == NODE_FIELD)
        print_field(text_of(p->schema->fields[n->param].name), out);
    else if (n->kind == NODE_CONSTANT)
        print_value(&n->value, out);
    else if (n->kind == NODE_AGGREGATE)
        program_print_aggregate(p, p->aggregates[n->param], out);
    else
        print_shape(p, n, out);
    if (wrap)
        buffer_add_char(out, ')');
}

static void print_key(const struct program *p, int key, bool is_alone, struct buffer *out)
{
    const struct node *n = &p->nodes[key];

    if (n->kind == NODE_FIELD) {
        print_quoted(text_of(p->schema->fields[n->param].name), '`', out);
        return;
    }
    if (is_alone)
        buffer_add_char(out, '(');
    print_node(p, key, BIND_OR, out);
    if (is_alone)
        buffer_add_char(out, ')');
}

static void print_duration(const char *word, int64_t us, struct buffer *out)
{
    char text[TIME_TEXT_MAX];

    if (us == 0)
        return;
    duration_format(us, text);
    buffer_format(out, " %s %s", word, text);
}

static void print_param(const struct aggregate *a, struct buffer *out)
{
    char text[NUMBER_TEXT_MAX + TIME_TEXT_MAX];

    if (a->kind == AGG_QUANTILE)
        number_format_decimal(a->param, text);
    else if (a->kind == AGG_DECAYED_COUNT || a->kind == AGG_DECAYED_SUM)
        duration_format(a->param, text);
    else
        return;
    buffer_format(out, "%s%s", a->operand >= 0 ? ", " : "", text);
}

void program_print_aggregate(const struct program *p, const struct aggregate *a, struct buffer *out)
{
    buffer_format(out, "%s(", aggregate_name(a->kind));
    if (a->of_label)
        buffer_add_text(out, "label");
    else if (a->operand >= 0)
        print_node(p, a->operand, BIND_OR, out);
    print_param(a, out);
    buffer_add_text(out, a->key_count > 1 ? ") by (" : a->key_count == 1 ? ") by " : ")");
    for (int i = 0; i < a->key_count; i++) {
        if (i > 0)
            buffer_add_text(out, ", ");
        print_key(p, a->keys[i], a->key_count == 1, out);
    }
    if (a->key_count > 1)
        buffer_add_char(out, ')');
    print_duration("over", a->over_us, out);
    print_duration("step", a->step_us, out);
    print_duration("delay", a->delay_us, out);
    if (a->prior && !aggregate_is_prior(a->kind))
        buffer_add_text(out, " prior");
    if (a->where >= 0) {
        buffer_add_text(out, " where (");
        print_node(p, a->where, BIND_OR, out);
        buffer_add_char(out, ')');
    }
}

void program_print(const struct program *p, int node, struct buffer *out)
{
    print_node(p, node, BIND_OR, out);
}
