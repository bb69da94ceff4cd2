/* Decisions to a target of notifications: one after another, before the group's position is moved.
 * What was sent and not committed is sent again with the same id (topic, partition and offset), so
 * at least once. One that the target refuses `tries` times becomes a dead letter; a target that is
 * away pauses the stream, as any sink does. */
#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/run/data_directory.h"
#include "shell/stream/sink.h"
#include "shell/watch/notify_sender.h"
#include "shell/watch/notify_state.h"

enum { WAITING_MAX = 1 << 20, ID_BYTES = NOTIFY_ID_MAX, WAITING_BYTES = 256 << 20 };

struct waiting {
    uint32_t id, subject, data; /* bytes of each, one behind the other from `at` on */
    size_t at;
    int64_t time_us;
    uint64_t key;
};

struct sink_notify {
    struct sink sink;
    const char *topic;
    struct notify_state state;
    struct notify_sender *sender;
    struct waiting *row;
    uint32_t rows, room, sent; /* of rows: these are sent or dead letters */
    uint32_t tries, refusals;  /* of the first that is not */
    int64_t again_us;          /* monotonic: not before */
    struct buffer bytes;
};

static void notify_close(struct sink *s)
{
    struct sink_notify *n = (struct sink_notify *)s;

    notify_sender_close(n->sender);
    mem_free(n->row);
    buffer_fini(&n->bytes);
    mem_free(n);
}

static bool notify_open(const struct sink_setting *s, const struct sink_context *c,
                        struct sink **out, struct error *e)
{
    struct sink_notify *n = mem_alloc(sizeof *n);
    char data[DATA_PATH_MAX];

    n->topic = c->topic;
    buffer_init(&n->bytes, WAITING_BYTES);
    if (!data_directory(c->settings, data, e) ||
        !notify_state_init(&n->state, data, s->notify, e) ||
        !notify_sender_open(c->settings, settings_notify(c->settings, s->notify), &n->sender, e)) {
        notify_close(&n->sink);
        return false;
    }
    *out = &n->sink;
    return true;
}

static bool notify_add(struct sink *s, const struct sink_row *r, struct error *e)
{
    struct sink_notify *n = (struct sink_notify *)s;
    struct text key = r->key.bytes != NULL ? r->key : r->id;
    char id[ID_BYTES];
    struct waiting *w;

    if (n->rows == n->room) {
        n->room = n->room > 0 ? 2 * n->room : 256;
        n->row = mem_resize(n->row, n->room, sizeof *n->row);
    }
    snprintf(id, sizeof id, "%.100s-%d-%lld", n->topic, r->partition, (long long)r->offset);
    w = &n->row[n->rows];
    *w = (struct waiting){.id = (uint32_t)strlen(id),
                          .subject = (uint32_t)r->id.length,
                          .data = (uint32_t)r->json.length,
                          .at = n->bytes.length,
                          .time_us = r->received_us,
                          .key = hash_bytes(key.bytes, key.length, 0)};
    buffer_add_text(&n->bytes, id);
    buffer_add_slice(&n->bytes, r->id);
    buffer_add_slice(&n->bytes, r->json);
    n->rows++;
    return (n->rows <= WAITING_MAX && !n->bytes.overflow) ||
           error_set(e, ERROR_FULL,
                     "notify: too many decisions in one transaction; make stream.events smaller");
}

static struct notify_event event_of(const struct sink_notify *n, uint32_t row)
{
    const struct waiting *w = &n->row[row];
    const char *at = n->bytes.bytes + w->at;

    return (struct notify_event){.id = {at, w->id},
                                 .type = "assay.decision",
                                 .subject = {at + w->id, w->subject},
                                 .time_us = w->time_us,
                                 .key = w->key,
                                 .data = {at + w->id + w->subject, w->data}};
}

/* The first that is left is not sent. True: it is a dead letter now. */
static bool give_up(struct sink_notify *n, const struct notify_event *ev,
                    const struct notify_result *r, struct error *e)
{
    n->tries++;
    n->refusals += r->end == NOTIFY_REFUSED;
    n->again_us = clock_monotonic_us() + notify_wait_us(n->tries, r);
    if (n->refusals < n->sender->setting->tries)
        return error_set(e, ERROR_WORLD, "%s", r->words);
    if (!notify_dead_add(&n->state, ev, n->tries, r->words, clock_now_us(), e))
        return false;
    n->sent++;
    n->tries = n->refusals = 0;
    return true;
}

static bool notify_deliver(struct sink *s, struct error *e)
{
    struct sink_notify *n = (struct sink_notify *)s;
    uint32_t most = notify_batch(n->sender);

    while (n->sent < n->rows) {
        struct notify_event ev[NOTIFY_BATCH_MAX];
        const struct notify_event *at[NOTIFY_BATCH_MAX];
        uint32_t count = 0, sent;
        struct notify_result r;

        if (n->tries > 0 && clock_monotonic_us() < n->again_us)
            return error_set(e, ERROR_WORLD, "it is tried again later");
        for (; count < most && n->sent + count < n->rows; count++) {
            ev[count] = event_of(n, n->sent + count);
            at[count] = &ev[count];
        }
        sent = notify_send(n->sender, at, count, &r);
        n->sent += sent;
        if (sent > 0)
            n->tries = n->refusals = 0;
        else if (!give_up(n, at[0], &r, e))
            return false;
    }
    return true;
}

static void notify_forget(struct sink *s)
{
    struct sink_notify *n = (struct sink_notify *)s;

    n->rows = n->sent = n->tries = n->refusals = 0;
    buffer_clear(&n->bytes);
}

static bool notify_committed(struct sink *s, struct error *e)
{
    (void)e;
    notify_forget(s);
    return true;
}

const struct sink_ops sink_notify_ops = {.name = "notify",
                                         .open = notify_open,
                                         .close = notify_close,
                                         .add = notify_add,
                                         .deliver = notify_deliver,
                                         .committed = notify_committed,
                                         .forget = notify_forget};
