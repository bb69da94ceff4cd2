#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "shell/report/profile_report.h"

enum { BY_DAY_MAX = 62, BY_WEEK_MAX = 3 * 366, MONDAY = 4 /* 1970-01-05 */, PERIODS_MAX = 4096 };

static int64_t floor_to(int64_t day, int64_t step)
{
    int64_t past = (day - MONDAY) % step;

    return day - (past < 0 ? past + step : past);
}

/* A single date far away must not make millions of empty periods: then only those with rows count,
 * and gaps are not shown. */
struct profile_period *profile_periods(const struct profile *p, uint32_t *count, const char **each)
{
    int64_t span = p->days > 0 ? p->day[p->days - 1].day - p->day[0].day + 1 : 0;
    int64_t step = span <= BY_DAY_MAX ? 1 : span <= BY_WEEK_MAX ? 7 : 28;
    int64_t first = p->days > 0 ? floor_to(p->day[0].day, step) : 0;
    bool has_gaps = span / step + 2 <= PERIODS_MAX;
    struct profile_period *period =
        mem_array(has_gaps ? (size_t)(span / step + 2) : p->days, sizeof *period);

    *each = step == 1 ? "day" : step == 7 ? "week" : "4 weeks";
    *count = 0;
    for (uint32_t i = 0; i < p->days; i++) {
        const struct profile_day *d = &p->day[i];
        int64_t from = floor_to(d->day, step);

        while (*count == 0 || period[*count - 1].from_us < from * US_PER_DAY) {
            int64_t next = *count == 0 ? first
                           : !has_gaps ? from
                                       : period[*count - 1].until_us / US_PER_DAY;

            period[(*count)++] = (struct profile_period){.from_us = next * US_PER_DAY,
                                                         .until_us = (next + step) * US_PER_DAY};
        }
        period[*count - 1].rows += d->rows;
        period[*count - 1].labelled += d->labelled;
        period[*count - 1].positive += d->positive;
    }
    return period;
}
