#include "shell/watch/rollup_period.h"

#include <stdio.h>

#include "core/base/memory.h"
#include "shell/os/tzdata.h"

static bool read_offset(const char *t, int64_t *offset_us)
{
    unsigned hours, minutes;
    int used = 0;

    if ((t[0] != '+' && t[0] != '-') || sscanf(t + 1, "%2u:%2u%n", &hours, &minutes, &used) != 2 ||
        used != 5 || t[6] != 0 || hours > 14 || minutes > 59)
        return false;
    *offset_us = (int64_t)(hours * 60 + minutes) * 60 * US_PER_SECOND * (t[0] == '-' ? -1 : 1);
    return true;
}

bool period_zone_find(const char *name, struct period_zone *z, struct error *e)
{
    *z = (struct period_zone){0};
    if (name == NULL || strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0 ||
        read_offset(name, &z->offset_us))
        return true;
    if (!zone_is_name(text_of(name)))
        return error_set(e, ERROR_INVALID,
                         "expected a zone such as +07:00, UTC or Asia/Jakarta, found \"%.40s\"",
                         name);
    z->zone = tzdata_find(text_of(name), e);
    return z->zone != NULL;
}

void period_zone_fini(struct period_zone *z)
{
    zone_free(z->zone);
    *z = (struct period_zone){0};
}

static int64_t floor_to(int64_t us, int64_t unit)
{
    return us - (us % unit + unit) % unit;
}

static int64_t offset_at(const struct period_zone *z, int64_t time_us)
{
    return z->zone != NULL ? zone_offset_us(z->zone, time_us) : z->offset_us;
}

static int64_t day_start(const struct period_zone *z, int64_t time_us)
{
    if (z->zone != NULL)
        return zone_day_start_us(z->zone, time_us);
    return floor_to(time_us + z->offset_us, US_PER_DAY) - z->offset_us;
}

/* Noon of the first day of the month is in that day whatever the clocks do at its ends. */
static int64_t month_start(const struct period_zone *z, int64_t time_us)
{
    struct civil c = civil_from_time(time_us + offset_at(z, time_us));
    int64_t noon = days_from_civil(c.year, c.month, 1) * US_PER_DAY + US_PER_DAY / 2;

    return day_start(z, noon - offset_at(z, noon));
}

bool period_is_dated(const struct period_zone *z, int64_t time_us)
{
    int64_t local_us = time_us + offset_at(z, time_us);

    return local_us >= TIME_MIN_US && local_us <= TIME_MAX_US;
}

int64_t period_start(const struct period_zone *z, enum rollup_every every, int64_t time_us)
{
    int64_t offset;

    switch (every) {
    case EVERY_HOUR:
        offset = offset_at(z, time_us);
        return floor_to(time_us + offset, US_PER_HOUR) - offset;
    case EVERY_DAY:
        return day_start(z, time_us);
    case EVERY_MONTH:
        return month_start(z, time_us);
    default:
        return time_us;
    }
}

const char *period_column(enum rollup_every every)
{
    static const char *const names[EVERY_KINDS] = {
        [EVERY_HOUR] = "event_hour", [EVERY_DAY] = "event_day", [EVERY_MONTH] = "event_month"};

    return names[every];
}

void period_format(const struct period_zone *z, enum rollup_every every, int64_t start_us,
                   char out[TIME_TEXT_MAX])
{
    struct civil c;

    if (every != EVERY_DAY && every != EVERY_MONTH) {
        time_format(start_us, out);
        return;
    }
    c = civil_from_time(start_us + offset_at(z, start_us));
    snprintf(out, TIME_TEXT_MAX, "%04u-%02u-%02u", (unsigned)c.year % 10000,
             (unsigned)c.month % 100, (unsigned)c.day % 100);
}
