#include "shell/access/links.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/os/digest.h"

#define LINK_PREFIX "asl_"

struct link {
    uint8_t hash[DIGEST_BYTES];
    struct vouched of;
    int64_t until_us; /* 0: there is none here */
};

struct links {
    pthread_mutex_t lock;
    struct link all[LINKS_MAX];
};

struct links *links_new(void)
{
    struct links *l = mem_alloc(sizeof *l);

    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void links_free(struct links *l)
{
    if (l == NULL)
        return;
    pthread_mutex_destroy(&l->lock);
    mem_free(l);
}

/* With the lock held: where the next one goes. Whoever makes many takes nobody else's place. */
static struct link *place_for(struct links *l, const struct caller *c, int64_t now_us)
{
    struct link *oldest = &l->all[0], *own = NULL;
    unsigned owned = 0;

    for (struct link *one = l->all; one < l->all + LINKS_MAX; one++) {
        if (one->until_us < oldest->until_us)
            oldest = one;
        if (one->until_us < now_us || one->of.caller.kind != c->kind ||
            strcmp(one->of.caller.id, c->id) != 0)
            continue;
        owned++;
        if (own == NULL || one->until_us < own->until_us)
            own = one;
    }
    return owned >= LINKS_OF_ONE_MAX ? own : oldest;
}

void links_make(struct links *l, const struct vouched *of, int64_t now_us,
                char text[LINK_TEXT_BYTES + 1])
{
    uint8_t secret[DIGEST_BYTES];
    char hex[DIGEST_HEX];
    struct link *place;

    random_bytes(secret, sizeof secret);
    digest_hex(secret, hex);
    snprintf(text, LINK_TEXT_BYTES + 1, LINK_PREFIX "%s", hex);
    pthread_mutex_lock(&l->lock);
    place = place_for(l, &of->caller, now_us);
    digest_bytes(text, LINK_TEXT_BYTES, place->hash);
    place->of = *of;
    place->until_us = now_us + LINK_MINUTES * INT64_C(60000000);
    pthread_mutex_unlock(&l->lock);
}

bool links_take(struct links *l, struct text token, int64_t now_us, struct vouched *of)
{
    uint8_t hash[DIGEST_BYTES];
    bool is_one = false;

    if (token.length != LINK_TEXT_BYTES)
        return false;
    digest_bytes(token.bytes, token.length, hash);
    pthread_mutex_lock(&l->lock);
    for (struct link *one = l->all; one < l->all + LINKS_MAX; one++) {
        if (one->until_us == 0 || !digest_equal(one->hash, hash, sizeof hash))
            continue;
        is_one = now_us <= one->until_us;
        *of = one->of;
        one->until_us = 0;
    }
    pthread_mutex_unlock(&l->lock);
    return is_one;
}
