/* What each aggregate needs of its group: cells, filters, cursors, accumulators and the structures
 * of other kinds; and the read that has their numbers. layout.c then gives them places.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_NEEDS_H
#define ASSAY_VELOCITY_NEEDS_H

#include "core/velocity/layout.h"

/* The cursors first, for all aggregates: they are sorted. Then the rest, in the same order. */
void need_cursors(struct velocity_layout *l, const struct aggregate *a);
void need_read(struct velocity_layout *l, const struct aggregate *a);

/* The cursor of this offset, or CURSOR_NONE. */
int needs_cursor(const struct group *g, int64_t offset_us);

/* Append a zeroed item and return it. */
void *needs_push(void **array, uint32_t *count, size_t item_bytes);

#define NEEDS_PUSH(array, count) needs_push((void **)&(array), &(count), sizeof *(array))

static inline int64_t add_us(int64_t a, int64_t b)
{
    int64_t r;

    return __builtin_add_overflow(a, b, &r) ? INT64_MAX : r;
}

static inline int64_t delay_of(const struct aggregate *a)
{
    return a->delay_us > 0 ? a->delay_us : 0;
}

static inline int64_t label_delay(const struct velocity_layout *l)
{
    return l->options.label_delay_us > 0 ? l->options.label_delay_us : 0;
}

#endif
