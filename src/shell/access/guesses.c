#include "shell/access/guesses.h"

#include <pthread.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "shell/os/digest.h"

enum { WAYS = 8 }; /* places where one may be remembered */

#define FORGOTTEN_US (INT64_C(3600) * 1000000)

struct failures {
    uint64_t who; /* 0: free */
    unsigned count;
    int64_t last_us, until_us;
};

struct guesses {
    pthread_mutex_t lock;
    uint64_t seed; /* so that nobody can choose who shares a place */
    struct failures all[GUESSES_ROOM];
};

struct guesses *guesses_new(void)
{
    struct guesses *g = mem_alloc(sizeof *g);

    pthread_mutex_init(&g->lock, NULL);
    random_bytes(&g->seed, sizeof g->seed);
    return g;
}

void guesses_free(struct guesses *g)
{
    if (g == NULL)
        return;
    pthread_mutex_destroy(&g->lock);
    mem_free(g);
}

static struct failures *of(struct guesses *g, struct text t, uint64_t kind, int64_t now_us)
{
    uint64_t who = hash_bytes(t.bytes, t.length, g->seed + kind) | 1;
    struct failures *first = &g->all[who / 2 % (GUESSES_ROOM / WAYS) * WAYS], *least = first;

    for (int i = 0; i < WAYS; i++) {
        struct failures *f = &first[i];

        if (f->who == who) {
            if (now_us - f->last_us > FORGOTTEN_US)
                f->count = 0;
            return f;
        }
        if (f->until_us < least->until_us)
            least = f;
    }
    *least = (struct failures){.who = who};
    return least;
}

static unsigned wait_s(const struct failures *f, int64_t now_us)
{
    return f->until_us <= now_us ? 0 : (unsigned)((f->until_us - now_us + 999999) / 1000000);
}

static void fail(struct failures *f, unsigned free_ones, int64_t most_s, int64_t now_us)
{
    int64_t wait = 0;

    f->count++;
    f->last_us = now_us;
    if (f->count >= free_ones)
        wait = f->count - free_ones < 20 ? INT64_C(1) << (f->count - free_ones) : most_s;
    f->until_us = now_us + (wait < most_s ? wait : most_s) * 1000000;
}

unsigned guesses_try(struct guesses *g, struct text name, struct text address, int64_t now_us)
{
    struct failures *by_name, *by_address;
    unsigned a, b;

    pthread_mutex_lock(&g->lock);
    by_name = of(g, name, 0, now_us);
    a = wait_s(by_name, now_us);
    by_address = of(g, address, 1, now_us);
    b = wait_s(by_address, now_us);
    if (a == 0 && b == 0) {
        fail(of(g, name, 0, now_us), GUESSES_FREE, GUESSES_NAME_MAX_S, now_us);
        /* Many people may share an address. */
        fail(of(g, address, 1, now_us), 4 * GUESSES_FREE, GUESSES_ADDRESS_MAX_S, now_us);
    }
    pthread_mutex_unlock(&g->lock);
    return a > b ? a : b;
}

void guesses_right(struct guesses *g, struct text name, struct text address)
{
    struct failures *f;

    pthread_mutex_lock(&g->lock);
    f = of(g, name, 0, INT64_MIN / 2);
    f->count = 0;
    f->until_us = 0;
    /* The address keeps its failures, but for this one: else one's own account would be a way to
     * guess those of others. */
    f = of(g, address, 1, INT64_MIN / 2);
    if (f->count > 0)
        f->count--;
    if (f->count < 4 * GUESSES_FREE)
        f->until_us = 0;
    pthread_mutex_unlock(&g->lock);
}
