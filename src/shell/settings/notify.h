/* What no single key of `notify` can say. */
#ifndef ASSAY_SETTINGS_NOTIFY_H
#define ASSAY_SETTINGS_NOTIFY_H

#include "shell/settings/settings.h"

bool notify_verify(struct settings *s, struct error *e) MUST_USE;

#endif
