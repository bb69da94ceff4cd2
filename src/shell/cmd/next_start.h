/* Which changed settings a reload leaves for the next start: what has its place in the process, not
 * in the plan. */
#ifndef ASSAY_CMD_NEXT_START_H
#define ASSAY_CMD_NEXT_START_H

#include "core/base/buffer.h"
#include "shell/settings/settings.h"

/* ,"next_start":["server.port", ...] */
void next_start_json(const struct settings *was, const struct settings *is, struct buffer *out);

#endif
