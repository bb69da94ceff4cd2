#include "shell/serve/shape.h"

/* What a decision has wherever it is shown. */
#define DECISION_HEAD                                                                              \
    {"id", SHAPE_TEXT, 0, NULL, "of the event"}, {"time", SHAPE_TIME, 0, NULL, "of the event"},    \
        {"outcome", SHAPE_OUTCOME, 0, NULL, "what to do"},                                         \
        {"score", SHAPE_WHOLE, 0, NULL, "0 to 1000"},                                              \
        {"probability", SHAPE_REAL, 0, NULL, "calibrated, 0 to 1"},                                \
        {"level", SHAPE_LEVEL, 0, NULL, "the settings' name for the range of the score"},          \
        {"rules", SHAPE_RULE, SHAPE_ARRAY, NULL, "that fired"},                                    \
        {"flags", SHAPE_WORDS, SHAPE_ARRAY, "late|too_late|ahead|no_model|forgotten",              \
         "what was special about the event"},                                                      \
    {                                                                                              \
        "plan", SHAPE_TEXT, 0, NULL, "first bytes of the id of the plan that decided"              \
    }

#define DECISION_WHY                                                                               \
    {"reasons", SHAPE_OF, SHAPE_ARRAY, "Reason",                                                   \
     "features that raised the score most, largest first; where the outcome is not the mildest"},  \
    {                                                                                              \
        "forgotten", SHAPE_TEXT, SHAPE_OPTIONAL | SHAPE_ARRAY, NULL,                               \
            "kinds of entity whose features may lack events"                                       \
    }

#define SEQ                                                                                        \
    {                                                                                              \
        "seq", SHAPE_WHOLE, 0, NULL, "position of the record in the log"                           \
    }
#define RECEIVED                                                                                   \
    {                                                                                              \
        "received", SHAPE_TIME, 0, NULL, "when the event came"                                     \
    }
#define LABEL                                                                                      \
    {                                                                                              \
        "label", SHAPE_BOOL, SHAPE_NULLABLE, NULL, "true: fraud; null: not known"                  \
    }
#define NEXT                                                                                       \
    {                                                                                              \
        "next", SHAPE_TEXT, SHAPE_NULLABLE, NULL, "`cursor` of the next page; null: the last one"  \
    }

const struct shape shapes[] = {
    {.name = "Decision",
     .words = "What was decided about an event.",
     .members = {DECISION_HEAD,
                 DECISION_WHY,
                 {"seq", SHAPE_WHOLE, SHAPE_OPTIONAL, NULL,
                  "position of the record in the log; not there in a dry run"},
                 {"repeated", SHAPE_BOOL, SHAPE_OPTIONAL, NULL,
                  "true where this event was decided before"}}},
    {.name = "Observed",
     .words = "An event of a kind that is only observed: recorded, nothing decided.",
     .members = {{"id", SHAPE_TEXT, 0, NULL, "of the event"},
                 {"seq", SHAPE_WHOLE, SHAPE_OPTIONAL, NULL, "position of the record in the log"},
                 {"time", SHAPE_TIME, 0, NULL, "of the event"},
                 {"observed", SHAPE_BOOL, 0, NULL, "true"},
                 {"plan", SHAPE_TEXT, 0, NULL, "of the plan in force"},
                 {"repeated", SHAPE_BOOL, SHAPE_OPTIONAL, NULL, "true where it came before"}}},
    {.name = "Reason",
     .words = "What one feature did to the score.",
     .members = {{"feature", SHAPE_FEATURE, 0, NULL, "its name"},
                 {"contribution", SHAPE_REAL, 0, NULL, "in log-odds"}}},
    {.name = "BatchLine",
     .words = "The answer to one line.",
     .any_of = {"Decision", "Observed", "Problem"}},
    {.name = "DecisionRow",
     .words = "A decision in a list.",
     .members = {DECISION_HEAD, SEQ, RECEIVED, LABEL}},
    {.name = "DecisionPage",
     .words = "Decisions, page by page.",
     .members = {{"decisions", SHAPE_OF, SHAPE_ARRAY, "DecisionRow", "in the order of `sort`"},
                 NEXT,
                 {"store_lag", SHAPE_WHOLE, 0, NULL,
                  "records of the log that the list does not have yet"}}},
    {.name = "DecisionWhole",
     .words = "A decision with the event's fields.",
     .members = {DECISION_HEAD,
                 DECISION_WHY,
                 SEQ,
                 RECEIVED,
                 {"inputs", SHAPE_OBJECT, 0, NULL, "the event's fields"},
                 LABEL}},
    {.name = "ObservedWhole",
     .words = "An event that was observed, with its fields.",
     .members = {{"id", SHAPE_TEXT, 0, NULL, "of the event"},
                 SEQ,
                 {"time", SHAPE_TIME, 0, NULL, "of the event"},
                 {"observed", SHAPE_BOOL, 0, NULL, "true"},
                 {"inputs", SHAPE_OBJECT, 0, NULL, "the event's fields"},
                 LABEL}},
    {.name = "DecisionShown",
     .words = "A decision, or an event that was only observed.",
     .any_of = {"DecisionWhole", "ObservedWhole"}},

    {.name = "Label",
     .words = "What an event turned out to be.",
     .members = {{"id", SHAPE_TEXT, 0, NULL, "of the event"},
                 {"label", SHAPE_ANY, SHAPE_OPTIONAL, NULL,
                  "true, false, 1, 0, \"fraud\" or \"legit\"; without it only where reversal is "
                  "true"},
                 {"source", SHAPE_TEXT, SHAPE_OPTIONAL, NULL, "who says so; default api"},
                 {"time", SHAPE_TIME, SHAPE_OPTIONAL, NULL, "when it became known; default now"},
                 {"reversal", SHAPE_BOOL, SHAPE_OPTIONAL, NULL, "takes the label back"}}},
    {.name = "LabelRequest", .words = "One label or several.", .any_of = {"Label", "Label[]"}},
    {.name = "LabelTaken",
     .words = "A label that was taken.",
     .members = {{"id", SHAPE_TEXT, 0, NULL, "of the event"},
                 {"status", SHAPE_WHOLE, 0, NULL, "200"},
                 {"event_seq", SHAPE_WHOLE, 0, NULL, "position of the event's record"}}},
    {.name = "LabelResult",
     .words = "What came of one label of several.",
     .any_of = {"LabelTaken", "Problem"}},
    {.name = "LabelResults",
     .words = "What came of several labels.",
     .members = {{"results", SHAPE_OF, SHAPE_ARRAY, "LabelResult", "in the order asked"},
                 {"taken", SHAPE_WHOLE, 0, NULL, "how many"},
                 {"refused", SHAPE_WHOLE, 0, NULL, "how many"}}},
    {.name = "Labelled",
     .words = "The answer to one label or several.",
     .any_of = {"LabelTaken", "LabelResults"}},

#define LIST_HEAD                                                                                  \
    {"name", SHAPE_TEXT, 0, NULL, "of the list"},                                                  \
        {"type", SHAPE_WORDS, 0, "text|int|decimal", "of its values"},                             \
        {"description", SHAPE_TEXT, 0, NULL, "the settings' words"},                               \
        {"expires", SHAPE_TEXT, SHAPE_NULLABLE, NULL,                                              \
         "how long an entry is in force that does not say so itself"},                             \
    {                                                                                              \
        "entries", SHAPE_WHOLE, 0, NULL, "how many there are"                                      \
    }
    {.name = "List", .words = "A list of the settings.", .members = {LIST_HEAD}},
    {.name = "Lists",
     .words = "All lists.",
     .members = {{"lists", SHAPE_OF, SHAPE_ARRAY, "List", "in the settings' order"}}},
    {.name = "ListItem",
     .words = "An entry of a list.",
     .members = {{"value", SHAPE_TEXT, 0, NULL, "what is in the list"},
                 {"added", SHAPE_TIME, SHAPE_NULLABLE, NULL, "null: the list's file does not say"},
                 {"expires", SHAPE_TIME, SHAPE_NULLABLE, NULL, "null: never"},
                 {"expired", SHAPE_BOOL, 0, NULL, "by the clock"},
                 {"note", SHAPE_TEXT, 0, NULL, "why"},
                 {"by", SHAPE_TEXT, 0, NULL, "who said so"},
                 SEQ}},
    {.name = "ListPage",
     .words = "A list's entries, page by page.",
     .members = {LIST_HEAD,
                 {"items", SHAPE_OF, SHAPE_ARRAY, "ListItem", "in the order they were added"},
                 NEXT}},
    {.name = "ListChange",
     .words = "A value to add or to remove.",
     .members = {{"value", SHAPE_ANY, 0, NULL, "text, or a number in a list of numbers"},
                 {"expires", SHAPE_TEXT, SHAPE_OPTIONAL | SHAPE_NULLABLE, NULL,
                  "\"7d\", a time, \"never\" or null"},
                 {"note", SHAPE_TEXT, SHAPE_OPTIONAL, NULL, "why"},
                 {"remove", SHAPE_BOOL, SHAPE_OPTIONAL, NULL, "true removes it"}}},
    {.name = "ListRequest",
     .words = "One change or several, made together or not at all.",
     .any_of = {"ListChange", "ListChange[]"}},
    {.name = "ListResult",
     .words = "What came of one change.",
     .members = {{"value", SHAPE_TEXT, 0, NULL, "as the list has it"},
                 {"result", SHAPE_WORDS, 0, "added|replaced|unchanged|removed|absent",
                  "what it did"},
                 {"expires", SHAPE_TIME, SHAPE_OPTIONAL | SHAPE_NULLABLE, NULL,
                  "not there where it was removed"}}},
    {.name = "ListChanged",
     .words = "What came of changes.",
     .members = {{"name", SHAPE_TEXT, 0, NULL, "of the list"},
                 {"results", SHAPE_OF, SHAPE_ARRAY, "ListResult", "in the order asked"},
                 {"entries", SHAPE_WHOLE, 0, NULL, "how many there are now"},
                 {"seq", SHAPE_WHOLE, SHAPE_NULLABLE, NULL,
                  "position of the record; null: nothing was new"}}},

    {.name = "Model",
     .words = "A version of a model.",
     .members = {{"id", SHAPE_TEXT, 0, NULL, "NAME@VERSION"},
                 {"aliases", SHAPE_WORDS, SHAPE_ARRAY, "champion|challenger|shadow", "what it is"},
                 {"name", SHAPE_TEXT, 0, NULL, "of the model"},
                 {"version", SHAPE_TEXT, 0, NULL, "1.2.0"},
                 {"kind", SHAPE_TEXT, 0, NULL, "logistic, boost, ..."},
                 {"made", SHAPE_TIME, 0, NULL, "when it was trained or imported"},
                 {"average_precision", SHAPE_REAL, SHAPE_NULLABLE, NULL, "on the test rows"},
                 {"auc_roc", SHAPE_REAL, SHAPE_NULLABLE, NULL, "on the test rows"},
                 {"tested", SHAPE_BOOL, 0, NULL, "whether there were test rows"},
                 {"better_than_chance", SHAPE_BOOL, 0, NULL, "on them"}}},
    {.name = "Models",
     .words = "All versions of all models.",
     .members = {{"models", SHAPE_OF, SHAPE_ARRAY, "Model", "by name and version"}}},
    {.name = "ModelShown",
     .words = "One version of a model.",
     .members = {{"id", SHAPE_TEXT, 0, NULL, "NAME@VERSION"},
                 {"aliases", SHAPE_WORDS, SHAPE_ARRAY, "champion|challenger|shadow", "what it is"},
                 {"lineage", SHAPE_OBJECT, 0, NULL, "what it was made from"},
                 {"metrics", SHAPE_OBJECT, 0, NULL, "what was measured"},
                 {"history", SHAPE_OBJECT, SHAPE_ARRAY, NULL, "promotions"}}},
    {.name = "Promoted",
     .words = "What a model became.",
     .members = {{"model", SHAPE_TEXT, 0, NULL, "NAME@VERSION"},
                 {"as", SHAPE_WORDS, 0, "champion|challenger|shadow", "what it is now"}}},
    {.name = "Empty", .words = "{}: the settings say what is done."},
    {.name = "Job",
     .words = "Long work.",
     .members = {{"id", SHAPE_TEXT, 0, NULL, "of the job"},
                 {"kind", SHAPE_WORDS, 0, "train|reload", "what it does"},
                 {"state", SHAPE_WORDS, 0, "running|done|failed|cancelled", "how it goes"},
                 {"started", SHAPE_TIME, SHAPE_OPTIONAL, NULL, "when"},
                 {"ended", SHAPE_TIME, SHAPE_OPTIONAL, NULL, "when"},
                 {"stage", SHAPE_TEXT, SHAPE_OPTIONAL, NULL, "what it is at"},
                 {"progress", SHAPE_REAL, SHAPE_OPTIONAL, NULL, "0 to 1"},
                 {"seconds_left", SHAPE_REAL, SHAPE_OPTIONAL, NULL, "as it went so far"},
                 {"result", SHAPE_OBJECT, SHAPE_OPTIONAL, NULL, "where it is done"},
                 {"error", SHAPE_TEXT, SHAPE_OPTIONAL, NULL, "where it failed"}}},

    {.name = "Window",
     .words = "One window that a feature reads.",
     .members = {{"aggregate", SHAPE_TEXT, 0, NULL, "count, sum, mean, ..."},
                 {"of", SHAPE_TEXT, SHAPE_NULLABLE, NULL, "what is aggregated"},
                 {"entity", SHAPE_TEXT, 0, NULL, "the kind of entity it is by"},
                 {"over", SHAPE_TEXT, SHAPE_NULLABLE, NULL, "its width; null: all of the past"},
                 {"step", SHAPE_TEXT, SHAPE_NULLABLE, NULL, "its grain"},
                 {"delay", SHAPE_TEXT, SHAPE_NULLABLE, NULL, "how long before the event it ends"},
                 {"where", SHAPE_TEXT, SHAPE_NULLABLE, NULL, "which events it counts"},
                 {"prior", SHAPE_BOOL, 0, NULL, "without the event itself"}}},
    {.name = "Feature",
     .words = "What a feature is.",
     .members = {{"name", SHAPE_FEATURE, 0, NULL, "of the feature"},
                 {"expression", SHAPE_TEXT, 0, NULL, "written out"},
                 {"type", SHAPE_TEXT, 0, NULL, "of its values"},
                 {"unit", SHAPE_TEXT, SHAPE_NULLABLE, NULL, "where it can be told"},
                 {"windows", SHAPE_OF, SHAPE_ARRAY, "Window", "that it reads"},
                 {"fields", SHAPE_TEXT, SHAPE_ARRAY, NULL, "of the event that it reads"},
                 {"missing", SHAPE_OBJECT, 0, NULL, "what stands in for fields"},
                 {"warm", SHAPE_TEXT, 0, NULL, "from when on it has all of its past"},
                 {"warm_after", SHAPE_TEXT, SHAPE_NULLABLE, NULL,
                  "the same as a duration after the log's first event"},
                 {"reads_label", SHAPE_BOOL, 0, NULL, "whether it reads labels"},
                 {"fingerprint", SHAPE_TEXT, 0, NULL, "of its definition"}}},
    {.name = "Features",
     .words = "The features of the plan in force.",
     .members = {{"features", SHAPE_OF, SHAPE_ARRAY, "Feature", "in the settings' order"}}},
    {.name = "Settings",
     .words = "The settings in force.",
     .members = {{"name", SHAPE_TEXT, 0, NULL, "the settings' own"},
                 {"plan", SHAPE_TEXT, 0, NULL, "id of the plan that they made"},
                 {"plan_seq", SHAPE_WHOLE, 0, NULL, "position of its record in the log"},
                 {"yaml", SHAPE_TEXT, 0, NULL,
                  "every key with its value and, as a comment, where it came from; no secrets"}}},
    {.name = "Entity",
     .words = "An entity: what happened to it, and what its features are now.",
     .members = {{"kind", SHAPE_TEXT, 0, NULL, "of entity"},
                 {"id", SHAPE_TEXT, 0, NULL, "of the entity"},
                 {"as_of", SHAPE_TIME, SHAPE_NULLABLE, NULL,
                  "the newest event's time; null: there was no event"},
                 {"features", SHAPE_VALUES, 0, NULL,
                  "over this kind: what an event at that time would see, itself counted"},
                 {"lists", SHAPE_TEXT, SHAPE_ARRAY, NULL, "that have its id as a value in force"},
                 {"decisions", SHAPE_OF, SHAPE_ARRAY, "DecisionRow", "newest first"},
                 NEXT,
                 {"store_lag", SHAPE_WHOLE, 0, NULL,
                  "records of the log that `decisions` does not have yet"}}},

    {.name = "Alive",
     .words = "The process lives.",
     .members = {{"status", SHAPE_WORDS, 0, "alive", "alive"}}},
    {.name = "Ready",
     .words = "Requests are taken.",
     .members = {{"status", SHAPE_WORDS, 0, "ready", "ready"},
                 {"filled_until", SHAPE_TIME, SHAPE_NULLABLE, NULL, "the newest event's time"},
                 {"store_lag", SHAPE_WHOLE, SHAPE_OPTIONAL, NULL,
                  "records of the log that lists do not have yet"},
                 {"store_failure", SHAPE_TEXT, SHAPE_OPTIONAL, NULL,
                  "why the store does not follow"}}},
    {.name = "OpenApi",
     .words = "An OpenAPI 3.1 document.",
     .members = {{"openapi", SHAPE_TEXT, 0, NULL, "3.1.0"},
                 {"info", SHAPE_OBJECT, 0, NULL, ""},
                 {"servers", SHAPE_OBJECT, SHAPE_ARRAY, NULL, ""},
                 {"paths", SHAPE_OBJECT, 0, NULL, ""},
                 {"components", SHAPE_OBJECT, 0, NULL, ""}}},
    {.name = "FieldProblem",
     .words = "What is wrong with one field.",
     .members = {{"pointer", SHAPE_TEXT, 0, NULL, "JSON pointer of the field"},
                 {"detail", SHAPE_TEXT, 0, NULL, "what is wrong, and what to do"}}},
    {.name = "Problem",
     .words = "What went wrong (RFC 9457).",
     .members = {{"type", SHAPE_TEXT, 0, NULL, "urn:assay:problem:..."},
                 {"title", SHAPE_TEXT, 0, NULL, "the kind of problem"},
                 {"status", SHAPE_WHOLE, 0, NULL, "the HTTP status"},
                 {"detail", SHAPE_TEXT, SHAPE_OPTIONAL, NULL, "what exactly"},
                 {"instance", SHAPE_TEXT, SHAPE_OPTIONAL, NULL, "the path asked for"},
                 {"request_id", SHAPE_TEXT, SHAPE_OPTIONAL, NULL, "as in X-Request-Id"},
                 {"line", SHAPE_WHOLE, SHAPE_OPTIONAL, NULL, "of a batch"},
                 {"errors", SHAPE_OF, SHAPE_OPTIONAL | SHAPE_ARRAY, "FieldProblem", "bad fields"},
                 {"more_errors", SHAPE_WHOLE, SHAPE_OPTIONAL, NULL,
                  "bad fields beside those listed"}}},
};

const unsigned shape_count = sizeof shapes / sizeof *shapes;
