/* The algorithm is fetched once, as in os/digest.c. Nonces are by chance, 96 bits, taken from the
 * kernel many at a time: a call for each record would cost more than the encryption. Under one key
 * (one person's) 2^32 of them may be used, and a person has not so many records. */
#include "shell/personal/cipher.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/digest.h"

enum { NONCES = 256 };

struct cipher {
    EVP_CIPHER_CTX *sealing, *opening;
    uint8_t nonce[NONCES][CIPHER_NONCE_BYTES];
    unsigned nonces; /* left */
};

static EVP_CIPHER *aes;
static pthread_once_t aes_once = PTHREAD_ONCE_INIT;

static void aes_fetch(void)
{
    aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    ASSERT(aes != NULL);
}

struct cipher *cipher_new(void)
{
    struct cipher *c = mem_alloc(sizeof *c);

    pthread_once(&aes_once, aes_fetch);
    c->sealing = EVP_CIPHER_CTX_new();
    c->opening = EVP_CIPHER_CTX_new();
    ASSERT(c->sealing != NULL && c->opening != NULL);
    ASSERT(EVP_EncryptInit_ex2(c->sealing, aes, NULL, NULL, NULL) == 1);
    ASSERT(EVP_DecryptInit_ex2(c->opening, aes, NULL, NULL, NULL) == 1);
    return c;
}

void cipher_free(struct cipher *c)
{
    if (c == NULL)
        return;
    EVP_CIPHER_CTX_free(c->sealing);
    EVP_CIPHER_CTX_free(c->opening);
    mem_free(c);
}

static const uint8_t *next_nonce(struct cipher *c)
{
    if (c->nonces == 0) {
        random_bytes(c->nonce, sizeof c->nonce);
        c->nonces = NONCES;
    }
    return c->nonce[--c->nonces];
}

void cipher_seal(struct cipher *c, const uint8_t key[CIPHER_KEY_BYTES], struct text beside,
                 struct text plain, uint8_t *out)
{
    uint8_t *at = out + CIPHER_NONCE_BYTES;
    int n;

    memcpy(out, next_nonce(c), CIPHER_NONCE_BYTES);
    ASSERT(EVP_EncryptInit_ex2(c->sealing, NULL, key, out, NULL) == 1);
    ASSERT(EVP_EncryptUpdate(c->sealing, NULL, &n, (const uint8_t *)beside.bytes,
                             (int)beside.length) == 1);
    ASSERT(EVP_EncryptUpdate(c->sealing, at, &n, (const uint8_t *)plain.bytes, (int)plain.length) ==
           1);
    ASSERT(EVP_EncryptFinal_ex(c->sealing, at + plain.length, &n) == 1);
    ASSERT(EVP_CIPHER_CTX_ctrl(c->sealing, EVP_CTRL_AEAD_GET_TAG, CIPHER_TAG_BYTES,
                               at + plain.length) == 1);
}

bool cipher_open(struct cipher *c, const uint8_t key[CIPHER_KEY_BYTES], struct text beside,
                 struct text sealed, uint8_t *out)
{
    const uint8_t *bytes = (const uint8_t *)sealed.bytes;
    uint8_t tag[CIPHER_TAG_BYTES];
    size_t length = sealed.length - CIPHER_OVERHEAD;
    int n;

    if (sealed.length < CIPHER_OVERHEAD)
        return false;
    memcpy(tag, bytes + sealed.length - CIPHER_TAG_BYTES, sizeof tag);
    ASSERT(EVP_DecryptInit_ex2(c->opening, NULL, key, bytes, NULL) == 1);
    ASSERT(EVP_CIPHER_CTX_ctrl(c->opening, EVP_CTRL_AEAD_SET_TAG, CIPHER_TAG_BYTES, tag) == 1);
    return EVP_DecryptUpdate(c->opening, NULL, &n, (const uint8_t *)beside.bytes,
                             (int)beside.length) == 1 &&
           EVP_DecryptUpdate(c->opening, out, &n, bytes + CIPHER_NONCE_BYTES, (int)length) == 1 &&
           EVP_DecryptFinal_ex(c->opening, out + length, &n) == 1;
}

void cipher_forget(void *bytes, size_t length)
{
    OPENSSL_cleanse(bytes, length);
}
