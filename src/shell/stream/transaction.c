/* Transactions, one behind the other:
 *
 *   worker     | fill A      | fill B              | fill C ...
 *   committer                | commit A (offsets)  | commit B
 *
 * While A is committed nothing of B can be sent: Kafka has one transaction of a producer at a time.
 * So B waits in the outbox, decided, and goes out when A is through. With a sink that is no topic
 * there is one at a time: what such a sink was given is delivered before its transaction is
 * committed, and may be asked for again until then. */
#include "shell/os/clock.h"
#include "shell/stream/worker_inside.h"

enum {
    POLL_MS = 100,
    POLL_COMMITTING_MS = 2, /* the next transaction is to be sent soon */
    SINK_WAIT_LEAST_MS = 100,
    SINK_WAIT_MOST_MS = 5000,
};

/* ---- filling ---- */

void transaction_begin(struct worker *w)
{
    if (w->is_filled)
        return;
    w->is_filled = true;
    w->began_us = clock_monotonic_us();
    w->taken = 0;
    memset(&w->in, 0, sizeof w->in);
}

static int64_t left_us(const struct worker *w)
{
    return w->began_us + (int64_t)w->s->o->settings->stream.transaction_ms * 1000 -
           clock_monotonic_us();
}

bool transaction_is_due(const struct worker *w)
{
    return w->is_filled && (w->taken >= w->s->o->settings->stream.events || left_us(w) <= 0);
}

int transaction_patience_ms(const struct worker *w)
{
    int most_ms = w->is_committing ? POLL_COMMITTING_MS : POLL_MS;
    int64_t left;

    if (!w->is_filled)
        return most_ms;
    left = left_us(w);
    if (left <= 0)
        return w->is_committing ? most_ms : 0;
    return left < most_ms * INT64_C(1000) ? (int)(left / 1000) + 1 : most_ms;
}

/* ---- committing ---- */

static void commit_aside(void *context)
{
    struct worker *w = context;
    struct worker_commit *c = &w->commit;

    c->ok = kafka_send_offsets(w->producer, w->consumer, c->position, c->positions, &c->e) &&
            kafka_commit(w->producer, &c->e);
}

static uint32_t positions(const struct worker *w, struct kafka_partition *out)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->s->partitions; i++) {
        const struct partition *p = w->partition[i];

        if (p != NULL && p->next > p->committed)
            out[n++] = (struct kafka_partition){w->s->topic, (int32_t)i, p->next};
        if (w->labels[i].is_ours && w->labels[i].next > w->labels[i].committed)
            out[n++] = (struct kafka_partition){w->s->labels_topic, (int32_t)i, w->labels[i].next};
    }
    return n;
}

static void note_positions(struct worker *w)
{
    for (uint32_t i = 0; i < w->commit.positions; i++) {
        const struct kafka_partition *k = &w->commit.position[i];

        if (k->topic == w->s->topic)
            w->partition[k->partition]->committed = k->offset;
        else
            w->labels[k->partition].committed = k->offset;
    }
}

static void count_committed(struct worker *w)
{
    struct stream_status *t = &w->s->status;
    const struct worker_counts *in = &w->commit.in;

    stream_count(t, STREAM_MESSAGES, in->messages);
    stream_count(t, STREAM_DECISIONS, in->decisions);
    stream_count(t, STREAM_OBSERVED, in->observed);
    stream_count(t, STREAM_REPEATED, in->repeated);
    stream_count(t, STREAM_LABELS, in->labels);
    stream_count(t, STREAM_DEAD_LETTERS, in->dead);
    stream_count(t, STREAM_TRANSACTIONS, 1);
    for (uint32_t i = 0; i < plan_outcome_count(w->s->plan); i++)
        atomic_fetch_add(&t->by_outcome[i], in->by_outcome[i]);
    atomic_store(&t->last_us, clock_monotonic_us());
}

/* Waits for the transaction that is being committed. */
static bool settle(struct worker *w, struct error *e)
{
    if (!w->is_committing)
        return true;
    aside_wait(w->committer);
    w->is_committing = false;
    if (!w->commit.ok) {
        w->is_open = true; /* still, to be aborted */
        *e = w->commit.e;
        return false;
    }
    outbox_committed(w->s->outbox);
    note_positions(w);
    count_committed(w);
    snapshots_committed(w->snapshots);
    for (uint32_t i = 0; i < w->s->sinks; i++) {
        struct sink *sink = w->s->sink[i];

        if (sink->ops->committed != NULL && !sink->ops->committed(sink, e))
            return error_prefix(e, "stream.sinks.%s", sink->setting->name);
    }
    return true;
}

bool transaction_send(struct worker *w, struct error *e)
{
    if (w->is_committing && aside_is_done(w->committer) && !settle(w, e))
        return false;
    if (!w->is_filled || w->is_committing)
        return true;
    if (!w->is_open && !kafka_begin(w->producer, e))
        return false;
    w->is_open = true;
    return outbox_send(w->s->outbox, w->producer, e);
}

/* ---- sinks that are no topics ---- */

static bool deliver(struct worker *w, struct error *e)
{
    for (uint32_t i = 0; i < w->s->sinks; i++) {
        struct sink *sink = w->s->sink[i];

        if (sink->ops->deliver != NULL && !sink->ops->deliver(sink, e))
            return error_prefix(e, "stream.sinks.%s", sink->setting->name);
    }
    return true;
}

/* One look at the group while nothing is read. False also where the partitions were taken. */
static bool keep_member(struct worker *w, int wait_ms, struct error *e)
{
    uint64_t revoked = w->revoked;
    uint32_t got, messages = 0;

    w->is_broken = true; /* should they be taken now: nothing is kept */
    if (!kafka_consume(w->consumer, w->message, WORKER_BATCH, wait_ms, &got, e))
        return false;
    w->is_broken = false;
    for (uint32_t i = 0; i < got; i++)
        messages += !w->message[i].is_end;
    kafka_release(w->message, got);
    if (w->revoked == revoked && messages == 0)
        return true;
    return error_set(e, ERROR_CONFLICT, "the partitions were taken while a sink was away");
}

/* A sink is away: nothing is read, the group keeps its member, and the transaction is opened anew
 * when the sink is back, because the broker would not keep it so long. False with ERROR_NONE: told
 * to stop. */
static bool wait_for_sinks(struct worker *w, struct error *e)
{
    struct stream_status *t = &w->s->status;
    int wait_ms = SINK_WAIT_LEAST_MS;

    stream_count(t, STREAM_PAUSES, 1);
    atomic_store(&t->is_paused, true);
    if (!kafka_abort(w->producer, e))
        return false;
    w->is_open = false;
    if (!kafka_pause(w->consumer, true, e))
        return false;
    while (!deliver(w, e)) {
        if (e->kind != ERROR_WORLD && e->kind != ERROR_FULL)
            return false;
        stream_status_trouble(t, e->text);
        e->kind = ERROR_NONE;
        if (w->s->o->stops(w->s->o->context))
            return false;
        if (w->s->o->tick != NULL)
            w->s->o->tick(w->s->o->context);
        if (!keep_member(w, wait_ms, e))
            return false;
        wait_ms = wait_ms * 2 < SINK_WAIT_MOST_MS ? wait_ms * 2 : SINK_WAIT_MOST_MS;
    }
    stream_status_trouble(t, "");
    atomic_store(&t->is_paused, false);
    if (!kafka_begin(w->producer, e))
        return false;
    w->is_open = true;
    outbox_again(w->s->outbox);
    return outbox_send(w->s->outbox, w->producer, e) && kafka_pause(w->consumer, false, e);
}

/* All is sent and every sink has it: from here on it is the committer's. */
static bool hand_over(struct worker *w, struct error *e)
{
    if (!deliver(w, e) &&
        ((e->kind != ERROR_WORLD && e->kind != ERROR_FULL) || !wait_for_sinks(w, e)))
        return false;
    snapshots_cut(w->snapshots, w->partition, w->s->partitions);
    outbox_seal(w->s->outbox);
    w->commit.in = w->in;
    w->commit.positions = positions(w, w->commit.position);
    w->is_filled = w->is_open = false;
    w->is_committing = true;
    aside_start(w->committer, commit_aside, w);
    return !w->has_to_deliver || settle(w, e);
}

bool transaction_end(struct worker *w, struct error *e)
{
    if (w->is_committing && w->taken < w->s->o->settings->stream.events)
        return true;
    return settle(w, e) && transaction_send(w, e) && hand_over(w, e);
}

bool transaction_commit(struct worker *w, struct error *e)
{
    return settle(w, e) &&
           (!w->is_filled || (transaction_send(w, e) && hand_over(w, e) && settle(w, e)));
}

void transaction_forget(struct worker *w)
{
    struct error e;

    if (!settle(w, &e))
        w->is_broken = true;
    if (w->is_open && !kafka_abort(w->producer, &e))
        w->is_broken = true;
    if (w->is_open || w->is_filled)
        stream_count(&w->s->status, STREAM_ABORTED, 1);
    w->is_open = w->is_filled = false;
    outbox_clear(w->s->outbox);
    for (uint32_t i = 0; i < w->s->sinks; i++)
        w->s->sink[i]->ops->forget(w->s->sink[i]);
}
