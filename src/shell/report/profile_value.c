#include "shell/report/profile_value.h"

#include <math.h>

#include "core/base/calendar.h"
#include "shell/report/words.h"

static void add_time(struct buffer *out, int64_t us)
{
    struct civil c = civil_from_time(us);

    buffer_format(out, "%04d-%02d-%02d", c.year, c.month, c.day);
    if (c.hour != 0 || c.minute != 0 || c.second != 0)
        buffer_format(out, " %02d:%02d:%02d", c.hour, c.minute, c.second);
}

void profile_value(struct buffer *out, enum type type, double v)
{
    char text[TIME_TEXT_MAX];

    if (type == TYPE_TIME) {
        add_time(out, (int64_t)fmin(fmax(v, (double)TIME_MIN_US), (double)TIME_MAX_US - 1000));
    } else if (type == TYPE_DURATION && fabs(v) < 1e12) {
        duration_format((int64_t)round(v * 1e6), text);
        buffer_add_text(out, text);
    } else {
        words_number(out, v);
    }
}
