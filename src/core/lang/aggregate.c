/* `mean(amount) by customer over 7d`: kinds, what each may be of, keys and windows. */
#include "core/lang/check.h"

#include "core/base/calendar.h"

enum {
    OF_NUMBER = 1 << TYPE_INT | 1 << TYPE_DECIMAL | 1 << TYPE_REAL | 1 << TYPE_DURATION,
    OF_ORDERED = OF_NUMBER | 1 << TYPE_TIME,
    OF_EXACT = 1 << TYPE_BOOL | 1 << TYPE_INT | 1 << TYPE_DECIMAL | 1 << TYPE_TEXT |
               1 << TYPE_TIME | 1 << TYPE_DURATION,
    OF_ANY = OF_EXACT | 1 << TYPE_REAL,
    RESULT_OPERAND = PARAM_SAME,
};

static const struct {
    const char *name;
    unsigned operands; /* 1 << type */
    int result;
    bool of_label;
    const char *expected;
} kinds[AGG_KINDS] = {
    [AGG_COUNT] = {"count", OF_ANY, TYPE_INT, true, "nothing or any value"},
    [AGG_SUM] = {"sum", OF_NUMBER, RESULT_OPERAND, true, "a number or a duration"},
    [AGG_MEAN] = {"mean", OF_NUMBER, TYPE_REAL, true, "a number or a duration"},
    [AGG_MIN] = {"min", OF_ORDERED, RESULT_OPERAND, false, "a number, a time or a duration"},
    [AGG_MAX] = {"max", OF_ORDERED, RESULT_OPERAND, false, "a number, a time or a duration"},
    [AGG_STD] = {"std", OF_NUMBER, TYPE_REAL, false, "a number or a duration"},
    [AGG_PREV] = {"prev", OF_ANY, RESULT_OPERAND, false, "a value"},
    [AGG_LAST] = {"last", OF_ANY, RESULT_OPERAND, false, "a value"},
    [AGG_IS_NEW] = {"is_new", OF_EXACT, TYPE_BOOL, false, "a value that is not real"},
    [AGG_DISTINCT] = {"distinct", OF_EXACT, TYPE_INT, false, "a value that is not real"},
};

const char *aggregate_name(enum aggregate_kind kind)
{
    return kinds[kind].name;
}

static enum aggregate_kind kind_of(struct text name)
{
    int i = 0;

    while (!text_is(name, kinds[i].name)) /* the parser knows that it is one */
        i++;
    return (enum aggregate_kind)i;
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

static bool check_operand(struct checker *c, const struct tree *t, struct aggregate *a)
{
    enum type type;

    a->operand = -1;
    a->operand_type = a->type = TYPE_INT;
    if (t->count > 1)
        return lang_fail(c->source, t->first->next->at, "expected one operand of %s, found %u",
                         kinds[a->kind].name, t->count);
    if (t->count == 0)
        return a->kind == AGG_COUNT ||
               lang_fail(c->source, t->at, "expected %s in %s(...), found nothing",
                         kinds[a->kind].expected, kinds[a->kind].name);
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
    a->type = kinds[a->kind].result == RESULT_OPERAND ? type : (enum type)kinds[a->kind].result;
    raise_level(c->program, a, a->operand);
    return true;
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
    return t->first != NULL && a->operand < 0 ? UINT32_C(1) << schema_find_kind(s, t->first->text)
                                              : 0;
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
    struct buffer text;
    bool ok = true;

    buffer_init(&text, LANG_CANONICAL_MAX);
    program_print_aggregate(c->program, a, &text);
    if (text.overflow)
        ok = lang_fail(c->source, t->at,
                       "expected an aggregate of at most %d bytes with all features written out",
                       LANG_CANONICAL_MAX);
    else
        a->canonical = mem_text(text.bytes, text.length);
    buffer_fini(&text);
    return ok;
}

static bool check_parts(struct checker *c, const struct tree *t, struct aggregate *a)
{
    struct checker inner = *c;
    const struct window *w = t->window;
    uint32_t of_kinds;

    inner.is_aggregate = true;
    a->prior = w->prior || a->kind == AGG_PREV || a->kind == AGG_IS_NEW;
    if (!check_operand(&inner, t, a))
        return false;
    of_kinds = kinds_of(c->program, t, a);
    return check_keys(c, t, a) && check_duration(c, w->over, "over", false, &a->over_us) &&
           check_duration(c, w->delay, "delay", true, &a->delay_us) &&
           check_where(&inner, w->where, a) &&
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
    a = mem_alloc(sizeof *a);
    a->kind = kind_of(t->text);
    if (!check_parts(c, t, a)) {
        aggregate_free(a);
        return -1;
    }
    return check_full(c, t, node_aggregate(c->program, a));
}
