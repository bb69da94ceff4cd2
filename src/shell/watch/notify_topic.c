/* A topic of Kafka: CloudEvents, keyed by what they are about, so that those of one key stay in
 * their order. Idempotent within a connection; what is sent again after a restart has its id. */
#include <stdio.h>

#include "core/base/memory.h"
#include "shell/link/kafka.h"
#include "shell/watch/notify_sender.h"

struct notify_topic {
    struct notify_sender sender;
    struct kafka_producer *producer; /* NULL: to be opened */
    struct kafka_property property[SETTINGS_PROPERTIES_MAX];
    struct buffer body[NOTIFY_BATCH_MAX]; /* the producer borrows them until they are flushed */
    char key[NOTIFY_BATCH_MAX][24];
};

static bool topic_open(const struct settings *s, const struct notify_setting *n,
                       struct notify_sender **out, struct error *e)
{
    struct notify_topic *t = mem_alloc(sizeof *t);

    (void)s, (void)n, (void)e;
    for (uint32_t i = 0; i < NOTIFY_BATCH_MAX; i++)
        buffer_init(&t->body[i], 2 * NOTIFY_DATA_MAX);
    *out = &t->sender;
    return true;
}

static void topic_close(struct notify_sender *s)
{
    struct notify_topic *t = (struct notify_topic *)s;

    kafka_producer_close(t->producer);
    for (uint32_t i = 0; i < NOTIFY_BATCH_MAX; i++)
        buffer_fini(&t->body[i]);
    mem_free(t);
}

static struct kafka_options options_of(struct notify_topic *t)
{
    const struct kafka_setting *k = &t->sender.settings->kafka;

    for (uint32_t i = 0; i < k->property_count; i++)
        t->property[i] = (struct kafka_property){k->properties[i].name, k->properties[i].source};
    return (struct kafka_options){
        .brokers = k->brokers, .property = t->property, .properties = k->property_count};
}

static bool ready(struct notify_topic *t, struct error *e)
{
    struct kafka_options o = options_of(t);

    return t->producer != NULL || kafka_producer_open(&o, NULL, &t->producer, e);
}

/* What was not delivered in time may have nowhere to go: brokers only say so when they are asked.
 */
static bool deliver(struct notify_topic *t, struct error *e)
{
    const struct notify_setting *n = t->sender.setting;
    const char *name = n->topic;
    struct kafka_options o = options_of(t);
    struct kafka_topic found;
    struct error why;

    if (kafka_flush(t->producer, (int)(n->timeout_us / 1000), e))
        return true;
    if (e->kind == ERROR_WORLD && kafka_topics(&o, &name, 1, &found, &why) && found.partitions == 0)
        error_set(e, ERROR_NOT_FOUND,
                  "kafka %s has no topic \"%s\": make it, or correct notify.%s.topic", o.brokers,
                  name, n->name);
    return false;
}

static bool send_all(struct notify_topic *t, const struct notify_event *const *ev, uint32_t count,
                     struct error *e)
{
    const struct notify_setting *n = t->sender.setting;

    if (!ready(t, e))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct kafka_record r = {.time_us = ev[i]->time_us};
        static const struct kafka_header type = {
            "content-type", {"application/cloudevents+json; charset=utf-8", 43}};

        buffer_clear(&t->body[i]);
        notify_cloudevent(ev[i], t->sender.settings->name, &t->body[i]);
        snprintf(t->key[i], sizeof t->key[i], "%016llx", (unsigned long long)ev[i]->key);
        r.key = text_of(t->key[i]);
        r.value = (struct text){t->body[i].bytes, t->body[i].length};
        r.header = &type;
        r.headers = 1;
        if (!kafka_send(t->producer, n->topic, KAFKA_ANY_PARTITION, &r, e))
            return false;
    }
    return deliver(t, e);
}

/* All or none: after a failure the producer, and what it may have sent, is given up. */
static uint32_t topic_send(struct notify_sender *s, const struct notify_event *const *ev,
                           uint32_t count, struct notify_result *r)
{
    struct notify_topic *t = (struct notify_topic *)s;
    struct error e;

    if (send_all(t, ev, count, &e))
        return count;
    kafka_producer_close(t->producer);
    t->producer = NULL;
    r->end = e.kind == ERROR_FULL || e.kind == ERROR_INVALID ? NOTIFY_REFUSED : NOTIFY_AWAY;
    snprintf(r->words, sizeof r->words, "%.*s", NOTIFY_WORDS_MAX - 1, e.text);
    return 0;
}

const struct notify_sender_ops notify_topic_ops = {.name = "topic",
                                                   .batch = NOTIFY_BATCH_MAX,
                                                   .open = topic_open,
                                                   .close = topic_close,
                                                   .send = topic_send};
