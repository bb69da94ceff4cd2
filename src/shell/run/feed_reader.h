/* The events of the sources in the order of their files, as frames of the events' schema: what a
 * feed is made of. Of several kinds of event one follows the other, in the order of the settings,
 * and no frame has events of two. Reading may begin anew, where the files are regular ones. Private
 * to the feed. */
#ifndef ASSAY_RUN_FEED_READER_H
#define ASSAY_RUN_FEED_READER_H

#include "shell/run/feed_part.h"

/* One source being read. */
struct reader_part {
    struct feed_part is;
    char path[FEED_FILE_MAX];
    struct source *source;
    struct schema *found; /* the file's fields */
    char rejects_path[FEED_PATH_MAX];
};

struct feed_reader {
    const struct settings *settings;
    struct reader_part *part; /* one, or one per kind of event */
    uint32_t parts;
    uint32_t at;           /* the part being read */
    struct schema *schema; /* of the frames: the one that was asked for, or as found */
    uint8_t *absent;       /* by field of the schema: 1 = the files have no such column */
    bool can_repeat;       /* false: standard input, a pipe */
    struct lookups *lookups;
    struct validation *validation; /* of events that are not taken; NULL: all are */
    struct validation_bench *bench;
    uint16_t *failed; /* by row of a frame */
};

/* `path` NULL: the settings' sources; else a file, or with several kinds of event a directory that
 * has their files. The settings must outlive the reader. counts->rejects_path and what is known
 * before reading are set. */
bool feed_reader_open(struct feed_reader *r, const struct settings *s, const char *path,
                      const struct schema *wanted, struct feed_counts *counts,
                      struct error *e) MUST_USE;
void feed_reader_close(struct feed_reader *r); /* also of a zeroed struct */

/* A new frame of up to FEED_FRAME_ROWS rows; the caller's, unless rows = 0: the end. */
bool feed_reader_read(struct feed_reader *r, struct frame *f, struct error *e) MUST_USE;
/* From the first event again; what was rejected is not written down again. */
bool feed_reader_repeat(struct feed_reader *r, struct error *e) MUST_USE;
/* After the end: rejects, the files' digest. */
bool feed_reader_count(const struct feed_reader *r, struct feed_counts *counts,
                       struct error *e) MUST_USE;
/* Share of the files read. */
double feed_reader_share(const struct feed_reader *r);

#endif
