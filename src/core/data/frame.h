/* A frame: rows of events as columns. One event over HTTP is a frame of one row, a file is many
 * frames; features, scores and rules run over frames only, so there is one path for both.
 *
 * The owner of a frame is one thread at a time. Text points into the frame's arena (or into
 * memory that outlives the frame, where the filler says so).
 */
#ifndef ASSAY_DATA_FRAME_H
#define ASSAY_DATA_FRAME_H

#include <stdint.h>

#include "core/base/memory.h"
#include "core/data/schema.h"
#include "core/data/value.h"

struct column {
    enum type type;
    uint8_t *null; /* one byte a row: 1 = null; the cell is then 0 or an empty text. Of a column
                    * that column_init made it is behind the cells, in the same allocation */
    union {
        int64_t *integer; /* bool, int, decimal, time, duration */
        double *real;
        struct text *text;
    };
};

struct frame {
    uint32_t rows;
    uint32_t capacity; /* rows that fit */
    uint32_t columns;
    struct column *column;
    struct arena text; /* bytes of the text cells */
};

/* Columns without rows, for `capacity` rows; the text arena may grow to text_limit bytes. */
void column_init(struct column *c, enum type type, uint32_t capacity);
void column_fini(struct column *c);
void frame_init(struct frame *f, const struct schema *s, uint32_t capacity, size_t text_limit);
void frame_fini(struct frame *f);
void frame_clear(struct frame *f); /* rows = 0, text arena cleared */

struct value column_get(const struct column *c, uint32_t row); /* text is borrowed */
/* Stores without copying text; the value's type must be the column's. -0 is stored as 0. */
void column_set(struct column *c, uint32_t row, const struct value *v);
void column_set_null(struct column *c, uint32_t row);
/* The cell has a value from now on. Writes only where it must: column_init says why. */
static inline void column_clear_null(struct column *c, uint32_t row)
{
    if (c->null[row])
        c->null[row] = 0;
}

/* Appends row `row` of `from` (same columns), copying text; false when full. */
bool frame_append(struct frame *to, const struct frame *from, uint32_t row) MUST_USE;
/* The kind of event that the row is, or KIND_NONE where the schema has one kind only or the row
 * does not say. */
int frame_kind(const struct frame *f, uint32_t row, const struct schema *s);

#endif
