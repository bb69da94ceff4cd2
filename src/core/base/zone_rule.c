#include "core/base/zone_rule.h"

#include <stdlib.h>

#include "core/base/calendar.h"

enum { DAY_S = 86400, HOURS_MAX = 167 };

struct scan {
    const char *at;
    const char *end;
};

static bool scan_char(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool scan_number(struct scan *s, int most, int *v)
{
    const char *first = s->at;

    for (*v = 0; s->at < s->end && s->at - first < 3 && (unsigned char)(*s->at - '0') <= 9; s->at++)
        *v = *v * 10 + (*s->at - '0');
    return s->at > first && *v <= most;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* At least three letters, or in <> letters, digits and signs. It says nothing of the offset. */
static bool scan_name(struct scan *s)
{
    bool is_quoted = scan_char(s, '<');
    const char *first = s->at;

    while (s->at < s->end &&
           (is_letter(*s->at) ||
            (is_quoted && ((unsigned char)(*s->at - '0') <= 9 || *s->at == '+' || *s->at == '-'))))
        s->at++;
    return s->at - first >= 3 && (!is_quoted || scan_char(s, '>'));
}

static bool scan_time(struct scan *s, int hours_most, int32_t *seconds)
{
    bool is_negative = scan_char(s, '-');
    int hours, minutes = 0, rest = 0;

    if (!is_negative)
        (void)scan_char(s, '+');
    if (!scan_number(s, hours_most, &hours))
        return false;
    if (scan_char(s, ':') && !scan_number(s, 59, &minutes))
        return false;
    if (scan_char(s, ':') && !scan_number(s, 59, &rest))
        return false;
    *seconds = (hours * 3600 + minutes * 60 + rest) * (is_negative ? -1 : 1);
    return true;
}

/* POSIX counts offsets west of UTC. */
static bool scan_offset(struct scan *s, int32_t *east_s)
{
    if (!scan_time(s, 24, east_s))
        return false;
    *east_s = -*east_s;
    return true;
}

static bool scan_when(struct scan *s, struct zone_when *w)
{
    bool ok;

    *w = (struct zone_when){.time_s = 2 * 3600};
    if (!scan_char(s, ','))
        return false;
    if (scan_char(s, 'M')) {
        ok = scan_number(s, 12, &w->month) && w->month >= 1 && scan_char(s, '.') &&
             scan_number(s, 5, &w->week) && w->week >= 1 && scan_char(s, '.') &&
             scan_number(s, 6, &w->weekday);
    } else if (scan_char(s, 'J')) {
        w->kind = ZONE_DAY_JULIAN;
        ok = scan_number(s, 365, &w->day) && w->day >= 1;
    } else {
        w->kind = ZONE_DAY_ZERO;
        ok = scan_number(s, 365, &w->day);
    }
    return ok && (!scan_char(s, '/') || scan_time(s, HOURS_MAX, &w->time_s));
}

bool zone_rule_parse(struct text t, struct zone_rule *r)
{
    struct scan s = {t.bytes, t.bytes + t.length};

    *r = (struct zone_rule){0};
    if (!scan_name(&s) || !scan_offset(&s, &r->standard_s))
        return false;
    if (s.at == s.end)
        return true;
    r->has_summer = true;
    if (!scan_name(&s))
        return false;
    r->summer_s = r->standard_s + 3600;
    if (s.at < s.end && *s.at != ',' && !scan_offset(&s, &r->summer_s))
        return false;
    return scan_when(&s, &r->start) && scan_when(&s, &r->end) && s.at == s.end;
}

static void format_time(int32_t seconds, struct buffer *out)
{
    int32_t size = abs(seconds);

    buffer_format(out, "%s%d:%02d:%02d", seconds < 0 ? "-" : "", size / 3600, size / 60 % 60,
                  size % 60);
}

static void format_when(const struct zone_when *w, struct buffer *out)
{
    if (w->kind == ZONE_DAY_MONTH_WEEK)
        buffer_format(out, ",M%d.%d.%d/", w->month, w->week, w->weekday);
    else
        buffer_format(out, ",%s%d/", w->kind == ZONE_DAY_JULIAN ? "J" : "", w->day);
    format_time(w->time_s, out);
}

void zone_rule_format(const struct zone_rule *r, struct buffer *out)
{
    buffer_add_text(out, "std");
    format_time(-r->standard_s, out);
    if (!r->has_summer)
        return;
    buffer_add_text(out, "dst");
    format_time(-r->summer_s, out);
    format_when(&r->start, out);
    format_when(&r->end, out);
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days since 1970 of the day that the rule means in a year. */
static int64_t day_of(const struct zone_when *w, int year)
{
    int64_t first = days_from_civil(year, 1, 1), next;
    int ahead;

    if (w->kind == ZONE_DAY_ZERO)
        return first + w->day;
    if (w->kind == ZONE_DAY_JULIAN)
        return first + w->day - 1 + (is_leap(year) && w->day >= 60);
    first = days_from_civil(year, w->month, 1);
    next =
        w->month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, w->month + 1, 1);
    ahead = (int)(((w->weekday - 4 - first) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    first += ahead + 7 * (w->week - 1);
    return first < next ? first : first - 7;
}

struct change {
    int64_t at_s;
    int32_t offset_s;
};

/* The two changes of a year, the earlier first. Local times are of the offset before. */
static void changes_of(const struct zone_rule *r, int year, struct change two[2])
{
    struct change start = {day_of(&r->start, year) * DAY_S + r->start.time_s - r->standard_s,
                           r->summer_s};
    struct change end = {day_of(&r->end, year) * DAY_S + r->end.time_s - r->summer_s,
                         r->standard_s};
    bool is_north = start.at_s <= end.at_s;

    two[0] = is_north ? start : end;
    two[1] = is_north ? end : start;
}

static int year_of(int64_t time_s)
{
    int64_t least = TIME_MIN_US / US_PER_SECOND, most = TIME_MAX_US / US_PER_SECOND;

    time_s = time_s < least ? least : time_s > most ? most : time_s;
    return civil_from_time(time_s * US_PER_SECOND).year;
}

/* Changes may be days outside their year (hours up to 167), so the neighbours are looked at too.
 * Summer all year is an end and the next start at one instant: the later year's wins. */
int32_t zone_rule_offset_s(const struct zone_rule *r, int64_t time_s)
{
    int64_t best = INT64_MIN;
    int32_t offset = r->standard_s;
    int year;

    if (!r->has_summer)
        return r->standard_s;
    year = year_of(time_s);
    for (int y = year - 1; y <= year + 1; y++) {
        struct change two[2];

        changes_of(r, y, two);
        for (int i = 0; i < 2; i++) {
            if (two[i].at_s <= time_s && two[i].at_s >= best) {
                best = two[i].at_s;
                offset = two[i].offset_s;
            }
        }
    }
    return offset;
}

int64_t zone_rule_next_s(const struct zone_rule *r, int64_t time_s)
{
    int64_t best = INT64_MAX;
    int year;

    if (!r->has_summer)
        return INT64_MAX;
    year = year_of(time_s);
    for (int y = year - 1; y <= year + 2; y++) {
        struct change two[2];

        changes_of(r, y, two);
        for (int i = 0; i < 2; i++) {
            if (two[i].at_s > time_s && two[i].at_s < best)
                best = two[i].at_s;
        }
    }
    return best;
}
