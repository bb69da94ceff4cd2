/* `mean(amount) by customer over 7d`: kinds, what each may be of, keys and windows. */
#include "core/lang/check.h"

#include "core/base/calendar.h"
#include "core/base/number.h"

enum {
    OF_NUMBER = 1 << TYPE_INT | 1 << TYPE_DECIMAL | 1 << TYPE_REAL | 1 << TYPE_DURATION,
    OF_ORDERED = OF_NUMBER | 1 << TYPE_TIME,
    OF_EXACT = 1 << TYPE_BOOL | 1 << TYPE_INT | 1 << TYPE_DECIMAL | 1 << TYPE_TEXT |
               1 << TYPE_TIME | 1 << TYPE_DURATION,
    OF_ANY = OF_EXACT | 1 << TYPE_REAL,
    RESULT_OPERAND = PARAM_SAME,
};

/* What the last argument is, a literal. */
enum param { PARAM_NONE, PARAM_PROBABILITY, PARAM_HALF_LIFE };

static const struct {
    const char *name;
    unsigned operands; /* 1 << type; 0: there is none */
    int result;
    const char *expected;
    enum param param;
    bool of_label;
    bool is_prior;
    bool needs_over; /* else all values would be kept for ever */
    bool can_step;
    bool is_sketch; /* which cannot give back what leaves a window */
} kinds[AGG_KINDS] = {
    [AGG_COUNT] = {"count", OF_ANY, TYPE_INT, "nothing or any value", .of_label = true,
                   .can_step = true},
    [AGG_SUM] = {"sum", OF_NUMBER, RESULT_OPERAND, "a number or a duration", .of_label = true,
                 .can_step = true},
    [AGG_MEAN] = {"mean", OF_NUMBER, TYPE_REAL, "a number or a duration", .of_label = true,
                  .can_step = true},
    [AGG_MIN] = {"min", OF_ORDERED, RESULT_OPERAND, "a number, a time or a duration",
                 .can_step = true},
    [AGG_MAX] = {"max", OF_ORDERED, RESULT_OPERAND, "a number, a time or a duration",
                 .can_step = true},
    [AGG_STD] = {"std", OF_NUMBER, TYPE_REAL, "a number or a duration", .can_step = true},
    [AGG_PREV] = {"prev", OF_ANY, RESULT_OPERAND, "a value", .is_prior = true},
    [AGG_LAST] = {"last", OF_ANY, RESULT_OPERAND, "a value"},
    [AGG_IS_NEW] = {"is_new", OF_EXACT, TYPE_BOOL, "a value that is not real", .is_prior = true},
    [AGG_DISTINCT] = {"distinct", OF_EXACT, TYPE_INT, "a value that is not real"},
    [AGG_MODE] = {"mode", OF_EXACT, RESULT_OPERAND, "a value that is not real", .needs_over = true},
    [AGG_ENTROPY] = {"entropy", OF_EXACT, TYPE_REAL, "a value that is not real",
                     .needs_over = true},
    [AGG_QUANTILE] = {"quantile", OF_NUMBER, TYPE_REAL, "a number or a duration", PARAM_PROBABILITY,
                      .needs_over = true},
    [AGG_RANK] = {"rank", OF_ORDERED, TYPE_REAL, "a number, a time or a duration", .is_prior = true,
                  .needs_over = true},
    [AGG_DECAYED_COUNT] = {"decayed_count", 0, TYPE_REAL, "a half-life such as 7d",
                           PARAM_HALF_LIFE},
    [AGG_DECAYED_SUM] = {"decayed_sum", OF_NUMBER, TYPE_REAL, "a number or a duration",
                         PARAM_HALF_LIFE},
    [AGG_APPROX_DISTINCT] = {"approx_distinct", OF_EXACT, TYPE_INT, "a value that is not real",
                             .is_sketch = true},
};

const char *aggregate_name(enum aggregate_kind kind)
{
    return kinds[kind].name;
}

bool aggregate_is_prior(enum aggregate_kind kind)
{
    return kinds[kind].is_prior;
}

bool aggregate_is_approximate(enum aggregate_kind kind)
{
    return kinds[kind].is_sketch;
}

/* AGG_KINDS where the name is not one of a plain aggregate. */
static enum aggregate_kind kind_of(struct text name)
{
    int i = 0;

    while (i < AGG_KINDS && !text_is(name, kinds[i].name))
        i++;
    return (enum aggregate_kind)i;
}

bool lang_is_aggregate(struct text name)
{
    for (size_t i = 0; lang_derived_name(i) != NULL; i++) {
        if (text_is(name, lang_derived_name(i)))
            return true;
    }
    return kind_of(name) < AGG_KINDS;
}

static bool check_label(struct checker *c, const struct tree *t, struct aggregate *a)
{
    if (!kinds[a->kind].of_label)
        return lang_fail(c->source, t->at,
                         "expected mean(label), sum(label) or count(label), found %s(label)",
                         kinds[a->kind].name);
    a->of_label = true;
    a->operand_type = TYPE_BOOL;
    a->type = a->kind == AGG_MEAN ? TYPE_REAL : TYPE_INT;
    return true;
}

static void raise_level(const struct program *p, struct aggregate *a, int node)
{
    if (p->nodes[node].level > a->level)
        a->level = p->nodes[node].level;
}

/* The bare name of a kind of event. */
static bool is_kind(const struct checker *c, const struct tree *t)
{
    return t->kind == TREE_PATH && !t->is_quoted &&
           schema_find_kind(c->program->schema, t->text) != KIND_NONE;
}

static bool check_kind(struct checker *c, const struct tree *t)
{
    return check_name(c, t) == -1 ||
           lang_fail(c->source, t->at,
                     "\"%.*s\" is a kind of event and a field or feature: expected count() ... "
                     "where (kind = \"%.*s\"), or the other in backticks",
                     TEXT_ARG(t->text), TEXT_ARG(t->text));
}

static bool check_probability(struct checker *c, const struct tree *t, struct aggregate *a)
{
    struct value v;

    if (t->kind == TREE_NUMBER && check_literal(c, t, &v)) {
        a->param = v.type == TYPE_INT ? v.integer * DECIMAL_ONE : v.integer;
        if ((v.type == TYPE_INT && (v.integer == 0 || v.integer == 1)) ||
            (v.type == TYPE_DECIMAL && v.integer >= 0 && v.integer <= DECIMAL_ONE))
            return true;
    }
    return lang_fail(c->source, t->at,
                     "expected a literal of 0 to 1 with at most 6 digits, as in %s(x, 0.95)",
                     kinds[a->kind].name);
}

static bool check_half_life(struct checker *c, const struct tree *t, struct aggregate *a)
{
    if (t->kind == TREE_DURATION && duration_parse(t->text, &a->param) && a->param > 0 &&
        a->param <= LANG_WINDOW_DAYS_MAX * US_PER_DAY)
        return true;
    return lang_fail(c->source, t->at, "expected a half-life of 1s to %dd in %s(...), as 7d",
                     LANG_WINDOW_DAYS_MAX, kinds[a->kind].name);
}

static bool check_param(struct checker *c, const struct tree *t, struct aggregate *a)
{
    switch (kinds[a->kind].param) {
    case PARAM_PROBABILITY:
        return check_probability(c, t, a);
    case PARAM_HALF_LIFE:
        return check_half_life(c, t, a);
    case PARAM_NONE:
        break;
    }
    return true;
}

static bool check_arguments(struct checker *c, const struct tree *t, const struct aggregate *a)
{
    bool has_operand = kinds[a->kind].operands != 0;
    uint32_t params = kinds[a->kind].param != PARAM_NONE, most = has_operand + params;
    const struct tree *extra = t->first;

    if (t->count == most || (t->count == 0 && a->kind == AGG_COUNT))
        return true;
    if (t->count == 0)
        return lang_fail(c->source, t->at, "expected %s in %s(...), found nothing",
                         kinds[a->kind].expected, kinds[a->kind].name);
    if (t->count < most)
        return lang_fail(c->source, t->first->at, "expected %s after the operand of %s(...)",
                         kinds[a->kind].param == PARAM_HALF_LIFE ? "a half-life such as 7d"
                                                                 : "a number such as 0.95",
                         kinds[a->kind].name);
    for (uint32_t i = 0; i < most; i++)
        extra = extra->next;
    return lang_fail(c->source, extra->at, "expected one operand of %s%s, found %u",
                     kinds[a->kind].name, params ? " and its literal" : "", t->count);
}

static bool check_operand(struct checker *c, const struct tree *t, struct aggregate *a)
{
    enum type type;

    a->operand = -1;
    a->operand_type = a->type = TYPE_INT;
    if (kinds[a->kind].result != RESULT_OPERAND)
        a->type = (enum type)kinds[a->kind].result;
    if (!check_arguments(c, t, a))
        return false;
    if (kinds[a->kind].operands == 0)
        return check_param(c, t->first, a);
    if (t->count == 0)
        return true;
    if (lang_is_label(c->program, t->first))
        return check_label(c, t->first, a);
    if (a->kind == AGG_COUNT && is_kind(c, t->first))
        return check_kind(c, t->first); /* count() of that kind: see check_kinds */
    a->operand = check_tree(c, t->first);
    if (a->operand < 0)
        return false;
    type = c->program->nodes[a->operand].type;
    if (type == (enum type)TYPE_NONE || !(kinds[a->kind].operands >> type & 1))
        return lang_fail(c->source, t->first->at, "expected %s in %s(...), found %s%s",
                         kinds[a->kind].expected, kinds[a->kind].name, lang_type_word(type),
                         type == TYPE_BOOL ? ": count() ... where (...) counts conditions" : "");
    a->operand_type = type;
    if (kinds[a->kind].result == RESULT_OPERAND)
        a->type = type;
    raise_level(c->program, a, a->operand);
    return check_param(c, t->first->next, a);
}

static int entity_find(const struct program *p, const struct tree *t)
{
    if (t->kind != TREE_PATH || t->is_quoted)
        return -1;
    return lang_named_find(p->entities, p->entity_count, t->text);
}

static bool fail_key(struct checker *c, const struct tree *t)
{
    const struct program *p = c->program;
    struct text *names = mem_array(p->entity_count, sizeof *names);
    int nearest;

    for (uint32_t i = 0; i < p->entity_count; i++)
        names[i] = text_of(p->entities[i].name);
    nearest = text_nearest(t->text, names, p->entity_count);
    if (nearest >= 0)
        lang_fail(c->source, t->at,
                  "expected an entity or a field after by, found \"%.*s\"; did you mean %.80s?",
                  (int)(t->text.length > 40 ? 40 : t->text.length), t->text.bytes,
                  names[nearest].bytes);
    else
        check_unknown(c, t, "an entity or a field after by");
    mem_free(names);
    return false;
}

/* An entity's name first, then an expression of fields. */
static int check_key(struct checker *c, const struct tree *t)
{
    struct checker inner = {.program = c->program, .source = c->source, .is_key = true};
    int entity = entity_find(c->program, t), node;

    if (entity >= 0)
        return c->program->entities[entity].node;
    if (t->kind == TREE_PATH) {
        node = check_name(&inner, t);
        if (node == -1)
            fail_key(c, t);
    } else {
        node = check_tree(&inner, t);
    }
    if (node >= 0 && (c->program->nodes[node].type == TYPE_REAL ||
                      c->program->nodes[node].type == (enum type)TYPE_NONE)) {
        lang_fail(c->source, t->at, "expected a key that is exact, found %s: use text or an int",
                  lang_type_word(c->program->nodes[node].type));
        return -1;
    }
    return node < 0 ? -1 : check_full(c, t, node);
}

static void name_key(const struct program *p, const struct tree *t, int node, struct buffer *name)
{
    if (name->length > 0)
        buffer_add_char(name, '+');
    if (t->kind == TREE_PATH)
        buffer_add_slice(name, t->text);
    else
        program_print(p, node, name);
}

static bool check_keys(struct checker *c, const struct tree *t, struct aggregate *a)
{
    struct buffer name;
    bool ok = true;

    buffer_init(&name, LANG_TEXT_MAX);
    if (t->window->keys == NULL)
        ok = lang_fail(c->source, t->window->keys_at, "expected an entity between ( and )");
    for (const struct tree *k = t->window->keys; ok && k != NULL; k = k->next) {
        if (a->key_count == LANG_KEYS_MAX) {
            ok = lang_fail(c->source, k->at, "expected at most %d names in a key", LANG_KEYS_MAX);
            break;
        }
        a->keys[a->key_count] = check_key(c, k);
        ok = a->keys[a->key_count] >= 0;
        if (ok)
            name_key(c->program, k, a->keys[a->key_count++], &name);
    }
    a->key_name = mem_text(name.bytes, name.length);
    buffer_fini(&name);
    return ok;
}

static bool check_duration(struct checker *c, struct text t, const char *word, bool zero_fits,
                           int64_t *us)
{
    if (t.length == 0)
        return true;
    if (duration_parse(t, us) && *us <= LANG_WINDOW_DAYS_MAX * US_PER_DAY && (*us > 0 || zero_fits))
        return true;
    return lang_fail(c->source, t.bytes, "expected %s of %s to %dd, found %.*s", word,
                     zero_fits ? "0s" : "1s", LANG_WINDOW_DAYS_MAX,
                     (int)(t.length > 40 ? 40 : t.length), t.bytes);
}

/* Which kinds of event an aggregate is of, as a condition before its own: count(login) counts
 * logins, and a label is only of the kinds that have its field, however the others are counted. */
static bool check_kinds(struct checker *c, const struct tree *t, uint32_t of_kinds,
                        const struct tree *where, struct aggregate *a)
{
    const struct schema *s = c->program->schema;
    struct tree word[KINDS_MAX + 1];
    struct tree in = {.kind = TREE_IN, .at = t->at, .text = text_of("in"), .first = word};
    struct tree both = {
        .kind = TREE_CALL, .at = t->at, .text = text_of("and"), .first = &in, .count = 2};
    struct tree own;

    word[0] = (struct tree){.kind = TREE_PATH, .at = t->at, .text = text_of(KIND_FIELD)};
    for (uint32_t i = 0; i < s->kind_count; i++) {
        if (of_kinds >> i & 1) {
            in.count++;
            word[in.count] =
                (struct tree){.kind = TREE_STRING, .at = t->at, .text = text_of(s->kinds[i].name)};
            word[in.count - 1].next = &word[in.count];
        }
    }
    in.count++; /* the operand */
    if (where != NULL) {
        own = *where;
        own.next = NULL;
        in.next = &own;
    }
    a->where = check_tree(c, where != NULL ? &both : &in);
    if (a->where >= 0)
        raise_level(c->program, a, a->where);
    return a->where >= 0;
}

/* The kinds of event that the aggregate is of, as bits; 0: all. */
static uint32_t kinds_of(const struct program *p, const struct tree *t, const struct aggregate *a)
{
    const struct schema *s = p->schema;

    if (s->kind == FIELD_NONE)
        return 0;
    if (a->of_label)
        return s->fields[s->label].kinds;
    if (a->kind != AGG_COUNT || t->first == NULL || a->operand >= 0)
        return 0;
    return UINT32_C(1) << schema_find_kind(s, t->first->text);
}

/* The windows of what an aggregate can be of, after its durations are read. */
static bool check_over(struct checker *c, const struct tree *t, const struct aggregate *a)
{
    if (a->over_us > 0 && kinds[a->kind].is_sketch)
        return lang_fail(c->source, t->window->over.bytes,
                         "expected no over in %s(...): a sketch cannot give back what leaves a "
                         "window; leave over out, or use distinct(...), which is exact",
                         kinds[a->kind].name);
    if (a->over_us > 0 || !kinds[a->kind].needs_over)
        return true;
    return lang_fail(c->source, t->at,
                     "expected over in %s(...), as over 30d: without it every value would be kept "
                     "for ever",
                     kinds[a->kind].name);
}

static bool check_step(struct checker *c, const struct tree *t, const struct aggregate *a)
{
    const struct window *w = t->window;

    if (a->step_us == 0)
        return true;
    if (a->of_label)
        return lang_fail(c->source, w->step.bytes,
                         "expected no step in %s(label): a label may come or be taken back at any "
                         "time, so its event is kept; leave step out",
                         kinds[a->kind].name);
    if (!kinds[a->kind].can_step)
        return lang_fail(c->source, w->step.bytes,
                         "expected no step in %s(...): what its steps hold cannot be put together; "
                         "leave step out",
                         kinds[a->kind].name);
    if (a->over_us % a->step_us != 0 || a->delay_us % a->step_us != 0)
        return lang_fail(c->source, w->step.bytes,
                         "expected a step of which over and delay are multiples, found %.*s",
                         TEXT_ARG(w->step));
    if (a->over_us / a->step_us > LANG_STEPS_MAX)
        return lang_fail(c->source, w->step.bytes,
                         "expected at most %d steps in a window, found %lld: make the step longer",
                         LANG_STEPS_MAX, (long long)(a->over_us / a->step_us));
    return true;
}

static bool check_where(struct checker *c, const struct tree *t, struct aggregate *a)
{
    a->where = -1;
    if (t == NULL)
        return true;
    a->where = check_tree(c, t);
    if (a->where < 0)
        return false;
    if (c->program->nodes[a->where].type != TYPE_BOOL)
        return lang_fail(c->source, t->at, "expected a bool in where (...), found %s",
                         lang_type_word(c->program->nodes[a->where].type));
    raise_level(c->program, a, a->where);
    return true;
}

static bool write_canonical(struct checker *c, const struct tree *t, struct aggregate *a)
{
    uint64_t zones = node_zones_of(c->program, a);
    struct buffer text;
    bool ok = true;

    buffer_init(&text, LANG_CANONICAL_MAX);
    program_print_aggregate(c->program, a, &text);
    if (zones != 0) /* other rules of a zone of the same name are another aggregate */
        buffer_format(&text, " # zones %016llx", (unsigned long long)zones);
    if (text.overflow)
        ok = lang_fail(c->source, t->at,
                       "expected an aggregate of at most %d bytes with all features written out",
                       LANG_CANONICAL_MAX);
    else
        a->canonical = mem_text(text.bytes, text.length);
    buffer_fini(&text);
    return ok;
}

/* What a group of rows without an order can be asked for. */
static bool check_grouped(struct checker *c, const struct tree *t, const struct aggregate *a)
{
    static const uint32_t fits = 1u << AGG_COUNT | 1u << AGG_SUM | 1u << AGG_MEAN | 1u << AGG_MIN |
                                 1u << AGG_MAX | 1u << AGG_STD | 1u << AGG_DISTINCT;

    return !c->program->is_grouped || (fits >> a->kind & 1) != 0 ||
           lang_fail(c->source, t->at,
                     "expected count, sum, mean, min, max, std or distinct of a rollup's rows, "
                     "found %s(...)",
                     kinds[a->kind].name);
}

static bool check_parts(struct checker *c, const struct tree *t, struct aggregate *a)
{
    struct checker inner = *c;
    const struct window *w = t->window;
    uint32_t of_kinds;

    inner.is_aggregate = true;
    a->prior = w->prior || aggregate_is_prior(a->kind);
    if (!check_grouped(c, t, a) || !check_operand(&inner, t, a))
        return false;
    of_kinds = kinds_of(c->program, t, a);
    return (c->program->is_grouped || check_keys(c, t, a)) &&
           check_duration(c, w->over, "over", false, &a->over_us) &&
           check_duration(c, w->step, "step", false, &a->step_us) &&
           check_duration(c, w->delay, "delay", true, &a->delay_us) && check_over(c, t, a) &&
           check_step(c, t, a) && check_where(&inner, w->where, a) &&
           (of_kinds == 0 || check_kinds(&inner, t, of_kinds, w->where, a)) &&
           write_canonical(c, t, a);
}

int check_aggregate(struct checker *c, const struct tree *t)
{
    struct aggregate *a;

    if (c->is_key) {
        lang_fail(c->source, t->at, "expected an expression of fields in a key, found %.*s(...)",
                  TEXT_ARG(t->text));
        return -1;
    }
    if (c->is_aggregate) {
        lang_fail(c->source, t->at,
                  "expected no aggregate inside an aggregate: make %.*s(...) a feature and use "
                  "its name",
                  TEXT_ARG(t->text));
        return -1;
    }
    if (kind_of(t->text) == AGG_KINDS)
        return check_derived(c, t);
    a = mem_alloc(sizeof *a);
    a->kind = kind_of(t->text);
    if (!check_parts(c, t, a)) {
        aggregate_free(a);
        return -1;
    }
    return check_full(c, t, node_aggregate(c->program, a));
}
