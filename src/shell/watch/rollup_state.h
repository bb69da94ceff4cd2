/* What was counted of a source, beside the tables that were made of it, so that the next run adds
 * only what is new:
 *
 *     audit.rollup_source  a row for each rollup of a source: where its run stood, and the form of
 *                          what was counted; another form (other measures, other fields) is no help
 *     audit.rollup_state   the counts themselves: by period, and the tokens of `distinct`
 *
 * Both are written in the transaction of the tables. Values of the rows are not among them: keys of
 * `by`, which the tables have too, and one-way tokens. */
#ifndef ASSAY_WATCH_ROLLUP_STATE_H
#define ASSAY_WATCH_ROLLUP_STATE_H

#include "shell/watch/rollup_store.h"

/* What one rollup was left with. */
struct rollup_stand {
    char *form, *position; /* NULL: nothing was kept */
    struct rollup_counts counts;
};

void rollup_stand_fini(struct rollup_stand *s);
bool rollup_state_read(struct rollup_store *s, const char *name, struct rollup_stand *stand,
                       struct error *e) MUST_USE;
/* What was counted, into groups that have none yet. */
bool rollup_state_load(struct rollup_store *s, const char *name, const struct rollup_counts *counts,
                       struct rollup_groups *g, struct error *e) MUST_USE;
/* In the transaction of the table: what was counted since, or all of it. *is_overtaken: another run
 * has written since it was read; nothing is written then, and false with ERROR_CONFLICT. */
bool rollup_state_write(struct rollup_store *s, const struct rollup *one, bool *is_overtaken,
                        struct error *e) MUST_USE;

#endif
