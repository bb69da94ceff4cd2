/* gzip (RFC 1952) of bytes in memory. */
#ifndef ASSAY_OS_GZIP_H
#define ASSAY_OS_GZIP_H

#include "core/base/buffer.h"

/* Appended to `out`; false, and nothing appended, where that does not make it shorter. */
bool gzip_pack(struct text bytes, struct buffer *out) MUST_USE;
/* The other way, of bytes that are `length` long unpacked; false, and nothing appended, where they
 * are none, or another length. */
bool gzip_unpack(struct text packed, size_t length, struct buffer *out) MUST_USE;

#endif
