/* `assay reload`: asks a running server to bring the settings as they are now into force, and waits
 * until they are. */
#include <stdio.h>

#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/link/http_client.h"
#include "shell/os/clock.h"

enum { PATH_BYTES = 128, POLL_US = 100000 };

struct reloading {
    struct invocation *v;
    struct http_client *client;
    struct json_reader *json;
    struct buffer answer;
    int status;
};

static bool ask(struct reloading *r, const char *path, struct text body, struct json_document **d,
                struct error *e)
{
    *d = NULL;
    return http_client_ask(r->client, path, "application/json", body, &r->answer, &r->status, e) &&
           (*d = json_parse(r->json, r->answer.bytes, r->answer.length, e)) != NULL;
}

static struct text text_at(const struct json_document *d, const char *key)
{
    const struct json *v = json_get(&d->root, key);

    return v != NULL && v->kind == JSON_TEXT ? v->text : (struct text){"", 0};
}

static bool refused(const struct reloading *r, const struct json_document *d, struct error *e)
{
    enum error_kind kind = r->status == 409   ? ERROR_CONFLICT
                           : r->status >= 500 ? ERROR_WORLD
                                              : ERROR_INVALID;

    return error_set(e, kind, "%.*s%s", TEXT_ARG(text_at(d, "detail")), hint_of_status(r->status));
}

static double real_at(const struct json_document *d, const char *key)
{
    const struct json *v = json_get(&d->root, key);

    if (v == NULL)
        return 0;
    return v->kind == JSON_REAL ? v->real : v->kind == JSON_INT ? (double)v->integer : 0;
}

/* Until the job has ended; `d` is then its last state. */
static bool follow(struct reloading *r, struct json_document **d, struct error *e)
{
    char path[PATH_BYTES], stage[TERM_STAGE_MAX];

    snprintf(path, sizeof path, "/v1/jobs/%.*s", TEXT_ARG(text_at(*d, "id")));
    while (text_is(text_at(*d, "state"), "running")) {
        snprintf(stage, sizeof stage, "%.*s", TEXT_ARG(text_at(*d, "stage")));
        if (!progress_report(term_progress(&r->v->term), stage, real_at(*d, "progress")))
            return error_set(e, ERROR_CANCELLED,
                             "stopped waiting; the server goes on: see %s there", path);
        clock_sleep_us(POLL_US);
        json_free(*d);
        if (!ask(r, path, (struct text){NULL, 0}, d, e))
            return false;
        if (r->status != 200)
            return refused(r, *d, e);
    }
    return text_is(text_at(*d, "state"), "done") ||
           error_set(e, ERROR_INVALID, "not reloaded, the plan that was in force is: %.*s",
                     TEXT_ARG(text_at(*d, "error")));
}

static bool is_true(const struct json *object, const char *key)
{
    const struct json *v = json_get(object, key);

    return v != NULL && v->kind == JSON_BOOL && v->boolean;
}

static void print_words(const struct json *result, struct buffer *out)
{
    const struct json *plan = json_get(result, "plan"), *records = json_get(result, "records");
    const struct json *next = json_get(result, "next_start");

    if (!is_true(result, "changed"))
        buffer_add_text(out, "nothing that decides has changed; tables were read again\n");
    else
        buffer_format(out, "the new plan is in force (record %lld)\n",
                      plan != NULL ? (long long)plan->integer : 0);
    if (is_true(result, "rebuilt"))
        buffer_format(out, "  its state was built from %lld records of the log\n",
                      records != NULL ? (long long)records->integer : 0);
    for (uint32_t i = 0; next != NULL && i < next->count; i++)
        buffer_format(out, "  %.*s takes effect at the next start\n",
                      TEXT_ARG(next->items[i].text));
}

static bool tell(struct reloading *r, const struct json_document *d, struct error *e)
{
    const struct json *result = json_get(&d->root, "result");
    struct buffer out;
    bool ok;

    if (result == NULL)
        return error_set(e, ERROR_WORLD, "the server's answer has no result");
    term_clear(&r->v->term);
    buffer_init(&out, OUTPUT_MAX);
    if (r->v->json)
        buffer_add(&out, r->answer.bytes, r->answer.length);
    else
        print_words(result, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool reload_at(struct invocation *v, const struct http_peer *peer, struct error *e)
{
    struct reloading r = {.v = v, .client = http_client_of(peer), .json = json_reader_new()};
    struct json_document *d = NULL;
    bool ok;

    buffer_init(&r.answer, HTTP_ANSWER_MAX);
    ok = ask(&r, "/v1/settings:reload", (struct text){"{}", 2}, &d, e);
    if (ok && r.status != 200 && r.status != 202)
        ok = refused(&r, d, e);
    ok = ok && follow(&r, &d, e) && tell(&r, d, e);
    json_free(d);
    buffer_fini(&r.answer);
    json_reader_free(r.json);
    http_client_free(r.client);
    return ok;
}

static bool reload_run(struct invocation *v, struct error *e)
{
    char url[SERVICE_URL_MAX];
    struct http_peer peer;

    return invocation_service(v, NULL, url, &peer, e) && reload_at(v, &peer, e);
}

static const struct option options[] = {
    OPTIONS_SERVICE,
    {0},
};

const struct command command_reload = {
    .name = "reload",
    .group = GROUP_DECIDE,
    .summary = "brings changed settings, rules, tables and models into force in a running server",
    .arguments = "",
    .words =
        "Decisions go on. Rules, thresholds and models change at once. Where features changed, the\n"
        "server first builds their state from its log, so that they are warm from their history, and\n"
        "decides by the old plan until then. Settings with a mistake change nothing.",
    .options = options,
    .examples = "  assay reload\n"
                "  assay reload --url http://127.0.0.1:9090 --json\n",
    .run = reload_run,
};
