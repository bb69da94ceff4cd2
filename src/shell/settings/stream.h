/* What no single key of `kafka` and `stream` can say. */
#ifndef ASSAY_SETTINGS_STREAM_H
#define ASSAY_SETTINGS_STREAM_H

#include "shell/settings/settings.h"

bool stream_verify(const struct settings *s, struct error *e) MUST_USE;

#endif
