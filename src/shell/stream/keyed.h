/* Which windows are exact when the events of a topic lie in several partitions: those by the entity
 * that the messages are keyed by, alone or with others. */
#ifndef ASSAY_STREAM_KEYED_H
#define ASSAY_STREAM_KEYED_H

#include "core/decide/plan.h"
#include "shell/settings/settings.h"

/* ERROR_INVALID names the window that is not, unless the settings say stream.approximate. */
bool keyed_check(const struct settings *s, const struct plan *p, uint32_t partitions,
                 struct error *e) MUST_USE;

#endif
