/* A decision made again from what its record keeps: the values of all features, as they were read
 * then. Score, probability, level, outcome and reasons come from the model and thresholds of the
 * plan that decided, and are compared to the bit; which rules fired is taken from the record, for
 * their conditions may read windows. (Everything from the first event on: run/replay.h.) */
#ifndef ASSAY_STORE_PROOF_H
#define ASSAY_STORE_PROOF_H

#include "shell/store/explanation.h"

/* The JSON object of POST /v1/decisions/{id}:replay. Of `sources` the store is not asked.
 * ERROR_NOT_FOUND: the record at seq was never decided. */
bool proof_write(const struct explanation_sources *s, uint64_t seq, struct buffer *out,
                 struct error *e) MUST_USE;

#endif
