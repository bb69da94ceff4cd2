#include "shell/access/rate.h"

#include <stdatomic.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "shell/access/rate_shared.h"
#include "shell/os/digest.h"

enum { WAYS = 4 };

struct bucket {
    _Atomic uint64_t who;
    _Atomic int64_t full_us; /* when it will be full; the past: it is */
};

struct rate {
    struct rate_setting setting;
    int64_t step_us; /* one request's share of the period */
    uint64_t seed;
    struct bucket *buckets;
    struct rate_shared *shared; /* or NULL */
    const char *kind;
};

struct rate *rate_new(const struct rate_setting *setting)
{
    struct rate *r = mem_alloc(sizeof *r);

    r->setting = *setting;
    if (setting->limit == 0)
        return r;
    r->step_us = setting->period_us / setting->limit;
    r->step_us += r->step_us == 0;
    r->buckets = mem_array(RATE_ROOM, sizeof *r->buckets);
    random_bytes(&r->seed, sizeof r->seed);
    return r;
}

void rate_share(struct rate *r, struct rate_shared *shared, const char *kind)
{
    r->shared = shared;
    r->kind = kind;
}

void rate_free(struct rate *r)
{
    if (r == NULL)
        return;
    mem_free(r->buckets);
    mem_free(r);
}

/* Its own, or one whose owner has not asked for so long that it is full, or, where all are busy,
 * one that is shared. */
static struct bucket *bucket_of(struct rate *r, struct text t, int64_t now_us)
{
    uint64_t who = hash_bytes(t.bytes, t.length, r->seed) | 1;
    struct bucket *first = &r->buckets[who / 2 % (RATE_ROOM / WAYS) * WAYS];

    for (int i = 0; i < WAYS; i++) {
        if (atomic_load_explicit(&first[i].who, memory_order_relaxed) == who)
            return &first[i];
    }
    for (int i = 0; i < WAYS; i++) {
        uint64_t was = atomic_load(&first[i].who);

        if (atomic_load(&first[i].full_us) <= now_us &&
            atomic_compare_exchange_strong(&first[i].who, &was, who))
            return &first[i];
    }
    return first;
}

struct rate_answer rate_take(struct rate *r, struct text who, int64_t now_us)
{
    struct rate_answer a = {.limit = r->setting.limit};
    int64_t whole_us = r->step_us * r->setting.limit, full_us, next_us;
    struct bucket *b;

    if (a.limit == 0 ||
        (r->shared != NULL && rate_shared_take(r->shared, r->kind, who, a.limit, r->step_us, &a)))
        return a;
    b = bucket_of(r, who, now_us);
    full_us = atomic_load_explicit(&b->full_us, memory_order_relaxed);
    do {
        next_us = (full_us > now_us ? full_us : now_us) + r->step_us;
        if (next_us - now_us > whole_us) {
            a.reset_s = (unsigned)((full_us - now_us + 999999) / 1000000);
            a.wait_s = (unsigned)((next_us - now_us - whole_us + 999999) / 1000000);
            return a;
        }
    } while (!atomic_compare_exchange_weak(&b->full_us, &full_us, next_us));
    a.remaining = (unsigned)((whole_us - (next_us - now_us)) / r->step_us);
    a.reset_s = (unsigned)((next_us - now_us + 999999) / 1000000);
    return a;
}
