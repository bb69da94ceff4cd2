/* A plan: everything that says how an event is decided. Settings, features, rules, policy and
 * model, compiled, immutable, reference-counted, shared between threads. Each log record names its
 * plan.
 */
#ifndef ASSAY_DECIDE_PLAN_H
#define ASSAY_DECIDE_PLAN_H

#include "core/decide/shared.h"
#include "core/decide/validation.h"
#include "core/lang/lang.h"
#include "core/model/model.h"
#include "core/velocity/velocity.h"

enum {
    ENGINE_EPOCH = 3, /* bumped when the numerics of features, scores or decisions change */
    PLAN_RULES_MAX = 256,
    PLAN_OUTCOMES_MAX = 16,
    PLAN_LEVELS_MAX = 16, /* the lowest included */
    PLAN_SCORE_MAX = 1000,
    PLAN_ID_BYTES = 32,
    PLAN_CODE_MAX = 64,   /* bytes of a reason's code */
    PLAN_WORDS_MAX = 512, /* bytes of the text of a reason or a rule */
    PLAN_NAME_MAX = 128,  /* bytes of a feature's, rule's, outcome's or level's name */
};

/* What a plan is made of; texts borrowed during plan_new. */
struct plan_named {
    struct text name;
    struct text source; /* expression, or an entity's key */
};

struct plan_list {
    struct text name;
    enum type type; /* text, int or decimal */
};

struct plan_rule {
    struct text name;
    struct text when;
    struct text then; /* an outcome */
    struct text text; /* what it means, for people; or empty */
    bool is_shadow;   /* fires, is recorded, and changes no outcome */
};

/* What a reason is called where this feature is one. */
struct plan_reason {
    struct text feature;
    struct text code; /* empty: the feature's name in capitals */
    struct text text; /* with {value}, {rank}, {usual}, {normal}; empty: made from the expression */
};

/* Then of a check that an event fails: refuse it, mark it (the rule fires and changes nothing), or
 * an outcome. */
#define PLAN_REFUSE "refuse"
#define PLAN_MARK   "mark"

struct plan_check {
    struct text name;
    struct text check; /* what must hold; null holds */
    struct text then;  /* refuse, mark or an outcome */
};

/* A condition on decisions that raises an alert (alerts.h). */
struct plan_alert {
    struct text name;
    struct text when;
    struct text queue;
    struct text entity;   /* whose decisions join one alert; empty: the first entity */
    struct text priority; /* an expression; empty: the score */
    struct text amount;   /* likewise; empty: the field or feature `amount`, where it is a number */
    int64_t within_us;    /* they join for so long */
};

#define PLAN_MEDIAN "median"

/* What stands in for a field that an event lacks. */
struct plan_missing {
    struct text field;
    struct text value; /* as in a cell of a file; for numbers also "median": see docs/settings.md */
};

struct plan_threshold {
    struct text name; /* an outcome, or a level */
    int score;        /* from this score on, 0..1000 */
};

struct plan_spec {
    const struct schema *schema;
    const struct plan_named *entities;
    uint32_t entity_count;
    struct text subject; /* the entity whose personal fields they are; empty: there are none */
    const struct plan_list *lists;
    uint32_t list_count;
    const struct plan_named *features;
    uint32_t feature_count;
    const struct plan_rule *rules;
    uint32_t rule_count;
    const struct plan_reason *reasons;
    uint32_t reason_count;
    const struct plan_check *checks; /* those that do not refuse are rules behind the rules */
    uint32_t check_count;
    const struct plan_missing *missing;
    uint32_t missing_count;
    const struct plan_alert *alerts;
    uint32_t alert_count;
    const struct text *outcomes; /* mildest first; the first is what nothing changes */
    uint32_t outcome_count;
    const struct plan_threshold
        *thresholds; /* score -> outcome; stricter outcomes, higher scores */
    uint32_t threshold_count;
    struct text fallback; /* the outcome of what waited past its deadline; empty: none */
    struct text fallback_reason;
    const struct plan_threshold *levels; /* score -> level */
    uint32_t level_count;
    struct text lowest_level; /* below all thresholds: "LOW" */
    struct velocity_options velocity;
    int64_t max_ahead_us;
    struct zone_source zones;  /* of named time zones, asked during plan_new; all NULL: none */
    struct text time_zone;     /* of calendar functions that name none; empty: UTC */
    struct model *model;       /* owned by the plan after success; NULL: rules only */
    uint8_t id[PLAN_ID_BYTES]; /* SHA-256 of the resolved settings and of the model file */
};

struct plan;

/* ERROR_INVALID names the part ("features.ratio: 1:14: expected ..."), or the model's inputs that
 * are no feature of the plan or have another definition now. */
struct plan *plan_new(const struct plan_spec *spec, struct error *e) MUST_USE;
/* Before it is shared: the id, where it covers what only the plan knows (its zones' rules). */
void plan_identify(struct plan *p, const uint8_t id[PLAN_ID_BYTES]);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p); /* takes NULL */

const uint8_t *plan_id(const struct plan *p);
const struct schema *plan_schema(const struct plan *p);
const struct program *plan_program(const struct plan *p);
const struct velocity_layout *plan_layout(const struct plan *p);
const struct model *plan_model(const struct plan *p); /* NULL: rules only */
const struct velocity_options *plan_velocity_options(const struct plan *p);
int64_t plan_max_ahead_us(const struct plan *p);

uint32_t plan_feature_count(const struct plan *p);
const char *plan_feature_name(const struct plan *p, uint32_t feature);
int plan_feature_node(const struct plan *p, uint32_t feature);
int plan_feature_find(const struct plan *p, struct text name); /* or -1 */
/* Of a reason: its code, its declared text (NULL: none) and the feature in plain words ("": it has
 * no better ones than its name). */
const char *plan_feature_code(const struct plan *p, uint32_t feature);
const char *plan_feature_text(const struct plan *p, uint32_t feature);
const char *plan_feature_phrase(const struct plan *p, uint32_t feature);
/* Whose own values it is compared with: the entity that it is an aggregate of, otherwise the first
 * one; -1 where there is none. */
int plan_feature_entity(const struct plan *p, uint32_t feature);

uint32_t plan_entity_count(const struct plan *p);
const char *plan_entity_name(const struct plan *p, uint32_t entity);
int plan_entity_find(const struct plan *p, struct text name); /* or -1 */
/* The node of its key: a field, or an expression that has a column where aggregates are by it. */
int plan_entity_node(const struct plan *p, uint32_t entity);

int plan_feature_input(const struct plan *p, uint32_t feature); /* of the model, or -1 */
/* The feature that is the model's i-th input. */
uint32_t plan_model_feature(const struct plan *p, uint32_t input);

/* The same of a model beside it. */
uint32_t plan_rival_feature(const struct plan *p, enum model_rival r, uint32_t input);

/* Whether the model's input of this feature has the training rows' median where it is null. */
bool plan_feature_takes_median(const struct plan *p, uint32_t feature);

/* The aggregates whose values are fields of the event: see shared.h. */
struct plan_shared {
    const struct aggregate *aggregate;
    int field;
};

uint32_t plan_shared_count(const struct plan *p);
const struct plan_shared *plan_shared(const struct plan *p, uint32_t index);
/* Into the registers of a run that began at row `first` of the frame. */
void plan_take_shared(const struct plan *p, const struct frame *f, uint32_t first,
                      struct registers *r);
int plan_shared_lacks(const struct plan *p); /* the field of enum shared_lack, or FIELD_NONE */

const struct validation *plan_validation(const struct plan *p); /* NULL: nothing is refused */
const struct alerts *plan_alerts(const struct plan *p);
uint32_t plan_list_count(const struct plan *p);
const char *plan_list_name(const struct plan *p, uint32_t list);
enum type plan_list_type(const struct plan *p, uint32_t list);
int plan_list_find(const struct plan *p, struct text name); /* or -1 */

/* Whose the personal fields are: an entity by its name, and the field that is its key. NULL where
 * no field is personal. */
struct plan_subject {
    char *name;
    int field;
};

const struct plan_subject *plan_subject(const struct plan *p);
/* Whether the node reads a personal field, directly or through others. */
bool plan_node_is_personal(const struct plan *p, int node);
/* Whether some feature does: its values then say something of them. */
bool plan_features_are_personal(const struct plan *p);
/* Whether the state depends on personal fields: by keys, conditions or operands of aggregates. */
bool plan_state_is_personal(const struct plan *p);

uint32_t plan_rule_count(const struct plan *p); /* with the checks that do not refuse */
const char *plan_rule_name(const struct plan *p, uint32_t rule);
const char *plan_rule_text(const struct plan *p, uint32_t rule); /* NULL: none */
int plan_rule_node(const struct plan *p, uint32_t rule);
uint32_t plan_rule_outcome(const struct plan *p, uint32_t rule); /* of a shadow rule: the mildest */
bool plan_rule_is_shadow(const struct plan *p, uint32_t rule);
int plan_rule_find(const struct plan *p, struct text name); /* or -1 */
uint32_t plan_outcome_count(const struct plan *p);
const char *plan_outcome_name(const struct plan *p, uint32_t outcome);
int plan_outcome_find(const struct plan *p, struct text name); /* or -1 */
int plan_fallback(const struct plan *p);                       /* an outcome, or -1: none */
const char *plan_fallback_reason(const struct plan *p);
uint32_t plan_level_count(const struct plan *p);                   /* the lowest included */
const char *plan_level_name(const struct plan *p, uint32_t level); /* 0 = lowest */

/* Score 0..1000 of a probability, and what the thresholds make of it. */
int plan_score(double probability);
uint32_t plan_outcome_of_score(const struct plan *p, int score);
uint32_t plan_level_of_score(const struct plan *p, int score);

#endif
