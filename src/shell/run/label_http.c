/* Labels to a running service. First each event is asked for: whether it is there, and which label
 * it has; then what is new is posted, in batches and in the file's order. */
#include <stdio.h>
#include <string.h>

#include "core/data/json.h"
#include "core/velocity/velocity.h"
#include "shell/link/http_client.h"
#include "shell/os/clock.h"
#include "shell/run/label_index.h"
#include "shell/run/label_post.h"

enum {
    BATCH = 256,
    BATCH_BYTES = 32 << 10, /* under the least body size that a service may be set to */
    LAG_TRIES = 100,
    LAG_US = 50000,
    ASKED_EVERY = 64, /* rows between two reports of progress */
};

struct posting {
    struct http_client *client;
    struct json_reader *json;
    struct buffer answer, body;
    struct label_rows *rows;
    struct label_index index;
};

static bool ask(struct posting *p, const char *path, struct text body, int *status,
                struct json_document **d, struct error *e)
{
    *d = NULL;
    if (!http_client_ask(p->client, path, "application/json", body, &p->answer, status, e))
        return false;
    if (p->answer.length > 0)
        *d = json_parse(p->json, p->answer.bytes, p->answer.length, e);
    return *d != NULL || error_prefix(e, "%s answered %d, and no JSON", path, *status);
}

static struct text text_at(const struct json_document *d, const char *key)
{
    const struct json *v = d->root.kind == JSON_OBJECT ? json_get(&d->root, key) : NULL;

    return v != NULL && v->kind == JSON_TEXT ? v->text : text_of("no reason given");
}

/* Labels of an import just before must show: until the service's tables have caught up. */
static bool wait_until_caught_up(struct posting *p, struct error *e)
{
    for (int i = 0; i < LAG_TRIES; i++) {
        struct json_document *d;
        const struct json *lag;
        bool is_done;
        int status;

        if (!ask(p, "/readyz", (struct text){0}, &status, &d, e))
            return false;
        lag = d->root.kind == JSON_OBJECT ? json_get(&d->root, "store_lag") : NULL;
        is_done = lag == NULL || lag->integer == 0;
        json_free(d);
        if (is_done)
            return true;
        clock_sleep_us(LAG_US);
    }
    return error_set(e, ERROR_WORLD, "the service's tables lag behind its log: try again later");
}

/* ---- what is known ---- */

/* The label that an event has now, or that there is no such event. */
static bool ask_label(struct posting *p, const char *id, bool *is_there, uint8_t *label,
                      struct error *e)
{
    struct json_document *d;
    const struct json *v;
    struct buffer path;
    int status;
    bool ok;

    buffer_init(&path, 4 * LABEL_ID_MAX);
    buffer_add_text(&path, "/v1/decisions/");
    http_path_add(&path, text_of(id));
    ok = ask(p, buffer_text(&path), (struct text){0}, &status, &d, e);
    buffer_fini(&path);
    if (!ok)
        return false;
    v = d->root.kind == JSON_OBJECT ? json_get(&d->root, "label") : NULL;
    *is_there = status == 200;
    *label = v == NULL || v->kind != JSON_BOOL ? LABEL_UNKNOWN : v->boolean;
    ok = status == 200 || status == 404 ||
         error_set(e, ERROR_WORLD, "event \"%.60s\": the service answered %d: %.*s", id, status,
                   TEXT_ARG(text_at(d, "detail")));
    json_free(d);
    return ok;
}

/* Each event once, at its last row, which is what the file says of it in the end. */
static bool ask_all(struct posting *p, const struct progress *progress, struct error *e)
{
    for (uint32_t i = 0; i < p->rows->count; i++) {
        struct label_row *row = &p->rows->row[i];
        bool is_there;
        uint8_t label;

        if (row->fate != LABEL_OPEN || label_index_find(&p->index, text_of(row->id)) != row)
            continue;
        if (!ask_label(p, row->id, &is_there, &label, e))
            return false;
        if (!is_there)
            row->fate = LABEL_UNMATCHED;
        else if (label == row->label)
            row->fate = LABEL_REPEATED;
        if (i % ASKED_EVERY == 0 &&
            !progress_report(progress, "asking for the events", (double)i / p->rows->count))
            return error_set(e, ERROR_CANCELLED, "stopped while importing labels");
    }
    for (uint32_t i = 0; i < p->rows->count; i++) {
        struct label_row *row = &p->rows->row[i];
        const struct label_row *last = label_index_find(&p->index, text_of(row->id));

        if (row->fate == LABEL_OPEN)
            row->fate = last->fate;
    }
    return true;
}

/* ---- what is new ---- */

static void add_item(struct posting *p, const struct label_row *row)
{
    char time[TIME_TEXT_MAX];

    buffer_add_text(&p->body, p->body.length > 1 ? ",{\"id\":" : "{\"id\":");
    json_add_text(&p->body, text_of(row->id));
    buffer_add_text(&p->body, row->label == LABEL_UNKNOWN ? ",\"reversal\":true,\"source\":"
                              : row->label == 1           ? ",\"label\":true,\"source\":"
                                                          : ",\"label\":false,\"source\":");
    json_add_text(&p->body, text_of(row->source));
    if (row->has_time) {
        time_format(row->effective_us, time);
        buffer_format(&p->body, ",\"time\":\"%s\"", time);
    }
    buffer_add_char(&p->body, '}');
}

static bool judge(struct label_row **row, uint32_t count, const struct json_document *d,
                  struct error *e)
{
    const struct json *results = d->root.kind == JSON_OBJECT ? json_get(&d->root, "results") : NULL;

    if (results == NULL || results->kind != JSON_ARRAY || results->count != count)
        return error_set(e, ERROR_WORLD, "the service's answer has not one result for each label");
    for (uint32_t i = 0; i < count; i++) {
        const struct json *status =
            results->items[i].kind == JSON_OBJECT ? json_get(&results->items[i], "status") : NULL;
        int64_t code = status != NULL ? status->integer : 0;

        if (code == 429 || code >= 500)
            return error_set(e, ERROR_WORLD,
                             "the service takes no more labels now (%d): try again "
                             "later",
                             (int)code);
        row[i]->fate = code == 200 ? LABEL_TAKEN : code == 404 ? LABEL_UNMATCHED : LABEL_REFUSED;
    }
    return true;
}

static bool post_batch(struct posting *p, struct label_row **row, uint32_t count, struct error *e)
{
    struct json_document *d;
    int status;
    bool ok;

    buffer_add_char(&p->body, ']');
    if (!ask(p, "/v1/labels", (struct text){p->body.bytes, p->body.length}, &status, &d, e))
        return false;
    ok = status == 200
             ? judge(row, count, d, e)
             : error_set(e, status == 429 || status >= 500 ? ERROR_WORLD : ERROR_INVALID,
                         "the service answered %d: %.*s", status, TEXT_ARG(text_at(d, "detail")));
    json_free(d);
    return ok;
}

static bool post_all(struct posting *p, const struct progress *progress, struct error *e)
{
    struct label_row *batch[BATCH];
    uint32_t count = 0;

    for (uint32_t i = 0; i < p->rows->count; i++) {
        if (p->rows->row[i].fate == LABEL_OPEN) {
            if (count == 0) {
                buffer_clear(&p->body);
                buffer_add_char(&p->body, '[');
            }
            add_item(p, &p->rows->row[i]);
            batch[count++] = &p->rows->row[i];
        }
        if (count < BATCH && p->body.length < BATCH_BYTES && i + 1 < p->rows->count)
            continue;
        if (count > 0 && !post_batch(p, batch, count, e))
            return false;
        count = 0;
        if (!progress_report(progress, "sending labels", (double)(i + 1) / p->rows->count))
            return error_set(e, ERROR_CANCELLED, "stopped while importing labels");
    }
    return true;
}

bool label_post_http(const struct http_peer *peer, struct label_rows *r,
                     const struct progress *progress, struct error *e)
{
    struct posting p = {.rows = r, .client = http_client_of(peer), .json = json_reader_new()};
    bool ok;

    buffer_init(&p.answer, HTTP_ANSWER_MAX);
    buffer_init(&p.body, 4 * BATCH_BYTES);
    label_index_init(&p.index, r);
    ok = wait_until_caught_up(&p, e) && ask_all(&p, progress, e) && post_all(&p, progress, e);
    label_index_fini(&p.index);
    buffer_fini(&p.answer);
    buffer_fini(&p.body);
    json_reader_free(p.json);
    http_client_free(p.client);
    return ok;
}
