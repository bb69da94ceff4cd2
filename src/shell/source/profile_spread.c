/* From a field's sketch to quantiles, histogram and outliers. */
#include <math.h>
#include <stdio.h>

#include "core/base/number.h"
#include "shell/source/profile_guess.h"

const double profile_share[PROFILE_QUANTILES] = {0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99};

enum { AT_1 = 0, AT_25 = 3, AT_75 = 5, AT_99 = 8 };
static const double tail = 3;  /* the middle 98 % less than a third of the range: a long tail */
static const double fence = 3; /* Tukey, Exploratory Data Analysis, 1977: "far out" */

static double least_of(const struct profile_field *f)
{
    return f->type == TYPE_TIME ? (double)f->earliest_us : f->least;
}

static double most_of(const struct profile_field *f)
{
    return f->type == TYPE_TIME ? (double)f->latest_us : f->most;
}

/* All values, or where few of them are far away the middle 98 %: else one bar would hold nearly
 * all. */
static void choose_range(const struct profile_field *f, struct profile_spread *s)
{
    double low = s->quantile[AT_1], high = s->quantile[AT_99];

    s->low = least_of(f);
    s->high = most_of(f);
    if (high > low && s->high - s->low > tail * (high - low)) {
        s->low = low;
        s->high = high;
    }
}

/* Whole numbers of a small range have a bar each. */
static uint32_t choose_bars(const struct profile_field *f, struct profile_spread *s)
{
    if (s->high <= s->low)
        return 0;
    if (f->type == TYPE_INT && s->high - s->low < PROFILE_BARS) {
        uint32_t bars = (uint32_t)(s->high - s->low) + 1;

        s->low -= 0.5;
        s->high += 0.5;
        return bars;
    }
    return PROFILE_BARS;
}

static void fill_bars(const struct sketch *k, struct profile_spread *s)
{
    double width = (s->high - s->low) / s->bars;

    for (uint32_t i = 0; i < k->items; i++) {
        double v = k->item[i].value, at = floor((v - s->low) / width);

        if (v < s->low)
            s->below += k->item[i].weight;
        else if (v > s->high)
            s->above += k->item[i].weight;
        else
            s->bar[at < s->bars ? (uint32_t)at : s->bars - 1] += k->item[i].weight;
    }
}

static void find_outliers(const struct sketch *k, struct profile_spread *s)
{
    double middle = s->quantile[AT_75] - s->quantile[AT_25];

    s->has_fence = middle > 0;
    if (!s->has_fence)
        return;
    s->fence_low = s->quantile[AT_25] - fence * middle;
    s->fence_high = s->quantile[AT_75] + fence * middle;
    s->outliers = sketch_below(k, s->fence_low) + k->count - sketch_up_to(k, s->fence_high);
}

void make_spread(struct profile_field *f, struct evidence *ev)
{
    struct profile_spread *s = &f->spread;

    sketch_finish(&ev->sketch);
    f->has_spread = true;
    s->is_exact = sketch_is_exact(&ev->sketch);
    for (unsigned i = 0; i < PROFILE_QUANTILES; i++)
        s->quantile[i] = sketch_quantile(&ev->sketch, profile_share[i]);
    choose_range(f, s);
    s->bars = choose_bars(f, s);
    if (s->bars > 0)
        fill_bars(&ev->sketch, s);
    find_outliers(&ev->sketch, s);
}

void profile_show_number(enum type type, double v, char out[PROFILE_VALUE_MAX])
{
    char text[NUMBER_TEXT_MAX];

    if (type == TYPE_TIME)
        time_format((int64_t)v, out);
    else if (type == TYPE_DURATION)
        duration_format((int64_t)round(v * 1e6), out);
    else {
        number_format_real(v, text);
        snprintf(out, PROFILE_VALUE_MAX, "%s", text);
    }
}
