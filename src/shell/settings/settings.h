/* assay.yaml, read and checked: what the user asked for, with the place each value came from.
 *
 * The reader holds every key against one table (settings/keys.c) that also makes `assay init`'s
 * comments, `assay check --resolved` and docs/settings.md. Settings are immutable after loading and
 * own all their texts. Errors: "assay.yaml:12:5: features.ratio: expected ..., found ...; did you
 * mean ...?"
 */
#ifndef ASSAY_SETTINGS_SETTINGS_H
#define ASSAY_SETTINGS_SETTINGS_H

#include "core/base/buffer.h"
#include "core/base/number.h"
#include "core/decide/plan.h"
#include "core/learn/recipe.h"
#include "core/stats/goal.h"

enum {
    SETTINGS_BYTES_MAX = 1 << 20,
    SETTINGS_SOURCES_MAX = 64,
    SETTINGS_JOINS_MAX = 16,
    SETTINGS_ROLES_MAX = 64,
    SETTINGS_FIELDS_MAX = SCHEMA_FIELDS_MAX,
    SETTINGS_MODELS_MAX = 32,
    SETTINGS_FOLDS_MAX = 100,
    SETTINGS_PROFILES_MAX = 16,
    SETTINGS_RANGES_MAX = 16, /* that a search draws from */
    SETTINGS_TESTS_MAX = 1000,
    SETTINGS_CONTRACTS_MAX = 64,
    SETTINGS_ROLLUPS_MAX = 64,
    SETTINGS_MEASURES_MAX = 256, /* of one rollup; columns likewise */
    SETTINGS_LEVELS_MAX = 16,
    SETTINGS_REQUIRE_MAX = 256,
    SETTINGS_ANSWERS_MAX = 16,
    SETTINGS_PROPERTIES_MAX = 64,    /* of Kafka's client */
    SETTINGS_SINKS_MAX = 32,         /* of a stream */
    SETTINGS_NOTIFY_MAX = 16,        /* targets of notifications */
    SETTINGS_RECIPIENTS_MAX = 32,    /* of a mail */
    SETTINGS_NOTIFY_FIELDS_MAX = 64, /* that a notification carries */
    SETTINGS_SHAPE_MAX = 64 << 10,   /* bytes of one shape as JSON */
    SETTINGS_TEST_EVENTS_MAX = 1000, /* in the history of one */
    SETTINGS_TEST_VALUES_MAX = 1000, /* of one list of one */
};

/* An override of what was inferred for one field of a source. */
struct field_setting {
    char *name;
    bool has_type;
    enum type type;
    bool has_layout;
    enum time_layout layout;
};

struct source_setting {
    char *name;          /* "transactions" is the events' source, where events are of one kind */
    char *file;          /* path or glob, relative to the settings file; or NULL: from PostgreSQL */
    char *postgres;      /* URL; NULL: that of the store, or DATABASE_URL */
    char *table, *query; /* of PostgreSQL: one of them */
    char *kafka;         /* a topic */
    char *grows;         /* of a database: the column by which new rows are the greatest; or NULL */
    char *format;        /* auto, csv, ndjson, json */
    char delimiter;      /* 0 = look */
    char point;          /* 0 = look */
    char *key; /* reference tables: the column looked up; the events' field of the same name */
    char *valid_from; /* or NULL */
    char **joins;     /* of events: files with more of their fields, by their id */
    uint32_t join_count;
    struct field_setting *fields;
    uint32_t field_count;
    double reject_share; /* default 0.01 */
};

/* One kind of event, where there are several. */
struct kind_setting {
    char *name;
    char *source; /* of the settings' sources; NULL where the fields are fixed (`schema:`) */
    char *id;     /* its field with the id, or NULL */
    char *time;
    bool has_decide, decide; /* default: the first kind is decided, others are observed */
    bool has_layout;
    enum time_layout layout; /* of its time */
};

struct named_setting {
    char *name;
    char *source; /* expression */
};

enum list_type { LIST_OF_TEXT, LIST_OF_INT, LIST_OF_DECIMAL };

struct list_setting {
    char *name;
    enum list_type type;
    char *description; /* or NULL */
    char *file;        /* relative to the settings file; or NULL */
    bool has_expires;
    int64_t expires_us; /* after it was added */
};

/* Whose state it is where there are several shards; with one shard both are the same. */
enum entity_state { ENTITY_OF_SHARD, ENTITY_SHARED };
enum entity_scope { SCOPE_ALL, SCOPE_SHARD };

struct entity_setting {
    char *name;
    char *key; /* a field, or an expression of fields */
    enum entity_state state;
    enum entity_scope scope;
};

/* A field of the events as a plan fixes it (`schema:` of a PLAN record). */
struct schema_setting {
    char *name;
    enum type type;
    enum time_layout layout;
    char point;
    char group;
    bool personal;
    bool looked_up;
    char **kinds; /* of the events that have it; none: all */
    uint32_t kind_count;
};

struct rule_setting {
    char *name;
    char *when;
    char *then;
    bool has_shadow, shadow; /* fires and is recorded, but changes no outcome */
    char *text;              /* or NULL */
};

/* Which decisions raise an alert (core/decide/alerts.h). */
struct alert_setting {
    char *name;
    char *when, *queue, *entity, *priority, *amount; /* or NULL */
    int64_t within_us;
};

/* Who may approve a rule that comes over the API. */
enum rule_approval {
    APPROVAL_ANOTHER, /* another person than its author */
    APPROVAL_NONE,    /* the author too */
};

/* What a reason is called and says; by feature. */
struct reason_setting {
    char *feature;
    char *code; /* or NULL */
    char *text;
};

/* What an event must fulfil, and what becomes of one that does not. */
struct check_setting {
    char *name;
    char *check;
    char *then; /* refuse, mark or an outcome */
};

/* From which score on an outcome or level holds: a score, or a goal that training finds one for. */
struct threshold_setting {
    char *name;
    bool has_score, has_f_beta, has_cost, has_recall, has_alerts;
    int score; /* of a goal: what training found (in the notes of a model) */
    double f_beta, cost, recall, alerts_per_day;
};

/* Thresholds under a name, of which `decision` puts one set in force. */
struct profile_setting {
    char *name;
    struct threshold_setting *thresholds;
    uint32_t count;
};

/* What a goal comes to on the training rows of a model, held out from learning. */
struct goal_found {
    struct goal goal;
    int score; /* -1: the rows do not say */
};

enum validate_by { VALIDATE_TIME, VALIDATE_STRATIFIED, VALIDATE_FOLDS, VALIDATE_PREQUENTIAL };

/* A span may be a length alone: `from` is this, `until` the length. */
#define SPAN_LENGTH INT64_MIN

struct validate_setting {
    enum validate_by by;
    int64_t gap_us;    /* time: between train and test; default: the label's delay */
    double test_share; /* time and stratified: 0.2 or 0.25; default 0.2 */
    uint32_t folds;    /* folds, prequential: 5 */
    bool has_window;   /* explicit dates instead of a share */
    bool has_lengths;  /* lengths of the windows instead of dates */
    bool has_until;
    int64_t train_from_us, train_until_us, test_from_us, test_until_us; /* until is exclusive */
    int64_t until_us; /* of the last test window */
    int64_t step_us;  /* prequential: between windows; default: the length of the test */
    char *drop_known; /* entity whose known frauds leave the test (Handbook), or NULL */
    char *group;      /* entity whose events stay on one side, or NULL */
};

struct member_setting {
    char *name; /* under `models` */
    double weight;
};

/* Values that a search may give to an option of a recipe: [low, high], [low, high, log], or more
 * than two to choose among. */
struct range_setting {
    char *name; /* "boost.leaves" */
    char **values;
    uint32_t count;
};

enum search_by { SEARCH_AVERAGE_PRECISION, SEARCH_AUC_ROC, SEARCH_CARD_PRECISION };
enum search_method { SEARCH_RANDOM, SEARCH_HALVING };

/* None where both trials and time are 0. */
struct search_setting {
    enum search_method method;
    uint32_t trials; /* 0: as many as the time allows */
    int64_t time_us; /* 0: no limit */
    uint32_t folds;
    enum search_by by;
    struct range_setting *over;
    uint32_t over_count;
};

/* A recipe with its name and its members' names, which settings_verify resolves. */
struct recipe_setting {
    char *name; /* under `models`; of the one under `model` that of its kind */
    struct member_setting *members;
    uint32_t member_count;
    struct recipe recipe; /* defaults overlaid by the settings */
    struct search_setting search;
    bool has_threshold;
    double threshold; /* probability from which it says fraud, in comparisons */
};

/* What is answered over a route of somebody else's contract, where `when` holds. */
struct answer_setting {
    char *when;
    unsigned status;
    char *body; /* a shape as JSON, every scalar an expression; NULL: the operation's own answer */
};

/* A path of somebody else's contract, led to an operation of ours. */
struct contract_setting {
    char *name;
    char *path, *method, *to;
    char *header;  /* "NAME: VALUE" that the request must have; or NULL */
    bool replaces; /* the path is one of the service's own */
    char **require;
    uint32_t require_count;
    char *body; /* of the operation's request, a shape; NULL: the request's body as it is */
    struct answer_setting *answers;
    uint32_t answer_count;
};

struct model_setting {
    char *kind; /* of a model, a name under `models`, or "none" */
    struct recipe_setting asked;
    char *purpose; /* for the model card; or NULL */
    uint64_t seed;
    char **features; /* inputs; NULL: all features */
    uint32_t feature_count;
    struct validate_setting validate;
    double challenger; /* share of the entities that it decides */
    bool rivals;       /* challenger and shadow are scored */
    double alert_cost; /* money per alert looked at, for the cost table */
};

struct texts_setting {
    char *name;
    char **text;
    uint32_t count;
};

/* Events that came before, one event, and what is expected of it: `assay test`. */
struct test_setting {
    char *name;
    char **history; /* each a JSON object, all its values texts */
    uint32_t history_count;
    char *event;                 /* likewise */
    struct texts_setting *lists; /* the members of lists, instead of their files' */
    uint32_t list_count;
    struct {
        struct named_setting *features; /* name and value */
        uint32_t feature_count;
        bool has_rules;
        char **rules; /* exactly these fire */
        uint32_t rule_count;
        char *outcome, *level; /* or NULL */
        bool has_least, has_most;
        int score_at_least, score_at_most;
    } expect;
};

enum rollup_every { EVERY_ROW, EVERY_HOUR, EVERY_DAY, EVERY_MONTH, EVERY_KINDS };

/* From which score of a rollup on a level holds, and what is to be done then. */
struct level_setting {
    char *name;
    bool has_from; /* without: whatever the score */
    double from;
    char *action; /* or NULL */
};

/* A table by period: docs/rollups.md. */
struct rollup_setting {
    char *name;
    char *source; /* of the settings' sources, "decisions", or another rollup */
    enum rollup_every every;
    char *time;      /* the source's field; NULL: event.time; of a rollup its period */
    char *time_zone; /* of periods; NULL: that of the settings */
    char **by;       /* fields of the source beside the period */
    uint32_t by_count;
    char *where;
    struct named_setting *measures;
    uint32_t measure_count;
    char **joins; /* other rollups */
    uint32_t join_count;
    struct named_setting *columns;
    uint32_t column_count;
    char *score;
    bool has_clamp;
    char **clamp; /* two numbers, as `bound` has them */
    uint32_t clamp_count;
    double bound[2];
    char *label_when, *label_of;
    bool has_percentile;
    double percentile;
    struct named_setting *reasons;
    uint32_t reason_count;
    struct level_setting *levels;
    uint32_t level_count;
    bool has_keep;
    char **keep;
    uint32_t keep_count;
    char *table; /* NULL: the rollup's name */
};

enum store_in { STORE_IN_SQLITE, STORE_IN_POSTGRES };

struct store_setting {
    enum store_in kind;
    char *url; /* of PostgreSQL; NULL: DATABASE_URL */
};

/* How Kafka is reached. */
struct kafka_setting {
    char *brokers;                    /* 127.0.0.1:9092 */
    char *group;                      /* NULL: the settings' name */
    struct named_setting *properties; /* of librdkafka; values are secret */
    uint32_t property_count;
};

/* Where several shards share rates and windows; see docs/redis.md. */
struct redis_setting {
    char *server; /* NULL: there is none */
    char *user, *password;
    uint32_t database;
    uint32_t timeout_ms;
    char *prefix; /* of keys; NULL: assay:NAME */
    char *secret; /* that tokens are made with; NULL: the prefix */
    bool rates;   /* access.rate counts there */
    int64_t retry_us;
    int64_t idle_us;
    uint32_t events; /* of one entity, at most */
};

/* Where decisions of a stream go beside its topic of decisions: one of topic, table and csv. */
enum notify_on { NOTIFY_ON_DECISION, NOTIFY_ON_ALERT, NOTIFY_ON_ROW };
enum notify_to { NOTIFY_TO_WEBHOOK, NOTIFY_TO_EMAIL, NOTIFY_TO_CHAT, NOTIFY_TO_TOPIC };

struct notify_setting {
    char *name;
    enum notify_on on;
    enum notify_to to;
    char *when;   /* NULL: of decisions those whose outcome is not the mildest; of others all */
    char *entity; /* whose order is kept; NULL: the first kind */
    char **fields;
    uint32_t field_count;
    char *url; /* of webhooks, chats and mail servers */
    char *secret, *authorization;
    char *user, *password, *from;
    char **recipients;
    uint32_t recipient_count;
    char *ca;
    bool tls;
    char *topic;
    char *subject, *body; /* templates; or NULL */
    uint32_t lanes, tries;
    int64_t give_up_us, timeout_us, per_us;
    bool has_at_most;
    uint32_t at_most; /* in `per`; 0: no limit */
};
struct sink_setting {
    char *name;
    char *notify; /* a target of `notify` */
    char *topic;
    char *table; /* of PostgreSQL or SQLite: */
    char *postgres;
    char *sqlite; /* path */
    char *csv;    /* beginning of the files' names */
    char *where;  /* NULL: every decision */
    int64_t every_us;
    uint64_t rows;
};

struct stream_setting {
    char *topic;                     /* NULL: that of the events' source */
    char *decisions;                 /* NULL: <topic>.decisions */
    char *dead_letters;              /* NULL: <topic>.dead */
    char *labels;                    /* NULL: none are passed on */
    uint32_t transaction_ms, events; /* of one transaction, at most */
    bool refuses_unknown;
    char *key;          /* the entity that messages are keyed by; NULL: the only one */
    char **approximate; /* entities whose windows see one partition each */
    uint32_t approximate_count;
    struct sink_setting *sinks;
    uint32_t sink_count;
};

enum registry_style { REGISTRY_STYLE_AUTO, REGISTRY_STYLE_PATH, REGISTRY_STYLE_HOST };

/* Where the models of several machines are. */
struct registry_setting {
    char *artifacts; /* s3://bucket/prefix, or a directory; NULL: in the data directory only */
    char *endpoint, *region, *access_key, *secret_key, *session_token; /* NULL: AWS_... */
    char *ca;
    enum registry_style style;
};

struct mlflow_setting {
    char *url;                     /* NULL: MLFLOW_TRACKING_URI */
    char *experiment;              /* NULL: the settings' name */
    char *user, *password, *token; /* NULL: MLFLOW_TRACKING_... */
    char *ca;
    bool train; /* each training is logged */
};

struct server_setting {
    char *host;           /* 127.0.0.1 */
    uint16_t port;        /* 8080 */
    char *key;            /* an entity: this is one of several nodes; NULL: alone */
    uint32_t threads;     /* of I/O */
    uint32_t queue;       /* events waiting, at most */
    uint32_t body_bytes;  /* of one request, at most */
    uint32_t connections; /* at most */
    uint32_t slow_ms;     /* a request that takes as long is in the journal; 0: none */
    double sample;        /* the share of the others that is */
    char **cors;          /* origins whose pages may ask */
    uint32_t cors_count;
    struct {
        char *certificate, *key; /* paths of PEM files; both or none */
    } tls;
};

/* So many requests in a time; limit 0: as many as they like. */
struct rate_setting {
    uint32_t limit;
    int64_t period_us;
};

struct access_setting {
    bool has_required, required;
    bool open_metrics;
    char *per_key, *per_address; /* "120/min"; NULL: no limit */
    struct rate_setting key_rate, address_rate;
    int64_t session_idle_us, session_longest_us;
    struct {
        char *issuer, *audience; /* NULL: not asked for */
        char *keys;              /* file or URL of a JWKS */
        char *secret;            /* of HS256 */
        char *role_claim, *name_claim;
        int64_t leeway_us;
    } jwt;
    struct {
        char *issuer, *client, *secret, *callback, *scopes;
        char *role_claim, *name_claim;
    } sign_in;
    struct named_setting *roles; /* a value of the role claim, and the roles that it gives */
    uint32_t role_count;
};

struct settings {
    char *path;      /* of the file */
    char *directory; /* of the file: relative paths start here */
    char *name;
    char *data_directory; /* ./assay-data */
    struct source_setting *sources;
    uint32_t source_count;
    struct {
        char *id, *time, *amount, *label; /* field names or NULL */
        int64_t label_delay_us;
        enum label_absent absent;
        int64_t lateness_us;  /* default 1h */
        int64_t max_ahead_us; /* default 1d */
    } event;
    char *time_zone;             /* of calendar functions that name none; NULL: UTC */
    struct named_setting *zones; /* fixed rules of named zones, by zone_format */
    uint32_t zone_count;
    struct kind_setting *kinds; /* none: events are of one kind, as `event` says */
    uint32_t kind_count;
    struct schema_setting *schema; /* fixed fields; none: what the source is found to have */
    uint32_t schema_count;
    struct entity_setting *entities;
    uint32_t entity_count;
    struct list_setting *lists;
    uint32_t list_count;
    struct named_setting *features;
    uint32_t feature_count;
    struct rule_setting *rules;
    uint32_t rule_count;
    enum rule_approval rule_approval;
    struct alert_setting *alerts;
    uint32_t alert_count;
    struct reason_setting *reasons;
    uint32_t reason_count;
    struct check_setting *checks;
    uint32_t check_count;
    char **personal_fields; /* sealed apart in the log */
    uint32_t personal_count;
    char *personal_subject;        /* the entity whose they are; NULL without fields */
    char *personal_key_file;       /* of the master key, relative to the settings file; or NULL */
    struct named_setting *missing; /* field and what stands in for it */
    uint32_t missing_count;
    char **outcomes;
    uint32_t outcome_count;
    char *profile; /* under `thresholds`, in force instead of `decision`; or NULL */
    struct threshold_setting *decision;
    uint32_t decision_count;
    struct profile_setting *profiles;
    uint32_t profile_count;
    uint32_t deadline_ms;    /* of a decision; 0: none */
    uint32_t explain_budget; /* explanations of one group commit; 0: no limit */
    char *fallback;          /* an outcome; NULL: none */
    char *fallback_reason;
    struct threshold_setting *levels;
    uint32_t level_count;
    struct model_setting model;
    struct recipe_setting *models;
    uint32_t model_count;
    struct test_setting *tests;
    uint32_t test_count;
    struct rollup_setting *rollups;
    uint32_t rollup_count;
    struct server_setting server;
    struct store_setting store;
    struct registry_setting registry;
    struct mlflow_setting mlflow;
    struct kafka_setting kafka;
    struct redis_setting redis;
    struct stream_setting stream;
    struct notify_setting *notify;
    uint32_t notify_count;
    struct access_setting access;
    struct contract_setting *contracts; /* `routes` */
    uint32_t contract_count;
    bool has_batch_memory;
    uint64_t batch_memory_bytes; /* for the events of a file; without: a share of the machine's */
    uint64_t memory_bytes;       /* of one shard's state, at most: default 4 GiB */
    uint64_t ids_horizon;        /* ids remembered: default 10,000,000 */
    int64_t ids_horizon_us;      /* and for how long: default 30d */
    uint64_t log_segment_bytes;
    bool log_sync;     /* default true */
    bool log_compress; /* default true */
    struct log_keep {
        bool has_for, has_bytes;
        int64_t for_us;
        uint64_t bytes;
    } log_keep;                      /* neither: for ever */
    int64_t log_checkpoint_us;       /* between two signed checkpoints: default 10m; 0: none */
    uint64_t log_checkpoint_records; /* and after so many records: default 100000 */
    char *log_checkpoint_file;       /* file or URL that they are added to; or NULL */
    char *log_checkpoint_key;        /* file of the private key; NULL: in the data directory */
    uint32_t reload_rate;            /* records a second; default 200000 */
    int64_t snapshot_every_us;       /* default 5m */
    uint64_t snapshot_memory_bytes;  /* default 1GiB */
    uint64_t store_lag_limit;        /* records; 0: none */
    struct hash_key token_key;       /* of the shard; set by who opens it, not a setting */
    struct origins *origins;         /* private: where each value came from */
};

/* What comes from outside the file. */
struct settings_options {
    const char *const *set; /* "server.port=9090": from the command line, over all else */
    uint32_t set_count;
    const char *(*environment)(const char *name); /* ASSAY_SERVER_PORT, ${NAME}; NULL: none */
};

/* The file with the process's environment over it. */
bool settings_load(const char *path, struct settings **s, struct error *e) MUST_USE;
bool settings_load_with(const char *path, const struct settings_options *o, struct settings **s,
                        struct error *e) MUST_USE;
/* From text (a PLAN record, a test); `path` is only for messages and relative paths. Nothing comes
 * from outside: ${NAME} is refused. */
bool settings_parse(struct text yaml, const char *path, struct settings **s,
                    struct error *e) MUST_USE;
bool settings_parse_with(struct text yaml, const char *path, const struct settings_options *o,
                         struct settings **s, struct error *e) MUST_USE;
void settings_free(struct settings *s);
const struct source_setting *settings_source(const struct settings *s,
                                             const char *name); /* or NULL */
/* What all keys in Redis begin with, and what tokens there are made with. */
enum { SETTINGS_PREFIX_MAX = 200 };
void settings_redis_prefix(const struct settings *s, char out[SETTINGS_PREFIX_MAX + 1]);
struct hash_key settings_redis_key(const struct settings *s);

/* Of a source in PostgreSQL its database; NULL: that of DATABASE_URL. */
const char *settings_source_url(const struct settings *s, const struct source_setting *source);
/* The rollup of that name, or NULL. */
const struct rollup_setting *settings_rollup(const struct settings *s, const char *name);
/* The topic that the events come from, or NULL; the group that reads it. */
/* A target of notifications by its name; NULL. */
const struct notify_setting *settings_notify(const struct settings *s, const char *name);
const char *settings_stream_topic(const struct settings *s);
const char *settings_kafka_group(const struct settings *s);
/* What a source is called to people: its file, "table raw.payments" or "a query". */
const char *source_setting_words(const struct source_setting *source);
/* The files that events come from, for people: "logins.csv, payments.csv"; "" without any. */
void settings_event_files(const struct settings *s, struct buffer *out);
/* Whether events come from it; other sources are tables to look up in. */
bool settings_is_events(const struct settings *s, const struct source_setting *source);
/* The kinds of event, as the settings declare them, for a schema's fields to refer to. */
bool settings_add_kinds(const struct settings *s, struct schema *schema, struct error *e) MUST_USE;
const struct list_setting *settings_list(const struct settings *s, const char *name); /* or NULL */
enum type list_setting_type(const struct list_setting *l);
bool settings_has_model(const struct settings *s); /* model.kind is not none */
/* The recipe in force: that of `model`, or the one under `models` that it names. */
const struct recipe_setting *settings_recipe(const struct settings *s);
struct recipe_setting *settings_model_of(struct settings *s); /* the same, to be changed */
/* The thresholds in force: those of `decision`, or of the profile that it names. */
const struct threshold_setting *settings_thresholds(const struct settings *s, uint32_t *count);
const struct profile_setting *settings_profile(const struct settings *s,
                                               const char *name); /* or NULL */
struct goal threshold_goal(const struct threshold_setting *t);    /* GOAL_NONE: a score */
bool settings_searches(const struct recipe_setting *r);
/* Ranges usual for the kind, where a search is asked for and none are given. */
void settings_search_fill(struct recipe_setting *r);
/* The value of range number `range` in a trial, a function of seed, trial and range; it is put into
 * the recipe as its text says, so that the text repeats it. */
void settings_search_draw(const struct recipe_setting *r, uint64_t seed, uint32_t trial,
                          uint32_t range, char text[NUMBER_TEXT_MAX], struct recipe *recipe);

/* The different goals of all thresholds, with scores of -1. */
enum { SETTINGS_GOALS_MAX = (1 + SETTINGS_PROFILES_MAX) * PLAN_OUTCOMES_MAX };
uint32_t settings_goals(const struct settings *s, struct goal_found goal[SETTINGS_GOALS_MAX]);
/* The goals that `trained` (settings from the notes of a model) found scores for. */
uint32_t settings_goals_found(const struct settings *trained,
                              struct goal_found goal[SETTINGS_GOALS_MAX]);
/* The thresholds in force as scores. A stricter outcome's goal that would come to no more than a
 * milder one's score takes the next. ERROR_INVALID where a goal is not among those found. */
bool settings_resolve(const struct settings *s, const struct goal_found *found, uint32_t count,
                      struct threshold_setting threshold[PLAN_OUTCOMES_MAX],
                      struct error *e) MUST_USE;
/* The one of that name under `models`, or NULL. */
const struct recipe_setting *settings_model(const struct settings *s, const char *name);
/* The fields under `schema:`; NULL where there are none. The caller's. */
struct schema *settings_schema(const struct settings *s);
/* A path of the settings as the place of a mistake, "assay.yaml:12:5: features.ratio: ", before the
 * words of *e; returns false. For mistakes that only show against the data. */
bool settings_blame(const struct settings *s, const char *key_path, struct error *e);

/* The whole as YAML with every default written out, secrets left out: the same settings give the
 * same bytes, whatever file they came from. With origins: each value with a comment where it is
 * from. */
void settings_print(const struct settings *s, bool with_origins, struct buffer *out);
/* Only what decides (fields, entities, features, rules, outcomes, thresholds, label rules): the
 * text that is in PLAN records and under the plan's id. `schema` fixes the fields' types, the
 * program the rules of its time zones (NULL: none). Parses again. */
void settings_print_plan(const struct settings *s, const struct schema *schema,
                         const struct program *program, struct buffer *out);
/* The same with the scores that training found beside the goals, for the notes of a model. */
void settings_print_trained(const struct settings *s, const struct schema *schema,
                            const struct program *program, const struct goal_found *found,
                            uint32_t count, struct buffer *out);

/* One recipe with its members, as YAML: the options that its kind has, and no others. */
void settings_print_recipe(const struct settings *s, const struct recipe_setting *r,
                           struct buffer *out);

/* docs/settings.md: all keys with type, default and words. */
void settings_print_docs(struct buffer *out);

/* The checks that refuse events, over a schema that outlives them; NULL where there are none. A
 * plan has the same: this is for events that are read before there is a plan. */
bool settings_validation(const struct settings *s, const struct schema *schema,
                         struct validation **v, struct error *e) MUST_USE;
/* The plan of these settings over a schema (ids, time and label are set by name here); the model
 * (may be NULL) goes over to the plan. `id` is over settings_print_plan's text and the model's
 * bytes. */
struct alerts;
/* The conditions of the targets of notifications over decisions, in their order. NULL where there
 * are none (ERROR_NONE) or one is wrong. */
struct alerts *settings_notify_conditions(const struct settings *s, const struct plan *p,
                                          struct error *e);
bool settings_plan(const struct settings *s, const struct schema *schema, struct model *model,
                   const uint8_t id[PLAN_ID_BYTES], struct plan **p, struct error *e) MUST_USE;

#endif
