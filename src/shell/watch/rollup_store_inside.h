/* What the writer and the reader of rollups' tables share; private to them. */
#ifndef ASSAY_WATCH_ROLLUP_STORE_INSIDE_H
#define ASSAY_WATCH_ROLLUP_STORE_INSIDE_H

#include "shell/watch/rollup_store.h"

#define ROLLUP_MARKER "audit.rollup"

struct rollup_db *rollup_store_db(struct rollup_store *s);
void rollup_quoted_add(struct buffer *out, struct text t); /* 'text' of SQL */

#endif
