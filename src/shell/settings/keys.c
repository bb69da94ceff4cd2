#include "shell/settings/keys.h"

#include "core/base/memory.h"
#include "core/decide/alerts.h"

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
         "table to look up in, or one for rollups."},
    {"sources.*", KEY_SECTION, 0, .shorthand = "file",
     .words = "One source; a plain text is its file."},
    {"sources.*.file", KEY_TEXT, 0, MEMBER(struct source_setting, file),
     .words = "Path or pattern (`*`, `?`) of the files, relative to the settings file. Compressed "
              "files (.gz, .zst) are read as they are."},
    {"sources.*.table", KEY_TEXT, 0, MEMBER(struct source_setting, table),
     .words = "Instead of a file: a table of PostgreSQL or SQLite, such as raw.payments. See "
              "docs/postgresql.md."},
    {"sources.*.query", KEY_TEXT, 0, MEMBER(struct source_setting, query),
     .words = "Instead of a file: a SELECT of PostgreSQL or SQLite."},
    {"sources.*.postgres", KEY_TEXT, KEY_SECRET, MEMBER(struct source_setting, postgres),
     .computed = "`store.url`, or `DATABASE_URL`",
     .words =
         "The URL of its database: postgresql://user:password@host:5432/database, or sqlite:PATH."},
    {"sources.*.kafka", KEY_TEXT, 0, MEMBER(struct source_setting, kafka),
     .words = "A topic of Kafka that has the events (`kafka` says where): what `assay stream` "
              "reads. Beside it `file`, `table` or `query` may say where the history is, from "
              "which is learned."},
    {"sources.*.grows", KEY_TEXT, 0, MEMBER(struct source_setting, grows),
     .words = "Of a table or query that rows are only added to: the column by which new ones are "
              "the greatest, such as a number or the time of a load. `assay rollup` then reads on "
              "from where it was. See docs/rollups.md."},
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

    {"personal", KEY_SECTION, KEY_DECIDES,
     .words = "Fields of persons, sealed apart in the log under a key for each person, so that a "
              "person can be erased: see docs/personal-data.md."},
    {"personal.fields", KEY_TEXTS, KEY_DECIDES,
     ARRAY(struct settings, personal_fields, personal_count, SETTINGS_FIELDS_MAX),
     .words = "Their names."},
    {"personal.subject", KEY_TEXT, KEY_DECIDES, OF(personal_subject),
     .words = "The entity whose they are, such as `customer`; its key is one field."},
    {"personal.key_file", KEY_TEXT, 0, OF(personal_key_file),
     .words = "The file of the master key that seals the persons' keys: 64 hexadecimal digits, "
              "readable by its owner only. By default `control/master.key` in the data directory, "
              "made at the first use."},

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
     .words = "Who keeps its windows: each shard, or Redis for all, exactly; see docs/redis.md."},
    {"entities.*.scope", KEY_WORD, 0, MEMBER(struct entity_setting, scope), .standard = "all",
     .choices = "all|shard", .words = "What its windows see: of one `shard` they are approximate."},

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
    {"rules.*.shadow", KEY_BOOL, KEY_DECIDES, MEMBER(struct rule_setting, shadow),
     .has_at = offsetof(struct rule_setting, has_shadow), .computed = "false",
     .words = "Fires, is recorded and counted, but changes no outcome: to see what it would do."},
    {"rules.*.text", KEY_TEXT, KEY_DECIDES, MEMBER(struct rule_setting, text),
     .words = "What it means, in the words of the people who read decisions."},
    {"rules.approval", KEY_WORD, 0, OF(rule_approval), .standard = "another",
     .choices = "another|none",
     .words = "Rules that come over the API (docs/rules.md): `another`: a second person approves "
              "each before it is in force; `none`: its author may, too."},
    {"alerts", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(alerts, alert_count, ALERTS_MAX),
     .words = "Which decisions people are to look at: docs/alerts.md. Without the section: those "
              "whose outcome is not the mildest, one alert for each entity of the first kind and "
              "day."},
    {"alerts.*", KEY_SECTION, KEY_DECIDES, .shorthand = "when",
     .words = "One alert; a plain text is its condition."},
    {"alerts.*.when", KEY_TEXT, KEY_DECIDES, MEMBER(struct alert_setting, when),
     .computed = "the outcome is not the mildest",
     .words = "A condition over `outcome`, `level`, `score`, `probability`, `rules.NAME` (it "
              "fired), the features and the event's fields, personal ones left out; it has no "
              "windows. Null counts as false."},
    {"alerts.*.queue", KEY_TEXT, KEY_DECIDES, MEMBER(struct alert_setting, queue),
     .standard = "main", .words = "Where it waits; any name."},
    {"alerts.*.entity", KEY_TEXT, KEY_DECIDES, MEMBER(struct alert_setting, entity),
     .computed = "the first of the entities",
     .words = "The kind of entity whose decisions join one open alert."},
    {"alerts.*.within", KEY_DURATION, KEY_DECIDES, MEMBER(struct alert_setting, within_us),
     .standard = "1d", .least = 1, .most = 3650 * 86400e6,
     .words = "For how long after an alert's first decision others join it."},
    {"alerts.*.priority", KEY_TEXT, KEY_DECIDES, MEMBER(struct alert_setting, priority),
     .computed = "`score`",
     .words = "An expression over the same names; the largest of its decisions is the alert's, as "
              "a whole number from 0 on."},
    {"alerts.*.amount", KEY_TEXT, KEY_DECIDES, MEMBER(struct alert_setting, amount),
     .computed = "`amount`, where that is a number", .words = "What of each decision is added up."},
    {"reasons", KEY_ENTRIES, KEY_DECIDES, ARRAY_OF(reasons, reason_count, LANG_FEATURES_MAX),
     .words = "By feature: what a reason is called and says where the feature raises a score. See "
              "docs/reasons.md."},
    {"reasons.*", KEY_SECTION, KEY_DECIDES, .shorthand = "text",
     .words = "One feature; a plain text is what its reason says."},
    {"reasons.*.code", KEY_TEXT, KEY_DECIDES, MEMBER(struct reason_setting, code),
     .computed = "the feature's name in capitals",
     .words = "Letters, digits, `_`, `-` and `.`: what other systems know the reason by."},
    {"reasons.*.text", KEY_TEXT, KEY_DECIDES, MEMBER(struct reason_setting, text),
     .computed = "made from the feature's expression",
     .words = "A sentence with `{value}`, `{rank}` (the share of transactions that have less), "
              "`{usual}` (the median of all) and `{normal}` (that of the entity itself)."},

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
    {"model.challenger", KEY_REAL, 0, OF(model.challenger), .standard = "0", .least = 0, .most = 1,
     .words = "Share of the first kind of entity (each always the same way) that the registry's "
              "challenger decides; it is scored on every event."},
    {"model.rivals", KEY_BOOL, 0, OF(model.rivals), .standard = "true",
     .words = "Whether the registry's challenger and shadow are scored beside the champion."},
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
    {"decision.deadline_ms", KEY_WHOLE, 0, OF(deadline_ms), .standard = "0", .least = 0,
     .most = 3600000,
     .words =
         "Milliseconds from a request's head after which the engine decides it no more: it gets "
         "`decision.fallback`. 0: no deadline."},
    {"decision.fallback", KEY_SECTION, KEY_DECIDES, .shorthand = "outcome",
     .words = "What is answered past the deadline; a plain text is its outcome."},
    {"decision.fallback.outcome", KEY_TEXT, KEY_DECIDES, OF(fallback),
     .words = "The outcome; give the one by which the caller goes on without an answer."},
    {"decision.fallback.reason", KEY_TEXT, KEY_DECIDES, OF(fallback_reason), .standard = NULL,
     .computed = "DEADLINE", .words = "Said in the answer and in the record."},
    {"decision.explain_budget", KEY_WHOLE, 0, OF(explain_budget), .standard = "0", .least = 0,
     .most = 1e6,
     .words = "Decisions of one group commit (up to 256 requests) that get reasons at once; others "
              "are flagged `deferred` and have them when they are read by their id. 0: all."},
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
    {"server.key", KEY_TEXT, 0, OF(server.key),
     .words = "The entity that a proxy deals the requests out by, where this is one of several "
              "nodes: windows by another one are refused, see docs/scale-out.md."},
    {"server.threads", KEY_WHOLE, 0, OF(server.threads), .standard = "2", .least = 1, .most = 256,
     .words = "Threads that read and answer requests."},
    {"server.queue", KEY_WHOLE, 0, OF(server.queue), .standard = "4096", .least = 1,
     .most = 1 << 20, .words = "Events that may wait for the engine; more are answered 429."},
    {"server.body", KEY_SIZE, 0, OF(server.body_bytes), .standard = "1MiB", .least = 1024,
     .most = 64 << 20, .words = "Size of one request's body at most."},
    {"server.connections", KEY_WHOLE, 0, OF(server.connections), .standard = "1024", .least = 16,
     .most = 65536,
     .words = "Connections at most. When all are taken, the one that was idle longest is closed "
              "for a new one."},
    {"server.journal", KEY_SECTION, 0,
     .words =
         "Which requests stand in what the service says on standard error (serve --log json)."},
    {"server.journal.slow_ms", KEY_WHOLE, 0, OF(server.slow_ms), .standard = "1000", .least = 0,
     .most = 3600000, .words = "Those that take so many milliseconds; 0: none."},
    {"server.journal.sample", KEY_REAL, 0, OF(server.sample), .standard = "0", .least = 0,
     .most = 1, .words = "Share of the others."},
    {"server.cors", KEY_TEXTS, 0, ARRAY_OF(server.cors, server.cors_count, 64),
     .words = "Origins whose web pages may ask this server, like `https://console.example.com`; "
              "`\"*\"`: any, without their cookies. Without it no page of another origin may."},
    {"server.tls", KEY_SECTION, 0,
     .words =
         "Serve HTTPS (TLS 1.2 and 1.3). Both files are read again at each reload; connections "
         "that are open go on."},
    {"server.tls.certificate", KEY_TEXT, 0, OF(server.tls.certificate),
     .words = "PEM file of the certificate and those between it and the root, relative to the "
              "settings file."},
    {"server.tls.key", KEY_TEXT, 0, OF(server.tls.key),
     .words = "PEM file of its private key, without a password."},

    {"access", KEY_SECTION, 0, .words = "Who may ask what of the service: see docs/access.md."},
    {"access.required", KEY_BOOL, 0, OF(access.required),
     .has_at = offsetof(struct settings, access.has_required),
     .computed = "yes, once there is a key, a user, access.jwt or access.sign_in, and where "
                 "server.host is not loopback",
     .words = "Whether each request needs a key, a session or a token."},
    {"access.open_metrics", KEY_BOOL, 0, OF(access.open_metrics), .standard = "false",
     .words = "Whether anybody may read /metrics, as a scraper without a key does."},
    {"access.rate", KEY_SECTION, 0,
     .words = "How many requests one caller may make; more are answered 429. A bucket that fills "
              "steadily: `120/min` takes 120 at once, then one each half second."},
    {"access.rate.per_key", KEY_TEXT, 0, OF(access.per_key),
     .words =
         "Of one key, user or token, such as `120/min`, `50/s` or `10000/h`; without: no limit."},
    {"access.rate.per_address", KEY_TEXT, 0, OF(access.per_address),
     .words =
         "Of one address (an IPv6 network of 64 bits is one), counted before the key is looked "
         "at."},
    {"access.session", KEY_SECTION, 0, .words = "People who have signed in."},
    {"access.session.idle", KEY_DURATION, 0, OF(access.session_idle_us), .standard = "30m",
     .least = 6e7, .most = 2.6784e12, .words = "Unused for so long, a session ends."},
    {"access.session.longest", KEY_DURATION, 0, OF(access.session_longest_us), .standard = "12h",
     .least = 6e7, .most = 2.6784e12, .words = "So long after signing in, it ends in any case."},
    {"access.jwt", KEY_SECTION, 0, .words = "Tokens (JWT) that another system makes."},
    {"access.jwt.issuer", KEY_TEXT, 0, OF(access.jwt.issuer), .words = "What `iss` must be."},
    {"access.jwt.audience", KEY_TEXT, 0, OF(access.jwt.audience),
     .words = "What `aud` must be or contain."},
    {"access.jwt.keys", KEY_TEXT, 0, OF(access.jwt.keys),
     .words = "A JWKS, as a file or an https URL: public keys for RS256 and ES256."},
    {"access.jwt.secret", KEY_TEXT, KEY_SECRET, OF(access.jwt.secret),
     .words = "For HS256, instead of `keys`: at least 32 bytes; `file:PATH` reads a file."},
    {"access.jwt.role_claim", KEY_TEXT, 0, OF(access.jwt.role_claim), .standard = "roles",
     .words = "The claim with the roles: a text, or an array of texts; a dot goes into an object."},
    {"access.jwt.name_claim", KEY_TEXT, 0, OF(access.jwt.name_claim), .standard = "name",
     .words = "The claim with the name for people."},
    {"access.jwt.leeway", KEY_DURATION, 0, OF(access.jwt.leeway_us), .standard = "30s", .least = 0,
     .most = 3e8, .words = "How far the clocks may differ."},
    {"access.sign_in", KEY_SECTION, 0, .words = "Sign-in of people by OpenID Connect."},
    {"access.sign_in.issuer", KEY_TEXT, 0, OF(access.sign_in.issuer),
     .words = "The provider's issuer URL; the rest is found there."},
    {"access.sign_in.client", KEY_TEXT, 0, OF(access.sign_in.client),
     .words = "The client id that the provider gave."},
    {"access.sign_in.secret", KEY_TEXT, KEY_SECRET, OF(access.sign_in.secret),
     .words = "The client's secret, where it has one; `file:PATH` reads a file."},
    {"access.sign_in.callback", KEY_TEXT, 0, OF(access.sign_in.callback),
     .words = "This service's own address as the provider knows it: "
              "https://HOST/v1/sign-in/callback."},
    {"access.sign_in.scopes", KEY_TEXT, 0, OF(access.sign_in.scopes),
     .standard = "openid profile email", .words = "What is asked for."},
    {"access.sign_in.role_claim", KEY_TEXT, 0, OF(access.sign_in.role_claim), .standard = "groups",
     .words = "The claim of the id token with the roles."},
    {"access.sign_in.name_claim", KEY_TEXT, 0, OF(access.sign_in.name_claim), .standard = "name",
     .words = "The claim with the name for people."},
    {"access.roles", KEY_ENTRIES, 0, ARRAY_OF(access.roles, access.role_count, SETTINGS_ROLES_MAX),
     .words =
         "What a value of the role claim gives. Without this section the values are the roles' "
         "own names."},
    {"access.roles.*", KEY_TEXT, KEY_REQUIRED, MEMBER(struct named_setting, source),
     .words = "Roles with commas between: viewer, scorer, analyst, engineer, auditor, admin."},

    {"store", KEY_SECTION, 0, .shorthand = "kind",
     .words = "Where decisions and labels are kept as rows, for lists and for people: a projection "
              "of the log, which `assay rebuild` makes anew."},
    {"store.kind", KEY_WORD, 0, OF(store.kind), .standard = "sqlite", .choices = "sqlite|postgres",
     .words = "`sqlite`: a file in the data directory; `postgres`: a PostgreSQL database, see "
              "docs/postgresql.md."},
    {"store.url", KEY_TEXT, KEY_SECRET, OF(store.url), .computed = "`DATABASE_URL`",
     .words = "Of PostgreSQL: postgresql://user:password@host:5432/database."},
    {"store.lag_limit", KEY_WHOLE, 0, OF(store_lag_limit), .standard = "1000000", .least = 0,
     .most = 1e15,
     .words = "Records that it may lag behind the log; beyond it lists answer 503. 0: any number."},

#include "shell/settings/model_place_rows.inc"

#include "shell/settings/stream_rows.inc"

#include "shell/settings/notify_rows.inc"

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
    {"routes.*.replaces", KEY_BOOL, 0, MEMBER(struct contract_setting, replaces),
     .standard = "false",
     .words =
         "Whether the path is one that the service has itself, such as /healthz, and takes its "
         "place."},
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
    {"log.compress", KEY_BOOL, 0, OF(log_compress), .standard = "true",
     .words = "Whether files of the log that are full are packed by zstd, in the background."},
    {"log.keep", KEY_SECTION, 0, .shorthand = "for",
     .words = "How much of the log is kept: whole files go, the oldest first, once a snapshot has "
              "what they led to. Without it: all, for ever."},
    {"log.keep.for", KEY_DURATION, 0, OF(log_keep.for_us),
     .has_at = offsetof(struct settings, log_keep.has_for), .least = 3600e6,
     .words = "Files whose newest record is older go."},
    {"log.keep.bytes", KEY_SIZE, 0, OF(log_keep.bytes),
     .has_at = offsetof(struct settings, log_keep.has_bytes), .least = 1 << 20, .most = 1e18,
     .words = "The oldest files go while the log is larger."},
    {"log.checkpoint", KEY_DURATION, 0, OF(log_checkpoint_us), .standard = "10m", .least = 0,
     .words = "Time between two signed checkpoints of the log, as long as it grows; 0: none."},
    {"log.checkpoint_records", KEY_WHOLE, 0, OF(log_checkpoint_records), .standard = "100000",
     .least = 1, .most = 1e12, .words = "And one after so many records."},
    {"log.checkpoint_file", KEY_TEXT, 0, OF(log_checkpoint_file),
     .words = "Where checkpoints are kept beside, best on another machine: a file that they are "
              "added to, or an http or https URL that each is posted to. Only with one that "
              "whoever changes the log cannot reach is a log that was cut short found."},
    {"log.checkpoint_key", KEY_TEXT, 0, OF(log_checkpoint_key),
     .words = "File of the private key that signs them, made where there is none; by default "
              "checkpoint.key in the data directory."},
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

    {"rollups", KEY_ENTRIES, 0, ARRAY_OF(rollups, rollup_count, SETTINGS_ROLLUPS_MAX),
     .words = "Tables by hour, day or month, made by `assay rollup`: see docs/rollups.md."},
    {"rollups.*", KEY_SECTION, 0, .words = "One table; its name."},
    {"rollups.*.source", KEY_TEXT, KEY_REQUIRED, MEMBER(struct rollup_setting, source),
     .words = "What it is of: one of `sources`, `decisions` (the service's own, from its log), or "
              "another rollup."},
    {"rollups.*.every", KEY_WORD, 0, MEMBER(struct rollup_setting, every), .standard = "day",
     .choices = "row|hour|day|month",
     .words = "One row for each period in which there are any; `row`: one for each of the source."},
    {"rollups.*.time", KEY_TEXT, 0, MEMBER(struct rollup_setting, time),
     .computed = "`event.time`; of a rollup its period",
     .words = "The source's field whose period a row is counted in."},
    {"rollups.*.time_zone", KEY_TEXT, 0, MEMBER(struct rollup_setting, time_zone),
     .computed = "`time_zone`", .words = "Where the hours, days and months begin."},
    {"rollups.*.by", KEY_TEXTS, 0, ARRAY(struct rollup_setting, by, by_count, LANG_KEYS_MAX),
     .words = "Fields beside the period: one row for each of their values in each period."},
    {"rollups.*.where", KEY_TEXT, 0, MEMBER(struct rollup_setting, where),
     .words = "Only the source's rows for which this holds."},
    {"rollups.*.measures", KEY_ENTRIES, 0,
     ARRAY(struct rollup_setting, measures, measure_count, SETTINGS_MEASURES_MAX),
     .words = "What is counted in each period: count, sum, mean, min, max, std or distinct, with "
              "`where (...)`."},
    {"rollups.*.measures.*", KEY_TEXT, KEY_REQUIRED, MEMBER(struct named_setting, source),
     .words = "One measure, such as `count() where (amount > 0.8 * balance)`."},
    {"rollups.*.join", KEY_TEXTS, 0,
     ARRAY(struct rollup_setting, joins, join_count, SETTINGS_ROLLUPS_MAX),
     .words = "Rollups whose columns come beside, found by period (and their own `by`); null where "
              "they have no row."},
    {"rollups.*.columns", KEY_ENTRIES, 0,
     ARRAY(struct rollup_setting, columns, column_count, SETTINGS_MEASURES_MAX),
     .words = "Columns made of the others, those above them included."},
    {"rollups.*.columns.*", KEY_TEXT, KEY_REQUIRED, MEMBER(struct named_setting, source),
     .words = "One column, such as `total_clicks / total_impressions`."},
    {"rollups.*.score", KEY_TEXT, 0, MEMBER(struct rollup_setting, score),
     .words = "The column fraud_score: an expression of the others."},
    {"rollups.*.clamp", KEY_TEXTS, 0, ARRAY(struct rollup_setting, clamp, clamp_count, 2),
     .has_at = offsetof(struct rollup_setting, has_clamp),
     .words = "Least and greatest score, such as [0, 1]."},
    {"rollups.*.label", KEY_SECTION, 0, .shorthand = "when",
     .words = "The column fraud_label, 0 or 1; a plain text is its rule."},
    {"rollups.*.label.when", KEY_TEXT, 0, MEMBER(struct rollup_setting, label_when),
     .words = "1 where this holds, the score included."},
    {"rollups.*.label.of", KEY_TEXT, 0, MEMBER(struct rollup_setting, label_of),
     .computed = "`fraud_score`", .words = "With `percentile`: the column."},
    {"rollups.*.label.percentile", KEY_REAL, 0, MEMBER(struct rollup_setting, percentile),
     .has_at = offsetof(struct rollup_setting, has_percentile), .least = 0, .most = 100,
     .words = "Instead of a rule: 1 from this percentile of the column on, over all rows, "
              "interpolated linearly."},
    {"rollups.*.reasons", KEY_ENTRIES, 0,
     ARRAY(struct rollup_setting, reasons, reason_count, SETTINGS_MEASURES_MAX),
     .words = "The column fraud_reason: the first of them whose condition holds."},
    {"rollups.*.reasons.*", KEY_TEXT, KEY_REQUIRED, MEMBER(struct named_setting, source),
     .words = "The condition of one; `true` for the last."},
    {"rollups.*.levels", KEY_ENTRIES, 0,
     ARRAY(struct rollup_setting, levels, level_count, SETTINGS_LEVELS_MAX),
     .words = "The columns alert_level and action, by the score."},
    {"rollups.*.levels.*", KEY_SECTION, 0, .shorthand = "from",
     .words = "One level; a plain number is its least score."},
    {"rollups.*.levels.*.from", KEY_REAL, 0, MEMBER(struct level_setting, from),
     .has_at = offsetof(struct level_setting, has_from), .least = -1e12, .most = 1e12,
     .words = "The score from which on it holds; without one it holds for all that is below the "
              "others."},
    {"rollups.*.levels.*.action", KEY_TEXT, 0, MEMBER(struct level_setting, action),
     .words = "What people are to do."},
    {"rollups.*.keep", KEY_TEXTS, 0,
     ARRAY(struct rollup_setting, keep, keep_count, SETTINGS_FIELDS_MAX),
     .has_at = offsetof(struct rollup_setting, has_keep), .computed = "all",
     .words = "The source's and joined columns that the table has, beside period, `by`, measures, "
              "columns, score, label, reason and level. An empty list: none."},
    {"rollups.*.table", KEY_TEXT, 0, MEMBER(struct rollup_setting, table),
     .computed = "the rollup's name",
     .words = "The table that it is written into, such as feature.fraud_daily."},
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
