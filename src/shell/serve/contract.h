/* Contracts of others: a path, the request of an older service and its answer, led to one of our
 * operations (settings `routes`; docs/routes.md), so that callers need not change.
 *
 * A request that matches becomes a request for the operation's own route, and that route's answer
 * becomes the caller's: the handlers know nothing of it. Both are made by shapes (shape.h).
 * Immutable and reference-counted; any number of threads may use one. */
#ifndef ASSAY_SERVE_CONTRACT_H
#define ASSAY_SERVE_CONTRACT_H

#include "shell/serve/route.h"
#include "shell/settings/settings.h"

struct contracts;

/* `events`: the types of `request.FIELD` in expressions. Without any contract *c is NULL. Errors
 * have their place. */
bool contracts_new(const struct settings *s, const struct schema *events, struct contracts **c,
                   struct error *e) MUST_USE;
struct contracts *contracts_ref(struct contracts *c); /* takes NULL */
void contracts_unref(struct contracts *c);            /* takes NULL */

/* When a request's head is there: true where a contract has its path; then the exchange knows it,
 * and has the operation's route. */
bool contract_begin(struct contracts *c, struct exchange *x);
/* When its body is there: it becomes the operation's. False: it was refused, and is answered. */
bool contract_request(struct exchange *x, int64_t received_us) MUST_USE;
/* When the operation has answered: it becomes the caller's answer. */
void contract_answer(struct exchange *x);
void contract_ended(struct exchange *x); /* frees what the above keep */

#endif
