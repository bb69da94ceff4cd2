/* What the handlers of lists share. */
#ifndef ASSAY_SERVE_LISTS_H
#define ASSAY_SERVE_LISTS_H

#include "shell/serve/inside.h"

/* NULL: the exchange has the answer. */
const struct list_setting *lists_of_path(struct server *s, struct exchange *x, struct text name);
/* Hands it to the shard and waits; false: the exchange has the answer. */
bool lists_ask(struct server *s, struct exchange *x, struct submission *submission) MUST_USE;
/* ,"key":time, or null for LIST_NEVER */
void lists_add_time(struct buffer *out, const char *key, int64_t time_us);

#endif
