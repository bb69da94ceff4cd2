#include "core/decide/personal.h"

struct reading {
    const struct schema *schema;
    int field; /* the first personal one that is read; FIELD_NONE */
};

static void note_field(void *context, int field)
{
    struct reading *r = context;

    if (r->field == FIELD_NONE && r->schema->fields[field].is_personal)
        r->field = field;
}

/* The first personal field that the node reads, or FIELD_NONE. */
static int personal_read(const struct plan *p, int node)
{
    struct reading r = {plan_schema(p), FIELD_NONE};

    if (node >= 0 && schema_has_personal(plan_schema(p)))
        program_fields(plan_program(p), node, note_field, &r);
    return r.field;
}

bool plan_node_is_personal(const struct plan *p, int node)
{
    return personal_read(p, node) != FIELD_NONE;
}

bool plan_features_are_personal(const struct plan *p)
{
    for (uint32_t i = 0; i < plan_feature_count(p) && schema_has_personal(plan_schema(p)); i++) {
        if (plan_node_is_personal(p, plan_feature_node(p, i)))
            return true;
    }
    return false;
}

static bool aggregate_is_personal(const struct plan *p, const struct aggregate *a)
{
    if (plan_node_is_personal(p, a->operand) || plan_node_is_personal(p, a->where))
        return true;
    for (int i = 0; i < a->key_count; i++) {
        if (plan_node_is_personal(p, a->keys[i]))
            return true;
    }
    return false;
}

bool plan_state_is_personal(const struct plan *p)
{
    const struct program *program = plan_program(p);

    for (uint32_t i = 0; i < program_aggregate_count(program); i++) {
        if (aggregate_is_personal(p, program_aggregate(program, i)))
            return true;
    }
    return false;
}

/* Of its operand the state keeps a keyed token, and gives none of it back. */
static bool keeps_tokens(const struct aggregate *a)
{
    bool is_counted = a->kind == AGG_COUNT || a->kind == AGG_DISTINCT || a->kind == AGG_IS_NEW ||
                      a->kind == AGG_ENTROPY;

    return a->kind == AGG_APPROX_DISTINCT || (is_counted && a->operand_type == TYPE_TEXT);
}

static bool aggregates_check(const struct plan *p, struct error *e)
{
    const struct program *program = plan_program(p);
    const struct schema *schema = plan_schema(p);

    for (uint32_t i = 0; i < program_aggregate_count(program); i++) {
        const struct aggregate *a = program_aggregate(program, i);
        int field = personal_read(p, a->operand);

        if (field == FIELD_NONE || keeps_tokens(a))
            continue;
        return error_set(e, ERROR_INVALID,
                         "personal: %s would keep values of the personal field \"%s\" in the state "
                         "in clear; hint: of personal texts, count, distinct, approx_distinct, "
                         "is_new and entropy keep keyed tokens only, and so does `by`",
                         a->canonical, schema->fields[field].name);
    }
    return true;
}

static bool features_check(const struct plan *p, struct error *e)
{
    const struct program *program = plan_program(p);

    for (uint32_t i = 0; i < plan_feature_count(p); i++) {
        int node = plan_feature_node(p, i);
        int field = personal_read(p, node);

        if (field == FIELD_NONE || program_type(program, node) != TYPE_TEXT)
            continue;
        return error_set(e, ERROR_INVALID,
                         "features.%s: a text of the personal field \"%s\": models, reports and "
                         "tables of features would keep it in clear; hint: use it in the rule "
                         "itself, or make a number or truth of it",
                         plan_feature_name(p, i), plan_schema(p)->fields[field].name);
    }
    return true;
}

static bool roles_check(const struct schema *s, struct error *e)
{
    const struct {
        int field;
        const char *role;
    } roles[] = {
        {s->id, "id"},
        {s->time, "time"},
        {s->label, "label"},
        {s->kind, "kind"},
    };

    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        int field = roles[i].field;

        if (field != FIELD_NONE && s->fields[field].is_personal)
            return error_set(e, ERROR_INVALID,
                             "personal.fields: \"%s\" is the event's %s, by which it is found, so "
                             "it cannot be sealed",
                             s->fields[field].name, roles[i].role);
    }
    return true;
}

static bool subject_find(const struct schema *s, const struct plan_spec *spec, int *subject,
                         struct error *e)
{
    const struct plan_named *entity = NULL;
    enum type type;

    for (uint32_t i = 0; i < spec->entity_count; i++) {
        if (text_equal(spec->entities[i].name, spec->subject))
            entity = &spec->entities[i];
    }
    if (entity == NULL)
        return error_set(e, ERROR_INVALID,
                         "personal.subject: expected one of the entities, whose the personal "
                         "fields are, found \"%.*s\"",
                         TEXT_ARG(spec->subject));
    *subject = schema_find(s, text_trim(entity->source));
    type = *subject == FIELD_NONE ? TYPE_REAL : s->fields[*subject].type;
    return type == TYPE_TEXT || type == TYPE_INT ||
           error_set(e, ERROR_INVALID,
                     "personal.subject: the key of \"%.*s\" must be one field of text or whole "
                     "numbers, not \"%.*s\"",
                     TEXT_ARG(entity->name), TEXT_ARG(entity->source));
}

bool personal_check(const struct plan *p, const struct plan_spec *spec, int *subject,
                    struct error *e)
{
    const struct schema *s = plan_schema(p);

    *subject = FIELD_NONE;
    if (!schema_has_personal(s))
        return true;
    return subject_find(s, spec, subject, e) && roles_check(s, e) && aggregates_check(p, e) &&
           features_check(p, e);
}
