/* Compiling a plan. Everything is checked here once, so that deciding checks nothing. */
#include <math.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/data/cell.h"
#include "core/decide/alerts.h"
#include "core/decide/personal.h"
#include "core/decide/phrase.h"
#include "core/decide/plan_inside.h"
#include "core/decide/values.h"

static char *name_copy(struct text name)
{
    return mem_text(name.bytes, name.length);
}

static bool name_check(struct text name, const char *what, struct error *e)
{
    if (name.length > 0 && name.length <= PLAN_NAME_MAX)
        return true;
    return error_set(e, ERROR_INVALID, "%s: expected a name of 1 to %d bytes, found %zu", what,
                     PLAN_NAME_MAX, name.length);
}

static bool count_check(uint32_t count, uint32_t most, const char *what, struct error *e)
{
    if (count <= most)
        return true;
    return error_set(e, ERROR_INVALID, "%s: %u of them, at most %u are taken", what, count, most);
}

static bool limits_check(const struct plan_spec *spec, struct error *e)
{
    if (!count_check(spec->feature_count, LANG_FEATURES_MAX, "features", e) ||
        !count_check(spec->entity_count, LANG_FEATURES_MAX, "entities", e) ||
        !count_check(spec->list_count, LANG_LISTS_MAX, "lists", e) ||
        !count_check(spec->rule_count, PLAN_RULES_MAX, "rules", e) ||
        !count_check(spec->rule_count + spec->check_count, PLAN_RULES_MAX, "rules and validate",
                     e) ||
        !count_check(spec->outcome_count, PLAN_OUTCOMES_MAX, "outcomes", e) ||
        !count_check(spec->threshold_count, PLAN_OUTCOMES_MAX, "decision", e) ||
        !count_check(spec->level_count + 1, PLAN_LEVELS_MAX, "decision.levels", e))
        return false;
    if (spec->outcome_count == 0)
        return error_set(e, ERROR_INVALID, "outcomes: expected at least one");
    return true;
}

/* --- entities, features, rules --------------------------------------------------------------- */

/* "features.ratio: 1:14: expected ..." from the program's "ratio: 1:14: expected ...". */
static bool part_failed(struct error *e, const char *section, struct text name, const char *key)
{
    struct error inner = *e;
    const char *words = inner.text;

    if (strncmp(words, name.bytes, name.length) == 0 && words[name.length] == ':')
        words += name.length + strlen(": ");
    return error_set(e, inner.kind, "%s.%.*s%s: %s", section, TEXT_ARG(name), key, words);
}

static bool entities_add(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    p->entity = mem_array(spec->entity_count, sizeof *p->entity);
    for (uint32_t i = 0; i < spec->entity_count; i++) {
        const struct plan_named *entity = &spec->entities[i];

        if (!name_check(entity->name, "entities", e))
            return false;
        if (!program_add_entity(p->program, entity->name, entity->source, e))
            return part_failed(e, "entities", entity->name, ".key");
        p->entity[p->entity_count++] =
            (struct plan_entity){name_copy(entity->name), program_entity(p->program, entity->name)};
    }
    return true;
}

/* --- what stands in for missing fields: before anything reads them ---------------------------- */

static bool missing_failed(struct error *e, const struct plan_missing *m, const char *words)
{
    return error_set(e, ERROR_INVALID, "missing.%.*s: %s", TEXT_ARG(m->field), words);
}

static bool missing_add_one(struct plan *p, const struct plan_missing *m, struct error *e)
{
    const struct schema *s = p->schema;
    int at = schema_find(s, m->field);
    const char *nearest = at == FIELD_NONE ? schema_nearest(s, m->field) : NULL;
    char words[ERROR_TEXT_MAX / 2];
    struct value v = {0};

    snprintf(words, sizeof words, "there is no such field%s%.80s%s",
             nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
             nearest != NULL ? "\"?" : "");
    if (at == FIELD_NONE)
        return missing_failed(e, m, words);
    if (at == s->id || at == s->time || at == s->label || at == s->kind)
        return missing_failed(e, m,
                              "nothing can stand in for the id, the time, the kind or the "
                              "label of an event");
    v.type = s->fields[at].type;
    if (v.type == TYPE_TIME)
        return missing_failed(e, m, "nothing stands in for a time; use `is null` in a feature");
    if (text_is(m->value, PLAN_MEDIAN) && v.type != TYPE_TEXT) {
        if (!type_is_number(v.type))
            return missing_failed(e, m, "median is of numbers: name a value");
        p->has_median[at] = true;
        return true;
    }
    if (cell_parse(m->value, &s->fields[at], &v) != FAULT_NONE) {
        snprintf(words, sizeof words, "expected %s, found \"%.*s\"", type_name(v.type),
                 (int)(m->value.length < 60 ? m->value.length : 60), m->value.bytes);
        return missing_failed(e, m, words);
    }
    program_set_missing(p->program, at, &v);
    return true;
}

static bool missing_add(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    p->has_median = mem_array(p->schema->count, sizeof *p->has_median);
    for (uint32_t i = 0; i < spec->missing_count; i++) {
        if (!missing_add_one(p, &spec->missing[i], e))
            return false;
    }
    return true;
}

static bool is_median(const struct plan *p, int node)
{
    int field = program_field(p->program, node);

    return field != FIELD_NONE && p->has_median[field];
}

/* A median stands in for a model's input, so there must be one that is the field. */
static bool medians_check(const struct plan *p, const struct plan_spec *spec, struct error *e)
{
    for (uint32_t i = 0; i < spec->missing_count; i++) {
        int field = schema_find(p->schema, spec->missing[i].field);
        bool is_used = !p->has_median[field];

        for (uint32_t k = 0; k < p->feature_count; k++)
            is_used = is_used || program_field(p->program, p->feature[k].node) == field;
        if (!is_used)
            return missing_failed(e, &spec->missing[i],
                                  "the median stands in for a model's input that is this field, "
                                  "and no feature is: add one, or name a value");
    }
    return true;
}

static bool lists_add(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    p->list = mem_array(spec->list_count, sizeof *p->list);
    for (uint32_t i = 0; i < spec->list_count; i++) {
        const struct plan_list *from = &spec->lists[i];

        if (!program_add_list(p->program, from->name, from->type, e))
            return part_failed(e, "lists", from->name, "");
        p->list[p->list_count++] = (struct plan_members){name_copy(from->name), from->type};
    }
    return true;
}

/* Whether the mistake is that another feature is not there yet. */
static bool waits_for_another(const struct plan *p, const struct plan_spec *spec,
                              const struct error *e)
{
    char found[PLAN_NAME_MAX + 16];

    for (uint32_t i = 0; i < spec->feature_count; i++) {
        snprintf(found, sizeof found, "found \"%.*s\"", TEXT_ARG(spec->features[i].name));
        if (p->feature[i].name == NULL && strstr(e->text, found) != NULL)
            return true;
    }
    return false;
}

/* One round: compiles what can be, and returns how many that were. *e is the first mistake, of
 * those that wait for another only where there is no other. */
static uint32_t features_round(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    uint32_t added = 0;
    bool is_told = false, told_waits = false;

    for (uint32_t i = 0; i < spec->feature_count; i++) {
        const struct plan_named *from = &spec->features[i];
        struct error failed;
        int node;

        if (p->feature[i].name != NULL)
            continue;
        if (program_add_feature(p->program, from->name, from->source, &node, &failed)) {
            p->feature[i] = (struct plan_feature){
                .name = name_copy(from->name), .node = node, .takes_median = is_median(p, node)};
            added++;
            continue;
        }
        if (is_told && !(told_waits && !waits_for_another(p, spec, &failed)))
            continue;
        is_told = true;
        told_waits = waits_for_another(p, spec, &failed);
        if (told_waits)
            error_set(&failed, ERROR_INVALID, "%.*s: it is made of features that are made of it",
                      TEXT_ARG(from->name));
        *e = failed;
        part_failed(e, "features", from->name, "");
    }
    return added;
}

/* A feature may use those that stand below it too: what cannot be compiled yet is tried again when
 * others have been. What is left in the end is wrong. */
static bool features_add(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    uint32_t left = spec->feature_count, added;

    p->feature = mem_array(spec->feature_count, sizeof *p->feature);
    p->feature_count = spec->feature_count;
    for (uint32_t i = 0; i < spec->feature_count; i++) {
        if (!name_check(spec->features[i].name, "features", e))
            return false;
    }
    do {
        added = features_round(p, spec, e);
        left -= added;
    } while (left > 0 && added > 0);
    return left == 0;
}

static bool rules_add(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    p->rule = mem_array(spec->rule_count + spec->check_count, sizeof *p->rule);
    for (uint32_t i = 0; i < spec->rule_count; i++) {
        const struct plan_rule *from = &spec->rules[i];
        struct plan_condition rule = {0};
        int outcome = plan_outcome_find(p, from->then);

        if (!name_check(from->name, "rules", e))
            return false;
        for (uint32_t j = 0; j < i; j++) {
            if (text_equal(from->name, spec->rules[j].name))
                return error_set(e, ERROR_INVALID, "rules.%.*s: stands here twice",
                                 TEXT_ARG(from->name));
        }
        if (outcome < 0)
            return error_set(e, ERROR_INVALID, "rules.%.*s.then: \"%.*s\" is no outcome",
                             TEXT_ARG(from->name), TEXT_ARG(from->then));
        if (!program_add_condition(p->program, from->name, from->when, &rule.node, e))
            return part_failed(e, "rules", from->name, ".when");
        if (from->text.length > PLAN_WORDS_MAX)
            return error_set(e, ERROR_INVALID, "rules.%.*s.text: expected at most %d bytes",
                             TEXT_ARG(from->name), PLAN_WORDS_MAX);
        rule.text = from->text.length > 0 ? name_copy(from->text) : NULL;
        rule.name = name_copy(from->name);
        rule.outcome = from->is_shadow ? 0 : (uint32_t)outcome;
        rule.is_shadow = from->is_shadow;
        p->rule[p->rule_count++] = rule;
    }
    return true;
}

/* --- reasons: what features are called where they raise a score ------------------------------- */

static bool reason_failed(struct error *e, const struct plan_reason *r, const char *words)
{
    return error_set(e, ERROR_INVALID, "reasons.%.*s%s", TEXT_ARG(r->feature), words);
}

static bool is_code(struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        char c = t.bytes[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-' || c == '.'))
            return false;
    }
    return t.length <= PLAN_CODE_MAX;
}

/* Only what can be filled in may stand in braces. */
static bool are_holes_known(struct text t)
{
    static const char *const holes[] = {"{value}", "{rank}", "{usual}", "{normal}"};

    for (size_t i = 0; i < t.length; i++) {
        bool is_known = t.bytes[i] != '{';

        for (size_t k = 0; k < sizeof holes / sizeof *holes && !is_known; k++) {
            size_t length = strlen(holes[k]);

            is_known = t.length - i >= length && memcmp(t.bytes + i, holes[k], length) == 0;
        }
        if (!is_known)
            return false;
    }
    return true;
}

static bool reason_add(struct plan *p, const struct plan_reason *r, struct error *e)
{
    int feature = plan_feature_find(p, r->feature);

    if (feature < 0)
        return reason_failed(e, r, ": there is no such feature");
    if (!is_code(r->code))
        return reason_failed(e, r, ".code: expected at most 64 letters, digits, _ - .");
    if (r->text.length > PLAN_WORDS_MAX)
        return reason_failed(e, r, ".text: expected at most 512 bytes");
    if (!are_holes_known(r->text))
        return reason_failed(e, r,
                             ".text: only {value}, {rank}, {usual} and {normal} may stand "
                             "in braces");
    if (r->code.length > 0)
        p->feature[feature].code = name_copy(r->code);
    if (r->text.length > 0)
        p->feature[feature].text = name_copy(r->text);
    return true;
}

static char *capitals(const char *name)
{
    char *code = mem_text(name, strlen(name));

    for (char *at = code; *at != 0; at++) {
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
    }
    return code;
}

static bool codes_check(const struct plan *p, struct error *e)
{
    for (uint32_t i = 0; i < p->feature_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(p->feature[i].code, p->feature[k].code) == 0)
                return error_set(e, ERROR_INVALID,
                                 "reasons.%s.code: \"%s\" is the code of \"%s\" too: name another",
                                 p->feature[i].name, p->feature[i].code, p->feature[k].name);
        }
    }
    return true;
}

static bool reasons_add(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    for (uint32_t i = 0; i < spec->reason_count; i++) {
        if (!reason_add(p, &spec->reasons[i], e))
            return false;
    }
    for (uint32_t i = 0; i < p->feature_count; i++) {
        if (p->feature[i].code == NULL)
            p->feature[i].code = capitals(p->feature[i].name);
    }
    return spec->reason_count == 0 || codes_check(p, e);
}

/* What the words of reasons are made of; after program_finish. */
static bool words_make(struct plan *p, struct error *e)
{
    struct buffer words;

    p->values = schema_new();
    for (uint32_t i = 0; i < p->feature_count; i++) {
        struct plan_feature *f = &p->feature[i];
        struct text entity = feature_entity(p->program, f->node);

        if (!schema_add(p->values, text_of(f->name), program_type(p->program, f->node), e))
            return false;
        f->entity = plan_entity_find(p, entity);
        if (f->entity < 0 && p->entity_count > 0)
            f->entity = 0;
        buffer_init(&words, PLAN_WORDS_MAX);
        feature_phrase(p->program, f->node, &words);
        f->phrase = words.overflow ? mem_text("", 0) : mem_text(words.bytes, words.length);
        buffer_fini(&words);
    }
    return true;
}

/* A check that does not refuse is a rule that fires where it fails. */
static bool check_add(struct plan *p, const struct plan_check *from, struct error *e)
{
    struct plan_condition rule = {0};
    int outcome = text_is(from->then, PLAN_MARK) ? 0 : plan_outcome_find(p, from->then);

    if (outcome < 0)
        return error_set(e, ERROR_INVALID, "validate.%.*s.then: \"%.*s\" is no outcome",
                         TEXT_ARG(from->name), TEXT_ARG(from->then));
    if (!program_add_violation(p->program, from->name, from->check, &rule.node, e))
        return part_failed(e, "validate", from->name, ".check");
    rule.name = name_copy(from->name);
    rule.outcome = (uint32_t)outcome;
    p->rule[p->rule_count++] = rule;
    return true;
}

static bool checks_add(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    struct validation_rule *refuse = mem_array(spec->check_count, sizeof *refuse);
    uint32_t refused = 0;
    bool ok = true;

    for (uint32_t i = 0; i < spec->check_count && ok; i++) {
        const struct plan_check *from = &spec->checks[i];

        ok = name_check(from->name, "validate", e);
        for (uint32_t j = 0; j < p->rule_count && ok; j++) {
            if (text_is(from->name, p->rule[j].name))
                ok = error_set(e, ERROR_INVALID, "validate.%.*s: a rule has this name",
                               TEXT_ARG(from->name));
        }
        if (ok && text_is(from->then, PLAN_REFUSE))
            refuse[refused++] = (struct validation_rule){from->name, from->check};
        else if (ok)
            ok = check_add(p, from, e);
    }
    if (ok && refused > 0) {
        p->validation = validation_new(p->schema, refuse, refused, e);
        ok = p->validation != NULL;
    }
    mem_free(refuse);
    return ok;
}

/* Those that the events have the values of are no windows of ours. */
static void shared_find(struct plan *p)
{
    uint32_t count = program_aggregate_count(p->program);

    p->shared_lacks = schema_find(p->schema, text_of(SHARED_LACKS_FIELD));
    p->shared = mem_array(count, sizeof *p->shared);
    for (uint32_t i = 0; i < count; i++) {
        const struct aggregate *a = program_aggregate(p->program, i);
        char name[FIELD_NAME_MAX + 1];
        int field;

        shared_field_name(a, name);
        field = schema_find(p->schema, text_of(name));
        if (field != FIELD_NONE && p->schema->fields[field].type == a->type)
            p->shared[p->shared_count++] = (struct plan_shared){a, field};
    }
}

static bool is_shared(const struct plan *p, const struct aggregate *a)
{
    for (uint32_t i = 0; i < p->shared_count; i++) {
        if (p->shared[i].aggregate == a)
            return true;
    }
    return false;
}

static bool layout_make(struct plan *p, struct error *e)
{
    uint32_t count = program_aggregate_count(p->program), own = 0;
    const struct aggregate **aggregate = mem_array(count, sizeof *aggregate);
    bool ok = true;

    shared_find(p);
    for (uint32_t i = 0; i < count && ok; i++) {
        const struct aggregate *a = program_aggregate(p->program, i);

        ok = velocity_check(a, &p->velocity, e);
        if (!is_shared(p, a))
            aggregate[own++] = a;
    }
    if (ok)
        p->layout = velocity_layout_new(aggregate, own, &p->velocity);
    mem_free(aggregate);
    return ok;
}

/* --- outcomes and levels by score ------------------------------------------------------------ */

static bool outcomes_add(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    for (uint32_t i = 0; i < spec->outcome_count; i++) {
        if (!name_check(spec->outcomes[i], "outcomes", e))
            return false;
        if (plan_outcome_find(p, spec->outcomes[i]) >= 0)
            return error_set(e, ERROR_INVALID, "outcomes: \"%.*s\" stands here twice",
                             TEXT_ARG(spec->outcomes[i]));
        p->outcome[p->outcome_count++] = name_copy(spec->outcomes[i]);
    }
    return true;
}

static bool score_check(const char *section, const struct plan_threshold *t, struct error *e)
{
    if (t->score >= 0 && t->score <= PLAN_SCORE_MAX)
        return true;
    return error_set(e, ERROR_INVALID, "%s.%.*s: expected a score from 0 to %d, found %d", section,
                     TEXT_ARG(t->name), PLAN_SCORE_MAX, t->score);
}

/* A stricter outcome needs a higher score; otherwise the milder one could never be. */
static bool thresholds_check(const struct plan *p, const struct plan_spec *spec, struct error *e)
{
    for (uint32_t i = 0; i < spec->threshold_count; i++) {
        const struct plan_threshold *t = &spec->thresholds[i];
        int outcome = plan_outcome_find(p, t->name);

        if (outcome < 0)
            return error_set(e, ERROR_INVALID, "decision.%.*s: is no outcome", TEXT_ARG(t->name));
        if (!score_check("decision", t, e))
            return false;
        for (uint32_t j = 0; j < spec->threshold_count; j++) {
            const struct plan_threshold *other = &spec->thresholds[j];
            int stricter = plan_outcome_find(p, other->name);

            if (i != j && stricter == outcome)
                return error_set(e, ERROR_INVALID, "decision.%.*s: stands here twice",
                                 TEXT_ARG(t->name));
            if (stricter > outcome && other->score <= t->score)
                return error_set(e, ERROR_INVALID,
                                 "decision.%.*s: %d is not below %.*s's %d, though it is milder",
                                 TEXT_ARG(t->name), t->score, TEXT_ARG(other->name), other->score);
        }
    }
    return true;
}

static bool thresholds_add(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    if (!thresholds_check(p, spec, e))
        return false;
    for (uint32_t i = 0; i < spec->threshold_count; i++) {
        const struct plan_threshold *t = &spec->thresholds[i];
        uint8_t outcome = (uint8_t)plan_outcome_find(p, t->name);

        for (int score = t->score; score <= PLAN_SCORE_MAX; score++) {
            if (outcome > p->outcome_of[score])
                p->outcome_of[score] = outcome;
        }
    }
    return true;
}

static bool fallback_add(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    p->fallback = -1;
    if (spec->fallback.length == 0)
        return true;
    p->fallback = plan_outcome_find(p, spec->fallback);
    if (p->fallback < 0)
        return error_set(e, ERROR_INVALID, "decision.fallback.outcome: \"%.*s\" is no outcome",
                         TEXT_ARG(spec->fallback));
    p->fallback_reason = name_copy(spec->fallback_reason);
    return name_check(spec->fallback_reason, "decision.fallback.reason", e);
}

/* Levels are numbered from the lowest score up. */
static bool levels_add(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    int last = -1;

    if (!name_check(spec->lowest_level, "decision.levels", e))
        return false;
    p->level[p->level_count++] = name_copy(spec->lowest_level);
    for (uint32_t i = 0; i < spec->level_count; i++) {
        const struct plan_threshold *next = NULL;

        for (uint32_t j = 0; j < spec->level_count; j++) {
            const struct plan_threshold *t = &spec->levels[j];

            if (!name_check(t->name, "decision.levels", e) || !score_check("decision.levels", t, e))
                return false;
            if (t->score > last && (next == NULL || t->score < next->score))
                next = t;
        }
        if (next == NULL)
            return error_set(e, ERROR_INVALID, "decision.levels: two levels begin at %d", last);
        for (int score = next->score; score <= PLAN_SCORE_MAX; score++)
            p->level_of[score] = (uint8_t)p->level_count;
        p->level[p->level_count++] = name_copy(next->name);
        last = next->score;
    }
    return true;
}

/* --- the model ------------------------------------------------------------------------------- */

/* Why a feature is not what the model's input was trained on; NULL: it is. */
static const char *input_fault(const struct plan *p, const struct model_input *input, int feature)
{
    bool has_fill = !isnan(input->fill);

    enum type type;
    int node;

    if (feature < 0)
        return "is no feature of the settings";
    node = p->feature[feature].node;
    type = program_type(p->program, node);
    if (input->is_category != (type == TYPE_TEXT))
        return input->is_category ? "was a text in training and is a number now"
                                  : "was a number in training and is a text now";
    if (input->fingerprint != program_fingerprint(p->program, node))
        return "has another definition than in training";
    if (has_fill != p->feature[feature].takes_median)
        return has_fill ? "has a median for missing values, which `missing` does not say now"
                        : "has no median for missing values, which `missing` says now";
    return NULL;
}

/* The first that differs is told in full; of the others the names. */
static bool model_check(struct plan *p, const struct model *m, struct error *e)
{
    uint32_t count = model_input_count(m);
    uint32_t faults = 0;
    struct buffer others;

    p->model_feature = mem_array(count, sizeof *p->model_feature);
    buffer_init(&others, ERROR_TEXT_MAX / 2);
    for (uint32_t i = 0; i < count; i++) {
        const struct model_input *input = model_input(m, i);
        int feature = plan_feature_find(p, text_of(input->name));
        const char *fault = input_fault(p, input, feature);

        p->model_feature[i] = (uint32_t)feature;
        if (feature >= 0)
            p->feature[feature].input = i + 1;
        if (fault == NULL)
            continue;
        if (faults++ == 0)
            error_set(e, ERROR_INVALID, "model: its input \"%s\" %s", input->name, fault);
        else
            buffer_format(&others, "%s%s", faults > 2 ? ", " : "", input->name);
    }
    if (faults > 0) {
        struct error first = *e;

        error_set(e, ERROR_INVALID, "%s%s%s: train again, or bring the definition back", first.text,
                  faults > 1 ? "; differing too: " : "", faults > 1 ? buffer_text(&others) : "");
    }
    buffer_fini(&others);
    return faults == 0;
}

static bool rival_check(struct plan *p, const struct model *m, enum model_rival r, struct error *e)
{
    static const char *const words[MODEL_RIVALS] = {"challenger", "shadow"};
    const struct model *rival = model_rival(m, r);

    if (rival == NULL)
        return true;
    p->rival_feature[r] = mem_array(model_input_count(rival), sizeof *p->rival_feature[r]);
    for (uint32_t i = 0; i < model_input_count(rival); i++) {
        const struct model_input *input = model_input(rival, i);
        int feature = plan_feature_find(p, text_of(input->name));
        const char *fault = input_fault(p, input, feature);

        if (fault != NULL)
            return error_set(e, ERROR_INVALID,
                             "%s: its input \"%s\" %s: promote another to %s, or set model.rivals: "
                             "false",
                             words[r], input->name, fault, words[r]);
        p->rival_feature[r][i] = (uint32_t)feature;
    }
    return true;
}

/* --- the whole ------------------------------------------------------------------------------- */

void plan_free(struct plan *p)
{
    velocity_layout_free(p->layout);
    program_free(p->program);
    schema_free(p->schema);
    schema_free(p->values);
    model_free(p->model);
    mem_free(p->model_feature);
    for (int r = 0; r < MODEL_RIVALS; r++)
        mem_free(p->rival_feature[r]);
    for (uint32_t i = 0; i < p->feature_count; i++) {
        mem_free(p->feature[i].name);
        mem_free(p->feature[i].code);
        mem_free(p->feature[i].text);
        mem_free(p->feature[i].phrase);
    }
    for (uint32_t i = 0; i < p->entity_count; i++)
        mem_free(p->entity[i].name);
    for (uint32_t i = 0; i < p->list_count; i++)
        mem_free(p->list[i].name);
    for (uint32_t i = 0; i < p->rule_count; i++) {
        mem_free(p->rule[i].name);
        mem_free(p->rule[i].text);
    }
    for (uint32_t i = 0; i < p->outcome_count; i++)
        mem_free(p->outcome[i]);
    for (uint32_t i = 0; i < p->level_count; i++)
        mem_free(p->level[i]);
    mem_free(p->fallback_reason);
    validation_free(p->validation);
    alerts_free(p->alerts);
    mem_free(p->subject.name);
    mem_free(p->has_median);
    mem_free(p->feature);
    mem_free(p->entity);
    mem_free(p->shared);
    mem_free(p->list);
    mem_free(p->rule);
    mem_free(p);
}

static bool subject_set(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    if (!personal_check(p, spec, &p->subject.field, e))
        return false;
    if (p->subject.field != FIELD_NONE)
        p->subject.name = name_copy(spec->subject);
    return true;
}

static bool plan_fill(struct plan *p, const struct plan_spec *spec, struct error *e)
{
    program_lend_zones(p->program, &spec->zones);
    if (spec->time_zone.length > 0 && !program_set_time_zone(p->program, spec->time_zone, e))
        return error_prefix(e, "time_zone");
    if (!limits_check(spec, e) || !outcomes_add(p, spec, e) || !thresholds_add(p, spec, e) ||
        !fallback_add(p, spec, e) || !levels_add(p, spec, e) || !missing_add(p, spec, e) ||
        !entities_add(p, spec, e) || !lists_add(p, spec, e) || !features_add(p, spec, e) ||
        !medians_check(p, spec, e) || !rules_add(p, spec, e) || !checks_add(p, spec, e) ||
        !reasons_add(p, spec, e))
        return false;
    program_finish(p->program);
    if (!layout_make(p, e) || !words_make(p, e) || !subject_set(p, spec, e))
        return false;
    p->alerts = alerts_new(p, spec->alerts, spec->alert_count, spec, e);
    if (p->alerts == NULL)
        return false;
    return spec->model == NULL ||
           (model_check(p, spec->model, e) && rival_check(p, spec->model, RIVAL_CHALLENGER, e) &&
            rival_check(p, spec->model, RIVAL_SHADOW, e));
}

struct plan *plan_new(const struct plan_spec *spec, struct error *e)
{
    struct plan *p = mem_alloc(sizeof *p);

    atomic_init(&p->references, 1);
    memcpy(p->id, spec->id, sizeof p->id);
    p->schema = schema_dup(spec->schema);
    p->program = program_new(p->schema);
    p->velocity = spec->velocity;
    p->max_ahead_us = spec->max_ahead_us;
    if (!plan_fill(p, spec, e)) {
        plan_free(p); /* the model is still the caller's */
        return NULL;
    }
    p->model = spec->model;
    return p;
}
