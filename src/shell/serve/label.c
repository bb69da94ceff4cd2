/* POST /v1/labels: what events turned out to be.
 *
 * One object or an array of them, each
 *   {"id": event id, "label": true | false | 1 | 0 | "fraud" | "legit", "source": "chargeback",
 *    "time": when it became known, "reversal": true}
 * A reversal takes the label back and needs no `label`. The answer has one status per item; only
 * a single object that is bad or unknown is a problem of the whole request.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/velocity/velocity.h"
#include "shell/os/clock.h"
#include "shell/serve/desk.h"

enum { LABELS_MAX = 10000 };

struct labelling {
    struct errand errand;
    struct problems *problems; /* NULL: the item is a label */
    bool was_sent;
};

static bool label_value(const struct json *v, uint8_t *label)
{
    switch (v->kind) {
    case JSON_BOOL:
        *label = v->boolean;
        return true;
    case JSON_INT:
        *label = (uint8_t)(v->integer == 1);
        return v->integer == 0 || v->integer == 1;
    case JSON_TEXT:
        *label = (uint8_t)text_is(v->text, "fraud");
        return *label == 1 || text_is(v->text, "legit");
    default:
        return false;
    }
}

static void read_label(const struct json *item, struct submission *sub, struct problems *p)
{
    const struct json *label = json_get(item, "label");
    const struct json *reversal = json_get(item, "reversal");

    if (reversal != NULL && reversal->kind != JSON_BOOL)
        problems_add(p, "/reversal", "expected true or false");
    if (reversal != NULL && reversal->kind == JSON_BOOL && reversal->boolean)
        sub->label = LABEL_UNKNOWN;
    else if (label == NULL)
        problems_add(p, "/label",
                     "missing: true, false, 1, 0, \"fraud\" or \"legit\"; or "
                     "\"reversal\": true");
    else if (!label_value(label, &sub->label))
        problems_add(p, "/label", "expected true, false, 1, 0, \"fraud\" or \"legit\"");
}

/* Ids that are whole numbers may be given as numbers. */
static void read_id(const struct json *item, struct arena *memory, struct submission *sub,
                    struct problems *p)
{
    const struct json *id = json_get(item, "id");

    if (id != NULL && id->kind == JSON_INT) {
        char *digits = arena_alloc(memory, 24);

        if (digits != NULL)
            sub->id =
                (struct text){digits, (size_t)snprintf(digits, 24, "%lld", (long long)id->integer)};
    } else if (id != NULL && id->kind == JSON_TEXT) {
        sub->id = id->text;
    }
    if (id == NULL)
        problems_add(p, "/id", "missing: the id of the event");
    else if (sub->id.length == 0 || sub->id.length > SHARD_ID_MAX)
        problems_add(p, "/id", "expected the id of an event, 1 to %d bytes", SHARD_ID_MAX);
}

static void read_rest(const struct json *item, struct submission *sub, struct problems *p)
{
    const struct json *source = json_get(item, "source");
    const struct json *time = json_get(item, "time");

    if (source != NULL && (source->kind != JSON_TEXT || source->text.length == 0 ||
                           source->text.length > SHARD_LABEL_SOURCE_MAX))
        problems_add(p, "/source", "expected text of 1 to %d bytes, like \"chargeback\"",
                     SHARD_LABEL_SOURCE_MAX);
    else
        sub->source = source != NULL ? source->text : text_of("api");
    if (time != NULL &&
        (time->kind != JSON_TEXT || !time_parse(time->text, TIME_ISO, &sub->effective_us)))
        problems_add(p, "/time", "expected a time like \"2018-04-01T00:00:31Z\"");
}

static void check_keys(const struct json *item, struct problems *p)
{
    static const struct text known[] = {
        {"id", 2}, {"label", 5}, {"source", 6}, {"time", 4}, {"reversal", 8}};
    enum { KNOWN = sizeof known / sizeof *known };

    for (uint32_t i = 0; i < item->count; i++) {
        char pointer[FIELD_NAME_MAX + 2];
        unsigned at = 0;
        int nearest, length;

        while (at < KNOWN && !text_equal(item->keys[i], known[at]))
            at++;
        if (at < KNOWN)
            continue;
        nearest = text_nearest(item->keys[i], known, KNOWN);
        length = item->keys[i].length < FIELD_NAME_MAX ? (int)item->keys[i].length : 0;
        snprintf(pointer, sizeof pointer, "/%.*s", length, item->keys[i].bytes);
        problems_add(p, pointer, "no member of a label%s%s%s",
                     nearest >= 0 ? "; did you mean \"" : "",
                     nearest >= 0 ? known[nearest].bytes : "", nearest >= 0 ? "\"?" : "");
    }
}

static void read_item(const struct json *item, struct arena *memory, struct labelling *l,
                      struct problems *p)
{
    int64_t now_us = clock_now_us();

    l->errand.submission =
        (struct submission){.kind = SUBMIT_LABEL, .received_us = now_us, .effective_us = now_us};
    if (item->kind != JSON_OBJECT) {
        problems_add(p, "", "expected an object");
        return;
    }
    check_keys(item, p);
    read_id(item, memory, &l->errand.submission, p);
    read_label(item, &l->errand.submission, p);
    read_rest(item, &l->errand.submission, p);
}

/* A bad item keeps a copy of what is wrong with it until its turn to be answered. */
static void send_item(struct server *s, struct exchange *x, const struct json *item,
                      struct arena *memory, struct labelling *l, struct bell *bell)
{
    struct problems *scratch = &seat_get(s)->problems;

    scratch->count = 0;
    scratch->more = 0;
    read_item(item, memory, l, scratch);
    if (scratch->count > 0) {
        l->problems = mem_alloc(sizeof *l->problems);
        *l->problems = *scratch;
        return;
    }
    l->errand.submission.asked = asked_of(x);
    l->was_sent = errand_send(s, &l->errand, bell);
}

/* ---- answers ---- */

static void format_item(const struct labelling *l, struct buffer *out)
{
    const struct submission *sub = &l->errand.submission;

    if (l->problems != NULL || !l->was_sent || sub->status != SUBMIT_DONE) {
        struct problem_words w = {.fields = l->problems};

        w.status = l->problems != NULL ? 422 : !l->was_sent ? 429 : submission_http_status(sub);
        w.detail = text_of(l->problems != NULL ? ""
                           : !l->was_sent      ? "the shard takes no more requests now"
                                               : sub->error);
        problem_format(&w, out);
        return;
    }
    buffer_add_text(out, "{\"id\":");
    json_add_text(out, sub->id);
    buffer_add_text(out, ",\"status\":200,\"event_seq\":");
    json_add_int(out, (int64_t)sub->seq);
    buffer_add_char(out, '}');
}

static void answer_single(struct exchange *x, struct server *s, const struct labelling *l)
{
    const struct submission *sub = &l->errand.submission;

    if (l->problems != NULL) {
        problem_answer_fields(x, l->problems);
    } else if (!l->was_sent) {
        server_refuse(s, x);
    } else if (sub->status != SUBMIT_DONE) {
        problem_answer(x, submission_http_status(sub), "%s", sub->error);
    } else {
        x->status = 200;
        format_item(l, &x->answer);
        buffer_add_char(&x->answer, '\n');
    }
}

static void answer_array(struct exchange *x, const struct labelling *items, uint32_t count)
{
    uint32_t taken = 0;

    buffer_add_text(&x->answer, "{\"results\":[");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_char(&x->answer, ',');
        format_item(&items[i], &x->answer);
        taken += items[i].was_sent && items[i].errand.submission.status == SUBMIT_DONE;
    }
    buffer_format(&x->answer, "],\"taken\":%u,\"refused\":%u}\n", taken, count - taken);
    x->status = 200;
}

/* The shard remembers ids within a horizon only, and chargebacks come late: the store knows where
 * in the log an older decision is. The shard holds the record's id against the label's. */
static void send_again(struct server *s, struct labelling *l, struct store *store,
                       struct bell *bell)
{
    struct submission *sub = &l->errand.submission;
    struct error ignored;
    uint64_t seq;

    if (!l->was_sent || sub->status != SUBMIT_NOT_FOUND ||
        !store_find(store, sub->id, &seq, &ignored))
        return;
    plan_unref(sub->plan);
    sub->plan = NULL;
    sub->event_seq = seq;
    l->errand.is_done = false;
    l->was_sent = errand_send(s, &l->errand, bell);
    if (l->was_sent)
        errand_wait(&l->errand);
}

static void find_older(struct server *s, struct labelling *l, uint32_t count, struct bell *bell)
{
    struct store *store;
    struct error e;

    if (s->o.project == NULL)
        return;
    if (seat_store(s, seat_get(s), &store, &e)) {
        for (uint32_t i = 0; i < count; i++)
            send_again(s, &l[i], store, bell);
        return;
    }
    for (uint32_t i = 0; i < count; i++) { /* it may be there all the same */
        struct submission *sub = &l[i].errand.submission;

        if (!l[i].was_sent || sub->status != SUBMIT_NOT_FOUND)
            continue;
        sub->status = SUBMIT_FAILED;
        snprintf(sub->error, sizeof sub->error, "%.*s", (int)sizeof sub->error - 1, e.text);
    }
}

static void label_all(struct server *s, struct exchange *x, struct json_document *d)
{
    bool is_array = d->root.kind == JSON_ARRAY;
    const struct json *items = is_array ? d->root.items : &d->root;
    uint32_t count = is_array ? d->root.count : 1;
    struct labelling *l = mem_array(count, sizeof *l);
    struct bell bell;

    bell_init(&bell);
    for (uint32_t i = 0; i < count; i++) {
        if (i >= DESK_WINDOW && l[i - DESK_WINDOW].was_sent)
            errand_wait(&l[i - DESK_WINDOW].errand);
        send_item(s, x, &items[i], &d->memory, &l[i], &bell);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (l[i].was_sent)
            errand_wait(&l[i].errand);
    }
    find_older(s, l, count, &bell);
    if (is_array)
        answer_array(x, l, count);
    else
        answer_single(x, s, &l[0]);
    for (uint32_t i = 0; i < count; i++) {
        plan_unref(l[i].errand.submission.plan);
        mem_free(l[i].problems);
    }
    mem_free(l);
    bell_fini(&bell);
}

enum http_next take_labels(struct server *s, struct exchange *x)
{
    struct text body = exchange_body(x);
    struct error e;
    struct json_document *d = json_parse(seat_get(s)->json, body.bytes, body.length, &e);

    if (d == NULL) {
        problem_answer(x, 400, "%s", e.text);
    } else if (d->root.kind == JSON_ARRAY && (d->root.count == 0 || d->root.count > LABELS_MAX)) {
        problem_answer(x, d->root.count == 0 ? 422 : 413, "expected 1 to %d labels, found %u",
                       LABELS_MAX, d->root.count);
    } else {
        label_all(s, x, d);
    }
    json_free(d);
    return HTTP_ANSWERED;
}
