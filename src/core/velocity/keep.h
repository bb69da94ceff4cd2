/* Texts kept with events: a length and its bytes, one block of the region each.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_KEEP_H
#define ASSAY_VELOCITY_KEEP_H

#include "core/velocity/entity.h"

/* A reference as a cell holds it; 0 where there is no room (the cell is then null) or no text. */
int64_t text_keep(struct velocity *v, uint32_t group, struct text t) MUST_USE;
int64_t text_copy(struct velocity *v, uint32_t group, int64_t kept) MUST_USE;
void text_free(struct velocity *v, uint32_t group, int64_t kept); /* takes 0 */
struct text text_kept(const struct velocity *v, int64_t kept);    /* borrowed */

#endif
