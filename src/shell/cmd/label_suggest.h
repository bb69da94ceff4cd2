/* `assay label suggest [FILE]` */
#ifndef ASSAY_CMD_LABEL_SUGGEST_H
#define ASSAY_CMD_LABEL_SUGGEST_H

#include "shell/cmd/cmd.h"

bool label_suggest(struct invocation *v, struct error *e) MUST_USE;

#endif
