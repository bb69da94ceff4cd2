/* The service: the shard, the store and the trainer behind HTTP routes (the table: routes.c).
 *
 * The server borrows the shard and the projector; whoever started them closes them after
 * server_stop. It knows training only as a callback, so it stands below shell/train. */
#ifndef ASSAY_SERVE_SERVER_H
#define ASSAY_SERVE_SERVER_H

#include "core/base/progress.h"
#include "shell/run/lookup.h"
#include "shell/run/rule_trials.h"
#include "shell/run/shard.h"
#include "shell/serve/contract.h"
#include "shell/serve/journal.h"
#include "shell/settings/settings.h"
#include "shell/store/project.h"
#include "shell/watch/watch.h"

enum { SERVER_DESKS = 2 }; /* threads for what may block: batches, queries, labels */

/* What was asked for. */
struct server_request {
    bool is_forced;   /* training: promote it though it is no better than chance */
    bool is_enforced; /* training: bring the model into force */
    struct text body; /* backtest: JSON; reload: empty, or the change of a rule that is to be
                       * recorded and brought into force, as change_format has it */
};

/* Long work: runs on a thread of its own, one of each kind at a time; `result` becomes a JSON
 * object. A false progress asks it to end with ERROR_CANCELLED. */
struct server_work {
    bool (*run)(void *context, const struct server_request *request,
                const struct progress *progress, struct buffer *result, struct error *e);
    void *context;
};

struct console;
struct upkeep; /* shell/audit */
/* Rules over the API; plans are made by whoever starts the server. */
struct server_rules {
    struct rule_book *book; /* borrowed; NULL: answered 503 */
    bool (*try_rule)(const struct settings *s, struct rule_book *b, const struct rule_trial *trial,
                     const struct schema *schema, struct error *e); /* overlay_try */
    bool (*run_trials)(const struct rule_trials *t, uint32_t *failed, struct buffer *out,
                       struct error *e); /* rule_trials_run */
};

struct server_options {
    const struct server_setting *setting; /* host, port, threads, limits */
    const struct settings *settings; /* of the plan; the lists stay these; NULL: there are none */
    struct shard *shard;             /* started */
    struct lookups *lookups;         /* of the plan's schema; a reference is taken; or NULL */
    struct contracts *contracts;     /* likewise, or NULL */
    struct project *project;         /* NULL: no store, lists answer 503 */
    struct store_place store;        /* its texts outlive the server */
    struct journal *journal;         /* of slow requests and of samples; or NULL */
    int64_t deadline_us;             /* of a decision over HTTP; 0: none */
    uint64_t store_lag_limit;        /* beyond it lists answer 503; 0: none */
    const char *data_directory;      /* for its models; NULL: answered 503 */
    const struct artifact_place *artifacts;             /* where they are shared; or NULL */
    const char *rollup_place;                           /* rollup_store_place; NULL: answered 503 */
    struct server_work train, reload, backtest, verify; /* run NULL: answered 503 */
    struct upkeep *upkeep;                              /* borrowed; NULL: no checkpoints */
    struct access *access; /* borrowed; NULL: nobody is asked who they are */
    struct server_rules rules;
    const struct console *console; /* its files; NULL: no page at all */
    struct watch *watch;           /* borrowed; NULL: alerts and cases answer 503 */
    struct labeller *labeller;     /* borrowed; or NULL */
};

struct server;

bool server_start(const struct server_options *o, struct server **s, struct error *e) MUST_USE;
/* Requests are read by the shard's plan as it is now, with these tables and foreign contracts
 * (references are taken); it was made by these settings, which are borrowed until the next ones. */
void server_renew(struct server *s, struct lookups *l, struct contracts *c,
                  const struct settings *settings);
/* The same with the tables, contracts and settings that there are: only rules have changed. */
void server_replan(struct server *s);
/* As POST /v1/settings:reload without waiting; its outcome is the work's to tell. */
bool server_reload(struct server *s, struct error *e) MUST_USE;
/* And waits for its end; behind a reload that is running. */
bool server_reload_now(struct server *s, struct error *e) MUST_USE;
uint16_t server_port(const struct server *s);
bool server_is_loopback(const struct server *s); /* reached from this machine only */
/* Reads server.tls of these settings; without that section nothing happens. In force from the next
 * connection on. */
bool server_certificate(const struct settings *s, struct error *e) MUST_USE;
/* The same of a host that is not served yet. */
bool server_host_is_loopback(const char *host);
/* No new requests, what runs is finished, a running job is cancelled. Takes NULL. */
void server_stop(struct server *s);

#endif
