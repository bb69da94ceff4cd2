#include "shell/serve/outline.h"

/* What a decision has wherever it is shown. */
#define DECISION_HEAD                                                                              \
    {"id", OUTLINE_TEXT, 0, NULL, "of the event"},                                                 \
        {"time", OUTLINE_TIME, 0, NULL, "of the event"},                                           \
        {"outcome", OUTLINE_OUTCOME, 0, NULL, "what to do"},                                       \
        {"score", OUTLINE_WHOLE, 0, NULL, "0 to 1000"},                                            \
        {"probability", OUTLINE_REAL, 0, NULL, "calibrated, 0 to 1"},                              \
        {"level", OUTLINE_LEVEL, 0, NULL, "the settings' name for the range of the score"},        \
        {"rules", OUTLINE_RULE, OUTLINE_ARRAY, NULL, "that fired"},                                \
        {"flags", OUTLINE_WORDS, OUTLINE_ARRAY, "late|too_late|ahead|no_model|forgotten",          \
         "what was special about the event"},                                                      \
    {                                                                                              \
        "plan", OUTLINE_TEXT, 0, NULL, "first bytes of the id of the plan that decided"            \
    }

#define DECISION_WHY                                                                               \
    {"reasons", OUTLINE_OF, OUTLINE_ARRAY, "Reason",                                               \
     "features that raised the score most, largest first; where the outcome is not the mildest"},  \
    {                                                                                              \
        "forgotten", OUTLINE_TEXT, OUTLINE_OPTIONAL | OUTLINE_ARRAY, NULL,                         \
            "kinds of entity whose features may lack events"                                       \
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
                 {"contribution", OUTLINE_REAL, 0, NULL, "in log-odds"}}},
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
                 {"inputs", OUTLINE_OBJECT, 0, NULL, "the event's fields"},
                 LABEL}},
    {.name = "ObservedWhole",
     .words = "An event that was observed, with its fields.",
     .members = {{"id", OUTLINE_TEXT, 0, NULL, "of the event"},
                 SEQ,
                 {"time", OUTLINE_TIME, 0, NULL, "of the event"},
                 {"observed", OUTLINE_BOOL, 0, NULL, "true"},
                 {"inputs", OUTLINE_OBJECT, 0, NULL, "the event's fields"},
                 LABEL}},
    {.name = "DecisionShown",
     .words = "A decision, or an event that was only observed.",
     .any_of = {"DecisionWhole", "ObservedWhole"}},

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
                 {"kind", OUTLINE_WORDS, 0, "train|reload", "what it does"},
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
                 {"prior", OUTLINE_BOOL, 0, NULL, "without the event itself"}}},
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
                 {"reads_label", OUTLINE_BOOL, 0, NULL, "whether it reads labels"},
                 {"fingerprint", OUTLINE_TEXT, 0, NULL, "of its definition"}}},
    {.name = "Features",
     .words = "The features of the plan in force.",
     .members = {{"features", OUTLINE_OF, OUTLINE_ARRAY, "Feature", "in the settings' order"}}},
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
