#include "shell/access/sessions.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"

enum { BUCKETS = 4096 };

struct session {
    struct session *next;
    uint8_t hash[DIGEST_BYTES];
    struct vouched of;
    int64_t opened_us, used_us;
    char csrf[SESSION_TEXT_BYTES + 1];
};

struct sessions {
    int64_t idle_us, longest_us;
    pthread_mutex_t lock;
    unsigned count;
    struct session *buckets[BUCKETS];
};

struct sessions *sessions_new(int64_t idle_us, int64_t longest_us)
{
    struct sessions *s = mem_alloc(sizeof *s);

    s->idle_us = idle_us;
    s->longest_us = longest_us;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void sessions_free(struct sessions *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < BUCKETS; i++) {
        while (s->buckets[i] != NULL) {
            struct session *one = s->buckets[i];

            s->buckets[i] = one->next;
            mem_free(one);
        }
    }
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

static bool has_ended(const struct sessions *s, const struct session *one, int64_t now_us)
{
    return now_us - one->used_us > s->idle_us || now_us - one->opened_us > s->longest_us ||
           (one->of.user != NULL &&
            (user_roles(one->of.user) == 0 || user_generation(one->of.user) != one->of.generation));
}

static void drop(struct sessions *s, struct session **at)
{
    struct session *one = *at;

    *at = one->next;
    mem_free(one);
    s->count--;
}

/* Makes room: what has ended goes, and where there are too many the one longest unused, of all or
 * of this caller. */
static void make_room(struct sessions *s, const struct caller *c, int64_t now_us)
{
    struct session **oldest = NULL, **own = NULL;
    unsigned owned = 0;

    for (int i = 0; i < BUCKETS; i++) {
        for (struct session **at = &s->buckets[i]; *at != NULL;) {
            struct session *one = *at;

            if (has_ended(s, one, now_us)) {
                drop(s, at);
                continue;
            }
            at = &one->next;
        }
    }
    for (int i = 0; i < BUCKETS; i++) {
        for (struct session **at = &s->buckets[i]; *at != NULL; at = &(*at)->next) {
            if (oldest == NULL || (*at)->used_us < (*oldest)->used_us)
                oldest = at;
            if (strcmp((*at)->of.caller.id, c->id) != 0)
                continue;
            owned++;
            if (own == NULL || (*at)->used_us < (*own)->used_us)
                own = at;
        }
    }
    if (owned >= SESSIONS_OF_ONE_MAX)
        drop(s, own);
    else if (s->count >= SESSIONS_MAX)
        drop(s, oldest);
}

static struct session **bucket_of(struct sessions *s, const uint8_t hash[DIGEST_BYTES])
{
    return &s->buckets[(hash[0] | hash[1] << 8) % BUCKETS];
}

static void random_text(char text[SESSION_TEXT_BYTES + 1])
{
    uint8_t bytes[DIGEST_BYTES];

    random_bytes(bytes, sizeof bytes);
    digest_hex(bytes, text);
}

void sessions_open(struct sessions *s, const struct vouched *of, int64_t now_us,
                   char token[SESSION_TEXT_BYTES + 1], char csrf[SESSION_TEXT_BYTES + 1])
{
    struct session *one = mem_alloc(sizeof *one), **bucket;

    random_text(token);
    random_text(csrf);
    digest_bytes(token, SESSION_TEXT_BYTES, one->hash);
    one->of = *of;
    one->opened_us = of->since_us != 0 ? of->since_us : now_us;
    one->used_us = now_us;
    memcpy(one->csrf, csrf, sizeof one->csrf);
    pthread_mutex_lock(&s->lock);
    make_room(s, &of->caller, now_us);
    bucket = bucket_of(s, one->hash);
    one->next = *bucket;
    *bucket = one;
    s->count++;
    pthread_mutex_unlock(&s->lock);
}

static struct session **find(struct sessions *s, struct text token)
{
    uint8_t hash[DIGEST_BYTES];
    struct session **at;

    digest_bytes(token.bytes, token.length, hash);
    for (at = bucket_of(s, hash); *at != NULL; at = &(*at)->next) {
        if (digest_equal((*at)->hash, hash, sizeof hash))
            break;
    }
    return at;
}

bool sessions_find(struct sessions *s, struct text token, int64_t now_us, struct vouched *of,
                   char csrf[SESSION_TEXT_BYTES + 1])
{
    struct session **at;
    bool is_one = false;

    if (token.length != SESSION_TEXT_BYTES)
        return false;
    pthread_mutex_lock(&s->lock);
    at = find(s, token);
    if (*at != NULL && has_ended(s, *at, now_us)) {
        drop(s, at);
    } else if (*at != NULL) {
        is_one = true;
        (*at)->used_us = now_us;
        *of = (*at)->of;
        of->since_us = (*at)->opened_us;
        if (of->user != NULL)
            of->caller.roles = user_roles(of->user);
        if (csrf != NULL)
            memcpy(csrf, (*at)->csrf, SESSION_TEXT_BYTES + 1);
    }
    pthread_mutex_unlock(&s->lock);
    return is_one;
}

bool sessions_csrf_matches(const char csrf[SESSION_TEXT_BYTES + 1], struct text given)
{
    return given.length == SESSION_TEXT_BYTES &&
           digest_equal(csrf, given.bytes, SESSION_TEXT_BYTES);
}

void sessions_close(struct sessions *s, struct text token)
{
    struct session **at;

    pthread_mutex_lock(&s->lock);
    at = find(s, token);
    if (*at != NULL)
        drop(s, at);
    pthread_mutex_unlock(&s->lock);
}
