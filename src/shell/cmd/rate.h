/* What a rate of events will need, for `assay check --rate`: memory by kind of entity and window,
 * ids, log and store by day. */
#ifndef ASSAY_CMD_RATE_H
#define ASSAY_CMD_RATE_H

#include "core/decide/plan.h"
#include "shell/cmd/cmd.h"

enum { RATE_DAYS = 365, RATE_DAYS_MAX = 36500 }; /* of `assay size` without --days */

/* Prints it, with --days (or of `assay size`) the disk too, by --rate and --entities; ERROR_FULL
 * where `memory` does not hold it. */
bool rate_check(struct invocation *v, const struct settings *s, const struct plan *p,
                struct error *e) MUST_USE;

#endif
