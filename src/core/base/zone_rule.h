/* The yearly rule of a time zone: a POSIX TZ string, as in the footer of a TZif file (RFC 9636,
 * section 3.3.1): "EST5EDT,M3.2.0,M11.1.0", "<+07>-7", hours from -167 to 167 in the times. */
#ifndef ASSAY_BASE_ZONE_RULE_H
#define ASSAY_BASE_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/text.h"

enum zone_day { ZONE_DAY_MONTH_WEEK, ZONE_DAY_JULIAN, ZONE_DAY_ZERO };

/* When clocks change: a day of the year, and seconds from its local midnight. */
struct zone_when {
    enum zone_day kind;
    int month, week, weekday; /* "Mm.w.d": week 5 is the last; weekday 0 is Sunday */
    int day;                  /* "Jn": 1..365 without 29 February; "n": 0..365 */
    int32_t time_s;
};

struct zone_rule {
    int32_t standard_s;
    bool has_summer;
    int32_t summer_s;
    struct zone_when start, end; /* of summer time */
};

/* Without a start and an end summer time is refused: POSIX leaves them open. */
bool zone_rule_parse(struct text t, struct zone_rule *r) __attribute__((warn_unused_result));
void zone_rule_format(const struct zone_rule *r, struct buffer *out);

int32_t zone_rule_offset_s(const struct zone_rule *r, int64_t time_s);
/* The first change after time_s; INT64_MAX where there is none. */
int64_t zone_rule_next_s(const struct zone_rule *r, int64_t time_s);

#endif
