#include "shell/report/words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"

static const char *const month_name[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};

void words_count(struct buffer *out, uint64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, n);

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            buffer_add_char(out, ',');
        buffer_add_char(out, digits[i]);
    }
}

/* Digits after the point that leave `significant` digits that count, at most 9. */
static int decimals_of(double v, int significant)
{
    int decimals = significant - 1;

    if (isfinite(v) && v != 0)
        decimals -= (int)floor(log10(fabs(v)));
    return decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
}

void words_money(struct buffer *out, double v)
{
    if (!isfinite(v) || fabs(v) >= 1e18) {
        buffer_add_text(out, "n/a");
        return;
    }
    if (v <= -0.5)
        buffer_add_char(out, '-');
    words_count(out, (uint64_t)llround(fabs(v)));
}

void words_number(struct buffer *out, double v)
{
    char text[32];
    size_t length;

    if (fabs(v) >= 1000 && fabs(v) < 1e15) {
        words_money(out, v);
        return;
    }
    if (!isfinite(v))
        snprintf(text, sizeof text, "n/a");
    else if (v != 0 && (fabs(v) < 1e-6 || fabs(v) >= 1e15))
        snprintf(text, sizeof text, "%.1e", v);
    else
        snprintf(text, sizeof text, "%.*f", v == 0 ? 0 : decimals_of(v, 3), v);
    length = strlen(text);
    while (strchr(text, '.') != NULL && strchr(text, 'e') == NULL && text[length - 1] == '0')
        text[--length] = 0;
    if (text[length - 1] == '.')
        text[--length] = 0;
    buffer_add_text(out, text);
}

/* Of a share in percent: whole ones, but 0.66, 1.7 and 99.8. */
static int percent_decimals(double percent)
{
    if (percent <= 0 || percent >= 100)
        return 0;
    if (percent < 10)
        return decimals_of(percent, 2);
    return percent >= 99.5 ? 1 : 0;
}

void words_percent(struct buffer *out, double share)
{
    double percent = share * 100;

    if (isfinite(share))
        buffer_format(out, "%.*f %%", percent_decimals(percent), percent);
    else
        buffer_add_text(out, "n/a");
}

void words_date(struct buffer *out, int64_t time_us)
{
    struct civil c = civil_from_time(time_us);

    buffer_format(out, "%d %s %d", c.day, month_name[c.month - 1], c.year);
}

void words_period(struct buffer *out, int64_t from_us, int64_t until_us)
{
    struct civil a = civil_from_time(from_us), b = civil_from_time(until_us);

    if (a.year != b.year)
        buffer_format(out, "%d %s %d to ", a.day, month_name[a.month - 1], a.year);
    else if (a.month != b.month)
        buffer_format(out, "%d %s to ", a.day, month_name[a.month - 1]);
    else if (a.day != b.day)
        buffer_format(out, "%d to ", a.day);
    words_date(out, until_us);
}

/* Value and interval have the same digits after the point: three from 0.1 on. */
static int estimate_decimals(const struct estimate *f, bool is_share)
{
    if (is_share)
        return percent_decimals(100 * (f->value > 0 ? f->value : f->high));
    return fabs(f->value) >= 0.1 && fabs(f->value) < 10 ? 3 : decimals_of(f->value, 3);
}

void words_interval(struct buffer *out, const struct estimate *f, bool is_share)
{
    int decimals = estimate_decimals(f, is_share);
    double times = is_share ? 100 : 1;

    if (!f->is_null && f->low != f->high)
        buffer_format(out, "[%.*f, %.*f]", decimals, times * f->low, decimals, times * f->high);
}

void words_estimate(struct buffer *out, const struct estimate *f, bool is_share)
{
    if (f->is_null) {
        buffer_add_text(out, "n/a");
        return;
    }
    if (is_share)
        words_percent(out, f->value);
    else
        buffer_format(out, "%.*f", estimate_decimals(f, false), f->value);
    if (f->low != f->high)
        buffer_add_char(out, ' ');
    words_interval(out, f, is_share);
}
