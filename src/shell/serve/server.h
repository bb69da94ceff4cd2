/* The service: the shard, the store and the trainer behind HTTP routes (the table: routes.c).
 *
 * The server borrows the shard and the projector; whoever started them closes them after
 * server_stop. It knows training only as a callback, so it stands below shell/train. */
#ifndef ASSAY_SERVE_SERVER_H
#define ASSAY_SERVE_SERVER_H

#include "core/base/progress.h"
#include "shell/run/lookup.h"
#include "shell/run/shard.h"
#include "shell/serve/contract.h"
#include "shell/settings/settings.h"
#include "shell/store/project.h"

enum { SERVER_DESKS = 2 }; /* threads for what may block: batches, queries, labels */

/* What was asked for. */
struct server_request {
    bool is_forced;   /* training: promote it though it is no better than chance */
    bool is_enforced; /* training: bring the model into force */
    struct text body; /* backtest: JSON */
};

/* Long work: runs on a thread of its own, one of each kind at a time; `result` becomes a JSON
 * object. A false progress asks it to end with ERROR_CANCELLED. */
struct server_work {
    bool (*run)(void *context, const struct server_request *request,
                const struct progress *progress, struct buffer *result, struct error *e);
    void *context;
};

struct server_options {
    const struct server_setting *setting; /* host, port, threads, limits */
    const struct settings *settings;      /* for its lists; NULL: there are none */
    struct shard *shard;                  /* started */
    struct lookups *lookups;              /* of the plan's schema; a reference is taken; or NULL */
    struct contracts *contracts;          /* likewise, or NULL */
    struct project *project;              /* NULL: no store, lists answer 503 */
    const char *store;                    /* path of its file */
    const char *data_directory;           /* for its models; NULL: answered 503 */
    struct server_work train, reload, backtest; /* run NULL: answered 503 */
};

struct server;

bool server_start(const struct server_options *o, struct server **s, struct error *e) MUST_USE;
/* Requests are read by the shard's plan as it is now, with these tables and foreign
 * contracts (references are taken). */
void server_renew(struct server *s, struct lookups *l, struct contracts *c);
/* As POST /v1/settings:reload without waiting; its outcome is the work's to tell. */
bool server_reload(struct server *s, struct error *e) MUST_USE;
/* And waits for its end. */
bool server_reload_now(struct server *s, struct error *e) MUST_USE;
uint16_t server_port(const struct server *s);
bool server_is_loopback(const struct server *s); /* reached from this machine only */
/* No new requests, what runs is finished, a running job is cancelled. Takes NULL. */
void server_stop(struct server *s);

#endif
