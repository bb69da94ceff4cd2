/* More files that have fields of the same rows: their columns stand behind the source's own, found
 * by a key that both have. Private to shell/source.
 *
 * Unlike a table looked up in, which says what is known of a customer, such a file has parts of the
 * row itself: its time, its label, its category. Each is held in memory whole.
 */
#ifndef ASSAY_SOURCE_JOIN_H
#define ASSAY_SOURCE_JOIN_H

#include "shell/source/format.h"

/* Reads the files that the source's options name and makes s->whole; without such it is NULL. */
bool join_open(struct source *s, struct error *e) MUST_USE;
void join_close(struct source *s);
/* Fills the columns behind the source's own in all rows of the frame. */
bool join_fill(struct source *s, struct frame *f, struct error *e) MUST_USE;

#endif
