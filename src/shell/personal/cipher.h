/* AES-256-GCM (OpenSSL behind this header): bytes that only the key's holder can read, and that
 * nobody can change unseen. One thread each. */
#ifndef ASSAY_PERSONAL_CIPHER_H
#define ASSAY_PERSONAL_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"

enum {
    CIPHER_KEY_BYTES = 32,
    CIPHER_NONCE_BYTES = 12,
    CIPHER_TAG_BYTES = 16,
    CIPHER_OVERHEAD = CIPHER_NONCE_BYTES + CIPHER_TAG_BYTES,
};

struct cipher;

struct cipher *cipher_new(void);
void cipher_free(struct cipher *c); /* takes NULL */

/* Writes plain.length + CIPHER_OVERHEAD bytes: nonce (by chance), ciphertext, tag. `beside` is not
 * in them, but must be the same when they are opened. */
void cipher_seal(struct cipher *c, const uint8_t key[CIPHER_KEY_BYTES], struct text beside,
                 struct text plain, uint8_t *out);
/* Writes sealed.length - CIPHER_OVERHEAD bytes. False: another key, or something was changed; then
 * `out` says nothing. */
bool cipher_open(struct cipher *c, const uint8_t key[CIPHER_KEY_BYTES], struct text beside,
                 struct text sealed, uint8_t *out) __attribute__((warn_unused_result));

/* Overwrites what was secret; not left out by the compiler. */
void cipher_forget(void *bytes, size_t length);

#endif
