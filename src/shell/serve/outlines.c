#include "shell/serve/outline.h"

/* What a decision has wherever it is shown. */
#define EXPLAINED_HEAD                                                                             \
    {"id", OUTLINE_TEXT, 0, NULL, "of the event"},                                                 \
        {"time", OUTLINE_TIME, 0, NULL, "of the event"},                                           \
        {"outcome", OUTLINE_OUTCOME, 0, NULL, "what to do"},                                       \
        {"score", OUTLINE_WHOLE, 0, NULL, "0 to 1000"},                                            \
        {"probability", OUTLINE_REAL, 0, NULL, "calibrated, 0 to 1"},                              \
        {"level", OUTLINE_LEVEL, 0, NULL, "the settings' name for the range of the score"},        \
        {"flags", OUTLINE_WORDS, OUTLINE_ARRAY, "late|too_late|ahead|no_model|forgotten",          \
         "what was special about the event"},                                                      \
    {                                                                                              \
        "plan", OUTLINE_TEXT, 0, NULL, "first bytes of the id of the plan that decided"            \
    }

#define DECISION_HEAD                                                                              \
    EXPLAINED_HEAD,                                                                                \
    {                                                                                              \
        "rules", OUTLINE_RULE, OUTLINE_ARRAY, NULL, "that fired"                                   \
    }

#define DECISION_WHY                                                                               \
    {"reasons", OUTLINE_OF, OUTLINE_ARRAY, "Reason",                                               \
     "features that raised the score most, largest first; where the outcome is not the mildest"},  \
        {"interval", OUTLINE_REAL, OUTLINE_OPTIONAL | OUTLINE_ARRAY, NULL,                         \
         "of the probability, low and high; where the model has a conformal part"},                \
        {"conformal", OUTLINE_WORDS, OUTLINE_OPTIONAL | OUTLINE_ARRAY, "legit|fraud",              \
         "the classes that cannot be excluded at the model's level"},                              \
        {"p_values", OUTLINE_OBJECT, OUTLINE_OPTIONAL, NULL, "of each class"},                     \
        {"decided_by", OUTLINE_WORDS, OUTLINE_OPTIONAL, "champion|challenger",                     \
         "where several models were scored"},                                                      \
        {"others", OUTLINE_OBJECT, OUTLINE_OPTIONAL, NULL, "what the other models said"},          \
    {                                                                                              \
        "forgotten", OUTLINE_TEXT, OUTLINE_OPTIONAL | OUTLINE_ARRAY, NULL,                         \
            "kinds of entity whose features may lack events"                                       \
    }

/* Of a feature's value. */
#define VALUE_AMONG_ALL                                                                            \
    {"code", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "of the reason"},                               \
        {"value", OUTLINE_ANY, OUTLINE_OPTIONAL, NULL, "of the feature"},                          \
        {"rank", OUTLINE_REAL, OUTLINE_OPTIONAL, NULL,                                             \
         "of a number: share of the rows learned from that have less"},                            \
    {                                                                                              \
        "share", OUTLINE_REAL, OUTLINE_OPTIONAL, NULL, "of a category: share that has the same"    \
    }

#define SEQ                                                                                        \
    {                                                                                              \
        "seq", OUTLINE_WHOLE, 0, NULL, "position of the record in the log"                         \
    }
#define RECEIVED                                                                                   \
    {                                                                                              \
        "received", OUTLINE_TIME, 0, NULL, "when the event came"                                   \
    }
#define LABEL                                                                                      \
    {                                                                                              \
        "label", OUTLINE_BOOL, OUTLINE_NULLABLE, NULL, "true: fraud; null: not known"              \
    }
#define NEXT                                                                                       \
    {                                                                                              \
        "next", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL,                                              \
            "`cursor` of the next page; null: the last one"                                        \
    }

#define ROLE_WORDS "viewer|scorer|analyst|engineer|auditor|admin"

#define RULE_HEAD                                                                                  \
    {"name", OUTLINE_TEXT, 0, NULL, "of the rule"},                                                \
        {"origin", OUTLINE_WORDS, 0, "settings|api", "where it is written"},                       \
    {                                                                                              \
        "in_force", OUTLINE_OF, OUTLINE_NULLABLE, "RuleInForce", "null: nothing of it is"          \
    }
#define RULE_VERSION                                                                               \
    {"version", OUTLINE_WHOLE, OUTLINE_NULLABLE, NULL, "null: the settings'"},                     \
        {"state", OUTLINE_WORDS, 0, "draft|approved|live|shadow|retired|replaced", "of it"},       \
        {"when", OUTLINE_TEXT, 0, NULL, "the condition"},                                          \
        {"then", OUTLINE_TEXT, 0, NULL, "the outcome"},                                            \
        {"text", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL, "what it means, for people"},               \
        {"author", OUTLINE_OF, OUTLINE_NULLABLE, "Person", "null: the settings"},                  \
        {"written", OUTLINE_TIME, OUTLINE_NULLABLE, NULL, "when"},                                 \
        {"approver", OUTLINE_OF, OUTLINE_NULLABLE, "Person", "null: nobody yet"},                  \
        {"approved", OUTLINE_TIME, OUTLINE_NULLABLE, NULL, "when"},                                \
        {"changed_by", OUTLINE_OF, OUTLINE_NULLABLE, "Person", "of the last change"},              \
        {"changed", OUTLINE_TIME, OUTLINE_NULLABLE, NULL, "when"},                                 \
        {"note", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL, "why, of the last change"},                 \
    {                                                                                              \
        "tested", OUTLINE_OF, OUTLINE_NULLABLE, "RuleTestedBefore", "null: not yet"                \
    }

const struct outline outlines[] = {
    {.name = "Decision",
     .words = "What was decided about an event.",
     .members = {DECISION_HEAD,
                 DECISION_WHY,
                 {"seq", OUTLINE_WHOLE, OUTLINE_OPTIONAL, NULL,
                  "position of the record in the log; not there in a dry run"},
                 {"repeated", OUTLINE_BOOL, OUTLINE_OPTIONAL, NULL,
                  "true where this event was decided before"}}},
    {.name = "Observed",
     .words = "An event of a kind that is only observed: recorded, nothing decided.",
     .members = {{"id", OUTLINE_TEXT, 0, NULL, "of the event"},
                 {"seq", OUTLINE_WHOLE, OUTLINE_OPTIONAL, NULL,
                  "position of the record in the log"},
                 {"time", OUTLINE_TIME, 0, NULL, "of the event"},
                 {"observed", OUTLINE_BOOL, 0, NULL, "true"},
                 {"plan", OUTLINE_TEXT, 0, NULL, "of the plan in force"},
                 {"repeated", OUTLINE_BOOL, OUTLINE_OPTIONAL, NULL, "true where it came before"}}},
    {.name = "Reason",
     .words = "What one feature did to the score.",
     .members = {{"feature", OUTLINE_FEATURE, 0, NULL, "its name"},
                 {"contribution", OUTLINE_REAL, 0, NULL, "in log-odds"},
                 VALUE_AMONG_ALL,
                 {"text", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL,
                  "a sentence; where one decision is shown"}}},
    {.name = "ExplainedFeature",
     .words = "What one feature did, and how usual its value is.",
     .members = {{"feature", OUTLINE_FEATURE, 0, NULL, "its name"},
                 {"contribution", OUTLINE_REAL, OUTLINE_NULLABLE, NULL,
                  "in log-odds; null: the model does not read it"},
                 VALUE_AMONG_ALL,
                 {"own", OUTLINE_OBJECT, OUTLINE_OPTIONAL, NULL,
                  "the entity's own past: entity, n, median, least, most, below; of a category "
                  "usual, usual_n, same_n"},
                 {"text", OUTLINE_TEXT, 0, NULL, "a sentence"}}},
    {.name = "ExplainedRule",
     .words = "A rule that fired.",
     .members = {{"rule", OUTLINE_RULE, 0, NULL, "its name"},
                 {"when", OUTLINE_TEXT, 0, NULL, "its condition"},
                 {"then", OUTLINE_OUTCOME, 0, NULL, "what follows"},
                 {"text", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL, "what it means"}}},
    {.name = "Explanation",
     .words = "Why a decision is as it is.",
     .members = {EXPLAINED_HEAD,
                 SEQ,
                 RECEIVED,
                 {"rules", OUTLINE_OF, OUTLINE_ARRAY, "ExplainedRule", "that fired"},
                 {"model", OUTLINE_OBJECT, OUTLINE_NULLABLE, NULL,
                  "that decided: kind, file, base and margin; base and contributions add up to it"},
                 {"features", OUTLINE_OF, OUTLINE_ARRAY, "ExplainedFeature", "all of the plan's"},
                 {"complete", OUTLINE_BOOL, 0, NULL, "whether the log kept the values"}}},
    {.name = "BatchLine",
     .words = "The answer to one line.",
     .any_of = {"Decision", "Observed", "Problem"}},
    {.name = "DecisionRow",
     .words = "A decision in a list.",
     .members = {DECISION_HEAD, SEQ, RECEIVED, LABEL}},
    {.name = "DecisionPage",
     .words = "Decisions, page by page.",
     .members = {{"decisions", OUTLINE_OF, OUTLINE_ARRAY, "DecisionRow", "in the order of `sort`"},
                 NEXT,
                 {"store_lag", OUTLINE_WHOLE, 0, NULL,
                  "records of the log that the list does not have yet"}}},
    {.name = "DecisionWhole",
     .words = "A decision with the event's fields.",
     .members = {DECISION_HEAD,
                 DECISION_WHY,
                 SEQ,
                 RECEIVED,
                 {"shadow_rules", OUTLINE_RULE, OUTLINE_OPTIONAL | OUTLINE_ARRAY, NULL,
                  "that fired and changed nothing; where there are such"},
                 {"inputs", OUTLINE_OBJECT, 0, NULL, "the event's fields"},
                 {"erased", OUTLINE_BOOL, OUTLINE_OPTIONAL, NULL,
                  "true: the personal fields were erased, and are null"},
                 LABEL}},
    {.name = "ObservedWhole",
     .words = "An event that was observed, with its fields.",
     .members = {{"id", OUTLINE_TEXT, 0, NULL, "of the event"},
                 SEQ,
                 {"time", OUTLINE_TIME, 0, NULL, "of the event"},
                 {"observed", OUTLINE_BOOL, 0, NULL, "true"},
                 {"inputs", OUTLINE_OBJECT, 0, NULL, "the event's fields"},
                 {"erased", OUTLINE_BOOL, OUTLINE_OPTIONAL, NULL,
                  "true: the personal fields were erased, and are null"},
                 LABEL}},
    {.name = "DecisionShown",
     .words = "A decision, or an event that was only observed.",
     .any_of = {"DecisionWhole", "ObservedWhole"}},

    {.name = "EventAgain",
     .words = "An event of the log, decided again by the plan in force.",
     .members = {DECISION_HEAD,
                 DECISION_WHY,
                 SEQ,
                 {"received", OUTLINE_TIME, OUTLINE_OPTIONAL, NULL, "when the event came"},
                 {"features", OUTLINE_VALUES, 0, NULL, "as of then"},
                 LABEL,
                 {"observed", OUTLINE_BOOL, 0, NULL, "true: nobody decided it then"}}},
    {.name = "EventsAgain",
     .words = "The riskiest events of the log.",
     .members = {{"events", OUTLINE_OF, OUTLINE_ARRAY, "EventAgain", "riskiest first"}}},
    {.name = "Person",
     .words = "Who did something.",
     .members = {{"kind", OUTLINE_WORDS, 0, "nobody|local|key|user|token|console|system",
                  "of caller"},
                 {"id", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL, "lasting"},
                 {"name", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL, "for people"}}},
    {.name = "RuleVersion", .words = "A version of a rule.", .members = {RULE_VERSION}},
    {.name = "RuleInForce",
     .words = "The version that decides, or is watched.",
     .members = {{"version", OUTLINE_WHOLE, OUTLINE_NULLABLE, NULL, "null: the settings'"},
                 {"state", OUTLINE_WORDS, 0, "live|shadow", "how"}}},
    {.name = "RuleTestedBefore",
     .words = "The last test of a version.",
     .members = {{"run", OUTLINE_WHOLE, 0, NULL, "tests"},
                 {"failed", OUTLINE_WHOLE, 0, NULL, "of them"},
                 {"at", OUTLINE_TIME, OUTLINE_NULLABLE, NULL, "when"}}},
    {.name = "Rule",
     .words = "A rule with its newest version.",
     .members = {RULE_HEAD,
                 RULE_VERSION,
                 {"hits", OUTLINE_WHOLE, OUTLINE_NULLABLE, NULL,
                  "decisions in which it fired since the start; null: not in force"}}},
    {.name = "Rules",
     .words = "All rules.",
     .members = {{"rules", OUTLINE_OF, OUTLINE_ARRAY, "Rule", "those of the settings first"}}},
    {.name = "RuleShown",
     .words = "A rule with its versions.",
     .members = {RULE_HEAD,
                 RULE_VERSION,
                 {"versions", OUTLINE_OF, OUTLINE_ARRAY, "RuleVersion", "newest first"}}},
    {.name = "RuleDraft",
     .words = "A rule to write.",
     .members = {{"name", OUTLINE_TEXT, 0, NULL, "letters, digits, _, - and ."},
                 {"when", OUTLINE_TEXT, 0, NULL, "the condition"},
                 {"then", OUTLINE_TEXT, 0, NULL, "an outcome"},
                 {"text", OUTLINE_TEXT, OUTLINE_OPTIONAL | OUTLINE_NULLABLE, NULL,
                  "what it means, for people"},
                 {"note", OUTLINE_TEXT, OUTLINE_OPTIONAL | OUTLINE_NULLABLE, NULL, "why"}}},
    {.name = "RuleStep",
     .words = "What a change is about.",
     .members = {{"version", OUTLINE_WHOLE, OUTLINE_OPTIONAL, NULL,
                  "to approve: needed; else the newest one, to retire: the one in force"},
                 {"note", OUTLINE_TEXT, OUTLINE_OPTIONAL | OUTLINE_NULLABLE, NULL, "why"}}},
    {.name = "RuleTestRequest",
     .words = "Events to try a rule on.",
     .members = {{"version", OUTLINE_WHOLE, OUTLINE_OPTIONAL, NULL, "default: the newest"},
                 {"tests", OUTLINE_OF, OUTLINE_ARRAY, "RuleTest", "up to 64"}}},
    {.name = "RuleTest",
     .words = "One test.",
     .members = {{"name", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "for people"},
                 {"history", OUTLINE_OBJECT, OUTLINE_OPTIONAL | OUTLINE_ARRAY, NULL,
                  "events before it"},
                 {"event", OUTLINE_OBJECT, 0, NULL, "to decide"},
                 {"expect", OUTLINE_OBJECT, OUTLINE_OPTIONAL, NULL,
                  "fires: true or false, rules: those that fire, outcome"}}},
    {.name = "RuleTested",
     .words = "What the tests of a rule came to.",
     .members = {{"name", OUTLINE_TEXT, 0, NULL, "of the rule"},
                 {"version", OUTLINE_WHOLE, 0, NULL, "of it"},
                 {"run", OUTLINE_WHOLE, 0, NULL, "tests"},
                 {"failed", OUTLINE_WHOLE, 0, NULL, "of them"},
                 {"tests", OUTLINE_OF, OUTLINE_ARRAY, "RuleTestResult", "in their order"}}},
    {.name = "RuleTestResult",
     .words = "What one test came to.",
     .members = {{"name", OUTLINE_TEXT, 0, NULL, "for people"},
                 {"ok", OUTLINE_BOOL, 0, NULL, "as expected"},
                 {"fires", OUTLINE_BOOL, 0, NULL, "the rule"},
                 {"outcome", OUTLINE_OUTCOME, 0, NULL, "of the event"},
                 {"rules", OUTLINE_RULE, OUTLINE_ARRAY, NULL, "that fired"},
                 {"differences", OUTLINE_OBJECT, OUTLINE_ARRAY, NULL, "{item, expected, found}"}}},
    {.name = "RuleBacktestRequest",
     .words = "Over which events.",
     .members = {{"version", OUTLINE_WHOLE, OUTLINE_OPTIONAL, NULL, "default: the newest"},
                 {"from", OUTLINE_TIME, OUTLINE_OPTIONAL, NULL, "event time at or after this"},
                 {"to", OUTLINE_TIME, OUTLINE_OPTIONAL, NULL, "event time before this"}}},
    {.name = "BacktestRequest",
     .words = "Rules to try.",
     .members = {{"rules", OUTLINE_OBJECT, 0, NULL, "name: {when, then}, as in the settings"},
                 {"from", OUTLINE_TIME, OUTLINE_OPTIONAL, NULL, "event time at or after this"},
                 {"to", OUTLINE_TIME, OUTLINE_OPTIONAL, NULL, "event time before this"}}},

    {.name = "Label",
     .words = "What an event turned out to be.",
     .members = {{"id", OUTLINE_TEXT, 0, NULL, "of the event"},
                 {"label", OUTLINE_ANY, OUTLINE_OPTIONAL, NULL,
                  "true, false, 1, 0, \"fraud\" or \"legit\"; without it only where reversal is "
                  "true"},
                 {"source", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "who says so; default api"},
                 {"time", OUTLINE_TIME, OUTLINE_OPTIONAL, NULL,
                  "when it became known; default now"},
                 {"reversal", OUTLINE_BOOL, OUTLINE_OPTIONAL, NULL, "takes the label back"}}},
    {.name = "LabelRequest", .words = "One label or several.", .any_of = {"Label", "Label[]"}},
    {.name = "LabelTaken",
     .words = "A label that was taken.",
     .members = {{"id", OUTLINE_TEXT, 0, NULL, "of the event"},
                 {"status", OUTLINE_WHOLE, 0, NULL, "200"},
                 {"event_seq", OUTLINE_WHOLE, 0, NULL, "position of the event's record"}}},
    {.name = "LabelResult",
     .words = "What came of one label of several.",
     .any_of = {"LabelTaken", "Problem"}},
    {.name = "LabelResults",
     .words = "What came of several labels.",
     .members = {{"results", OUTLINE_OF, OUTLINE_ARRAY, "LabelResult", "in the order asked"},
                 {"taken", OUTLINE_WHOLE, 0, NULL, "how many"},
                 {"refused", OUTLINE_WHOLE, 0, NULL, "how many"}}},
    {.name = "Labelled",
     .words = "The answer to one label or several.",
     .any_of = {"LabelTaken", "LabelResults"}},

#define LIST_HEAD                                                                                  \
    {"name", OUTLINE_TEXT, 0, NULL, "of the list"},                                                \
        {"type", OUTLINE_WORDS, 0, "text|int|decimal", "of its values"},                           \
        {"description", OUTLINE_TEXT, 0, NULL, "the settings' words"},                             \
        {"expires", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL,                                          \
         "how long an entry is in force that does not say so itself"},                             \
    {                                                                                              \
        "entries", OUTLINE_WHOLE, 0, NULL, "how many there are"                                    \
    }
    {.name = "List", .words = "A list of the settings.", .members = {LIST_HEAD}},
    {.name = "Lists",
     .words = "All lists.",
     .members = {{"lists", OUTLINE_OF, OUTLINE_ARRAY, "List", "in the settings' order"}}},
    {.name = "ListItem",
     .words = "An entry of a list.",
     .members = {{"value", OUTLINE_TEXT, 0, NULL, "what is in the list"},
                 {"added", OUTLINE_TIME, OUTLINE_NULLABLE, NULL,
                  "null: the list's file does not say"},
                 {"expires", OUTLINE_TIME, OUTLINE_NULLABLE, NULL, "null: never"},
                 {"expired", OUTLINE_BOOL, 0, NULL, "by the clock"},
                 {"note", OUTLINE_TEXT, 0, NULL, "why"},
                 {"by", OUTLINE_TEXT, 0, NULL, "who said so"},
                 SEQ}},
    {.name = "ListPage",
     .words = "A list's entries, page by page.",
     .members = {LIST_HEAD,
                 {"items", OUTLINE_OF, OUTLINE_ARRAY, "ListItem", "in the order they were added"},
                 NEXT}},
    {.name = "ListChange",
     .words = "A value to add or to remove.",
     .members = {{"value", OUTLINE_ANY, 0, NULL, "text, or a number in a list of numbers"},
                 {"expires", OUTLINE_TEXT, OUTLINE_OPTIONAL | OUTLINE_NULLABLE, NULL,
                  "\"7d\", a time, \"never\" or null"},
                 {"note", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "why"},
                 {"remove", OUTLINE_BOOL, OUTLINE_OPTIONAL, NULL, "true removes it"}}},
    {.name = "ListRequest",
     .words = "One change or several, made together or not at all.",
     .any_of = {"ListChange", "ListChange[]"}},
    {.name = "ListResult",
     .words = "What came of one change.",
     .members = {{"value", OUTLINE_TEXT, 0, NULL, "as the list has it"},
                 {"result", OUTLINE_WORDS, 0, "added|replaced|unchanged|removed|absent",
                  "what it did"},
                 {"expires", OUTLINE_TIME, OUTLINE_OPTIONAL | OUTLINE_NULLABLE, NULL,
                  "not there where it was removed"}}},
    {.name = "SubjectErased",
     .words = "What erasing a person came to.",
     .members = {{"subject", OUTLINE_TEXT, 0, NULL, "kind and keyed token, as in the audit"},
                 {"erased", OUTLINE_BOOL, 0, NULL, "false: nothing was sealed of the person"},
                 {"limits", OUTLINE_TEXT, 0, NULL, "what it does not reach"}}},
    {.name = "ListChanged",
     .words = "What came of changes.",
     .members = {{"name", OUTLINE_TEXT, 0, NULL, "of the list"},
                 {"results", OUTLINE_OF, OUTLINE_ARRAY, "ListResult", "in the order asked"},
                 {"entries", OUTLINE_WHOLE, 0, NULL, "how many there are now"},
                 {"seq", OUTLINE_WHOLE, OUTLINE_NULLABLE, NULL,
                  "position of the record; null: nothing was new"}}},

    {.name = "Model",
     .words = "A version of a model.",
     .members = {{"id", OUTLINE_TEXT, 0, NULL, "NAME@VERSION"},
                 {"aliases", OUTLINE_WORDS, OUTLINE_ARRAY, "champion|challenger|shadow",
                  "what it is"},
                 {"name", OUTLINE_TEXT, 0, NULL, "of the model"},
                 {"version", OUTLINE_TEXT, 0, NULL, "1.2.0"},
                 {"kind", OUTLINE_TEXT, 0, NULL, "logistic, boost, ..."},
                 {"made", OUTLINE_TIME, 0, NULL, "when it was trained or imported"},
                 {"average_precision", OUTLINE_REAL, OUTLINE_NULLABLE, NULL, "on the test rows"},
                 {"auc_roc", OUTLINE_REAL, OUTLINE_NULLABLE, NULL, "on the test rows"},
                 {"tested", OUTLINE_BOOL, 0, NULL, "whether there were test rows"},
                 {"better_than_chance", OUTLINE_BOOL, 0, NULL, "on them"}}},
    {.name = "Models",
     .words = "All versions of all models.",
     .members = {{"models", OUTLINE_OF, OUTLINE_ARRAY, "Model", "by name and version"}}},
    {.name = "ModelShown",
     .words = "One version of a model.",
     .members = {{"id", OUTLINE_TEXT, 0, NULL, "NAME@VERSION"},
                 {"aliases", OUTLINE_WORDS, OUTLINE_ARRAY, "champion|challenger|shadow",
                  "what it is"},
                 {"lineage", OUTLINE_OBJECT, 0, NULL, "what it was made from"},
                 {"metrics", OUTLINE_OBJECT, 0, NULL, "what was measured"},
                 {"history", OUTLINE_OBJECT, OUTLINE_ARRAY, NULL, "promotions"}}},
    {.name = "Promoted",
     .words = "What a model became.",
     .members = {{"model", OUTLINE_TEXT, 0, NULL, "NAME@VERSION"},
                 {"as", OUTLINE_WORDS, 0, "champion|challenger|shadow", "what it is now"}}},
    {.name = "Empty", .words = "{}: the settings say what is done."},
    {.name = "Job",
     .words = "Long work.",
     .members = {{"id", OUTLINE_TEXT, 0, NULL, "of the job"},
                 {"kind", OUTLINE_WORDS, 0, "train|reload|backtest", "what it does"},
                 {"state", OUTLINE_WORDS, 0, "running|done|failed|cancelled", "how it goes"},
                 {"started", OUTLINE_TIME, OUTLINE_OPTIONAL, NULL, "when"},
                 {"ended", OUTLINE_TIME, OUTLINE_OPTIONAL, NULL, "when"},
                 {"stage", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "what it is at"},
                 {"progress", OUTLINE_REAL, OUTLINE_OPTIONAL, NULL, "0 to 1"},
                 {"seconds_left", OUTLINE_REAL, OUTLINE_OPTIONAL, NULL, "as it went so far"},
                 {"result", OUTLINE_OBJECT, OUTLINE_OPTIONAL, NULL, "where it is done"},
                 {"error", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "where it failed"}}},

    {.name = "Window",
     .words = "One window that a feature reads.",
     .members = {{"aggregate", OUTLINE_TEXT, 0, NULL, "count, sum, mean, ..."},
                 {"of", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL, "what is aggregated"},
                 {"entity", OUTLINE_TEXT, 0, NULL, "the kind of entity it is by"},
                 {"over", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL, "its width; null: all of the past"},
                 {"step", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL, "its grain"},
                 {"delay", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL,
                  "how long before the event it ends"},
                 {"where", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL, "which events it counts"},
                 {"prior", OUTLINE_BOOL, 0, NULL, "without the event itself"},
                 {"approximate", OUTLINE_BOOL, 0, NULL, "from a sketch"}}},
    {.name = "Feature",
     .words = "What a feature is.",
     .members = {{"name", OUTLINE_FEATURE, 0, NULL, "of the feature"},
                 {"expression", OUTLINE_TEXT, 0, NULL, "written out"},
                 {"type", OUTLINE_TEXT, 0, NULL, "of its values"},
                 {"unit", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL, "where it can be told"},
                 {"windows", OUTLINE_OF, OUTLINE_ARRAY, "Window", "that it reads"},
                 {"fields", OUTLINE_TEXT, OUTLINE_ARRAY, NULL, "of the event that it reads"},
                 {"missing", OUTLINE_OBJECT, 0, NULL, "what stands in for fields"},
                 {"warm", OUTLINE_TEXT, 0, NULL, "from when on it has all of its past"},
                 {"warm_after", OUTLINE_TEXT, OUTLINE_NULLABLE, NULL,
                  "the same as a duration after the log's first event"},
                 {"warm_since", OUTLINE_TIME, OUTLINE_NULLABLE, NULL,
                  "and as a time; null: at once, or never wholly"},
                 {"reads_label", OUTLINE_BOOL, 0, NULL, "whether it reads labels"},
                 {"fingerprint", OUTLINE_TEXT, 0, NULL, "of its definition"}}},
    {.name = "Features",
     .words = "The features of the plan in force.",
     .members = {{"log_begins", OUTLINE_TIME, OUTLINE_NULLABLE, NULL,
                  "the time of the log's first event"},
                 {"features", OUTLINE_OF, OUTLINE_ARRAY, "Feature", "in the settings' order"}}},
    {.name = "Settings",
     .words = "The settings in force.",
     .members = {{"name", OUTLINE_TEXT, 0, NULL, "the settings' own"},
                 {"plan", OUTLINE_TEXT, 0, NULL, "id of the plan that they made"},
                 {"plan_seq", OUTLINE_WHOLE, 0, NULL, "position of its record in the log"},
                 {"yaml", OUTLINE_TEXT, 0, NULL,
                  "every key with its value and, as a comment, where it came from; no secrets"}}},
    {.name = "Entity",
     .words = "An entity: what happened to it, and what its features are now.",
     .members = {{"kind", OUTLINE_TEXT, 0, NULL, "of entity"},
                 {"id", OUTLINE_TEXT, 0, NULL, "of the entity"},
                 {"as_of", OUTLINE_TIME, OUTLINE_NULLABLE, NULL,
                  "the newest event's time; null: there was no event"},
                 {"features", OUTLINE_VALUES, 0, NULL,
                  "over this kind: what an event at that time would see, itself counted"},
                 {"lists", OUTLINE_TEXT, OUTLINE_ARRAY, NULL,
                  "that have its id as a value in force"},
                 {"decisions", OUTLINE_OF, OUTLINE_ARRAY, "DecisionRow", "newest first"},
                 NEXT,
                 {"store_lag", OUTLINE_WHOLE, 0, NULL,
                  "records of the log that `decisions` does not have yet"}}},

    {.name = "Key",
     .words = "An API key, without its secret.",
     .members = {{"id", OUTLINE_TEXT, 0, NULL, "12 hex digits"},
                 {"prefix", OUTLINE_TEXT, 0, NULL, "how its text begins"},
                 {"name", OUTLINE_TEXT, 0, NULL, "for people"},
                 {"roles", OUTLINE_WORDS, OUTLINE_ARRAY, ROLE_WORDS, "what it may"},
                 {"state", OUTLINE_WORDS, 0, "active|expired|revoked", "how it stands"},
                 {"created", OUTLINE_TIME, 0, NULL, "when"},
                 {"by", OUTLINE_TEXT, 0, NULL, "who made it"},
                 {"expires", OUTLINE_TIME, OUTLINE_NULLABLE, NULL, "null: never"},
                 {"rotated", OUTLINE_TIME, OUTLINE_NULLABLE, NULL, "last"},
                 {"old_secret_until", OUTLINE_TIME, OUTLINE_NULLABLE, NULL, "after a rotation"},
                 {"revoked", OUTLINE_TIME, OUTLINE_NULLABLE, NULL, "when"},
                 {"last_used", OUTLINE_TIME, OUTLINE_NULLABLE, NULL, "since the server's start"}}},
    {.name = "Keys",
     .words = "All keys.",
     .members = {{"items", OUTLINE_OF, OUTLINE_ARRAY, "Key", "oldest first"}}},
    {.name = "KeyMade",
     .words = "A key with its secret, shown this once.",
     .members = {{"secret", OUTLINE_TEXT, 0, NULL, "ask_<id>_<secret>"},
                 {"key", OUTLINE_OF, 0, "Key", "as lists show it"}}},
    {.name = "KeyRequest",
     .words = "A key to be made.",
     .members = {{"name", OUTLINE_TEXT, 0, NULL, "1 to 64 bytes"},
                 {"roles", OUTLINE_WORDS, OUTLINE_ARRAY, ROLE_WORDS, "what it may"},
                 {"expires", OUTLINE_TEXT, OUTLINE_OPTIONAL | OUTLINE_NULLABLE, NULL,
                  "\"90d\", a time, or null: never"}}},
    {.name = "KeyRotation",
     .words = "A new secret for a key.",
     .members = {{"grace", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "\"1d\": the old one goes on"}}},
    {.name = "User",
     .words = "Who may sign in.",
     .members = {{"name", OUTLINE_TEXT, 0, NULL, "of the user"},
                 {"roles", OUTLINE_WORDS, OUTLINE_ARRAY, ROLE_WORDS, "what they may"},
                 {"disabled", OUTLINE_BOOL, 0, NULL, "may not sign in"},
                 {"created", OUTLINE_TIME, 0, NULL, "when"},
                 {"changed", OUTLINE_TIME, 0, NULL, "last"}}},
    {.name = "Users",
     .words = "All users.",
     .members = {{"items", OUTLINE_OF, OUTLINE_ARRAY, "User", "oldest first"}}},
    {.name = "UserRequest",
     .words = "A user to be made.",
     .members = {{"name", OUTLINE_TEXT, 0, NULL, "letters, digits and ._@+-"},
                 {"password", OUTLINE_TEXT, 0, NULL, "12 to 256 bytes"},
                 {"roles", OUTLINE_WORDS, OUTLINE_ARRAY, ROLE_WORDS, "what they may"}}},
    {.name = "UserChange",
     .words = "One of these.",
     .members = {{"password", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "12 to 256 bytes"},
                 {"roles", OUTLINE_WORDS, OUTLINE_ARRAY | OUTLINE_OPTIONAL, ROLE_WORDS,
                  "what they may"},
                 {"disabled", OUTLINE_BOOL, OUTLINE_OPTIONAL, NULL, "may not sign in"}}},
    {.name = "SignIn",
     .words = "A name and its password.",
     .members = {{"name", OUTLINE_TEXT, 0, NULL, "of the user"},
                 {"password", OUTLINE_TEXT, 0, NULL, "theirs"}}},
    {.name = "Who",
     .words = "Who asks.",
     .members = {{"kind", OUTLINE_WORDS, 0, "nobody|local|key|user|token|starter", "how known"},
                 {"id", OUTLINE_TEXT, 0, NULL, "lasting"},
                 {"name", OUTLINE_TEXT, 0, NULL, "for people"},
                 {"roles", OUTLINE_WORDS, OUTLINE_ARRAY, ROLE_WORDS, "what they may"},
                 {"csrf", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "of a session: X-CSRF-Token"}}},
    {.name = "SignedOut",
     .words = "Nobody is signed in here.",
     .members = {{"signed_in", OUTLINE_BOOL, 0, NULL, "false"}}},
    {.name = "Alive",
     .words = "The process lives.",
     .members = {{"status", OUTLINE_WORDS, 0, "alive", "alive"}}},
    {.name = "Ready",
     .words = "Requests are taken.",
     .members = {{"status", OUTLINE_WORDS, 0, "ready", "ready"},
                 {"filled_until", OUTLINE_TIME, OUTLINE_NULLABLE, NULL, "the newest event's time"},
                 {"store_lag", OUTLINE_WHOLE, OUTLINE_OPTIONAL, NULL,
                  "records of the log that lists do not have yet"},
                 {"store_failure", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL,
                  "why the store does not follow"}}},
    {.name = "OpenApi",
     .words = "An OpenAPI 3.1 document.",
     .members = {{"openapi", OUTLINE_TEXT, 0, NULL, "3.1.0"},
                 {"info", OUTLINE_OBJECT, 0, NULL, ""},
                 {"servers", OUTLINE_OBJECT, OUTLINE_ARRAY, NULL, ""},
                 {"paths", OUTLINE_OBJECT, 0, NULL, ""},
                 {"components", OUTLINE_OBJECT, 0, NULL, ""}}},
    {.name = "FieldProblem",
     .words = "What is wrong with one field.",
     .members = {{"pointer", OUTLINE_TEXT, 0, NULL, "JSON pointer of the field"},
                 {"detail", OUTLINE_TEXT, 0, NULL, "what is wrong, and what to do"}}},
    {.name = "Problem",
     .words = "What went wrong (RFC 9457).",
     .members = {{"type", OUTLINE_TEXT, 0, NULL, "urn:assay:problem:..."},
                 {"title", OUTLINE_TEXT, 0, NULL, "the kind of problem"},
                 {"status", OUTLINE_WHOLE, 0, NULL, "the HTTP status"},
                 {"detail", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "what exactly"},
                 {"instance", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "the path asked for"},
                 {"request_id", OUTLINE_TEXT, OUTLINE_OPTIONAL, NULL, "as in X-Request-Id"},
                 {"line", OUTLINE_WHOLE, OUTLINE_OPTIONAL, NULL, "of a batch"},
                 {"errors", OUTLINE_OF, OUTLINE_OPTIONAL | OUTLINE_ARRAY, "FieldProblem",
                  "bad fields"},
                 {"more_errors", OUTLINE_WHOLE, OUTLINE_OPTIONAL, NULL,
                  "bad fields beside those listed"}}},
};

const unsigned outline_count = sizeof outlines / sizeof *outlines;
