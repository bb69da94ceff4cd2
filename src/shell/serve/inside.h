/* The server's inside, for the handlers only. */
#ifndef ASSAY_SERVE_INSIDE_H
#define ASSAY_SERVE_INSIDE_H

#include "core/data/json.h"
#include "shell/os/thread.h"
#include "shell/serve/contract.h"
#include "shell/serve/http.h"
#include "shell/serve/jobs.h"
#include "shell/serve/metrics.h"
#include "shell/serve/problem.h"
#include "shell/serve/route.h"
#include "shell/serve/server.h"

enum {
    DESK_QUEUE_MAX = 256, /* requests waiting for a desk */
    EVENT_TEXT_MAX = SHARD_EVENT_MAX,
};

struct server {
    struct server_options o;
    pthread_mutex_t lock;        /* of plan, lookups and contracts */
    struct plan *plan;           /* by which requests are read; a reference */
    struct lookups *lookups;     /* of its schema; a reference */
    struct contracts *contracts; /* of the settings' routes; a reference, or NULL */
    atomic_bool has_contracts;
    atomic_uint generation; /* goes up when they change */
    struct http *http;
    pthread_key_t seat; /* of each I/O and desk thread */
    struct queue *desk_queue;
    pthread_t desks[SERVER_DESKS];
    unsigned desk_count;
    struct jobs *jobs;
    struct metrics metrics;
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
};

struct seat *seat_get(struct server *s);
/* False: seat_get will give it another plan. */
bool seat_is_current(struct server *s, const struct seat *seat);
/* The thread's own connection to the store; ERROR_NOT_FOUND where there is nothing yet. */
bool seat_store(struct server *s, struct seat *seat, struct store **store,
                struct error *e) MUST_USE;

/* Gives the submission to the shard; false: it was refused, and the exchange has the answer. */
bool server_submit(struct server *s, struct exchange *x, struct submission *submission) MUST_USE;
/* 429, or 503 with the reason where the shard has stopped. */
void server_refuse(struct server *s, struct exchange *x);

/* A query parameter that is "true" or "false"; absent is false. On false the answer is there. */
bool query_bool(struct exchange *x, const char *name, bool *value) MUST_USE;

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
enum http_next show_decision(struct server *s, struct exchange *x);
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
enum http_next list_events(struct server *s, struct exchange *x);
enum http_next decide_event(struct server *s, struct exchange *x);
enum http_next reload_settings(struct server *s, struct exchange *x);
enum http_next show_job(struct server *s, struct exchange *x);
enum http_next show_alive(struct server *s, struct exchange *x);
enum http_next show_ready(struct server *s, struct exchange *x);
enum http_next show_metrics(struct server *s, struct exchange *x);

#endif
