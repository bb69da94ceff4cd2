/* SHA-256 and random bytes (OpenSSL behind this header). */
#ifndef ASSAY_OS_DIGEST_H
#define ASSAY_OS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/text.h"

enum { DIGEST_BYTES = 32, DIGEST_HEX = 65 };

struct digest; /* a running SHA-256 */
struct digest *digest_new(void);
void digest_free(struct digest *d);
void digest_start(struct digest *d);
void digest_add(struct digest *d, const void *bytes, size_t length);
void digest_finish(struct digest *d, uint8_t out[DIGEST_BYTES]);
/* The digest of what was added so far; adding may go on. */
void digest_peek(const struct digest *d, uint8_t out[DIGEST_BYTES]);

void digest_bytes(const void *bytes, size_t length, uint8_t out[DIGEST_BYTES]);
void digest_hex(const uint8_t digest[DIGEST_BYTES], char out[DIGEST_HEX]);
/* 64 hex digits as bytes; false: they are none. */
bool digest_unhex(struct text hex, uint8_t out[DIGEST_BYTES]) MUST_USE;
/* Takes the same time wherever they differ: for secrets. */
bool digest_equal(const void *a, const void *b, size_t length) MUST_USE;
void random_bytes(void *out, size_t length); /* from the kernel; for keys and ids */

#endif
