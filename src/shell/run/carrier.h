/* Events written under one plan, read under another: decoded with the schema of the plan that wrote
 * them and carried over to the schema of the plan in force, field by field name. The same number
 * may change its numeric type (int, decimal, real); anything else that differs in type becomes
 * null. */
#ifndef ASSAY_RUN_CARRIER_H
#define ASSAY_RUN_CARRIER_H

#include "shell/run/plans.h"

struct carrier;

/* To the schema of `plan`; both borrowed. */
struct carrier *carrier_new(struct plans *plans, const struct plan *plan);
void carrier_free(struct carrier *c);
/* Appends the event of record `r` (event_encode bytes under the plan of PLAN record `plan_seq`) to
 * the frame, with its personal fields; *is_erased: those were erased, and are null. */
bool carrier_decode(struct carrier *c, const struct record *r, uint32_t plan_seq, struct text event,
                    struct frame *into, bool *is_erased, struct error *e) MUST_USE;
/* The personal part of the event last decoded; empty where it has none. */
struct text carrier_personal(const struct carrier *c);
/* The fields of the event last decoded as it was written; NULL before the first. */
const struct schema *carrier_source(const struct carrier *c);

#endif
