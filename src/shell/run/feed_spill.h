/* Events that are more than memory holds, in event order all the same.
 *
 * All rows are looked at once, in the order of the file: where order breaks, and which ids repeat.
 * As far as the file is in order it is its own sorted run, read again; what comes behind the first
 * row that is out of order is spilled, sorted, and merged with it. So of a file in order no event
 * is spilled. Of the ids 128 bits are compared, which two ids do not share by chance.
 *
 * Private to the feed. */
#ifndef ASSAY_RUN_FEED_SPILL_H
#define ASSAY_RUN_FEED_SPILL_H

#include "shell/run/feed_reader.h"

struct feed_spill;

/* The reader is borrowed and stands where it stands; `directory` is for what is spilled. */
struct feed_spill *feed_spill_new(struct feed_reader *r, uint64_t memory_bytes,
                                  const char *directory);
void feed_spill_free(struct feed_spill *s); /* takes NULL */

/* The file's rows in its order. */
bool feed_spill_add(struct feed_spill *s, const struct frame *f, struct error *e) MUST_USE;
/* After the last: sets the counts that held_settle sets, but for first_conflict, which the row sets
 * when it is passed over. */
bool feed_spill_settle(struct feed_spill *s, struct feed_counts *counts, struct error *e) MUST_USE;

/* From the first event on. */
bool feed_spill_begin(struct feed_spill *s, struct error *e) MUST_USE;
/* A new frame of the next rows in event order; the caller's, unless rows = 0: the end. */
bool feed_spill_next(struct feed_spill *s, struct frame *f, struct feed_counts *counts,
                     struct error *e) MUST_USE;
uint64_t feed_spill_bytes(const struct feed_spill *s); /* written to the disk so far */

#endif
