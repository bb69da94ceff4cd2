/* Rollups: tables by hour, day or month of anything that the settings can read, with joins, derived
 * columns, a score, a label, reasons and levels. docs/rollups.md is for users.
 *
 *     source -> periods and keys -> join -> columns -> score -> label -> reason, level -> table
 *            rollup_groups.h     rollup_finish.h                                   rollup_store.h
 *
 * Rules that hold:
 * 1. What a table is depends on the rows of its sources only, not on their order, on batches or on
 *    earlier runs: a run over more rows gives what a first run over all of them gives.
 * 2. Rollups are made in the order of what they are made of; each sees of another only the columns
 *    that its table has.
 * 3. Memory is bounded for each table (rollup_rows.h); beyond it is an error, never a part.
 *
 * One thread. The settings must outlive it.
 */
#ifndef ASSAY_WATCH_ROLLUP_H
#define ASSAY_WATCH_ROLLUP_H

#include "core/base/progress.h"
#include "shell/watch/rollup_finish.h"
#include "shell/watch/rollup_groups.h"

/* What one was given of its source. */
struct rollup_taken {
    bool goes_on;    /* only what is new since the last run */
    uint64_t rows;   /* that were read now, whether counted or not */
    const char *why; /* all was read; NULL: there was nothing to go on from, or it goes on */
    char *form;      /* of what is counted; NULL: nothing is kept for the next run */
    char *before;    /* where it stood */
    char *now;       /* where it stands */
};

/* One rollup, as far as it is made. */
struct rollup {
    const struct rollup_setting *setting;
    struct period_zone zone;
    bool is_wanted;
    struct rollup_groups
        *groups;              /* of a source's rows; NULL: of another rollup, or rows as they are */
    struct rollup_rows plain; /* of a source: its rows as they are */
    struct rollup_taken taken;
    struct rollup_rows rows; /* the table; after rollups_finish */
    struct rollup_counts counts;
    struct rollup_label label;
};

struct rollups {
    const struct settings *settings;
    struct rollup *rollup; /* in the settings' order */
    uint32_t count;
    struct schema **held; /* of rows that were added */
    uint32_t held_count;
};

/* `name` NULL: all; else this one and what it is made of. ERROR_NOT_FOUND, with the nearest. */
bool rollups_open(const struct settings *s, const char *name, struct rollups **r,
                  struct error *e) MUST_USE;
void rollups_free(struct rollups *r); /* takes NULL */
/* Whether a wanted one is of this source itself. */
bool rollups_want(const struct rollups *r, const char *source);
/* Rows of a source of the settings, or of the decisions; the schema is the same each time and must
 * outlive the rollups. */
bool rollups_begin(struct rollups *r, const char *source, const struct schema *schema,
                   struct error *e) MUST_USE;
bool rollups_add(struct rollups *r, const char *source, const struct schema *schema,
                 const struct frame *f, struct error *e) MUST_USE;
/* A copy of a schema that lives as long as the rollups. */
struct schema *rollups_hold(struct rollups *r, const struct schema *schema);
/* Makes the tables of what was added so far; more may be added, and it be called again. */
bool rollups_finish(struct rollups *r, struct error *e) MUST_USE;
const struct rollup *rollups_find(const struct rollups *r, const char *name); /* or NULL */

#endif
