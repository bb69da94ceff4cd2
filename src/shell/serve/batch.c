/* POST /v1/decisions:batch: NDJSON in, NDJSON out in the same order.
 *
 * A desk thread reads line after line and keeps up to DESK_WINDOW submissions on their way, so the
 * shard works on whole groups; the queue is first in, first out, so lines are decided in their
 * order. A line that is no event takes a place in the window too: its problem is written when its
 * turn comes.
 */
#include <string.h>

#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/run/verdict.h"
#include "shell/serve/desk.h"
#include "shell/serve/incoming.h"

enum {
    BATCH_LINES_MAX = 100000,
    PLACE_BYTES_MAX = SHARD_EVENT_MAX + SHARD_ID_MAX,
    STALE_WAIT_US = 1000,
};

struct place {
    struct errand errand;
    bool was_sent;
    struct text json;
    uint64_t line;
    int64_t time_us;
    struct buffer bytes; /* id and event, or the problem as JSON */
};

struct batch {
    struct server *server;
    struct seat *seat;
    struct bell bell;
    struct place *places;  /* a ring of DESK_WINDOW */
    uint64_t taken, given; /* places ever */
    bool explain, dry_run;
    struct text key; /* Idempotency-Key */
    struct asked asked;
    struct buffer *out;
};

static void refuse_line(struct place *p, unsigned status, const char *detail,
                        const struct problems *fields)
{
    p->was_sent = false;
    buffer_clear(&p->bytes);
    problem_format(
        &(struct problem_words){
            .status = status, .line = p->line, .detail = text_of(detail), .fields = fields},
        &p->bytes);
}

static void send_line(struct batch *b, struct place *p, const struct incoming *in,
                      int64_t received_us)
{
    struct submission *sub = &p->errand.submission;

    buffer_clear(&p->bytes);
    buffer_add_slice(&p->bytes, in->id);
    buffer_add_slice(&p->bytes, in->event);
    *sub = (struct submission){.kind = b->dry_run ? SUBMIT_PEEK : SUBMIT_DECISION,
                               .id = {p->bytes.bytes, in->id.length},
                               .event = {p->bytes.bytes + in->id.length, in->event.length},
                               .received_us = received_us,
                               .explain = b->explain,
                               .fields = b->seat->fields,
                               .asked = b->asked};
    p->time_us = in->time_us;
    p->was_sent = errand_send(b->server, &p->errand, &b->bell);
    if (!p->was_sent)
        refuse_line(p, 429, "the shard takes no more requests now; send this line again", NULL);
}

static void read_line(struct batch *b, struct place *p)
{
    int64_t received_us = clock_now_us();
    struct incoming_key key = {b->key, p->line};
    struct incoming in;

    if (incoming_read(b->seat, p->json, &key, received_us, &in)) {
        send_line(b, p, &in, received_us);
        return;
    }
    refuse_line(p, problem_status(&b->seat->problems), "", &b->seat->problems);
}

/* The line came to a plan with other fields. All lines behind it did too, or are read later, so the
 * order stays. */
static void read_again(struct batch *b, struct place *p)
{
    clock_sleep_us(STALE_WAIT_US); /* the server is told of the plan a moment after the shard */
    b->seat = seat_get(b->server);
    read_line(b, p);
}

static void place_answer(struct batch *b, struct place *p)
{
    const struct submission *sub = &p->errand.submission;

    while (p->was_sent) {
        errand_wait(&p->errand);
        if (sub->status != SUBMIT_STALE)
            break;
        read_again(b, p);
    }
    if (p->was_sent && sub->status != SUBMIT_DONE && sub->status != SUBMIT_REPEATED)
        refuse_line(p, submission_http_status(sub), sub->error, NULL);
    if (p->was_sent) {
        verdict_open(&(struct verdict){.id = sub->id,
                                       .seq = b->dry_run ? 0 : sub->seq,
                                       .time_us = p->time_us,
                                       .received_us = INT64_MIN,
                                       .plan = sub->plan,
                                       .decision = &sub->decision,
                                       .is_repeated = sub->status == SUBMIT_REPEATED},
                     b->out);
        buffer_add_text(b->out, "}\n");
    } else {
        buffer_add(b->out, p->bytes.bytes, p->bytes.length);
        buffer_add_char(b->out, '\n');
    }
    plan_unref(sub->plan);
    p->errand.submission.plan = NULL;
    atomic_fetch_add_explicit(&b->server->metrics.batch_lines, 1, memory_order_relaxed);
}

static void give_oldest(struct batch *b)
{
    place_answer(b, &b->places[b->given++ % DESK_WINDOW]);
}

static void take_line(struct batch *b, struct text line, uint64_t number)
{
    struct place *p;

    if (!seat_is_current(b->server, b->seat)) {
        while (b->given < b->taken)
            give_oldest(b);
        b->seat = seat_get(b->server);
    }
    if (b->taken - b->given == DESK_WINDOW)
        give_oldest(b);
    p = &b->places[b->taken++ % DESK_WINDOW];
    p->line = number;
    p->json = line;
    read_line(b, p);
}

/* Takes, or only counts, each line that is not blank; returns how many there are. */
static uint64_t each_line(struct batch *b, struct text body, bool count_only)
{
    uint64_t lines = 0, number = 0;

    while (body.length > 0) {
        const char *end = memchr(body.bytes, '\n', body.length);
        size_t length = end != NULL ? (size_t)(end - body.bytes) : body.length;
        struct text line = text_trim((struct text){body.bytes, length});

        number++;
        body.bytes += end != NULL ? length + 1 : length;
        body.length -= end != NULL ? length + 1 : length;
        if (line.length == 0)
            continue;
        lines++;
        if (!count_only)
            take_line(b, line, number);
    }
    return lines;
}

static void batch_run(struct batch *b, struct text body)
{
    bell_init(&b->bell);
    b->places = mem_array(DESK_WINDOW, sizeof *b->places);
    for (unsigned i = 0; i < DESK_WINDOW; i++)
        buffer_init(&b->places[i].bytes, PLACE_BYTES_MAX);
    each_line(b, body, false);
    while (b->given < b->taken)
        give_oldest(b);
    for (unsigned i = 0; i < DESK_WINDOW; i++)
        buffer_fini(&b->places[i].bytes);
    mem_free(b->places);
    bell_fini(&b->bell);
}

enum http_next decide_batch(struct server *s, struct exchange *x)
{
    struct batch b = {.server = s, .seat = seat_get(s), .out = &x->answer, .asked = asked_of(x)};
    struct text body = exchange_body(x);
    uint64_t lines;

    if (!query_bool(x, "explain", &b.explain) || !query_bool(x, "dry_run", &b.dry_run) ||
        !keyed_key(x, &b.key))
        return HTTP_ANSWERED;
    lines = each_line(&b, body, true);
    if (lines == 0 || lines > BATCH_LINES_MAX) {
        problem_answer(x, lines == 0 ? 400 : 413, "expected 1 to %d lines, found %llu",
                       BATCH_LINES_MAX, (unsigned long long)lines);
        return HTTP_ANSWERED;
    }
    x->status = 200;
    x->content_type = "application/x-ndjson";
    batch_run(&b, body);
    return HTTP_ANSWERED;
}
