/* `assay serve`: the HTTP API over one shard, until SIGINT or SIGTERM.
 *
 * Up: plan, shard (recovery), history, shard's threads, projector, HTTP. Down the other way round,
 * so that each part is closed before what it borrows. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/run/backtest_request.h"
#include "shell/run/current.h"
#include "shell/run/data_directory.h"
#include "shell/run/history.h"
#include "shell/serve/server.h"
#include "shell/train/train.h"

enum { WAIT_US = 50000, STATE_BATCH = 1024 };

struct serving {
    struct lookups *lookups;
    struct contracts *contracts;
    struct invocation *v;
    struct settings *settings;
    struct server_setting setting; /* with --port over it */
    char data[DATA_PATH_MAX], shard_directory[DATA_PATH_MAX];
    char log_directory[DATA_PATH_MAX + 16], store[DATA_PATH_MAX + 16];
    struct current current;
    struct shard *shard;
    struct project *project;
    struct server *server;
    struct history_result history;

    pthread_mutex_t lock; /* of notice: what a reload came to, for the main thread to tell */
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
        {"server.body", was->server.body_bytes != is->server.body_bytes},
        {"lists", lists_differ(was, is)},
        {"ids.count", was->ids_horizon != is->ids_horizon},
        {"ids.keep", was->ids_horizon_us != is->ids_horizon_us},
        {"log.segment", was->log_segment_bytes != is->log_segment_bytes},
        {"log.sync", was->log_sync != is->log_sync},
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

static void reload_result(const struct serving *s, const struct settings *settings,
                          const struct current *c, const struct activated *a, struct buffer *out)
{
    struct shard_status status;

    shard_status(s->shard, &status);
    buffer_format(out, "{\"plan\":%" PRIu64 ",\"changed\":%s,\"rebuilt\":%s,\"records\":%" PRIu64,
                  status.plan_seq, a->is_same ? "false" : "true", a->is_rebuilt ? "true" : "false",
                  a->records);
    buffer_add_text(out, ",\"model\":");
    if (c->model_path[0] != 0)
        json_add_text(out, text_of(c->model_path));
    else
        buffer_add_text(out, "null");
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
         shard_activate(s->shard, &c->made, c->model.length > 0 ? c->model.bytes : NULL,
                        c->model.length, progress, &a, e);
    if (ok) {
        server_renew(s->server, lookups, contracts);
        reload_result(s, settings, c, &a, result);
    }
    contracts_unref(contracts);
    lookups_free(lookups);
    return ok;
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
    if (ok && (ok = current_open(settings, NULL, CURRENT_SERVED, &current, e))) {
        ok = reload_with(s, settings, &current, progress, result, e);
        current_close(&current);
    }
    settings_free(settings);
    return ok;
}

static bool reload_job(void *context, const struct server_request *request,
                       const struct progress *progress, struct buffer *result, struct error *e)
{
    struct serving *s = context;
    bool ok;

    (void)request;
    thread_background();
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
    bool ok;

    if (!current_open(settings, NULL, CURRENT_SERVED, &current, e))
        return false;
    o.state.engine.workers = NULL; /* they are the shard's */
    o.schema = plan_schema(current.made.plan);
    o.model = (struct text){current.model.bytes, current.model.length};
    ok = rules_backtest(&o, &r, e);
    if (ok) {
        rules_backtest_json(&r, result);
        rules_backtest_fini(&r);
    }
    current_close(&current);
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

/* ---- up ---- */

static bool read_settings(struct serving *s, struct error *e)
{
    int64_t port;

    if (!invocation_settings(s->v, &s->settings, e))
        return false;
    s->setting = s->settings->server;
    port = s->setting.port;
    if (!option_whole(s->v, "port", 0, UINT16_MAX, &port, e) ||
        !data_directory(s->settings, s->data, e) ||
        !data_shard_directory(s->settings, s->shard_directory, e))
        return false;
    s->setting.port = (uint16_t)port;
    snprintf(s->log_directory, sizeof s->log_directory, "%s/log", s->shard_directory);
    snprintf(s->store, sizeof s->store, "%s/store.sqlite", s->data);
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
        .activation_rate = s->settings->reload_rate,
        .snapshot_every_us = s->settings->snapshot_every_us,
        .snapshot_memory_bytes = s->settings->snapshot_memory_bytes,
        .queue = s->setting.queue,
        .progress = term_progress(&s->v->term),
    };
    const struct buffer *model = &s->current.model;

    return current_open(s->settings, NULL, CURRENT_SERVED, &s->current, e) && open_lookups(s, e) &&
           shard_open(&o, &s->current.made, model->length > 0 ? model->bytes : NULL, model->length,
                      &s->shard, e) &&
           take_history(s, e) && shard_start(s->shard, e);
}

static bool open_server(struct serving *s, struct error *e)
{
    struct project_options project = {.store = s->store,
                                      .log_directory = s->log_directory,
                                      .plans = shard_plans(s->shard),
                                      .log = shard_log(s->shard)};
    struct server_options server = {.setting = &s->setting,
                                    .settings = s->settings,
                                    .shard = s->shard,
                                    .lookups = s->lookups,
                                    .contracts = s->contracts,
                                    .store = s->store,
                                    .data_directory = s->data,
                                    .train = {train_job, s},
                                    .reload = {reload_job, s},
                                    .backtest = {backtest_job, s}};

    if (!project_open(&project, &s->project, e))
        return false;
    server.project = s->project;
    return server_start(&server, &s->server, e);
}

static void close_all(struct serving *s)
{
    server_stop(s->server);
    project_close(s->project);
    shard_close(s->shard);
    contracts_unref(s->contracts);
    lookups_free(s->lookups);
    current_close(&s->current);
    settings_free(s->settings);
}

/* ---- words ---- */

static void print_json(const struct serving *s, const char *filled, struct buffer *out)
{
    buffer_add_text(out, "{\"url\":");
    buffer_format(out, "\"http://%s:%u\"", s->setting.host, server_port(s->server));
    buffer_format(out, ",\"port\":%u,\"filled_until\":", server_port(s->server));
    if (filled != NULL)
        json_add_text(out, text_of(filled));
    else
        buffer_add_text(out, "null");
    buffer_format(out, ",\"history_events\":%" PRIu64 ",\"log\":", s->history.events);
    json_add_text(out, text_of(s->log_directory));
    buffer_add_text(out, "}\n");
}

static void print_words(const struct serving *s, const char *filled, struct buffer *out)
{
    buffer_format(out, "listening on http://%s:%u (%s)\n", s->setting.host, server_port(s->server),
                  s->settings->name);
    if (s->history.events > 0)
        buffer_format(out, "  history  %" PRIu64 " events imported\n", s->history.events);
    buffer_format(out, "  state    %s%s\n", filled != NULL ? "filled until " : "empty",
                  filled != NULL ? filled : "");
    buffer_format(out, "  log      %s\n", s->log_directory);
    buffer_format(out, "  model    %s\n",
                  s->current.model_path[0] != 0 ? s->current.model_path : "none: rules only");
}

static void warn(const char *what, const char *words)
{
    fprintf(stderr, "assay: %s: %s\n", what, words);
}

static bool say_where(struct serving *s, struct error *e)
{
    char time[TIME_TEXT_MAX];
    struct shard_status status;
    struct buffer out;
    const char *filled;
    bool ok;

    term_clear(&s->v->term);
    shard_status(s->shard, &status);
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
    if (!server_is_loopback(s->server))
        warn("server.host", "other machines can reach this address, and there is no sign-in: put a "
                            "proxy with TLS and access control before it");
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
        fprintf(stderr, "assay: %s\n", notice);
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
        warn("not reloaded", e.text);
}

/* A stopped shard goes on answering 503 with the reason, so that whoever looks can see it; what
 * only a person can mend is told here once. */
static void wait_for_the_end(struct serving *s)
{
    bool is_shard_told = false, is_store_told = false, is_building = false;

    while (!terminated && !is_interrupted()) {
        struct shard_status shard;
        struct project_status project;

        clock_sleep_us(WAIT_US);
        reload_if_asked(s);
        shard_status(s->shard, &shard);
        project_status(s->project, &project);
        tell_reload(s, &shard, &is_building);
        if (shard.is_failed && !is_shard_told)
            warn("the shard has stopped; restart to recover", shard.failure);
        if (project.is_failed && !is_store_told)
            warn("the store cannot be written, which is tried again; decisions go on",
                 project.failure);
        is_shard_told = shard.is_failed;
        is_store_told = project.is_failed;
    }
}

static bool serve_run(struct invocation *v, struct error *e)
{
    struct serving s = {.v = v};
    bool ok;

    pthread_mutex_init(&s.lock, NULL);
    signals_install();
    ok = read_settings(&s, e) && open_shard(&s, e) && open_server(&s, e) && say_where(&s, e);
    if (ok)
        wait_for_the_end(&s);
    term_clear(&v->term);
    close_all(&s);
    pthread_mutex_destroy(&s.lock);
    return ok;
}

static const struct option options[] = {
    {"port", 'p', "N", "listen there instead of server.port; 0: any free port"},
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
