#include "shell/produce/seen.h"

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "shell/os/digest.h"

enum { SLOTS = 2 * SEEN_KEPT };

struct table {
    struct hash128 *slot; /* both words 0: free */
    uint32_t count;
};

struct seen {
    struct hash_key key;
    struct table young, old;
};

struct seen *seen_new(void)
{
    struct seen *s = mem_alloc(sizeof *s);

    random_bytes(&s->key, sizeof s->key);
    s->young.slot = mem_array(SLOTS, sizeof *s->young.slot);
    s->old.slot = mem_array(SLOTS, sizeof *s->old.slot);
    return s;
}

void seen_free(struct seen *s)
{
    if (s == NULL)
        return;
    mem_free(s->young.slot);
    mem_free(s->old.slot);
    mem_free(s);
}

/* Where it is, or the free slot where it belongs: half of the slots are free. */
static struct hash128 *find(const struct table *t, struct hash128 token)
{
    uint32_t i = (uint32_t)token.low % SLOTS;

    while ((t->slot[i].low | t->slot[i].high) != 0 &&
           (t->slot[i].low != token.low || t->slot[i].high != token.high))
        i = (i + 1) % SLOTS;
    return &t->slot[i];
}

static bool has(const struct table *t, struct hash128 token)
{
    struct hash128 *slot = find(t, token);

    return (slot->low | slot->high) != 0;
}

bool seen_add(struct seen *s, struct text id)
{
    struct hash128 token = hash_token(id.bytes, id.length, &s->key);
    bool is_known;

    token.high |= 1; /* never both 0 */
    if (has(&s->young, token))
        return true;
    is_known = has(&s->old, token);
    if (s->young.count == SEEN_KEPT) {
        struct table was = s->old;

        memset(was.slot, 0, SLOTS * sizeof *was.slot);
        was.count = 0;
        s->old = s->young;
        s->young = was;
    }
    *find(&s->young, token) = token;
    s->young.count++;
    return is_known;
}
