/* The scripts that Redis runs: see shared_script.c. */
#ifndef ASSAY_RUN_SHARED_SCRIPT_H
#define ASSAY_RUN_SHARED_SCRIPT_H

extern const char shared_script_text[];
/* A node comes: KEYS the mark and the layout, ARGV a new mark and its layout. Answers the mark, and
 * 1 where another layout was kept until now. */
extern const char shared_join_text[];
/* Raises the gap, the time of the newest event that is missing: KEYS[1], ARGV time and life in ms.
 */
extern const char shared_gap_text[];

#endif
