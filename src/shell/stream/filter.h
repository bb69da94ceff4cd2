/* The conditions of sinks: which decisions each of them takes.
 *
 * Names are those of the event's fields, of the features, and score, probability, outcome and level
 * of the decision; null is no. Conditions have no aggregates: a feature has. One thread.
 */
#ifndef ASSAY_STREAM_FILTER_H
#define ASSAY_STREAM_FILTER_H

#include "core/decide/decision.h"
#include "core/decide/plan.h"

struct filter;

/* For batches of at most `rows`; the plan outlives it. */
struct filter *filter_new(const struct plan *p, uint32_t rows, struct error *e) MUST_USE;
void filter_free(struct filter *f); /* takes NULL */
/* A condition's number through *number, from 0 on; `place` is for errors. */
bool filter_add(struct filter *f, const char *place, const char *where, uint32_t *number,
                struct error *e) MUST_USE;
void filter_finish(struct filter *f);
/* All conditions over the rows that the engine has just run. */
void filter_run(struct filter *f, const struct frame *event, const struct registers *features,
                const struct decision *decisions, uint32_t rows);
bool filter_holds(const struct filter *f, uint32_t number, uint32_t row);

#endif
