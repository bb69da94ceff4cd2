/* What settings_verify holds `rollups:` to; what needs the sources' fields is watch/rollup.h's. */
#ifndef ASSAY_SETTINGS_ROLLUP_H
#define ASSAY_SETTINGS_ROLLUP_H

#include "shell/settings/settings.h"

#define ROLLUP_DECISIONS "decisions"

/* Names, uses without a circle, clamp and label of each. */
bool rollup_verify(struct settings *s, struct error *e) MUST_USE;
/* Whether a rollup is of this source: it then needs no key to be looked up by. */
bool rollup_uses(const struct settings *s, const char *source);

#endif
