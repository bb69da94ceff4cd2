/* SHA-256 by OpenSSL's EVP. The algorithm is fetched once: OpenSSL 3 otherwise looks it up by name
 * on every start, which costs more than hashing a record. A failure here is a library without
 * SHA-256 or a machine without memory, never bad data: hence the assertions. */
#include "shell/os/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sys/random.h>

#include "core/base/memory.h"
#include "core/base/panic.h"

struct digest {
    EVP_MD_CTX *running;
    EVP_MD_CTX *copy; /* of digest_peek */
};

static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void sha256_fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    ASSERT(sha256 != NULL);
}

struct digest *digest_new(void)
{
    struct digest *d = mem_alloc(sizeof *d);

    pthread_once(&sha256_once, sha256_fetch);
    d->running = EVP_MD_CTX_new();
    d->copy = EVP_MD_CTX_new();
    ASSERT(d->running != NULL && d->copy != NULL);
    digest_start(d);
    return d;
}

void digest_free(struct digest *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->running);
    EVP_MD_CTX_free(d->copy);
    mem_free(d);
}

void digest_start(struct digest *d)
{
    ASSERT(EVP_DigestInit_ex(d->running, sha256, NULL) == 1);
}

void digest_add(struct digest *d, const void *bytes, size_t length)
{
    ASSERT(EVP_DigestUpdate(d->running, bytes, length) == 1);
}

void digest_finish(struct digest *d, uint8_t out[DIGEST_BYTES])
{
    ASSERT(EVP_DigestFinal_ex(d->running, out, NULL) == 1);
}

void digest_peek(const struct digest *d, uint8_t out[DIGEST_BYTES])
{
    ASSERT(EVP_MD_CTX_copy_ex(d->copy, d->running) == 1);
    ASSERT(EVP_DigestFinal_ex(d->copy, out, NULL) == 1);
}

void digest_bytes(const void *bytes, size_t length, uint8_t out[DIGEST_BYTES])
{
    pthread_once(&sha256_once, sha256_fetch);
    ASSERT(EVP_Digest(bytes, length, out, NULL, sha256, NULL) == 1);
}

void digest_hex(const uint8_t digest[DIGEST_BYTES], char out[DIGEST_HEX])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[DIGEST_HEX - 1] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool digest_unhex(struct text hex, uint8_t out[DIGEST_BYTES])
{
    if (hex.length != 2 * DIGEST_BYTES)
        return false;
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        int high = hex_value(hex.bytes[2 * i]), low = hex_value(hex.bytes[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool digest_equal(const void *a, const void *b, size_t length)
{
    return CRYPTO_memcmp(a, b, length) == 0;
}

void random_bytes(void *out, size_t length)
{
    uint8_t *at = out;

    while (length > 0) {
        ssize_t got = getrandom(at, length, 0);

        if (got < 0) {
            ASSERT(errno == EINTR);
            continue;
        }
        at += got;
        length -= (size_t)got;
    }
}
