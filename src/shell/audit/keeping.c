#include "shell/audit/keeping.h"

uint64_t keeping_cut(const struct keeping *k, const struct log_segment *segment, size_t count,
                     bool (*newest_us)(void *context, const struct log_segment *s, int64_t *us),
                     void *context)
{
    uint64_t bytes = k->log_bytes, first = 0;

    for (size_t i = 0; i < count && segment[i].next_seq <= k->safe_seq; i++) {
        bool goes = k->keep->has_bytes && bytes > k->keep->bytes;
        int64_t newest;

        if (!goes && k->keep->has_for && newest_us(context, &segment[i], &newest))
            goes = newest < k->now_us - k->keep->for_us;
        if (!goes)
            break;
        bytes -= segment[i].bytes < bytes ? segment[i].bytes : bytes;
        first = segment[i].next_seq;
    }
    return first;
}
