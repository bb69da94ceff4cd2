/* Where the history of a shard begins: the state is made of the log, so before its first event
 * there is none. */
#ifndef ASSAY_RUN_BEGINNING_H
#define ASSAY_RUN_BEGINNING_H

#include <stdint.h>

#include "core/base/error.h"

/* The time of the first event in the log of a shard's directory; also beside the server that writes
 * it. *has is false where there is no log, or no event in it. */
bool log_beginning(const char *shard_directory, bool *has, int64_t *time_us,
                   struct error *e) MUST_USE;

#endif
