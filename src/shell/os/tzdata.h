/* The machine's time zone database: TZif files below $TZDIR, else /usr/share/zoneinfo. */
#ifndef ASSAY_OS_TZDATA_H
#define ASSAY_OS_TZDATA_H

#include "core/base/zone.h"

/* The zone of that name, the caller's. NULL with ERROR_NOT_FOUND and a name near it, or with
 * ERROR_INVALID where the file is no such thing. */
struct zone *tzdata_find(struct text name, struct error *e) MUST_USE;

#endif
