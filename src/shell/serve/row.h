/* Rows of the store as JSON: the decisions of a list. */
#ifndef ASSAY_SERVE_ROW_H
#define ASSAY_SERVE_ROW_H

#include "shell/serve/inside.h"

/* One decision of the store. */
void row_add(const struct store_decision *d, struct buffer *out);

/* A page of decisions as members of an answer: "decisions":[...],"next":...,"store_lag":N. False:
 * the exchange has a problem as its answer. */
bool rows_answer(struct server *s, struct exchange *x, const struct store_query *q) MUST_USE;

#endif
