/* POST /v1/decisions, the hot path.
 *
 * The I/O thread reads the JSON, encodes the event and hands it to the shard; the connection
 * sleeps. The shard's commit thread, once the decision is durable, only wakes the connection, and
 * the answer is written on the I/O thread again. The memory for it is the connection's, kept from
 * request to request.
 */
#include <string.h>

#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/run/verdict.h"
#include "shell/serve/desk.h"
#include "shell/serve/incoming.h"

struct deciding {
    struct submission submission;
    struct server *server;
    int64_t time_us;
    int64_t read_ns, decoded_ns; /* monotonic: the body was there, the event was made */
    bool tells_stages;
    char bytes[]; /* id, event */
};

static void decided(struct submission *submission)
{
    exchange_resume(submission->context);
}

/* The event came to a plan with other fields: it is read again, by that plan. */
static enum http_next decide_again(struct exchange *x)
{
    struct deciding *d = x->state;
    struct server *s = d->server;

    x->state = NULL;
    x->ready = NULL;
    return decide_one(s, x);
}

static void add_stages(const struct stage_times *t, struct buffer *out)
{
    buffer_add_text(out, ",\"stages_us\":{");
    for (int i = 0; i < STAGES; i++)
        buffer_format(out, "%s\"%s\":%.1f", i > 0 ? "," : "", stage_name((enum stage)i),
                      (double)t->ns[i] / 1e3);
    buffer_add_char(out, '}');
}

/* Of this I/O thread's part, and of the whole. */
static void count_times(const struct exchange *x, const struct deciding *d, int64_t now_ns)
{
    const struct submission *sub = &d->submission;
    struct metrics_times *m = &seat_get(d->server)->times;
    unsigned outcome = decision_is_made(&sub->decision) ? sub->decision.outcome : PLAN_OUTCOMES_MAX;

    histogram_add(&m->stages[STAGE_READ], sub->times.ns[STAGE_READ], 1);
    histogram_add(&m->stages[STAGE_DECODE], sub->times.ns[STAGE_DECODE], 1);
    if (sub->done_ns != 0)
        histogram_add(&m->stages[STAGE_ANSWER], sub->times.ns[STAGE_ANSWER], 1);
    histogram_add(&m->whole[outcome], now_ns - x->started_us * 1000, 1);
}

static enum http_next answer_decided(struct exchange *x)
{
    struct deciding *d = x->state;
    struct submission *sub = &d->submission;
    int64_t now_ns;

    if (sub->status == SUBMIT_STALE)
        return decide_again(x);
    if (sub->status != SUBMIT_DONE && sub->status != SUBMIT_REPEATED) {
        problem_answer(x, submission_http_status(sub), "%s%s",
                       sub->status == SUBMIT_FULL ? "nothing was recorded: " : "", sub->error);
        return HTTP_ANSWERED;
    }
    x->status = decision_is_made(&sub->decision) ? 200 : 202;
    x->is_replay = sub->status == SUBMIT_REPEATED;
    verdict_open(&(struct verdict){.id = sub->id,
                                   .seq = sub->kind == SUBMIT_PEEK ? 0 : sub->seq,
                                   .time_us = d->time_us,
                                   .received_us = INT64_MIN,
                                   .plan = sub->plan,
                                   .decision = &sub->decision,
                                   .is_repeated = x->is_replay},
                 &x->answer);
    now_ns = clock_monotonic_ns();
    sub->times.ns[STAGE_READ] = d->read_ns - x->started_us * 1000;
    sub->times.ns[STAGE_DECODE] = d->decoded_ns - d->read_ns;
    if (sub->done_ns != 0)
        sub->times.ns[STAGE_ANSWER] = now_ns - sub->done_ns;
    if (d->tells_stages)
        add_stages(&sub->times, &x->answer);
    buffer_add_text(&x->answer, "}\n");
    count_times(x, d, now_ns);
    return HTTP_ANSWERED;
}

void decide_ended(struct exchange *x)
{
    struct deciding *d = x->state;

    if (d == NULL)
        return;
    plan_unref(d->submission.plan);
    x->state = NULL;
}

static struct deciding *deciding_new(struct server *s, struct exchange *x,
                                     const struct incoming *in, int64_t received_us)
{
    struct deciding *d;

    buffer_clear(&x->room);
    d = (struct deciding *)buffer_reserve(&x->room, sizeof *d + in->id.length + in->event.length);
    /* All but a kilobyte for words, which whoever writes them ends. */
    memset(d, 0, offsetof(struct deciding, submission.error));
    memset((char *)d + offsetof(struct deciding, submission.queued_ns), 0,
           sizeof *d - offsetof(struct deciding, submission.queued_ns));
    memcpy(d->bytes, in->id.bytes, in->id.length);
    memcpy(d->bytes + in->id.length, in->event.bytes, in->event.length);
    d->server = s;
    d->time_us = in->time_us;
    d->submission.id = (struct text){d->bytes, in->id.length};
    d->submission.event = (struct text){d->bytes + in->id.length, in->event.length};
    d->submission.received_us = received_us;
    d->submission.done = decided;
    d->submission.context = x;
    return d;
}

enum http_next decide_one(struct server *s, struct exchange *x)
{
    struct seat *seat = seat_get(s);
    int64_t received_us = clock_now_us(), read_ns = clock_monotonic_ns();
    bool explain, dry_run, stages;
    struct incoming_key key = {.line = 0};
    struct incoming in;
    struct deciding *d;

    if (!query_bool(x, "explain", &explain) || !query_bool(x, "dry_run", &dry_run) ||
        !query_bool(x, "stages", &stages) || !keyed_key(x, &key.key))
        return HTTP_ANSWERED;
    if (!incoming_read(seat, exchange_body(x), &key, received_us, &in)) {
        problem_answer_fields(x, &seat->problems);
        return HTTP_ANSWERED;
    }
    d = deciding_new(s, x, &in, received_us);
    d->submission.kind = dry_run ? SUBMIT_PEEK : SUBMIT_DECISION;
    d->submission.explain = explain;
    d->submission.fields = seat->fields;
    d->submission.asked = asked_of(x);
    if (s->o.deadline_us > 0)
        d->submission.due_ns = (x->started_us + s->o.deadline_us) * 1000;
    d->read_ns = read_ns;
    d->decoded_ns = clock_monotonic_ns();
    d->tells_stages = stages;
    x->state = d;
    x->ready = answer_decided;
    exchange_hold(x);
    if (!fetch_submit(s->fetch, s->o.shard, &d->submission)) {
        x->ready = NULL;
        server_refuse(s, x);
        exchange_resume(x);
    }
    return HTTP_WAITING;
}
