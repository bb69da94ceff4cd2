/* A target of notifications: one connection to it, over which notifications go one after another.
 *
 * Kinds are rows of a table (notify_sender.c), each in a file of its own. What an answer means is
 * the same for all:
 *   sent      it has it
 *   away      it cannot be reached, or says that it has too much to do: tried again, for a time
 *   refused   it will not have this one: tried again, a number of times
 *
 * One thread; a sender for each lane. */
#ifndef ASSAY_WATCH_NOTIFY_SENDER_H
#define ASSAY_WATCH_NOTIFY_SENDER_H

#include "shell/watch/notify_event.h"

enum {
    NOTIFY_WORDS_MAX = 512,
    NOTIFY_BATCH_MAX = 64, /* notifications of one notify_send */
    NOTIFY_WAIT_LEAST_US = 250000,
    NOTIFY_WAIT_MOST_US = 60000000,
    NOTIFY_ANSWER_MAX = 64 << 10, /* bytes of an answer; they are not looked at */
};

enum notify_end { NOTIFY_SENT, NOTIFY_AWAY, NOTIFY_REFUSED };

struct notify_result {
    enum notify_end end;
    int64_t wait_us; /* that the target asks for; 0: none */
    char words[NOTIFY_WORDS_MAX];
};

struct notify_sender;

struct notify_sender_ops {
    const char *name;
    uint32_t batch; /* notifications of one call, at most */
    bool (*open)(const struct settings *s, const struct notify_setting *n,
                 struct notify_sender **out, struct error *e);
    void (*close)(struct notify_sender *t);
    /* In their order; how many of them it has. The result is that of the first that it lacks. */
    uint32_t (*send)(struct notify_sender *t, const struct notify_event *const *ev, uint32_t count,
                     struct notify_result *r);
};

/* Each kind's own struct begins with it. */
struct notify_sender {
    const struct notify_sender_ops *ops;
    const struct settings *settings;
    const struct notify_setting *setting;
    struct json_reader *json;
};

/* The settings outlive it. Nothing is reached yet. */
bool notify_sender_open(const struct settings *s, const struct notify_setting *n,
                        struct notify_sender **out, struct error *e) MUST_USE;
void notify_sender_close(struct notify_sender *t); /* takes NULL */
uint32_t notify_batch(const struct notify_sender *t);
uint32_t notify_send(struct notify_sender *t, const struct notify_event *const *ev, uint32_t count,
                     struct notify_result *r);
/* How long to wait after the try number `tries` (from 1 on): doubled each time, half of it by
 * chance, and at least what the target asked for. */
int64_t notify_wait_us(uint32_t tries, const struct notify_result *r);
/* The file of the setting's `ca`; NULL: none. */
const char *notify_ca(const struct settings *s, const struct notify_setting *n, char *path,
                      size_t room);

extern const struct notify_sender_ops notify_webhook_ops, notify_chat_ops, notify_mail_ops,
    notify_topic_ops;

#endif
