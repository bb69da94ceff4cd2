/* For tests: makes the n-th change of the disk fail. Every write, sync, allocation, creation and
 * renaming of the log goes through disk.c, which asks here first; a struck write leaves half of its
 * bytes behind, as a real one may. Not thread-safe to set while a log is in use. */
#ifndef ASSAY_LOG_FAULT_H
#define ASSAY_LOG_FAULT_H

#include <stdbool.h>

/* nth: 1 = the next operation, 0 = none. Lasting: all after it fail too. */
void log_fault_set(long nth, int error_number, bool is_lasting);
bool log_fault_struck(void); /* since it was set */

#endif
