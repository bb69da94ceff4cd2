/* The public keys of who makes tokens: a JWKS (RFC 7517) from a file or a URL. Read when it is
 * opened, again every JWKS_EVERY_S, and sooner when a token names a key that is not known, but not
 * more often than every JWKS_LEAST_S: so nobody can make this service ask another without end. What
 * was read before stays in force where reading fails.
 *
 * A thread of its own reads; asking never waits for it. Taken are RSA keys of 2048 bits and more
 * (RS256) and P-256 (ES256), for signatures; the rest of a set, secrets above all, is passed over.
 */
#ifndef ASSAY_ACCESS_JWKS_H
#define ASSAY_ACCESS_JWKS_H

#include "shell/os/signature.h"

enum {
    JWKS_KEYS_MAX = 64,
    JWKS_BYTES_MAX = 1 << 20,
    JWKS_ID_MAX = 256,
    JWKS_EVERY_S = 300,
    JWKS_LEAST_S = 10,
};

struct jwks;
/* A file that cannot be read is an error; a URL that does not answer is tried again. */
bool jwks_open(const char *location, struct jwks **j, struct error *e) MUST_USE;
/* One key, a secret. */
struct jwks *jwks_of_secret(struct text secret);
void jwks_close(struct jwks *j); /* takes NULL */

/* Whether the signature holds by the key of this id (empty: the only one there is) and kind. False:
 * `why` says. */
bool jwks_holds(struct jwks *j, struct text id, enum signature_kind kind, struct text bytes,
                struct text signature, const char **why) MUST_USE;

#endif
