/* `fields=id,score`: only these members of each row of a list. */
#ifndef ASSAY_SERVE_SPARSE_H
#define ASSAY_SERVE_SPARSE_H

#include "shell/serve/inside.h"

enum { SPARSE_FIELDS_MAX = 32 };

/* Whether the query names members that the route's rows have; false: the exchange has the answer.
 * Before the handler runs. */
bool sparse_check(struct exchange *x);
/* Rewrites the answer. */
void sparse_apply(struct server *s, struct exchange *x);

#endif
