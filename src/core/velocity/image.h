/* Rows as the events that they become, some at a time: column by column, since what is asked of
 * each column (its type, whether it has nulls) is then asked once.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_IMAGE_H
#define ASSAY_VELOCITY_IMAGE_H

#include "core/velocity/entity.h"

/* Bytes from one row's image to the next one's. */
static inline size_t image_stride(const struct group *g)
{
    return (size_t)g->image_words * 8;
}

/* Make images of rows [first, first + count), at most v->together. Cells of kind CELL_TEXT are left
 * 0: texts are copied when the row is applied. */
void image_make(const struct velocity *v, const struct group *g, const struct registers *r,
                const struct velocity_rows *rows, uint32_t first, uint32_t count);

#endif
