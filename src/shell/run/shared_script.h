/* The scripts that Redis runs: see shared_script.c. */
#ifndef ASSAY_RUN_SHARED_SCRIPT_H
#define ASSAY_RUN_SHARED_SCRIPT_H

extern const char shared_script_text[];
/* Raises the gap, the time of the newest event that is missing: KEYS[1], ARGV time and life in ms.
 */
extern const char shared_gap_text[];

#endif
