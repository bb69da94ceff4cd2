/* `assay label suggest [FILE]`, and from the store of a running service with --url. */
#ifndef ASSAY_CMD_LABEL_SUGGEST_H
#define ASSAY_CMD_LABEL_SUGGEST_H

#include "shell/cmd/cmd.h"

bool label_suggest(struct invocation *v, struct error *e) MUST_USE;
bool label_suggest_url(struct invocation *v, struct error *e) MUST_USE;

#endif
