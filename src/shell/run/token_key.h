/* The secret key of a shard's tokens (entities, event ids): <shard directory>/token.key, 16 random
 * bytes as hex, readable by its owner only. Who does not know it cannot tell from a state whose it
 * is, nor choose ids that collide. It is part of the shard: lost, the state is rebuilt from the log
 * under a new one. */
#ifndef ASSAY_RUN_TOKEN_KEY_H
#define ASSAY_RUN_TOKEN_KEY_H

#include "core/base/error.h"
#include "core/base/hash.h"

/* The shard's key; where there is none yet, it is made (`make`) or taken as zeros. */
bool token_key_load(const char *shard_directory, bool make, struct hash_key *key,
                    struct error *e) MUST_USE;

#endif
