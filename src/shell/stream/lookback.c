#include "shell/stream/lookback.h"

#include "core/base/memory.h"
#include "shell/os/clock.h"

enum {
    BATCH = 256,
    AHEAD_MAX = 2000, /* messages that are rather read over than left by a new question */
    WAIT_MS = 200,
    STALLED_MS = 10000,
};

struct lookback {
    struct kafka_options kafka;
    struct kafka_property property[KAFKA_PROPERTIES_MAX + 3];
    const char *topic;
    struct kafka_consumer *consumer;
    int32_t partition; /* that is read; -1: none */
    int64_t next;      /* offset behind what came */
    struct kafka_message message[BATCH];
    uint32_t count;
};

struct lookback *lookback_new(const struct kafka_options *o, const char *topic)
{
    /* A little of the topic is wanted, not all that follows; but no fewer messages than one answer
     * has, as the client would wait before it asks again. */
    static const struct kafka_property little[] = {
        {"fetch.message.max.bytes", "65536"},
        {"queued.min.messages", "1000"},
        {"fetch.wait.max.ms", "5"},
    };
    struct lookback *l = mem_alloc(sizeof *l);
    uint32_t n = 0;

    while (n < o->properties) {
        l->property[n] = o->property[n];
        n++;
    }
    for (uint32_t i = 0; i < sizeof little / sizeof *little; i++)
        l->property[n++] = little[i];
    l->kafka = *o;
    l->kafka.property = l->property;
    l->kafka.properties = n;
    l->topic = topic;
    l->partition = -1;
    return l;
}

static void release(struct lookback *l)
{
    kafka_release(l->message, l->count);
    l->count = 0;
}

void lookback_free(struct lookback *l)
{
    if (l == NULL)
        return;
    release(l);
    kafka_consumer_close(l->consumer);
    mem_free(l);
}

static const struct kafka_message *find(const struct lookback *l, int32_t partition, int64_t offset)
{
    for (uint32_t i = 0; partition == l->partition && i < l->count; i++) {
        if (l->message[i].offset == offset && !l->message[i].is_end)
            return &l->message[i];
    }
    return NULL;
}

/* What still comes of the place before is not found there and passed over. */
static bool go_to(struct lookback *l, int32_t partition, int64_t offset, struct error *e)
{
    const struct kafka_partition to = {l->topic, partition, offset};

    if (l->partition == partition) {
        l->next = offset;
        return kafka_seek(l->consumer, &to, e);
    }
    if (l->consumer == NULL && !kafka_consumer_open(&l->kafka, NULL, NULL, &l->consumer, e))
        return false;
    l->partition = partition;
    l->next = offset;
    if (kafka_assign(l->consumer, &to, 1, e))
        return true;
    l->partition = -1;
    return false;
}

static bool read_on(struct lookback *l, struct error *e)
{
    release(l);
    if (!kafka_consume(l->consumer, l->message, BATCH, WAIT_MS, &l->count, e)) {
        l->count = 0;
        l->partition = -1;
        return false;
    }
    if (l->count > 0)
        l->next = l->message[l->count - 1].offset + !l->message[l->count - 1].is_end;
    return true;
}

bool lookback_get(struct lookback *l, int32_t partition, int64_t offset,
                  const struct kafka_message **m, struct error *e)
{
    int64_t until_us = clock_monotonic_us() + STALLED_MS * INT64_C(1000);

    *m = find(l, partition, offset);
    if (*m != NULL)
        return true;
    if (partition != l->partition || offset < l->next || offset - l->next > AHEAD_MAX) {
        release(l);
        if (!go_to(l, partition, offset, e))
            return false;
    }
    while (*m == NULL && l->next <= offset) {
        if (!read_on(l, e))
            return false;
        *m = find(l, partition, offset);
        if (*m == NULL && l->count > 0 && l->message[l->count - 1].is_end)
            break;
        if (l->count == 0 && clock_monotonic_us() > until_us) {
            l->partition = -1;
            return error_set(e, ERROR_WORLD, "topic %s, partition %d: no answer for %d s", l->topic,
                             partition, STALLED_MS / 1000);
        }
    }
    return *m != NULL ||
           error_set(e, ERROR_NOT_FOUND, "topic %s, partition %d no longer has offset %lld",
                     l->topic, partition, (long long)offset);
}
