/* What a rate of events will need, for `assay check --rate`: memory by kind of entity and window,
 * ids, log and store by day. */
#ifndef ASSAY_CMD_RATE_H
#define ASSAY_CMD_RATE_H

#include "core/decide/plan.h"
#include "shell/cmd/cmd.h"

/* Prints it, by --rate and --entities; ERROR_FULL where `memory` does not hold it. */
bool rate_check(struct invocation *v, const struct settings *s, const struct plan *p,
                struct error *e) MUST_USE;

#endif
