/* A row of the store as JSON: one decision of a list. */
#ifndef ASSAY_SERVE_ROW_H
#define ASSAY_SERVE_ROW_H

#include "shell/store/store.h"

void row_format(const struct store_decision *d, struct buffer *out);

#endif
