/* The plan that a service has in force: settings, rules of the API, champion. For commands that
 * open the shard; passes over files have the settings alone. */
#ifndef ASSAY_CMD_IN_FORCE_H
#define ASSAY_CMD_IN_FORCE_H

#include "shell/rules/overlay.h"
#include "shell/run/current.h"

/* As current_open; the book NULL: what the control log of the data directory says. */
bool in_force_open(struct settings *s, struct rule_book *b, enum current_use use, struct current *c,
                   struct error *e) MUST_USE;

#endif
