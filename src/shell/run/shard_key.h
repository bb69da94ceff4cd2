/* Which windows are exact where the events are dealt out by a key, to the partitions of a topic or
 * to nodes behind a proxy: those by the entity that is the key, alone or with others. */
#ifndef ASSAY_RUN_SHARD_KEY_H
#define ASSAY_RUN_SHARD_KEY_H

#include "core/decide/plan.h"
#include "shell/settings/settings.h"

/* ERROR_INVALID names the window that is not, unless the settings say how its entity is shared or
 * that a part will do (`state: shared`, `scope: shard`, stream.approximate). Of a topic, by
 * stream.key; without it, by what the first window is by. */
bool shard_key_check_topic(const struct settings *s, const struct plan *p, uint32_t partitions,
                           struct error *e) MUST_USE;
/* Of nodes, by server.key; true where there is none. */
bool shard_key_check_nodes(const struct settings *s, const struct plan *p,
                           struct error *e) MUST_USE;

#endif
