#include "shell/run/shared_layout.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/base/panic.h"

/* ---- what is shared ---- */

static const struct entity_setting *entity_of(const struct settings *s, const char *name,
                                              size_t length)
{
    for (uint32_t i = 0; i < s->entity_count; i++) {
        if (strlen(s->entities[i].name) == length && memcmp(s->entities[i].name, name, length) == 0)
            return &s->entities[i];
    }
    return NULL;
}

bool shared_is_wanted(const struct settings *s, const struct aggregate *a)
{
    const char *at = a->key_name;

    for (;;) { /* "card+merchant" */
        size_t length = strcspn(at, "+");
        const struct entity_setting *e = entity_of(s, at, length);

        if (e == NULL || e->state != ENTITY_SHARED)
            return false;
        if (at[length] == 0)
            return true;
        at += length + 1;
    }
}

static bool find_op(enum aggregate_kind kind, enum shared_op *op)
{
    static const struct {
        enum aggregate_kind kind;
        enum shared_op op;
    } ops[] = {
        {AGG_COUNT, SHARED_SUMS},        {AGG_SUM, SHARED_SUMS},        {AGG_MEAN, SHARED_SUMS},
        {AGG_DISTINCT, SHARED_DISTINCT}, {AGG_IS_NEW, SHARED_DISTINCT}, {AGG_MIN, SHARED_LEAST},
        {AGG_MAX, SHARED_MOST},          {AGG_LAST, SHARED_LAST},       {AGG_PREV, SHARED_PREV},
    };

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        *op = ops[i].op;
        if (ops[i].kind == kind)
            return true;
    }
    return false;
}

/* Why it cannot be; NULL: it can. */
static const char *fault_of(const struct plan *plan, const struct aggregate *a)
{
    const struct program *p = plan_program(plan);
    enum shared_op op;

    if (!find_op(a->kind, &op))
        return "can be shared: count, sum, mean, min, max, distinct, is_new, last, prev";
    if (a->of_label)
        return "labels are not shared: a label takes effect in the shard of its event";
    if (a->over_us == 0)
        return "expected over, as over 30d: without it nothing in Redis would ever end";
    if (a->delay_us != 0)
        return "expected no delay";
    if (a->step_us != 0)
        return "expected no step";
    if (a->level > 0)
        return "its operand or condition is made of other aggregates, which are not known when "
               "the shared values are fetched";
    if (a->operand >= 0 && a->operand_type == TYPE_TEXT && op != SHARED_DISTINCT &&
        op != SHARED_SUMS)
        return "a text would have to be kept in Redis as it is";
    if (a->operand >= 0 && op != SHARED_DISTINCT && plan_node_is_personal(plan, a->operand))
        return "its operand is a personal field, which would be kept in Redis as it is";
    if (program_asks_list(p, a->node))
        return "it asks a list, which is not known when the shared values are fetched";
    return NULL;
}

static bool check_one(const struct plan *plan, const struct aggregate *a, struct error *e)
{
    const char *fault = fault_of(plan, a);

    return fault == NULL ||
           error_set(e, ERROR_INVALID, "entities.%.100s.state: %.300s cannot be shared: %s",
                     a->key_name, a->canonical, fault);
}

bool shared_check(const struct settings *s, const struct plan *plan, struct error *e)
{
    const struct program *p = plan_program(plan);
    uint32_t shared = 0;

    for (uint32_t i = 0; i < s->entity_count; i++) {
        const struct entity_setting *k = &s->entities[i];

        if (k->state == ENTITY_SHARED && s->redis.server == NULL)
            return error_set(e, ERROR_INVALID,
                             "entities.%s.state: shared needs `redis: HOST:PORT` in the settings",
                             k->name);
        if (k->state == ENTITY_SHARED && k->scope == SCOPE_SHARD)
            return error_set(e, ERROR_INVALID,
                             "entities.%s: `state: shared` and `scope: shard` contradict each "
                             "other: keep one of them",
                             k->name);
    }
    for (uint32_t i = 0; i < program_aggregate_count(p); i++) {
        const struct aggregate *a = program_aggregate(p, i);

        if (!shared_is_wanted(s, a))
            continue;
        if (++shared > SHARED_MAX)
            return error_set(e, ERROR_INVALID, "entities: over %d shared aggregates", SHARED_MAX);
        if (!check_one(plan, a, e))
            return false;
    }
    return true;
}

bool shared_extend(const struct settings *s, const struct plan *plan, struct schema *schema,
                   struct error *e)
{
    const struct program *p = plan_program(plan);
    uint32_t shared = 0;

    if (!shared_check(s, plan, e))
        return false;
    for (uint32_t i = 0; i < program_aggregate_count(p); i++) {
        const struct aggregate *a = program_aggregate(p, i);
        char name[FIELD_NAME_MAX + 1];

        if (!shared_is_wanted(s, a))
            continue;
        shared_field_name(a, name);
        if (!schema_add(schema, text_of(name), a->type, e))
            return false;
        schema->fields[schema->count - 1].is_looked_up = true;
        shared++;
    }
    if (shared == 0)
        return true;
    if (!schema_add(schema, text_of(SHARED_LACKS_FIELD), TYPE_INT, e))
        return false;
    schema->fields[schema->count - 1].is_looked_up = true;
    return true;
}

/* ---- groups ---- */

static bool has_key(const struct aggregate *a, const struct aggregate *b)
{
    return a->key_count == b->key_count &&
           memcmp(a->keys, b->keys, (size_t)a->key_count * sizeof a->keys[0]) == 0;
}

static struct shared_group *group_of(struct shared_layout *l, const struct aggregate *a)
{
    struct shared_group *g;

    for (uint32_t i = 0; i < l->groups; i++) {
        if (has_key(l->group[i].key, a))
            return &l->group[i];
    }
    g = &l->group[l->groups++];
    g->key = a;
    g->term = mem_array(SHARED_MAX, sizeof *g->term);
    g->value = mem_array(SHARED_MAX, sizeof *g->value);
    g->read = mem_array(SHARED_MAX, sizeof *g->read);
    return g;
}

static uint32_t term_of(struct shared_group *g, const struct aggregate *a)
{
    struct shared_term t = {a->operand, a->where, a->kind != AGG_COUNT};

    for (uint32_t i = 0; i < g->terms; i++) {
        const struct shared_term *k = &g->term[i];

        if (k->operand == t.operand && k->where == t.where && k->has_sum == t.has_sum)
            return i;
    }
    g->term[g->terms] = t;
    return g->terms++;
}

static uint32_t value_of(struct shared_group *g, const struct aggregate *a, enum shared_op op)
{
    struct shared_value v = {a->operand, a->where, op == SHARED_DISTINCT, op == SHARED_PREV};

    for (uint32_t i = 0; i < g->values; i++) {
        const struct shared_value *k = &g->value[i];

        if (k->operand == v.operand && k->where == v.where && k->is_token == v.is_token &&
            k->keeps_nulls == v.keeps_nulls)
            return i;
    }
    g->value[g->values] = v;
    return g->values++;
}

static uint64_t mix_node(uint64_t h, const struct program *p, int node)
{
    return hash_mix(h + (node >= 0 ? program_fingerprint(p, node) : 1));
}

static uint64_t fingerprint(const struct shared_group *g, const struct program *p)
{
    uint64_t h = 1;

    for (int i = 0; i < g->key->key_count; i++)
        h = mix_node(h, p, g->key->keys[i]);
    for (uint32_t i = 0; i < g->terms; i++)
        h = mix_node(mix_node(h + g->term[i].has_sum, p, g->term[i].operand), p, g->term[i].where);
    for (uint32_t i = 0; i < g->values; i++)
        h = mix_node(mix_node(h + 2 + g->value[i].is_token * 2 + g->value[i].keeps_nulls, p,
                              g->value[i].operand),
                     p, g->value[i].where);
    for (uint32_t i = 0; i < g->reads; i++) /* answers are kept too */
        h = mix_node(h, p, g->read[i].aggregate->node);
    return h;
}

void shared_layout_init(struct shared_layout *l, const struct plan *p)
{
    uint32_t count = plan_shared_count(p);

    *l = (struct shared_layout){.plan = p, .group = mem_array(count, sizeof *l->group)};
    for (uint32_t i = 0; i < count; i++) {
        const struct plan_shared *s = plan_shared(p, i);
        const struct aggregate *a = s->aggregate;
        struct shared_group *g = group_of(l, a);
        struct shared_read r = {.aggregate = a, .field = s->field};

        ASSERT(count <= SHARED_MAX && find_op(a->kind, &r.op));
        r.of = r.op == SHARED_SUMS ? term_of(g, a) : value_of(g, a, r.op);
        r.is_prior = a->prior || aggregate_is_prior(a->kind);
        g->read[g->reads++] = r;
        if (g->longest_us < a->over_us)
            g->longest_us = a->over_us;
        if (l->longest_us < a->over_us)
            l->longest_us = a->over_us;
    }
    for (uint32_t i = 0; i < l->groups; i++) {
        l->group[i].fingerprint = fingerprint(&l->group[i], plan_program(p));
        l->fingerprint = hash_mix(l->fingerprint + l->group[i].fingerprint);
    }
}

void shared_layout_fini(struct shared_layout *l)
{
    for (uint32_t i = 0; i < l->groups; i++) {
        mem_free(l->group[i].term);
        mem_free(l->group[i].value);
        mem_free(l->group[i].read);
    }
    mem_free(l->group);
    *l = (struct shared_layout){0};
}
