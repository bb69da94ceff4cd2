#include "shell/serve/keyed.h"

#include <pthread.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/os/digest.h"
#include "shell/serve/problem.h"

struct kept {
    struct hash128 name; /* of key, method and path; both 0: free */
    uint64_t body;       /* hash of what was asked */
    int64_t at_us;       /* monotonic */
    bool is_under_way;
    unsigned status;
    const char *content_type; /* constants */
    struct buffer answer;
};

struct keyed {
    pthread_mutex_t lock;
    struct hash_key secret; /* nobody can make two keys meet */
    unsigned next;          /* the place to use next: the oldest */
    struct kept kept[KEYED_ANSWERS];
};

struct keyed *keyed_new(void)
{
    struct keyed *k = mem_alloc(sizeof *k);

    pthread_mutex_init(&k->lock, NULL);
    random_bytes(&k->secret, sizeof k->secret);
    for (unsigned i = 0; i < KEYED_ANSWERS; i++)
        buffer_init(&k->kept[i].answer, KEYED_BYTES_MAX);
    return k;
}

void keyed_free(struct keyed *k)
{
    for (unsigned i = 0; i < KEYED_ANSWERS; i++)
        buffer_fini(&k->kept[i].answer);
    pthread_mutex_destroy(&k->lock);
    mem_free(k);
}

bool keyed_key(struct exchange *x, struct text *key)
{
    const char *header = exchange_header(x, "Idempotency-Key");
    struct text t = text_of(header != NULL ? header : "");
    bool is_right;

    if (t.length >= 2 && t.bytes[0] == '"' && t.bytes[t.length - 1] == '"')
        t = (struct text){t.bytes + 1, t.length - 2};
    is_right = header == NULL || (t.length > 0 && t.length <= KEYED_KEY_MAX);
    for (size_t i = 0; i < t.length && is_right; i++)
        is_right = t.bytes[i] > ' ' && t.bytes[i] < 0x7f;
    if (!is_right)
        problem_answer(x, 400, "header Idempotency-Key: expected 1 to %d printable ASCII letters",
                       KEYED_KEY_MAX);
    *key = t;
    return is_right;
}

/* ---- */

struct add_query {
    struct exchange *exchange;
    uint64_t hash;
};

static bool add_query(void *context, const char *name)
{
    struct add_query *q = context;
    const char *value = exchange_query(q->exchange, name);

    q->hash = hash_bytes(name, strlen(name) + 1, q->hash);
    if (value != NULL)
        q->hash = hash_bytes(value, strlen(value) + 1, q->hash);
    return true;
}

static uint64_t request_hash(struct exchange *x)
{
    struct text body = exchange_body(x);
    struct add_query q = {x, hash_bytes(body.bytes, body.length, 0)};

    exchange_queries(x, add_query, &q);
    return q.hash;
}

static struct hash128 name_of(const struct keyed *k, const struct exchange *x, struct text key)
{
    struct hash128 at = hash_token(x->path.bytes, x->path.length, &k->secret);
    struct hash_key of_path = {at.low ^ (uint64_t)x->method, at.high};

    return hash_token(key.bytes, key.length, &of_path);
}

/* Under the lock. */
static struct kept *find(struct keyed *k, struct hash128 name)
{
    int64_t now_us = clock_monotonic_us();

    for (unsigned i = 0; i < KEYED_ANSWERS; i++) {
        struct kept *a = &k->kept[i];

        if (a->name.low == name.low && a->name.high == name.high &&
            (a->is_under_way || now_us - a->at_us < KEYED_HORIZON_US))
            return a;
    }
    return NULL;
}

/* The oldest place that nobody is at work for; there are fewer of those at work than places. */
static struct kept *take_place(struct keyed *k)
{
    struct kept *a;

    do
        a = &k->kept[k->next++ % KEYED_ANSWERS];
    while (a->is_under_way);
    return a;
}

static void answer_again(struct exchange *x, const struct kept *a)
{
    x->status = a->status;
    x->content_type = a->content_type;
    x->is_replay = true;
    buffer_clear(&x->answer);
    buffer_add(&x->answer, a->answer.bytes, a->answer.length);
}

bool keyed_begin(struct keyed *k, struct exchange *x)
{
    uint64_t body;
    struct hash128 name;
    struct kept *a;
    struct text key;

    if (!keyed_key(x, &key))
        return true;
    if (key.length == 0)
        return false;
    body = request_hash(x);
    name = name_of(k, x, key);
    pthread_mutex_lock(&k->lock);
    a = find(k, name);
    if (a == NULL) {
        a = take_place(k);
        buffer_clear(&a->answer);
        a->name = name;
        a->body = body;
        a->is_under_way = true;
    } else if (a->body != body) {
        problem_answer(x, 422, "this Idempotency-Key came with another request before");
    } else if (a->is_under_way) {
        problem_answer(x, 409, "the first request with this Idempotency-Key is under way");
    } else {
        answer_again(x, a);
    }
    pthread_mutex_unlock(&k->lock);
    x->is_keyed = x->status == 0;
    return !x->is_keyed;
}

void keyed_end(struct keyed *k, struct exchange *x)
{
    struct kept *a;
    struct text key;

    if (!x->is_keyed || !keyed_key(x, &key))
        return;
    pthread_mutex_lock(&k->lock);
    a = find(k, name_of(k, x, key));
    a->is_under_way = false;
    a->at_us = clock_monotonic_us();
    a->status = x->status;
    a->content_type = x->content_type;
    buffer_add(&a->answer, x->answer.bytes, x->answer.length);
    if (a->answer.overflow || x->status == 429 || x->status >= 500) {
        buffer_clear(&a->answer);
        a->name = (struct hash128){0};
    }
    pthread_mutex_unlock(&k->lock);
}
