/* Decisions into another topic: in the transaction itself, so exactly once. */
#include "core/base/memory.h"
#include "shell/stream/sink.h"

struct sink_topic {
    struct sink sink;
    struct outbox *outbox;
    const char *topic;
};

static bool topic_open(const struct sink_setting *s, const struct sink_context *c,
                       struct sink **out, struct error *e)
{
    struct sink_topic *t = mem_alloc(sizeof *t);

    (void)e;
    t->outbox = c->outbox;
    t->topic = s->topic;
    *out = &t->sink;
    return true;
}

static void topic_close(struct sink *s)
{
    mem_free(s);
}

static bool topic_add(struct sink *s, const struct sink_row *r, struct error *e)
{
    struct sink_topic *t = (struct sink_topic *)s;
    struct kafka_record record = {.key = outbox_keep(t->outbox, r->key),
                                  .value = outbox_keep(t->outbox, r->json),
                                  .time_us = 0};

    return outbox_add(t->outbox, t->topic, KAFKA_ANY_PARTITION, &record, e);
}

static void topic_forget(struct sink *s)
{
    (void)s;
}

const struct sink_ops sink_topic_ops = {.name = "topic",
                                        .open = topic_open,
                                        .close = topic_close,
                                        .add = topic_add,
                                        .forget = topic_forget};
