/* Periods of a calendar: where an hour, a day and a month begin in a time zone. */
#ifndef ASSAY_WATCH_ROLLUP_PERIOD_H
#define ASSAY_WATCH_ROLLUP_PERIOD_H

#include "core/base/calendar.h"
#include "core/base/zone.h"
#include "shell/settings/settings.h"

struct period_zone {
    struct zone *zone; /* owned; NULL: */
    int64_t offset_us; /* east of UTC */
};

/* "+07:00", "UTC" or a name of the machine's; NULL: UTC. */
bool period_zone_find(const char *name, struct period_zone *z, struct error *e) MUST_USE;
void period_zone_fini(struct period_zone *z);

/* False where the zone's calendar writes the time in no year from 1 to 9999. */
bool period_is_dated(const struct period_zone *z, int64_t time_us);
/* The first instant of the period of `time_us`. Where clocks go back, the hour that comes twice is
 * two periods; days have 23 to 25 hours then. EVERY_ROW: the time itself. */
int64_t period_start(const struct period_zone *z, enum rollup_every every, int64_t time_us);
/* The column of a period, such as "event_day"; NULL for EVERY_ROW. */
const char *period_column(enum rollup_every every);
/* "2026-12-25" of a day or month, by the zone's calendar; of an hour RFC 3339. */
void period_format(const struct period_zone *z, enum rollup_every every, int64_t start_us,
                   char out[TIME_TEXT_MAX]);

#endif
