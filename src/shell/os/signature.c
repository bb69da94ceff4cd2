#include "shell/os/signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/digest.h"

struct signature_key {
    enum signature_kind kind;
    EVP_PKEY *public; /* of signing_key_*: both halves */
    char *secret;
    size_t secret_bytes;
};

static struct signature_key *key_new(enum signature_kind kind, EVP_PKEY *public)
{
    struct signature_key *k = mem_alloc(sizeof *k);

    k->kind = kind;
    k->public = public;
    return k;
}

/* NULL: these are no parameters of a key. */
static EVP_PKEY *key_of(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY_CTX *check = NULL;
    EVP_PKEY *key = NULL;

    if (params != NULL && c != NULL && EVP_PKEY_fromdata_init(c) == 1 &&
        EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) == 1)
        check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (check == NULL || EVP_PKEY_public_check(check) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(c);
    OSSL_PARAM_free(params);
    return key;
}

bool signature_key_rsa(struct text modulus, struct text exponent, struct signature_key **k,
                       struct error *e)
{
    size_t most = SIGNATURE_RSA_MOST_BITS / 8 + 1;
    BIGNUM *n, *x;
    OSSL_PARAM_BLD *build;
    EVP_PKEY *key = NULL;
    int bits;

    if (modulus.length > most || exponent.length > 8)
        return error_set(e, ERROR_INVALID, "an RSA key of over %d bits", SIGNATURE_RSA_MOST_BITS);
    n = BN_bin2bn((const unsigned char *)modulus.bytes, (int)modulus.length, NULL);
    x = BN_bin2bn((const unsigned char *)exponent.bytes, (int)exponent.length, NULL);
    build = OSSL_PARAM_BLD_new();
    bits = n != NULL ? BN_num_bits(n) : 0;
    if (x != NULL && build != NULL && bits >= SIGNATURE_RSA_LEAST_BITS &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, x) == 1)
        key = key_of("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(x);
    if (key == NULL)
        return error_set(e, ERROR_INVALID, "no RSA key of at least %d bits (it has %d)",
                         SIGNATURE_RSA_LEAST_BITS, bits);
    *k = key_new(SIGNATURE_RS256, key);
    return true;
}

bool signature_key_ec(struct text x, struct text y, struct signature_key **k, struct error *e)
{
    unsigned char point[1 + 2 * SIGNATURE_EC_BYTES] = {4}; /* uncompressed */
    OSSL_PARAM_BLD *build;
    EVP_PKEY *key = NULL;

    if (x.length != SIGNATURE_EC_BYTES || y.length != SIGNATURE_EC_BYTES)
        return error_set(e, ERROR_INVALID, "no point of P-256: its numbers have 32 bytes each");
    memcpy(point + 1, x.bytes, SIGNATURE_EC_BYTES);
    memcpy(point + 1 + SIGNATURE_EC_BYTES, y.bytes, SIGNATURE_EC_BYTES);
    build = OSSL_PARAM_BLD_new();
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
        key = key_of("EC", build);
    OSSL_PARAM_BLD_free(build);
    if (key == NULL)
        return error_set(e, ERROR_INVALID, "no point of P-256");
    *k = key_new(SIGNATURE_ES256, key);
    return true;
}

struct signature_key *signature_key_secret(struct text secret)
{
    struct signature_key *k = key_new(SIGNATURE_HS256, NULL);

    k->secret = mem_text(secret.bytes, secret.length);
    k->secret_bytes = secret.length;
    return k;
}

/* ---- Ed25519 */

struct signature_key *signing_key_new(void)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    ASSERT(key != NULL);
    return key_new(SIGNATURE_ED25519, key);
}

static void take_pem(BIO *bio, struct buffer *out)
{
    char *bytes;
    long length = BIO_get_mem_data(bio, &bytes);

    buffer_add(out, bytes, (size_t)length);
    BIO_free(bio);
}

void signing_key_write(const struct signature_key *k, struct buffer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    ASSERT(bio != NULL &&
           PEM_write_bio_PKCS8PrivateKey(bio, k->public, NULL, NULL, 0, NULL, NULL) == 1);
    take_pem(bio, out);
}

void public_key_write(const struct signature_key *k, struct buffer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    ASSERT(bio != NULL && PEM_write_bio_PUBKEY(bio, k->public) == 1);
    take_pem(bio, out);
}

static bool take_key(EVP_PKEY *key, const char *what, struct signature_key **k, struct error *e)
{
    if (key == NULL || EVP_PKEY_is_a(key, "ED25519") != 1) {
        EVP_PKEY_free(key);
        return error_set(e, ERROR_INVALID, "no %s key of Ed25519 in PEM", what);
    }
    *k = key_new(SIGNATURE_ED25519, key);
    return true;
}

/* A key with a password is none of ours, and nobody is asked for one. */
static int no_password(char *bytes, int room, int is_writing, void *context)
{
    (void)bytes;
    (void)room;
    (void)is_writing;
    (void)context;
    return -1;
}

bool signing_key_read(struct text pem, struct signature_key **k, struct error *e)
{
    BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.length);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

    BIO_free(bio);
    return take_key(key, "private", k, e);
}

bool public_key_read(struct text pem, struct signature_key **k, struct error *e)
{
    BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.length);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL) : NULL;

    BIO_free(bio);
    return take_key(key, "public", k, e);
}

void public_key_bytes(const struct signature_key *k, uint8_t out[SIGNATURE_ED25519_KEY])
{
    size_t length = SIGNATURE_ED25519_KEY;

    ASSERT(EVP_PKEY_get_raw_public_key(k->public, out, &length) == 1);
}

void signature_make(const struct signature_key *k, struct text bytes,
                    uint8_t out[SIGNATURE_ED25519_BYTES])
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    size_t length = SIGNATURE_ED25519_BYTES;

    ASSERT(c != NULL && EVP_DigestSignInit(c, NULL, NULL, NULL, k->public) == 1 &&
           EVP_DigestSign(c, out, &length, (const unsigned char *)bytes.bytes, bytes.length) == 1);
    EVP_MD_CTX_free(c);
}

void signature_key_free(struct signature_key *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->public);
    if (k->secret != NULL)
        OPENSSL_cleanse(k->secret, k->secret_bytes);
    mem_free(k->secret);
    mem_free(k);
}

enum signature_kind signature_key_kind(const struct signature_key *k)
{
    return k->kind;
}

void signature_hmac(const struct signature_key *k, struct text bytes,
                    uint8_t out[SIGNATURE_HMAC_BYTES])
{
    unsigned length = 0;

    ASSERT(k->kind == SIGNATURE_HS256);
    ASSERT(HMAC(EVP_sha256(), k->secret, (int)k->secret_bytes, (const unsigned char *)bytes.bytes,
                bytes.length, out, &length) != NULL);
    ASSERT(length == SIGNATURE_HMAC_BYTES);
}

static bool hmac_holds(const struct signature_key *k, struct text bytes, struct text signature)
{
    uint8_t own[SIGNATURE_HMAC_BYTES];

    signature_hmac(k, bytes, own);
    return signature.length == sizeof own && digest_equal(own, signature.bytes, sizeof own);
}

static bool public_holds(const struct signature_key *k, struct text bytes,
                         const unsigned char *signature, size_t length)
{
    const EVP_MD *md = k->kind == SIGNATURE_ED25519 ? NULL : EVP_sha256();
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool holds = c != NULL && EVP_DigestVerifyInit(c, NULL, md, NULL, k->public) == 1 &&
                 EVP_DigestVerify(c, signature, length, (const unsigned char *)bytes.bytes,
                                  bytes.length) == 1;

    EVP_MD_CTX_free(c);
    return holds;
}

/* A token has r and s side by side; OpenSSL wants them in DER. */
static bool ecdsa_holds(const struct signature_key *k, struct text bytes, struct text signature)
{
    const unsigned char *at = (const unsigned char *)signature.bytes;
    unsigned char der[128], *end = der;
    ECDSA_SIG *pair;
    BIGNUM *r, *s;
    int length = 0;

    if (signature.length != 2 * SIGNATURE_EC_BYTES)
        return false;
    pair = ECDSA_SIG_new();
    r = BN_bin2bn(at, SIGNATURE_EC_BYTES, NULL);
    s = BN_bin2bn(at + SIGNATURE_EC_BYTES, SIGNATURE_EC_BYTES, NULL);
    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* the pair's */
        length = i2d_ECDSA_SIG(pair, NULL);
        length = length > 0 && length <= (int)sizeof der ? i2d_ECDSA_SIG(pair, &end) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return length > 0 && public_holds(k, bytes, der, (size_t)length);
}

bool signature_holds(const struct signature_key *k, struct text bytes, struct text signature)
{
    switch (k->kind) {
    case SIGNATURE_HS256:
        return hmac_holds(k, bytes, signature);
    case SIGNATURE_RS256:
    case SIGNATURE_ED25519:
        return public_holds(k, bytes, (const unsigned char *)signature.bytes, signature.length);
    case SIGNATURE_ES256:
        return ecdsa_holds(k, bytes, signature);
    }
    return false;
}
