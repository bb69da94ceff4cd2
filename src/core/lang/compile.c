/* The nodes of a program: each distinct value exists once (hash-consing).
 *
 * A node's fingerprint is a hash of what it means: the kind, the names of function and field,
 * types, constants and the fingerprints of its arguments. It finds equal nodes, and it is what
 * models are held to, so nothing that may differ between two programs of the same meaning goes into
 * it (node numbers, entity names, row numbers of the function table).
 */
#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/lang/node.h"
#include "core/lang/pattern.h"

void lang_set_free(struct set *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; s->type == TYPE_TEXT && i < s->count; i++)
        mem_free((char *)s->members[i].text.bytes);
    mem_free(s->members);
    mem_free(s);
}

bool lang_set_equal(const struct set *a, const struct set *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (a->type != b->type || a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (!value_equal(&a->members[i], &b->members[i]))
            return false;
    }
    return true;
}

void aggregate_free(struct aggregate *a)
{
    if (a == NULL)
        return;
    mem_free(a->key_name);
    mem_free(a->canonical);
    mem_free(a);
}

static void node_free(struct node *n)
{
    if (n->kind == NODE_CONSTANT && n->value.type == TYPE_TEXT && !n->value.is_null)
        mem_free((char *)n->value.text.bytes);
    lang_set_free(n->set);
    pattern_free(n->literal.pattern);
    mem_free((int *)n->args);
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    return hash_mix(h + 0x9e3779b97f4a7c15u + hash_mix(word));
}

static uint64_t mix_text(uint64_t h, struct text t)
{
    return mix(h, hash_bytes(t.bytes, t.length, 0));
}

static uint64_t mix_value(uint64_t h, const struct value *v)
{
    h = mix(h, (uint64_t)v->type * 2 + v->is_null);
    if (v->is_null)
        return h;
    return v->type == TYPE_TEXT ? mix_text(h, v->text) : mix(h, (uint64_t)v->integer);
}

static uint64_t mix_aggregate(const struct program *p, uint64_t h, const struct aggregate *a)
{
    h = mix_text(h, text_of(aggregate_name(a->kind)));
    h = mix(h, (uint64_t)a->of_label * 4 + (uint64_t)a->prior * 2);
    h = mix(h, a->operand >= 0 ? p->nodes[a->operand].fingerprint : 0);
    h = mix(h, a->where >= 0 ? p->nodes[a->where].fingerprint : 0);
    h = mix(h, (uint64_t)a->over_us);
    h = mix(h, (uint64_t)a->delay_us);
    if (a->step_us != 0) /* models of before these clauses keep their fingerprints */
        h = mix_text(h, text_of("step")), h = mix(h, (uint64_t)a->step_us);
    if (a->param != 0)
        h = mix_text(h, text_of("param")), h = mix(h, (uint64_t)a->param);
    for (int i = 0; i < a->key_count; i++)
        h = mix(h, p->nodes[a->keys[i]].fingerprint);
    return h;
}

static uint64_t fingerprint(const struct program *p, const struct node *n,
                            const struct aggregate *a)
{
    uint64_t h = mix(mix(0, n->kind), n->type);

    switch (n->kind) {
    case NODE_FIELD:
        return mix_text(h, text_of(p->schema->fields[n->param].name));
    case NODE_CONSTANT:
        return mix_value(h, &n->value);
    case NODE_AGGREGATE:
        return mix_aggregate(p, h, a);
    case NODE_CALL:
        break;
    }
    h = mix_text(h, text_of(n->row->name));
    if (lang_is_in_list(n)) /* by its name: its number may change */
        h = mix_text(h, text_of(p->lists[n->literal.number].name));
    else
        h = mix(h, (uint64_t)n->literal.number);
    if (n->literal.zone != NULL)
        h = mix(mix_text(h, text_of(n->literal.zone->name)), n->literal.zone->digest);
    if (n->literal.pattern != NULL)
        h = mix_text(h, pattern_text(n->literal.pattern));
    for (uint32_t i = 0; n->set != NULL && i < n->set->count; i++)
        h = mix_value(h, &n->set->members[i]);
    for (uint32_t i = 0; i < n->count; i++)
        h = mix(h, p->nodes[n->args[i]].fingerprint);
    return h;
}

static bool aggregate_equal(const struct aggregate *a, const struct aggregate *b)
{
    return a->kind == b->kind && a->of_label == b->of_label && a->operand == b->operand &&
           a->where == b->where && a->over_us == b->over_us && a->delay_us == b->delay_us &&
           a->prior == b->prior && a->step_us == b->step_us && a->param == b->param &&
           a->key_count == b->key_count &&
           memcmp(a->keys, b->keys, sizeof *a->keys * (size_t)a->key_count) == 0;
}

static bool literal_equal(const struct literal *a, const struct literal *b)
{
    if (a->number != b->number || a->zone != b->zone || !a->pattern != !b->pattern)
        return false;
    return a->pattern == NULL || text_equal(pattern_text(a->pattern), pattern_text(b->pattern));
}

static bool node_equal(const struct program *p, const struct node *a, const struct node *b,
                       const struct aggregate *aggregate)
{
    if (a->fingerprint != b->fingerprint || a->kind != b->kind || a->type != b->type)
        return false;
    if (a->kind == NODE_AGGREGATE)
        return aggregate_equal(p->aggregates[a->param], aggregate);
    if (a->kind == NODE_CONSTANT)
        return value_equal(&a->value, &b->value);
    return a->param == b->param && a->row == b->row && a->count == b->count &&
           literal_equal(&a->literal, &b->literal) && lang_set_equal(a->set, b->set) &&
           (a->count == 0 || memcmp(a->args, b->args, a->count * sizeof *a->args) == 0);
}

static void table_put(struct program *p, int node)
{
    uint32_t mask = p->table_size - 1, i = (uint32_t)p->nodes[node].fingerprint & mask;

    while (p->table[i] != 0)
        i = (i + 1) & mask;
    p->table[i] = node + 1;
}

static void table_rebuild(struct program *p, uint32_t size)
{
    mem_free(p->table);
    p->table = mem_array(size, sizeof *p->table);
    p->table_size = size;
    for (uint32_t i = 0; i < p->count; i++)
        table_put(p, (int)i);
}

static int node_find(const struct program *p, const struct node *n, const struct aggregate *a)
{
    uint32_t mask = p->table_size - 1, i = (uint32_t)n->fingerprint & mask;

    if (p->table_size == 0)
        return -1;
    for (; p->table[i] != 0; i = (i + 1) & mask) {
        if (node_equal(p, &p->nodes[p->table[i] - 1], n, a))
            return p->table[i] - 1;
    }
    return -1;
}

/* The number of the node equal to *n, which is appended where there is none; *n's own parts are
 * freed otherwise. */
static int node_intern(struct program *p, struct node *n, const struct aggregate *a)
{
    int found;

    n->fingerprint = fingerprint(p, n, a);
    found = node_find(p, n, a);
    if (found >= 0 || p->count == LANG_PROGRAM_NODES_MAX) {
        node_free(n);
        return found;
    }
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? p->capacity * 2 : 64;
        p->nodes = mem_resize(p->nodes, p->capacity, sizeof *p->nodes);
    }
    if (p->table_size < 2 * (p->count + 1))
        table_rebuild(p, p->table_size ? p->table_size * 2 : 128);
    p->nodes[p->count++] = *n;
    table_put(p, (int)p->count - 1);
    return (int)p->count - 1;
}

int node_field(struct program *p, int field)
{
    struct node n = {
        .kind = NODE_FIELD, .type = p->schema->fields[field].type, .param = field, .height = 1};

    return node_intern(p, &n, NULL);
}

int node_constant(struct program *p, const struct value *v)
{
    struct node n = {.kind = NODE_CONSTANT, .type = v->type, .value = *v, .height = 1};

    n.is_constant = true;
    if (v->is_null)
        n.value = (struct value){.type = v->type, .is_null = true};
    else if (v->type == TYPE_TEXT)
        n.value.text.bytes = mem_text(v->text.bytes, v->text.length);
    return node_intern(p, &n, NULL);
}

static uint64_t mix_zones(uint64_t h, uint64_t zones)
{
    return zones != 0 ? mix(h, zones) : h;
}

/* Texts made by a call live in the arena of one run, so such a call is never constant; nor is one
 * that asks a list. */
int node_call(struct program *p, const struct overload *row, const int *args, uint32_t count,
              enum type type, const struct literal *literal, struct set *set)
{
    struct node n = {.kind = NODE_CALL, .type = type, .row = row, .set = set};
    int *copy = mem_array(count, sizeof *copy);

    ASSERT(count > 0 && count <= LANG_ARGS_MAX);
    if (literal != NULL)
        n.literal = *literal;
    if (n.literal.zone != NULL)
        n.zones = n.literal.zone->digest;
    n.is_constant = type != TYPE_TEXT && row != overload_in_list();
    for (uint32_t i = 0; i < count; i++) {
        const struct node *a = &p->nodes[args[i]];

        copy[i] = args[i];
        n.level = a->level > n.level ? a->level : n.level;
        n.height = a->height > n.height ? a->height : n.height;
        n.is_constant = n.is_constant && a->is_constant;
        n.zones = mix_zones(n.zones, a->zones);
    }
    n.height++;
    n.args = copy;
    n.count = count;
    return node_intern(p, &n, NULL);
}

static int aggregate_height(const struct program *p, const struct aggregate *a)
{
    int height = 1;

    if (a->operand >= 0 && p->nodes[a->operand].height > height)
        height = p->nodes[a->operand].height;
    if (a->where >= 0 && p->nodes[a->where].height > height)
        height = p->nodes[a->where].height;
    for (int i = 0; i < a->key_count; i++) {
        if (p->nodes[a->keys[i]].height > height)
            height = p->nodes[a->keys[i]].height;
    }
    return height + 1;
}

uint64_t node_zones_of(const struct program *p, const struct aggregate *a)
{
    uint64_t h = 0;

    if (a->operand >= 0)
        h = mix_zones(h, p->nodes[a->operand].zones);
    if (a->where >= 0)
        h = mix_zones(h, p->nodes[a->where].zones);
    for (int i = 0; i < a->key_count; i++)
        h = mix_zones(h, p->nodes[a->keys[i]].zones);
    return h;
}

int node_aggregate(struct program *p, struct aggregate *a)
{
    struct node n = {.kind = NODE_AGGREGATE, .type = a->type, .level = a->level + 1};
    uint32_t count = p->count;
    int node;

    n.param = p->aggregate_count;
    n.height = aggregate_height(p, a);
    node = node_intern(p, &n, a);
    if (p->count == count) { /* found, or no room */
        aggregate_free(a);
        return node;
    }
    if ((p->aggregate_count & (p->aggregate_count - 1)) == 0)
        p->aggregates = mem_resize(p->aggregates, p->aggregate_count ? p->aggregate_count * 2 : 1,
                                   sizeof *p->aggregates);
    p->aggregates[p->aggregate_count++] = a;
    a->node = node;
    return node;
}

void program_truncate(struct program *p, uint32_t count)
{
    if (p->count == count)
        return;
    while (p->count > count) {
        struct node *n = &p->nodes[--p->count];

        if (n->kind == NODE_AGGREGATE)
            aggregate_free(p->aggregates[--p->aggregate_count]);
        node_free(n);
    }
    table_rebuild(p, p->table_size);
}
