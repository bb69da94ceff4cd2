#include "shell/stream/stream.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/cmd/cmd.h"
#include "shell/os/clock.h"
#include "shell/serve/http.h"

enum { LINE_MAX_BYTES = 1024, LINE_EVERY_US = 1000000, PORT_MOST = 65535, HOST_MAX = 256 };

struct session {
    struct invocation *v;
    struct streaming *stream;
    struct http *http;
    int64_t begun_us, line_us, rate_us;
    uint64_t rate_from;
    double per_second;
    char told[STREAM_WORDS_MAX]; /* the trouble that was told last */
};

static volatile sig_atomic_t terminated;

static void on_terminate(int signal_number)
{
    (void)signal_number;
    terminated = 1;
}

static bool stops(void *context)
{
    (void)context;
    return terminated || is_interrupted();
}

/* ---- what people see ---- */

/* A trouble and its end, once each. */
static void tell_trouble(struct session *s)
{
    struct stream_status *t = streaming_status(s->stream);
    char words[STREAM_WORDS_MAX];

    pthread_mutex_lock(&t->lock);
    memcpy(words, t->trouble, sizeof words);
    pthread_mutex_unlock(&t->lock);
    if (strcmp(words, s->told) == 0)
        return;
    term_clear(&s->v->term);
    fprintf(stderr, words[0] != 0 ? "waiting: %s\n" : "going on%s\n", words);
    memcpy(s->told, words, sizeof words);
}

static void tick(void *context)
{
    struct session *s = context;
    struct stream_status *t = streaming_status(s->stream);
    int64_t now_us = clock_monotonic_us();
    uint64_t decisions;
    struct buffer line;

    if (now_us - s->line_us < LINE_EVERY_US)
        return;
    s->line_us = now_us;
    tell_trouble(s);
    decisions = atomic_load(&t->count[STREAM_DECISIONS]);
    s->per_second = (double)(decisions - s->rate_from) * 1e6 / (double)(now_us - s->rate_us);
    s->rate_from = decisions;
    s->rate_us = now_us;
    if (!s->v->term.has_progress)
        return;
    buffer_init(&line, LINE_MAX_BYTES);
    stream_status_line(t, s->per_second, &line);
    fprintf(stderr, "\r\033[K%s", buffer_text(&line));
    s->v->term.is_dirty = true;
    buffer_fini(&line);
}

/* ---- metrics ---- */

static void on_begin(void *context, struct exchange *x)
{
    (void)context;
    x->body_max = 0;
    if (x->is_misdirected || x->is_malformed) {
        x->status = 400;
        x->content_type = "text/plain";
    }
}

static enum http_next on_request(void *context, struct exchange *x)
{
    struct session *s = context;
    struct stream_status *t = streaming_status(s->stream);

    x->status = 200;
    x->content_type = "text/plain; version=0.0.4; charset=utf-8";
    if (x->method != HTTP_GET && x->method != HTTP_HEAD) {
        x->status = 405;
        x->allow = "GET, HEAD";
    } else if (text_is(x->path, "/metrics")) {
        stream_status_metrics(t, streaming_plan(s->stream), &x->answer);
    } else if (text_is(x->path, "/healthz")) {
        buffer_add_text(&x->answer, "ok\n");
    } else if (text_is(x->path, "/readyz")) {
        x->status = atomic_load(&t->is_ready) && !atomic_load(&t->is_paused) ? 200 : 503;
        buffer_add_text(&x->answer, x->status == 200 ? "ready\n" : "not ready\n");
    } else {
        x->status = 404;
        buffer_add_text(&x->answer, "here are /metrics, /healthz and /readyz\n");
    }
    return HTTP_ANSWERED;
}

static void on_nothing(void *context, struct exchange *x)
{
    (void)context, (void)x;
}

/* PORT or HOST:PORT. */
static bool read_place(const char *place, char host[HOST_MAX], uint16_t *port, struct error *e)
{
    const char *colon = strrchr(place, ':');
    const char *digits = colon != NULL ? colon + 1 : place;
    char *end;
    long number = strtol(digits, &end, 10);

    if (*digits < '0' || *digits > '9' || *end != 0 || number > PORT_MOST ||
        (colon != NULL && (colon == place || colon - place >= HOST_MAX)))
        return error_set(e, ERROR_USAGE,
                         "--metrics \"%.80s\": expected PORT or HOST:PORT, such as 9100 or "
                         "0.0.0.0:9100",
                         place);
    if (colon != NULL)
        snprintf(host, HOST_MAX, "%.*s", (int)(colon - place), place);
    *port = (uint16_t)number;
    return true;
}

static bool open_metrics(struct session *s, struct error *e)
{
    struct http_options o = {.threads = 1,
                             .connections = 16,
                             .context = s,
                             .begin = on_begin,
                             .handle = on_request,
                             .answering = on_nothing,
                             .ended = on_nothing};
    char host[HOST_MAX] = "127.0.0.1";

    if (!option_has(s->v, "metrics"))
        return true;
    if (!read_place(option_get(s->v, "metrics"), host, &o.port, e))
        return false;
    o.host = host;
    if (!http_start(&o, &s->http, e))
        return false;
    fprintf(stderr, "metrics on http://%s:%u/metrics\n", host, http_port(s->http));
    return true;
}

/* ---- the command ---- */

static bool tell_end(struct session *s, struct error *e)
{
    struct buffer out;
    struct stream_status *t = streaming_status(s->stream);
    double seconds = (double)(clock_monotonic_us() - s->begun_us) / 1e6;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (s->v->json) {
        stream_status_json(t, streaming_plan(s->stream), &out);
        buffer_add_char(&out, '\n');
    } else {
        buffer_format(
            &out,
            "%" PRIu64 " messages: %" PRIu64 " decisions, %" PRIu64 " repeated, %" PRIu64
            " labels, %" PRIu64 " dead letters; %" PRIu64 " transactions, %.1f s\n",
            atomic_load(&t->count[STREAM_MESSAGES]), atomic_load(&t->count[STREAM_DECISIONS]),
            atomic_load(&t->count[STREAM_REPEATED]), atomic_load(&t->count[STREAM_LABELS]),
            atomic_load(&t->count[STREAM_DEAD_LETTERS]),
            atomic_load(&t->count[STREAM_TRANSACTIONS]), seconds);
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool stream_with(struct session *s, struct settings *settings, struct error *e)
{
    struct streaming_options o = {.settings = settings,
                                  .simd = s->v->simd,
                                  .once = option_has(s->v, "once"),
                                  .stops = stops,
                                  .tick = tick,
                                  .context = s};
    bool ok;

    if (!streaming_open(&o, &s->stream, e))
        return false;
    if (streaming_warning(s->stream)[0] != 0)
        fprintf(stderr, "assay: %s\n", streaming_warning(s->stream));
    s->begun_us = s->line_us = s->rate_us = clock_monotonic_us();
    ok = open_metrics(s, e) && streaming_run(s->stream, e);
    term_clear(&s->v->term);
    if (s->http != NULL) {
        http_drain(s->http);
        http_stop(s->http);
    }
    ok = ok && tell_end(s, e);
    streaming_close(s->stream);
    return ok;
}

static bool stream_command_run(struct invocation *v, struct error *e)
{
    struct session s = {.v = v};
    struct sigaction action = {.sa_handler = on_terminate};
    struct settings *settings;
    bool ok;

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN; /* a peer that has gone */
    sigaction(SIGPIPE, &action, NULL);
    if (!invocation_settings(v, &settings, e))
        return false;
    ok = stream_with(&s, settings, e);
    settings_free(settings);
    return ok;
}

static const struct option options[] = {
    {"once", 0, NULL, "end where the topic ended at the start"},
    {"metrics", 0, "[HOST:]PORT",
     "metrics, health and readiness over HTTP; on this machine unless HOST says; 0: any port"},
    {0},
};

const struct command command_stream = {
    .name = "stream",
    .group = GROUP_DECIDE,
    .summary = "decides the events of a Kafka topic, exactly once, until Ctrl-C or SIGTERM",
    .arguments = "",
    .words =
        "Reads stream.topic as a member of kafka.group and writes decisions to stream.decisions and "
        "the\nsinks of the settings. Start as many workers as there are partitions, each with its own "
        "data\ndirectory. Messages that are no events go to stream.dead_letters with the reason.\n"
        "Exit: 0 stopped or through, 1 settings or topic, 3 brokers away at the start.",
    .options = options,
    .examples = "  assay stream\n"
                "  assay stream --once --json\n"
                "  assay stream --metrics 9100 --set data_directory=/var/lib/assay/worker-2\n",
    .run = stream_command_run,
};
