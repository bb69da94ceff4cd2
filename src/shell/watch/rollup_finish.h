/* From counted rows to a table: joins, columns, score, label, reason, level. */
#ifndef ASSAY_WATCH_ROLLUP_FINISH_H
#define ASSAY_WATCH_ROLLUP_FINISH_H

#include "shell/watch/rollup_rows.h"

#define ROLLUP_SCORE  "fraud_score"
#define ROLLUP_LABEL  "fraud_label"
#define ROLLUP_REASON "fraud_reason"
#define ROLLUP_LEVEL  "alert_level"
#define ROLLUP_ACTION "action"

/* What became of the label. */
struct rollup_label {
    bool has, has_threshold;
    double threshold; /* of a percentile */
    uint64_t positives;
};

/* Marks what the table has of the columns that came from outside; refuses names in `keep` that are
 * none. `outside`: by column of the rows. */
bool rollup_keep(const struct settings *s, const struct rollup_setting *r, const uint8_t *outside,
                 struct rollup_rows *rows, struct error *e) MUST_USE;
/* The kept columns of another table beside ours, by period and its keys: null where it has no row.
 */
bool rollup_join(const struct settings *s, const struct rollup_setting *r,
                 const struct rollup_rows *other, struct rollup_rows *rows,
                 struct error *e) MUST_USE;
/* All that follows, as the setting says. */
bool rollup_finish(const struct settings *s, const struct rollup_setting *r,
                   struct rollup_rows *rows, struct rollup_label *label, struct error *e) MUST_USE;

#endif
