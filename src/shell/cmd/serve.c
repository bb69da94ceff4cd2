/* `assay serve`: the HTTP API over one shard, until SIGINT or SIGTERM.
 *
 * Up: plan, shard (recovery), history, shard's threads, projector, HTTP. Down the other way round,
 * so that each part is closed before what it borrows. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/run/current.h"
#include "shell/run/data_directory.h"
#include "shell/run/history.h"
#include "shell/serve/server.h"
#include "shell/train/train.h"

enum { WAIT_US = 50000, STATE_BATCH = 1024 };

struct serving {
    struct lookups *lookups;
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
};

static volatile sig_atomic_t terminated;

static void on_terminate(int signal_number)
{
    (void)signal_number;
    terminated = 1;
}

static void terminate_install(void)
{
    struct sigaction action = {.sa_handler = on_terminate};

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- training over HTTP ---- */

/* The model that it makes is in force from the next start on. */
static bool train_job(void *context, const struct progress *progress, struct buffer *result,
                      struct error *e)
{
    const struct serving *s = context;
    struct train_options o = {.settings = s->settings,
                              .directory = s->data,
                              .threads = cpu_count(),
                              .simd = s->v->simd,
                              .now_us = clock_now_us(),
                              .progress = progress};
    struct train_result r;

    if (!train(&o, &r, e))
        return false;
    train_result_json(&r, result);
    train_result_free(&r);
    return true;
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
           lookups_match(s->lookups, schema, e);
}

static bool take_history(struct serving *s, struct error *e)
{
    if (option_has(s->v, "no-history"))
        return history_skip(s->shard, &s->history, e);
    return history_import(s->shard, s->settings, NULL, term_progress(&s->v->term), &s->history, e);
}

static bool open_shard(struct serving *s, struct error *e)
{
    struct shard_options o = {
        .directory = s->shard_directory,
        .state = data_state_options(s->settings, s->v->simd, STATE_BATCH),
        .sync = s->settings->log_sync ? LOG_SYNC_ALWAYS : LOG_SYNC_NEVER,
        .segment_bytes = s->settings->log_segment_bytes,
        .snapshot_every_us = s->settings->snapshot_every_us,
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
                                    .shard = s->shard,
                                    .lookups = s->lookups,
                                    .store = s->store,
                                    .train = {train_job, s}};

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

/* A stopped shard goes on answering 503 with the reason, so that whoever looks can see it; what
 * only a person can mend is told here once. */
static void wait_for_the_end(struct serving *s)
{
    bool is_shard_told = false, is_store_told = false;

    while (!terminated && !is_interrupted()) {
        struct shard_status shard;
        struct project_status project;

        clock_sleep_us(WAIT_US);
        shard_status(s->shard, &shard);
        project_status(s->project, &project);
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

    terminate_install();
    ok = read_settings(&s, e) && open_shard(&s, e) && open_server(&s, e) && say_where(&s, e);
    if (ok)
        wait_for_the_end(&s);
    term_clear(&v->term);
    close_all(&s);
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
             "warm.\nEvery decision is in the log and on the disk before it is answered.",
    .options = options,
    .examples = "  assay serve\n"
                "  assay serve --port 9090\n"
                "  curl -H 'content-type: application/json' -d @event.json "
                "localhost:8080/v1/decisions\n",
    .run = serve_run,
};
