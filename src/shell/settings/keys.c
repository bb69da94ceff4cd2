#include "shell/settings/keys.h"

#include "core/base/memory.h"

#define MEMBER(type, member) .at = offsetof(type, member), .bytes = sizeof(((type *)0)->member)
#define OF(member)           MEMBER(struct settings, member)
#define ARRAY(type, array, count, most_elements)                                                   \
    .at = offsetof(type, array), .bytes = sizeof(*((type *)0)->array),                             \
    .count_at = offsetof(type, count), .limit = (most_elements)
#define ARRAY_OF(array, count, most_elements) ARRAY(struct settings, array, count, most_elements)

/* From which score on: the rows of one threshold. */
#define THRESHOLD_ROWS(path)                                                                       \
    {path ".score",                                                                                \
     KEY_WHOLE,                                                                                    \
     KEY_DECIDES,                                                                                  \
     MEMBER(struct threshold_setting, score),                                                      \
     .has_at = offsetof(struct threshold_setting, has_score),                                      \
     .least = 0,                                                                                   \
     .most = 1000,                                                                                 \
     .words = "A score from 0 to 1000; beside one of the goals below, what training found."},      \
        {path ".f_beta",                                                                           \
         KEY_REAL,                                                                                 \
         KEY_DECIDES,                                                                              \
         MEMBER(struct threshold_setting, f_beta),                                                 \
         .has_at = offsetof(struct threshold_setting, has_f_beta),                                 \
         .least = 0.01,                                                                            \
         .most = 100,                                                                              \
         .words = "Instead of a score: the one of the highest F-beta, of this beta (2: recall "    \
                  "counts more than precision), on training rows held out from learning."},        \
        {path ".cost",                                                                             \
         KEY_REAL,                                                                                 \
         KEY_DECIDES,                                                                              \
         MEMBER(struct threshold_setting, cost),                                                   \
         .has_at = offsetof(struct threshold_setting, has_cost),                                   \
         .least = 0,                                                                               \
         .most = 1e12,                                                                             \
         .words = "Instead of a score: the one of the least cost, where a missed fraud costs its " \
                  "amount and an alert this much."},                                               \
        {path ".recall",                                                                           \
         KEY_REAL,                                                                                 \
         KEY_DECIDES,                                                                              \
         MEMBER(struct threshold_setting, recall),                                                 \
         .has_at = offsetof(struct threshold_setting, has_recall),                                 \
         .least = 0,                                                                               \
         .most = 1,                                                                                \
         .words = "Instead of a score: the highest one that finds this share of the frauds."},     \
    {                                                                                              \
        path ".alerts_per_day", KEY_REAL, KEY_DECIDES,                                             \
            MEMBER(struct threshold_setting, alerts_per_day),                                      \
            .has_at = offsetof(struct threshold_setting, has_alerts), .least = 0, .most = 1e12,    \
            .words = "Instead of a score: the lowest one with at most so many alerts a day."       \
    }

#define TYPES_WORDS   "bool|int|decimal|real|text|time|duration"
#define LAYOUTS_WORDS "iso|day_first|month_first|unix_s|unix_ms|unix_us"

static void open_recipe(void *element)
{
    struct recipe_setting *s = element;

    recipe_defaults(&s->recipe);
}

const struct key keys[] = {
    {"name", KEY_TEXT, 0, OF(name), .standard = "assay",
     .words = "What this set of settings is called in reports and pages."},
    {"data_directory", KEY_TEXT, 0, OF(data_directory), .standard = "./assay-data",
     .words = "Where models, log and snapshots are kept; relative to the settings file."},

    {"sources", KEY_ENTRIES, 0, ARRAY_OF(sources, source_count, SETTINGS_SOURCES_MAX),
     .words =
         "Where data comes from. `transactions` is the source of the events; any other name is a "
         "table to look up in."},
    {"sources.*", KEY_SECTION, 0, .shorthand = "file",
     .words = "One source; a plain text is its file."},
    {"sources.*.file", KEY_TEXT, KEY_REQUIRED, MEMBER(struct source_setting, file),
     .words = "Path or pattern (`*`, `?`) of the files, relative to the settings file. Compressed "
              "files (.gz, .zst) are read as they are."},
    {"sources.*.format", KEY_TEXT, 0, MEMBER(struct source_setting, format), .standard = "auto",
     .choices = "auto|csv|ndjson|json",
     .words = "How the bytes are to be read; `auto` looks at them."},
    {"sources.*.delimiter", KEY_CHAR, 0, MEMBER(struct source_setting, delimiter),
     .standard = "auto",
     .words = "What stands between the cells of a CSV file: one character, `tab` or `auto`."},
    {"sources.*.point", KEY_CHAR, 0, MEMBER(struct source_setting, point), .standard = "auto",
     .words = "The decimal mark of numbers in text: `.`, `,` or `auto`."},
    {"sources.*.key", KEY_TEXT, 0, MEMBER(struct source_setting, key),
     .words = "For a table to look up in: its key column, named like the events' field."},
    {"sources.*.valid_from", KEY_TEXT, 0, MEMBER(struct source_setting, valid_from),
     .words = "For a table to look up in: the column that says from when on a row holds, so that "
              "an event sees only what was known at its time."},
    {"sources.*.join", KEY_TEXTS, 0,
     ARRAY(struct source_setting, joins, join_count, SETTINGS_JOINS_MAX),
     .words =
         "For events: more files that have fields of the same events, found by the events' id. "
         "The time is in `file`. A file that is named on the command line has all fields itself."},
    {"sources.*.rejects", KEY_REAL, 0, MEMBER(struct source_setting, reject_share),
     .standard = "0.01", .least = 0, .most = 1,
     .words = "Share of records that may be unreadable before reading stops with an error."},
    {"sources.*.fields", KEY_ENTRIES, 0,
     ARRAY(struct source_setting, fields, field_count, SETTINGS_FIELDS_MAX),
     .words = "Types of fields where the guess from the data is not right."},
    {"sources.*.fields.*", KEY_SECTION, 0, .shorthand = "type",
     .words = "One field; a plain text is its type."},
    {"sources.*.fields.*.type", KEY_WORD, 0, MEMBER(struct field_setting, type),
     .has_at = offsetof(struct field_setting, has_type), .choices = TYPES_WORDS,
     .words = "The field's type."},
    {"sources.*.fields.*.layout", KEY_WORD, 0, MEMBER(struct field_setting, layout),
     .has_at = offsetof(struct field_setting, has_layout), .choices = LAYOUTS_WORDS,
     .words = "How a time is written."},

    {"event", KEY_SECTION, 0, .words = "What the fields of an event mean, and when it counts."},
    {"event.id", KEY_TEXT, KEY_DECIDES, OF(event.id),
     .words = "The field that names an event. Without one, ids are made."},
    {"event.time", KEY_TEXT, KEY_DECIDES, OF(event.time),
     .words = "The field that says when it happened. Without one, it is the time of receipt."},
    {"event.amount", KEY_TEXT, 0, OF(event.amount),
     .words = "The field with the amount, for costs and losses in reports."},
    {"event.label", KEY_SECTION, 0, .shorthand = "field",
     .words = "Which events were fraud; a plain text is the field."},
    {"event.label.field", KEY_TEXT, KEY_DECIDES, OF(event.label),
     .words = "The field that says whether an event was fraud: 0 or 1, false or true."},
    {"event.label.delay", KEY_DURATION, KEY_DECIDES, OF(event.label_delay_us), .standard = "0s",
     .least = 0, .words = "How long after an event its label becomes known."},
    {"event.label.absent", KEY_WORD, KEY_DECIDES, OF(event.absent), .standard = "legit",
     .choices = "unknown|legit",
     .words = "What an event without a label is once the delay has passed."},
    {"event.lateness", KEY_DURATION, KEY_DECIDES, OF(event.lateness_us), .standard = "1h",
     .least = 0,
     .words = "How much older than the newest event an event may be and still enter the windows."},
    {"event.max_ahead", KEY_DURATION, KEY_DECIDES, OF(event.max_ahead_us), .standard = "1d",
     .least = 0,
     .words = "How far ahead of its receipt an event may be and still enter the windows."},

    {"time_zone", KEY_TEXT, KEY_DECIDES, OF(time_zone), .computed = "UTC",
     .words =
         "The zone of calendar functions that name none: an offset such as `+07:00`, or a name "
         "such as `Asia/Jakarta`. Times in the data are not read by it: without an offset they are UTC."},
    {"zones", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(zones, zone_count, LANG_ZONES_MAX),
     .words =
         "The rules of named time zones, fixed. Written into the log with each plan; not needed "
         "in a file, where the rules are those of the machine (`$TZDIR`, else "
         "`/usr/share/zoneinfo`)."},
    {"zones.*", KEY_TEXT, KEY_REQUIRED | KEY_DECIDES, MEMBER(struct named_setting, source),
     .words =
         "Seconds east of UTC at first, each change as second/offset, and the yearly rule as a "
         "POSIX TZ string."},
    {"events", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(kinds, kind_count, KINDS_MAX),
     .words = "Several kinds of event, such as login and payment, each with its own source and "
              "fields: see docs/events.md. The first one is decided, the others are observed, "
              "unless `decide` says otherwise. Without this key events are of one kind."},
    {"events.*", KEY_SECTION, KEY_DECIDES, .shorthand = "source",
     .words = "One kind of event; a plain text is its source."},
    {"events.*.source", KEY_TEXT, 0, MEMBER(struct kind_setting, source),
     .words = "Which of the sources has the events of this kind."},
    {"events.*.id", KEY_TEXT, KEY_DECIDES, MEMBER(struct kind_setting, id),
     .words = "Its field that names an event. Ids differ across kinds. Without one, ids are made."},
    {"events.*.time", KEY_TEXT, KEY_DECIDES, MEMBER(struct kind_setting, time), .standard = "time",
     .words = "Its field that says when it happened."},
    {"events.*.layout", KEY_WORD, KEY_DECIDES, MEMBER(struct kind_setting, layout),
     .has_at = offsetof(struct kind_setting, has_layout), .choices = LAYOUTS_WORDS,
     .computed = "found in the source", .words = "How its time is written."},
    {"events.*.decide", KEY_BOOL, KEY_DECIDES, MEMBER(struct kind_setting, decide),
     .has_at = offsetof(struct kind_setting, has_decide),
     .computed = "true for the first kind, false for the others",
     .words = "Whether events of this kind are decided, or only seen: they then enter the windows, "
              "are logged and acknowledged, without a score."},

    {"schema", KEY_RECORDS, KEY_DECIDES, ARRAY_OF(schema, schema_count, SCHEMA_FIELDS_MAX),
     .words = "The fields of an event, fixed. Written into the log with each plan; not needed in a "
              "file, where the fields are those of the source."},
    {"schema.*", KEY_SECTION, KEY_DECIDES, .words = "One field."},
    {"schema.*.name", KEY_TEXT, KEY_REQUIRED | KEY_DECIDES, MEMBER(struct schema_setting, name),
     .words = "The field's name."},
    {"schema.*.type", KEY_WORD, KEY_REQUIRED | KEY_DECIDES, MEMBER(struct schema_setting, type),
     .choices = TYPES_WORDS, .words = "The field's type."},
    {"schema.*.layout", KEY_WORD, KEY_DECIDES, MEMBER(struct schema_setting, layout),
     .standard = "iso", .choices = LAYOUTS_WORDS, .words = "How a time is written."},
    {"schema.*.point", KEY_CHAR, KEY_DECIDES, MEMBER(struct schema_setting, point), .standard = ".",
     .words = "The decimal mark of numbers in text."},
    {"schema.*.group", KEY_CHAR, KEY_DECIDES, MEMBER(struct schema_setting, group),
     .words = "The thousands separator of numbers in text."},
    {"schema.*.personal", KEY_BOOL, KEY_DECIDES, MEMBER(struct schema_setting, personal),
     .standard = "false", .words = "Whether the field is sealed apart in the log."},
    {"schema.*.looked_up", KEY_BOOL, KEY_DECIDES, MEMBER(struct schema_setting, looked_up),
     .standard = "false",
     .words = "Whether the field comes from a table looked up in; such fields stand last."},
    {"schema.*.kinds", KEY_TEXTS, KEY_DECIDES,
     ARRAY(struct schema_setting, kinds, kind_count, KINDS_MAX),
     .words = "The kinds of event that have the field; without it, all have it."},

    {"missing", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(missing, missing_count, SETTINGS_FIELDS_MAX),
     .words = "What stands in for a field that an event lacks: see docs/events.md."},
    {"missing.*", KEY_TEXT, KEY_REQUIRED | KEY_DECIDES, MEMBER(struct named_setting, source),
     .words = "A value of the field's type, such as `0` or `unknown`, that features and rules then "
              "see; or `median`: the median of the rows that the model learned from, kept in the "
              "model, for its inputs that are the field."},
    {"validate", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(checks, check_count, PLAN_RULES_MAX),
     .words = "What every event must fulfil, on every path: see docs/events.md."},
    {"validate.*", KEY_SECTION, KEY_DECIDES, .words = "One check, under its name."},
    {"validate.*.check", KEY_TEXT, KEY_REQUIRED | KEY_DECIDES, MEMBER(struct check_setting, check),
     .words = "The condition that must hold; null counts as holding."},
    {"validate.*.then", KEY_TEXT, KEY_REQUIRED | KEY_DECIDES, MEMBER(struct check_setting, then),
     .words = "What becomes of an event that fails it. `refuse`: it is not taken (a reject of a "
              "file, 422 over HTTP); `mark`: its decision names the check among its rules; an "
              "outcome, such as `review`: as a rule leads to it."},

    {"entities", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(entities, entity_count, LANG_FEATURES_MAX),
     .words = "Who or what windows are kept for: `by NAME` in a feature."},
    {"entities.*", KEY_SECTION, KEY_DECIDES, .shorthand = "key",
     .words = "One kind of entity; a plain text is its key."},
    {"entities.*.key", KEY_TEXT, KEY_REQUIRED | KEY_DECIDES, MEMBER(struct entity_setting, key),
     .words = "The field that names the entity, or an expression of fields."},
    {"entities.*.state", KEY_WORD, KEY_DECIDES, MEMBER(struct entity_setting, state),
     .standard = "shard", .choices = "shard|shared",
     .words = "Whose the windows are where there are several shards; with one both are the same."},

    {"lists", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(lists, list_count, LANG_LISTS_MAX),
     .words = "Values that are kept and changed while the service runs: `x in list(NAME)`. See "
              "docs/lists.md."},
    {"lists.*", KEY_SECTION, KEY_DECIDES, .shorthand = "type",
     .words = "One list; a plain text is its type. The name is one of letters, digits and _."},
    {"lists.*.type", KEY_WORD, KEY_DECIDES, MEMBER(struct list_setting, type), .standard = "text",
     .choices = "text|int|decimal", .words = "What its values are."},
    {"lists.*.description", KEY_TEXT, 0, MEMBER(struct list_setting, description),
     .words = "What it is for."},
    {"lists.*.file", KEY_TEXT, 0, MEMBER(struct list_setting, file),
     .words =
         "Entries that it begins with, or the history of its changes: CSV, NDJSON or JSON with "
         "`value`, and if wanted `at`, `expires`, `note` and `op` (add, remove). A service "
         "takes it in again when its content changes."},
    {"lists.*.expires", KEY_DURATION, 0, MEMBER(struct list_setting, expires_us), .least = 1,
     .has_at = offsetof(struct list_setting, has_expires),
     .words = "How long an entry is in force that does not say so itself; without it, for ever."},

    {"features", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(features, feature_count, LANG_FEATURES_MAX),
     .words = "What is computed of each event, in the language of docs/language.md. A feature may "
              "use those above it."},
    {"features.*", KEY_TEXT, KEY_REQUIRED | KEY_DECIDES, MEMBER(struct named_setting, source),
     .words = "One expression."},
    {"rules", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(rules, rule_count, PLAN_RULES_MAX),
     .words = "Conditions that lead to an outcome whatever the score. The strictest outcome wins."},
    {"rules.*", KEY_SECTION, KEY_DECIDES, .words = "One rule."},
    {"rules.*.when", KEY_TEXT, KEY_REQUIRED | KEY_DECIDES, MEMBER(struct rule_setting, when),
     .words = "The condition; null counts as false."},
    {"rules.*.then", KEY_TEXT, KEY_REQUIRED | KEY_DECIDES, MEMBER(struct rule_setting, then),
     .words = "The outcome."},

    {"model", KEY_SECTION, 0, .shorthand = "kind",
     .words = "How the model is trained; a plain text is its kind."},
    {"model.kind", KEY_TEXT, 0, OF(model.kind), .standard = "boost",
     .words =
         "`boost`: gradient-boosted trees; `logistic`: logistic regression; `forest`: random "
         "forest; `isolation`: isolation forest, which does not look at labels; `vote` and `stack`: "
         "of several models; a name under `models`; `none`: rules only."},
    {"model.purpose", KEY_TEXT, 0, OF(model.purpose),
     .words = "What the model is for, in a sentence or two: it stands in the model card."},
    {"model.seed", KEY_WHOLE, 0, OF(model.seed), .standard = "1", .least = 0, .most = 9e15,
     .words = "Seed of all random choices: the same data and seed give the same model."},
    {"model.features", KEY_TEXTS, 0,
     ARRAY_OF(model.features, model.feature_count, LANG_FEATURES_MAX), .computed = "all features",
     .words = "The features that the model sees."},
    {"model.alert_cost", KEY_REAL, 0, OF(model.alert_cost), .standard = "5", .least = 0,
     .most = 1e12,
     .words = "Cost of looking at one alert, in the unit of the amount, for the cost table."},
    {"model.validate", KEY_SECTION, 0, .shorthand = "by",
     .words = "How the model is tested on what it was not trained on; a plain text is `by`."},
    {"model.validate.by", KEY_WORD, 0, OF(model.validate.by), .standard = "time",
     .choices = "time|stratified|folds|prequential",
     .words =
         "`time`: train on the past, test on the future; `stratified`: one random split with "
         "equal shares of fraud; `folds`: several of them; `prequential`: by time, several times, "
         "each `step` earlier."},
    {"model.validate.gap", KEY_DURATION, 0, OF(model.validate.gap_us),
     .computed = "the label's delay", .least = 0,
     .words = "By time: what is left out between training and test."},
    {"model.validate.share", KEY_REAL, 0, OF(model.validate.test_share), .standard = "0.2",
     .least = 0.01, .most = 0.9, .words = "By time and stratified: share of the events tested on."},
    {"model.validate.folds", KEY_WHOLE, 0, OF(model.validate.folds), .standard = "5", .least = 2,
     .most = SETTINGS_FOLDS_MAX, .words = "Number of folds, of `folds` and `prequential`."},
    {"model.validate.train", KEY_SPAN, 0, OF(model.validate.train_from_us),
     .words = "By time: [from, until) of training, instead of a share, `until` left out; or a "
              "length, which ends where the gap before the test begins."},
    {"model.validate.test", KEY_SPAN, 0, OF(model.validate.test_from_us),
     .words = "By time: [from, until) of the test, `until` left out; or a length, which ends at "
              "`model.validate.until`. Prequential takes lengths only."},
    {"model.validate.until", KEY_TIME, 0, OF(model.validate.until_us),
     .has_at = offsetof(struct settings, model.validate.has_until),
     .computed = "the end of the data",
     .words = "Where the last test window ends; the moment itself is left out."},
    {"model.validate.step", KEY_DURATION, 0, OF(model.validate.step_us),
     .computed = "the length of the test", .least = 0,
     .words = "Prequential: how much earlier each fold is than the one after it."},
    {"model.validate.group", KEY_TEXT, 0, OF(model.validate.group),
     .words =
         "An entity: all its events are on one side, in training or in the test. By time, test "
         "events of those that training has seen are left out."},
    {"model.validate.drop_known", KEY_TEXT, 0, OF(model.validate.drop_known),
     .words =
         "Leave out of the test what belongs to an entity of this kind whose fraud was known by then."},
#define RECIPE            "model"
#define RECIPE_BASE       struct settings
#define RECIPE_AT(member) model.asked.member
#define RECIPE_FLAGS      0
#include "shell/settings/recipe_rows.inc"
#undef RECIPE
#undef RECIPE_BASE
#undef RECIPE_AT
#undef RECIPE_FLAGS

    {"models", KEY_ENTRIES, 0, ARRAY_OF(models, model_count, SETTINGS_MODELS_MAX),
     .words = "Other models, by names of yours: `model: NAME` puts one in force, votes and stacks "
              "take them as members, `assay train --models` compares them on one split."},
    {"models.*", KEY_SECTION, 0, .shorthand = "kind", .open = open_recipe,
     .words = "One model; a plain text is its kind. Besides `kind` it has the keys of `model` from "
              "`balance` to the last."},
    {"models.*.kind", KEY_WORD, KEY_REQUIRED, MEMBER(struct recipe_setting, recipe.kind),
     .choices = RECIPE_KINDS, .words = "As `model.kind`."},
#define RECIPE            "models.*"
#define RECIPE_BASE       struct recipe_setting
#define RECIPE_AT(member) member
#define RECIPE_FLAGS      KEY_TWIN
#include "shell/settings/recipe_rows.inc"
#undef RECIPE
#undef RECIPE_BASE
#undef RECIPE_AT
#undef RECIPE_FLAGS

    {"outcomes", KEY_TEXTS, KEY_DECIDES, ARRAY_OF(outcomes, outcome_count, PLAN_OUTCOMES_MAX),
     .standard = "[approve, challenge, review, decline]",
     .words =
         "What a decision can be, mildest first; the first is what it is when nothing speaks against it."},
    {"decision", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(decision, decision_count, PLAN_OUTCOMES_MAX),
     .standard = "{review: 300, decline: 800}", .shorthand = "profile",
     .words = "From which score on an outcome holds; a plain text names a set under `thresholds`."},
    {"decision.*", KEY_SECTION, KEY_DECIDES, .shorthand = "score",
     .words = "One outcome; a plain number is a score."},
    THRESHOLD_ROWS("decision.*"),
    {"decision.profile", KEY_TEXT, KEY_DECIDES, OF(profile),
     .words = "The set of thresholds under `thresholds` that is in force."},
    {"decision.levels", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(levels, level_count, PLAN_LEVELS_MAX),
     .standard = "{HIGH: 800, MEDIUM: 400}",
     .words = "Names for ranges of scores. Below all of them is `LOW`, unless one stands at 0."},
    {"decision.levels.*", KEY_WHOLE, KEY_REQUIRED | KEY_DECIDES,
     MEMBER(struct threshold_setting, score), .least = 0, .most = 1000,
     .words = "The least score of the level."},
    {"thresholds", KEY_ENTRIES, KEY_DECIDES,
     ARRAY_OF(profiles, profile_count, SETTINGS_PROFILES_MAX),
     .words = "Sets of thresholds under names of yours; `decision: NAME` puts one in force."},
    {"thresholds.*", KEY_ENTRIES, KEY_DECIDES,
     ARRAY(struct profile_setting, thresholds, count, PLAN_OUTCOMES_MAX),
     .words = "One set: outcomes with their thresholds, as below `decision`."},
    {"thresholds.*.*", KEY_SECTION, KEY_DECIDES, .shorthand = "score",
     .words = "One outcome; a plain number is a score."},
    THRESHOLD_ROWS("thresholds.*.*"),

    {"tests", KEY_RECORDS, 0, ARRAY_OF(tests, test_count, SETTINGS_TESTS_MAX),
     .words = "What is expected of events, held by `assay test`."},
    {"tests.*", KEY_SECTION, 0, .words = "One test."},
    {"tests.*.name", KEY_TEXT, KEY_REQUIRED, MEMBER(struct test_setting, name),
     .words = "What it shows."},
    {"tests.*.history", KEY_EVENTS, 0,
     ARRAY(struct test_setting, history, history_count, SETTINGS_TEST_EVENTS_MAX),
     .words = "Events that came before, in the order of their arrival; labels in them take effect "
              "after their delay."},
    {"tests.*.event", KEY_EVENT, KEY_REQUIRED, MEMBER(struct test_setting, event),
     .words = "The event that is decided. Fields that are left out are null; fields of tables are "
              "looked up, unless they are given here."},
    {"tests.*.lists", KEY_ENTRIES, 0, ARRAY(struct test_setting, lists, list_count, LANG_LISTS_MAX),
     .words =
         "What is in lists here, from the start; a list that is left out is as its file says."},
    {"tests.*.lists.*", KEY_TEXTS, KEY_REQUIRED,
     ARRAY(struct texts_setting, text, count, SETTINGS_TEST_VALUES_MAX), .words = "Its values."},
    {"tests.*.expect", KEY_SECTION, 0,
     .words = "What must come out; what is left out is not held."},
    {"tests.*.expect.features", KEY_ENTRIES, 0,
     ARRAY(struct test_setting, expect.features, expect.feature_count, LANG_FEATURES_MAX),
     .words = "Values of features."},
    {"tests.*.expect.features.*", KEY_TEXT, 0, MEMBER(struct named_setting, source),
     .standard = "null",
     .words = "The value; a real is held to the digits after the point that stand here."},
    {"tests.*.expect.rules", KEY_TEXTS, 0,
     ARRAY(struct test_setting, expect.rules, expect.rule_count, PLAN_RULES_MAX),
     .has_at = offsetof(struct test_setting, expect.has_rules),
     .words = "The rules that fire, exactly these; `[]`: none."},
    {"tests.*.expect.outcome", KEY_TEXT, 0, MEMBER(struct test_setting, expect.outcome),
     .words = "The outcome; without a model, that of the rules."},
    {"tests.*.expect.level", KEY_TEXT, 0, MEMBER(struct test_setting, expect.level),
     .words = "The level."},
    {"tests.*.expect.score_at_least", KEY_WHOLE, 0,
     MEMBER(struct test_setting, expect.score_at_least),
     .has_at = offsetof(struct test_setting, expect.has_least), .least = 0, .most = 1000,
     .words = "The least score; needs a trained model."},
    {"tests.*.expect.score_at_most", KEY_WHOLE, 0,
     MEMBER(struct test_setting, expect.score_at_most),
     .has_at = offsetof(struct test_setting, expect.has_most), .least = 0, .most = 1000,
     .words = "The greatest score; needs a trained model."},

    {"server", KEY_SECTION, 0, .words = "The HTTP service."},
    {"server.host", KEY_TEXT, 0, OF(server.host), .standard = "127.0.0.1",
     .words = "Address to listen on."},
    {"server.port", KEY_WHOLE, 0, OF(server.port), .standard = "8080", .least = 0, .most = 65535,
     .words = "Port to listen on; 0: any that is free."},
    {"server.threads", KEY_WHOLE, 0, OF(server.threads), .standard = "2", .least = 1, .most = 256,
     .words = "Threads that read and answer requests."},
    {"server.queue", KEY_WHOLE, 0, OF(server.queue), .standard = "4096", .least = 1,
     .most = 1 << 20, .words = "Events that may wait for the engine; more are answered 429."},
    {"server.body", KEY_SIZE, 0, OF(server.body_bytes), .standard = "1MiB", .least = 1024,
     .most = 64 << 20, .words = "Size of one request's body at most."},

    {"routes", KEY_ENTRIES, 0, ARRAY_OF(contracts, contract_count, SETTINGS_CONTRACTS_MAX),
     .words = "Paths of an older service's contract, led to operations of this one: see "
              "docs/routes.md."},
    {"routes.*", KEY_SECTION, 0, .words = "One path."},
    {"routes.*.path", KEY_TEXT, KEY_REQUIRED, MEMBER(struct contract_setting, path),
     .words = "The path that callers ask for, such as /predict."},
    {"routes.*.method", KEY_TEXT, 0, MEMBER(struct contract_setting, method), .standard = "POST",
     .choices = "GET|POST", .words = "And how."},
    {"routes.*.header", KEY_TEXT, 0, MEMBER(struct contract_setting, header),
     .words = "`NAME: VALUE` of a header that tells this route from others with the same path."},
    {"routes.*.to", KEY_TEXT, KEY_REQUIRED, MEMBER(struct contract_setting, to),
     .words = "The operation, such as POST /v1/decisions; expressions in braces are filled in."},
    {"routes.*.require", KEY_TEXTS, 0,
     ARRAY(struct contract_setting, require, require_count, SETTINGS_REQUIRE_MAX),
     .words = "Members that the request must have; otherwise its status is 400, and `missing` "
              "names them."},
    {"routes.*.body", KEY_SHAPE, 0, MEMBER(struct contract_setting, body),
     .words = "The operation's request, made of the caller's; without it, the caller's body."},
    {"routes.*.answers", KEY_RECORDS, 0,
     ARRAY(struct contract_setting, answers, answer_count, SETTINGS_ANSWERS_MAX),
     .words = "What the caller gets: the first answer whose condition holds; without one, the "
              "operation's own."},
    {"routes.*.answers.*", KEY_SECTION, 0, .words = "One answer."},
    {"routes.*.answers.*.when", KEY_TEXT, 0, MEMBER(struct answer_setting, when),
     .standard = "true", .words = "A condition over the operation's answer and its `status`."},
    {"routes.*.answers.*.status", KEY_WHOLE, 0, MEMBER(struct answer_setting, status),
     .standard = "0", .least = 0, .most = 599, .words = "The status; 0: that of the operation."},
    {"routes.*.answers.*.body", KEY_SHAPE, 0, MEMBER(struct answer_setting, body),
     .words = "The body, made of the operation's answer and the caller's request."},

    {"memory", KEY_SIZE, KEY_DECIDES, OF(memory_bytes), .standard = "4GiB", .least = 1 << 20,
     .most = 64.0 * (1 << 30),
     .words =
         "Size of one shard's state at most; beyond it the entities longest unseen are forgotten, "
         "and counted."},
    {"batch", KEY_SECTION, 0, .words = "Files of events, for train, features, score and history."},
    {"batch.memory", KEY_SIZE, 0, OF(batch_memory_bytes),
     .has_at = offsetof(struct settings, has_batch_memory), .least = 1 << 20,
     .most = 1024.0 * (1 << 30),
     .words =
         "Memory for the events of a file, by default a quarter of the machine's. A larger file is "
         "read twice, and what is not in order of time in it is sorted on disk, in $TMPDIR or the "
         "data directory."},
    {"ids", KEY_SECTION, 0, .words = "How long an event's id is remembered, to answer repeats."},
    {"ids.count", KEY_WHOLE, 0, OF(ids_horizon), .standard = "10000000", .least = 1, .most = 1e9,
     .words = "Ids remembered at most."},
    {"ids.keep", KEY_DURATION, 0, OF(ids_horizon_us), .standard = "30d", .least = 0,
     .words = "And for how long."},
    {"log", KEY_SECTION, 0, .words = "The decision log."},
    {"log.segment", KEY_SIZE, 0, OF(log_segment_bytes), .standard = "64MiB", .least = 1 << 20,
     .most = 4.0 * (1 << 30), .words = "Size of one file of the log."},
    {"log.sync", KEY_BOOL, 0, OF(log_sync), .standard = "true",
     .words = "Whether an answer waits until its record is on disk."},
    {"reload", KEY_SECTION, 0, .words = "How changed settings come into force while serving."},
    {"reload.rate", KEY_WHOLE, 0, OF(reload_rate), .standard = "200000", .least = 100, .most = 1e9,
     .words = "Records of the log a second, at most, of which the state of changed features is "
              "built; decisions go on beside."},
    {"snapshot", KEY_SECTION, 0, .shorthand = "every",
     .words = "Snapshots of the state, for a fast start."},
    {"snapshot.every", KEY_DURATION, 0, OF(snapshot_every_us), .standard = "5m", .least = 1e6,
     .words = "Time between two snapshots."},
    {"snapshot.memory", KEY_SIZE, 0, OF(snapshot_memory_bytes), .standard = "1GiB",
     .least = 1 << 20, .most = 64.0 * (1 << 30),
     .words = "Copies at most of what changes while a snapshot is written; beyond it the snapshot "
              "is given up and counted, decisions go on."},

    {"alerts", KEY_SECTION, KEY_LATER, .words = "Queues of alerts."},
    {"personal", KEY_SECTION, KEY_LATER, .words = "Personal fields, sealed apart."},
    {"rollups", KEY_SECTION, KEY_LATER, .words = "Tables by day and entity."},
    {"store", KEY_SECTION, KEY_LATER, .words = "Where projections of the log go."},
};

const size_t key_count = sizeof keys / sizeof keys[0];

const char *key_last(const struct key *k)
{
    const char *dot = strrchr(k->path, '.');

    return dot != NULL ? dot + 1 : k->path;
}

bool key_is_named(const struct key *k)
{
    return strcmp(key_last(k), "*") != 0;
}

static bool key_is_below(const struct key *k, const struct key *parent)
{
    size_t length = parent != NULL ? strlen(parent->path) : 0;

    if (parent == NULL)
        return strchr(k->path, '.') == NULL;
    return strncmp(k->path, parent->path, length) == 0 && k->path[length] == '.' &&
           strchr(k->path + length + 1, '.') == NULL;
}

const struct key *key_below(const struct key *parent, const struct key *last)
{
    const struct key *k = last != NULL ? last + 1 : parent != NULL ? parent + 1 : keys;

    for (; k < keys + key_count; k++) {
        if (key_is_below(k, parent))
            return k;
    }
    return NULL;
}

const struct key *key_find(const struct key *parent, struct text name)
{
    const struct key *any = NULL;

    for (const struct key *k = key_below(parent, NULL); k != NULL; k = key_below(parent, k)) {
        if (!key_is_named(k))
            any = k;
        else if (text_is(name, key_last(k)))
            return k;
    }
    return any;
}

struct settings *settings_new(void)
{
    struct settings *s = mem_alloc(sizeof *s);

    recipe_defaults(&s->model.asked.recipe);
    return s;
}
