/* The bytes of a region as they were at one moment, read by one thread while another goes on
 * changing them: a snapshot without a pause and without fork.
 *
 * The bytes are blocks of fixed size addressed by index. The engine's thread tells what is about to
 * change (core/velocity/region.h) and a block is copied before its first change; the reading thread
 * takes chunk after chunk, the copies over the bytes themselves. Neither ever waits for the other.
 *
 *   reader   freeze_prepare                        freeze_read ... freeze_read  freeze_over
 *   engine                   freeze_begin  (copies) freeze_end
 *
 * The copies are bounded: beyond the limit the freeze is given up (freeze_read fails, and no more
 * is copied); the engine never waits. Who passes a job between the threads orders the calls:
 * prepare before begin, begin before read, over before end, end before the next prepare.
 */
#ifndef ASSAY_RUN_FREEZE_H
#define ASSAY_RUN_FREEZE_H

#include "core/velocity/region.h"

enum { FREEZE_BLOCK_LOG = 9, FREEZE_CHUNK_LOG = 20, FREEZE_CHUNK = 1 << FREEZE_CHUNK_LOG };

struct freeze;

/* For up to `bytes_max` frozen bytes, in blocks of 2^block_log bytes, and copies of at most
 * `copies_max` bytes. Address space is reserved; memory is taken as blocks are copied. */
struct freeze *freeze_new(size_t bytes_max, unsigned block_log, size_t copies_max,
                          struct error *e) MUST_USE;
void freeze_free(struct freeze *f); /* takes NULL */

/* The reading thread: forget the freeze before; about so many bytes will be frozen next. */
void freeze_prepare(struct freeze *f, size_t bytes);
/* The engine's thread, between two batches: [base, base + bytes) as it is now, a multiple of 8
 * bytes, header of the region included. Takes no time. The watch is to be told of changes until
 * freeze_end. */
struct region_watch *freeze_begin(struct freeze *f, const void *base, size_t bytes);
/* The reading thread: the frozen bytes of chunk `chunk` (the last may be short) into `out`, once
 * each, in any order. False: the freeze was given up. */
bool freeze_read(struct freeze *f, size_t chunk, void *out) MUST_USE;
/* The reading thread: no more is read, so no more need be copied. */
void freeze_over(struct freeze *f);
/* Any thread: what was begun is over or was given up; the engine then takes the watch away. */
bool freeze_is_over(const struct freeze *f);
/* The engine's thread, and then it tells the watch no more. */
void freeze_end(struct freeze *f);

size_t freeze_bytes_max(const struct freeze *f);
size_t freeze_copied(const struct freeze *f); /* bytes of copies so far */
bool freeze_was_given_up(const struct freeze *f);

#endif
