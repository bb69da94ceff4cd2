/* `assay serve`: the HTTP API over one shard, until SIGINT or SIGTERM.
 *
 * Up: plan, shard (recovery), history, shard's threads, projector, HTTP. Down the other way round,
 * so that each part is closed before what it borrows. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/data/json.h"
#include "shell/access/access.h"
#include "shell/audit/hold.h"
#include "shell/audit/upkeep.h"
#include "shell/cmd/cmd.h"
#include "shell/cmd/console.h"
#include "shell/cmd/in_force.h"
#include "shell/cmd/serve_watch.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/run/backtest_request.h"
#include "shell/run/data_directory.h"
#include "shell/run/history.h"
#include "shell/serve/server.h"
#include "shell/store/place.h"
#include "shell/train/train.h"
#include "shell/watch/rollup_follow.h"
#include "shell/watch/rollup_store.h"

enum { WAIT_US = 50000, STATE_BATCH = 1024 };

struct serving {
    struct lookups *lookups;
    struct contracts *contracts;
    struct invocation *v;
    struct settings *settings;
    struct server_setting setting; /* with --port over it */
    char data[DATA_PATH_MAX], shard_directory[DATA_PATH_MAX];
    char log_directory[DATA_PATH_MAX + 16], store_path[STORE_PATH_MAX];
    struct store_place store;
    struct data_artifacts artifacts;
    char key_file[DATA_PATH_MAX];
    struct settings *in_force; /* of the last reload; else `settings` */
    struct current current;    /* in force */
    struct rule_book *rules;
    struct access *access;
    char starter[STARTER_TEXT_BYTES + 1]; /* printed once; "": none */
    struct shard *shard;
    struct project *project;
    struct watch *watch;
    struct labeller *labeller;
    struct upkeep *upkeep;
    struct rollup_follower *rollups;
    char rollup_place[ROLLUP_URL_MAX];
    struct server *server;
    struct journal *journal;
    struct history_result history;

    /* Of what a reload leaves to the main thread: notice, what it came to, and that `current` is
     * another one. Who reloads is one at a time, and reads `current` without. */
    pthread_mutex_t lock;
    char notice[ERROR_TEXT_MAX + 64];
};

static volatile sig_atomic_t terminated, hung_up;

static void on_terminate(int signal_number)
{
    (void)signal_number;
    terminated = 1;
}

static void on_hang_up(int signal_number)
{
    (void)signal_number;
    hung_up = 1;
}

static void signals_install(void)
{
    struct sigaction action = {.sa_handler = on_terminate};

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = on_hang_up;
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN; /* a peer that has gone: TLS says so by its own error */
    sigaction(SIGPIPE, &action, NULL);
}

/* ---- training over HTTP ---- */

/* By the settings file as it is now. The model that it makes is in force from the next reload or
 * start on. */
static bool train_job(void *context, const struct server_request *request,
                      const struct progress *progress, struct buffer *result, struct error *e)
{
    struct serving *s = context;
    struct settings *settings;
    struct train_options o = {.directory = s->data,
                              .threads = cpu_count(),
                              .simd = s->v->simd,
                              .now_us = clock_now_us(),
                              .progress = progress};
    struct train_result r;
    bool ok;

    if (!invocation_settings(s->v, &settings, e))
        return false;
    o.settings = settings;
    if (request->is_forced)
        o.promotion = PROMOTE_ALWAYS;
    ok = train(&o, &r, e);
    if (ok) {
        train_result_json(&r, result);
        train_result_free(&r);
    }
    settings_free(settings);
    return ok && (!request->is_enforced || server_reload_now(s->server, e));
}

/* ---- reloading ---- */

static bool texts_differ(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

/* Features and rules ask the lists of the plan in force; the routes and the files are the start's.
 */
static bool lists_differ(const struct settings *was, const struct settings *is)
{
    bool differs = was->list_count != is->list_count;

    for (uint32_t i = 0; !differs && i < is->list_count; i++) {
        const struct list_setting *a = &was->lists[i], *b = &is->lists[i];

        differs = texts_differ(a->name, b->name) || a->type != b->type ||
                  texts_differ(a->description, b->description) || texts_differ(a->file, b->file) ||
                  a->has_expires != b->has_expires || a->expires_us != b->expires_us;
    }
    return differs;
}

/* Rates, token keys and sign-in are opened once; the certificate's files are read again. */
static bool access_differs(const struct access_setting *a, const struct access_setting *b)
{
    bool differs =
        a->has_required != b->has_required || a->required != b->required ||
        a->open_metrics != b->open_metrics || texts_differ(a->per_key, b->per_key) ||
        texts_differ(a->per_address, b->per_address) || a->session_idle_us != b->session_idle_us ||
        a->session_longest_us != b->session_longest_us ||
        texts_differ(a->jwt.issuer, b->jwt.issuer) ||
        texts_differ(a->jwt.audience, b->jwt.audience) || texts_differ(a->jwt.keys, b->jwt.keys) ||
        texts_differ(a->jwt.secret, b->jwt.secret) ||
        texts_differ(a->sign_in.issuer, b->sign_in.issuer) ||
        texts_differ(a->sign_in.client, b->sign_in.client) || a->role_count != b->role_count;

    for (uint32_t i = 0; !differs && i < a->role_count; i++)
        differs = texts_differ(a->roles[i].name, b->roles[i].name) ||
                  texts_differ(a->roles[i].source, b->roles[i].source);
    return differs;
}

static bool origins_differ(const struct server_setting *was, const struct server_setting *is)
{
    bool differs = was->cors_count != is->cors_count;

    for (uint32_t i = 0; !differs && i < is->cors_count; i++)
        differs = strcmp(was->cors[i], is->cors[i]) != 0;
    return differs;
}

static bool keeps_differ(const struct log_keep *was, const struct log_keep *is)
{
    return was->has_for != is->has_for || was->for_us != is->for_us ||
           was->has_bytes != is->has_bytes || was->bytes != is->bytes;
}

static bool checkpoints_differ(const struct settings *was, const struct settings *is)
{
    return was->log_checkpoint_us != is->log_checkpoint_us ||
           was->log_checkpoint_records != is->log_checkpoint_records ||
           texts_differ(was->log_checkpoint_file, is->log_checkpoint_file) ||
           texts_differ(was->log_checkpoint_key, is->log_checkpoint_key);
}

/* What has its place in the process, not in the plan. */
static void add_next_start(const struct settings *was, const struct settings *is,
                           struct buffer *out)
{
    const struct {
        const char *name;
        bool differs;
    } keys[] = {
        {"server.host", strcmp(was->server.host, is->server.host) != 0},
        {"server.port", was->server.port != is->server.port},
        {"server.threads", was->server.threads != is->server.threads},
        {"server.queue", was->server.queue != is->server.queue},
        {"server.tls", (was->server.tls.key == NULL) != (is->server.tls.key == NULL)},
        {"access", access_differs(&was->access, &is->access)},
        {"server.connections", was->server.connections != is->server.connections},
        {"server.cors", origins_differ(&was->server, &is->server)},
        {"server.journal.slow_ms", was->server.slow_ms != is->server.slow_ms},
        {"server.journal.sample", was->server.sample != is->server.sample},
        {"server.body", was->server.body_bytes != is->server.body_bytes},
        {"decision.deadline_ms", was->deadline_ms != is->deadline_ms},
        {"decision.explain_budget", was->explain_budget != is->explain_budget},
        {"store.lag_limit", was->store_lag_limit != is->store_lag_limit},
        {"lists", lists_differ(was, is)},
        {"ids.count", was->ids_horizon != is->ids_horizon},
        {"ids.keep", was->ids_horizon_us != is->ids_horizon_us},
        {"log.segment", was->log_segment_bytes != is->log_segment_bytes},
        {"log.sync", was->log_sync != is->log_sync},
        {"log.compress", was->log_compress != is->log_compress},
        {"log.keep", keeps_differ(&was->log_keep, &is->log_keep)},
        {"log.checkpoint", checkpoints_differ(was, is)},
        {"reload.rate", was->reload_rate != is->reload_rate},
        {"snapshot.every", was->snapshot_every_us != is->snapshot_every_us},
        {"snapshot.memory", was->snapshot_memory_bytes != is->snapshot_memory_bytes},
    };
    unsigned count = 0;

    buffer_add_text(out, ",\"next_start\":[");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].differs)
            buffer_format(out, "%s\"%s\"", count++ > 0 ? "," : "", keys[i].name);
    }
    buffer_add_char(out, ']');
}

static void warn(const struct serving *s, const char *what, const char *words)
{
    char both[2 * ERROR_TEXT_MAX];

    snprintf(both, sizeof both, "%s: %s", what, words);
    journal_write(s->journal, JOURNAL_WARN, "warning", both, "");
}

static void reload_result(const struct serving *s, const struct settings *settings,
                          const struct current *c, const struct activated *a, struct buffer *out)
{
    struct shard_status status;

    shard_status(s->shard, &status);
    buffer_format(out, "{\"plan\":%" PRIu64 ",\"changed\":%s,\"rebuilt\":%s,\"records\":%" PRIu64,
                  status.plan_seq, a->is_same ? "false" : "true", a->is_rebuilt ? "true" : "false",
                  a->records);
    if (a->first_seq > 1) /* what the log had before was cut off */
        buffer_format(out, ",\"rebuilt_from\":%" PRIu64, a->first_seq);
    buffer_add_text(out, ",\"model\":");
    if (c->model_path[0] != 0)
        json_add_text(out, text_of(c->model_path));
    else
        buffer_add_text(out, "null");
    if (c->warning[0] != 0) {
        buffer_add_text(out, ",\"warning\":");
        json_add_text(out, text_of(c->warning));
        warn(s, "registry", c->warning);
    }
    add_next_start(s->settings, settings, out);
    buffer_add_char(out, '}');
}

/* All that can be wrong is found before the shard is asked. */
static bool reload_with(struct serving *s, struct settings *settings, struct current *c,
                        const struct progress *progress, struct buffer *result, struct error *e)
{
    const struct schema *schema = plan_schema(c->made.plan);
    struct lookups *lookups = NULL;
    struct contracts *contracts = NULL;
    struct activated a;
    bool ok;

    ok = lookups_open(settings, schema, schema, &lookups, e) && lookups_match(lookups, schema, e) &&
         contracts_new(settings, schema, &contracts, e) &&
         (s->setting.tls.certificate == NULL || server_certificate(settings, e)) &&
         shard_activate(s->shard, &c->made, c->model.length > 0 ? c->model.bytes : NULL,
                        c->model.length, progress, &a, e);
    if (ok) {
        server_renew(s->server, lookups, contracts, settings);
        reload_result(s, settings, c, &a, result);
    }
    contracts_unref(contracts);
    lookups_free(lookups);
    return ok;
}

/* From now on these are in force; what was is the caller's to free. */
static void take(struct serving *s, struct settings **settings, struct current *c)
{
    struct settings *settings_before = s->in_force != s->settings ? s->in_force : NULL;
    struct current before = s->current;

    s->in_force = *settings;
    *settings = settings_before;
    pthread_mutex_lock(&s->lock);
    s->current = *c;
    pthread_mutex_unlock(&s->lock);
    *c = before;
}

static bool reload(struct serving *s, const struct progress *progress, struct buffer *result,
                   struct error *e)
{
    struct settings *settings;
    struct current current;
    char data[DATA_PATH_MAX];
    bool ok;

    if (!invocation_settings(s->v, &settings, e))
        return false;
    ok = data_directory(settings, data, e) &&
         (strcmp(data, s->data) == 0 ||
          error_set(e, ERROR_INVALID,
                    "data_directory: %s is not the %s that this server has; hint: restart the "
                    "server to change it",
                    data, s->data));
    if (ok && (ok = in_force_open(settings, s->rules, CURRENT_SERVED, &current, e))) {
        ok = reload_with(s, settings, &current, progress, result, e);
        if (ok)
            take(s, &settings, &current);
        current_close(&current);
    }
    settings_free(settings);
    return ok;
}

/* ---- rules over the API ---- */

/* What would be in force with this version in that state. */
static bool plan_with(const struct serving *s, const struct rule_view *v, enum rule_state to,
                      struct made_plan *made, struct error *e)
{
    const struct rule_trial trial = {.name = text_of(v->name),
                                     .when = text_of(v->when),
                                     .then = text_of(v->then),
                                     .text = text_of(v->text),
                                     .is_shadow = to == RULE_SHADOW,
                                     .is_gone = to == RULE_RETIRED};
    const struct current *c = &s->current;
    struct overlay o;
    bool ok = overlay_init(&o, s->in_force, s->rules, &trial, e) &&
              plan_make(&o.settings, plan_schema(c->made.plan),
                        c->model.length > 0 ? c->model.bytes : NULL, c->model.length, made, e);

    if (!ok)
        overlay_blame(&o, e);
    overlay_fini(&o);
    return ok;
}

/* The record comes first: what it says is in force at the next start, whatever happens now. */
static bool record_and_activate(struct serving *s, const struct control_change *change,
                                struct made_plan *made, const struct progress *progress,
                                struct buffer *result, struct error *e)
{
    struct current *c = &s->current;
    struct made_plan before = c->made;
    struct activated a;

    if (!control_append(access_control(s->access), change, NULL, e))
        return false;
    if (!shard_activate(s->shard, made, c->model.length > 0 ? c->model.bytes : NULL,
                        c->model.length, progress, &a, e))
        return error_prefix(e, "the change is recorded and comes into force with the next reload "
                               "or start");
    c->made = *made;
    *made = before;
    server_replan(s->server);
    reload_result(s, s->in_force, c, &a, result);
    return true;
}

static bool change_rule(struct serving *s, const struct control_change *asked,
                        const struct json *data, const struct progress *progress,
                        struct buffer *result, struct error *e)
{
    struct rule_change_room room = {0};
    struct control_change change;
    struct made_plan made;
    struct rule_view view;
    enum rule_state to;
    struct text name;
    uint32_t version;
    bool ok;

    if (!rule_step_read(asked, data, &name, &version, &to))
        return error_set(e, ERROR_INVALID, "this is no change of a rule");
    if (!rule_book_view(s->rules, name, version, &view, e) || !plan_with(s, &view, to, &made, e))
        return false;
    rule_step_change(name, version, to, asked, &room, &change);
    ok = record_and_activate(s, &change, &made, progress, result, e);
    made_plan_fini(&made);
    return ok;
}

static bool rule_change_job(struct serving *s, struct text body, const struct progress *progress,
                            struct buffer *result, struct error *e)
{
    struct json_reader *reader = json_reader_new();
    struct json_document *d = json_parse(reader, body.bytes, body.length, e);
    const struct json *data, *secret;
    struct control_change change;
    bool ok = d != NULL && change_parse(d, &change, &data, &secret, e) &&
              change_rule(s, &change, data, progress, result, e);

    json_free(d);
    json_reader_free(reader);
    return ok;
}

static bool reload_job(void *context, const struct server_request *request,
                       const struct progress *progress, struct buffer *result, struct error *e)
{
    struct serving *s = context;
    bool ok;

    thread_background();
    if (request->body.length > 0)
        ok = rule_change_job(s, request->body, progress, result, e);
    else
        ok = reload(s, progress, result, e);
    pthread_mutex_lock(&s->lock);
    if (ok)
        snprintf(s->notice, sizeof s->notice, "reloaded: %s", buffer_text(result));
    else
        snprintf(s->notice, sizeof s->notice, "not reloaded, the plan that was in force is: %s",
                 e->text);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

/* ---- backtests over HTTP ---- */

/* By the settings file as it is now, with the model in force. */
static bool backtest_with(const struct serving *s, struct settings *settings,
                          const struct backtest_request *asked, const struct progress *progress,
                          struct buffer *result, struct error *e)
{
    struct rules_backtest_options o = {.directory = s->shard_directory,
                                       .settings = settings,
                                       .state = *shard_state_options(s->shard),
                                       .draft = asked->draft,
                                       .drafts = asked->drafts,
                                       .from_us = asked->from_us,
                                       .to_us = asked->to_us,
                                       .progress = progress};
    struct rules_backtest r;
    struct current current;
    struct overlay overlay;
    bool ok;

    if (!overlay_init(&overlay, settings, s->rules, NULL, e) ||
        !current_open(&overlay.settings, NULL, CURRENT_SERVED, &current, e)) {
        overlay_blame(&overlay, e);
        overlay_fini(&overlay);
        return false;
    }
    o.settings = &overlay.settings;
    o.state.engine.workers = NULL; /* they are the shard's */
    o.schema = plan_schema(current.made.plan);
    o.model = (struct text){current.model.bytes, current.model.length};
    ok = rules_backtest(&o, &r, e);
    if (ok) {
        rules_backtest_json(&r, result);
        rules_backtest_fini(&r);
    }
    current_close(&current);
    overlay_fini(&overlay);
    return ok;
}

static bool backtest_job(void *context, const struct server_request *request,
                         const struct progress *progress, struct buffer *result, struct error *e)
{
    const struct serving *s = context;
    struct backtest_request asked;
    struct settings *settings = NULL;
    bool ok;

    thread_background();
    if (!backtest_request_read(&asked, request->body, e))
        return false;
    ok = invocation_settings(s->v, &settings, e) &&
         backtest_with(s, settings, &asked, progress, result, e);
    settings_free(settings);
    backtest_request_fini(&asked);
    return ok;
}

/* ---- verifying the logs over HTTP ---- */

static bool verify_job(void *context, const struct server_request *request,
                       const struct progress *progress, struct buffer *result, struct error *e)
{
    const struct serving *s = context;
    char key[CHECKPOINT_PATH_MAX];

    (void)request;
    thread_background();
    return checkpoint_key_path(s->data, s->settings->log_checkpoint_key, s->settings->directory,
                               key, e) &&
           logs_verify(s->data, s->log_directory, key, progress, result, e);
}

/* ---- up ---- */

static bool read_settings(struct serving *s, struct error *e)
{
    int64_t port;

    if (!invocation_settings(s->v, &s->settings, e))
        return false;
    s->in_force = s->settings;
    s->setting = s->settings->server;
    port = s->setting.port;
    if (!option_whole(s->v, "port", 0, UINT16_MAX, &port, e) ||
        !data_directory(s->settings, s->data, e) ||
        !data_shard_directory(s->settings, s->shard_directory, e))
        return false;
    s->setting.port = (uint16_t)port;
    snprintf(s->log_directory, sizeof s->log_directory, "%s/log", s->shard_directory);
    data_key_file(s->settings, s->key_file);
    return store_place_find(s->settings, s->store_path, &s->store, e);
}

/* Before all that takes long: what would let everybody in ends here. */
static bool open_access(struct serving *s, struct error *e)
{
    const struct access_options o = {.setting = &s->settings->access,
                                     .settings = s->settings,
                                     .data_directory = s->data,
                                     .directory = s->settings->directory,
                                     .is_loopback = server_host_is_loopback(s->setting.host),
                                     .is_secure = s->setting.tls.certificate != NULL};

    struct control_fold fold[1 + WATCH_FOLDS];

    s->rules = rule_book_new();
    s->watch = watch_new();
    fold[0] = rule_book_fold(s->rules);
    watch_folds(s->watch, fold + 1);
    if (!server_certificate(s->settings, e) ||
        !access_open(&o, fold, 1 + WATCH_FOLDS, &s->access, e) ||
        !watch_attach(s->watch, access_control(s->access), NULL, e) ||
        !access_may_serve(s->access, e))
        return false;
    if (!access_starter(s->access, s->starter))
        s->starter[0] = 0;
    return true;
}

/* The tables as they are now; a restart reads them again. */
static bool open_lookups(struct serving *s, struct error *e)
{
    const struct schema *schema = plan_schema(s->current.made.plan);

    return lookups_open(s->settings, schema, schema, &s->lookups, e) &&
           lookups_match(s->lookups, schema, e) &&
           contracts_new(s->settings, schema, &s->contracts, e);
}

static bool take_history(struct serving *s, struct error *e)
{
    if (option_has(s->v, "no-history"))
        return history_skip(s->shard, s->settings, &s->history, e);
    return history_import(s->shard, s->settings, NULL, term_progress(&s->v->term), &s->history, e);
}

static bool open_shard(struct serving *s, struct error *e)
{
    struct shard_options o = {
        .directory = s->shard_directory,
        .state = data_state_options(s->settings, s->v->simd, STATE_BATCH),
        .sync = s->settings->log_sync ? LOG_SYNC_ALWAYS : LOG_SYNC_NEVER,
        .segment_bytes = s->settings->log_segment_bytes,
        .explanations = s->settings->explain_budget,
        .activation_rate = s->settings->reload_rate,
        .snapshot_every_us = s->settings->snapshot_every_us,
        .snapshot_memory_bytes = s->settings->snapshot_memory_bytes,
        .queue = s->setting.queue,
        .personal_key_file = s->key_file[0] != 0 ? s->key_file : NULL,
        .progress = term_progress(&s->v->term),
    };
    const struct buffer *model = &s->current.model;

    return in_force_open(s->settings, s->rules, CURRENT_SERVED, &s->current, e) &&
           open_lookups(s, e) &&
           shard_open(&o, &s->current.made, model->length > 0 ? model->bytes : NULL, model->length,
                      &s->shard, e) &&
           take_history(s, e) && shard_start(s->shard, e);
}

/* Records that the store does not have yet must not go. */
static uint64_t needed_by_store(void *context)
{
    const struct serving *s = context;
    struct project_status status;

    project_status(s->project, &status);
    return status.projected_seq + 1;
}

static bool open_server(struct serving *s, struct error *e)
{
    const struct upkeep_options upkeep = {.data_directory = s->data,
                                          .settings = s->settings,
                                          .shard = s->shard,
                                          .control = access_control(s->access),
                                          .needed_from = needed_by_store,
                                          .context = s};
    struct project_options project = {.store = s->store,
                                      .log_directory = s->log_directory,
                                      .plans = shard_plans(s->shard),
                                      .log = shard_log(s->shard),
                                      .fold = watch_project(s->watch)};
    struct server_options server = {.setting = &s->setting,
                                    .settings = s->settings,
                                    .shard = s->shard,
                                    .lookups = s->lookups,
                                    .contracts = s->contracts,
                                    .store = s->store,
                                    .journal = s->journal,
                                    .deadline_us = s->settings->deadline_ms * INT64_C(1000),
                                    .store_lag_limit = s->settings->store_lag_limit,
                                    .data_directory = s->data,
                                    .artifacts = data_artifacts(s->settings, &s->artifacts),
                                    .rollup_place = s->rollup_place,
                                    .access = s->access,
                                    .rules = {s->rules, overlay_try, rule_trials_run},
                                    .console = &console_built,
                                    .train = {train_job, s},
                                    .reload = {reload_job, s},
                                    .backtest = {backtest_job, s},
                                    .verify = {verify_job, s}};

    if (!project_open(&project, &s->project, e) ||
        !labeller_start(s->watch, s->shard, s->project, &s->store, &s->labeller, e) ||
        !upkeep_start(&upkeep, &s->upkeep, e) ||
        !rollup_store_place(s->settings, NULL, s->rollup_place, e) ||
        !rollup_follower_start(s->settings, shard_log(s->shard), &s->rollups, e))
        return false;
    server.watch = s->watch;
    server.labeller = s->labeller;
    server.upkeep = s->upkeep;
    server.project = s->project;
    return server_start(&server, &s->server, e);
}

static void close_all(struct serving *s)
{
    server_stop(s->server);
    upkeep_stop(s->upkeep);
    labeller_stop(s->labeller);
    rollup_follower_stop(s->rollups);
    project_close(s->project); /* it reads the control log */
    access_close(s->access);
    rule_book_free(s->rules);
    watch_free(s->watch);
    shard_close(s->shard);
    contracts_unref(s->contracts);
    lookups_free(s->lookups);
    current_close(&s->current);
    if (s->in_force != s->settings)
        settings_free(s->in_force);
    settings_free(s->settings);
}

/* ---- words ---- */

static const char *scheme(const struct serving *s)
{
    return s->setting.tls.certificate != NULL ? "https" : "http";
}

static void print_json(const struct serving *s, const char *filled, struct buffer *out)
{
    buffer_add_text(out, "{\"url\":");
    buffer_format(out, "\"%s://%s:%u\"", scheme(s), s->setting.host, server_port(s->server));
    buffer_format(out, ",\"access_required\":%s", access_is_required(s->access) ? "true" : "false");
    buffer_format(out, ",\"port\":%u,\"filled_until\":", server_port(s->server));
    if (filled != NULL)
        json_add_text(out, text_of(filled));
    else
        buffer_add_text(out, "null");
    buffer_format(out, ",\"history_events\":%" PRIu64 ",\"log\":", s->history.events);
    json_add_text(out, text_of(s->log_directory));
    buffer_add_text(out, "}\n");
}

static void print_words(struct serving *s, const char *filled, struct buffer *out)
{
    buffer_format(out, "listening on %s://%s:%u (%s)\n", scheme(s), s->setting.host,
                  server_port(s->server), s->settings->name);
    buffer_format(out, "  access   %s\n",
                  access_is_required(s->access)
                      ? "a key or signing in is required"
                      : "not required: there is no key and no user yet (`assay key create`)");
    if (s->history.events > 0)
        buffer_format(out, "  history  %" PRIu64 " events imported\n", s->history.events);
    buffer_format(out, "  state    %s%s\n", filled != NULL ? "filled until " : "empty",
                  filled != NULL ? filled : "");
    buffer_format(out, "  log      %s\n", s->log_directory);
    pthread_mutex_lock(&s->lock); /* the first requests may be here, and one asks for a reload */
    buffer_format(out, "  model    %s\n",
                  s->current.model_path[0] != 0 ? s->current.model_path : "none: rules only");
    pthread_mutex_unlock(&s->lock);
}

/* Before the words that say that it serves: whoever waits for those finds these. */
static void warn_of_access(const struct serving *s)
{
    if (!server_is_loopback(s->server) && !access_is_required(s->access))
        warn(s, "server.host",
             "other machines can reach this address, and access.required is false: "
             "whoever reaches it may do everything");
    else if (!server_is_loopback(s->server) && s->setting.tls.certificate == NULL)
        warn(s, "server.host",
             "other machines can reach this address without TLS: keys and passwords "
             "can be read on the way. See server.tls, or put a proxy with TLS before it");
    if (s->starter[0] != 0)
        fprintf(stderr,
                "assay: access is required and nobody is admin yet. Within %d minutes, once:\n"
                "    assay user create NAME --role admin --url %s://%s:%u --key %s\n",
                STARTER_MINUTES, scheme(s), s->setting.host, server_port(s->server), s->starter);
}

/* State that was built anew lacks what was erased. Before the first request: a reload frees the
 * plan. */
static void tell_erased(const struct serving *s)
{
    const struct plan *p = s->current.made.plan;
    struct shard_status status;
    struct buffer readers;

    shard_status(s->shard, &status);
    if (status.erased == 0)
        return;
    term_clear(&s->v->term);
    buffer_init(&readers, ERROR_TEXT_MAX / 2);
    for (uint32_t i = 0; i < plan_feature_count(p); i++) {
        if (plan_node_is_personal(p, plan_feature_node(p, i)))
            buffer_format(&readers, "%s%s", readers.length > 0 ? ", " : "",
                          plan_feature_name(p, i));
    }
    fprintf(stderr,
            "assay: of the log's events that the state was built from, %" PRIu64
            " have erased personal fields, read as null; features that read such: %s\n",
            status.erased, readers.length > 0 ? buffer_text(&readers) : "none");
    buffer_fini(&readers);
}

static bool say_where(struct serving *s, struct error *e)
{
    char time[TIME_TEXT_MAX];
    struct shard_status status;
    struct buffer out;
    const char *filled;
    bool ok;

    term_clear(&s->v->term);
    warn_of_access(s);
    if (s->current.warning[0] != 0)
        warn(s, "registry", s->current.warning);
    shard_status(s->shard, &status);
    if (status.is_partial)
        warn(s, "log.keep",
             "the state was built from the log from its cut on, as no snapshot of these features "
             "was there: windows that reach back before the cut are not whole");
    filled = status.watermark_us != INT64_MIN ? time : NULL;
    if (filled != NULL)
        time_format(status.watermark_us, time);
    buffer_init(&out, OUTPUT_MAX);
    if (s->v->json)
        print_json(s, filled, &out);
    else
        print_words(s, filled, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

/* A reload, by whoever it was asked for: how far it is, and what it came to. */
static void tell_reload(struct serving *s, const struct shard_status *shard, bool *is_building)
{
    char notice[sizeof s->notice];

    if (shard->building_of > 0)
        (void)progress_report(term_progress(&s->v->term), "building the state of the new plan",
                              (double)shard->building_seq / (double)shard->building_of);
    else if (*is_building)
        term_clear(&s->v->term);
    *is_building = shard->building_of > 0;
    pthread_mutex_lock(&s->lock);
    memcpy(notice, s->notice, sizeof notice);
    s->notice[0] = 0;
    pthread_mutex_unlock(&s->lock);
    if (notice[0] != 0)
        journal_write(s->journal, JOURNAL_WARN, "reload", notice, "");
}

static void reload_if_asked(struct serving *s)
{
    struct error e;

    if (!hung_up)
        return;
    hung_up = 0;
    if (server_reload(s->server, &e))
        return;
    hung_up = e.kind == ERROR_CONFLICT; /* one is running, perhaps by the file of before */
    if (!hung_up)
        warn(s, "not reloaded", e.text);
}

static void wait_for_the_end(struct serving *s)
{
    struct serve_watch watch = {
        .journal = s->journal,
        .data = s->data,
        .store_lag_limit = s->settings->store_lag_limit,
        .rollups = s->rollups,
    };
    bool is_building = false;
    char upkeep_told[ERROR_TEXT_MAX] = "";

    shard_status(s->shard, &watch.shard);
    while (!terminated && !is_interrupted()) {
        struct upkeep_status upkeep;

        clock_sleep_us(WAIT_US);
        upkeep_status(s->upkeep, &upkeep);
        if (strcmp(upkeep.failure, upkeep_told) != 0)
            warn(s, "the log's upkeep failed, which is tried again; decisions go on",
                 upkeep.failure);
        memcpy(upkeep_told, upkeep.failure, sizeof upkeep_told);
        reload_if_asked(s);
        serve_watch_look(&watch, s->shard, s->project);
        tell_reload(s, &watch.shard, &is_building);
    }
}

static void tell_start(const struct serving *s)
{
    char words[ERROR_TEXT_MAX], members[128];
    struct shard_status status;

    shard_status(s->shard, &status);
    snprintf(words, sizeof words, "listening on %s://%s:%u", scheme(s), s->setting.host,
             server_port(s->server));
    snprintf(members, sizeof members,
             ",\"version\":\"%s\",\"seq\":%" PRIu64 ",\"replayed\":%" PRIu64, ASSAY_VERSION,
             status.durable_seq, status.replayed);
    journal_write(s->journal, JOURNAL_INFO, "start", words, members);
}

/* Words for people on a terminal, objects for what collects them elsewhere. */
static bool open_journal(struct serving *s, struct error *e)
{
    const char *form = option_get(s->v, "log");
    bool is_json = form != NULL ? strcmp(form, "json") == 0 : !isatty(STDERR_FILENO);

    if (form != NULL && !is_json && strcmp(form, "text") != 0)
        return error_set(e, ERROR_USAGE, "--log %s: expected json or text", form);
    s->journal = journal_new(STDERR_FILENO, is_json);
    return true;
}

static bool serve_run(struct invocation *v, struct error *e)
{
    struct serving s = {.v = v};
    bool ok;

    pthread_mutex_init(&s.lock, NULL);
    signals_install();
    ok = open_journal(&s, e) && read_settings(&s, e) && open_access(&s, e) && open_shard(&s, e);
    if (ok)
        tell_erased(&s);
    ok = ok && open_server(&s, e) && say_where(&s, e);
    if (ok) {
        tell_start(&s);
        wait_for_the_end(&s);
        journal_write(s.journal, JOURNAL_INFO, "stop", "stopping: no new requests", "");
    }
    term_clear(&v->term);
    close_all(&s);
    if (ok)
        journal_write(s.journal, JOURNAL_INFO, "stopped", "all is on the disk", "");
    journal_free(s.journal);
    pthread_mutex_destroy(&s.lock);
    return ok;
}

static const struct option options[] = {
    {"port", 'p', "N", "listen there instead of server.port; 0: any free port"},
    {"log", 0, "FORM",
     "what is said on standard error: json (default where that is no terminal) or text"},
    {"no-history", 0, NULL, "first start: import no history, begin with an empty state"},
    OPTION_MEMORY,
    {0},
};

const struct command command_serve = {
    .name = "serve",
    .group = GROUP_DECIDE,
    .summary = "decides over HTTP, until Ctrl-C or SIGTERM",
    .arguments = "",
    .words = "The first start imports the history of the settings' source, so that velocities are "
             "warm.\nEvery decision is in the log and on the disk before it is answered.\n"
             "SIGHUP (or `assay reload`) brings changed settings into force without a stop.",
    .options = options,
    .examples = "  assay serve\n"
                "  assay serve --port 9090\n"
                "  curl -H 'content-type: application/json' -d @event.json "
                "localhost:8080/v1/decisions\n",
    .run = serve_run,
};
