/* Takes what the sources of rollups have: of those that only grow, what is new since the last run.
 *
 * A source goes on from where it was if all wanted rollups of it count (none has its rows as they
 * are), stood at one place, and have the form that they had then. Otherwise all of it is read, and
 * the tables are the same: only the work is more. */
#ifndef ASSAY_WATCH_ROLLUP_TAKE_H
#define ASSAY_WATCH_ROLLUP_TAKE_H

#include "shell/watch/rollup_store.h"

/* `store` NULL: all is read, and nothing is kept for later. `anew`: what was kept is passed over.
 */
bool rollups_take(struct rollups *r, struct rollup_store *store, bool anew,
                  const struct progress *progress, struct error *e) MUST_USE;

#endif
