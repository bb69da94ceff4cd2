#include "shell/control/tally.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "core/base/memory.h"
#include "shell/os/clock.h"

enum { ID_BYTES = 96, WORDS_BYTES = 160 };

#define DAY_US INT64_C(86400000000)

struct entry {
    char kind[CONTROL_KIND_MAX + 1], actor_kind[CONTROL_ACTOR_KIND_MAX + 1], actor[ID_BYTES + 1];
    char name[ID_BYTES + 1], address[CONTROL_ADDRESS_MAX + 1], subject[WORDS_BYTES + 1];
    char request[CONTROL_REQUEST_MAX + 1], note[WORDS_BYTES + 1]; /* of the first */
    uint64_t count;                                               /* not written yet */
    bool is_written;  /* the first was: the rest waits for the minute's end */
    bool is_of_other; /* counted by kind alone */
};

struct tally {
    struct control *control;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t ended;
    bool is_ending;
    struct entry entries[TALLY_ROOM + TALLY_KINDS];
    unsigned count, others; /* of entries[]; of them by kind alone */
    int64_t minute_us, day_us;
    uint32_t day_records;
    pthread_mutex_t writing; /* one flush at a time, in order */
};

/* Cut at a whole character. */
static void take(char *to, size_t room, struct text t)
{
    size_t length = t.length < room - 1 ? t.length : room - 1;

    while (length < t.length && length > 0 && ((unsigned char)t.bytes[length] & 0xc0) == 0x80)
        length--;
    if (length > 0)
        memcpy(to, t.bytes, length);
    to[length] = 0;
    if (!text_is_utf8(text_of(to)))
        snprintf(to, room, "?");
}

static void entry_take(struct entry *n, const struct control_change *c)
{
    *n = (struct entry){0};
    take(n->kind, sizeof n->kind, c->kind);
    take(n->actor_kind, sizeof n->actor_kind, c->actor.kind);
    take(n->actor, sizeof n->actor, c->actor.id);
    take(n->name, sizeof n->name, c->actor.name);
    take(n->address, sizeof n->address, c->address);
    take(n->subject, sizeof n->subject, c->subject);
    take(n->request, sizeof n->request, c->request);
    take(n->note, sizeof n->note, c->note);
}

static bool is_same(const struct entry *a, const struct entry *b)
{
    return !a->is_of_other && strcmp(a->kind, b->kind) == 0 && strcmp(a->actor, b->actor) == 0 &&
           strcmp(a->address, b->address) == 0 && strcmp(a->subject, b->subject) == 0;
}

static struct entry *entry_of(struct tally *t, const struct entry *wanted)
{
    struct entry *other = NULL;

    for (unsigned i = 0; i < t->count; i++) {
        struct entry *n = &t->entries[i];

        if (is_same(n, wanted))
            return n;
        if (n->is_of_other && strcmp(n->kind, wanted->kind) == 0)
            other = n;
    }
    if (t->count - t->others < TALLY_ROOM && t->day_records < TALLY_DAY_MAX) {
        t->entries[t->count] = *wanted;
        return &t->entries[t->count++];
    }
    if (other == NULL && t->others < TALLY_KINDS) {
        other = &t->entries[t->count++];
        t->others++;
        *other = (struct entry){.is_of_other = true, .is_written = true, .subject = "others"};
        memcpy(other->kind, wanted->kind, sizeof other->kind);
    }
    return other; /* NULL: a ninth kind in a minute of attack */
}

void tally_note(struct tally *t, const struct control_change *change)
{
    struct entry wanted, *n;

    entry_take(&wanted, change);
    pthread_mutex_lock(&t->lock);
    n = entry_of(t, &wanted);
    if (n != NULL)
        n->count++;
    pthread_mutex_unlock(&t->lock);
}

/* False: the log could not take it. */
static bool write_entry(struct tally *t, const struct entry *n)
{
    char data[64];
    struct control_change c = {
        .kind = text_of(n->kind),
        .actor = {text_of(n->actor_kind), text_of(n->actor), text_of(n->name)},
        .address = text_of(n->address),
        .subject = text_of(n->subject),
        .request = text_of(n->request),
        .note = text_of(n->note),
    };
    struct error e;

    snprintf(data, sizeof data, "{\"count\":%llu}", (unsigned long long)n->count);
    c.data = text_of(data);
    return control_append(t->control, &c, NULL, &e);
}

/* What is due: first ones, and all at a minute's end. Under t->lock; returns how many. */
static unsigned take_due(struct tally *t, bool is_all, struct entry *due)
{
    int64_t now_us = clock_monotonic_us();
    unsigned count = 0;
    bool is_over = is_all || now_us - t->minute_us >= TALLY_MINUTE_US;

    for (unsigned i = 0; i < t->count; i++) {
        struct entry *n = &t->entries[i];

        if (n->count == 0 || (n->is_written && !is_over))
            continue;
        due[count++] = *n;
        n->count = 0;
        n->is_written = true;
    }
    if (is_over) {
        t->count = t->others = 0;
        t->minute_us = now_us;
    }
    if (now_us - t->day_us >= DAY_US) {
        t->day_us = now_us;
        t->day_records = 0;
    }
    t->day_records += count;
    return count;
}

static void flush(struct tally *t, bool is_all)
{
    struct entry due[TALLY_ROOM + TALLY_KINDS];
    unsigned count;

    pthread_mutex_lock(&t->writing);
    pthread_mutex_lock(&t->lock);
    count = take_due(t, is_all, due);
    pthread_mutex_unlock(&t->lock);
    for (unsigned i = 0; i < count; i++) {
        if (!write_entry(t, &due[i]))
            break; /* a full or broken disk: the changes say so themselves */
    }
    pthread_mutex_unlock(&t->writing);
}

void tally_flush(struct tally *t)
{
    flush(t, true);
}

static void *tally_main(void *context)
{
    struct tally *t = context;
    struct timespec until;

    pthread_mutex_lock(&t->lock);
    while (!t->is_ending) {
        int64_t at_us = clock_monotonic_us() + TALLY_FLUSH_US;

        until = (struct timespec){at_us / 1000000, at_us % 1000000 * 1000};
        pthread_cond_timedwait(&t->ended, &t->lock, &until);
        pthread_mutex_unlock(&t->lock);
        flush(t, false);
        pthread_mutex_lock(&t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

bool tally_start(struct control *c, struct tally **tally, struct error *e)
{
    struct tally *t = mem_alloc(sizeof *t);
    pthread_condattr_t monotonic;

    t->control = c;
    t->minute_us = t->day_us = clock_monotonic_us();
    pthread_mutex_init(&t->lock, NULL);
    pthread_mutex_init(&t->writing, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&t->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&t->thread, NULL, tally_main, t) != 0) {
        mem_free(t);
        return error_set(e, ERROR_WORLD, "cannot start a thread for the control log");
    }
    *tally = t;
    return true;
}

void tally_stop(struct tally *t)
{
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    t->is_ending = true;
    pthread_cond_signal(&t->ended);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    flush(t, true);
    pthread_cond_destroy(&t->ended);
    pthread_mutex_destroy(&t->lock);
    pthread_mutex_destroy(&t->writing);
    mem_free(t);
}
