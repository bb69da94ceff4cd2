/* Signatures of JSON Web Tokens (RFC 7518): HMAC with SHA-256, RSA PKCS #1 v1.5 and ECDSA on P-256;
 * and Ed25519, by which this program signs (OpenSSL behind this header). A key knows its one
 * algorithm, so a signature is never checked by the algorithm that its sender chose. Keys may be
 * used by any thread. */
#ifndef ASSAY_OS_SIGNATURE_H
#define ASSAY_OS_SIGNATURE_H

#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/base/text.h"

enum { SIGNATURE_RSA_LEAST_BITS = 2048, SIGNATURE_RSA_MOST_BITS = 16384, SIGNATURE_EC_BYTES = 32 };

enum {
    SIGNATURE_HMAC_BYTES = 32,
    SIGNATURE_ED25519_BYTES = 64,
    SIGNATURE_ED25519_KEY = 32,
    SIGNATURE_PEM_MAX = 1024, /* of one of our key files */
};

enum signature_kind { SIGNATURE_HS256, SIGNATURE_RS256, SIGNATURE_ES256, SIGNATURE_ED25519 };

struct signature_key;
/* Big-endian numbers. */
bool signature_key_rsa(struct text modulus, struct text exponent, struct signature_key **k,
                       struct error *e) MUST_USE;
bool signature_key_ec(struct text x, struct text y, struct signature_key **k,
                      struct error *e) MUST_USE;
struct signature_key *signature_key_secret(struct text secret);
void signature_key_free(struct signature_key *k); /* takes NULL */

/* Ed25519: a fresh pair; as PEM (PKCS #8) into `out`, and back; the public half (SPKI), and back.
 * ERROR_INVALID where it is no such key. */
struct signature_key *signing_key_new(void);
void signing_key_write(const struct signature_key *k, struct buffer *out);
bool signing_key_read(struct text pem, struct signature_key **k, struct error *e) MUST_USE;
void public_key_write(const struct signature_key *k, struct buffer *out);
bool public_key_read(struct text pem, struct signature_key **k, struct error *e) MUST_USE;
/* The public half's bytes. */
void public_key_bytes(const struct signature_key *k, uint8_t out[SIGNATURE_ED25519_KEY]);
/* k has the private half. */
void signature_make(const struct signature_key *k, struct text bytes,
                    uint8_t out[SIGNATURE_ED25519_BYTES]);

/* HMAC with SHA-256 by a secret. */
void signature_hmac(const struct signature_key *k, struct text bytes,
                    uint8_t out[SIGNATURE_HMAC_BYTES]);

enum signature_kind signature_key_kind(const struct signature_key *k);
bool signature_holds(const struct signature_key *k, struct text bytes,
                     struct text signature) MUST_USE;

#endif
