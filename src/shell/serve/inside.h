/* The server's inside, for the handlers only. */
#ifndef ASSAY_SERVE_INSIDE_H
#define ASSAY_SERVE_INSIDE_H

#include "core/data/json.h"
#include "shell/access/access.h"
#include "shell/os/thread.h"
#include "shell/serve/about.h"
#include "shell/serve/contract.h"
#include "shell/serve/fetch.h"
#include "shell/serve/http.h"
#include "shell/serve/jobs.h"
#include "shell/serve/keyed.h"
#include "shell/serve/metrics.h"
#include "shell/serve/problem.h"
#include "shell/serve/request_name.h"
#include "shell/serve/route.h"
#include "shell/serve/server.h"

enum {
    DESK_QUEUE_MAX = 256, /* requests waiting for a desk */
    EVENT_TEXT_MAX = SHARD_EVENT_MAX,
    ASKED_AGAIN_US = 50000, /* a change whose body comes so late: may its caller still? */
};

struct server {
    struct server_options o;
    pthread_mutex_t lock;        /* of plan, lookups, contracts and about */
    pthread_mutex_t pass_lock;   /* of passes over the log: each has a state of its own */
    pthread_mutex_t first;       /* held by a desk that may make the first key or user */
    struct plan *plan;           /* by which requests are read; a reference */
    struct lookups *lookups;     /* of its schema; a reference */
    struct contracts *contracts; /* of the settings' routes; a reference, or NULL */
    atomic_bool has_contracts;
    struct about about;
    pthread_rwlock_t settings_lock;  /* of settings: for desks that read them for long */
    const struct settings *settings; /* in force, without the rules of the API; borrowed */
    atomic_uint generation;          /* goes up when they change */
    struct request_names names;
    struct keyed *keyed;
    struct http *http;
    pthread_key_t seat;  /* of each I/O and desk thread */
    struct fetch *fetch; /* NULL: no window is shared */
    struct queue *desk_queue;
    pthread_t desks[SERVER_DESKS];
    unsigned desk_count;
    struct jobs *jobs;
    struct live *live;
    struct metrics metrics;
    int64_t started_us;       /* monotonic */
    _Atomic uint64_t sampled; /* requests, of which each 1/sample-th is in the journal */
    struct seat *seats;       /* under the lock */
    atomic_bool is_stopping;
};

/* What one thread needs to read requests, made when it first asks and again when the plan has
 * changed: a request is read whole by one plan. */
struct seat {
    unsigned generation;
    struct plan *plan;
    struct lookups *lookups;
    uint64_t fields; /* schema_fingerprint */
    struct json_reader *json;
    struct frame event;    /* one row of the plan's schema */
    struct buffer encoded; /* id, then event */
    struct problems problems;
    struct validation_bench *bench; /* of the plan's; NULL: it refuses nothing */
    struct store *reader;           /* NULL until first used */
    unsigned reader_generation;     /* the project's, when it was opened */
    struct metrics_times times;     /* this thread's */
    struct server *server;
    struct seat *next; /* of all, under the server's lock */
};

struct seat *seat_get(struct server *s);
/* False: seat_get will give it another plan. */
bool seat_is_current(struct server *s, const struct seat *seat);
/* The thread's own connection to the store; false where there is nothing yet, or the store is being
 * made anew: what it does not have proves nothing then. */
bool seat_store(struct server *s, struct seat *seat, struct store **store,
                struct error *e) MUST_USE;

/* All that metrics and status are made from. */
struct server_look {
    struct shard_status shard;
    struct project_status project; /* of no store: all 0 */
    struct metrics_latency latency;
    struct volume volume;
    struct process_usage process;
    uint64_t jobs[JOB_KINDS][JOB_ENDS];
};

void server_look(struct server *s, struct server_look *look);
/* What all threads and the shard have measured so far. */
void server_latency(struct server *s, struct metrics_latency *l);

/* Gives the submission to the shard; false: it was refused, and the exchange has the answer. */
bool server_submit(struct server *s, struct exchange *x, struct submission *submission) MUST_USE;
/* 429, or 503 with the reason where the shard has stopped. */
void server_refuse(struct server *s, struct exchange *x);

/* Whether who was let in may still: a stream goes on for long. On the I/O thread. */
bool server_lets_on(struct server *s, struct exchange *x);

/* Who asked and in which request, for what this exchange submits; slices of it. */
struct asked asked_of(const struct exchange *x);
/* Who says so, for records that keep one text: the caller's name, with the query parameter `by`
 * before it where there is one. On false the answer is there. */
bool caller_by(struct exchange *x, char *by, size_t room) MUST_USE;
/* What a change by this request has beside its kind: who, from where, why (query `note`). */
struct control_change change_of(struct exchange *x);
/* A change by this request in the control log; `data` is JSON or "". For desks. False: the answer
 * is there, and says that it is not recorded. */
bool server_record(struct server *s, struct exchange *x, const char *kind, const char *subject,
                   const char *data) MUST_USE;
/* The members `known` of the body, an object; NULL: the exchange has the answer. json_free. */
struct json_document *body_object(struct server *s, struct exchange *x, const char *const *known);

/* A query parameter that is "true" or "false"; absent is false. On false the answer is there. */
bool query_bool(struct exchange *x, const char *name, bool *value) MUST_USE;

/* A query parameter that is a whole number of a range; absent leaves it as it is. */
/* A time as RFC 3339; left as it is where it is absent. */
bool query_time(struct exchange *x, const char *name, int64_t *us) MUST_USE;
/* "KIND:ID", as the store knows it; absent: left as it is. */
bool query_entity(struct server *s, struct exchange *x, int64_t *entity) MUST_USE;
bool query_int(struct exchange *x, const char *name, int64_t min, int64_t max, int64_t *v) MUST_USE;

/* A reload that first records this change of a rule (rules/book.h). The answer is there on false,
 * and where it has not ended yet: then true, and the job's id is the answer. */
bool rule_job(struct server *s, struct exchange *x, struct text change, bool *has_ended) MUST_USE;
enum http_next backtest_of(struct server *s, struct exchange *x, struct text body);

/* A body that is {} and nothing else, since `words`. On false the answer is there. */
bool body_is_empty_object(struct server *s, struct exchange *x, const char *words) MUST_USE;

/* The record of the event, as the shard's index of ids knows it. For desks. */
bool find_in_shard(struct server *s, struct text id, uint64_t *seq) MUST_USE;

/* What is being committed is known already, but not yet to be read: waits until it is on the disk;
 * false where that takes too long. For desks. */
bool wait_durable(const struct log *l, uint64_t seq) MUST_USE;

/* The handlers, by file. */
enum http_next decide_one(struct server *s, struct exchange *x);
void decide_ended(struct exchange *x); /* frees what decide_one keeps */
enum http_next decide_batch(struct server *s, struct exchange *x);
enum http_next list_decisions(struct server *s, struct exchange *x);
enum http_next explain_decision(struct server *s, struct exchange *x);
enum http_next replay_decision(struct server *s, struct exchange *x);
enum http_next show_decision(struct server *s, struct exchange *x);
enum http_next show_entity(struct server *s, struct exchange *x);
enum http_next take_labels(struct server *s, struct exchange *x);
enum http_next show_lists(struct server *s, struct exchange *x);
enum http_next show_list(struct server *s, struct exchange *x);
enum http_next change_list(struct server *s, struct exchange *x);
enum http_next remove_from_list(struct server *s, struct exchange *x);
enum http_next list_models(struct server *s, struct exchange *x);
enum http_next show_model(struct server *s, struct exchange *x);
enum http_next promote_model(struct server *s, struct exchange *x);
enum http_next train_model(struct server *s, struct exchange *x);
enum http_next backtest_rules(struct server *s, struct exchange *x);
enum http_next show_rules(struct server *s, struct exchange *x);
enum http_next show_rule(struct server *s, struct exchange *x);
enum http_next draft_rule(struct server *s, struct exchange *x);
enum http_next approve_rule(struct server *s, struct exchange *x);
enum http_next rule_goes_live(struct server *s, struct exchange *x);
enum http_next rule_goes_shadow(struct server *s, struct exchange *x);
enum http_next retire_rule(struct server *s, struct exchange *x);
enum http_next test_rule(struct server *s, struct exchange *x);
enum http_next backtest_rule(struct server *s, struct exchange *x);
enum http_next list_events(struct server *s, struct exchange *x);
enum http_next decide_event(struct server *s, struct exchange *x);
enum http_next erase_subject(struct server *s, struct exchange *x);
enum http_next reload_settings(struct server *s, struct exchange *x);
enum http_next show_job(struct server *s, struct exchange *x);
enum http_next list_alerts(struct server *s, struct exchange *x);
enum http_next show_alert(struct server *s, struct exchange *x);
enum http_next claim_alert(struct server *s, struct exchange *x);
enum http_next release_alert(struct server *s, struct exchange *x);
enum http_next snooze_alert(struct server *s, struct exchange *x);
enum http_next assign_alert(struct server *s, struct exchange *x);
enum http_next close_alert(struct server *s, struct exchange *x);
enum http_next bulk_alerts(struct server *s, struct exchange *x);
enum http_next list_cases(struct server *s, struct exchange *x);
enum http_next open_case(struct server *s, struct exchange *x);
enum http_next show_case(struct server *s, struct exchange *x);
enum http_next note_case(struct server *s, struct exchange *x);
enum http_next assign_case(struct server *s, struct exchange *x);
enum http_next add_to_case(struct server *s, struct exchange *x);
enum http_next dispose_case(struct server *s, struct exchange *x);
enum http_next reopen_case(struct server *s, struct exchange *x);
enum http_next case_evidence(struct server *s, struct exchange *x);
enum http_next list_views(struct server *s, struct exchange *x);
enum http_next save_view(struct server *s, struct exchange *x);
enum http_next remove_view(struct server *s, struct exchange *x);
enum http_next show_keys(struct server *s, struct exchange *x);
enum http_next create_key(struct server *s, struct exchange *x);
enum http_next rotate_key(struct server *s, struct exchange *x);
enum http_next revoke_key(struct server *s, struct exchange *x);
enum http_next show_users(struct server *s, struct exchange *x);
enum http_next create_user(struct server *s, struct exchange *x);
enum http_next change_user(struct server *s, struct exchange *x);
enum http_next verify_audit(struct server *s, struct exchange *x);
enum http_next show_audit(struct server *s, struct exchange *x);
enum http_next make_checkpoint(struct server *s, struct exchange *x);
enum http_next show_live(struct server *s, struct exchange *x);
enum http_next show_traffic(struct server *s, struct exchange *x);
enum http_next show_drift(struct server *s, struct exchange *x);
enum http_next show_session(struct server *s, struct exchange *x);
enum http_next sign_in(struct server *s, struct exchange *x);
enum http_next make_link(struct server *s, struct exchange *x);
enum http_next sign_out(struct server *s, struct exchange *x);
enum http_next begin_sign_in(struct server *s, struct exchange *x);
enum http_next finish_sign_in(struct server *s, struct exchange *x);
enum http_next show_rollups(struct server *s, struct exchange *x);
enum http_next show_rollup(struct server *s, struct exchange *x);
enum http_next show_features(struct server *s, struct exchange *x);
enum http_next show_settings(struct server *s, struct exchange *x);
enum http_next show_openapi(struct server *s, struct exchange *x);
enum http_next show_docs(struct server *s, struct exchange *x);
enum http_next show_docs_style(struct server *s, struct exchange *x);
enum http_next show_alive(struct server *s, struct exchange *x);
enum http_next show_ready(struct server *s, struct exchange *x);
enum http_next show_status(struct server *s, struct exchange *x);
enum http_next show_metrics(struct server *s, struct exchange *x);

#endif
