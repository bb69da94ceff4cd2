/* What no single key can say. */
#include "shell/settings/access.h"
#include "shell/settings/keys.h"
#include "shell/settings/notify.h"
#include "shell/settings/read.h"
#include "shell/settings/rollup.h"
#include "shell/settings/search.h"
#include "shell/settings/stream.h"

#include <stdio.h>

#include "core/base/memory.h"

/* Puts the place of the key before the words of *e; before, name and after make its path. */
static bool refuse(const struct settings *s, struct error *e, const char *before, const char *name,
                   const char *after)
{
    char path[2 * KEY_PATH_MAX];

    snprintf(path, sizeof path, "%s%s%s", before, name, after);
    return settings_blame(s, path, e);
}

static int outcome_find(const struct settings *s, const char *name)
{
    for (uint32_t i = 0; i < s->outcome_count; i++) {
        if (strcmp(s->outcomes[i], name) == 0)
            return (int)i;
    }
    return -1;
}

static bool refuse_outcome(const struct settings *s, const char *name, struct error *e)
{
    struct text names[PLAN_OUTCOMES_MAX];
    struct buffer known;
    int nearest;

    buffer_init(&known, ERROR_TEXT_MAX);
    for (uint32_t i = 0; i < s->outcome_count; i++) {
        names[i] = text_of(s->outcomes[i]);
        buffer_format(&known, "%s%s", i > 0 ? ", " : "", s->outcomes[i]);
    }
    nearest = text_nearest(text_of(name), names, s->outcome_count);
    if (nearest >= 0)
        error_set(e, ERROR_INVALID, "expected an outcome, found \"%.80s\"; did you mean \"%s\"?",
                  name, s->outcomes[nearest]);
    else
        error_set(e, ERROR_INVALID, "expected an outcome (%s), found \"%.80s\"",
                  buffer_text(&known), name);
    buffer_fini(&known);
    return false;
}

static bool is_key_of_decision(const char *name)
{
    const struct key *k = key_find(key_find(NULL, text_of("decision")), text_of(name));

    return k != NULL && key_is_named(k);
}

static bool verify_outcomes(const struct settings *s, struct error *e)
{
    if (s->outcome_count == 0) {
        error_set(e, ERROR_INVALID, "expected at least one outcome");
        return settings_blame(s, "outcomes", e);
    }
    for (uint32_t i = 0; i < s->outcome_count; i++) {
        const char *name = s->outcomes[i];

        if (strlen(name) > PLAN_NAME_MAX)
            error_set(e, ERROR_INVALID, "\"%.40s...\" is over %d bytes", name, PLAN_NAME_MAX);
        else if (is_key_of_decision(name))
            error_set(e, ERROR_INVALID, "\"%s\" is a key below decision: name it otherwise", name);
        else if (outcome_find(s, name) != (int)i)
            error_set(e, ERROR_INVALID, "\"%s\" stands here twice", name);
        else
            continue;
        return settings_blame(s, "outcomes", e);
    }
    return true;
}

/* The default thresholds hold for the outcomes that there are. */
static void drop_default_thresholds(struct settings *s)
{
    const struct origin *o = NULL;
    char path[KEY_PATH_MAX];
    uint32_t kept = 0;

    if (s->decision_count > 0) {
        snprintf(path, sizeof path, "decision.%s.score", s->decision[0].name);
        o = origins_find(s->origins, path);
    }
    if (o == NULL || o->words == NULL || strcmp(o->words, "default") != 0)
        return;
    for (uint32_t i = 0; i < s->decision_count; i++) {
        if (s->profile == NULL && outcome_find(s, s->decision[i].name) >= 0)
            s->decision[kept++] = s->decision[i];
        else
            mem_free(s->decision[i].name);
    }
    s->decision_count = kept;
}

/* A score, or one goal. */
static bool verify_threshold(const struct settings *s, const char *parent,
                             const struct threshold_setting *t, struct error *e)
{
    int goals = t->has_f_beta + t->has_cost + t->has_recall + t->has_alerts;

    if (outcome_find(s, t->name) < 0) {
        refuse_outcome(s, t->name, e);
        return refuse(s, e, parent, t->name, "");
    }
    if (goals > 1 || (goals == 0 && !t->has_score)) {
        error_set(e, ERROR_INVALID,
                  "expected a score from 0 to 1000 or one of {f_beta: 2}, {cost: 5}, "
                  "{recall: 0.8}, {alerts_per_day: 50}");
        return refuse(s, e, parent, t->name, "");
    }
    if (goals == 1 && !settings_has_model(s)) {
        error_set(e, ERROR_INVALID,
                  "without a model (model.kind: none) there is nothing to find a score by");
        return refuse(s, e, parent, t->name, "");
    }
    return true;
}

static bool verify_profiles(const struct settings *s, struct error *e)
{
    if (s->profile != NULL && s->decision_count > 0) {
        error_set(e, ERROR_INVALID, "expected a profile or thresholds, found both");
        return settings_blame(s, "decision", e);
    }
    if (s->profile != NULL && settings_profile(s, s->profile) == NULL) {
        error_set(e, ERROR_INVALID,
                  "expected outcomes with scores, or a name under thresholds; "
                  "found \"%.80s\"",
                  s->profile);
        return settings_blame(s, "decision.profile", e);
    }
    for (uint32_t i = 0; i < s->profile_count; i++) {
        char path[KEY_PATH_MAX];

        snprintf(path, sizeof path, "thresholds.%s.", s->profiles[i].name);
        for (uint32_t k = 0; k < s->profiles[i].count; k++) {
            if (!verify_threshold(s, path, &s->profiles[i].thresholds[k], e))
                return false;
        }
    }
    return true;
}

static bool verify_fallback(const struct settings *s, struct error *e)
{
    if (s->fallback != NULL && outcome_find(s, s->fallback) < 0) {
        refuse_outcome(s, s->fallback, e);
        return settings_blame(s, "decision.fallback.outcome", e);
    }
    if (s->fallback == NULL && (s->deadline_ms > 0 || s->fallback_reason != NULL)) {
        error_set(e, ERROR_INVALID,
                  "expected decision.fallback beside it: the outcome of a decision past its "
                  "deadline, such as %s",
                  s->outcomes[0]);
        return settings_blame(
            s, s->deadline_ms > 0 ? "decision.deadline_ms" : "decision.fallback.reason", e);
    }
    return true;
}

static bool verify_decision(const struct settings *s, struct error *e)
{
    if (!verify_profiles(s, e) || !verify_fallback(s, e))
        return false;
    if (s->profile == NULL && s->decision_count == 0 && settings_has_model(s) &&
        s->outcome_count > 1) {
        error_set(e, ERROR_INVALID,
                  "expected the score from which on an outcome holds, such as "
                  "{%s: 800}",
                  s->outcomes[s->outcome_count - 1]);
        return settings_blame(s, "decision", e);
    }
    for (uint32_t i = 0; i < s->decision_count; i++) {
        if (!verify_threshold(s, "decision.", &s->decision[i], e))
            return false;
    }
    for (uint32_t i = 0; i < s->rule_count; i++) {
        if (outcome_find(s, s->rules[i].then) < 0) {
            refuse_outcome(s, s->rules[i].then, e);
            return refuse(s, e, "rules.", s->rules[i].name, ".then");
        }
    }
    return true;
}

bool settings_is_events(const struct settings *s, const struct source_setting *source)
{
    if (s->kind_count == 0)
        return strcmp(source->name, "transactions") == 0;
    for (uint32_t i = 0; i < s->kind_count; i++) {
        if (s->kinds[i].source != NULL && strcmp(s->kinds[i].source, source->name) == 0)
            return true;
    }
    return false;
}

static bool verify_checks(const struct settings *s, struct error *e)
{
    for (uint32_t i = 0; i < s->check_count; i++) {
        const struct check_setting *c = &s->checks[i];
        struct error inner;

        for (uint32_t j = 0; j < s->rule_count; j++) {
            if (strcmp(s->rules[j].name, c->name) != 0)
                continue;
            error_set(e, ERROR_INVALID, "a rule has this name: rename one");
            return refuse(s, e, "validate.", c->name, "");
        }
        if (strcmp(c->then, PLAN_REFUSE) == 0 || strcmp(c->then, PLAN_MARK) == 0 ||
            outcome_find(s, c->then) >= 0)
            continue;
        refuse_outcome(s, c->then, &inner);
        error_set(e, ERROR_INVALID, PLAN_REFUSE ", " PLAN_MARK " or else %.200s", inner.text);
        return refuse(s, e, "validate.", c->name, ".then");
    }
    return true;
}

/* A source of events is read, every other one is looked up in. */
static bool verify_use(const struct settings *s, const struct source_setting *source,
                       struct error *e)
{
    bool is_events = settings_is_events(s, source);

    if (is_events && source->key != NULL) {
        error_set(e, ERROR_INVALID, "%s are events, not a table to look up in", source->name);
        return refuse(s, e, "sources.", source->name, ".key");
    }
    if (is_events && source->valid_from != NULL) {
        error_set(e, ERROR_INVALID, "%s are events, not a table to look up in", source->name);
        return refuse(s, e, "sources.", source->name, ".valid_from");
    }
    if (!is_events && source->join_count > 0) {
        error_set(e, ERROR_INVALID, "files are joined to events; %s is a table to look up in",
                  source->name);
        return refuse(s, e, "sources.", source->name, ".join");
    }
    if (!is_events && source->key == NULL && !rollup_uses(s, source->name)) {
        error_set(
            e, ERROR_INVALID,
            "expected its key, the column named like the events' field to look up by, such as "
            "{%s: %.80s, key: customer_id}",
            source->file != NULL ? "file" : "table",
            source->file != NULL ? source->file : "raw.customers");
        return refuse(s, e, "sources.", source->name, "");
    }
    return true;
}

/* A file, or one of a table and a query. */
static bool verify_place(const struct settings *s, const struct source_setting *source,
                         struct error *e)
{
    static const char *const later[] = {"s3:"};
    int places = (source->file != NULL) + (source->table != NULL) + (source->query != NULL);

    if (places != 1 && (places != 0 || source->kafka == NULL)) {
        error_set(e, ERROR_INVALID, "expected one of file, table and query, found %s",
                  places == 0 ? "none" : "several");
        return refuse(s, e, "sources.", source->name, "");
    }
    if (source->grows != NULL && source->table == NULL && source->query == NULL) {
        error_set(e, ERROR_INVALID,
                  "rows of a table or query have columns that grow; of files it "
                  "is seen by itself what is new");
        return refuse(s, e, "sources.", source->name, ".grows");
    }
    if (source->file == NULL)
        return true;
    if (source->postgres != NULL) {
        error_set(e, ERROR_INVALID,
                  "a file is read without a database; for one of its tables write `table: "
                  "raw.payments` instead of `file`");
        return refuse(s, e, "sources.", source->name, ".postgres");
    }
    if (strncmp(source->file, "postgres", 8) == 0 && strstr(source->file, "://") != NULL) {
        error_set(e, ERROR_INVALID,
                  "a database is no file: write its URL under `postgres` and `table` or `query` "
                  "instead of `file`");
        return refuse(s, e, "sources.", source->name, ".file");
    }
    if (strncmp(source->file, "kafka:", 6) == 0) {
        error_set(e, ERROR_INVALID, "a topic is no file: write `kafka: %.100s` instead of `file`",
                  source->file + 6);
        return refuse(s, e, "sources.", source->name, ".file");
    }
    for (size_t j = 0; j < sizeof later / sizeof later[0]; j++) {
        if (strncmp(source->file, later[j], strlen(later[j])) != 0)
            continue;
        error_set(e, ERROR_INVALID, "a source \"%s\" is not in this version: give a file",
                  later[j]);
        return refuse(s, e, "sources.", source->name, ".file");
    }
    return true;
}

static bool verify_sources(const struct settings *s, struct error *e)
{
    for (uint32_t i = 0; i < s->source_count; i++) {
        const struct source_setting *source = &s->sources[i];

        if (!verify_place(s, source, e))
            return false;
        if (!verify_use(s, source, e))
            return false;
        if (source->delimiter != 0 && source->delimiter == source->point) {
            error_set(e, ERROR_INVALID, "delimiter and decimal mark are the same, \"%c\"",
                      source->point);
            return refuse(s, e, "sources.", source->name, ".delimiter");
        }
    }
    if (s->kind_count == 0 && settings_source(s, "transactions") == NULL && s->schema_count == 0) {
        error_set(e, ERROR_INVALID,
                  "expected a source called transactions, such as "
                  "sources: {transactions: transactions.csv}");
        return settings_blame(s, "sources", e);
    }
    return true;
}

/* ---- kinds of event */

/* Kinds stand in expressions and in names of files. */
static bool is_plain_name(const char *name)
{
    for (const char *p = name; *p != 0; p++) {
        bool is_letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';

        if (!is_letter && (p == name || *p < '0' || *p > '9'))
            return false;
    }
    return true;
}

static bool verify_kind_source(const struct settings *s, uint32_t i, struct error *e)
{
    const struct kind_setting *k = &s->kinds[i];

    if (s->schema_count > 0)
        return true;
    if (k->source == NULL) {
        error_set(e, ERROR_INVALID, "expected its source, such as {source: %s}",
                  s->source_count > 0 ? s->sources[0].name : "logins");
        return refuse(s, e, "events.", k->name, "");
    }
    if (settings_source(s, k->source) == NULL) {
        error_set(e, ERROR_INVALID, "there is no source \"%.80s\"", k->source);
        return refuse(s, e, "events.", k->name, ".source");
    }
    for (uint32_t j = 0; j < i; j++) {
        if (strcmp(s->kinds[j].source, k->source) != 0)
            continue;
        error_set(e, ERROR_INVALID,
                  "\"%.80s\" is the source of %.80s: one source has events of "
                  "one kind",
                  k->source, s->kinds[j].name);
        return refuse(s, e, "events.", k->name, ".source");
    }
    return true;
}

/* What all kinds call it, else the word that stands for it. */
static const char *common_name(const struct settings *s, bool is_time, const char *otherwise)
{
    const char *common = NULL;

    for (uint32_t i = 0; i < s->kind_count; i++) {
        const char *name = is_time ? s->kinds[i].time : s->kinds[i].id;

        if (name != NULL && common != NULL && strcmp(name, common) != 0)
            return otherwise;
        common = name != NULL ? name : common;
    }
    return common;
}

/* The events' id and time are those of their kinds: one field each, under one name. */
static bool set_common(struct settings *s, const char *path, char **role, const char *name,
                       struct error *e)
{
    if (*role != NULL && (name == NULL || strcmp(*role, name) != 0)) {
        error_set(e, ERROR_INVALID,
                  "each kind under events says what its own is called: leave "
                  "this out");
        return settings_blame(s, path, e);
    }
    if (*role == NULL && name != NULL)
        *role = mem_text(name, strlen(name));
    return true;
}

static bool verify_kinds(struct settings *s, struct error *e)
{
    bool is_any_decided = s->kind_count == 0;

    for (uint32_t i = 0; i < s->kind_count; i++) {
        struct kind_setting *k = &s->kinds[i];

        if (!is_plain_name(k->name)) {
            error_set(e, ERROR_INVALID, "expected a name of letters, digits and _");
            return refuse(s, e, "events.", k->name, "");
        }
        if (!verify_kind_source(s, i, e))
            return false;
        if (!k->has_decide)
            k->decide = i == 0;
        k->has_decide = true;
        is_any_decided = is_any_decided || k->decide;
    }
    if (!is_any_decided) {
        error_set(e, ERROR_INVALID, "no kind is decided: set decide to true for one");
        return settings_blame(s, "events", e);
    }
    return s->kind_count == 0 ||
           (set_common(s, "event.id", &s->event.id, common_name(s, false, "id"), e) &&
            set_common(s, "event.time", &s->event.time, common_name(s, true, "time"), e));
}

static bool verify_schema_kinds(const struct settings *s, const struct schema_setting *f,
                                const char *number, struct error *e)
{
    for (uint32_t i = 0; i < f->kind_count; i++) {
        bool is_known = false;

        for (uint32_t k = 0; k < s->kind_count; k++)
            is_known = is_known || strcmp(s->kinds[k].name, f->kinds[i]) == 0;
        if (is_known)
            continue;
        error_set(e, ERROR_INVALID, "there is no kind \"%.80s\" under events", f->kinds[i]);
        return refuse(s, e, "schema.", number, ".kinds");
    }
    return true;
}

static bool has_schema_field(const struct settings *s, const char *name)
{
    for (uint32_t i = 0; i < s->schema_count; i++) {
        if (strcmp(s->schema[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Fixed fields of several kinds: those that all kinds share must be among them. */
static bool verify_shared_fields(const struct settings *s, struct error *e)
{
    const char *shared[] = {KIND_FIELD, s->event.time, s->event.id};

    for (size_t i = 0; s->schema_count > 0 && s->kind_count > 0 && i < 3; i++) {
        if (shared[i] == NULL || has_schema_field(s, shared[i]))
            continue;
        error_set(e, ERROR_INVALID, "with several kinds of event a field \"%.80s\" is expected",
                  shared[i]);
        return settings_blame(s, "schema", e);
    }
    return true;
}

static bool expect_feature(const struct settings *s, const char *name, const char *path,
                           struct error *e)
{
    struct text names[LANG_FEATURES_MAX];
    int nearest;

    for (uint32_t j = 0; j < s->feature_count; j++) {
        names[j] = text_of(s->features[j].name);
        if (strcmp(s->features[j].name, name) == 0)
            return true;
    }
    nearest = text_nearest(text_of(name), names, s->feature_count);
    error_set(e, ERROR_INVALID, "expected features, found \"%.80s\"%s%s%s", name,
              nearest >= 0 ? "; did you mean \"" : "",
              nearest >= 0 ? s->features[nearest].name : "", nearest >= 0 ? "\"?" : "");
    return settings_blame(s, path, e);
}

static bool verify_model_features(const struct settings *s, struct error *e)
{
    for (uint32_t i = 0; i < s->model.feature_count; i++) {
        if (!expect_feature(s, s->model.features[i], "model.features", e))
            return false;
    }
    return true;
}

static bool verify_entity(const struct settings *s, const char *path, const char *name,
                          struct error *e)
{
    for (uint32_t i = 0; i < s->entity_count; i++) {
        if (name == NULL || strcmp(s->entities[i].name, name) == 0)
            return true;
    }
    if (name == NULL)
        return true;
    error_set(e, ERROR_INVALID, "expected an entity, found \"%.80s\"", name);
    return settings_blame(s, path, e);
}

/* Windows are dates, lengths or, by time, a share of the events. */
static bool verify_windows(struct settings *s, struct error *e)
{
    struct validate_setting *v = &s->model.validate;
    bool has_train = v->train_from_us != v->train_until_us;
    bool has_test = v->test_from_us != v->test_until_us;
    const char *either = has_train ? "model.validate.train" : "model.validate.test";
    bool is_length = has_train && v->train_from_us == SPAN_LENGTH;

    if (has_train != has_test) {
        error_set(e, ERROR_INVALID, "expected train and test together, found one of them");
        return settings_blame(s, either, e);
    }
    if (has_train && is_length != (v->test_from_us == SPAN_LENGTH)) {
        error_set(e, ERROR_INVALID,
                  "expected two spans of dates or two lengths, found one of each");
        return settings_blame(s, "model.validate.test", e);
    }
    v->has_lengths = is_length;
    v->has_window = has_train && !is_length;
    if (v->by == VALIDATE_PREQUENTIAL && !v->has_lengths) {
        error_set(e, ERROR_INVALID,
                  "prequential takes the lengths of its windows, such as train: 7d and test: 7d");
        return settings_blame(s, has_train ? either : "model.validate.by", e);
    }
    if (has_train && v->by != VALIDATE_TIME && v->by != VALIDATE_PREQUENTIAL) {
        error_set(e, ERROR_INVALID, "dates go with \"by: time\" only");
        return settings_blame(s, "model.validate.train", e);
    }
    if (v->has_window && v->test_from_us < v->train_until_us) {
        error_set(e, ERROR_INVALID,
                  "the test begins before training ends: the model would be "
                  "tested on what it was trained on");
        return settings_blame(s, "model.validate.test", e);
    }
    if (v->step_us == 0)
        v->step_us = v->has_lengths ? v->test_until_us : 0;
    return true;
}

static bool verify_validate(struct settings *s, struct error *e)
{
    return verify_windows(s, e) &&
           verify_entity(s, "model.validate.drop_known", s->model.validate.drop_known, e) &&
           verify_entity(s, "model.validate.group", s->model.validate.group, e);
}

static bool verify_levels(const struct settings *s, struct error *e)
{
    for (uint32_t i = 0; i < s->level_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (s->levels[i].score != s->levels[j].score)
                continue;
            error_set(e, ERROR_INVALID, "%d is the score of \"%s\" too", s->levels[i].score,
                      s->levels[j].name);
            return refuse(s, e, "decision.levels.", s->levels[i].name, "");
        }
    }
    return true;
}

static bool verify_schema(const struct settings *s, struct error *e)
{
    struct schema *schema = schema_new();
    char number[16];
    bool ok = true;

    for (uint32_t i = 0; i < s->schema_count && ok; i++) {
        snprintf(number, sizeof number, "%u", i + 1);
        ok = schema_add(schema, text_of(s->schema[i].name), s->schema[i].type, e) ||
             refuse(s, e, "schema.", number, ".name");
        ok = ok && verify_schema_kinds(s, &s->schema[i], number, e);
    }
    schema_free(schema);
    return ok && verify_shared_fields(s, e);
}

static bool has_name(const char *name, const void *array, size_t bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(*(char *const *)((const char *)array + i * bytes), name) == 0)
            return true;
    }
    return false;
}

static bool verify_test(const struct settings *s, const struct test_setting *t, const char *number,
                        struct error *e)
{
    for (uint32_t i = 0; i < t->expect.feature_count; i++) {
        const char *name = t->expect.features[i].name;

        if (has_name(name, s->features, sizeof *s->features, s->feature_count))
            continue;
        error_set(e, ERROR_INVALID, "no feature \"%s\"", name);
        return refuse(s, e, "tests.", number, ".expect.features");
    }
    for (uint32_t i = 0; i < t->expect.rule_count; i++) {
        if (has_name(t->expect.rules[i], s->rules, sizeof *s->rules, s->rule_count) ||
            has_name(t->expect.rules[i], s->checks, sizeof *s->checks, s->check_count))
            continue;
        error_set(e, ERROR_INVALID, "no rule \"%s\"", t->expect.rules[i]);
        return refuse(s, e, "tests.", number, ".expect.rules");
    }
    if (t->expect.outcome != NULL && outcome_find(s, t->expect.outcome) < 0) {
        refuse_outcome(s, t->expect.outcome, e);
        return refuse(s, e, "tests.", number, ".expect.outcome");
    }
    return true;
}

static bool verify_tests(const struct settings *s, struct error *e)
{
    char number[16];

    for (uint32_t i = 0; i < s->test_count; i++) {
        snprintf(number, sizeof number, "%u", i + 1);
        if (!verify_test(s, &s->tests[i], number, e))
            return false;
    }
    return true;
}

static bool has_members(const struct recipe *r)
{
    return r->kind == MODEL_VOTE || r->kind == MODEL_STACK;
}

static bool refuse_member(const struct settings *s, const struct recipe *of,
                          const struct member_setting *m, struct error *e)
{
    const struct recipe_setting *found = settings_model(s, m->name);

    if (found == NULL)
        error_set(e, ERROR_INVALID, "there is no \"%s\" under models", m->name);
    else if (has_members(&found->recipe))
        error_set(e, ERROR_INVALID, "\"%s\" has members itself: name those", m->name);
    else if (of->kind == MODEL_VOTE && m->weight <= 0)
        error_set(e, ERROR_INVALID, "the weight of \"%s\" must be above 0", m->name);
    else
        return false;
    return true;
}

/* Names of members to their recipes. */
static bool resolve_members(const struct settings *s, struct recipe_setting *r, const char *path,
                            struct error *e)
{
    char at[KEY_PATH_MAX];

    snprintf(at, sizeof at, "%s.members", path);
    if (has_members(&r->recipe) && r->member_count == 0) {
        error_set(e, ERROR_INVALID, "a %s needs members: names under models, each with its weight",
                  model_kind_name(r->recipe.kind));
        return settings_blame(s, path, e);
    }
    for (uint32_t k = 0; k < r->member_count; k++) {
        if (refuse_member(s, &r->recipe, &r->members[k], e))
            return settings_blame(s, at, e);
        r->recipe.member[k] = &settings_model(s, r->members[k].name)->recipe;
        r->recipe.weight[k] = r->members[k].weight;
    }
    r->recipe.members = r->member_count;
    return true;
}

static bool verify_search(const struct settings *s, struct recipe_setting *r, const char *path,
                          struct error *e)
{
    settings_search_fill(r);
    for (uint32_t i = 0; i < r->search.over_count; i++) {
        char parent[KEY_PATH_MAX];

        if (range_check(&r->search.over[i], e))
            continue;
        snprintf(parent, sizeof parent, "%s.search.over.", path);
        return refuse(s, e, parent, r->search.over[i].name, "");
    }
    if (settings_searches(r) && r->search.over_count == 0) {
        char at[KEY_PATH_MAX];

        error_set(e, ERROR_INVALID,
                  "expected the options to search, such as over: {boost.leaves: [4, 64]}");
        snprintf(at, sizeof at, "%s.search", path);
        return settings_blame(s, at, e);
    }
    return true;
}

static bool verify_self_training(const struct settings *s, const struct recipe_setting *r,
                                 const char *path, struct error *e)
{
    const struct self_training *t = &r->recipe.self_train;
    char at[KEY_PATH_MAX];

    if (t->rounds == 0)
        return true;
    snprintf(at, sizeof at, "%s.self_train", path);
    if (r->recipe.kind == MODEL_ISOLATION)
        error_set(e, ERROR_INVALID,
                  "an isolation forest learns from events without a label anyway: leave it out");
    else if (!(t->legit_below < t->fraud_above))
        error_set(e, ERROR_INVALID, "expected legit_below (%g) to be less than fraud_above (%g)",
                  t->legit_below, t->fraud_above);
    else
        return true;
    return settings_blame(s, at, e);
}

static bool verify_recipe(const struct settings *s, struct recipe_setting *r, const char *path,
                          struct error *e)
{
    char at[KEY_PATH_MAX];

    snprintf(at, sizeof at, "%s.boost.monotone", path);
    for (uint32_t k = 0; k < r->recipe.boost.monotones; k++) {
        if (!expect_feature(s, r->recipe.boost.monotone[k].name, at, e))
            return false;
    }
    return verify_self_training(s, r, path, e) && resolve_members(s, r, path, e) &&
           verify_search(s, r, path, e);
}

static bool verify_models(const struct settings *s, struct error *e)
{
    for (uint32_t i = 0; i < s->model_count; i++) {
        char path[KEY_PATH_MAX];
        enum model_kind kind;

        snprintf(path, sizeof path, "models.%s", s->models[i].name);
        if (model_kind_find(s->models[i].name, &kind) || strcmp(s->models[i].name, "none") == 0) {
            error_set(e, ERROR_INVALID, "this is the name of a kind: call the model otherwise");
            return settings_blame(s, path, e);
        }
        if (!verify_recipe(s, &s->models[i], path, e))
            return false;
    }
    return true;
}

static void refuse_kind(const struct settings *s, struct error *e)
{
    struct text name[MODEL_KINDS + 1 + SETTINGS_MODELS_MAX];
    uint32_t names = 0;
    int nearest;

    for (enum model_kind k = 0; k < MODEL_KINDS; k++)
        name[names++] = text_of(model_kind_name(k));
    name[names++] = text_of("none");
    for (uint32_t i = 0; i < s->model_count; i++)
        name[names++] = text_of(s->models[i].name);
    nearest = text_nearest(text_of(s->model.kind), name, names);
    error_set(e, ERROR_INVALID,
              "expected " RECIPE_KINDS_WORDS ", none or a name under models, found \"%s\"%s%.*s%s",
              s->model.kind, nearest >= 0 ? "; did you mean \"" : "",
              nearest >= 0 ? (int)name[nearest].length : 0, nearest >= 0 ? name[nearest].bytes : "",
              nearest >= 0 ? "\"?" : "");
}

static bool verify_model(struct settings *s, struct error *e)
{
    struct recipe_setting *asked = &s->model.asked;

    if (!verify_models(s, e))
        return false;
    if (!settings_has_model(s))
        return true;
    if (settings_model(s, s->model.kind) == NULL) {
        if (!model_kind_find(s->model.kind, &asked->recipe.kind)) {
            refuse_kind(s, e);
            return settings_blame(s, "model.kind", e);
        }
        asked->name = s->model.kind;
        if (!verify_recipe(s, asked, "model", e))
            return false;
    }
    return verify_model_features(s, e);
}

bool settings_verify(struct settings *s, struct error *e)
{
    if (origins_find(s->origins, "model.validate.gap") == NULL)
        s->model.validate.gap_us = s->event.label_delay_us;
    drop_default_thresholds(s);
    return verify_kinds(s, e) && verify_sources(s, e) && verify_schema(s, e) &&
           verify_outcomes(s, e) && verify_checks(s, e) && verify_decision(s, e) &&
           verify_levels(s, e) && verify_model(s, e) && verify_validate(s, e) &&
           verify_tests(s, e) && stream_verify(s, e) && notify_verify(s, e) &&
           verify_entity(s, "server.key", s->server.key, e) && access_verify(s, e) &&
           rollup_verify(s, e);
}
