/* Which of the oldest segments are not to be kept any longer: the arithmetic of log.keep. */
#ifndef ASSAY_AUDIT_KEEPING_H
#define ASSAY_AUDIT_KEEPING_H

#include "shell/log/log.h"
#include "shell/settings/settings.h"

struct keeping {
    const struct log_keep *keep;
    uint64_t log_bytes; /* of all segments */
    int64_t now_us;
    uint64_t safe_seq; /* a segment with a record at or behind it stays */
};

/* The first seq of what stays; 0: nothing goes. `newest_us` tells the time of receipt of the newest
 * record of a segment; it is asked of the oldest ones only. */
uint64_t keeping_cut(const struct keeping *k, const struct log_segment *segment, size_t count,
                     bool (*newest_us)(void *context, const struct log_segment *s, int64_t *us),
                     void *context);

#endif
