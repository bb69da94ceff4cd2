#include "shell/source/topic.h"

#include <poll.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/data/json_raw.h"

enum { LINES_MAX = 1 << 30, BATCH = 2048, NAP_MS = 100, STALLS_MAX = 300 };

struct topic_reader {
    struct kafka_consumer *consumer;
    char name[KAFKA_TOPIC_MAX + 1];
    int32_t partition; /* the one that is read; -1: none yet */
    uint32_t partitions;
    int64_t at, end; /* of it */
    struct kafka_message message[BATCH];
    struct buffer lines;
};

bool topic_open(const struct kafka_options *o, const char *topic, struct topic_reader **out,
                struct error *e)
{
    struct topic_reader *t;
    struct kafka_topic found;

    if (!kafka_topics(o, &topic, 1, &found, e))
        return false;
    if (found.partitions == 0)
        return error_set(e, ERROR_NOT_FOUND, "kafka %s has no topic \"%s\"", o->brokers, topic);
    t = mem_alloc(sizeof *t);
    snprintf(t->name, sizeof t->name, "%s", topic);
    t->partition = -1;
    t->partitions = found.partitions;
    buffer_init(&t->lines, LINES_MAX);
    if (!kafka_consumer_open(o, NULL, NULL, &t->consumer, e)) {
        topic_close(t);
        return false;
    }
    *out = t;
    return true;
}

void topic_close(struct topic_reader *t)
{
    if (t == NULL)
        return;
    kafka_consumer_close(t->consumer);
    buffer_fini(&t->lines);
    mem_free(t);
}

/* From its beginning to its end as it is now. */
static bool open_partition(struct topic_reader *t, struct error *e)
{
    struct kafka_partition p = {t->name, ++t->partition, 0};

    if (!kafka_range(t->consumer, t->name, p.partition, &t->at, &t->end, e))
        return false;
    p.offset = t->at;
    return t->at >= t->end || kafka_assign(t->consumer, &p, 1, e);
}

/* A line each, whatever is in the value: what is no object becomes a reject of that line. */
static void add_line(struct topic_reader *t, struct text value)
{
    size_t from = t->lines.length;

    json_add_compact(&t->lines, value);
    for (size_t i = from; i < t->lines.length; i++) {
        if (t->lines.bytes[i] == '\n' || t->lines.bytes[i] == '\r')
            t->lines.bytes[i] = ' ';
    }
    buffer_add_char(&t->lines, '\n');
}

static void take_messages(struct topic_reader *t, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct kafka_message *m = &t->message[i];

        if (m->partition != t->partition || m->offset < t->at)
            continue;
        if (!m->is_end && m->has_value && m->offset < t->end && kafka_is_event(m))
            add_line(t, m->value);
        t->at = m->is_end ? m->offset : m->offset + 1;
    }
}

static bool is_woken(int wake)
{
    struct pollfd p = {.fd = wake, .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

bool topic_next(struct topic_reader *t, int wake, struct text *lines, struct error *e)
{
    uint32_t count, stalls = 0;

    buffer_clear(&t->lines);
    *lines = (struct text){"", 0};
    while (t->lines.length == 0 && !is_woken(wake)) {
        if (t->at >= t->end) {
            if (t->partition + 1 == (int32_t)t->partitions)
                return true;
            if (!open_partition(t, e))
                return false;
            continue;
        }
        if (!kafka_consume(t->consumer, t->message, BATCH, NAP_MS, &count, e))
            return false;
        take_messages(t, count);
        kafka_release(t->message, count);
        stalls = count > 0 ? 0 : stalls + 1;
        if (stalls == STALLS_MAX)
            return error_set(e, ERROR_WORLD,
                             "topic \"%s\" gives nothing for %d s: are its brokers "
                             "there?",
                             t->name, STALLS_MAX * NAP_MS / 1000);
    }
    if (t->lines.overflow)
        return error_set(e, ERROR_FULL, "messages of over %d bytes", LINES_MAX);
    if (t->lines.length > 0)
        *lines = (struct text){t->lines.bytes, t->lines.length};
    return true;
}
