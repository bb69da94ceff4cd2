/* Base64 (RFC 4648, section 4), with padding. */
#ifndef ASSAY_DATA_BASE64_H
#define ASSAY_DATA_BASE64_H

#include "core/base/buffer.h"

void base64_encode(const void *bytes, size_t length, struct buffer *out);
/* Appends the bytes; false: this is none. */
bool base64_decode(struct text t, struct buffer *out) MUST_USE;

#endif
