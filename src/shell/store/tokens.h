/* Which entities an event is about: their numbers in the store, by the plan that decided it. */
#ifndef ASSAY_STORE_TOKENS_H
#define ASSAY_STORE_TOKENS_H

#include "core/decide/plan.h"

struct tokens;

struct tokens *tokens_new(struct plan *p); /* borrows the plan */
void tokens_free(struct tokens *t);        /* takes NULL */
/* store_entity of each kind of entity of the plan, for row 0 of a frame of its schema; 0 where the
 * event has no key, or the key is an expression that no feature uses. The array is the tokens'. */
const int64_t *tokens_read(struct tokens *t, const struct frame *f);

/* store_entity of the one that people call KIND and ID. ERROR_INVALID: the plan has no such kind
 * with one field as its key, or the id is no value of that field. */
bool token_of_name(const struct plan *p, struct text kind, struct text id, int64_t *entity,
                   struct error *e) MUST_USE;

#endif
