/* A program as its owner sees it: names are added, then it is finished and only read. */
#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/lang/check.h"

enum { TREE_BYTES_MAX = 1 << 20 }; /* of LANG_NODES_MAX trees and the texts between them */

struct program *program_new(const struct schema *schema)
{
    struct program *p = mem_alloc(sizeof *p);

    p->schema = schema;
    p->levels = 1;
    return p;
}

static void named_free(struct named *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        mem_free(list[i].name);
    mem_free(list);
}

void program_free(struct program *p)
{
    if (p == NULL)
        return;
    if (p->count > 0)
        program_truncate(p, 0);
    named_free(p->entities, p->entity_count);
    named_free(p->features, p->feature_count);
    for (uint32_t i = 0; i < p->list_count; i++)
        mem_free(p->lists[i].name);
    mem_free(p->lists);
    mem_free(p->nodes);
    mem_free(p->table);
    mem_free(p->aggregates);
    mem_free(p->missing);
    mem_free(p->roots);
    mem_free(p->order);
    mem_free(p->level_start);
    mem_free(p->views);
    for (uint32_t i = 0; i < p->zone_count; i++)
        zone_free(p->zones[i]);
    mem_free(p->zones);
    mem_free(p);
}

static void named_add(struct named **list, uint32_t *count, struct text name, int node)
{
    if ((*count & (*count - 1)) == 0)
        *list = mem_resize(*list, *count ? *count * 2 : 1, sizeof **list);
    (*list)[(*count)++] = (struct named){mem_text(name.bytes, name.length), node};
}

static struct text without_null(struct text t)
{
    return t.bytes != NULL ? t : (struct text){"", 0};
}

/* Parse and check one expression; what it added is taken back on failure. */
static bool compile(struct program *p, struct text text, struct checker c, int *node,
                    struct error *e)
{
    struct source source = {without_null(text), e};
    uint32_t count = p->count;
    struct arena memory;
    struct tree *t;
    int made = -1;

    ASSERT(!p->is_finished);
    c.program = p;
    c.source = &source;
    arena_init(&memory, TREE_BYTES_MAX);
    source.is_grouped = p->is_grouped;
    t = tree_parse(&source, &memory);
    if (t != NULL)
        made = check_tree(&c, t);
    if (made >= 0 && p->nodes[made].type == (enum type)TYPE_NONE) {
        lang_fail(&source, t->at, "expected a value with a type, found null");
        made = -1;
    }
    arena_fini(&memory);
    if (made < 0) {
        program_truncate(p, count);
        return false;
    }
    *node = made;
    return true;
}

static bool name_error(struct text name, struct error *e)
{
    int shown = (int)(name.length < LANG_NAME_SHOWN ? name.length : LANG_NAME_SHOWN);

    if (name.length == 0)
        return error_prefix(e, "(no name)");
    return error_prefix(e, "%.*s", shown, name.bytes);
}

static bool check_new_name(struct text name, struct error *e)
{
    if (name.length > 0 && name.length <= FIELD_NAME_MAX && text_is_utf8(name) &&
        memchr(name.bytes, 0, name.length) == NULL)
        return true;
    return error_set(e, ERROR_INVALID, "expected a name of 1 to %d bytes of UTF-8", FIELD_NAME_MAX);
}

bool program_add_entity(struct program *p, struct text name, struct text key, struct error *e)
{
    uint32_t count = p->count;
    int node;

    if (!check_new_name(name, e))
        return name_error(name, e);
    if (lang_named_find(p->entities, p->entity_count, name) >= 0) {
        error_set(e, ERROR_INVALID, "this entity appears twice: rename one");
        return name_error(name, e);
    }
    node = schema_find(p->schema, key);
    if (node != FIELD_NONE && node != p->schema->label)
        node = node_field(p, node);
    else if (!compile(p, key, (struct checker){.is_key = true}, &node, e))
        return name_error(name, e);
    if (p->nodes[node].type == TYPE_REAL) {
        program_truncate(p, count);
        error_set(e, ERROR_INVALID,
                  "1:1: expected a key that is exact, found real: use text or an int");
        return name_error(name, e);
    }
    named_add(&p->entities, &p->entity_count, name, node);
    return true;
}

int program_entity(const struct program *p, struct text name)
{
    int at = lang_named_find(p->entities, p->entity_count, name);

    return at < 0 ? -1 : p->entities[at].node;
}

bool program_add_list(struct program *p, struct text name, enum type type, struct error *e)
{
    if (!check_new_name(name, e))
        return name_error(name, e);
    if (!lex_is_name(name))
        error_set(e, ERROR_INVALID, "expected a name of letters, digits and _");
    else if (type != TYPE_TEXT && type != TYPE_INT && type != TYPE_DECIMAL)
        error_set(e, ERROR_INVALID, "expected a list of text, int or decimal, found %s",
                  type_name(type));
    else if (p->list_count == LANG_LISTS_MAX)
        error_set(e, ERROR_INVALID, "expected at most %d lists", LANG_LISTS_MAX);
    else {
        for (uint32_t i = 0; i < p->list_count; i++) {
            if (!text_is(name, p->lists[i].name))
                continue;
            error_set(e, ERROR_INVALID, "this list appears twice: rename one");
            return name_error(name, e);
        }
        p->lists = mem_resize(p->lists, p->list_count + 1, sizeof *p->lists);
        p->lists[p->list_count++] = (struct list_name){mem_text(name.bytes, name.length), type};
        return true;
    }
    return name_error(name, e);
}

/* What `name` means before it is added as a feature: a node, -1, or -2 for the label. */
static int meaning(struct program *p, struct text name)
{
    int field = schema_find(p->schema, name), feature;

    if (field == FIELD_NONE && text_is(name, "time"))
        field = p->schema->time;
    if (p->schema->label != FIELD_NONE && (field == p->schema->label || text_is(name, "label")))
        return -2;
    if (field != FIELD_NONE)
        return lang_filled(p, field);
    feature = lang_named_find(p->features, p->feature_count, name);
    return feature >= 0 ? p->features[feature].node : -1;
}

static bool check_feature_name(struct program *p, struct text name, int node, struct error *e)
{
    int old;

    if (lang_named_find(p->features, p->feature_count, name) >= 0)
        return error_set(e, ERROR_INVALID, "this feature appears twice: rename one");
    old = meaning(p, name);
    if (old == -1 || old == node)
        return true;
    return error_set(e, ERROR_INVALID,
                     "expected a new name, found that of %s: a name means one thing, rename the "
                     "feature",
                     old == -2 ? "the label" : "a field with another value");
}

bool program_add_feature(struct program *p, struct text name, struct text source, int *node,
                         struct error *e)
{
    uint32_t count = p->count;
    int made;

    if (!check_new_name(name, e))
        return name_error(name, e);
    if (p->feature_count == LANG_FEATURES_MAX) {
        error_set(e, ERROR_INVALID, "expected at most %d features", LANG_FEATURES_MAX);
        return name_error(name, e);
    }
    if (!compile(p, source, (struct checker){0}, &made, e))
        return name_error(name, e);
    if (!check_feature_name(p, name, made, e)) {
        program_truncate(p, count);
        return name_error(name, e);
    }
    named_add(&p->features, &p->feature_count, name, made);
    *node = made;
    return true;
}

static void add_root(struct program *p, int node)
{
    if ((p->root_count & (p->root_count - 1)) == 0)
        p->roots = mem_resize(p->roots, p->root_count ? p->root_count * 2 : 1, sizeof *p->roots);
    p->roots[p->root_count++] = node;
}

static bool add_bool(struct program *p, struct text name, struct text source, struct checker c,
                     int *node, struct error *e)
{
    uint32_t count = p->count;
    int made;

    if (!compile(p, source, c, &made, e))
        return name_error(name, e);
    if (p->nodes[made].type != TYPE_BOOL) {
        error_set(e, ERROR_INVALID, "1:1: expected a bool, found %s",
                  type_name(p->nodes[made].type));
        program_truncate(p, count);
        return name_error(name, e);
    }
    *node = made;
    return true;
}

bool program_add_condition(struct program *p, struct text name, struct text source, int *node,
                           struct error *e)
{
    if (!add_bool(p, name, source, (struct checker){0}, node, e))
        return false;
    add_root(p, *node);
    return true;
}

bool program_add_violation(struct program *p, struct text name, struct text source, int *node,
                           struct error *e)
{
    int made;

    if (!add_bool(p, name, source, (struct checker){.is_raw = true}, &made, e))
        return false;
    made = node_call(p, overload_of("not", TYPE_BOOL), &made, 1, TYPE_BOOL, 0, NULL);
    if (made < 0) {
        error_set(e, ERROR_INVALID, "expected at most %d nodes in all features together",
                  LANG_PROGRAM_NODES_MAX);
        return name_error(name, e);
    }
    add_root(p, made);
    *node = made;
    return true;
}

void program_set_grouped(struct program *p)
{
    ASSERT(p->count == 0);
    p->is_grouped = true;
}

void program_set_missing(struct program *p, int field, const struct value *v)
{
    ASSERT(v->type == p->schema->fields[field].type && !v->is_null);
    if (p->missing == NULL) {
        p->missing = mem_array(p->schema->count, sizeof *p->missing);
        for (uint32_t i = 0; i < p->schema->count; i++)
            p->missing[i] = -1;
    }
    p->missing[field] = node_constant(p, v);
}

/* Marks in `marks` what marked nodes need; arguments have smaller numbers, so one pass does. */
static void mark_needs(const struct program *p, uint8_t *marks)
{
    for (int i = (int)p->count - 1; i >= 0; i--) {
        const struct node *n = &p->nodes[i];

        if (!marks[i])
            continue;
        for (uint32_t j = 0; j < n->count; j++)
            marks[n->args[j]] = 1;
        if (n->kind == NODE_AGGREGATE) {
            const struct aggregate *a = p->aggregates[n->param];

            if (a->operand >= 0)
                marks[a->operand] = 1;
            if (a->where >= 0)
                marks[a->where] = 1;
            for (int j = 0; j < a->key_count; j++)
                marks[a->keys[j]] = 1;
        }
    }
}

static void find_live(struct program *p)
{
    uint8_t *marks = mem_array(p->count, 1);

    for (uint32_t i = 0; i < p->feature_count; i++)
        marks[p->features[i].node] = 1;
    for (uint32_t i = 0; i < p->root_count; i++)
        marks[p->roots[i]] = 1;
    for (uint32_t i = 0; i < p->aggregate_count; i++)
        marks[p->aggregates[i]->node] = 1;
    mark_needs(p, marks);
    for (uint32_t i = 0; i < p->count; i++)
        p->nodes[i].is_live = marks[i] != 0;
    mem_free(marks);
}

/* The number of levels, and which fields are read. */
static void find_views(struct program *p)
{
    p->views = mem_array(p->count, sizeof *p->views);
    for (uint32_t i = 0; i < p->count; i++) {
        const struct node *n = &p->nodes[i];

        if (n->is_live && n->level >= p->levels)
            p->levels = n->level + 1;
        if (n->is_live && n->kind == NODE_FIELD)
            p->views[p->view_count++] = (int)i;
    }
}

void program_finish(struct program *p)
{
    int next = 0;

    ASSERT(!p->is_finished);
    find_live(p);
    find_views(p);
    p->order = mem_array(p->count, sizeof *p->order);
    p->level_start = mem_array((size_t)p->levels + 1, sizeof *p->level_start);
    for (int level = 0; level < p->levels; level++) {
        p->level_start[level] = next;
        for (uint32_t i = 0; i < p->count; i++) {
            const struct node *n = &p->nodes[i];

            if (n->is_live && n->kind == NODE_CALL && !n->is_constant && n->level == level)
                p->order[next++] = (int)i;
        }
    }
    p->level_start[p->levels] = next;
    p->is_finished = true;
}

int program_levels(const struct program *p)
{
    return p->levels;
}

enum type program_type(const struct program *p, int node)
{
    return p->nodes[node].type;
}

uint32_t program_aggregate_count(const struct program *p)
{
    return p->aggregate_count;
}

const struct aggregate *program_aggregate(const struct program *p, uint32_t index)
{
    ASSERT(index < p->aggregate_count);
    return p->aggregates[index];
}

int program_field(const struct program *p, int node)
{
    return p->nodes[node].kind == NODE_FIELD ? (int)p->nodes[node].param : FIELD_NONE;
}

uint64_t program_fingerprint(const struct program *p, int node)
{
    return p->nodes[node].fingerprint;
}

void program_fields(const struct program *p, int node, void (*visit)(void *context, int field),
                    void *context)
{
    uint8_t *marks = mem_array(p->count, 1);

    marks[node] = 1;
    mark_needs(p, marks);
    for (uint32_t i = 0; i < p->count; i++) {
        if (marks[i] && p->nodes[i].kind == NODE_FIELD)
            visit(context, (int)p->nodes[i].param);
    }
    mem_free(marks);
}

bool program_asks_list(const struct program *p, int node)
{
    uint8_t *marks = mem_array(p->count, 1);
    bool asks = false;

    marks[node] = 1;
    mark_needs(p, marks);
    for (uint32_t i = 0; i < p->count; i++)
        asks = asks ||
               (marks[i] && p->nodes[i].kind == NODE_CALL && p->nodes[i].row == overload_in_list());
    mem_free(marks);
    return asks;
}

void program_aggregates(const struct program *p, int node,
                        void (*visit)(void *context, const struct aggregate *a), void *context)
{
    uint8_t *marks = mem_array(p->count, 1);

    marks[node] = 1;
    mark_needs(p, marks);
    for (uint32_t i = 0; i < p->count; i++) {
        if (marks[i] && p->nodes[i].kind == NODE_AGGREGATE)
            visit(context, p->aggregates[p->nodes[i].param]);
    }
    mem_free(marks);
}
