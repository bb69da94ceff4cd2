/* Values of a profile as people read them. Inside report/ only. */
#ifndef ASSAY_SHELL_REPORT_PROFILE_VALUE_H
#define ASSAY_SHELL_REPORT_PROFILE_VALUE_H

#include "core/base/buffer.h"
#include "core/data/value.h"

/* A number with the digits that count, a duration (given in seconds), a time (in us) as a date with
 * its clock time where it is not midnight. */
void profile_value(struct buffer *out, enum type type, double v);

#endif
