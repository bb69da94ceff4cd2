/* From settings and the events' fields to a plan. */
#include <stdio.h>

#include "core/decide/alerts.h"
#include "core/base/memory.h"
#include "shell/os/tzdata.h"
#include "shell/settings/settings.h"

/* The field that `path` names, which must exist and be of one of the types (bits). */
static bool role_set(const struct settings *s, const struct schema *schema, const char *path,
                     const char *name, unsigned types, const char *expected, int *field,
                     struct error *e)
{
    const char *nearest;

    *field = FIELD_NONE;
    if (name == NULL)
        return true;
    *field = schema_find(schema, text_of(name));
    if (*field != FIELD_NONE && (types >> schema->fields[*field].type & 1) != 0)
        return true;
    nearest = schema_nearest(schema, text_of(name));
    if (*field != FIELD_NONE && schema->fields[*field].type == TYPE_TEXT)
        error_set(
            e, ERROR_INVALID,
            "expected %s, but \"%s\" is of type text; where only some rows do not fit, name its "
            "type below sources.transactions.fields, and they become rejects",
            expected, name);
    else if (*field != FIELD_NONE)
        error_set(e, ERROR_INVALID, "expected %s, but \"%s\" is of type %s", expected, name,
                  type_name(schema->fields[*field].type));
    else
        error_set(e, ERROR_INVALID, "no field \"%s\"%s%s%s", name,
                  nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                  nearest != NULL ? "\"?" : "");
    return settings_blame(s, path, e);
}

enum {
    IDS = 1u << TYPE_TEXT | 1u << TYPE_INT,
    TIMES = 1u << TYPE_TIME,
    LABELS = 1u << TYPE_BOOL | 1u << TYPE_INT,
    AMOUNTS = 1u << TYPE_INT | 1u << TYPE_DECIMAL | 1u << TYPE_REAL,
};

/* Fields sealed apart in the log; those that the schema itself says are so too. */
static bool personal_set(const struct settings *s, struct schema *schema, struct error *e)
{
    for (uint32_t i = 0; i < s->personal_count; i++) {
        struct text name = text_of(s->personal_fields[i]);
        int field = schema_find(schema, name);
        const char *nearest = field == FIELD_NONE ? schema_nearest(schema, name) : NULL;

        if (field == FIELD_NONE) {
            error_set(e, ERROR_INVALID, "no field \"%s\"%s%s%s", name.bytes,
                      nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                      nearest != NULL ? "\"?" : "");
            return settings_blame(s, "personal.fields", e);
        }
        schema->fields[field].is_personal = true;
    }
    return true;
}

static bool roles_set(const struct settings *s, struct schema *schema, struct error *e)
{
    int amount;

    schema->kind = s->kind_count > 0 ? schema_find(schema, text_of(KIND_FIELD)) : FIELD_NONE;
    return role_set(s, schema, "event.id", s->event.id, IDS, "a text or whole number", &schema->id,
                    e) &&
           role_set(s, schema, "event.time", s->event.time, TIMES, "a time", &schema->time, e) &&
           role_set(s, schema, "event.label.field", s->event.label, LABELS, "0 or 1, false or true",
                    &schema->label, e) &&
           role_set(s, schema, "event.amount", s->event.amount, AMOUNTS, "a number", &amount, e) &&
           personal_set(s, schema, e);
}

/* The arrays that a plan_spec borrows. */
struct parts {
    struct plan_named *entities, *features;
    struct plan_list *lists;
    struct plan_rule *rules;
    struct plan_reason *reasons;
    struct plan_check *checks;
    struct plan_alert *alerts;
    struct plan_missing *missing;
    struct text *outcomes;
    struct plan_threshold *thresholds, *levels;
};

static void parts_fini(struct parts *p)
{
    mem_free(p->entities);
    mem_free(p->lists);
    mem_free(p->features);
    mem_free(p->rules);
    mem_free(p->reasons);
    mem_free(p->checks);
    mem_free(p->alerts);
    mem_free(p->missing);
    mem_free(p->outcomes);
    mem_free(p->thresholds);
    mem_free(p->levels);
}

static struct plan_threshold threshold_of(const struct threshold_setting *t)
{
    return (struct plan_threshold){text_of(t->name), t->score};
}

static struct text text_or_none(const char *text)
{
    return text_of(text != NULL ? text : "");
}

static void parts_init(struct parts *p, const struct settings *s)
{
    p->entities = mem_array(s->entity_count, sizeof *p->entities);
    p->lists = mem_array(s->list_count, sizeof *p->lists);
    p->features = mem_array(s->feature_count, sizeof *p->features);
    p->rules = mem_array(s->rule_count, sizeof *p->rules);
    p->outcomes = mem_array(s->outcome_count, sizeof *p->outcomes);
    p->thresholds = mem_array(PLAN_OUTCOMES_MAX, sizeof *p->thresholds);
    p->levels = mem_array(s->level_count, sizeof *p->levels);
    for (uint32_t i = 0; i < s->entity_count; i++)
        p->entities[i] =
            (struct plan_named){text_of(s->entities[i].name), text_of(s->entities[i].key)};
    for (uint32_t i = 0; i < s->list_count; i++) {
        const struct list_setting *l = &s->lists[i];

        p->lists[i] = (struct plan_list){text_of(l->name), list_setting_type(l)};
    }
    for (uint32_t i = 0; i < s->feature_count; i++)
        p->features[i] =
            (struct plan_named){text_of(s->features[i].name), text_of(s->features[i].source)};
    for (uint32_t i = 0; i < s->rule_count; i++)
        p->rules[i] = (struct plan_rule){text_of(s->rules[i].name), text_of(s->rules[i].when),
                                         text_of(s->rules[i].then), text_or_none(s->rules[i].text),
                                         s->rules[i].shadow};
    p->reasons = mem_array(s->reason_count, sizeof *p->reasons);
    for (uint32_t i = 0; i < s->reason_count; i++)
        p->reasons[i] =
            (struct plan_reason){text_of(s->reasons[i].feature), text_or_none(s->reasons[i].code),
                                 text_or_none(s->reasons[i].text)};
    p->checks = mem_array(s->check_count, sizeof *p->checks);
    for (uint32_t i = 0; i < s->check_count; i++)
        p->checks[i] = (struct plan_check){text_of(s->checks[i].name), text_of(s->checks[i].check),
                                           text_of(s->checks[i].then)};
    p->missing = mem_array(s->missing_count, sizeof *p->missing);
    for (uint32_t i = 0; i < s->missing_count; i++)
        p->missing[i] =
            (struct plan_missing){text_of(s->missing[i].name), text_of(s->missing[i].source)};
    p->alerts = mem_array(s->alert_count, sizeof *p->alerts);
    for (uint32_t i = 0; i < s->alert_count; i++) {
        const struct alert_setting *a = &s->alerts[i];

        p->alerts[i] = (struct plan_alert){.name = text_of(a->name),
                                           .when = text_or_none(a->when),
                                           .queue = text_or_none(a->queue),
                                           .entity = text_or_none(a->entity),
                                           .priority = text_or_none(a->priority),
                                           .amount = text_or_none(a->amount),
                                           .within_us = a->within_us};
    }
    for (uint32_t i = 0; i < s->outcome_count; i++)
        p->outcomes[i] = text_of(s->outcomes[i]);
}

/* Goals stay out: a plan without a model needs no thresholds, one with a model is given scores
 * (settings_resolve). */
static void thresholds_fill(const struct settings *s, struct parts *p, struct plan_spec *spec)
{
    uint32_t count;
    const struct threshold_setting *t = settings_thresholds(s, &count);

    spec->thresholds = p->thresholds;
    for (uint32_t i = 0; i < count; i++) {
        if (threshold_goal(&t[i]).kind == GOAL_NONE)
            p->thresholds[spec->threshold_count++] = threshold_of(&t[i]);
    }
}

/* A level at 0 is the lowest; without one it is called LOW. */
static void levels_fill(const struct settings *s, struct parts *p, struct plan_spec *spec)
{
    spec->lowest_level = text_of("LOW");
    spec->levels = p->levels;
    for (uint32_t i = 0; i < s->level_count; i++) {
        if (s->levels[i].score == 0)
            spec->lowest_level = text_of(s->levels[i].name);
        else
            p->levels[spec->level_count++] = threshold_of(&s->levels[i]);
    }
}

/* As the settings fix it, else as the machine has it. */
static struct zone *zone_find(void *context, struct text name, struct error *e)
{
    const struct settings *s = context;

    for (uint32_t i = 0; i < s->zone_count; i++) {
        if (text_is(name, s->zones[i].name))
            return zone_parse_text(name, text_of(s->zones[i].source), e);
    }
    return tzdata_find(name, e);
}

static bool is_about(const struct error *e, const char *path)
{
    size_t length = strlen(path);

    return strncmp(e->text, path, length) == 0 && e->text[length] == ':';
}

/* Whether it is about a check; then with its place. */
static bool blame_check(const struct settings *s, struct error *e)
{
    char path[PLAN_NAME_MAX + 32];

    for (uint32_t i = 0; i < s->check_count; i++) {
        snprintf(path, sizeof path, "validate.%s.check", s->checks[i].name);
        if (!is_about(e, path))
            continue;
        settings_blame(s, path, e);
        return true;
    }
    return false;
}

/* plan_new's words begin with the part they are about; find its place in the file. */
static bool blame_part(const struct settings *s, struct error *e)
{
    char path[PLAN_NAME_MAX + 16];

    if (is_about(e, "time_zone"))
        return settings_blame(s, "time_zone", e);
    if (is_about(e, "personal"))
        return settings_blame(s, "personal", e);
    if (is_about(e, "personal.fields"))
        return settings_blame(s, "personal.fields", e);
    if (is_about(e, "personal.subject"))
        return settings_blame(s, "personal.subject", e);
    for (uint32_t i = 0; i < s->entity_count; i++) {
        snprintf(path, sizeof path, "entities.%s.key", s->entities[i].name);
        if (is_about(e, path))
            return settings_blame(s, path, e);
    }
    for (uint32_t i = 0; i < s->list_count; i++) {
        snprintf(path, sizeof path, "lists.%s", s->lists[i].name);
        if (is_about(e, path))
            return settings_blame(s, path, e);
    }
    for (uint32_t i = 0; i < s->feature_count; i++) {
        snprintf(path, sizeof path, "features.%s", s->features[i].name);
        if (is_about(e, path))
            return settings_blame(s, path, e);
    }
    for (uint32_t i = 0; i < s->rule_count; i++) {
        snprintf(path, sizeof path, "rules.%s.when", s->rules[i].name);
        if (is_about(e, path))
            return settings_blame(s, path, e);
    }
    for (uint32_t i = 0; i < s->reason_count; i++) {
        static const char *const below[] = {".code", ".text", ""};

        for (int k = 0; k < 3; k++) {
            snprintf(path, sizeof path, "reasons.%s%s", s->reasons[i].feature, below[k]);
            if (is_about(e, path))
                return settings_blame(s, path, e);
        }
    }
    for (uint32_t i = 0; i < s->missing_count; i++) {
        snprintf(path, sizeof path, "missing.%s", s->missing[i].name);
        if (is_about(e, path))
            return settings_blame(s, path, e);
    }
    for (uint32_t i = 0; i < s->alert_count; i++) {
        static const char *const below[] = {".when", ".entity", ".priority", ".amount", ""};

        for (int k = 0; k < 5; k++) {
            snprintf(path, sizeof path, "alerts.%.100s%s", s->alerts[i].name, below[k]);
            if (is_about(e, path))
                return settings_blame(s, path, e);
        }
    }
    if (!blame_check(s, e))
        error_prefix(e, "%s", s->path);
    return false;
}

static void blame_notify(const struct settings *s, struct error *e)
{
    static const char *const below[] = {".when", ".entity", ""};
    char path[128];

    for (uint32_t i = 0; i < s->notify_count; i++) {
        for (int k = 0; k < 3; k++) {
            snprintf(path, sizeof path, "notify.%.100s%s", s->notify[i].name, below[k]);
            if (is_about(e, path)) {
                settings_blame(s, path, e);
                return;
            }
        }
    }
}

struct alerts *settings_notify_conditions(const struct settings *s, const struct plan *p,
                                          struct error *e)
{
    const struct plan_spec spec = {
        .zones = {zone_find, (void *)(uintptr_t)s},
        .time_zone = text_of(s->time_zone != NULL ? s->time_zone : ""),
    };
    struct plan_alert condition[SETTINGS_NOTIFY_MAX];
    struct alerts *made;
    uint32_t count = 0;

    for (uint32_t i = 0; i < s->notify_count; i++) {
        const struct notify_setting *n = &s->notify[i];

        if (n->on == NOTIFY_ON_DECISION)
            condition[count++] =
                (struct plan_alert){.name = text_of(n->name),
                                    .when = text_of(n->when != NULL ? n->when : ""),
                                    .entity = text_of(n->entity != NULL ? n->entity : "")};
    }
    *e = (struct error){0};
    if (count == 0)
        return NULL;
    made = alerts_new(p, "notify", condition, count, &spec, e);
    if (made == NULL)
        blame_notify(s, e);
    return made;
}

bool settings_validation(const struct settings *s, const struct schema *schema,
                         struct validation **v, struct error *e)
{
    struct validation_rule *rules = mem_array(s->check_count, sizeof *rules);
    uint32_t count = 0;
    bool ok;

    for (uint32_t i = 0; i < s->check_count; i++) {
        if (strcmp(s->checks[i].then, PLAN_REFUSE) == 0)
            rules[count++] =
                (struct validation_rule){text_of(s->checks[i].name), text_of(s->checks[i].check)};
    }
    *v = count > 0 ? validation_new(schema, rules, count, e) : NULL;
    mem_free(rules);
    ok = count == 0 || *v != NULL;
    if (!ok && !blame_check(s, e))
        error_prefix(e, "%s", s->path);
    return ok;
}

static bool plan_of(const struct settings *s, const struct schema *schema, struct model *model,
                    const uint8_t id[PLAN_ID_BYTES], struct plan **p, struct error *e)
{
    struct parts parts;
    struct plan_spec spec = {
        .schema = schema,
        .entity_count = s->entity_count,
        .list_count = s->list_count,
        .feature_count = s->feature_count,
        .rule_count = s->rule_count,
        .reason_count = s->reason_count,
        .check_count = s->check_count,
        .alert_count = s->alert_count,
        .missing_count = s->missing_count,
        .outcome_count = s->outcome_count,
        .velocity = {.memory_bytes = s->memory_bytes / 4 * 3,
                     .lateness_us = s->event.lateness_us,
                     .label_delay_us = s->event.label_delay_us,
                     .absent = s->event.absent,
                     .key = s->token_key},
        .max_ahead_us = s->event.max_ahead_us,
        .subject = text_of(s->personal_subject != NULL ? s->personal_subject : ""),
        .fallback = text_of(s->fallback != NULL ? s->fallback : ""),
        .fallback_reason = text_of(s->fallback_reason != NULL ? s->fallback_reason : "DEADLINE"),
        .zones = {zone_find, (void *)s},
        .time_zone = text_of(s->time_zone != NULL ? s->time_zone : ""),
        .model = model,
    };

    parts_init(&parts, s);
    spec.entities = parts.entities;
    spec.lists = parts.lists;
    spec.features = parts.features;
    spec.rules = parts.rules;
    spec.reasons = parts.reasons;
    spec.checks = parts.checks;
    spec.alerts = parts.alerts;
    spec.missing = parts.missing;
    spec.outcomes = parts.outcomes;
    thresholds_fill(s, &parts, &spec);
    levels_fill(s, &parts, &spec);
    memcpy(spec.id, id, PLAN_ID_BYTES);
    *p = plan_new(&spec, e);
    parts_fini(&parts);
    return *p != NULL || blame_part(s, e);
}

bool settings_plan(const struct settings *s, const struct schema *schema, struct model *model,
                   const uint8_t id[PLAN_ID_BYTES], struct plan **p, struct error *e)
{
    struct schema *own = schema_dup(schema);
    struct plan *fresh = NULL;
    bool ok = roles_set(s, own, e) && plan_of(s, own, model, id, &fresh, e);

    schema_free(own);
    if (ok)
        *p = fresh;
    return ok;
}
