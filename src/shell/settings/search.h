/* The ranges of a search, checked. Inside settings/ only. */
#ifndef ASSAY_SETTINGS_SEARCH_H
#define ASSAY_SETTINGS_SEARCH_H

#include "shell/settings/settings.h"

/* The option is there, its values are of its type, an interval has a width. */
bool range_check(const struct range_setting *range, struct error *e) MUST_USE;

#endif
