/* Why a decision was made, in full: all contributions, how usual each value is among all and for
 * the entity itself, and the rules that fired.
 *
 * Exact and cheap: the values of the features stand in the decision's record, so nothing is
 * computed anew but the contributions; the entity's own normal is the median and range of the same
 * features in the records of its last OWN_DECISIONS_MAX decisions before this one, found through
 * the store. It costs the hot path nothing. Events that were only observed (an imported history)
 * have no values in the log and do not count.
 */
#ifndef ASSAY_STORE_EXPLANATION_H
#define ASSAY_STORE_EXPLANATION_H

#include "shell/run/plans.h"
#include "shell/store/store.h"

enum { OWN_DECISIONS_MAX = 200 };

struct explanation_sources {
    const struct log *log;
    struct plans *plans;
    struct store *store; /* NULL: then nothing is said of the entity itself */
};

/* The JSON object of GET /v1/decisions/{id}/explanation. ERROR_NOT_FOUND: the record at seq was
 * never decided. */
bool explanation_write(const struct explanation_sources *s, uint64_t seq, struct buffer *out,
                       struct error *e) MUST_USE;

/* The reasons of a parsed decision that was made without them (DECISION_DEFERRED), from the values
 * in its record; `values` without any: there are none. */
bool explanation_reasons(struct plan *plan, struct text values, struct decision *d,
                         struct error *e) MUST_USE;

#endif
