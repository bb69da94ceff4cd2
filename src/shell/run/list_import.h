/* Files of lists, taken into a shard that has not started yet. */
#ifndef ASSAY_RUN_LIST_IMPORT_H
#define ASSAY_RUN_LIST_IMPORT_H

#include "shell/run/shard.h"
#include "shell/settings/settings.h"

/* For each list whose file has other content than was taken in last: what the file says in the end
 * is added, and what came from the file before and is no more in it is removed, as LIST records of
 * now. What was added by hand stays. Before shard_start, after the history. */
bool list_import(struct shard *s, const struct settings *settings, int64_t now_us,
                 struct error *e) MUST_USE;

#endif
