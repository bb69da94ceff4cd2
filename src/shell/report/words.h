/* Figures as people read them, appended to a buffer. Plain ASCII. */
#ifndef ASSAY_SHELL_REPORT_WORDS_H
#define ASSAY_SHELL_REPORT_WORDS_H

#include "core/base/buffer.h"
#include "core/stats/metrics.h"

void words_count(struct buffer *out, uint64_t n);     /* 58,264 */
void words_number(struct buffer *out, double v);      /* three digits that count; n/a for NaN */
void words_money(struct buffer *out, double v);       /* whole units: 12,345 */
void words_percent(struct buffer *out, double share); /* 58 %, 0.66 % */
void words_date(struct buffer *out, int64_t time_us); /* 8 August 2018 */
/* Both ends included: 8 to 14 August 2018, 28 July to 3 August 2018. */
void words_period(struct buffer *out, int64_t from_us, int64_t until_us);

/* The interval alone, "[0.57, 0.67]" or "[52, 64]", with the digits of its value; nothing where
 * the estimate is null or has no interval. */
void words_interval(struct buffer *out, const struct estimate *f, bool is_share);
/* Value and interval: 0.62 [0.57, 0.67], 58 % [52, 64]. */
void words_estimate(struct buffer *out, const struct estimate *f, bool is_share);

#endif
