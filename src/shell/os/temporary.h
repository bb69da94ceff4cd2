/* A file for what does not fit into memory: it has no name, so whatever ends the process, the disk
 * gets its room back. Written at its end, read anywhere. One thread. */
#ifndef ASSAY_OS_TEMPORARY_H
#define ASSAY_OS_TEMPORARY_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

struct temporary;

/* In `directory`, which must exist. */
bool temporary_open(const char *directory, struct temporary **t, struct error *e) MUST_USE;
void temporary_close(struct temporary *t); /* takes NULL */

/* ERROR_FULL, with the directory and how much stands in the file, where the disk is full. */
bool temporary_append(struct temporary *t, const void *bytes, size_t length,
                      struct error *e) MUST_USE;
uint64_t temporary_length(const struct temporary *t);
/* What lies there was appended before: less than `length` is a failure. */
bool temporary_read(const struct temporary *t, uint64_t at, void *out, size_t length,
                    struct error *e) MUST_USE;

#endif
