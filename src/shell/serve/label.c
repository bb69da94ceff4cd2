/* POST /v1/labels: what events turned out to be (run/label_said.h).
 *
 * One object or an array of them. The answer has one status per item; only a single object that is
 * bad or unknown is a problem of the whole request.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/run/label_said.h"
#include "shell/serve/desk.h"

enum { LABELS_MAX = 10000 };

struct labelling {
    struct errand errand;
    struct label_said said;
    struct problems *problems; /* NULL: the item is a label */
    bool was_sent;
};

static void read_item(const struct json *item, struct labelling *l, struct problems *p)
{
    struct submission *sub = &l->errand.submission;
    int64_t now_us = clock_now_us();

    label_said_read(item, JSON_UNKNOWN_REFUSE, &l->said, p);
    *sub =
        (struct submission){.kind = SUBMIT_LABEL,
                            .id = l->said.id,
                            .label = l->said.label,
                            .source = l->said.source.length > 0 ? l->said.source : text_of("api"),
                            .received_us = now_us,
                            .effective_us = l->said.has_time ? l->said.time_us : now_us};
}

/* A bad item keeps a copy of what is wrong with it until its turn to be answered. */
static void send_item(struct server *s, struct exchange *x, const struct json *item,
                      struct labelling *l, struct bell *bell)
{
    struct problems *scratch = &seat_get(s)->problems;

    scratch->count = 0;
    scratch->more = 0;
    read_item(item, l, scratch);
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
        send_item(s, x, &items[i], &l[i], &bell);
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
