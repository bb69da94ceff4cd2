#include "shell/access/rate_shared.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "shell/link/redis.h"

enum { CONNECTIONS = 8, WORD_MAX = 32, KEY_MAX = SETTINGS_PREFIX_MAX + 80 };

/* The bucket is the time at which it is full; microseconds are exact as doubles. */
static const char script[] =
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000000 + time[2]\n"
    "local step, whole = tonumber(ARGV[1]), tonumber(ARGV[2])\n"
    "local full = tonumber(redis.call('GET', KEYS[1]) or '') or now\n"
    "if full < now then full = now end\n"
    "local after = full + step - now\n"
    "if after > whole then return {0, full - now, after - whole} end\n"
    "redis.call('SET', KEYS[1], string.format('%.0f', full + step), 'PX', math.ceil(after / 1000))\n"
    "return {1, after, 0}\n";

/* One request at a time has it. */
struct slot {
    pthread_mutex_t lock;
    struct redis *redis;
    struct redis_script script;
};

struct rate_shared {
    char prefix[SETTINGS_PREFIX_MAX + 1];
    struct hash_key key;
    struct slot slot[CONNECTIONS];
    atomic_uint next;
    _Atomic uint64_t asked, missed;
};

bool rate_shared_open(const struct settings *s, struct rate_shared **out, struct error *e)
{
    const struct redis_options o = {.server = s->redis.server,
                                    .user = s->redis.user,
                                    .password = s->redis.password,
                                    .database = s->redis.database,
                                    .timeout_ms = s->redis.timeout_ms};
    struct rate_shared *r;
    bool ok = true;

    *out = NULL;
    if (s->redis.server == NULL || !s->redis.rates ||
        (s->access.key_rate.limit == 0 && s->access.address_rate.limit == 0))
        return true;
    r = mem_alloc(sizeof *r);
    settings_redis_prefix(s, r->prefix);
    r->key = settings_redis_key(s);
    for (int i = 0; i < CONNECTIONS; i++) {
        pthread_mutex_init(&r->slot[i].lock, NULL);
        r->slot[i].script.text = script;
        ok = ok && redis_open(&o, &r->slot[i].redis, e);
    }
    if (!ok) {
        rate_shared_close(r);
        return settings_blame(s, "redis.server", e);
    }
    *out = r;
    return true;
}

void rate_shared_close(struct rate_shared *r)
{
    if (r == NULL)
        return;
    for (int i = 0; i < CONNECTIONS; i++) {
        redis_close(r->slot[i].redis);
        pthread_mutex_destroy(&r->slot[i].lock);
    }
    mem_free(r);
}

/* One that is free, otherwise one in turn. */
static struct slot *take_slot(struct rate_shared *r)
{
    struct slot *s;

    for (int i = 0; i < CONNECTIONS; i++) {
        if (pthread_mutex_trylock(&r->slot[i].lock) == 0)
            return &r->slot[i];
    }
    s = &r->slot[atomic_fetch_add(&r->next, 1) % CONNECTIONS];
    pthread_mutex_lock(&s->lock);
    return s;
}

static unsigned seconds(int64_t us)
{
    return us <= 0 ? 0 : (unsigned)((us + 999999) / 1000000);
}

static bool read_answer(const struct redis_reply *reply, uint32_t limit, int64_t step_us,
                        struct rate_answer *a)
{
    int64_t after_us, wait_us;

    if (redis_count(reply) != 3)
        return false;
    after_us = redis_integer(redis_at(reply, 1));
    wait_us = redis_integer(redis_at(reply, 2));
    *a = (struct rate_answer){.limit = limit, .reset_s = seconds(after_us)};
    if (redis_integer(redis_at(reply, 0)) == 1)
        a->remaining = (unsigned)((step_us * limit - after_us) / step_us);
    else
        a->wait_s = seconds(wait_us);
    return true;
}

bool rate_shared_take(struct rate_shared *r, const char *kind, struct text who, uint32_t limit,
                      int64_t step_us, struct rate_answer *a)
{
    struct hash128 token = hash_token(who.bytes, who.length, &r->key);
    char key[KEY_MAX], step[WORD_MAX], whole[WORD_MAX];
    struct text argument[3];
    struct redis_call call = {argument, 3, 1, NULL};
    struct slot *s = take_slot(r);
    struct error e;
    bool ok = false;

    snprintf(key, sizeof key, "{%s}:rate:%s:%016" PRIx64 "%016" PRIx64, r->prefix, kind, token.high,
             token.low);
    snprintf(step, sizeof step, "%" PRId64, step_us);
    snprintf(whole, sizeof whole, "%" PRId64, step_us * limit);
    argument[0] = text_of(key);
    argument[1] = text_of(step);
    argument[2] = text_of(whole);
    /* An idle connection may have been ended: once more, on a new one. Counting twice errs on the
     * safe side. */
    for (int again = 0; again < 2 && !ok && redis_may_try(s->redis); again++) {
        ok = redis_run(s->redis, &s->script, &call, 1, &e) &&
             read_answer(call.reply, limit, step_us, a);
        redis_reply_free(call.reply);
    }
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_add_explicit(ok ? &r->asked : &r->missed, 1, memory_order_relaxed);
    return ok;
}

void rate_shared_count(const struct rate_shared *r, struct rate_shared_counts *c)
{
    *c = (struct rate_shared_counts){0};
    if (r != NULL)
        *c = (struct rate_shared_counts){atomic_load(&r->asked), atomic_load(&r->missed)};
}
