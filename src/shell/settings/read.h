/* From a tree of YAML nodes into struct settings, row by row of the table of keys. */
#ifndef ASSAY_SETTINGS_READ_H
#define ASSAY_SETTINGS_READ_H

#include "shell/settings/origins.h"
#include "shell/settings/settings.h"
#include "shell/settings/yaml.h"

/* Fills s (fresh, with path and directory set), applies defaults and what options bring. On failure
 * s is half filled: free it. */
bool settings_read(struct settings *s, struct yaml *y, const struct settings_options *o,
                   struct error *e) MUST_USE;
/* What no single key can say: names that must exist, thresholds in order, times in order. */
bool settings_verify(struct settings *s, struct error *e) MUST_USE;

#endif
