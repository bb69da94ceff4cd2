/* The inside of a plan: plan_new.c makes one, plan.c tells what it says. */
#ifndef ASSAY_DECIDE_PLAN_INSIDE_H
#define ASSAY_DECIDE_PLAN_INSIDE_H

#include <stdatomic.h>

#include "core/decide/plan.h"

struct plan_feature {
    char *name;
    int node;
    bool takes_median;
    char *code;
    char *text;     /* or NULL */
    char *phrase;   /* or "" */
    int entity;     /* or -1 */
    uint32_t input; /* of the model, plus 1; 0: none */
};

struct plan_entity {
    char *name;
    int node;
};

struct plan_members {
    char *name;
    enum type type;
};

struct plan_condition {
    char *name;
    int node;
    uint32_t outcome;
    bool is_shadow;
    char *text; /* or NULL */
};

struct plan {
    atomic_uint references;
    uint8_t id[PLAN_ID_BYTES];
    struct schema *schema;
    struct program *program;
    struct velocity_layout *layout; /* of the aggregates that are not shared */
    struct plan_shared *shared;
    uint32_t shared_count;
    int shared_lacks; /* field, or FIELD_NONE */
    struct velocity_options velocity;
    int64_t max_ahead_us;
    struct model *model;
    uint32_t *model_feature; /* by input */
    uint32_t *rival_feature[MODEL_RIVALS];
    struct plan_entity *entity;
    uint32_t entity_count;
    struct schema *values; /* the features as fields */
    struct plan_feature *feature;
    uint32_t feature_count;
    struct plan_members *list;
    uint32_t list_count;
    struct plan_condition *rule;
    uint32_t rule_count;
    struct alerts *alerts;
    struct validation *validation; /* NULL: nothing is refused */
    struct plan_subject subject;   /* name NULL: no field is personal */
    bool *has_median;              /* by field */
    char *outcome[PLAN_OUTCOMES_MAX];
    uint32_t outcome_count;
    int fallback; /* an outcome, or -1 */
    char *fallback_reason;
    char *level[PLAN_LEVELS_MAX];
    uint32_t level_count;                   /* the lowest included */
    uint8_t outcome_of[PLAN_SCORE_MAX + 1]; /* by score */
    uint8_t level_of[PLAN_SCORE_MAX + 1];
};

void plan_free(struct plan *p); /* but for the model that it was not given yet */

#endif
