/* Passwords: Argon2id (libsodium behind this header), 64 MiB and two passes. */
#ifndef ASSAY_ACCESS_PASSWORD_H
#define ASSAY_ACCESS_PASSWORD_H

#include "core/base/error.h"
#include "core/base/text.h"

enum { PASSWORD_LEAST = 12, PASSWORD_MOST = 256, PASSWORD_HASH_MAX = 128 };

bool password_hash(struct text password, char hash[PASSWORD_HASH_MAX], struct error *e) MUST_USE;
/* Takes as long for an empty hash (nobody's) as for a true one. One at a time in the process: each
 * takes its 64 MiB. */
bool password_matches(struct text password, const char *hash) MUST_USE;

#endif
