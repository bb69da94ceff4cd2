/* The service's own decisions as rows, from its log: the events' fields, and
 *
 *     received_at  when it came         score        0 to 1000
 *     probability  of the model         outcome, level
 *
 * unless the events have a field of that name. Personal fields are null. The fields are those of
 * the newest plan in the log; of decisions under an earlier one what both have. Events that were
 * only observed, and labels, are not among them. It reads on from where it was, so a service keeps
 * its tables up with its log at the cost of what is new. One thread. */
#ifndef ASSAY_WATCH_ROLLUP_DECISIONS_H
#define ASSAY_WATCH_ROLLUP_DECISIONS_H

#include "shell/watch/rollup.h"

struct rollup_decisions;

/* ERROR_NOT_FOUND: there is no log yet. */
bool rollup_decisions_open(const struct settings *s, struct rollup_decisions **d,
                           struct error *e) MUST_USE;
void rollup_decisions_close(struct rollup_decisions *d); /* takes NULL */
/* What the log has since the last time, up to `until` (UINT64_MAX: its end), into the rollups. A
 * new plan with other fields begins them anew, from the first record. */
bool rollup_decisions_follow(struct rollup_decisions *d, struct rollups *r, uint64_t until,
                             const struct progress *progress, struct error *e) MUST_USE;
uint64_t rollup_decisions_seq(const struct rollup_decisions *d); /* the last record read */

/* Where it stands, as a text, and going on from there: *goes_on false where the log is another one
 * or its first records are not the same, as after retention. */
bool rollup_decisions_position(struct rollup_decisions *d, struct buffer *out,
                               struct error *e) MUST_USE;
bool rollup_decisions_resume(struct rollup_decisions *d, const char *position, bool *goes_on,
                             struct error *e) MUST_USE;
const struct schema *rollup_decisions_schema(const struct rollup_decisions *d); /* or NULL */
bool rollup_decisions_is_anew(const struct rollup_decisions *d); /* it began with the first */

#endif
