/* What the events of a log turned out to be, as far as it is known at the log's end: for backtests,
 * which may look back. (Features never may: they see labels from their effective time on.) */
#ifndef ASSAY_RUN_TRUTH_H
#define ASSAY_RUN_TRUTH_H

#include <stdint.h>

#include "core/base/progress.h"
#include "core/decide/plan.h"

struct truth;

/* Reads the LABEL records of the log; 16 bytes for each labelled event. */
bool truth_read(const char *log_directory, const struct progress *p, struct truth **t,
                struct error *e) MUST_USE;
void truth_free(struct truth *t); /* takes NULL */
/* The last label of the event of record `seq`: true and 0, 1 or LABEL_UNKNOWN (taken back); false:
 * no label record speaks of it. */
bool truth_find(const struct truth *t, uint64_t seq, uint8_t *label);
/* What is known of an event that is row `row` of a frame under the plan's schema: what a label
 * record says, else its own field, else legitimate where the settings say that a label's absence
 * means so and it had time to come. */
uint8_t truth_label(const struct truth *t, uint64_t seq, const struct plan *p,
                    const struct frame *f, uint32_t row, int64_t time_us);
/* The newest time of receipt of any record; INT64_MIN: the log is empty. */
int64_t truth_newest_us(const struct truth *t);

#endif
