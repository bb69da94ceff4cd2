#include "shell/access/jwks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/access/base64.h"
#include "shell/link/http_client.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"

struct named_key {
    char id[JWKS_ID_MAX + 1];
    struct signature_key *key;
};

struct jwks {
    char *location;        /* NULL: a secret */
    pthread_rwlock_t lock; /* of the keys */
    struct named_key keys[JWKS_KEYS_MAX];
    unsigned count;

    pthread_t thread;
    pthread_mutex_t waking; /* of what follows */
    pthread_cond_t wake;
    bool is_asked, is_ending;
};

/* ---- reading ---- */

static bool is_url(const char *location)
{
    return strncmp(location, "https://", 8) == 0 || strncmp(location, "http://", 7) == 0;
}

static bool fetch(const char *url, struct buffer *out, struct error *e)
{
    struct http_client *c = http_client_new(url);
    int status;
    bool ok = http_client_ask(c, "", "", (struct text){NULL, 0}, out, &status, e) &&
              (status == 200 || error_set(e, ERROR_WORLD, "%s: answered %d", url, status));

    http_client_free(c);
    return ok;
}

static bool member(const struct json *key, const char *name, struct buffer *out)
{
    buffer_clear(out);
    return base64url_decode(json_text_at(key, name), out) && out->length > 0;
}

static struct text bytes_of(const struct buffer *b)
{
    return (struct text){b->bytes, b->length};
}

/* False: no key that signs, or of a kind that is not taken. */
static bool read_key(const struct json *j, struct named_key *k)
{
    struct text kind = json_text_at(j, "kty"), alg = json_text_at(j, "alg");
    struct text use = json_text_at(j, "use"), id = json_text_at(j, "kid");
    struct buffer a, b;
    struct error e;
    bool ok = false;

    if (id.length > JWKS_ID_MAX || (use.length > 0 && !text_is(use, "sig")))
        return false;
    buffer_init(&a, 4096);
    buffer_init(&b, 4096);
    if (text_is(kind, "RSA") && (alg.length == 0 || text_is(alg, "RS256")))
        ok = member(j, "n", &a) && member(j, "e", &b) &&
             signature_key_rsa(bytes_of(&a), bytes_of(&b), &k->key, &e);
    else if (text_is(kind, "EC") && text_is(json_text_at(j, "crv"), "P-256") &&
             (alg.length == 0 || text_is(alg, "ES256")))
        ok = member(j, "x", &a) && member(j, "y", &b) &&
             signature_key_ec(bytes_of(&a), bytes_of(&b), &k->key, &e);
    if (ok)
        snprintf(k->id, sizeof k->id, "%.*s", TEXT_ARG(id));
    buffer_fini(&a);
    buffer_fini(&b);
    return ok;
}

static bool parse(struct text bytes, struct named_key keys[JWKS_KEYS_MAX], unsigned *count,
                  struct error *e)
{
    struct json_reader *reader = json_reader_new();
    struct json_document *d = json_parse(reader, bytes.bytes, bytes.length, e);
    const struct json *all = d != NULL ? json_at(&d->root, "keys") : NULL;

    *count = 0;
    for (uint32_t i = 0; all != NULL && all->kind == JSON_ARRAY && i < all->count; i++) {
        if (*count < JWKS_KEYS_MAX && read_key(&all->items[i], &keys[*count]))
            ++*count;
    }
    if (d != NULL && *count == 0)
        error_set(e, ERROR_INVALID, "no RSA or P-256 key for signatures in it");
    json_free(d);
    json_reader_free(reader);
    return *count > 0;
}

static void replace(struct jwks *j, const struct named_key *keys, unsigned count)
{
    pthread_rwlock_wrlock(&j->lock);
    for (unsigned i = 0; i < j->count; i++)
        signature_key_free(j->keys[i].key);
    memcpy(j->keys, keys, count * sizeof *keys);
    j->count = count;
    pthread_rwlock_unlock(&j->lock);
}

static bool renew(struct jwks *j, struct error *e)
{
    struct named_key *keys = mem_array(JWKS_KEYS_MAX, sizeof *keys);
    struct buffer bytes;
    unsigned count = 0;
    bool ok;

    buffer_init(&bytes, JWKS_BYTES_MAX);
    ok =
        (is_url(j->location) ? fetch(j->location, &bytes, e) : file_read(j->location, &bytes, e)) &&
        parse(bytes_of(&bytes), keys, &count, e);
    if (ok)
        replace(j, keys, count);
    else
        error_prefix(e, "%s", j->location);
    buffer_fini(&bytes);
    mem_free(keys);
    return ok;
}

static void wait_until(struct jwks *j, int64_t until_us)
{
    struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};

    pthread_cond_timedwait(&j->wake, &j->waking, &until);
}

static void *jwks_main(void *context)
{
    struct jwks *j = context;
    int64_t read_us = clock_monotonic_us();
    struct error e;

    pthread_mutex_lock(&j->waking);
    while (!j->is_ending) {
        int64_t now_us = clock_monotonic_us();
        int64_t due_us = read_us + (j->is_asked ? JWKS_LEAST_S : JWKS_EVERY_S) * INT64_C(1000000);

        if (now_us < due_us) {
            wait_until(j, due_us);
            continue;
        }
        j->is_asked = false;
        pthread_mutex_unlock(&j->waking);
        if (!renew(j, &e)) {
            /* What was read before stays in force; a token says that its key is not known. */
        }
        read_us = clock_monotonic_us();
        pthread_mutex_lock(&j->waking);
    }
    pthread_mutex_unlock(&j->waking);
    return NULL;
}

/* ---- open and close ---- */

static struct jwks *jwks_new(void)
{
    struct jwks *j = mem_alloc(sizeof *j);
    pthread_condattr_t monotonic;

    pthread_rwlock_init(&j->lock, NULL);
    pthread_mutex_init(&j->waking, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&j->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return j;
}

static void jwks_free(struct jwks *j)
{
    replace(j, j->keys, 0);
    pthread_cond_destroy(&j->wake);
    pthread_mutex_destroy(&j->waking);
    pthread_rwlock_destroy(&j->lock);
    mem_free(j->location);
    mem_free(j);
}

bool jwks_open(const char *location, struct jwks **jwks, struct error *e)
{
    struct jwks *j = jwks_new();

    j->location = mem_text(location, strlen(location));
    if (!renew(j, e)) {
        if (!is_url(location)) {
            jwks_free(j);
            return false;
        }
        j->is_asked = true;
    }
    if (pthread_create(&j->thread, NULL, jwks_main, j) != 0) {
        jwks_free(j);
        return error_set(e, ERROR_WORLD, "cannot start a thread for the keys of tokens");
    }
    *jwks = j;
    return true;
}

struct jwks *jwks_of_secret(struct text secret)
{
    struct jwks *j = jwks_new();

    j->keys[0].key = signature_key_secret(secret);
    j->count = 1;
    return j;
}

void jwks_close(struct jwks *j)
{
    if (j == NULL)
        return;
    if (j->location != NULL) {
        pthread_mutex_lock(&j->waking);
        j->is_ending = true;
        pthread_cond_signal(&j->wake);
        pthread_mutex_unlock(&j->waking);
        pthread_join(j->thread, NULL);
    }
    jwks_free(j);
}

/* ---- asking ---- */

static void ask_again(struct jwks *j)
{
    if (j->location == NULL)
        return;
    pthread_mutex_lock(&j->waking);
    j->is_asked = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->waking);
}

bool jwks_holds(struct jwks *j, struct text id, enum signature_kind kind, struct text bytes,
                struct text signature, const char **why)
{
    const struct named_key *found = NULL;
    bool is_unknown, holds = false;

    pthread_rwlock_rdlock(&j->lock);
    for (unsigned i = 0; i < j->count && found == NULL; i++) {
        if (j->location == NULL || (id.length == 0 ? j->count == 1 : text_is(id, j->keys[i].id)))
            found = &j->keys[i];
    }
    is_unknown = found == NULL;
    if (is_unknown)
        *why = "it is signed by a key that is not known here";
    else if (signature_key_kind(found->key) != kind)
        *why = "its algorithm is not that of the key";
    else if (!signature_holds(found->key, bytes, signature))
        *why = "its signature is wrong";
    else
        holds = true;
    pthread_rwlock_unlock(&j->lock);
    if (is_unknown)
        ask_again(j);
    return holds;
}
