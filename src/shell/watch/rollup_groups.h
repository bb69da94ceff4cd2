/* Rows counted by period and keys: the measures of a rollup, exactly and in any order of rows.
 *
 * Sums are those of velocity's windows (core/velocity/result.h), in fixed point, so rows may come
 * in any order, in any batches and late, and the measures have the same bits. It holds a few words
 * for each group and measure, and each different value that `distinct` has seen once, within
 * ROLLUP_BYTES_MAX together. Rows may be added after reading: reading changes nothing.
 *
 * What was counted can be kept and loaded again, so that a later run adds only what is new: groups
 * by their period, and the tokens of different values. Both depend on nothing but the rows.
 */
#ifndef ASSAY_WATCH_ROLLUP_GROUPS_H
#define ASSAY_WATCH_ROLLUP_GROUPS_H

#include "shell/watch/rollup_rows.h"

struct rollup_groups;

struct rollup_counts {
    uint64_t rows;     /* counted */
    uint64_t timeless; /* left out: without a time, or one that the zone dates in no year */
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

/* What was counted, in pieces of at most ROLLUP_PIECE_BYTES (one group or token more) for `put`:
 * groups of one period, and tokens of one measure. Of groups that were loaded only the periods that
 * got rows since then come, whole, and of tokens those that are new. */
enum { ROLLUP_PIECE_BYTES = 128 << 10, ROLLUP_OF_GROUPS = -1 };

struct rollup_piece {
    int32_t measure;  /* of its tokens, or ROLLUP_OF_GROUPS */
    int64_t start_us; /* of the period; of tokens 0 */
    uint32_t part;    /* from 0 for each period; of tokens behind those that were loaded */
    struct text state;
};

bool rollup_groups_keep(const struct rollup_groups *g,
                        bool (*put)(void *context, const struct rollup_piece *p, struct error *e),
                        void *context, struct error *e) MUST_USE;
/* A piece that was kept by a rollup of the same form; before any row is added. */
bool rollup_groups_load(struct rollup_groups *g, const struct rollup_piece *p,
                        struct error *e) MUST_USE;
void rollup_groups_loaded(struct rollup_groups *g, const struct rollup_counts *counts); /* all */

#endif
