/* What was said of events before: so that an import can be repeated, and contradictions are seen.
 *
 * A statement is event, source, date and label. Kept as 128-bit hashes, 32 bytes each. One thread.
 */
#ifndef ASSAY_RUN_LABEL_KNOWN_H
#define ASSAY_RUN_LABEL_KNOWN_H

#include "shell/run/label_rows.h"

struct label_known;

struct label_known *label_known_new(void);
void label_known_free(struct label_known *k); /* takes NULL */
/* All labels of a log; and where in it the events of the rows are, however long ago: the shard
 * itself remembers ids within a horizon only, and chargebacks come late. */
bool label_known_read(struct label_known *k, const char *log_directory, struct label_rows *rows,
                      struct error *e) MUST_USE;
/* LABEL_OPEN where the row is new; it then counts as said. LABEL_REPEATED or LABEL_CONTRADICTING
 * else. A row without a date is a repetition of the same statement of any date. */
enum label_fate label_known_add(struct label_known *k, const struct label_row *row);

#endif
