#include "shell/serve/tls.h"

#include <gnutls/abstract.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/os/file.h"

/* Certificates that were in force before: a handshake that has begun may still look at one. Each
 * reload with other bytes adds one; that many within one handshake's time are not to be had. */
enum { KEPT = 16 };

struct certificate {
    struct certificate *before;
    gnutls_pcert_st chain[TLS_CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    struct buffer certificate_pem, key_pem;
};

char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

static _Atomic(struct certificate *) in_force;
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

static void certificate_free(struct certificate *c)
{
    for (unsigned i = 0; i < c->count; i++)
        gnutls_pcert_deinit(&c->chain[i]);
    if (c->key != NULL)
        gnutls_privkey_deinit(c->key);
    buffer_fini(&c->certificate_pem);
    buffer_fini(&c->key_pem);
    mem_free(c);
}

static gnutls_datum_t datum_of(const struct buffer *b)
{
    return (gnutls_datum_t){(unsigned char *)b->bytes, (unsigned)b->length};
}

/* By a credential that is thrown away: it alone says whether the two belong together. */
static bool is_pair(const struct certificate *c, const char *certificate, const char *key,
                    struct error *e)
{
    gnutls_datum_t chain = datum_of(&c->certificate_pem), private = datum_of(&c->key_pem);
    gnutls_certificate_credentials_t credentials;
    int failed = gnutls_certificate_allocate_credentials(&credentials);

    if (failed == 0) {
        failed =
            gnutls_certificate_set_x509_key_mem(credentials, &chain, &private, GNUTLS_X509_FMT_PEM);
        gnutls_certificate_free_credentials(credentials);
    }
    return failed >= 0 || error_set(e, ERROR_INVALID, "server.tls: %s and %s: %s", certificate, key,
                                    gnutls_strerror(failed));
}

static bool import(struct certificate *c, const char *certificate, const char *key, struct error *e)
{
    gnutls_datum_t chain = datum_of(&c->certificate_pem), private = datum_of(&c->key_pem);
    unsigned count = TLS_CHAIN_MAX;
    int failed;

    failed = gnutls_pcert_list_import_x509_raw(c->chain, &count, &chain, GNUTLS_X509_FMT_PEM, 0);
    if (failed < 0)
        return error_set(e, ERROR_INVALID, "server.tls.certificate: %s: %s", certificate,
                         gnutls_strerror(failed));
    c->count = count;
    failed = gnutls_privkey_init(&c->key);
    if (failed == 0)
        failed = gnutls_privkey_import_x509_raw(c->key, &private, GNUTLS_X509_FMT_PEM, NULL, 0);
    return failed == 0 ||
           error_set(e, ERROR_INVALID, "server.tls.key: %s: %s", key, gnutls_strerror(failed));
}

static bool is_same(const struct buffer *a, const struct buffer *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static void put_in_force(struct certificate *c)
{
    struct certificate *was = atomic_load(&in_force), *oldest = c;

    c->before = was;
    atomic_store(&in_force, c);
    for (int i = 0; oldest != NULL && i < KEPT; i++)
        oldest = oldest->before;
    while (oldest != NULL && oldest->before != NULL) {
        struct certificate *gone = oldest->before;

        oldest->before = gone->before;
        certificate_free(gone);
    }
}

bool tls_load(const char *certificate, const char *key, struct error *e)
{
    struct certificate *c = mem_alloc(sizeof *c), *was;
    bool ok;

    buffer_init(&c->certificate_pem, TLS_FILE_BYTES_MAX);
    buffer_init(&c->key_pem, TLS_FILE_BYTES_MAX);
    pthread_mutex_lock(&loading);
    was = atomic_load(&in_force);
    ok = (file_read(certificate, &c->certificate_pem, e) ||
          error_prefix(e, "server.tls.certificate")) &&
         (file_read(key, &c->key_pem, e) || error_prefix(e, "server.tls.key"));
    if (ok && was != NULL && is_same(&was->certificate_pem, &c->certificate_pem) &&
        is_same(&was->key_pem, &c->key_pem)) {
        certificate_free(c);
    } else if (ok && is_pair(c, certificate, key, e) && import(c, certificate, key, e)) {
        put_in_force(c);
    } else {
        certificate_free(c);
        ok = false;
    }
    pthread_mutex_unlock(&loading);
    return ok;
}

static bool expiry_of(const gnutls_pcert_st *first, int64_t *until_us)
{
    gnutls_x509_crt_t certificate;
    time_t until;

    if (gnutls_pcert_export_x509((gnutls_pcert_st *)first, &certificate) != 0)
        return false;
    until = gnutls_x509_crt_get_expiration_time(certificate);
    gnutls_x509_crt_deinit(certificate);
    *until_us = (int64_t)until * 1000000;
    return until != (time_t)-1;
}

bool tls_expires(const char *certificate, const char *key, int64_t *until_us, struct error *e)
{
    struct certificate *c = mem_alloc(sizeof *c);
    bool ok;

    buffer_init(&c->certificate_pem, TLS_FILE_BYTES_MAX);
    buffer_init(&c->key_pem, TLS_FILE_BYTES_MAX);
    ok = (file_read(certificate, &c->certificate_pem, e) ||
          error_prefix(e, "server.tls.certificate")) &&
         (file_read(key, &c->key_pem, e) || error_prefix(e, "server.tls.key")) &&
         is_pair(c, certificate, key, e) && import(c, certificate, key, e) &&
         (expiry_of(&c->chain[0], until_us) ||
          error_set(e, ERROR_INVALID, "server.tls.certificate: %s has no end", certificate));
    certificate_free(c);
    return ok;
}

static int give(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                gnutls_pcert_st **chain, unsigned int *count, gnutls_privkey_t *key)
{
    struct certificate *c = atomic_load(&in_force);

    (void)session;
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    if (c == NULL)
        return -1;
    *chain = c->chain;
    *count = c->count;
    *key = c->key;
    return 0;
}

void *tls_callback(void)
{
    gnutls_certificate_retrieve_function2 *f = give;
    void *p;

    _Static_assert(sizeof f == sizeof p, "POSIX: a function's address fits");
    memcpy(&p, &f, sizeof p);
    return p;
}
