/* What a plan says. */
#include "core/decide/plan.h"

#include <math.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/decide/plan_inside.h"
#include "core/decide/values.h"

void plan_identify(struct plan *p, const uint8_t id[PLAN_ID_BYTES])
{
    memcpy(p->id, id, sizeof p->id);
}

struct plan *plan_ref(struct plan *p)
{
    atomic_fetch_add_explicit(&p->references, 1, memory_order_relaxed);
    return p;
}

void plan_unref(struct plan *p)
{
    if (p != NULL && atomic_fetch_sub_explicit(&p->references, 1, memory_order_acq_rel) == 1)
        plan_free(p);
}

/* --- reading --------------------------------------------------------------------------------- */

const uint8_t *plan_id(const struct plan *p)
{
    return p->id;
}

const struct schema *plan_schema(const struct plan *p)
{
    return p->schema;
}

const struct program *plan_program(const struct plan *p)
{
    return p->program;
}

const struct plan_subject *plan_subject(const struct plan *p)
{
    return p->subject.name != NULL ? &p->subject : NULL;
}

const struct velocity_layout *plan_layout(const struct plan *p)
{
    return p->layout;
}

const struct model *plan_model(const struct plan *p)
{
    return p->model;
}

const struct velocity_options *plan_velocity_options(const struct plan *p)
{
    return &p->velocity;
}

uint32_t plan_shared_count(const struct plan *p)
{
    return p->shared_count;
}

const struct plan_shared *plan_shared(const struct plan *p, uint32_t index)
{
    ASSERT(index < p->shared_count);
    return &p->shared[index];
}

void plan_take_shared(const struct plan *p, const struct frame *f, uint32_t first,
                      struct registers *r)
{
    for (uint32_t i = 0; i < p->shared_count; i++) {
        const struct column *from = &f->column[p->shared[i].field];
        struct column *to = &r->column[p->shared[i].aggregate->node];

        memcpy(to->null, from->null + first, r->rows);
        memcpy(to->integer, from->integer + first, r->rows * sizeof *to->integer);
    }
}

int plan_shared_lacks(const struct plan *p)
{
    return p->shared_lacks;
}

int64_t plan_max_ahead_us(const struct plan *p)
{
    return p->max_ahead_us;
}

uint32_t plan_feature_count(const struct plan *p)
{
    return p->feature_count;
}

const char *plan_feature_name(const struct plan *p, uint32_t feature)
{
    ASSERT(feature < p->feature_count);
    return p->feature[feature].name;
}

int plan_feature_node(const struct plan *p, uint32_t feature)
{
    ASSERT(feature < p->feature_count);
    return p->feature[feature].node;
}

int plan_feature_find(const struct plan *p, struct text name)
{
    for (uint32_t i = 0; i < p->feature_count; i++) {
        if (text_is(name, p->feature[i].name))
            return (int)i;
    }
    return -1;
}

int plan_feature_input(const struct plan *p, uint32_t feature)
{
    ASSERT(feature < p->feature_count);
    return (int)p->feature[feature].input - 1;
}

const char *plan_feature_code(const struct plan *p, uint32_t feature)
{
    ASSERT(feature < p->feature_count);
    return p->feature[feature].code;
}

const char *plan_feature_text(const struct plan *p, uint32_t feature)
{
    ASSERT(feature < p->feature_count);
    return p->feature[feature].text;
}

const char *plan_feature_phrase(const struct plan *p, uint32_t feature)
{
    ASSERT(feature < p->feature_count);
    return p->feature[feature].phrase;
}

int plan_feature_entity(const struct plan *p, uint32_t feature)
{
    ASSERT(feature < p->feature_count);
    return p->feature[feature].entity;
}

const struct schema *plan_values_schema(const struct plan *p)
{
    return p->values;
}

uint32_t plan_entity_count(const struct plan *p)
{
    return p->entity_count;
}

const char *plan_entity_name(const struct plan *p, uint32_t entity)
{
    ASSERT(entity < p->entity_count);
    return p->entity[entity].name;
}

int plan_entity_find(const struct plan *p, struct text name)
{
    for (uint32_t i = 0; i < p->entity_count; i++) {
        if (text_is(name, p->entity[i].name))
            return (int)i;
    }
    return -1;
}

int plan_entity_node(const struct plan *p, uint32_t entity)
{
    ASSERT(entity < p->entity_count);
    return p->entity[entity].node;
}

uint32_t plan_model_feature(const struct plan *p, uint32_t input)
{
    ASSERT(p->model != NULL && input < model_input_count(p->model));
    return p->model_feature[input];
}

uint32_t plan_rival_feature(const struct plan *p, enum model_rival r, uint32_t input)
{
    ASSERT(p->rival_feature[r] != NULL && input < model_input_count(model_rival(p->model, r)));
    return p->rival_feature[r][input];
}

bool plan_feature_takes_median(const struct plan *p, uint32_t feature)
{
    ASSERT(feature < p->feature_count);
    return p->feature[feature].takes_median;
}

const struct alerts *plan_alerts(const struct plan *p)
{
    return p->alerts;
}

const struct validation *plan_validation(const struct plan *p)
{
    return p->validation;
}

uint32_t plan_list_count(const struct plan *p)
{
    return p->list_count;
}

const char *plan_list_name(const struct plan *p, uint32_t list)
{
    ASSERT(list < p->list_count);
    return p->list[list].name;
}

enum type plan_list_type(const struct plan *p, uint32_t list)
{
    ASSERT(list < p->list_count);
    return p->list[list].type;
}

int plan_list_find(const struct plan *p, struct text name)
{
    for (uint32_t i = 0; i < p->list_count; i++) {
        if (text_is(name, p->list[i].name))
            return (int)i;
    }
    return -1;
}

uint32_t plan_rule_count(const struct plan *p)
{
    return p->rule_count;
}

const char *plan_rule_name(const struct plan *p, uint32_t rule)
{
    ASSERT(rule < p->rule_count);
    return p->rule[rule].name;
}

const char *plan_rule_text(const struct plan *p, uint32_t rule)
{
    ASSERT(rule < p->rule_count);
    return p->rule[rule].text;
}

int plan_rule_node(const struct plan *p, uint32_t rule)
{
    ASSERT(rule < p->rule_count);
    return p->rule[rule].node;
}

uint32_t plan_rule_outcome(const struct plan *p, uint32_t rule)
{
    ASSERT(rule < p->rule_count);
    return p->rule[rule].outcome;
}

bool plan_rule_is_shadow(const struct plan *p, uint32_t rule)
{
    ASSERT(rule < p->rule_count);
    return p->rule[rule].is_shadow;
}

int plan_rule_find(const struct plan *p, struct text name)
{
    for (uint32_t i = 0; i < p->rule_count; i++) {
        if (text_is(name, p->rule[i].name))
            return (int)i;
    }
    return -1;
}

uint32_t plan_outcome_count(const struct plan *p)
{
    return p->outcome_count;
}

const char *plan_outcome_name(const struct plan *p, uint32_t outcome)
{
    ASSERT(outcome < p->outcome_count);
    return p->outcome[outcome];
}

int plan_outcome_find(const struct plan *p, struct text name)
{
    for (uint32_t i = 0; i < p->outcome_count; i++) {
        if (text_is(name, p->outcome[i]))
            return (int)i;
    }
    return -1;
}

int plan_fallback(const struct plan *p)
{
    return p->fallback;
}

const char *plan_fallback_reason(const struct plan *p)
{
    ASSERT(p->fallback >= 0);
    return p->fallback_reason;
}

uint32_t plan_level_count(const struct plan *p)
{
    return p->level_count;
}

const char *plan_level_name(const struct plan *p, uint32_t level)
{
    ASSERT(level < p->level_count);
    return p->level[level];
}

int plan_score(double probability)
{
    if (!(probability > 0))
        return 0;
    if (probability >= 1)
        return PLAN_SCORE_MAX;
    return (int)floor(PLAN_SCORE_MAX * probability + 0.5);
}

uint32_t plan_outcome_of_score(const struct plan *p, int score)
{
    ASSERT(score >= 0 && score <= PLAN_SCORE_MAX);
    return p->outcome_of[score];
}

uint32_t plan_level_of_score(const struct plan *p, int score)
{
    ASSERT(score >= 0 && score <= PLAN_SCORE_MAX);
    return p->level_of[score];
}
