/* Rows counted by period and keys: the measures of a rollup, exactly and in any order of rows.
 *
 * Sums are those of velocity's windows (core/velocity/result.h), in fixed point, so rows may come
 * in any order, in any batches and late, and the measures have the same bits. It holds a few words
 * for each group and measure, and each different value that `distinct` has seen once, within
 * ROLLUP_BYTES_MAX together. Rows may be added after reading: reading changes nothing.
 */
#ifndef ASSAY_WATCH_ROLLUP_GROUPS_H
#define ASSAY_WATCH_ROLLUP_GROUPS_H

#include "shell/watch/rollup_rows.h"

struct rollup_groups;

struct rollup_counts {
    uint64_t rows;     /* counted */
    uint64_t timeless; /* left out: without a time */
};

/* Of rows of this schema, which must outlive it, as the setting says. `zone` is borrowed. Errors
 * have their place in the settings. */
bool rollup_groups_open(const struct settings *s, const struct rollup_setting *setting,
                        const struct schema *schema, int time, const struct period_zone *zone,
                        struct rollup_groups **g, struct error *e) MUST_USE;
void rollup_groups_free(struct rollup_groups *g); /* takes NULL */
bool rollup_groups_add(struct rollup_groups *g, const struct frame *f, struct error *e) MUST_USE;
/* The groups as rows in order, into empty `rows`. */
bool rollup_groups_read(const struct rollup_groups *g, struct rollup_rows *rows,
                        struct error *e) MUST_USE;
void rollup_groups_counts(const struct rollup_groups *g, struct rollup_counts *counts);

#endif
