/* Events that are held in memory, brought into event order there: sorted by (time, place), of rows
 * with one id the first. Private to the feed. */
#ifndef ASSAY_RUN_FEED_ORDER_H
#define ASSAY_RUN_FEED_ORDER_H

#include "shell/run/feed.h"

struct held {
    const struct schema *schema;
    struct frame *frames; /* as they were read; once settled full but for the last */
    uint32_t count, capacity;
    struct frame *retired; /* frames as they were read, kept for their texts where rows moved */
    uint32_t retired_count;
    uint64_t bytes; /* that the frames take, and settling them will */
};

void held_add(struct held *h, struct frame *frame); /* takes the frame over */
/* Leaves out repeated rows and sorts; sets rows, moved, repeated, conflicting, the span. */
void held_settle(struct held *h, struct feed_counts *counts);
void held_release(struct held *h, uint32_t frame); /* its memory goes back */
void held_fini(struct held *h);

#endif
