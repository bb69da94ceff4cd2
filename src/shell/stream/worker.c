#include "shell/stream/worker.h"

#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"
#include "shell/run/verdict.h"
#include "shell/stream/looked_up.h"
#include "shell/stream/worker_inside.h"

enum {
    VERDICT_MAX = 1 << 20,
    HEADER_TEXT_MAX = 64,
    ERROR_HEADER_MAX = 1000,
    DEAD_LETTER_MAX = 900 << 10, /* bytes of key and value; a producer sends 1,000,000 by default */
};

/* ---- deciding ---- */

static bool add_to_sinks(struct worker *w, const struct sink_row *row, uint32_t at, struct error *e)
{
    for (uint32_t i = 0; i < w->s->sinks; i++) {
        struct sink *sink = w->s->sink[i];

        if (w->s->filter_of[i] >= 0 &&
            !filter_holds(w->s->filter, (uint32_t)w->s->filter_of[i], at))
            continue;
        if (!sink->ops->add(sink, row, e))
            return error_prefix(e, "stream.sinks.%s", sink->setting->name);
    }
    return true;
}

/* As HTTP answers; with it what a decision made again is held against: the place and the time of
 * the message, what shadow rules said, all features bit for bit, and what tables gave. */
static void format_verdict(struct worker *w, const struct sink_row *r, uint32_t at)
{
    struct verdict v = {.id = r->id,
                        .seq = w->s->intake->row[at].seq,
                        .time_us = r->time_us,
                        .received_us = r->received_us,
                        .plan = r->plan,
                        .decision = r->decision};

    buffer_clear(&w->verdict);
    verdict_open(&v, &w->verdict);
    verdict_add_shadow_rules(&v, &w->verdict);
    buffer_format(&w->verdict, ",\"features_hash\":\"%016lx\"",
                  (unsigned long)r->decision->features_hash);
    looked_up_add(plan_schema(r->plan), &w->s->intake->frame, at, &w->verdict);
    buffer_add_char(&w->verdict, '}');
}

static bool write_row(struct worker *w, struct partition *p, uint32_t at, struct error *e)
{
    struct intake *in = w->s->intake;
    const struct intake_row *row = &in->row[at];
    const struct decision *d = &w->decision[at];
    struct kafka_record record = {0};
    struct sink_row to = {.id = intake_id(in, at),
                          .key = row->key,
                          .partition = p->number,
                          .offset = (int64_t)row->seq - 1,
                          .time_us = row->time_us,
                          .received_us = row->received_us,
                          .plan = w->s->plan,
                          .decision = d};

    if (!decision_is_made(d)) {
        w->in.observed++;
        return true;
    }
    format_verdict(w, &to, at);
    if (w->verdict.overflow)
        return error_set(e, ERROR_FULL, "decision of event \"%.*s\": over %d bytes",
                         TEXT_ARG(to.id), VERDICT_MAX);
    to.json = (struct text){w->verdict.bytes, w->verdict.length};
    record.key = outbox_keep(w->s->outbox, row->key);
    record.value = outbox_keep(w->s->outbox, to.json);
    w->in.decisions++;
    w->in.by_outcome[d->outcome]++;
    return outbox_add(w->s->outbox, w->s->decisions, p->number, &record, e) &&
           add_to_sinks(w, &to, at, e);
}

/* What Redis keeps of several partitions, before the engine sees the rows. Messages that are read
 * again are asked for again: they are known there, and get what they got. */
static void fetch_shared(struct worker *w)
{
    struct intake *in = w->s->intake;
    struct shared_event event[INTAKE_ROWS];

    if (w->s->shared == NULL)
        return;
    for (uint32_t i = 0; i < in->frame.rows; i++)
        event[i] = (struct shared_event){intake_id(in, i), in->row[i].received_us, false};
    shared_fill(w->s->shared, w->s->plan, &in->frame, 0, in->frame.rows, event);
}

/* The rows that were read, all of one partition and on one side of p->rebuilt. */
static bool run_rows(struct worker *w, struct partition *p, bool is_rebuilding, struct error *e)
{
    struct intake *in = w->s->intake;
    uint32_t rows = in->frame.rows;
    bool ok = true;

    if (rows == 0) {
        intake_clear(in); /* of what was no event */
        return true;
    }
    fetch_shared(w);
    partition_run(p, in, is_rebuilding ? NULL : w->decision);
    if (!is_rebuilding) {
        filter_run(w->s->filter, &in->frame, engine_registers(p->state.engine), w->decision, rows);
        for (uint32_t i = 0; ok && i < rows; i++)
            ok = write_row(w, p, i, e);
    }
    intake_clear(in);
    return ok;
}

/* ---- messages ---- */

static struct text number_text(struct worker *w, int64_t v)
{
    char digits[HEADER_TEXT_MAX];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)v);

    return outbox_keep(w->s->outbox, (struct text){digits, (size_t)length});
}

static bool is_of_labels(const struct worker *w, const struct kafka_message *m)
{
    return w->s->labels_topic != NULL && text_is(m->topic, w->s->labels_topic);
}

/* As it came, but for what no broker would take back: they count bytes as they were packed. */
static bool dead_letter(struct worker *w, const struct kafka_message *m, struct text words,
                        struct error *e)
{
    struct outbox *o = w->s->outbox;
    bool is_label = is_of_labels(w, m);
    struct text key = m->key.length <= INTAKE_KEY_MAX ? m->key : (struct text){0};
    struct text value = m->has_value ? m->value : text_of("");
    bool is_cut = key.length + value.length > DEAD_LETTER_MAX;
    struct kafka_header header[] = {
        {"assay.topic", text_of(is_label ? w->s->labels_topic : w->s->topic)},
        {"assay.partition", number_text(w, m->partition)},
        {"assay.offset", number_text(w, m->offset)},
        {"assay.error", outbox_keep(o, (struct text){words.bytes, words.length < ERROR_HEADER_MAX
                                                                      ? words.length
                                                                      : ERROR_HEADER_MAX})},
        {"assay.bytes", number_text(w, (int64_t)value.length)},
    };
    struct kafka_record record = {.header = header,
                                  .headers = sizeof header / sizeof *header - (is_cut ? 0 : 1),
                                  .time_us = m->time_us};

    if (is_cut)
        value.length = DEAD_LETTER_MAX - key.length;
    record.key = outbox_keep(o, key);
    record.value = outbox_keep(o, value);

    w->in.dead++;
    return outbox_add(o, w->s->dead_letters, KAFKA_ANY_PARTITION, &record, e);
}

static bool take_event(struct worker *w, struct partition *p, const struct kafka_message *m,
                       bool is_rebuilding, struct error *e)
{
    struct intake *in = w->s->intake;
    struct intake_message message = {.value = m->has_value ? m->value : (struct text){0},
                                     .key = m->has_key ? m->key : (struct text){0},
                                     .seq = (uint64_t)m->offset + 1,
                                     .received_us = m->time_us,
                                     .topic = w->s->topic,
                                     .partition = p->number};
    bool is_other = false;

    if (!intake_read(in, &message))
        return is_rebuilding ||
               dead_letter(w, m, (struct text){in->words.bytes, in->words.length}, e);
    if (!partition_is_repeated(p, in, &is_other))
        return true;
    intake_drop(in);
    if (is_rebuilding)
        return true;
    w->in.repeated += !is_other;
    return !is_other ||
           dead_letter(w, m, text_of("another event with this id was decided before"), e);
}

/* The labels that follow one another from `at` on. */
static bool prepare_labels(struct worker *w, struct partition *p, uint32_t at, uint32_t count,
                           struct error *e)
{
    const struct kafka_message *m = &w->message[at];
    uint32_t n = 0;

    if (at < w->prepared)
        return true;
    while (at + n < count && m[n].partition == m->partition && !m[n].is_end &&
           !is_of_labels(w, &m[n]) && !kafka_is_event(&m[n]))
        n++;
    w->prepared = at + n;
    return labels_prepare(w->s->labels, p, m, n, e);
}

/* A label in the input: what came before it is decided without it. */
static bool take_label(struct worker *w, struct partition *p, const struct kafka_message *m,
                       bool is_rebuilding, struct error *e)
{
    struct text words = text_of("header " KAFKA_RECORD_HEADER ": expected " LABEL_RECORD);
    enum label_end end;

    if (!run_rows(w, p, is_rebuilding, e))
        return false;
    end = label_is(m) ? labels_apply(w->s->labels, p, m, &words, e) : LABEL_WRONG;
    if (end == LABEL_FAILED)
        return false;
    if (end == LABEL_GONE)
        stream_count(&w->s->status, STREAM_GONE, 1);
    if (is_rebuilding)
        return true;
    w->in.labels += end == LABEL_APPLIED;
    return end == LABEL_APPLIED || dead_letter(w, m, words, e);
}

/* From the topic of labels into the partition of the input that has its number. */
static bool pass_on(struct worker *w, const struct kafka_message *m, struct error *e)
{
    static const struct kafka_header header = {KAFKA_RECORD_HEADER,
                                               {LABEL_RECORD, sizeof LABEL_RECORD - 1}};
    struct outbox *o = w->s->outbox;
    struct kafka_record record = {.key = outbox_keep(o, m->has_key ? m->key : (struct text){0}),
                                  .value = outbox_keep(o, m->value),
                                  .header = &header,
                                  .headers = 1,
                                  .time_us = m->time_us};
    struct text words;

    if (!labels_read(w->s->labels, m, &words))
        return dead_letter(w, m, words, e);
    return outbox_add(o, w->s->topic, m->partition, &record, e);
}

/* Messages [*at, ...) of the topic of labels. */
static bool take_labels(struct worker *w, uint32_t *at, uint32_t count, struct error *e)
{
    bool ok = true;

    for (; ok && *at < count && is_of_labels(w, &w->message[*at]); (*at)++) {
        const struct kafka_message *m = &w->message[*at];
        struct label_partition *l = &w->labels[m->partition];

        if ((uint32_t)m->partition >= w->s->partitions || !l->is_ours || m->offset < l->next)
            continue;
        if (m->is_end) {
            l->seen_end = m->offset;
            continue;
        }
        transaction_begin(w);
        ok = pass_on(w, m, e);
        l->next = m->offset + 1;
        w->taken++;
    }
    return ok;
}

/* Messages [*at, ...) of one partition, on one side of its p->rebuilt. */
static bool take_run(struct worker *w, uint32_t *at, uint32_t count, struct error *e)
{
    const struct kafka_message *first = &w->message[*at];
    struct partition *p =
        first->partition < STREAM_PARTITIONS_MAX ? w->partition[first->partition] : NULL;
    bool is_rebuilding = p != NULL && first->offset < p->rebuilt;
    uint64_t seen = 0;
    bool ok = true;

    if (p != NULL && !first->is_end && !is_rebuilding)
        transaction_begin(w);
    for (; ok && *at < count; (*at)++) {
        const struct kafka_message *m = &w->message[*at];

        if (m->partition != first->partition || m->is_end != first->is_end || is_of_labels(w, m) ||
            (p != NULL && (m->offset < p->rebuilt) != is_rebuilding))
            break;
        if (p == NULL || m->offset < p->next)
            continue;
        p->next = m->is_end ? p->next : m->offset + 1;
        p->is_at_end = m->is_end;
        if (m->is_end) {
            p->seen_end = m->offset;
            continue;
        }
        seen++;
        if (!kafka_is_event(m))
            ok = prepare_labels(w, p, *at, count, e) && take_label(w, p, m, is_rebuilding, e);
        else
            ok = (!intake_is_full(w->s->intake) || run_rows(w, p, is_rebuilding, e)) &&
                 take_event(w, p, m, is_rebuilding, e);
    }
    ok = ok && (p == NULL || run_rows(w, p, is_rebuilding, e));
    if (!ok)
        intake_clear(w->s->intake);
    if (is_rebuilding)
        stream_count(&w->s->status, STREAM_REBUILT, seen);
    else
        w->in.messages += seen;
    w->taken += is_rebuilding ? 0 : (uint32_t)seen;
    return ok;
}

static bool take(struct worker *w, uint32_t count, struct error *e)
{
    uint32_t at = 0;
    bool ok = true;

    w->prepared = 0;
    while (ok && at < count)
        ok = is_of_labels(w, &w->message[at]) ? take_labels(w, &at, count, e)
                                              : take_run(w, &at, count, e);
    kafka_release(w->message, count);
    return ok;
}

/* ---- partitions come and go ---- */

static void note_partitions(struct worker *w)
{
    uint64_t lag = 0;

    for (uint32_t i = 0; i < w->s->partitions; i++) {
        struct partition *p = w->partition[i];
        int64_t end;

        if (p == NULL || p->is_at_end)
            continue;
        end = kafka_end_known(w->consumer, w->s->topic, (int32_t)i);
        lag += end > p->next ? (uint64_t)(end - p->next) : 0;
    }
    atomic_store(&w->s->status.lag, lag);
    atomic_store(&w->s->status.partitions, w->partitions);
}

static bool open_partition(struct worker *w, struct kafka_partition *k, struct error *e)
{
    int64_t first = 0, end = 0, lost = 0;
    struct partition *p;

    if (k->partition < 0 || (uint32_t)k->partition >= w->s->partitions)
        return error_set(e, ERROR_WORLD, "topic %s has got more partitions: partition %d",
                         w->s->topic, k->partition);
    if (!kafka_range(w->consumer, w->s->topic, k->partition, &first, &end, e))
        return false;
    if (k->offset > end)
        return error_set(e, ERROR_INVALID,
                         "topic %s, partition %d ends at %lld, but the group stands at %lld: the "
                         "topic was made anew; take another kafka.group, or reset this one",
                         w->s->topic, k->partition, (long long)end, (long long)k->offset);
    if (!partition_open(&w->s->partition, k->partition, k->offset, first, &p, &lost, e))
        return false;
    if (w->s->end != NULL) {
        if (w->s->end[k->partition] < 0)
            w->s->end[k->partition] = end;
        p->end = w->s->end[k->partition];
    }
    stream_count(&w->s->status, STREAM_GONE, (uint64_t)lost);
    k->offset = p->next;
    w->partition[k->partition] = p;
    w->partitions++;
    for (uint32_t i = 0; i < w->s->sinks; i++) {
        struct sink *sink = w->s->sink[i];

        if (sink->ops->assign != NULL && !sink->ops->assign(sink, k->partition, p->committed, e))
            return error_prefix(e, "stream.sinks.%s", sink->setting->name);
    }
    return true;
}

static bool open_labels(struct worker *w, struct kafka_partition *k, struct error *e)
{
    struct label_partition *l;
    int64_t first, end;

    if (k->partition < 0 || (uint32_t)k->partition >= w->s->partitions)
        return error_set(e, ERROR_WORLD, "topic %s has got more partitions: partition %d", k->topic,
                         k->partition);
    if (!kafka_range(w->consumer, k->topic, k->partition, &first, &end, e))
        return false;
    l = &w->labels[k->partition];
    *l = (struct label_partition){.is_ours = true, .end = INT64_MAX};
    if (w->s->labels_end != NULL) {
        if (w->s->labels_end[k->partition] < 0)
            w->s->labels_end[k->partition] = end;
        l->end = w->s->labels_end[k->partition];
    }
    k->offset = l->next = l->committed = k->offset > first ? k->offset : first;
    return true;
}

static void close_partitions(struct worker *w)
{
    snapshots_stop(w->snapshots);
    for (uint32_t i = 0; i < w->s->partitions; i++) {
        partition_close(w->partition[i]);
        w->partition[i] = NULL;
    }
    w->partitions = 0;
    memset(w->labels, 0, sizeof w->labels);
    for (uint32_t i = 0; i < w->s->sinks; i++) {
        if (w->s->sink[i]->ops->revoke != NULL)
            w->s->sink[i]->ops->revoke(w->s->sink[i]);
    }
}

static bool on_assigned(void *context, struct kafka_partition *k, uint32_t count, struct error *e)
{
    struct worker *w = context;
    bool ok = true;

    ASSERT(w->partitions == 0);
    stream_count(&w->s->status, STREAM_REBALANCES, 1);
    w->is_joined = true;
    for (uint32_t i = 0; ok && i < count; i++)
        ok = strcmp(k[i].topic, w->s->topic) == 0 ? open_partition(w, &k[i], e)
                                                  : open_labels(w, &k[i], e);
    if (!ok)
        close_partitions(w);
    atomic_store(&w->s->status.is_ready, ok);
    note_partitions(w);
    return ok;
}

static void on_revoked(void *context, const struct kafka_partition *k, uint32_t count, bool lost)
{
    struct worker *w = context;
    struct error e = {0};

    (void)k, (void)count;
    stream_count(&w->s->status, STREAM_REBALANCES, 1);
    w->revoked++;
    if (!lost && !w->is_broken && transaction_commit(w, &e))
        snapshots_now(w->snapshots, w->partition, w->s->partitions);
    transaction_forget(w);
    close_partitions(w);
    note_partitions(w);
}

/* ---- the loop ---- */

static bool is_through(const struct worker *w)
{
    if (!w->is_joined || w->s->end == NULL)
        return false;
    for (uint32_t i = 0; i < w->s->partitions; i++) {
        const struct partition *p = w->partition[i];

        const struct label_partition *l = &w->labels[i];

        if ((p != NULL && p->next < p->end && p->seen_end < p->end) ||
            (l->is_ours && l->next < l->end && l->seen_end < l->end))
            return false;
    }
    return true;
}

void worker_spent(struct worker *w, enum stream_stage stage, int64_t *since_us)
{
    int64_t now_us = clock_monotonic_us();

    atomic_fetch_add_explicit(&w->s->status.spent_us[stage], (uint64_t)(now_us - *since_us),
                              memory_order_relaxed);
    *since_us = now_us;
}

static bool step(struct worker *w, struct error *e)
{
    int64_t since_us = clock_monotonic_us();
    uint32_t got = 0;

    if (!kafka_consume(w->consumer, w->message, WORKER_BATCH, transaction_patience_ms(w), &got, e))
        return false;
    worker_spent(w, STREAM_READING, &since_us);
    if (got > 0 && atomic_load(&w->s->status.first_us) == 0)
        atomic_store(&w->s->status.first_us, since_us);
    if (!take(w, got, e))
        return false;
    worker_spent(w, STREAM_DECIDING, &since_us);
    if (!transaction_send(w, e))
        return false;
    worker_spent(w, STREAM_SENDING, &since_us);
    if (transaction_is_due(w) && !transaction_end(w, e))
        return false;
    worker_spent(w, STREAM_COMMITTING, &since_us);
    if (!w->is_filled && !w->is_committing) {
        snapshots_cut(w->snapshots, w->partition, w->s->partitions);
        snapshots_committed(w->snapshots);
    }
    snapshots_look(w->snapshots);
    note_partitions(w);
    if (w->s->o->tick != NULL)
        w->s->o->tick(w->s->o->context);
    return true;
}

static bool end_sinks(struct worker *w, struct error *e)
{
    for (uint32_t i = 0; i < w->s->sinks; i++) {
        struct sink *sink = w->s->sink[i];

        if (sink->ops->through != NULL && !sink->ops->through(sink, e))
            return error_prefix(e, "stream.sinks.%s", sink->setting->name);
    }
    return true;
}

static bool join(struct worker *w, struct error *e)
{
    const struct kafka_rebalance rebalance = {on_assigned, on_revoked, w};
    const char *const topics[] = {w->s->topic, w->s->labels_topic};

    return kafka_producer_open(&w->s->kafka, w->s->transaction, &w->producer, e) &&
           kafka_consumer_open(&w->s->kafka, settings_kafka_group(w->s->o->settings), &rebalance,
                               &w->consumer, e) &&
           kafka_subscribe(w->consumer, topics, w->s->labels_topic != NULL ? 2 : 1, e);
}

bool worker_run(struct worker_shared *s, struct error *e)
{
    struct worker *w = mem_alloc(sizeof *w);
    bool ok;

    w->s = s;
    w->committer = aside_new("assay-commit", false);
    w->snapshots = snapshots_new(s->o->settings->snapshot_every_us,
                                 s->o->settings->snapshot_memory_bytes, &s->status);
    for (uint32_t i = 0; i < s->sinks; i++)
        w->has_to_deliver |= s->sink[i]->ops->deliver != NULL;
    buffer_init(&w->verdict, VERDICT_MAX);
    ok = join(w, e);
    if (ok)
        stream_status_trouble(&s->status, "");
    while (ok && !is_through(w) && !s->o->stops(s->o->context))
        ok = step(w, e);
    ok = ok && transaction_commit(w, e) && (!is_through(w) || end_sinks(w, e));
    if (!ok && e->kind == ERROR_NONE)
        ok = true; /* told to stop while a sink was away: what is not committed is read again */
    else if (!ok)
        w->is_broken = true;
    if (ok && !w->is_filled)
        snapshots_now(w->snapshots, w->partition, s->partitions);
    transaction_forget(w);
    w->is_broken = true; /* nothing more is committed */
    kafka_consumer_close(w->consumer);
    kafka_producer_close(w->producer);
    outbox_clear(s->outbox);
    close_partitions(w);
    snapshots_free(w->snapshots);
    aside_free(w->committer);
    atomic_store(&s->status.is_ready, false);
    atomic_store(&s->status.is_paused, false);
    atomic_store(&s->status.partitions, 0);
    buffer_fini(&w->verdict);
    mem_free(w);
    return ok;
}
