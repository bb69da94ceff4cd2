/* `assay features --describe`: the data dictionary, what each feature of the settings is. */
#ifndef ASSAY_CMD_DESCRIBE_H
#define ASSAY_CMD_DESCRIBE_H

#include "shell/cmd/cmd.h"

bool describe_features(struct invocation *v, const struct settings *s, struct error *e) MUST_USE;

#endif
