/* The only clock. */
#ifndef ASSAY_OS_CLOCK_H
#define ASSAY_OS_CLOCK_H

#include <stdint.h>

int64_t clock_now_us(void);       /* wall time, UTC, microseconds since 1970 */
int64_t clock_monotonic_us(void); /* for durations */
int64_t clock_monotonic_ns(void);
void clock_sleep_us(int64_t us);

#endif
