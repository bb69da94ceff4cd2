/* Signatures of JSON Web Tokens (RFC 7518): HMAC with SHA-256, RSA PKCS #1 v1.5 and ECDSA on P-256
 * (OpenSSL behind this header). A key knows its one algorithm, so a signature is never checked by
 * the algorithm that its sender chose. Keys may be used by any thread. */
#ifndef ASSAY_OS_SIGNATURE_H
#define ASSAY_OS_SIGNATURE_H

#include <stdint.h>

#include "core/base/error.h"
#include "core/base/text.h"

enum { SIGNATURE_RSA_LEAST_BITS = 2048, SIGNATURE_RSA_MOST_BITS = 16384, SIGNATURE_EC_BYTES = 32 };

enum signature_kind { SIGNATURE_HS256, SIGNATURE_RS256, SIGNATURE_ES256 };

struct signature_key;
/* Big-endian numbers. */
bool signature_key_rsa(struct text modulus, struct text exponent, struct signature_key **k,
                       struct error *e) MUST_USE;
bool signature_key_ec(struct text x, struct text y, struct signature_key **k,
                      struct error *e) MUST_USE;
struct signature_key *signature_key_secret(struct text secret);
void signature_key_free(struct signature_key *k); /* takes NULL */

enum signature_kind signature_key_kind(const struct signature_key *k);
bool signature_holds(const struct signature_key *k, struct text bytes,
                     struct text signature) MUST_USE;

#endif
