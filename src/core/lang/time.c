/* Parts of a time, in UTC, at a fixed offset or in a zone (the node's literal), and of a duration.
 * A time that the offset moves out of years 1 to 9999 gives null. */
#include "core/base/calendar.h"
#include "core/lang/kernels.h"

static int64_t floor_to(int64_t v, int64_t unit)
{
    int64_t rest = v % unit;

    return v - (rest < 0 ? rest + unit : rest);
}

/* Whole `unit`s since the last whole `period`. */
static void clock_part(const struct call *c, int64_t unit, int64_t period)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t local;
        bool ok = local_time(c, i, &local);

        store_word(c->out->integer, c->out->null, i, (local - floor_to(local, period)) / unit, !ok);
    }
}

void kernel_hour(const struct call *c)
{
    clock_part(c, US_PER_HOUR, US_PER_DAY);
}

void kernel_minute(const struct call *c)
{
    clock_part(c, 60 * US_PER_SECOND, US_PER_HOUR);
}

void kernel_second(const struct call *c)
{
    clock_part(c, US_PER_SECOND, 60 * US_PER_SECOND);
}

/* 0 = Monday: 1970-01-01 was a Thursday, three days after one. */
static int64_t weekday(int64_t local)
{
    int64_t since_monday = local + 3 * US_PER_DAY;

    return (since_monday - floor_to(since_monday, 7 * US_PER_DAY)) / US_PER_DAY;
}

void kernel_weekday(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t local;
        bool ok = local_time(c, i, &local);

        store_word(c->out->integer, c->out->null, i, weekday(local) + 1, !ok);
    }
}

void kernel_is_weekend(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t local;
        bool ok = local_time(c, i, &local);

        store_word(c->out->integer, c->out->null, i, weekday(local) >= 5, !ok);
    }
}

static int64_t civil_day(const struct civil *t)
{
    return t->day;
}

static int64_t civil_month(const struct civil *t)
{
    return t->month;
}

static int64_t civil_year(const struct civil *t)
{
    return t->year;
}

static void civil_part(const struct call *c, int64_t (*part)(const struct civil *t))
{
    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t local, v = 0;
        bool ok = local_time(c, i, &local);

        if (ok) {
            struct civil t = civil_from_time(local);

            v = part(&t);
        }
        store_word(c->out->integer, c->out->null, i, v, !ok);
    }
}

void kernel_day(const struct call *c)
{
    civil_part(c, civil_day);
}

void kernel_month(const struct call *c)
{
    civil_part(c, civil_month);
}

void kernel_year(const struct call *c)
{
    civil_part(c, civil_year);
}

/* The start of the local day, as a time. */
void kernel_day_start(const struct call *c)
{
    const struct literal *l = &c->node->literal;

    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t local, v = 0;
        bool ok = local_time(c, i, &local);

        if (ok) {
            v = l->zone != NULL ? zone_day_start_us(l->zone, c->arg[0]->integer[i])
                                : floor_to(local, US_PER_DAY) - l->number;
            ok = v >= TIME_MIN_US;
        }
        store_word(c->out->integer, c->out->null, i, v, !ok);
    }
}

/* Birthdays had: a year is complete on its day, and on 1 March for those born on 29 February. */
static int64_t years_between(const struct civil *born, const struct civil *at)
{
    bool is_before = at->month < born->month || (at->month == born->month && at->day < born->day);

    return at->year - born->year - is_before;
}

void kernel_age(const struct call *c)
{
    const struct column *born = c->arg[0], *at = c->arg[1];

    for (uint32_t i = 0; i < c->rows; i++) {
        bool ok = !born->null[i] && !at->null[i] && born->integer[i] <= at->integer[i];
        int64_t years = 0;

        if (ok) {
            struct civil a = civil_from_time(born->integer[i]), b = civil_from_time(at->integer[i]);

            years = years_between(&a, &b);
        }
        store_word(c->out->integer, c->out->null, i, years, !ok);
    }
}

static void in_units(const struct call *c, double unit)
{
    const int64_t *restrict a = c->arg[0]->integer;
    const uint8_t *restrict na = c->arg[0]->null;

    for (uint32_t i = 0; i < c->rows; i++)
        store_real(c->out->real, c->out->null, i, (double)a[i] / unit, na[i]);
}

void kernel_seconds(const struct call *c)
{
    in_units(c, (double)US_PER_SECOND);
}

void kernel_minutes(const struct call *c)
{
    in_units(c, 60.0 * US_PER_SECOND);
}

void kernel_hours(const struct call *c)
{
    in_units(c, (double)US_PER_HOUR);
}

void kernel_days(const struct call *c)
{
    in_units(c, (double)US_PER_DAY);
}
