/* What a stream takes from reference tables. It is written into each decision, and only a table
 * that says since when its rows hold may enter a window: the state is a function of the partition,
 * also when it is read again after the table was changed. */
#ifndef ASSAY_STREAM_LOOKED_UP_H
#define ASSAY_STREAM_LOOKED_UP_H

#include "core/decide/plan.h"
#include "shell/run/lookup.h"

/* ERROR_INVALID names the window, or the check of `validate`, that reads a table without
 * valid_from, unless stream.approximate names the table. */
bool looked_up_check(const struct settings *s, const struct lookups *l, const struct plan *p,
                     struct error *e) MUST_USE;
/* ,"looked_up":{"customers.balance":12.5}; nothing where nothing is looked up. Personal values are
 * left out. */
void looked_up_add(const struct schema *s, const struct frame *f, uint32_t row, struct buffer *out);

#endif
