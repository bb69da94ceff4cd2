/* Ids that were seen lately, in bounded memory: the last SEEN_KEPT at least, twice as many at most.
 *
 * Two tables of tokens (128 bits, keyed by chance: nobody can make two ids meet). When the young
 * one is full the old one is emptied and takes its place. One thread.
 */
#ifndef ASSAY_PRODUCE_SEEN_H
#define ASSAY_PRODUCE_SEEN_H

#include "core/base/text.h"

enum { SEEN_KEPT = 1 << 18 };

struct seen;

struct seen *seen_new(void);
void seen_free(struct seen *s);
/* Whether it is there; then it is. An old one becomes young again. */
bool seen_add(struct seen *s, struct text id);

#endif
