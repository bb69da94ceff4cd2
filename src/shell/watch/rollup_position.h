/* Where a run of rollups stands in a source, as a text that is kept beside the tables, and what is
 * to be read from there on.
 *
 *     files      of each its size, time of change, a digest of its bytes and its path. Those that
 *                are as they were are passed over, of those that have grown (plain CSV by whole
 *                lines, and NDJSON) the new end is read, others whole.
 *     a table    the greatest value of the column that grows, and how many rows are up to it. Where
 *                that count is another now, rows came late or are gone.
 *
 * Where anything else has changed, the position does not go on: all is read, from nothing. */
#ifndef ASSAY_WATCH_ROLLUP_POSITION_H
#define ASSAY_WATCH_ROLLUP_POSITION_H

#include "shell/settings/settings.h"
#include "shell/source/source.h"

enum { ROLLUP_POSITION_MAX = 1 << 20 }; /* bytes of such a text */

struct rollup_position {
    bool goes_on;    /* only what is new is to be read */
    bool is_current; /* nothing is */
    struct buffer now;
    bool is_kept;                /* false: `now` says nothing, the next run reads all */
    struct source_piece *pieces; /* of files, all of them */
    uint32_t piece_count;
    char *query;      /* of a table, what is to be read */
    uint64_t counted; /* of its rows, before */
    char *greatest;   /* value of the column; NULL: no row has any */
};

void rollup_position_fini(struct rollup_position *p); /* also of a zeroed struct */
/* Of the files of a pattern. `before` NULL: never read. */
bool rollup_position_files(const char *pattern, const char *before, struct rollup_position *p,
                           struct error *e) MUST_USE;
/* All files from their first byte after all. */
void rollup_position_anew(struct rollup_position *p);
/* Of a table or query with a column that grows. */
bool rollup_position_table(const struct settings *s, const struct source_setting *source,
                           const char *before, struct rollup_position *p, struct error *e) MUST_USE;
/* After so many rows of it were read. */
void rollup_position_count(struct rollup_position *p, uint64_t rows);

#endif
