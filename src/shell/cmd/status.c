/* `assay status`: what a running service does, once or live. Everything comes from GET /v1/status;
 * live, rates and times are those since the look before. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/link/http_client.h"
#include "shell/os/clock.h"

enum { BUCKETS_MAX = 128, EVERY_S = 1, EVERY_MAX_S = 3600, WAIT_STEP_US = 50000 };

/* What is counted from the start on: two of them give a rate. */
struct counts {
    double uptime_s, decisions, fallbacks;
    double bound_us[BUCKETS_MAX], count[BUCKETS_MAX];
    uint32_t buckets;
};

struct looking {
    struct invocation *v;
    struct http_client *client;
    struct json_reader *json;
    struct buffer answer;
    struct json_document *document;
    struct counts now, before; /* of before: all 0 at the first look */
};

/* ---- the answer ---- */

static const struct json *at(const struct json *object, const char *a, const char *b)
{
    const struct json *v = object != NULL ? json_get(object, a) : NULL;

    return v != NULL && b != NULL ? json_get(v, b) : v;
}

static double real(const struct json *v)
{
    if (v == NULL)
        return 0;
    return v->kind == JSON_REAL ? v->real : v->kind == JSON_INT ? (double)v->integer : 0;
}

static struct text words(const struct json *v, const char *otherwise)
{
    return v != NULL && v->kind == JSON_TEXT ? v->text : text_of(otherwise);
}

static void read_counts(const struct json *root, struct counts *c)
{
    const struct json *bounds = at(root, "latency", "bounds_us");
    const struct json *counts = at(root, "latency", "counts");

    *c = (struct counts){.uptime_s = real(at(root, "uptime_s", NULL)),
                         .decisions = real(at(root, "decisions", "all")),
                         .fallbacks = real(at(root, "decisions", "fallbacks"))};
    if (bounds == NULL || counts == NULL || counts->count > BUCKETS_MAX ||
        bounds->count + 1 != counts->count)
        return;
    c->buckets = counts->count;
    for (uint32_t i = 0; i < counts->count; i++) {
        c->count[i] = real(&counts->items[i]);
        if (i < bounds->count)
            c->bound_us[i] = real(&bounds->items[i]);
    }
}

static bool look(struct looking *l, struct error *e)
{
    int status;

    json_free(l->document);
    l->document = NULL;
    if (!http_client_ask(l->client, "/v1/status", "application/json", (struct text){NULL, 0},
                         &l->answer, &status, e))
        return false;
    l->document = json_parse(l->json, l->answer.bytes, l->answer.length, e);
    if (l->document == NULL)
        return error_prefix(e, "the answer of /v1/status");
    if (status != 200)
        return error_set(e, status >= 500 ? ERROR_WORLD : ERROR_INVALID,
                         "the service answered %d: %.*s%s", status,
                         TEXT_ARG(words(json_get(&l->document->root, "detail"), "no status")),
                         hint_of_status(status));
    l->before = l->now;
    read_counts(&l->document->root, &l->now);
    if (l->now.uptime_s < l->before.uptime_s) /* it was started anew */
        l->before = (struct counts){0};
    return true;
}

/* ---- showing ---- */

static void add_size(struct buffer *out, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    int unit = 0;

    for (; bytes >= 1024 && unit < 5; unit++)
        bytes /= 1024;
    buffer_format(out, bytes < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void add_us(struct buffer *out, double us)
{
    if (us <= 0)
        buffer_add_char(out, '-');
    else if (us < 1000)
        buffer_format(out, "%.0f us", us);
    else if (us < 1e6)
        buffer_format(out, "%.1f ms", us / 1000);
    else
        buffer_format(out, "%.1f s", us / 1e6);
}

/* Of what came since the look before; drawn straight between the bounds. */
static double quantile_us(const struct looking *l, double q)
{
    const struct counts *now = &l->now, *was = &l->before;
    double total = 0, passed = 0;

    for (uint32_t i = 0; i < now->buckets; i++)
        total += now->count[i] - was->count[i];
    for (uint32_t i = 0; i + 1 < now->buckets; i++) {
        double count = now->count[i] - was->count[i];
        double low = i > 0 ? now->bound_us[i - 1] : 0;

        if (count > 0 && passed + count >= q * total)
            return low + (now->bound_us[i] - low) * (q * total - passed) / count;
        passed += count;
    }
    return total > 0 && now->buckets > 1 ? now->bound_us[now->buckets - 2] : 0;
}

static void add_list(const struct looking *l, const char *key, enum colour colour,
                     struct buffer *out)
{
    const struct json *list = json_get(&l->document->root, key);

    for (uint32_t i = 0; list != NULL && i < list->count; i++)
        buffer_format(out, "  %s%.*s%s\n", term_colour(&l->v->term, colour),
                      TEXT_ARG(words(&list->items[i], "")), term_colour(&l->v->term, COLOUR_NONE));
}

static void add_traffic(const struct looking *l, struct buffer *out)
{
    const struct json *root = &l->document->root, *outcomes = at(root, "decisions", "by_outcome");
    double seconds = l->now.uptime_s - l->before.uptime_s;
    double made = l->now.decisions - l->before.decisions;

    buffer_format(out, "  decisions  %.0f, %.1f/s %s;", l->now.decisions,
                  seconds > 0 ? made / seconds : 0,
                  l->before.uptime_s > 0 ? "now" : "since the start");
    for (uint32_t i = 0; outcomes != NULL && i < outcomes->count; i++)
        buffer_format(out, "%s %.*s %.0f", i > 0 ? "," : "", TEXT_ARG(outcomes->keys[i]),
                      real(&outcomes->items[i]));
    if (l->now.fallbacks > 0)
        buffer_format(out, "; fallbacks %.0f", l->now.fallbacks);
    buffer_add_text(out, "\n  latency    p50 ");
    add_us(out, quantile_us(l, 0.5));
    buffer_add_text(out, ", p99 ");
    add_us(out, quantile_us(l, 0.99));
    buffer_add_text(out, ", p99.9 ");
    add_us(out, quantile_us(l, 0.999));
    buffer_add_text(out, "\n  queue      ");
    buffer_format(out, "%.0f of %.0f", real(at(root, "queue", "length")),
                  real(at(root, "queue", "capacity")));
    buffer_format(out, "; connections %.0f; answers 2xx %.0f, 4xx %.0f, 5xx %.0f\n",
                  real(at(root, "http", "connections")),
                  real(at(at(root, "http", "answers"), "2xx", NULL)),
                  real(at(at(root, "http", "answers"), "4xx", NULL)),
                  real(at(at(root, "http", "answers"), "5xx", NULL)));
}

static void add_room(const struct looking *l, struct buffer *out)
{
    const struct json *root = &l->document->root;

    buffer_add_text(out, "  log        ");
    add_size(out, real(at(root, "log", "bytes")));
    buffer_format(out, ", record %.0f, %.0f not on the disk yet", real(at(root, "log", "seq")),
                  real(at(root, "log", "lag")));
    if (at(root, "store", "lag") != NULL)
        buffer_format(out, "; the store lags %.0f", real(at(root, "store", "lag")));
    buffer_add_text(out, "\n  memory     state ");
    add_size(out, real(at(root, "memory", "state")));
    buffer_add_text(out, " of ");
    add_size(out, real(at(root, "memory", "limit")));
    buffer_add_text(out, ", process ");
    add_size(out, real(at(root, "memory", "resident")));
    buffer_format(out, "\n  snapshots  %.0f written, at record %.0f, ",
                  real(at(root, "snapshots", "written")), real(at(root, "snapshots", "seq")));
    add_size(out, real(at(root, "snapshots", "bytes")));
    buffer_format(out, "; failed %.0f, given up %.0f\n  disk       ",
                  real(at(root, "snapshots", "failed")), real(at(root, "snapshots", "given_up")));
    add_size(out, real(at(root, "volume", "free")));
    buffer_format(out, " left, %.0f %% used\n", 100 * real(at(root, "volume", "used")));
}

static void add_words(const struct looking *l, struct buffer *out)
{
    const struct json *root = &l->document->root, *ready = at(root, "ready", NULL);
    bool is_ready = ready != NULL && ready->boolean;

    buffer_format(out, "%s%.*s%s: %s, up %.0f s, filled until %.*s\n",
                  term_colour(&l->v->term, COLOUR_BOLD),
                  TEXT_ARG(words(at(root, "name", NULL), "service")),
                  term_colour(&l->v->term, COLOUR_NONE), is_ready ? "ready" : "not ready",
                  l->now.uptime_s, TEXT_ARG(words(at(root, "filled_until", NULL), "nothing yet")));
    buffer_format(out, "  plan       %.*s, record %.0f, model %.*s",
                  TEXT_ARG(words(at(root, "plan", "id"), "")), real(at(root, "plan", "seq")),
                  TEXT_ARG(words(at(root, "plan", "model"), "none")));
    if (real(at(root, "plan", "building")) > 0)
        buffer_format(out, "; another is built: %.0f %%", 100 * real(at(root, "plan", "building")));
    buffer_add_char(out, '\n');
    add_traffic(l, out);
    add_room(l, out);
    add_list(l, "errors", COLOUR_RED, out);
    add_list(l, "warnings", COLOUR_YELLOW, out);
}

static bool show(const struct looking *l, bool redraws, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (redraws)
        buffer_add_text(&out, "\033[H\033[J");
    if (l->v->json)
        buffer_add(&out, l->answer.bytes, l->answer.length);
    else
        add_words(l, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

/* ---- once, or until Ctrl-C ---- */

static bool wait_interrupted(int64_t us)
{
    for (int64_t until_us = clock_monotonic_us() + us;
         !is_interrupted() && clock_monotonic_us() < until_us;)
        clock_sleep_us(WAIT_STEP_US);
    return is_interrupted();
}

static bool watch(struct looking *l, int64_t every_s, int64_t times, struct error *e)
{
    bool redraws = !l->v->json && isatty(STDOUT_FILENO);

    for (int64_t i = 0; times == 0 || i < times; i++) {
        if (i > 0 && wait_interrupted(every_s * 1000000))
            return true;
        if (!look(l, e) || !show(l, redraws, e))
            return false;
    }
    return true;
}

static bool status_run(struct invocation *v, struct error *e)
{
    struct looking l = {.v = v};
    int64_t every_s = EVERY_S, times = option_has(v, "watch") ? 0 : 1;
    char url[SERVICE_URL_MAX];
    struct http_peer peer;
    bool ok;

    if (!option_whole(v, "every", 1, EVERY_MAX_S, &every_s, e) ||
        !option_whole(v, "times", 1, INT64_MAX, &times, e) ||
        !invocation_service(v, NULL, url, &peer, e))
        return false;
    l.client = http_client_of(&peer);
    l.json = json_reader_new();
    buffer_init(&l.answer, HTTP_ANSWER_MAX);
    ok = watch(&l, every_s, times, e);
    json_free(l.document);
    buffer_fini(&l.answer);
    json_reader_free(l.json);
    http_client_free(l.client);
    return ok;
}

static const struct option options[] = {
    OPTIONS_SERVICE,
    {"watch", 'w', NULL, "go on until Ctrl-C; rates and times are those since the look before"},
    {"every", 0, "SECONDS", "between two looks (default 1)"},
    {"times", 0, "N", "look so often, then end"},
    {0},
};

const struct command command_status = {
    .name = "status",
    .group = GROUP_LOOK,
    .summary = "shows what a running service does: rate, times, queue, lag, memory, errors",
    .arguments = "",
    .words = "On a terminal --watch draws in place; elsewhere each look is printed below the last.",
    .options = options,
    .examples = "  assay status\n"
                "  assay status --watch\n"
                "  assay status --json --url https://fraud.example.org --key KEY\n",
    .run = status_run,
};
