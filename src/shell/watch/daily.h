/* The days of a rollup as the daily table (report/daily.h). */
#ifndef ASSAY_WATCH_DAILY_H
#define ASSAY_WATCH_DAILY_H

#include "shell/report/daily.h"
#include "shell/watch/rollup.h"

/* Which rollup is the daily table: the one that is named, else the first with levels, else with a
 * score. ERROR_NOT_FOUND. */
bool daily_find(const struct settings *s, const char *name, const struct rollup_setting **r,
                struct error *e) MUST_USE;
/* Its days, of a finished rollup; the rows are the caller's (mem_free), their texts borrowed from
 * the rollup and the settings. Columns are found by their names: tx_count, avg_tx_amount,
 * risky_tx_count, ctr and the rollup's own score, reason, level and action; those that the table
 * does not keep too. ERROR_INVALID: it has no days, or several rows a day. */
bool daily_take(const struct settings *s, const struct rollup *r, struct daily *d,
                struct daily_row **rows, struct error *e) MUST_USE;

#endif
