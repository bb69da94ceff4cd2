/* A part of a segment file in memory, moved along while reading records. */
#ifndef ASSAY_LOG_WINDOW_H
#define ASSAY_LOG_WINDOW_H

#include "shell/log/record.h"
#include "shell/log/segment.h"

enum { WINDOW_LOOKUP = 16 << 10, WINDOW_READING = 256 << 10 }; /* bytes read at once */

struct window {
    struct segment_file file;
    char name[SEGMENT_NAME];
    uint8_t *bytes;
    size_t room;
    size_t step;
    size_t base; /* offset of bytes[0] in the file */
    size_t length;
    bool reaches_end; /* the file had no more when it was read */
};

/* Of segment `first_seq`, in whichever form it is; false with errno. */
bool window_open(struct window *w, int directory, uint64_t first_seq, size_t step) MUST_USE;
void window_close(struct window *w);
void window_forget(struct window *w); /* what is in memory: read the file anew */

/* What stands at `at`: slices of *f live until the next call. False: reading failed (errno). At the
 * file's end *state is RECORD_NONE, or RECORD_SHORT where a record is cut off by it. */
bool window_record(struct window *w, size_t at, bool holds_crc, struct record_frame *f,
                   enum record_state *state) MUST_USE;
/* The bytes in memory from `at` on, after window_record asked for them. */
const uint8_t *window_view(const struct window *w, size_t at, size_t *length);

#endif
