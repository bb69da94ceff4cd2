#include "shell/watch/notify_sender.h"

#include <stdio.h>

#include "core/base/panic.h"
#include "shell/os/digest.h"

static const struct notify_sender_ops *const kinds[] = {
    [NOTIFY_TO_WEBHOOK] = &notify_webhook_ops,
    [NOTIFY_TO_EMAIL] = &notify_mail_ops,
    [NOTIFY_TO_CHAT] = &notify_chat_ops,
    [NOTIFY_TO_TOPIC] = &notify_topic_ops,
};

bool notify_sender_open(const struct settings *s, const struct notify_setting *n,
                        struct notify_sender **out, struct error *e)
{
    if (!kinds[n->to]->open(s, n, out, e))
        return error_prefix(e, "notify.%s", n->name);
    (*out)->ops = kinds[n->to];
    (*out)->settings = s;
    (*out)->setting = n;
    (*out)->json = json_reader_new();
    return true;
}

void notify_sender_close(struct notify_sender *t)
{
    if (t == NULL)
        return;
    json_reader_free(t->json);
    t->ops->close(t);
}

uint32_t notify_batch(const struct notify_sender *t)
{
    return t->ops->batch;
}

uint32_t notify_send(struct notify_sender *t, const struct notify_event *const *ev, uint32_t count,
                     struct notify_result *r)
{
    ASSERT(count > 0 && count <= t->ops->batch);
    *r = (struct notify_result){.end = NOTIFY_SENT};
    return t->ops->send(t, ev, count, r);
}

int64_t notify_wait_us(uint32_t tries, const struct notify_result *r)
{
    int64_t wait_us = NOTIFY_WAIT_LEAST_US;
    uint32_t chance;

    while (--tries > 0 && wait_us < NOTIFY_WAIT_MOST_US)
        wait_us *= 2;
    if (wait_us > NOTIFY_WAIT_MOST_US)
        wait_us = NOTIFY_WAIT_MOST_US;
    random_bytes(&chance, sizeof chance);
    wait_us = wait_us / 2 + (int64_t)((uint64_t)chance * (uint64_t)(wait_us / 2) >> 32);
    return r->wait_us > wait_us ? r->wait_us : wait_us;
}

const char *notify_ca(const struct settings *s, const struct notify_setting *n, char *path,
                      size_t room)
{
    if (n->ca == NULL)
        return NULL;
    if (n->ca[0] == '/')
        snprintf(path, room, "%s", n->ca);
    else
        snprintf(path, room, "%s/%s", s->directory, n->ca);
    return path;
}
