/* `assay doctor`: what can be wrong with the machine, the settings and the data, before or while a
 * service runs. It only looks. Each check is a row of the table; each says what to do. */
#include "shell/cmd/doctor.h"

#include <gnu/libc-version.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "core/base/memory.h"
#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/cmd/tracking.h"
#include "shell/link/http_client.h"
#include "shell/log/log.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/os/probe.h"
#include "shell/os/ram.h"
#include "shell/registry/shared.h"
#include "shell/run/current.h"
#include "shell/run/data_directory.h"
#include "shell/run/feed.h"
#include "shell/run/lookup.h"
#include "shell/serve/http.h"
#include "shell/serve/tls.h"
#include "shell/store/place.h"

enum {
    SYNC_SLOW_US = 5000,
    SYNC_BAD_US = 100000,
    CERTIFICATE_SOON_DAYS = 30,
    FILES_BESIDE = 64, /* descriptors for what is no connection */
};

#define VOLUME_USED_BAD 0.95
#define MEMORY_MUCH     0.8 /* of the machine's */

struct doctor {
    struct invocation *v;
    struct settings *settings; /* NULL: they cannot be read */
    char data[DATA_PATH_MAX], log[DATA_PATH_MAX + 16];
    bool has_data; /* the data directory is there */
};

__attribute__((format(printf, 2, 3))) static void find(struct finding *f, const char *words, ...)
{
    va_list arguments;

    va_start(arguments, words);
    vsnprintf(f->found, sizeof f->found, words, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 3, 4))) static void advise(struct finding *f, enum health health,
                                                         const char *words, ...)
{
    va_list arguments;

    if (health > f->health)
        f->health = health;
    va_start(arguments, words);
    vsnprintf(f->remedy, sizeof f->remedy, words, arguments);
    va_end(arguments);
}

static void failed(struct finding *f, const struct error *e, const char *remedy)
{
    find(f, "%s", e->text);
    advise(f, HEALTH_FAIL, "%s", remedy);
}

/* ---- the machine ---- */

static void check_build(struct doctor *d, struct finding *f)
{
    find(f, "assay %s (engine epoch %d, log format %d, simd %s); glibc %s, %s, sqlite %s, %s",
         ASSAY_VERSION, ENGINE_EPOCH, LOG_FORMAT_VERSION, simd_name(d->v->simd),
         gnu_get_libc_version(), http_library(), store_library(), http_client_library());
}

static void check_clock(struct doctor *d, struct finding *f)
{
    int64_t wrong_us, before_us = clock_monotonic_us();
    bool is_held;

    (void)d;
    clock_sleep_us(1000);
    if (clock_monotonic_us() <= before_us) {
        find(f, "the monotonic clock does not move");
        advise(f, HEALTH_FAIL, "deadlines and rates need it: look at the machine's clock source");
        return;
    }
    if (!probe_clock(&is_held, &wrong_us)) {
        find(f, "the system does not tell whether its clock is held to a time server");
        advise(f, HEALTH_WARN, "see that chrony, ntpd or the host keeps it right");
        return;
    }
    find(f,
         is_held ? "held to a time server, wrong by at most %.1f ms" : "not held to a time server",
         (double)wrong_us / 1000);
    if (!is_held)
        advise(f, HEALTH_WARN,
               "start chrony or ntpd: events without a time take the machine's, and those that are "
               "ahead of it are marked");
}

static void check_files(struct doctor *d, struct finding *f)
{
    struct rlimit limit;
    uint64_t wanted =
        (d->settings != NULL ? d->settings->server.connections : 0) + (uint64_t)FILES_BESIDE;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = 0;
    find(f, "%llu file descriptors may be open, %" PRIu64 " are wanted for server.connections",
         (unsigned long long)limit.rlim_cur, wanted);
    if (limit.rlim_cur < wanted)
        advise(f, HEALTH_WARN,
               "raise it (ulimit -n %" PRIu64 ", LimitNOFILE=) or lower "
               "server.connections",
               wanted);
}

static void check_memory(struct doctor *d, struct finding *f)
{
    double there = (double)ram_bytes(), wanted;

    if (d->settings == NULL) {
        find(f, "the machine has %.1f GiB", there / (1 << 30));
        return;
    }
    wanted = (double)d->settings->memory_bytes;
    find(f, "`memory` is %.1f GiB of %.1f GiB that the machine lets us have", wanted / (1 << 30),
         there / (1 << 30));
    if (wanted > there)
        advise(f, HEALTH_FAIL, "lower `memory`: beyond what is there the process would be killed");
    else if (wanted > MEMORY_MUCH * there)
        advise(f, HEALTH_WARN,
               "leave a fifth for snapshots, training and the page cache; see assay size");
}

/* ---- settings and data ---- */

static void check_settings(struct doctor *d, struct finding *f)
{
    struct error e;

    if (!invocation_settings(d->v, &d->settings, &e)) {
        failed(f, &e, "assay check tells more; the checks below know less without settings");
        return;
    }
    find(f, "%s is in order", d->settings->path);
    if (!data_directory(d->settings, d->data, &e)) {
        failed(f, &e, "set data_directory");
        d->data[0] = 0;
    }
    snprintf(d->log, sizeof d->log, "%s/shard-0/log", d->data);
    d->has_data = d->data[0] != 0 && file_exists(d->data);
}

static void check_source(struct doctor *d, struct finding *f)
{
    struct lookups *lookups = NULL;
    struct schema *schema = NULL;
    struct error e;

    if (feed_schema(d->settings, NULL, &schema, &e)) {
        find(f, "events can be read: %u fields", schema->count);
        if (!lookups_open(d->settings, schema, schema, &lookups, &e))
            failed(f, &e, "see the source's file; without it the fields looked up are not there");
    } else if (e.kind == ERROR_NOT_FOUND && d->has_data) {
        find(f, "%s", e.text);
        advise(f, HEALTH_WARN, "a service that has its history goes on without; training does not");
    } else {
        failed(f, &e, "see sources in the settings, and who may read the file");
    }
    lookups_free(lookups);
    schema_free(schema);
}

static void check_model(struct doctor *d, struct finding *f)
{
    struct current c;
    struct error e;

    if (!current_open(d->settings, NULL, CURRENT_CACHED, &c, &e)) {
        failed(f, &e,
               "assay train makes a model for the features as they are; "
               "assay model list shows those that there are");
        return;
    }
    if (c.model_path[0] != 0)
        find(f, "%s fits the features", c.model_path);
    else
        find(f, "features and rules compile; there is no model: rules only");
    current_close(&c);
}

static void check_registry(struct doctor *d, struct finding *f)
{
    struct artifacts *artifacts = NULL;
    char tag[ARTIFACT_TAG_MAX];
    struct data_artifacts shared;
    const struct artifact_place *place = data_artifacts(d->settings, &shared);
    struct model_id *id = NULL;
    struct buffer aliases;
    uint32_t count;
    struct error e;

    if (place == NULL) {
        find(f, "models are in the data directory, for this machine alone");
        return;
    }
    buffer_init(&aliases, SHARED_ALIASES_MAX);
    if (!artifacts_open(place, &artifacts, &e) || !shared_list(artifacts, &id, &count, &e) ||
        !shared_aliases(artifacts, &aliases, tag, &e))
        failed(f, &e, "see registry in the settings; a service goes on with the models it has");
    else
        find(f, "%s can be read and has %u versions%s", place->where, count,
             tag[0] != 0 ? "" : "; none of them is in force");
    buffer_fini(&aliases);
    mem_free(id);
    artifacts_close(artifacts);
}

static void check_mlflow(struct doctor *d, struct finding *f)
{
    const char *url = getenv("MLFLOW_TRACKING_URI");
    struct mlflow *m = NULL;
    bool has_experiment;
    struct error e;

    if ((url == NULL || url[0] == 0) && d->settings->mlflow.url == NULL) {
        find(f, "no tracking server is named");
        return;
    }
    if (!tracking_open(d->settings, &m, &e) || !mlflow_check(m, &has_experiment, &e))
        failed(f, &e, "see mlflow in the settings; training and serving go on without");
    else
        find(f, "%s answers%s", mlflow_url(m),
             has_experiment ? "" : "; the experiment is made at the first push");
    mlflow_close(m);
}

static void check_directory(struct doctor *d, struct finding *f)
{
    bool is_writable;
    struct error e;
    unsigned mode;

    if (!d->has_data) {
        find(f, "%s is not there yet", d->data);
        return;
    }
    if (!probe_directory(d->data, &mode, &is_writable, &e)) {
        failed(f, &e, "set data_directory to a directory of this user");
        return;
    }
    find(f, "%s, mode %04o", d->data, mode);
    if (!is_writable)
        advise(f, HEALTH_FAIL, "this user may not write there: run as its owner, or chown it");
    else if ((mode & 022) != 0)
        advise(f, HEALTH_WARN, "others may change it: chmod go-w %s", d->data);
    else if ((mode & 005) != 0)
        advise(f, HEALTH_WARN, "anybody may read it, and events are in it: chmod o-rx %s", d->data);
}

static void check_room(struct doctor *d, struct finding *f)
{
    const char *where = d->has_data ? d->data : ".";
    struct volume volume;
    struct error e;

    if (!file_volume(where, &volume, &e)) {
        failed(f, &e, "see that the volume is mounted");
        return;
    }
    find(f, "%.1f GiB free of %.1f GiB, %.0f %% used", (double)volume.free / (1 << 30),
         (double)volume.bytes / (1 << 30), 100 * volume_used(&volume));
    if (volume_used(&volume) >= VOLUME_USED_BAD)
        advise(f, HEALTH_FAIL, "make room: on a full disk decisions are refused (507)");
    else if (volume_used(&volume) >= VOLUME_USED_MUCH)
        advise(f, HEALTH_WARN,
               "make room, or a larger volume: assay size --rate N says for how long");
}

static void check_sync(struct doctor *d, struct finding *f)
{
    const char *where = d->has_data ? d->data : ".";
    struct error e;
    int64_t us;

    if (!probe_sync(where, &us, &e)) {
        failed(f, &e, "see who may write there, and whether the disk is full");
        return;
    }
    find(f, "a write of 4 KiB is on the disk after %.2f ms", (double)us / 1000);
    if (us >= SYNC_BAD_US)
        advise(f, HEALTH_FAIL, "each answer waits for it: use a local disk");
    else if (us >= SYNC_SLOW_US)
        advise(f, HEALTH_WARN, "each answer waits for it; an SSD takes less than 1 ms");
}

static void check_log(struct doctor *d, struct finding *f)
{
    struct error e;
    uint64_t seq;

    if (!file_exists(d->log)) {
        find(f, "there is none yet");
        return;
    }
    if (!log_last_seq(d->log, &seq, &e))
        failed(f, &e, "assay log verify says what can be read; restore from a copy what cannot");
    else
        find(f, "whole up to record %" PRIu64 "; assay log verify reads all of it", seq);
}

static void check_store(struct doctor *d, struct finding *f)
{
    char path[STORE_PATH_MAX];
    struct store_place place;
    struct store *store = NULL;
    uint64_t last, projected;
    struct error e;

    if (!file_exists(d->log)) {
        find(f, "there is none yet");
        return;
    }
    if (!store_place_find(d->settings, path, &place, &e) || !log_last_seq(d->log, &last, &e) ||
        !store_open(&place, STORE_READ, &store, &e) || !store_projected(store, &projected, &e)) {
        if (e.kind == ERROR_NOT_FOUND)
            find(f, "there is none yet");
        else if (place.kind == STORE_POSTGRES && e.kind == ERROR_WORLD)
            failed(f, &e, "a running service goes on without it, and catches up when it is back");
        else
            failed(f, &e, "stop the service and run assay rebuild: the store is made from the log");
    } else {
        find(f, "%" PRIu64 " of %" PRIu64 " records", projected, last);
        if (projected > last)
            advise(f, HEALTH_FAIL, "it is of another log: run assay rebuild");
        else if (d->settings->store_lag_limit > 0 &&
                 last - projected > d->settings->store_lag_limit)
            advise(f, HEALTH_WARN,
                   "it is past store.lag_limit and lists answer 503: a running "
                   "service catches up, or run assay rebuild");
    }
    store_close(store);
}

static void check_certificate(struct doctor *d, struct finding *f)
{
    const struct server_setting *s = &d->settings->server;
    int64_t until_us, days;
    struct error e;

    if (s->tls.certificate == NULL) {
        find(f, "none: plain HTTP on %s", s->host);
        if (!http_host_is_loopback(s->host))
            advise(f, HEALTH_WARN,
                   "set server.tls, or put a proxy with TLS before it: other "
                   "machines can reach this address");
        return;
    }
    if (!tls_expires(s->tls.certificate, s->tls.key, &until_us, &e)) {
        failed(f, &e, "give a PEM certificate chain and its key");
        return;
    }
    days = (until_us - clock_now_us()) / INT64_C(86400000000);
    find(f, "%s holds for %" PRId64 " days", s->tls.certificate, days);
    if (until_us <= clock_now_us())
        advise(f, HEALTH_FAIL, "renew it; assay reload brings it into force");
    else if (days < CERTIFICATE_SOON_DAYS)
        advise(f, HEALTH_WARN, "renew it soon; assay reload brings it into force");
}

static bool is_ours(struct doctor *d)
{
    struct http_client *client;
    char url[SERVICE_URL_MAX];
    struct http_peer peer;
    struct buffer answer;
    struct error e;
    int status = 0;

    if (!invocation_service(d->v, d->settings, url, &peer, &e))
        return false;
    client = http_client_of(&peer);
    buffer_init(&answer, HTTP_ANSWER_MAX);
    if (!http_client_ask(client, "/healthz", "application/json", (struct text){NULL, 0}, &answer,
                         &status, &e))
        status = 0;
    buffer_fini(&answer);
    http_client_free(client);
    return status == 200;
}

static void check_port(struct doctor *d, struct finding *f)
{
    const struct server_setting *s = &d->settings->server;

    if (s->port == 0 || !probe_port(s->host, s->port)) {
        find(f, "%s port %u is free", s->host, s->port);
    } else if (is_ours(d)) {
        find(f, "%s port %u: a service runs there and answers", s->host, s->port);
    } else {
        find(f, "%s port %u is taken by something that is no service of these settings", s->host,
             s->port);
        advise(f, HEALTH_FAIL, "end it, or set server.port");
    }
}

void finding_say(char words[DOCTOR_WORDS_MAX], const char *format, ...)
{
    size_t length = strlen(words);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words + length, DOCTOR_WORDS_MAX - length, format, arguments);
    va_end(arguments);
}

void finding_worsen(struct finding *f, enum health health)
{
    if (health > f->health)
        f->health = health;
}

static void check_kafka(struct doctor *d, struct finding *f)
{
    doctor_kafka(d->settings, f);
}

static void check_lag(struct doctor *d, struct finding *f)
{
    doctor_lag(d->settings, f);
}

static void check_redis(struct doctor *d, struct finding *f)
{
    doctor_redis(d->settings, f);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    bool needs_settings;
    void (*check)(struct doctor *d, struct finding *f);
} checks[] = {
    {"build", false, check_build},
    {"settings", false, check_settings},
    {"source", true, check_source},
    {"registry", true, check_registry},
    {"mlflow", true, check_mlflow},
    {"model", true, check_model},
    {"directory", true, check_directory},
    {"room", false, check_room},
    {"sync", false, check_sync},
    {"log", true, check_log},
    {"store", true, check_store},
    {"clock", false, check_clock},
    {"files", false, check_files},
    {"memory", false, check_memory},
    {"certificate", true, check_certificate},
    {"port", true, check_port},
    {"kafka", true, check_kafka},
    {"lag", true, check_lag},
    {"redis", true, check_redis},
};

enum { CHECKS = sizeof checks / sizeof *checks };

static const char *const health_words[] = {"ok", "warn", "fail"};

static void print_words(const struct doctor *d, uint32_t i, const struct finding *f,
                        struct buffer *out)
{
    static const enum colour colours[] = {COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED};

    buffer_format(out, "%s%-4s%s  %-11s  %s\n", term_colour(&d->v->term, colours[f->health]),
                  health_words[f->health], term_colour(&d->v->term, COLOUR_NONE), checks[i].name,
                  f->found);
    if (f->health != HEALTH_OK)
        buffer_format(out, "                   -> %s\n", f->remedy);
}

static void print_json(uint32_t i, const struct finding *f, struct buffer *out)
{
    buffer_format(out, "%s{\"check\":\"%s\",\"health\":\"%s\",\"found\":", i > 0 ? ",\n" : "",
                  checks[i].name, health_words[f->health]);
    json_add_text(out, text_of(f->found));
    buffer_add_text(out, ",\"remedy\":");
    if (f->health != HEALTH_OK)
        json_add_text(out, text_of(f->remedy));
    else
        buffer_add_text(out, "null");
    buffer_add_char(out, '}');
}

static bool doctor_run(struct invocation *v, struct error *e)
{
    struct doctor d = {.v = v};
    uint32_t count[3] = {0};
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        buffer_add_text(&out, "{\"checks\":[");
    for (uint32_t i = 0; i < CHECKS; i++) {
        struct finding f = {0};

        if (checks[i].needs_settings && d.settings == NULL)
            continue;
        checks[i].check(&d, &f);
        if (f.found[0] == 0)
            continue;
        count[f.health]++;
        if (v->json)
            print_json(i, &f, &out);
        else
            print_words(&d, i, &f, &out);
    }
    if (v->json)
        buffer_format(&out, "],\"ok\":%u,\"warn\":%u,\"fail\":%u}\n", count[HEALTH_OK],
                      count[HEALTH_WARN], count[HEALTH_FAIL]);
    ok = print_result(&out, e);
    buffer_fini(&out);
    settings_free(d.settings);
    return ok && (count[HEALTH_FAIL] == 0 ||
                  error_set(e, ERROR_INVALID, "%u of the checks failed", count[HEALTH_FAIL]));
}

static const struct option options[] = {
    OPTIONS_SERVICE,
    {0},
};

const struct command command_doctor = {
    .name = "doctor",
    .group = GROUP_LOOK,
    .summary = "checks machine, settings, model, log and disk, and says what to do",
    .arguments = "",
    .words =
        "Looks and changes nothing; may run beside a service. Exit code 1 where a check fails, 0\n"
        "where there are only warnings.",
    .options = options,
    .examples = "  assay doctor\n"
                "  assay doctor --json\n",
    .run = doctor_run,
};
