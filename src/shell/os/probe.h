/* How this machine behaves, for `assay doctor`: looked at, and left as it was. */
#ifndef ASSAY_OS_PROBE_H
#define ASSAY_OS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/* The median time of a few small writes with their sync, in a file there that is removed again. */
bool probe_sync(const char *directory, int64_t *us, struct error *e) MUST_USE;

/* Whether the kernel's clock is held to a time server, and by how much it may be wrong. False: the
 * system does not tell. */
bool probe_clock(bool *is_held, int64_t *wrong_us) MUST_USE;

/* Whether somebody listens there; false where nobody does, or the host is none of this machine. */
bool probe_port(const char *host, uint16_t port) MUST_USE;

/* Who may do what with a directory: its permission bits, and whether we may write into it. */
bool probe_directory(const char *path, unsigned *mode, bool *is_writable, struct error *e) MUST_USE;

#endif
