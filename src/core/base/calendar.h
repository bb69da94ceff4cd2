/* Civil time. Times are int64_t microseconds since 1970-01-01T00:00:00Z; the accepted range is
 * years 1 to 9999. Days have 86,400 s: no leap seconds. No clock here: the shell has it. */
#ifndef ASSAY_BASE_CALENDAR_H
#define ASSAY_BASE_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_HOUR   (3600 * US_PER_SECOND)
#define US_PER_DAY    (86400 * US_PER_SECOND)
#define TIME_MIN_US   INT64_C(-62135596800000000) /* 0001-01-01 */
#define TIME_MAX_US   INT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999 */

struct civil {
    int year;    /* 1..9999 */
    int month;   /* 1..12 */
    int day;     /* 1..31 */
    int hour;    /* 0..23 */
    int minute;  /* 0..59 */
    int second;  /* 0..59 */
    int us;      /* 0..999999 */
    int weekday; /* 0 = Monday .. 6 = Sunday */
};

int64_t days_from_civil(int year, int month, int day); /* days since 1970-01-01 */
struct civil civil_from_time(int64_t time_us);         /* UTC */
bool time_from_civil(const struct civil *c, int64_t *time_us) __attribute__((warn_unused_result));

/* Layouts of time in text that files have. TIME_ISO takes 2018-04-01, 2018-04-01 00:00:31,
 * 2018-04-01T00:00:31.123456Z, +07:00 offsets, and '/' for '-'. A unix time may have a fraction;
 * what is below a microsecond is cut. */
enum time_layout {
    TIME_ISO,
    TIME_DAY_FIRST,   /* 31/12/2018 23:59[:59], '-' or '.' between too */
    TIME_MONTH_FIRST, /* 12/31/2018 23:59[:59] [AM|PM] */
    TIME_UNIX_S,
    TIME_UNIX_MS,
    TIME_UNIX_US,
    TIME_LAYOUTS,
};

/* The settings' word for a layout: iso, day_first, month_first, unix_s, unix_ms, unix_us. */
const char *time_layout_name(enum time_layout layout);
bool time_layout_find(struct text name, enum time_layout *layout)
    __attribute__((warn_unused_result));

/* Text without an offset is taken as UTC. False where the text is no such time. */
bool time_parse(struct text t, enum time_layout layout, int64_t *time_us)
    __attribute__((warn_unused_result));

enum { TIME_TEXT_MAX = 28 };

/* RFC 3339 in UTC, "2018-04-01T00:00:31Z", with a fraction only where there is one. Writes at most
 * TIME_TEXT_MAX bytes, zero-terminated; returns the length. */
size_t time_format(int64_t time_us, char out[TIME_TEXT_MAX]);

/* DURATION of the settings and the language: INT(s|m|h|d|w), here also with '-' before it. Writing
 * takes the largest unit that divides it; below a second it is a fraction, "1.5s". */
bool duration_parse(struct text t, int64_t *us) __attribute__((warn_unused_result));
size_t duration_format(int64_t us, char out[TIME_TEXT_MAX]);

#endif
