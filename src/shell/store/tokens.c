#include "shell/store/tokens.h"

#include "core/base/memory.h"
#include "core/data/cell.h"
#include "shell/store/store.h"

struct tokens {
    struct plan *plan;
    struct registers registers; /* where some key is an expression */
    bool has_registers;
    int64_t *entity;
};

static bool is_field(const struct plan *p, uint32_t entity)
{
    return program_field(plan_program(p), plan_entity_node(p, entity)) != FIELD_NONE;
}

struct tokens *tokens_new(struct plan *p)
{
    struct tokens *t = mem_alloc(sizeof *t);

    *t = (struct tokens){.plan = p};
    t->entity = mem_array(plan_entity_count(p) + 1, sizeof *t->entity);
    for (uint32_t i = 0; i < plan_entity_count(p); i++)
        t->has_registers = t->has_registers || !is_field(p, i);
    if (t->has_registers)
        registers_init(&t->registers, plan_program(p), 1);
    return t;
}

void tokens_free(struct tokens *t)
{
    if (t == NULL)
        return;
    if (t->has_registers)
        registers_fini(&t->registers);
    mem_free(t->entity);
    mem_free(t);
}

/* NULL: the key has no column. */
static const struct column *key_column(const struct tokens *t, const struct frame *f,
                                       uint32_t entity)
{
    int node = plan_entity_node(t->plan, entity);
    int field = program_field(plan_program(t->plan), node);

    if (field != FIELD_NONE)
        return &f->column[field];
    return t->registers.column[node].null != NULL ? &t->registers.column[node] : NULL;
}

const int64_t *tokens_read(struct tokens *t, const struct frame *f)
{
    const struct hash_key *key = &plan_velocity_options(t->plan)->key;

    if (t->has_registers) {
        registers_begin(&t->registers, f, 0, 1);
        program_run(plan_program(t->plan), &t->registers, 0);
    }
    for (uint32_t i = 0; i < plan_entity_count(t->plan); i++) {
        const struct column *c = key_column(t, f, i);

        t->entity[i] = c == NULL ? 0
                                 : store_entity(text_of(plan_entity_name(t->plan, i)),
                                                velocity_key_token(key, c, 0));
    }
    return t->entity;
}

/* The field that is the key of the kind; FIELD_NONE. */
static int field_of_kind(const struct plan *p, struct text kind)
{
    for (uint32_t i = 0; i < plan_entity_count(p); i++) {
        if (text_is(kind, plan_entity_name(p, i)))
            return program_field(plan_program(p), plan_entity_node(p, i));
    }
    return FIELD_NONE;
}

bool token_of_name(const struct plan *p, struct text kind, struct text id, int64_t *entity,
                   struct error *e)
{
    int field = field_of_kind(p, kind);
    struct column c;
    struct value v;

    if (field == FIELD_NONE)
        return error_set(e, ERROR_INVALID,
                         "no kind of entity \"%.*s\" that has one field as its key",
                         (int)(kind.length < 64 ? kind.length : 64), kind.bytes);
    if (cell_parse(id, &plan_schema(p)->fields[field], &v) != FAULT_NONE)
        return error_set(e, ERROR_INVALID, "\"%.*s\" is no value of the field %s",
                         (int)(id.length < 64 ? id.length : 64), id.bytes,
                         plan_schema(p)->fields[field].name);
    column_init(&c, v.type, 1);
    column_set(&c, 0, &v);
    *entity = store_entity(kind, velocity_key_token(&plan_velocity_options(p)->key, &c, 0));
    column_fini(&c);
    return true;
}
