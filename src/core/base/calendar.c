#include "core/base/calendar.h"

#include <stdio.h>

/* Days of the civil calendar by the algorithms of Howard Hinnant, "chrono-compatible low-level
 * date algorithms" (2013): years begin in March, so that the leap day is a year's last day, and
 * 400 years are one cycle of 146,097 days. */
enum { CYCLE_DAYS = 146097, EPOCH_SHIFT = 719468 /* 0000-03-01 to 1970-01-01 */ };

int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t cycle = (y >= 0 ? y : y - 399) / 400;
    int64_t of_cycle = y - cycle * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return cycle * CYCLE_DAYS + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year -
           EPOCH_SHIFT;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct civil civil_from_time(int64_t time_us)
{
    int64_t days = floor_div(time_us, US_PER_DAY);
    int64_t of_day = time_us - days * US_PER_DAY;
    int64_t shifted = days + EPOCH_SHIFT;
    int64_t cycle = floor_div(shifted, CYCLE_DAYS);
    int64_t d = shifted - cycle * CYCLE_DAYS;
    int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
    int64_t of_year = d - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;

    return (struct civil){
        .year = (int)(y + cycle * 400 + (m >= 10)),
        .month = (int)(m < 10 ? m + 3 : m - 9),
        .day = (int)(of_year - (153 * m + 2) / 5 + 1),
        .hour = (int)(of_day / US_PER_HOUR),
        .minute = (int)(of_day / (60 * US_PER_SECOND) % 60),
        .second = (int)(of_day / US_PER_SECOND % 60),
        .us = (int)(of_day % US_PER_SECOND),
        .weekday = (int)((days % 7 + 10) % 7), /* 1970-01-01 was a Thursday */
    };
}

static int days_in_month(int year, int month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        return 29;
    return days[month - 1];
}

bool time_from_civil(const struct civil *c, int64_t *time_us)
{
    if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > days_in_month(c->year, c->month))
        return false;
    if ((unsigned)c->hour > 23 || (unsigned)c->minute > 59 || (unsigned)c->second > 59 ||
        (unsigned)c->us > 999999)
        return false;
    *time_us = days_from_civil(c->year, c->month, c->day) * US_PER_DAY +
               (c->hour * INT64_C(3600) + c->minute * 60 + c->second) * US_PER_SECOND + c->us;
    return true;
}

static const char *const layout_names[TIME_LAYOUTS] = {
    [TIME_ISO] = "iso",       [TIME_DAY_FIRST] = "day_first", [TIME_MONTH_FIRST] = "month_first",
    [TIME_UNIX_S] = "unix_s", [TIME_UNIX_MS] = "unix_ms",     [TIME_UNIX_US] = "unix_us",
};

const char *time_layout_name(enum time_layout layout)
{
    return layout_names[layout];
}

bool time_layout_find(struct text name, enum time_layout *layout)
{
    for (int i = 0; i < TIME_LAYOUTS; i++) {
        if (text_is(name, layout_names[i])) {
            *layout = (enum time_layout)i;
            return true;
        }
    }
    return false;
}

/* Reading: a cursor over the text; each step says whether it found what it wants. */
struct scan {
    const char *at;
    const char *end;
};

static bool scan_digits(struct scan *s, int least, int most, int *v)
{
    int n = 0, sum = 0;

    while (n < most && s->at < s->end && (unsigned char)(*s->at - '0') <= 9) {
        sum = sum * 10 + (*s->at++ - '0');
        n++;
    }
    *v = sum;
    return n >= least;
}

static bool scan_char(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* A letter, whatever its case. */
static bool scan_letter(struct scan *s, char lower)
{
    if (s->at == s->end || (*s->at | 0x20) != lower)
        return false;
    s->at++;
    return true;
}

/* Digits past the sixth are dropped: nanoseconds are cut to microseconds. */
static bool scan_fraction(struct scan *s, int *us)
{
    int weight = 100000;

    *us = 0;
    if (!scan_char(s, '.') && !scan_char(s, ','))
        return true;
    if (s->at == s->end || (unsigned char)(*s->at - '0') > 9)
        return false;
    while (s->at < s->end && (unsigned char)(*s->at - '0') <= 9) {
        *us += (*s->at++ - '0') * weight;
        weight /= 10;
    }
    return true;
}

static bool scan_clock(struct scan *s, struct civil *c)
{
    if (!scan_digits(s, 1, 2, &c->hour) || !scan_char(s, ':') || !scan_digits(s, 2, 2, &c->minute))
        return false;
    if (!scan_char(s, ':'))
        return true;
    return scan_digits(s, 2, 2, &c->second) && scan_fraction(s, &c->us);
}

/* Z, UTC, +07, +0700 or +07:00, a blank before it or none; nothing at all is UTC. */
static bool scan_offset(struct scan *s, int64_t *offset_us)
{
    int hours, minutes = 0;
    bool west;

    *offset_us = 0;
    if (s->at == s->end)
        return true;
    (void)scan_char(s, ' ');
    if (scan_letter(s, 'z'))
        return true;
    if (scan_letter(s, 'u'))
        return scan_letter(s, 't') && scan_letter(s, 'c');
    west = scan_char(s, '-');
    if (!west && !scan_char(s, '+'))
        return false;
    if (!scan_digits(s, 2, 2, &hours))
        return false;
    if (s->at < s->end) {
        (void)scan_char(s, ':');
        if (!scan_digits(s, 2, 2, &minutes))
            return false;
    }
    if (hours > 23 || minutes > 59)
        return false;
    *offset_us = (hours * INT64_C(3600) + minutes * 60) * (west ? -US_PER_SECOND : US_PER_SECOND);
    return true;
}

static bool scan_end(const struct scan *s, const struct civil *c, int64_t offset_us,
                     int64_t *time_us)
{
    int64_t t;

    if (s->at != s->end || !time_from_civil(c, &t))
        return false;
    t -= offset_us;
    if (t < TIME_MIN_US || t > TIME_MAX_US)
        return false;
    *time_us = t;
    return true;
}

static bool parse_iso(struct text text, int64_t *time_us)
{
    struct scan s = {text.bytes, text.bytes + text.length};
    struct civil c = {0};
    int64_t offset_us = 0;
    char mark;

    if (!scan_digits(&s, 4, 4, &c.year) || s.at == s.end)
        return false;
    mark = *s.at;
    if (mark != '-' && mark != '/')
        return false;
    s.at++;
    if (!scan_digits(&s, 1, 2, &c.month) || !scan_char(&s, mark) || !scan_digits(&s, 1, 2, &c.day))
        return false;
    if (s.at < s.end) {
        if (!scan_char(&s, ' ') && !scan_letter(&s, 't'))
            return false;
        if (!scan_clock(&s, &c) || !scan_offset(&s, &offset_us))
            return false;
    }
    return scan_end(&s, &c, offset_us, time_us);
}

/* 12-hour clock: 12 AM is 0, 12 PM is 12. */
static bool scan_half(struct scan *s, struct civil *c)
{
    bool afternoon;

    (void)scan_char(s, ' ');
    afternoon = scan_letter(s, 'p');
    if (!afternoon && !scan_letter(s, 'a'))
        return false;
    if (!scan_letter(s, 'm') || c->hour < 1 || c->hour > 12)
        return false;
    c->hour = c->hour % 12 + (afternoon ? 12 : 0);
    return true;
}

static bool parse_local(struct text text, bool day_first, int64_t *time_us)
{
    struct scan s = {text.bytes, text.bytes + text.length};
    struct civil c = {0};
    int first, second;
    char mark;

    if (!scan_digits(&s, 1, 2, &first) || s.at == s.end)
        return false;
    mark = *s.at++;
    if (mark != '/' && mark != '-' && mark != '.')
        return false;
    if (!scan_digits(&s, 1, 2, &second) || !scan_char(&s, mark) || !scan_digits(&s, 4, 4, &c.year))
        return false;
    c.day = day_first ? first : second;
    c.month = day_first ? second : first;
    if (s.at < s.end) {
        (void)scan_char(&s, ',');
        if (!scan_char(&s, ' ') || !scan_clock(&s, &c))
            return false;
        if (s.at < s.end && !scan_half(&s, &c))
            return false;
    }
    return scan_end(&s, &c, 0, time_us);
}

/* A count of units since 1970, with a fraction or without; digits below a microsecond are cut. */
static bool parse_unix(struct text text, int64_t unit_us, int64_t *time_us)
{
    struct scan s = {text.bytes, text.bytes + text.length};
    bool minus = scan_char(&s, '-');
    const char *first = s.at;
    int64_t whole = 0, part = 0;
    int64_t weight = unit_us;

    while (s.at < s.end && (unsigned char)(*s.at - '0') <= 9) {
        whole = whole * 10 + (*s.at++ - '0');
        if (whole > TIME_MAX_US)
            return false;
    }
    if (s.at == first || whole > TIME_MAX_US / unit_us)
        return false;
    if (scan_char(&s, '.')) {
        while (s.at < s.end && (unsigned char)(*s.at - '0') <= 9) {
            weight /= 10;
            part += (*s.at++ - '0') * weight;
        }
    }
    whole = whole * unit_us + part;
    if (s.at != s.end || (minus && whole > -TIME_MIN_US))
        return false;
    *time_us = minus ? -whole : whole;
    return true;
}

bool time_parse(struct text t, enum time_layout layout, int64_t *time_us)
{
    switch (layout) {
    case TIME_ISO:
        return parse_iso(t, time_us);
    case TIME_DAY_FIRST:
        return parse_local(t, true, time_us);
    case TIME_MONTH_FIRST:
        return parse_local(t, false, time_us);
    case TIME_UNIX_S:
        return parse_unix(t, US_PER_SECOND, time_us);
    case TIME_UNIX_MS:
        return parse_unix(t, 1000, time_us);
    case TIME_UNIX_US:
        return parse_unix(t, 1, time_us);
    case TIME_LAYOUTS:
        break;
    }
    return false;
}

static char *put_digits(char *out, int v, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        out[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return out + count;
}

size_t time_format(int64_t time_us, char out[TIME_TEXT_MAX])
{
    struct civil c;
    char *p = out;

    if (time_us < TIME_MIN_US)
        time_us = TIME_MIN_US;
    if (time_us > TIME_MAX_US)
        time_us = TIME_MAX_US;
    c = civil_from_time(time_us);
    p = put_digits(p, c.year, 4);
    *p++ = '-';
    p = put_digits(p, c.month, 2);
    *p++ = '-';
    p = put_digits(p, c.day, 2);
    *p++ = 'T';
    p = put_digits(p, c.hour, 2);
    *p++ = ':';
    p = put_digits(p, c.minute, 2);
    *p++ = ':';
    p = put_digits(p, c.second, 2);
    if (c.us != 0) {
        *p++ = '.';
        p = put_digits(p, c.us, 6);
        while (p[-1] == '0')
            p--;
    }
    *p++ = 'Z';
    *p = 0;
    return (size_t)(p - out);
}

static const struct {
    char letter;
    int64_t us;
} units[] = {
    {'w', 7 * US_PER_DAY},     {'d', US_PER_DAY},    {'h', US_PER_HOUR},
    {'m', 60 * US_PER_SECOND}, {'s', US_PER_SECOND},
};

enum { UNITS = sizeof units / sizeof units[0] };

bool duration_parse(struct text t, int64_t *us)
{
    bool minus = t.length > 0 && t.bytes[0] == '-';
    size_t i = minus, first = i;
    int64_t v = 0;

    for (; i < t.length && (unsigned char)(t.bytes[i] - '0') <= 9; i++) {
        if (__builtin_mul_overflow(v, INT64_C(10), &v) ||
            __builtin_add_overflow(v, t.bytes[i] - '0', &v))
            return false;
    }
    if (i == first || i + 1 != t.length)
        return false;
    for (size_t u = 0; u < UNITS; u++) {
        if (t.bytes[i] != units[u].letter)
            continue;
        if (__builtin_mul_overflow(v, units[u].us, &v))
            return false;
        *us = minus ? -v : v;
        return true;
    }
    return false;
}

size_t duration_format(int64_t us, char out[TIME_TEXT_MAX])
{
    uint64_t size = us < 0 ? -(uint64_t)us : (uint64_t)us;
    const char *minus = us < 0 ? "-" : "";
    unsigned part = (unsigned)(size % US_PER_SECOND);
    int length;

    for (size_t u = 0; u < UNITS && size > 0; u++) {
        if (size % (uint64_t)units[u].us == 0)
            return (size_t)snprintf(out, TIME_TEXT_MAX, "%s%llu%c", minus,
                                    (unsigned long long)(size / (uint64_t)units[u].us),
                                    units[u].letter);
    }
    length =
        snprintf(out, TIME_TEXT_MAX, "%s%llu", minus, (unsigned long long)(size / US_PER_SECOND));
    if (part > 0) {
        length += snprintf(out + length, TIME_TEXT_MAX - (size_t)length, ".%06u", part);
        while (out[length - 1] == '0')
            length--;
    }
    out[length++] = 's';
    out[length] = 0;
    return (size_t)length;
}
