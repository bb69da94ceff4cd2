/* The next segment's file, written full of zeros and synced on its own thread while the present
 * one is in use: so neither the engine nor a commit ever waits for that. Asked and taken from the
 * engine's thread. A failure (a full disk) is silent here: log_reserve then tries itself, and says.
 */
#ifndef ASSAY_LOG_AHEAD_H
#define ASSAY_LOG_AHEAD_H

#include <stdbool.h>
#include <stddef.h>

#define AHEAD_NAME "next.zeros"

struct ahead;
struct ahead *ahead_start(int directory, size_t segment_bytes); /* NULL: no thread to be had */
void ahead_stop(struct ahead *a); /* takes NULL; removes what was not taken */
void ahead_ask(struct ahead *a);
/* The fd of a finished file (named AHEAD_NAME, now the caller's), or -1. */
int ahead_take(struct ahead *a, size_t *bytes);

#endif
