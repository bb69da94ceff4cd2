#include "shell/produce/sender.h"

#include <stdio.h>

#include "core/base/memory.h"
#include "core/data/json_raw.h"
#include "shell/os/clock.h"
#include "shell/produce/seen.h"

enum { AHEAD_US = 20000, NAP_US = 20000, WAIT_MS = 100 };

/* Places in the bytes of the batch, which move while it grows. */
struct held {
    size_t key, key_length, value, value_length;
    bool has_key;
};

struct sender {
    struct sender_options options;
    struct kafka_producer *producer;
    struct seen *seen;
    struct buffer bytes, id;
    struct held held[KAFKA_BATCH_MAX];
    struct kafka_record record[KAFKA_BATCH_MAX];
    uint32_t count;
    int64_t begin_us;            /* of the rate */
    uint64_t added;              /* since then */
    uint64_t refused;            /* not taken by the client */
    uint64_t lost;               /* given up while they waited */
    uint32_t barren;             /* batches of which nothing was delivered, one after another */
    struct sender_counts counts; /* without those of the producer */
    char failure[ERROR_TEXT_MAX];
};

bool sender_open(const struct sender_options *o, struct sender **out, struct error *e)
{
    struct sender *s = mem_alloc(sizeof *s);

    s->options = *o;
    buffer_init(&s->bytes, 2 * SENDER_BATCH_BYTES + JSON_BYTES_MAX);
    buffer_init(&s->id, JSON_BYTES_MAX);
    if (!kafka_producer_open(&o->kafka, NULL, &s->producer, e)) {
        sender_close(s);
        return false;
    }
    if (o->id != NULL)
        s->seen = seen_new();
    *out = s;
    return true;
}

void sender_close(struct sender *s)
{
    if (s == NULL)
        return;
    kafka_producer_close(s->producer); /* first: it borrows the bytes */
    seen_free(s->seen);
    buffer_fini(&s->bytes);
    buffer_fini(&s->id);
    mem_free(s);
}

/* ---- fields ---- */

/* A member of that whole name, or of objects in objects. */
static struct text field_of(struct text record, const char *name)
{
    struct text value = json_raw_member(record, text_of(name));
    const char *dot = strchr(name, '.');

    if (value.length > 0 || dot == NULL)
        return value;
    value = json_raw_member(record, (struct text){name, (size_t)(dot - name)});
    return value.length > 0 ? field_of(value, dot + 1) : value;
}

/* Text without quotes, all else as it stands; false where it is null or absent. */
static bool add_plain(struct text value, struct buffer *out)
{
    switch (value.length > 0 ? json_raw_kind(value) : JSON_NULL) {
    case JSON_NULL:
        return false;
    case JSON_TEXT:
        return json_raw_text(value, out);
    default:
        buffer_add_slice(out, value);
        return true;
    }
}

/* Without an id it is new. */
static bool is_repeated(struct sender *s, struct text record)
{
    if (s->seen == NULL)
        return false;
    buffer_clear(&s->id);
    if (!add_plain(field_of(record, s->options.id), &s->id))
        return false;
    return seen_add(s->seen, (struct text){s->id.bytes, s->id.length});
}

/* ---- sending ---- */

static void note_failure(struct sender *s, const struct error *e)
{
    if (s->failure[0] == 0)
        snprintf(s->failure, sizeof s->failure, "%s", e->text);
}

/* Those that the client does not take at all (too large) are counted and passed over. */
static bool send_batch(struct sender *s, struct error *e)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct held *h = &s->held[i];
        struct kafka_record r = {
            .value = {s->bytes.bytes + h->value, h->value_length},
            .key = {h->has_key ? s->bytes.bytes + h->key : NULL, h->key_length},
            .header = s->options.header,
            .headers = s->options.headers,
        };

        if (kafka_send(s->producer, s->options.topic, KAFKA_ANY_PARTITION, &r, e))
            continue;
        if (e->kind != ERROR_FULL) {
            s->refused += s->count - i;
            return false;
        }
        note_failure(s, e);
        s->refused++;
    }
    return true;
}

/* Ends when nothing waits any more: each record is delivered, or given up by the client. */
static bool wait_delivered(struct sender *s, struct error *e)
{
    uint64_t sent, failed, waiting = 1;
    int64_t stop_us = 0;

    while (waiting > 0) {
        int64_t now_us = clock_monotonic_us();
        struct error why;

        if (!kafka_flush(s->producer, WAIT_MS, &why)) {
            kafka_sent(s->producer, &sent, &failed, &waiting);
            if (waiting == 0)
                note_failure(s, &why);
        } else {
            waiting = 0;
        }
        if (stop_us == 0 && s->options.is_stopped())
            stop_us = now_us + SENDER_STOP_MS * INT64_C(1000);
        if (waiting > 0 && stop_us > 0 && now_us > stop_us)
            return error_set(e, ERROR_WORLD, "%s; %llu records are given up", why.text,
                             (unsigned long long)waiting);
    }
    return true;
}

bool sender_flush(struct sender *s, struct error *e)
{
    uint64_t before, after, failed, waiting;
    uint32_t count = s->count;
    bool ok;

    if (count == 0)
        return true;
    kafka_sent(s->producer, &before, &failed, &waiting);
    before -= failed;
    ok = send_batch(s, e);
    ok = wait_delivered(s, ok ? e : &(struct error){0}) && ok;
    kafka_sent(s->producer, &after, &failed, &waiting);
    after -= failed + waiting;
    s->lost += waiting;
    s->count = 0;
    buffer_clear(&s->bytes);
    s->barren = after > before ? 0 : s->barren + 1;
    if (ok && s->barren == SENDER_BARREN_MAX)
        return error_set(e, ERROR_WORLD, "%s", s->failure);
    return ok;
}

/* Holds the rate: records go no earlier than theirs is the turn. */
static bool wait_for_turn(struct sender *s, struct error *e)
{
    int64_t due_us;

    if (s->options.rate <= 0)
        return true;
    if (s->begin_us == 0)
        s->begin_us = clock_monotonic_us();
    due_us = s->begin_us + (int64_t)((double)s->added++ * 1e6 / s->options.rate);
    if (due_us - clock_monotonic_us() < AHEAD_US)
        return true;
    if (!sender_flush(s, e))
        return false;
    while (!s->options.is_stopped()) {
        int64_t left_us = due_us - clock_monotonic_us();

        if (left_us <= 0)
            break;
        clock_sleep_us(left_us < NAP_US ? left_us : NAP_US);
    }
    return true;
}

bool sender_add(struct sender *s, struct text record, struct error *e)
{
    struct held *h;

    if (is_repeated(s, record)) {
        s->counts.repeated++;
        return true;
    }
    if (!wait_for_turn(s, e))
        return false;
    h = &s->held[s->count];
    *h = (struct held){.value = s->bytes.length, .value_length = record.length};
    buffer_add_slice(&s->bytes, record);
    h->key = s->bytes.length;
    h->has_key = s->options.key != NULL && add_plain(field_of(record, s->options.key), &s->bytes);
    h->key_length = s->bytes.length - h->key;
    s->counts.without_key += s->options.key != NULL && !h->has_key;
    s->counts.bytes += record.length;
    s->count++;
    if (s->count < KAFKA_BATCH_MAX && s->bytes.length < SENDER_BATCH_BYTES)
        return true;
    return sender_flush(s, e);
}

void sender_counts(const struct sender *s, struct sender_counts *c)
{
    uint64_t sent, failed, waiting;

    kafka_sent(s->producer, &sent, &failed, &waiting);
    *c = s->counts;
    c->sent = sent - failed - s->lost;
    c->failed = failed + s->refused + s->lost;
}

const char *sender_failure(const struct sender *s)
{
    return s->failure;
}
