#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/decide/alerts.h"
#include "core/decide/plan.h"
#include "core/learn/learn.h"
#include "core/model/model.h"

static struct schema *schema;

static int set_up(void **state)
{
    struct error e = {0};

    (void)state;
    schema = schema_new();
    if (!schema_add(schema, text_of("id"), TYPE_TEXT, &e) ||
        !schema_add(schema, text_of("at"), TYPE_TIME, &e) ||
        !schema_add(schema, text_of("amount"), TYPE_DECIMAL, &e) ||
        !schema_add(schema, text_of("card"), TYPE_TEXT, &e) ||
        !schema_add(schema, text_of("kind"), TYPE_TEXT, &e) ||
        !schema_add(schema, text_of("fraud"), TYPE_INT, &e))
        return -1;
    schema->id = 0;
    schema->time = 1;
    schema->label = 5;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    schema_free(schema);
    return 0;
}

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static const struct plan_named entities[] = {{TEXT("card"), TEXT("card")}};
static const struct plan_named features[] = {
    {TEXT("amount"), TEXT("amount")},
    {TEXT("n_1d"), TEXT("count() by card over 1d")},
    {TEXT("ratio"), TEXT("amount / mean(amount) by card over 7d prior")},
    {TEXT("kind"), TEXT("kind")},
};
static const struct plan_rule rules[] = {
    {TEXT("BIG"), TEXT("amount > 900"), TEXT("review")},
    {TEXT("OFTEN"), TEXT("n_1d >= 10 and ratio > 3"), TEXT("decline")},
};
static const struct text outcomes[] = {TEXT("approve"), TEXT("review"), TEXT("decline")};
static const struct plan_threshold thresholds[] = {{TEXT("decline"), 800}, {TEXT("review"), 300}};
static const struct plan_threshold levels[] = {{TEXT("HIGH"), 800}, {TEXT("MEDIUM"), 400}};

static struct plan_spec whole(void)
{
    return (struct plan_spec){
        .schema = schema,
        .entities = entities,
        .entity_count = 1,
        .features = features,
        .feature_count = 4,
        .rules = rules,
        .rule_count = 2,
        .outcomes = outcomes,
        .outcome_count = 3,
        .thresholds = thresholds,
        .threshold_count = 2,
        .levels = levels,
        .level_count = 2,
        .lowest_level = TEXT("LOW"),
        .velocity = {.lateness_us = US_PER_HOUR},
        .max_ahead_us = US_PER_DAY,
        .id = {1, 2, 3},
    };
}

static struct plan *make(const struct plan_spec *spec)
{
    struct error e = {0};
    struct plan *p = plan_new(spec, &e);

    if (p == NULL)
        fail_msg("%s", e.text);
    return p;
}

static void refuse(const struct plan_spec *spec, const char *words)
{
    struct error e = {0};

    assert_null(plan_new(spec, &e));
    assert_int_equal(e.kind, ERROR_INVALID);
    assert_string_equal(e.text, words);
}

/* ---- checks and missing values ---- */

static const struct plan_check checks[] = {
    {TEXT("SANE"), TEXT("amount < 1000000"), TEXT("refuse")},
    {TEXT("ROUND"), TEXT("amount % 1.0 = 0.0"), TEXT("mark")},
    {TEXT("SEEN"), TEXT("n_1d > 1"), TEXT("decline")},
};

static void checks_that_do_not_refuse_are_rules(void **state)
{
    struct plan_spec spec = whole();
    struct plan *p;

    (void)state;
    assert_null(plan_validation(p = make(&spec)));
    plan_unref(p);
    spec.checks = checks;
    spec.check_count = 3;
    p = make(&spec);
    assert_int_equal(plan_rule_count(p), 4);
    assert_string_equal(plan_rule_name(p, 2), "ROUND");
    assert_int_equal(plan_rule_outcome(p, 2), 0);
    assert_int_equal(plan_rule_outcome(p, 3), 2);
    assert_non_null(plan_validation(p));
    plan_unref(p);
}

static void refuse_check(const char *name, const char *check, const char *then, const char *words)
{
    struct plan_check one = {text_of(name), text_of(check), text_of(then)};
    struct plan_spec spec = whole();
    struct error e = {0};

    spec.checks = &one;
    spec.check_count = 1;
    assert_null(plan_new(&spec, &e));
    if (strncmp(e.text, words, strlen(words)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", e.text, words);
}

static void bad_checks_are_named(void **state)
{
    (void)state;
    refuse_check("X", "count() by card over 1d < 9", "refuse",
                 "validate.X.check: reads a window; what refuses an event is checked before");
    refuse_check("X", "ratio < 9", "refuse",
                 "validate.X.check: 1:1: expected a field or a feature");
    refuse_check("X", "fraud = 0", "refuse", "validate.X.check: 1:1: \"fraud\" is the label");
    refuse_check("X", "amount", "mark", "validate.X.check: 1:1: expected a bool");
    refuse_check("X", "amount > 1", "stop", "validate.X.then: \"stop\" is no outcome");
    refuse_check("BIG", "amount > 1", "mark", "validate.BIG: a rule has this name");
}

static struct frame one_event(int64_t amount, bool is_null)
{
    struct value v = {.type = TYPE_DECIMAL, .integer = amount, .is_null = is_null};
    struct frame f;

    frame_init(&f, schema, 1, 1024);
    for (uint32_t i = 0; i < schema->count; i++)
        column_set_null(&f.column[i], 0);
    column_set(&f.column[2], 0, &v);
    f.rows = 1;
    return f;
}

static void null_neither_holds_nor_fails(void **state)
{
    static const struct validation_rule rule[] = {{TEXT("A"), TEXT("amount >= 0")},
                                                  {TEXT("B"), TEXT("amount is not null")},
                                                  {TEXT("C"), TEXT("amount != 7")}};
    static const struct {
        int64_t amount;
        bool is_null;
        uint16_t failed;
    } events[] = {{5000000, false, 0}, {-1, false, 1}, {0, true, 2}, {7000000, false, 3}};
    struct error e = {0};
    struct validation *v = validation_new(schema, rule, 3, &e);
    struct validation_bench *b = validation_bench_new(v, 1);

    (void)state;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct frame f = one_event(events[i].amount, events[i].is_null);
        uint16_t failed;

        assert_int_equal(validation_run(v, b, &f, 0, 1, &failed), events[i].failed != 0);
        assert_int_equal(failed, events[i].failed);
        frame_fini(&f);
    }
    assert_int_equal(validation_field(v, 2), 2);
    validation_bench_free(b);
    validation_free(v);
}

static void print_feature(const struct plan *p, uint32_t feature, const char *wanted)
{
    struct buffer out;

    buffer_init(&out, 4096);
    program_print(plan_program(p), plan_feature_node(p, feature), &out);
    assert_string_equal(buffer_text(&out), wanted);
    buffer_fini(&out);
}

static void missing_values_stand_in_everywhere_but_in_keys(void **state)
{
    static const struct plan_missing missing[] = {{TEXT("amount"), TEXT("2.5")},
                                                  {TEXT("card"), TEXT("none")}};
    static const struct plan_named some[] = {
        {TEXT("amount"), TEXT("amount")},
        {TEXT("card"), TEXT("card")},
        {TEXT("sum"), TEXT("sum(amount) by card over 1d")},
        {TEXT("lacks"), TEXT("amount is null and not (card is not null)")},
    };
    struct plan_spec spec = whole();
    struct plan *p, *bare;

    (void)state;
    bare = make(&spec);
    spec.features = some;
    spec.rule_count = 0;
    spec.missing = missing;
    spec.missing_count = 2;
    p = make(&spec);
    print_feature(p, 0, "coalesce(amount, 2.5)");
    print_feature(p, 1, "coalesce(card, 'none')");
    print_feature(p, 2, "sum(coalesce(amount, 2.5)) by `card` over 1d");
    print_feature(p, 3, "amount is null and not card is not null");
    assert_true(program_fingerprint(plan_program(p), plan_feature_node(p, 0)) !=
                program_fingerprint(plan_program(bare), plan_feature_node(bare, 0)));
    plan_unref(p);
    plan_unref(bare);
}

static void refuse_missing(const char *field, const char *value, const char *words)
{
    struct plan_missing one = {text_of(field), text_of(value)};
    struct plan_spec spec = whole();

    spec.missing = &one;
    spec.missing_count = 1;
    refuse(&spec, words);
}

static void bad_missing_values_are_named(void **state)
{
    (void)state;
    refuse_missing("amont", "0", "missing.amont: there is no such field; did you mean \"amount\"?");
    refuse_missing("amount", "none", "missing.amount: expected decimal, found \"none\"");
    refuse_missing("fraud", "0",
                   "missing.fraud: nothing can stand in for the id, the time, the kind or the "
                   "label of an event");
}

static void all_parts_are_there(void **state)
{
    struct plan_spec spec = whole();
    struct plan *p = make(&spec);

    (void)state;
    assert_int_equal(plan_feature_count(p), 4);
    assert_string_equal(plan_feature_name(p, 2), "ratio");
    assert_int_equal(plan_feature_find(p, text_of("n_1d")), 1);
    assert_int_equal(plan_feature_find(p, text_of("zebra")), -1);
    assert_int_equal(program_type(plan_program(p), plan_feature_node(p, 3)), TYPE_TEXT);
    assert_int_equal(program_aggregate_count(plan_program(p)), 2);
    assert_int_equal(plan_rule_count(p), 2);
    assert_string_equal(plan_rule_name(p, 1), "OFTEN");
    assert_int_equal(plan_rule_outcome(p, 1), 2);
    assert_int_equal(program_type(plan_program(p), plan_rule_node(p, 0)), TYPE_BOOL);
    assert_int_equal(plan_outcome_count(p), 3);
    assert_string_equal(plan_outcome_name(p, 0), "approve");
    assert_int_equal(plan_outcome_find(p, text_of("review")), 1);
    assert_int_equal(plan_id(p)[2], 3);
    assert_ptr_not_equal(plan_schema(p), schema);
    assert_int_equal(plan_schema(p)->label, 5);
    assert_int_equal(plan_max_ahead_us(p), US_PER_DAY);
    assert_null(plan_model(p));
    assert_ptr_equal(plan_ref(p), p);
    plan_unref(p);
    plan_unref(p);
    plan_unref(NULL);
}

static void features_may_stand_in_any_order(void **state)
{
    static const struct plan_named backwards[] = {
        {TEXT("twice"), TEXT("2 * ratio")},
        {TEXT("mean_ratio"), TEXT("mean(ratio) by card over 7d")},
        {TEXT("ratio"), TEXT("amount / mean(amount) by card over 7d prior")},
    };
    static const struct plan_named circle[] = {{TEXT("a"), TEXT("b + 1")},
                                               {TEXT("b"), TEXT("a + 1")}};
    static const struct plan_named root[] = {{TEXT("a"), TEXT("b + 1")},
                                             {TEXT("b"), TEXT("amont + 1")}};
    struct plan_spec spec = whole();
    struct plan *p;
    struct error e;

    (void)state;
    spec.rule_count = 0;
    spec.features = backwards;
    spec.feature_count = 3;
    p = plan_new(&spec, &e);
    assert_non_null(p);
    assert_string_equal(plan_feature_name(p, 0), "twice");
    assert_int_equal(plan_feature_find(p, text_of("ratio")), 2);
    plan_unref(p);
    spec.feature_count = 2;
    spec.features = circle;
    refuse(&spec, "features.a: it is made of features that are made of it");
    spec.features = root;
    refuse(&spec,
           "features.b: 1:1: expected a field or a feature, found \"amont\"; did you mean amount?");
}

static void scores_lead_to_outcomes_and_levels(void **state)
{
    static const struct {
        int score;
        const char *outcome, *level;
    } cases[] = {{0, "approve", "LOW"},    {299, "approve", "LOW"},   {300, "review", "LOW"},
                 {399, "review", "LOW"},   {400, "review", "MEDIUM"}, {799, "review", "MEDIUM"},
                 {800, "decline", "HIGH"}, {1000, "decline", "HIGH"}};
    struct plan_spec spec = whole();
    struct plan *p = make(&spec);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(plan_outcome_name(p, plan_outcome_of_score(p, cases[i].score)),
                            cases[i].outcome);
        assert_string_equal(plan_level_name(p, plan_level_of_score(p, cases[i].score)),
                            cases[i].level);
    }
    assert_int_equal(plan_level_count(p), 3);
    plan_unref(p);
}

static void a_score_is_the_nearest_thousandth(void **state)
{
    (void)state;
    assert_int_equal(plan_score(0), 0);
    assert_int_equal(plan_score(0.00049), 0);
    assert_int_equal(plan_score(0.0005), 1); /* half up */
    assert_int_equal(plan_score(0.3), 300);
    assert_int_equal(plan_score(0.8), 800);
    assert_int_equal(plan_score(0.9995), 1000);
    assert_int_equal(plan_score(1), 1000);
    assert_int_equal(plan_score(1.5), 1000);
    assert_int_equal(plan_score(-0.1), 0);
    for (int i = 0; i <= 1000; i++)
        assert_int_equal(plan_score(i / 1000.0), i);
}

static void mistakes_name_their_part(void **state)
{
    static const struct plan_named twice[] = {{TEXT("a"), TEXT("amount")},
                                              {TEXT("b"), TEXT("amuont * 2")}};
    static const struct plan_rule bad_then[] = {{TEXT("R"), TEXT("amount > 1"), TEXT("block")}};
    static const struct plan_rule no_bool[] = {{TEXT("R"), TEXT("amount + 1"), TEXT("review")}};
    static const struct plan_rule same[] = {{TEXT("R"), TEXT("amount > 1"), TEXT("review")},
                                            {TEXT("R"), TEXT("amount > 2"), TEXT("review")}};
    static const struct plan_threshold crossed[] = {{TEXT("review"), 800}, {TEXT("decline"), 300}};
    static const struct plan_threshold over[] = {{TEXT("review"), 1001}};
    static const struct plan_threshold alike[] = {{TEXT("A"), 5}, {TEXT("B"), 5}};
    static const struct text doubled[] = {TEXT("a"), TEXT("a")};
    struct plan_spec spec = whole();
    struct error e = {0};

    (void)state;
    spec.features = twice;
    spec.feature_count = 2;
    spec.rule_count = 0;
    assert_null(plan_new(&spec, &e));
    assert_memory_equal(e.text, "features.b: 1:1: ", 17);
    assert_non_null(strstr(e.text, "amount")); /* the name that was meant */

    spec = whole();
    spec.rules = bad_then;
    spec.rule_count = 1;
    refuse(&spec, "rules.R.then: \"block\" is no outcome");
    spec.rules = no_bool;
    assert_null(plan_new(&spec, &e));
    assert_memory_equal(e.text, "rules.R", 7);
    spec.rules = same;
    spec.rule_count = 2;
    refuse(&spec, "rules.R: stands here twice");

    spec = whole();
    spec.thresholds = crossed;
    refuse(&spec, "decision.review: 800 is not below decline's 300, though it is milder");
    spec.thresholds = over;
    spec.threshold_count = 1;
    refuse(&spec, "decision.review: expected a score from 0 to 1000, found 1001");
    spec = whole();
    spec.levels = alike;
    refuse(&spec, "decision.levels: two levels begin at 5");
    spec = whole();
    spec.outcomes = doubled;
    spec.outcome_count = 2;
    refuse(&spec, "outcomes: \"a\" stands here twice");
    spec.outcome_count = 0;
    refuse(&spec, "outcomes: expected at least one");
}

static void limits_hold(void **state)
{
    struct plan_rule many[PLAN_RULES_MAX + 1];
    char name[PLAN_RULES_MAX + 1][8];
    struct plan_threshold level[PLAN_LEVELS_MAX];
    struct plan_spec spec = whole();
    struct plan *p;

    (void)state;
    for (int i = 0; i <= PLAN_RULES_MAX; i++) {
        snprintf(name[i], sizeof name[i], "R%d", i);
        many[i] = (struct plan_rule){text_of(name[i]), TEXT("amount > 1"), TEXT("review")};
    }
    spec.rules = many;
    spec.rule_count = PLAN_RULES_MAX;
    p = make(&spec);
    plan_unref(p);
    spec.rule_count = PLAN_RULES_MAX + 1;
    refuse(&spec, "rules: 257 of them, at most 256 are taken");

    spec = whole();
    for (int i = 0; i < PLAN_LEVELS_MAX; i++)
        level[i] = (struct plan_threshold){text_of(name[i]), 10 + i};
    spec.levels = level;
    spec.level_count = PLAN_LEVELS_MAX - 1; /* and the lowest */
    p = make(&spec);
    assert_int_equal(plan_level_of_score(p, 1000), PLAN_LEVELS_MAX - 1);
    plan_unref(p);
    spec.level_count = PLAN_LEVELS_MAX;
    refuse(&spec, "decision.levels: 17 of them, at most 16 are taken");
}

/* A logistic model over the features that are named, as the plan has them. */
static struct model *train(const struct plan *p, const char *const *names, uint32_t inputs,
                           uint64_t change)
{
    static const double values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t label[8] = {0, 0, 0, 1, 0, 1, 1, 1};
    struct column column[4];
    const struct column *input[4];
    uint64_t fingerprint[4];
    struct logistic_options o;
    struct dataset d = {.rows = 8,
                        .inputs = inputs,
                        .input = input,
                        .name = names,
                        .fingerprint = fingerprint,
                        .label = label};
    const struct learn_run run = {.seed = 1};
    struct model *m = NULL;
    struct error e = {0};

    logistic_defaults(&o);
    for (uint32_t i = 0; i < inputs; i++) {
        int feature = plan_feature_find(p, text_of(names[i]));

        column_init(&column[i], TYPE_REAL, 8);
        for (int j = 0; j < 8; j++)
            column[i].real[j] = values[j] * (i + 1);
        input[i] = &column[i];
        fingerprint[i] = change;
        if (feature >= 0)
            fingerprint[i] ^=
                program_fingerprint(plan_program(p), plan_feature_node(p, (uint32_t)feature));
    }
    if (!logistic_train(&d, &o, &run, &m, &e))
        fail_msg("%s", e.text);
    for (uint32_t i = 0; i < inputs; i++)
        column_fini(&column[i]);
    return m;
}

static void a_model_is_held_to_its_features(void **state)
{
    const char *const good[] = {"ratio", "amount"};
    const char *const bad[] = {"amount", "zebra", "kind"};
    struct plan_spec spec = whole();
    struct plan *p = make(&spec), *with_model;

    (void)state;
    spec.model = train(p, good, 2, 0);
    with_model = make(&spec);
    assert_ptr_equal(plan_model(with_model), spec.model);
    assert_int_equal(plan_model_feature(with_model, 0), 2);
    assert_int_equal(plan_model_feature(with_model, 1), 0);
    plan_unref(with_model);

    spec.model = train(p, bad, 3, 0);
    refuse(&spec, "model: its input \"zebra\" is no feature of the settings; differing too: kind: "
                  "train again, or bring the definition back");
    model_free(spec.model);
    spec.model = train(p, good, 2, 1);
    refuse(&spec, "model: its input \"ratio\" has another definition than in training; differing "
                  "too: amount: train again, or bring the definition back");
    model_free(spec.model); /* refused: still ours */
    plan_unref(p);
}

/* ---- alerts ---- */

static uint32_t raised_by(const struct plan *p, const struct decision *d, int64_t amount,
                          struct raised_alert raised[ALERTS_MAX])
{
    struct alert_bench *b = alert_bench_new(plan_alerts(p));
    struct value v = {.type = TYPE_DECIMAL, .integer = amount};
    struct frame f;
    uint32_t count;

    frame_init(&f, schema, 1, 64);
    f.rows = 1;
    for (uint32_t i = 0; i < schema->count; i++)
        column_set_null(&f.column[i], 0);
    column_set(&f.column[2], 0, &v);
    count = alerts_run(plan_alerts(p), p, b, &f, NULL, d, raised);
    frame_fini(&f);
    alert_bench_free(b);
    return count;
}

static void alerts_look_at_decisions(void **state)
{
    const struct plan_alert alerts[] = {
        {.name = TEXT("a"), .when = TEXT("outcome = 'review' and rules.BIG"), .within_us = 1},
        {.name = TEXT("b"),
         .when = TEXT("score >= 700"),
         .priority = TEXT("score * 2.5"),
         .amount = TEXT("0 - amount"),
         .within_us = 1},
        {.name = TEXT("c"), .when = TEXT("ratio > 1"), .within_us = 1}, /* null here */
    };
    struct raised_alert raised[ALERTS_MAX];
    struct decision d = {.score = 701, .outcome = 1, .rules = {1}};
    struct plan_spec spec = whole();
    struct plan *p = make(&spec); /* the usual one */

    (void)state;
    assert_int_equal(raised_by(p, &d, 1500000, raised), 1);
    assert_int_equal(raised[0].priority, 701);
    assert_true(raised[0].has_amount && raised[0].amount == 1500000);
    d.outcome = 0;
    assert_int_equal(raised_by(p, &d, 1500000, raised), 0);
    plan_unref(p);

    spec.alerts = alerts;
    spec.alert_count = 3;
    p = make(&spec);
    assert_true(alerts_read_features(plan_alerts(p)));
    assert_int_equal(raised_by(p, &d, 1500000, raised), 1); /* approved: b alone */
    assert_int_equal(raised[0].alert, 1);
    assert_int_equal(raised[0].priority, 1752);
    assert_int_equal(raised[0].amount, -1500000);
    d.outcome = 1;
    d.score = 10;
    assert_int_equal(raised_by(p, &d, 1500000, raised), 1);
    assert_int_equal(raised[0].alert, 0);
    d.rules[0] = 2; /* OFTEN, not BIG */
    assert_int_equal(raised_by(p, &d, 1500000, raised), 0);
    plan_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_parts_are_there),
        cmocka_unit_test(features_may_stand_in_any_order),
        cmocka_unit_test(scores_lead_to_outcomes_and_levels),
        cmocka_unit_test(a_score_is_the_nearest_thousandth),
        cmocka_unit_test(mistakes_name_their_part),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(a_model_is_held_to_its_features),
        cmocka_unit_test(checks_that_do_not_refuse_are_rules),
        cmocka_unit_test(bad_checks_are_named),
        cmocka_unit_test(null_neither_holds_nor_fails),
        cmocka_unit_test(missing_values_stand_in_everywhere_but_in_keys),
        cmocka_unit_test(bad_missing_values_are_named),
        cmocka_unit_test(alerts_look_at_decisions),
    };

    (void)cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
